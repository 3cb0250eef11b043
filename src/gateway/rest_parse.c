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
#include "gateway/rest_parse.h"

#define MAX_LIST 1000

void
cg_rest_refuse(const char *what, const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("failed to parse %s \"%.100s\"", what, value)));
}

void
cg_rest_refuse_feature(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("not supported yet: %.200s", what)));
}

void
cg_rest_refuse_path(const char *name)
{
	if (strstr(name, "->") != NULL)
		cg_rest_refuse_feature(psprintf("JSON path \"%.100s\"", name));
	if (strchr(name, '.') != NULL)
		cg_rest_refuse_feature(psprintf("\"%.100s\", a column of another table", name));
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
				cg_rest_refuse(what, start);
			appendStringInfoChar(&item, *p);
		}
		p++;
		if (*p != '\0' && *p != delimiter)
			cg_rest_refuse(what, start);
	}
	else
	{
		while (*p != '\0' && *p != delimiter)
			appendStringInfoChar(&item, *p++);
	}
	*cursor = p;
	return item.data;
}

/* An empty text is an empty list. */
List *
cg_rest_parse_list(const char *value, const char *what)
{
	const char *cursor = value;
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

	foreach (cell, cg_rest_parse_list(value, "select parameter"))
	{
		char         *item = lfirst(cell);
		CgRestColumn *column = palloc0(sizeof(CgRestColumn));
		char         *colon = strchr(item, ':');

		if (strpbrk(item, "()") != NULL || strstr(item, "::") != NULL)
			cg_rest_refuse_feature(psprintf(
				"select item \"%.100s\", an embedded table, function or cast", item));
		cg_rest_refuse_path(item);
		if (colon != NULL)
		{
			*colon = '\0';
			column->alias = item;
			item = colon + 1;
		}
		if (*item == '\0' || (column->alias != NULL && *column->alias == '\0'))
			cg_rest_refuse("select parameter", value);
		column->name = strcmp(item, "*") == 0 ? NULL : item;
		result = lappend(result, column);
	}
	return result;
}

static List *
parse_order(const char *value)
{
	List     *result = NIL;
	ListCell *cell;

	foreach (cell, cg_rest_parse_list(value, "order parameter"))
	{
		char        *item = lfirst(cell);
		CgRestOrder *order = palloc0(sizeof(CgRestOrder));
		char        *part;

		if (strchr(item, '(') != NULL)
			cg_rest_refuse_feature(psprintf("order by another table, \"%.100s\"", item));
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
				cg_rest_refuse("order parameter", value);
			*part = '\0';
		}
		cg_rest_refuse_path(item);
		if (*item == '\0')
			cg_rest_refuse("order parameter", value);
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

/* What the verb would pass over. */
static void
refuse_unused(const CgRestRequest *request)
{
	if (request->verb == CG_REST_READ)
		return;
	if (request->order != NIL || request->limit >= 0 || request->offset > 0)
		cg_rest_refuse_feature("order, limit and offset of a write");
	if (request->verb == CG_REST_INSERT && request->filters != NIL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("POST takes no filters")));
}

void
cg_rest_parse(const CgTarget *target, CgRestRequest *request)
{
	static const char *const once[] = {"select", "order", "limit", "offset", "columns"};
	ListCell                *cell;

	for (int i = 0; i < lengthof(once); i++)
	{
		if (cg_target_param_repeats(target, once[i]))
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
							errmsg("parameter \"%s\" is given twice", once[i])));
	}
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
			request->columns = cg_rest_parse_list(param->value, "columns parameter");
		else if (strcmp(param->name, "on_conflict") == 0)
			cg_rest_refuse_feature("upsert (on_conflict)");
		else
			request->filters = lappend(request->filters, cg_rest_parse_filter(param));
	}
	refuse_unused(request);
}
