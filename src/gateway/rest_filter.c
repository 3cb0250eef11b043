/*
 * rest_filter.c
 *		Reads filters: column=[not.]op.value, and=(...) and or=(...).
 *
 * Inside parentheses an item is column.[not.]op.value or [not.]and(...), and a value
 * with reserved characters stands in double quotes.  Nothing here looks at the
 * catalog.
 *
 * Memory:		the caller's context.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "gateway/rest.h"
#include "gateway/rest_parse.h"

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

static CgRestFilter *parse_item(char *item);

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
refuse_operator(const char *operation)
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

/* [not.]op.value; in a group a value may be quoted as a whole. */
static CgRestFilter *
parse_operation(char *column, const char *operation, bool in_group)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));
	size_t        length;
	int           i = 0;

	cg_rest_refuse_path(column);
	filter->column = column;
	filter->negated = skip_prefix(&operation, "not.");
	length = strcspn(operation, ".");
	while (i < lengthof(operators) &&
		   (strlen(operators[i].name) != length || operation[length] != '.' ||
			strncmp(operation, operators[i].name, length) != 0))
		i++;
	if (i == lengthof(operators))
		refuse_operator(operation);

	filter->op = operators[i].op;
	filter->value = pstrdup(operation + length + 1);
	length = strlen(filter->value);
	if (filter->op == CG_REST_IN)
	{
		if (length < 2 || filter->value[0] != '(' || filter->value[length - 1] != ')')
			cg_rest_refuse("filter", operation);
		filter->values =
			cg_rest_parse_list(pnstrdup(filter->value + 1, length - 2), "filter");
	}
	else if (in_group && filter->value[0] == '"')
		filter->value = linitial(cg_rest_parse_list(filter->value, "filter"));
	return filter;
}

/* The filters of "(a,b)": split at the commas outside of quotes and parentheses. */
static List *
parse_members(const char *group)
{
	const char *last = group + strlen(group) - 1;
	const char *start = group + 1;
	List       *members = NIL;
	bool        is_quoted = false;
	int         depth = 0;

	if (group[0] != '(' || last <= start || *last != ')')
		cg_rest_refuse("filter", group);
	for (const char *p = start; p <= last; p++)
	{
		if (is_quoted && *p == '\\')
			p++;
		else if (*p == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && *p == '(')
			depth++;
		else if (!is_quoted && *p == ')' && p < last && --depth < 0)
			break;
		else if (!is_quoted && depth == 0 && (*p == ',' || p == last))
		{
			members = lappend(members, parse_item(pnstrdup(start, p - start)));
			start = p + 1;
		}
	}
	if (is_quoted || depth != 0 || start != last + 1)
		cg_rest_refuse("filter", group);
	return members;
}

/* A group named by [not.]and or [not.]or, or NULL; *name is then behind its name. */
static CgRestFilter *
parse_group(const char **name)
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

/* An item of a group. */
static CgRestFilter *
parse_item(char *item)
{
	const char   *behind = item;
	CgRestFilter *filter = parse_group(&behind);
	char         *dot;

	check_stack_depth();
	if (filter != NULL && *behind == '(')
	{
		filter->members = parse_members(behind);
		return filter;
	}
	dot = strchr(item, '.');
	if (dot == NULL || dot == item)
		cg_rest_refuse("filter", item);
	*dot = '\0';
	return parse_operation(item, dot + 1, true);
}

CgRestFilter *
cg_rest_parse_filter(const CgParam *param)
{
	const char   *behind = param->name;
	CgRestFilter *filter = parse_group(&behind);

	if (filter == NULL || *behind != '\0')
		return parse_operation(param->name, param->value, false);
	filter->members = parse_members(param->value);
	return filter;
}
