/*
 * validate.c
 *		Judges phone numbers, e-mail addresses and time zone names.
 *
 * The judges stand in CHECK constraints, so they are declared immutable and never
 * raise; what they accept may only grow from version to version.
 *
 * Sources: ITU-T E.164; the North American Numbering Plan (NPA-NXX, both [2-9] first,
 * no N11 codes); RFC 5321 section 4.5.3.1 for lengths and the HTML standard's "valid
 * email address"; names of the IANA time zone database.
 *
 * Errors:		ZG104, ZG105, ZG106 from the normalizing functions.  A refused phone
 *				number is not repeated in the message: messages get into logs.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"

#include "core/errors.h"
#include "core/validate.h"

#define MAX_EMAIL 254
#define MAX_LOCAL_PART 64
#define MAX_LABEL 63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ten digits NPANXXXXXX */
static bool
is_nanp(const char *digits)
{
	return digits[0] >= '2' && digits[3] >= '2' && !(digits[1] == '1' && digits[2] == '1') &&
		   !(digits[4] == '1' && digits[5] == '1');
}

bool
cg_phone_number_valid(const char *value, size_t length)
{
	if (length < 9 || length > 16 || value[0] != '+' || value[1] == '0')
		return false;
	for (size_t i = 1; i < length; i++)
	{
		if (!is_digit(value[i]))
			return false;
	}
	return value[1] != '1' || (length == 12 && is_nanp(value + 2));
}

static bool
is_domain(const char *value, size_t length)
{
	size_t start = 0;
	int	   labels = 0;

	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && value[i] != '.')
		{
			if (!is_letter(value[i]) && !is_digit(value[i]) && value[i] != '-')
				return false;
			continue;
		}
		if (i == start || i - start > MAX_LABEL || value[start] == '-' ||
			value[i - 1] == '-')
			return false;
		labels++;
		start = i + 1;
	}
	return labels >= 2; /* mail to a bare host name cannot be sent from here */
}

bool
cg_email_valid(const char *value, size_t length)
{
	size_t at = 0;

	if (length > MAX_EMAIL)
		return false;
	while (at < length && value[at] != '@')
	{
		char c = value[at];

		if (!is_letter(c) && !is_digit(c) &&
			(c == '\0' || strchr(".!#$%&'*+/=?^_`{|}~-", c) == NULL))
			return false;
		if (c == '.' && (at == 0 || value[at - 1] == '.'))
			return false;
		at++;
	}
	return at > 0 && at <= MAX_LOCAL_PART && at < length && value[at - 1] != '.' &&
		   is_domain(value + at + 1, length - at - 1);
}

bool
cg_time_zone_valid(const char *value, size_t length)
{
	char   name[TZ_STRLEN_MAX + 1];
	pg_tz *zone;

	/* No POSIX specification, no offset, no path: letters first, then a name's signs. */
	if (length == 0 || length > TZ_STRLEN_MAX || !is_letter(value[0]))
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (!is_letter(value[i]) && !is_digit(value[i]) &&
			(value[i] == '\0' || strchr("/_+-", value[i]) == NULL))
			return false;
	}
	memcpy(name, value, length);
	name[length] = '\0';
	if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0)
		return false; /* EST5EDT, GB and the like are not places */
	if (strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0)
		return false;
	zone = pg_tzset(name);
	return zone != NULL && pg_tz_acceptable(zone) &&
		   strcmp(pg_get_timezone_name(zone), name) == 0;
}

PG_FUNCTION_INFO_V1(cg_sql_is_phone_number);

Datum
cg_sql_is_phone_number(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(cg_phone_number_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

PG_FUNCTION_INFO_V1(cg_sql_is_email);

Datum
cg_sql_is_email(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(cg_email_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

PG_FUNCTION_INFO_V1(cg_sql_is_time_zone);

Datum
cg_sql_is_time_zone(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(cg_time_zone_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

/*
 * Digits of a number as people write it, with its "+" if it has one; false when it
 * holds anything but digits and the usual separators.
 */
static bool
collect_digits(const char *value, size_t length, char *digits, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
	{
		bool keep = is_digit(value[i]) || (value[i] == '+' && n == 0);

		if (!keep && (value[i] == '\0' || strchr(" -.()/", value[i]) == NULL))
			return false;
		if (keep && n + 1 >= size)
			return false;
		if (keep)
			digits[n++] = value[i];
	}
	digits[n] = '\0';
	return true;
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_phone_number);

Datum
cg_sql_normalize_phone_number(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	char  digits[24];
	char *number = NULL;

	if (collect_digits(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), digits,
					   sizeof(digits)))
	{
		size_t length = strlen(digits);

		if (digits[0] == '+')
			number = pstrdup(digits);
		else if (length == 10)
			number = psprintf("+1%s", digits);
		else if (length == 11 && digits[0] == '1')
			number = psprintf("+%s", digits);
		else if (strncmp(digits, "011", 3) == 0)
			number = psprintf("+%s", digits + 3);
	}
	if (number == NULL || !cg_phone_number_valid(number, strlen(number)))
		ereport(ERROR, (errcode(ERRCODE_CG_PHONE_NUMBER_INVALID),
						errmsg("invalid phone number"),
						errhint("Use international form, for example +12125550123.")));
	PG_RETURN_TEXT_P(cstring_to_text(number));
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_email);

Datum
cg_sql_normalize_email(PG_FUNCTION_ARGS)
{
	text		*value = PG_GETARG_TEXT_PP(0);
	const char *start = VARDATA_ANY(value);
	size_t		 length = VARSIZE_ANY_EXHDR(value);

	for (; length > 0 && isspace((unsigned char) start[0]); length--)
		start++;
	while (length > 0 && isspace((unsigned char) start[length - 1]))
		length--;
	if (!cg_email_valid(start, length))
		ereport(ERROR, (errcode(ERRCODE_CG_EMAIL_INVALID), errmsg("invalid e-mail address")));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(start, length));
}

PG_FUNCTION_INFO_V1(cg_sql_check_time_zone);

Datum
cg_sql_check_time_zone(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	int	  shown = pg_mbcliplen(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), 64);

	if (!cg_time_zone_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)))
		ereport(ERROR, (errcode(ERRCODE_CG_TIME_ZONE_INVALID),
						errmsg("time zone \"%s\" does not exist",
							   pnstrdup(VARDATA_ANY(value), shown)),
						errhint("Use a name of the IANA database, for example "
								"America/New_York.")));
	PG_RETURN_TEXT_P(value);
}
