/*
 * rest_lex.c
 *		The lexemes of a request's URL: blanks, items that may be quoted, lists of them.
 *
 * PostgREST passes over blanks around items, and code of many lines has line ends there
 * too, so both mean nothing outside of double quotes; inside of them every character
 * stands for itself, and a backslash escapes.  Called by rest_parse.c and rest_filter.c.
 *
 * Memory:		the caller's context.
 * Errors:		42601 for quotes that do not end or are followed by something else.
 * Shown by:	test/sql/rest_lists.sql
 */
#include "postgres.h"

#include "inbound/rest_parse.h"

#define MAX_LIST 1000

#define BLANKS " \t\r\n"

const char *
cg_rest_skip_blanks(const char *text)
{
	return text + strspn(text, BLANKS);
}

/* Reads "..." at *cursor, which then stands behind the closing quote. */
static char *
take_quoted(const char **cursor, const char *what)
{
	const char    *p = *cursor + 1;
	StringInfoData item;

	initStringInfo(&item);
	for (; *p != '"'; p++)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0')
			cg_rest_refuse(what, *cursor);
		appendStringInfoChar(&item, *p);
	}
	*cursor = p + 1;
	return item.data;
}

/*
 * Reads up to a delimiter.  Parentheses that are opened within the item and braces around
 * it, an array's, hold delimiters that are not ours.
 */
static char *
take_plain(const char **cursor, const char *delimiters)
{
	const char *start = *cursor;
	const char *p = start;
	const char *end;
	bool        has_braces = *start == '{';
	int         depth = 0;

	for (; *p != '\0'; p++)
	{
		if (has_braces)
			has_braces = *p != '}';
		else if (depth == 0 && strchr(delimiters, *p) != NULL)
			break;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
	}
	*cursor = p;
	for (end = p; end > start && strchr(BLANKS, end[-1]) != NULL; end--)
		;
	return pnstrdup(start, end - start);
}

char *
cg_rest_take_item(const char **cursor, const char *delimiters, const char *what,
				  bool *is_quoted)
{
	const char *start = *cursor = cg_rest_skip_blanks(*cursor);
	char       *item;

	*is_quoted = *start == '"';
	if (!*is_quoted)
		return take_plain(cursor, delimiters);
	item = take_quoted(cursor, what);
	*cursor = cg_rest_skip_blanks(*cursor);
	if (**cursor != '\0' && strchr(delimiters, **cursor) == NULL)
		cg_rest_refuse(what, start);
	return item;
}

bool
cg_rest_next_item(const char **cursor, List *items, const char *what)
{
	if (list_length(items) > MAX_LIST)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s has more than %d items", what, MAX_LIST)));
	if (**cursor != ',')
		return false;
	(*cursor)++;
	return true;
}

List *
cg_rest_take_list(const char **cursor, const char *delimiters, const char *what)
{
	List *items = NIL;
	bool  is_quoted;

	*cursor = cg_rest_skip_blanks(*cursor);
	if (**cursor == '\0' || (**cursor != ',' && strchr(delimiters, **cursor) != NULL))
		return NIL;
	do
		items = lappend(items, cg_rest_take_item(cursor, delimiters, what, &is_quoted));
	while (cg_rest_next_item(cursor, items, what));
	return items;
}
