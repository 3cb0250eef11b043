/*
 * normalize.c
 *		Brings e-mail addresses and time zone names, as people write them, into the one
 *		form that is stored.  phone_sql.c does so with phone numbers.
 *
 * Errors:		ZG105, ZG106.  A refused address is not repeated: messages get into logs.
 * Called by:	canonical.c, phone_sql.c, inbound/api_normalize.c; SQL
 * Shown by:	test/sql/validate.sql
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/canonical.h"
#include "core/email.h"
#include "core/errors.h"
#include "core/validate.h"

/* ---- E-mail addresses ------------------------------------------------------------- */

text *
cg_canonical_email(const text *value)
{
	char          address[CG_EMAIL_MAX + 1];
	CgEmailStatus status =
		cg_email_read(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), address);

	if (status != CG_EMAIL_OK)
		ereport(ERROR,
				(errcode(ERRCODE_CG_EMAIL_INVALID), errmsg("invalid e-mail address"),
				 status == CG_EMAIL_SEVERAL ? errdetail("There is more than one address.")
				 : status == CG_EMAIL_NOT_ASCII
					 ? errdetail("It has letters outside of ASCII; a domain of such "
								 "letters can be written in its xn-- form.")
					 : 0,
				 errhint("Use the form name@example.com.")));
	return cstring_to_text(address);
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_email);

Datum
cg_sql_normalize_email(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cg_canonical_email(PG_GETARG_TEXT_PP(0)));
}

PG_FUNCTION_INFO_V1(cg_sql_read_email);

Datum
cg_sql_read_email(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	char  address[CG_EMAIL_MAX + 1];

	if (cg_email_read(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), address) !=
		CG_EMAIL_OK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(address));
}

/* ---- Time zones ------------------------------------------------------------------- */

/* ASCII only: what else is blank is no part of a zone's name. */
static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
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

text *
cg_canonical_time_zone(const text *value)
{
	const char *start = VARDATA_ANY(value);
	size_t      length = VARSIZE_ANY_EXHDR(value);
	const char *found;

	while (length > 0 && is_blank(*start))
	{
		start++;
		length--;
	}
	while (length > 0 && is_blank(start[length - 1]))
		length--;
	found = cg_time_zone_canonical(start, length);
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CG_TIME_ZONE_INVALID),
				 is_showable(start, length)
					 ? errmsg("time zone \"%.*s\" does not exist", (int) length, start)
					 : errmsg("invalid name of a time zone"),
				 errhint("Use a name of the IANA database, for example "
						 "America/New_York.")));
	return cstring_to_text(found);
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_time_zone);

Datum
cg_sql_normalize_time_zone(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cg_canonical_time_zone(PG_GETARG_TEXT_PP(0)));
}
