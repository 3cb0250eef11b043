/*
 * rest_body.c
 *		Which columns a body writes.
 *
 * All objects of one body have the same keys, or a value would be lost: a statement
 * writes the same columns of each row.
 *
 * Memory:		the caller's context.
 * Called by:	rest_handlers.c, api_handlers.c
 * Shown by:	test/sql/rest_writes.sql
 */
#include "postgres.h"

#include "inbound/rest.h"
#include "inbound/rest_parse.h"

/* The keys of an object; they come sorted, and each once. */
static List *
object_keys(JsonbContainer *object)
{
	JsonbIterator     *iterator = JsonbIteratorInit(object);
	JsonbValue         value;
	JsonbIteratorToken token;
	List              *keys = NIL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(value.val.string.val, value.val.string.len));
	}
	return keys;
}

static bool
are_same(List *left, List *right)
{
	ListCell *a;
	ListCell *b;

	if (list_length(left) != list_length(right))
		return false;
	forboth(a, left, b, right)
	{
		if (strcmp(lfirst(a), lfirst(b)) != 0)
			return false;
	}
	return true;
}

bool
cg_rest_body_keys(Jsonb *body, List **keys)
{
	JsonbContainer *root = &body->root;

	*keys = NIL;
	if (!JsonContainerIsArray(root))
	{
		*keys = object_keys(root);
		return true;
	}
	for (uint32 i = 0; i < JsonContainerSize(root); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(root, i);

		if (item->type != jbvBinary || !JsonContainerIsObject(item->val.binary.data))
			return false;
		if (i == 0)
			*keys = object_keys(item->val.binary.data);
		else if (!are_same(*keys, object_keys(item->val.binary.data)))
			return false;
	}
	return true;
}
