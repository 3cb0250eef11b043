/*
 * normalize.c
 *		Brings phone numbers, e-mail addresses and time zone names, as people write
 *		them, into the one form that is stored.
 *
 * Errors:		ZG104, ZG105, ZG106; 22023 for a country that is not in the list.  A
 *				refused number or address is not repeated: messages get into logs.
 *				Of a number, the last two digits are shown.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/errors.h"
#include "core/validate.h"

/* ---- E-mail addresses and time zones ---------------------------------------------- */

/* ASCII only: what else is blank is no part of an address or a zone's name. */
static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
trim_blanks(const text *value, const char **start, size_t *length)
{
	*start = VARDATA_ANY(value);
	*length = VARSIZE_ANY_EXHDR(value);
	while (*length > 0 && is_blank(**start))
	{
		(*start)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*start)[*length - 1]))
		(*length)--;
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_email);

Datum
cg_sql_normalize_email(PG_FUNCTION_ARGS)
{
	const char *start;
	size_t      length;
	text       *result;

	trim_blanks(PG_GETARG_TEXT_PP(0), &start, &length);
	if (!cg_email_valid(start, length))
		ereport(ERROR,
				(errcode(ERRCODE_CG_EMAIL_INVALID), errmsg("invalid e-mail address"),
				 errhint("Use the form name@example.com.")));

	result = cstring_to_text_with_len(start, length);
	/* A domain is the same in any case; the part before it is its host's affair. */
	for (char *c = memchr(VARDATA(result), '@', length); c < VARDATA(result) + length;
		 c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	PG_RETURN_TEXT_P(result);
}

/* Whether a text may be shown in a message: short, and of visible ASCII. */
static bool
is_showable(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (value[i] <= ' ' || value[i] > '~')
			return false;
	}
	return length > 0 && length <= 64;
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_time_zone);

Datum
cg_sql_normalize_time_zone(PG_FUNCTION_ARGS)
{
	const char *start;
	size_t      length;
	const char *found;

	trim_blanks(PG_GETARG_TEXT_PP(0), &start, &length);
	found = cg_time_zone_find(start, length);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CG_TIME_ZONE_INVALID),
				 is_showable(start, length)
					 ? errmsg("time zone \"%.*s\" does not exist", (int) length, start)
					 : errmsg("invalid name of a time zone"),
				 errhint("Use a name of the IANA database, for example "
						 "America/New_York.")));
	PG_RETURN_TEXT_P(cstring_to_text(found));
}
