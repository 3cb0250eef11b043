/*
 * webhook_json.c
 *		Mends the escapes that jsonb refuses, then leaves parsing to jsonb.
 *
 * Memory:		the caller's context.
 * Errors:		those of jsonb_in() and cg_json_admit().
 * Called by:	receive.c, webhook_sql.c
 * Shown by:	test/sql/webhooks.sql
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/json_size.h"
#include "core/hex.h"
#include "inbound/webhook_json.h"

/* The code unit of "\uXXXX", or -1. */
static int
read_unit(const char *text, const char *end)
{
	int unit = 0;

	if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		int digit = cg_hex_value(text[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Puts U+FFFD for each escape that stands for no character; as long as before. */
static void
mend_escapes(char *text, size_t length)
{
	char *end = text + length;

	while ((text = memchr(text, '\\', end - text)) != NULL)
	{
		int unit = read_unit(text, end);

		if (unit < 0)
			text += 2; /* another escape, or none at all: the parser will say so */
		else if (unit >= 0xD800 && unit <= 0xDBFF && read_unit(text + 6, end) >= 0xDC00 &&
				 read_unit(text + 6, end) <= 0xDFFF)
			text += 12;
		else
		{
			if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF))
				memcpy(text, "\\ufffd", 6);
			text += 6;
		}
		if (text >= end)
			break;
	}
}

Jsonb *
cg_webhook_parse(const bytea *body)
{
	size_t length = VARSIZE_ANY_EXHDR(body);
	char  *text;
	Jsonb *json;

	if (length == 0 ||
		pg_verify_mbstr_len(PG_UTF8, VARDATA_ANY(body), (int) length, true) < 0)
		return NULL;
	text = pnstrdup(VARDATA_ANY(body), length);
	mend_escapes(text, length);
	json = cg_json_read(text);
	pfree(text);
	return JB_ROOT_IS_OBJECT(json) ? json : NULL;
}
