/*
 * json_walk.c
 *		A walk over JSON on PostgreSQL's own parser, for input that must not raise.
 *
 * The input functions of the json type raise, but their parser returns a status.  The two things in it that could raise are kept out beforehand: deep
 * nesting (its stack check) and bytes that are not UTF-8.
 *
 * Memory:		a context of its own, deleted before returning.
 * Errors:		out of memory only.
 * Called by:	inbound/response.c, outbound/provider.c, tenant/claims.c
 * Shown by:	test/sql/claims.sql
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/json_walk.h"

#define MAX_DEPTH 32

typedef struct Walk
{
	CgJsonVisit visit;
	void       *state;
	bool        refused;
	int         objects;          /* objects open now */
	int         arrays;           /* arrays open now */
	char       *names[MAX_DEPTH]; /* the member being read of each open object */
	List       *seen[MAX_DEPTH];  /* the names met so far in each open object */
} Walk;

/* A cheap count outside of strings; a malformed text is refused by the parser. */
static bool
is_too_deep(const char *json, size_t length)
{
	bool in_string = false;
	int  depth = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (in_string && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			in_string = !in_string;
		else if (!in_string && (json[i] == '{' || json[i] == '['))
		{
			if (++depth > MAX_DEPTH)
				return true;
		}
		else if (!in_string && (json[i] == '}' || json[i] == ']'))
			depth--;
	}
	return false;
}

static void
visit(Walk *walk, const char *token, JsonTokenType type)
{
	StringInfoData path;

	initStringInfo(&path);
	for (int i = 0; i < walk->objects; i++)
		appendStringInfo(&path, "%s%s", i > 0 ? "." : "", walk->names[i]);
	if (!walk->visit(walk->state, path.data, walk->arrays > 0, token, type))
		walk->refused = true;
}

static CgCompatJsonResult
visit_scalar(void *state, char *token, JsonTokenType type)
{
	Walk *walk = state;

	if (walk->objects == 0)
		walk->refused = true; /* the document is not an object */
	else if (!walk->refused)
		visit(walk, token, type);
	return cg_compat_json_go_on();
}

static CgCompatJsonResult
start_object(void *state)
{
	Walk *walk = state;

	if (walk->objects > 0 && !walk->refused)
		visit(walk, NULL, JSON_TOKEN_OBJECT_START);
	walk->names[walk->objects] = NULL;
	walk->seen[walk->objects] = NIL;
	walk->objects++;
	return cg_compat_json_go_on();
}

static CgCompatJsonResult
end_object(void *state)
{
	((Walk *) state)->objects--;
	return cg_compat_json_go_on();
}

static CgCompatJsonResult
start_array(void *state)
{
	Walk *walk = state;

	if (walk->objects == 0)
		walk->refused = true; /* the document is not an object */
	else if (!walk->refused)
		visit(walk, NULL, JSON_TOKEN_ARRAY_START);
	walk->arrays++;
	return cg_compat_json_go_on();
}

static CgCompatJsonResult
end_array(void *state)
{
	((Walk *) state)->arrays--;
	return cg_compat_json_go_on();
}

static CgCompatJsonResult
start_member(void *state, char *name, bool isnull)
{
	Walk     *walk = state;
	List    **seen = &walk->seen[walk->objects - 1];
	ListCell *cell;

	foreach (cell, *seen)
	{
		if (strcmp(lfirst(cell), name) == 0)
			walk->refused = true;
	}
	*seen = lappend(*seen, pstrdup(name));
	/* "a.b" as one name must not pass for b in a. */
	for (char *p = name; *p != '\0'; p++)
	{
		if (*p == '.')
			*p = '\001';
	}
	walk->names[walk->objects - 1] = name;
	return cg_compat_json_go_on();
}

bool
cg_json_walk(const char *json, size_t length, CgJsonVisit visit, void *state)
{
	Walk            walk = {.visit = visit, .state = state};
	JsonSemAction   actions = {.semstate = &walk,
							   .object_start = start_object,
							   .object_end = end_object,
							   .array_start = start_array,
							   .array_end = end_array,
							   .object_field_start = start_member,
							   .scalar = visit_scalar};
	MemoryContext   context;
	MemoryContext   old;
	JsonLexContext *lexer;
	bool            parsed;

	if (is_too_deep(json, length) || pg_verify_mbstr_len(PG_UTF8, json, length, true) < 0)
		return false;

	context = AllocSetContextCreate(CurrentMemoryContext, "cloudgreet JSON walk",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	lexer = cg_compat_json_lexer(json, length);
	parsed = pg_parse_json(lexer, &actions) == JSON_SUCCESS;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return parsed && !walk.refused;
}
