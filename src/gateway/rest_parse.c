/*
 * rest_parse.c
 *		Reads the query string of a table request: the PostgREST URL grammar.
 *
 * Values are quoted with double quotes where they hold reserved characters; a
 * backslash escapes inside quotes.  Nothing here looks at the catalog.
 *
 * Memory:		the caller's context.
 * Errors:		42601 (syntax_error) with a message that names the parameter.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/builtins.h"

#include "gateway/rest.h"

#define MAX_LIST 1000

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

static void
refuse(const char *what, const char *text_value)
{
	ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("failed to parse %s \"%.100s\"", what, text_value)));
}

/*
 * Takes one item up to a delimiter, unquoting it; *cursor then stands on the
 * delimiter or the end.
 */
static char *
take_item(const char **cursor, char delimiter, const char *what)
{
	const char    *start = *cursor;
	const char    *p = start;
	StringInfoData item;

	initStringInfo(&item);
	if (*p == '"')
	{
		for (p++; *p != '"'; p++)
		{
			if (*p == '\\' && p[1] != '\0')
				p++;
			if (*p == '\0')
				refuse(what, start);
			appendStringInfoChar(&item, *p);
		}
		p++;
		if (*p != '\0' && *p != delimiter)
			refuse(what, start);
	}
	else
	{
		while (*p != '\0' && *p != delimiter)
			appendStringInfoChar(&item, *p++);
	}
	*cursor = p;
	return item.data;
}

/* Comma-separated items; an empty text is an empty list. */
static List *
parse_list(const char *text_value, const char *what)
{
	const char *cursor = text_value;
	List       *items = NIL;

	if (*cursor == '\0')
		return NIL;
	for (;;)
	{
		items = lappend(items, take_item(&cursor, ',', what));
		if (list_length(items) > MAX_LIST)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("%s has more than %d items", what, MAX_LIST)));
		if (*cursor == '\0')
			return items;
		cursor++;
	}
}

static List *
parse_select(const char *value)
{
	List     *result = NIL;
	ListCell *cell;

	foreach (cell, parse_list(value, "select parameter"))
	{
		char         *item = lfirst(cell);
		CgRestColumn *column = palloc0(sizeof(CgRestColumn));
		char         *colon = strchr(item, ':');

		if (strpbrk(item, "()") != NULL || strstr(item, "::") != NULL)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("select item \"%.100s\" is not supported", item)));
		if (colon != NULL)
		{
			*colon = '\0';
			column->alias = item;
			item = colon + 1;
		}
		if (*item == '\0' || (column->alias != NULL && *column->alias == '\0'))
			refuse("select parameter", value);
		column->name = strcmp(item, "*") == 0 ? NULL : item;
		result = lappend(result, column);
	}
	return result;
}

static CgRestFilter *
parse_filter(const CgParam *param)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));
	const char   *value = param->value;
	size_t        length;

	filter->column = param->name;
	if (strncmp(value, "not.", 4) == 0)
	{
		filter->negated = true;
		value += 4;
	}
	length = strcspn(value, ".");
	for (int i = 0; i < lengthof(operators); i++)
	{
		if (strlen(operators[i].name) != length || value[length] != '.' ||
			strncmp(value, operators[i].name, length) != 0)
			continue;
		filter->op = operators[i].op;
		value += length + 1;
		if (filter->op != CG_REST_IN)
		{
			filter->value = pstrdup(value);
			return filter;
		}
		length = strlen(value);
		if (length < 2 || value[0] != '(' || value[length - 1] != ')')
			refuse("filter", param->value);
		filter->values = parse_list(pnstrdup(value + 1, length - 2), "filter");
		return filter;
	}
	refuse("filter", param->value);
	return NULL; /* not reached */
}

static List *
parse_order(const char *value)
{
	List     *result = NIL;
	ListCell *cell;

	foreach (cell, parse_list(value, "order parameter"))
	{
		char        *item = lfirst(cell);
		CgRestOrder *order = palloc0(sizeof(CgRestOrder));
		char        *part;

		order->column = item;
		while ((part = strrchr(item, '.')) != NULL)
		{
			if (strcmp(part, ".desc") == 0)
				order->descending = true;
			else if (strcmp(part, ".nullsfirst") == 0)
				order->nulls = -1;
			else if (strcmp(part, ".nullslast") == 0)
				order->nulls = 1;
			else if (strcmp(part, ".asc") != 0)
				refuse("order parameter", value);
			*part = '\0';
		}
		if (*item == '\0')
			refuse("order parameter", value);
		result = lappend(result, order);
	}
	return result;
}

static int64
parse_count(const CgParam *param)
{
	char *end;
	int64 count;

	errno = 0;
	count = strtoi64(param->value, &end, 10);
	if (param->value[0] < '0' || param->value[0] > '9' || *end != '\0' || errno != 0)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("parameter \"%s\" must be a whole number", param->name)));
	return count;
}

void
cg_rest_parse(const CgTarget *target, CgRestRequest *request)
{
	ListCell *cell;

	request->limit = -1;
	foreach (cell, target->params)
	{
		CgParam *param = lfirst(cell);

		if (strcmp(param->name, "select") == 0)
			request->select = parse_select(param->value);
		else if (strcmp(param->name, "order") == 0)
			request->order = parse_order(param->value);
		else if (strcmp(param->name, "limit") == 0)
			request->limit = parse_count(param);
		else if (strcmp(param->name, "offset") == 0)
			request->offset = parse_count(param);
		else if (strcmp(param->name, "columns") == 0)
			request->columns = parse_list(param->value, "columns parameter");
		else
			request->filters = lappend(request->filters, parse_filter(param));
	}
}
