/*
 * target.c
 *		Parses request targets: RFC 9112 section 3.2.1, RFC 3986 section 2.1, and
 *		"+" for a blank in query strings (the URL standard's form encoding).
 *
 * A segment is decoded after the path is split, so %2F never makes a segment.
 *
 * Memory:		the caller's context.
 * Errors:		none raised.
 * Called by:	http.c and caller.c; handlers for its parts
 * Shown by:	test/sql/http.sql
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "core/hex.h"
#include "inbound/target.h"

#define MAX_PARAMS 256
#define MAX_SEGMENTS 16

/* Decodes length bytes; NULL when an escape is broken or the result is not text. */
static char *
decode(const char *from, size_t length, bool plus_is_blank)
{
	char  *result = palloc(length + 1);
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
	{
		int c = (unsigned char) from[i];

		if (c == '%')
		{
			int high = i + 2 < length ? cg_hex_value(from[i + 1]) : -1;

			c = i + 2 < length ? cg_hex_value(from[i + 2]) : -1;
			if (high < 0 || c < 0)
				return NULL;
			c |= high << 4;
			i += 2;
		}
		else if (c == '+' && plus_is_blank)
			c = ' ';
		if (c == '\0')
			return NULL;
		result[n++] = (char) c;
	}
	result[n] = '\0';
	return pg_verify_mbstr(PG_UTF8, result, n, true) ? result : NULL;
}

static bool
split_path(CgTarget *target, const char **reason)
{
	const char *cursor = target->path;

	while (*cursor == '/')
	{
		size_t length = strcspn(++cursor, "/");
		char  *segment = decode(cursor, length, false);

		if (segment == NULL)
			*reason = "the path has a broken escape";
		else if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			*reason = "the path has a dot segment";
		else if (list_length(target->segments) >= MAX_SEGMENTS)
			*reason = "the path has too many segments";
		else
		{
			/* A trailing slash names the same resource. */
			if (length > 0 || cursor[length] != '\0')
				target->segments = lappend(target->segments, segment);
			cursor += length;
			continue;
		}
		return false;
	}
	return true;
}

static bool
split_query(CgTarget *target, const char *query, const char **reason)
{
	while (*query != '\0')
	{
		size_t length = strcspn(query, "&");
		size_t name_length = Min(strcspn(query, "="), length);

		if (length > 0)
		{
			CgParam *param = palloc(sizeof(CgParam));

			param->name = decode(query, name_length, true);
			param->value = name_length == length ? pstrdup("")
												 : decode(query + name_length + 1,
														  length - name_length - 1, true);
			if (param->name == NULL || param->value == NULL)
			{
				*reason = "the query string has a broken escape";
				return false;
			}
			if (list_length(target->params) >= MAX_PARAMS)
			{
				*reason = "the query string has too many parameters";
				return false;
			}
			target->params = lappend(target->params, param);
		}
		query += length;
		if (*query == '&')
			query++;
	}
	return true;
}

bool
cg_target_parse(const char *text, CgTarget *result, const char **reason)
{
	size_t path_length = strcspn(text, "?");

	memset(result, 0, sizeof(*result));
	if (text[0] != '/' || strchr(text, '#') != NULL)
	{
		*reason = "the request target is not a path";
		return false;
	}
	result->path = pnstrdup(text, path_length);
	return split_path(result, reason) &&
		   (text[path_length] == '\0' ||
			split_query(result, text + path_length + 1, reason));
}

const char *
cg_target_param(const CgTarget *target, const char *name)
{
	ListCell *cell;

	foreach (cell, target->params)
	{
		CgParam *param = lfirst(cell);

		if (strcmp(param->name, name) == 0)
			return param->value;
	}
	return NULL;
}

bool
cg_target_param_repeats(const CgTarget *target, const char *name)
{
	int       count = 0;
	ListCell *cell;

	foreach (cell, target->params)
	{
		CgParam *param = lfirst(cell);

		if (strcmp(param->name, name) == 0)
			count++;
	}
	return count > 1;
}
