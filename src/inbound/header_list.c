/*
 * header_list.c
 *		The lists that request headers hold: RFC 9110, 5.6.1, and preferences, RFC 7240.
 *
 * Items are separated by commas with blanks on either side, some may be empty, and a
 * comma or semicolon in a quoted string separates nothing.  Several lines of one header
 * arrive joined by commas.  Called by rest_headers.c.
 *
 * Memory:		the caller's context.
 * Errors:		none: what is no list of the grammar gives items that nobody knows.
 * Shown by:	test/sql/rest_lists.sql
 */
#include "postgres.h"

#include "inbound/header_list.h"

#define BLANKS " \t"

/* The length up to a delimiter outside of quoted strings. */
static size_t
span(const char *text, char delimiter)
{
	const char *p = text;
	bool        is_quoted = false;

	for (; *p != '\0' && (is_quoted || *p != delimiter); p++)
	{
		if (*p == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && *p == '\\' && p[1] != '\0')
			p++;
	}
	return p - text;
}

/* A copy without blanks around it. */
static char *
trimmed(const char *text, size_t length)
{
	while (length > 0 && strchr(BLANKS, *text) != NULL)
	{
		text++;
		length--;
	}
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		length--;
	return pnstrdup(text, length);
}

static List *
split(const char *text, char delimiter)
{
	List *items = NIL;

	while (text != NULL)
	{
		size_t length = span(text, delimiter);
		char  *item = trimmed(text, length);

		if (*item != '\0')
			items = lappend(items, item);
		text = text[length] != '\0' ? text + length + 1 : NULL;
	}
	return items;
}

List *
cg_header_items(const char *value)
{
	return split(value, ',');
}

/* What a quoted string stands for; any other text is itself. */
static char *
unquoted(char *text)
{
	char *to = text;

	if (*text != '"')
		return text;
	for (const char *from = text + 1; *from != '\0' && *from != '"'; from++)
	{
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

/* Splits "name = value"; without "=" the value is empty, which means the same. */
static CgHeaderParam *
read_param(const char *text)
{
	CgHeaderParam *param = palloc(sizeof(CgHeaderParam));
	size_t         length = strcspn(text, "=");

	param->name = trimmed(text, length);
	text += length;
	if (*text == '=')
		text++;
	param->value = unquoted(trimmed(text, strlen(text)));
	return param;
}

List *
cg_header_params(const char *item)
{
	List     *params = NIL;
	ListCell *cell;

	foreach (cell, split(item, ';'))
		params = lappend(params, read_param(lfirst(cell)));
	return params;
}
