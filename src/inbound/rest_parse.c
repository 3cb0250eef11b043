/*
 * rest_parse.c
 *		Reads the query string of a table request: the PostgREST URL grammar.
 *
 * Filters are read by rest_filter.c, lexemes by rest_lex.c.  Nothing here looks at the
 * catalog.  Called by the handlers of /rest/v1.
 *
 * Memory:		the caller's context.
 * Errors:		42601 (syntax_error) with a message that names the parameter.
 * Shown by:	test/sql/rest_protocol.sql, test/sql/rest_lists.sql
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "inbound/rest.h"
#include "inbound/rest_parse.h"

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
 * A column's name.  A quoted one is no path, whatever it holds; of another the caller
 * says which form with parentheses or "::" it takes for which missing feature.
 */
static char *
take_name(const char **cursor, const char *delimiters, const char *what,
		  const char *before, const char *behind)
{
	const char *start = *cursor;
	bool        is_quoted;
	char       *name = cg_rest_take_item(cursor, delimiters, what, &is_quoted);

	if (!is_quoted && (strpbrk(name, "()") != NULL || strstr(name, "::") != NULL))
		cg_rest_refuse_feature(psprintf("%s \"%.100s\"%s", before, name, behind));
	if (!is_quoted)
		cg_rest_refuse_path(name);
	if (*name == '\0')
		cg_rest_refuse(what, start);
	return name;
}

static char *
take_selected(const char **cursor, const char *delimiters)
{
	return take_name(cursor, delimiters, "select parameter", "select item",
					 ", an embedded table, function or cast");
}

static List *
parse_select(const char *value)
{
	const char *cursor = cg_rest_skip_blanks(value);
	List       *result = NIL;

	if (*cursor == '\0')
		return NIL;
	do
	{
		CgRestColumn *column = palloc0(sizeof(CgRestColumn));
		const char   *start = cursor;

		column->name = take_selected(&cursor, ",:");
		if (*cursor == ':' && cursor[1] == ':')
		{
			/* a cast, which it refuses */
			cursor = start;
			(void) take_selected(&cursor, ",");
		}
		if (*cursor == ':')
		{
			cursor++;
			column->alias = column->name;
			column->name = take_selected(&cursor, ",");
		}
		if (strcmp(column->name, "*") == 0)
			column->name = NULL;
		result = lappend(result, column);
	} while (cg_rest_next_item(&cursor, result, "select parameter"));
	return result;
}

static List *
parse_order(const char *value)
{
	const char *what = "order parameter";
	const char *cursor = cg_rest_skip_blanks(value);
	List       *result = NIL;

	if (*cursor == '\0')
		return NIL;
	do
	{
		CgRestOrder *order = palloc0(sizeof(CgRestOrder));

		order->column = take_name(&cursor, ",.", what, "order by another table,", "");
		/* Directions and NULLs come in any order, as PostgREST takes them. */
		while (*cursor == '.')
		{
			bool  is_quoted;
			char *word;

			cursor++;
			word = cg_rest_take_item(&cursor, ",.", what, &is_quoted);
			if (strcmp(word, "desc") == 0)
				order->descending = true;
			else if (strcmp(word, "nullsfirst") == 0)
				order->nulls = -1;
			else if (strcmp(word, "nullslast") == 0)
				order->nulls = 1;
			else if (strcmp(word, "asc") != 0)
				cg_rest_refuse(what, value);
		}
		result = lappend(result, order);
	} while (cg_rest_next_item(&cursor, result, what));
	return result;
}

static List *
parse_columns(const char *value)
{
	return cg_rest_take_list(&value, ",", "columns parameter");
}

/*
 * A number of rows.  One that is larger than any is the largest, as no table has so many;
 * a negative one is no page, which is answered as such (rest_headers.c).
 */
static int64
parse_count(const CgParam *param, CgRestRequest *request)
{
	const char *digits = param->value + (param->value[0] == '-');
	size_t      length = strspn(digits, "0123456789");

	if (length == 0 || digits[length] != '\0')
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("parameter \"%s\" must be a whole number", param->name)));
	if (digits != param->value)
		request->range_fault =
			psprintf("%s must be greater than or equal to zero", param->name);
	/* It saturates where it overflows. */
	return strtoi64(digits, NULL, 10);
}

/* What the verb would pass over. */
static void
refuse_unused(const CgRestRequest *request)
{
	if (request->verb == CG_REST_READ)
		return;
	if (request->order != NIL || request->limit >= 0 || request->offset > 0 ||
		request->range_fault != NULL)
		cg_rest_refuse_feature("order, limit and offset of a write");
	if (request->verb == CG_REST_INSERT && request->filters != NIL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("POST takes no filters")));
}

void
cg_rest_parse(const CgTarget *target, CgRestRequest *request)
{
	static const char *const once[] = {"select", "order", "limit", "offset", "columns"};
	ListCell                *cell;

	/* Which of two counts is a guess; filters alone may be repeated. */
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
			request->limit = parse_count(param, request);
		else if (strcmp(param->name, "offset") == 0)
			request->offset = parse_count(param, request);
		else if (strcmp(param->name, "columns") == 0)
			request->columns = parse_columns(param->value);
		else if (strcmp(param->name, "on_conflict") == 0)
			cg_rest_refuse_feature("upsert (on_conflict)");
		else
			request->filters = lappend(request->filters, cg_rest_parse_filter(param));
	}
	/* A write that passed a limit over in silence would change more than was asked. */
	refuse_unused(request);
}
