/*
 * rest_filter.c
 *		Reads filters: column=[not.]op.value, and=(...) and or=(...).
 *
 * Inside parentheses an item is column.[not.]op.value or [not.]and(...), and a value
 * with reserved characters stands in double quotes; blanks and line ends around items
 * mean nothing.  Nothing here looks at the catalog.  Called by rest_parse.c.
 *
 * Memory:		the caller's context.
 * Errors:		42601 for what is no filter, 0A000 for operators that are not there yet,
 *				54001 for groups nested too deeply.
 * Shown by:	test/sql/rest_protocol.sql, test/sql/rest_lists.sql
 */
#include "postgres.h"

#include "miscadmin.h"

#include "inbound/rest.h"
#include "inbound/rest_parse.h"

static const struct
{
	const char    *name;
	CgRestOperator op;
} operators[] = {
	{"eq", CG_REST_EQ},     {"neq", CG_REST_NEQ},     {"lt", CG_REST_LT},
	{"lte", CG_REST_LTE},   {"gt", CG_REST_GT},       {"gte", CG_REST_GTE},
	{"like", CG_REST_LIKE}, {"ilike", CG_REST_ILIKE}, {"in", CG_REST_IN},
	{"is", CG_REST_IS},
};

/* PostgREST's other operators, and those of above with "(any)" or "(all)". */
static const char *const operators_not_there[] = {
	"cs",  "cd",    "ov",    "sl",   "sr",    "nxl",    "nxr",        "adj",
	"fts", "plfts", "phfts", "wfts", "match", "imatch", "isdistinct", "eq",
	"gt",  "gte",   "lt",    "lte",  "like",  "ilike",
};

static CgRestFilter *take_member(const char **cursor);

static bool
skip_prefix(const char **value, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(*value, prefix, length) != 0)
		return false;
	*value += length;
	return true;
}

static void
pg_attribute_noreturn() refuse_operator(const char *operation)
{
	size_t length = strcspn(operation, ".(");

	for (int i = 0; i < lengthof(operators_not_there); i++)
	{
		if (strlen(operators_not_there[i]) == length && operation[length] != '\0' &&
			strncmp(operators_not_there[i], operation, length) == 0)
			cg_rest_refuse_feature(
				psprintf("operator \"%.*s\"", (int) strcspn(operation, "."), operation));
	}
	cg_rest_refuse("filter", operation);
}

/* The operator at *cursor, which then stands behind its dot. */
static CgRestOperator
take_operator(const char **cursor)
{
	size_t length = strcspn(*cursor, ".");

	for (int i = 0; i < lengthof(operators); i++)
	{
		if (strlen(operators[i].name) == length && (*cursor)[length] == '.' &&
			strncmp(*cursor, operators[i].name, length) == 0)
		{
			*cursor += length + 1;
			return operators[i].op;
		}
	}
	refuse_operator(*cursor);
}

/* "(a,b)" at *cursor, which then stands behind it and its blanks; operation for an error. */
static List *
take_values(const char **cursor, const char *operation)
{
	List *values;

	*cursor = cg_rest_skip_blanks(*cursor);
	if (**cursor != '(')
		cg_rest_refuse("filter", operation);
	(*cursor)++;
	values = cg_rest_take_list(cursor, ",)", "filter");
	if (**cursor != ')')
		cg_rest_refuse("filter", operation);
	*cursor = cg_rest_skip_blanks(*cursor + 1);
	return values;
}

/*
 * [not.]op.value of a column.  In a group the value ends at a comma or parenthesis and
 * may be quoted; alone it is the rest of the text, as it is.
 */
static CgRestFilter *
take_operation(char *column, const char **cursor, bool in_group)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));
	const char   *operation;
	bool          is_quoted;

	filter->column = column;
	filter->negated = skip_prefix(cursor, "not.");
	operation = *cursor;
	filter->op = take_operator(cursor);
	if (filter->op == CG_REST_IN)
		filter->values = take_values(cursor, operation);
	else if (in_group)
		filter->value = cg_rest_take_item(cursor, ",)", "filter", &is_quoted);
	else
	{
		filter->value = pstrdup(*cursor);
		*cursor += strlen(*cursor);
	}
	return filter;
}

/* "(a,b)" of filters at *cursor, which then stands behind it and its blanks. */
static List *
take_members(const char **cursor)
{
	const char *start = *cursor = cg_rest_skip_blanks(*cursor);
	List       *members = NIL;

	check_stack_depth();
	if (**cursor != '(')
		cg_rest_refuse("filter", start);
	(*cursor)++;
	do
		members = lappend(members, take_member(cursor));
	while (cg_rest_next_item(cursor, members, "filter"));
	if (**cursor != ')')
		cg_rest_refuse("filter", start);
	*cursor = cg_rest_skip_blanks(*cursor + 1);
	return members;
}

/* A group named by [not.]and or [not.]or, or NULL; *name is then behind its name. */
static CgRestFilter *
take_group_name(const char **name)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));

	filter->negated = skip_prefix(name, "not.");
	if (skip_prefix(name, "and"))
		filter->op = CG_REST_AND;
	else if (skip_prefix(name, "or"))
		filter->op = CG_REST_OR;
	else
		return NULL;
	return filter;
}

/* A column's name; a quoted one is no path, whatever it holds. */
static char *
take_column(const char **cursor, const char *delimiters)
{
	const char *start = *cursor;
	bool        is_quoted;
	char       *name = cg_rest_take_item(cursor, delimiters, "filter", &is_quoted);

	if (!is_quoted)
		cg_rest_refuse_path(name);
	if (*name == '\0')
		cg_rest_refuse("filter", start);
	return name;
}

/* An item of a group: [not.]and(...), [not.]or(...) or column.[not.]op.value */
static CgRestFilter *
take_member(const char **cursor)
{
	const char   *start = *cursor = cg_rest_skip_blanks(*cursor);
	const char   *behind = start;
	CgRestFilter *group = take_group_name(&behind);
	char         *column;

	/* A column may begin with the word: only a parenthesis makes it a group. */
	if (group != NULL && *cg_rest_skip_blanks(behind) == '(')
	{
		*cursor = behind;
		group->members = take_members(cursor);
		return group;
	}
	column = take_column(cursor, ".,()");
	if (**cursor != '.')
		cg_rest_refuse("filter", start);
	(*cursor)++;
	return take_operation(column, cursor, true);
}

CgRestFilter *
cg_rest_parse_filter(const CgParam *param)
{
	const char   *name = param->name;
	const char   *cursor = param->value;
	CgRestFilter *filter = take_group_name(&name);

	if (filter != NULL && *name == '\0')
		filter->members = take_members(&cursor);
	else
	{
		name = param->name;
		filter = take_operation(take_column(&name, ""), &cursor, false);
	}
	if (*cursor != '\0')
		cg_rest_refuse("filter", param->value);
	return filter;
}
