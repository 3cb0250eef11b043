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

#include "compat.h"
#include "core/errors.h"
#include "core/validate.h"

/* More digits than any number has, with its prefixes. */
#define MAX_DIGITS 24

/* How numbers are dialled within a country, and out of it. */
typedef struct DialingRule
{
	const char *country; /* ISO 3166 code */
	const char *code;
	const char *trunk;         /* stands before national numbers; not part of them */
	const char *international; /* stands before a country code; 00 is known to all */
} DialingRule;

#define NANP(country)                                                                    \
	{                                                                                    \
		country, "1", "1", "011"                                                         \
	}

static const DialingRule dialing_rules[] = {
	NANP("US"),
	NANP("CA"),
	NANP("AG"),
	NANP("AI"),
	NANP("AS"),
	NANP("BB"),
	NANP("BM"),
	NANP("BS"),
	NANP("DM"),
	NANP("DO"),
	NANP("GD"),
	NANP("GU"),
	NANP("JM"),
	NANP("KN"),
	NANP("KY"),
	NANP("LC"),
	NANP("MP"),
	NANP("MS"),
	NANP("PR"),
	NANP("SX"),
	NANP("TC"),
	NANP("TT"),
	NANP("VC"),
	NANP("VG"),
	NANP("VI"),
	{"AT", "43", "0", "00"},
	{"AU", "61", "0", "0011"},
	{"BE", "32", "0", "00"},
	{"CH", "41", "0", "00"},
	{"CZ", "420", "", "00"},
	{"DE", "49", "0", "00"},
	{"DK", "45", "", "00"},
	{"ES", "34", "", "00"},
	{"FI", "358", "0", "00"},
	{"FR", "33", "0", "00"},
	{"GB", "44", "0", "00"},
	{"IE", "353", "0", "00"},
	{"IL", "972", "0", "00"},
	{"IN", "91", "0", "00"},
	{"IT", "39", "", "00"},
	{"LU", "352", "", "00"},
	{"MX", "52", "", "00"},
	{"NL", "31", "0", "00"},
	{"NO", "47", "", "00"},
	{"NZ", "64", "0", "00"},
	{"PL", "48", "", "00"},
	{"PT", "351", "", "00"},
	{"SE", "46", "0", "00"},
	{"ZA", "27", "0", "00"},
};

/* ---- Phone numbers ---------------------------------------------------------------- */

/* What was written, without its separators. */
typedef struct WrittenNumber
{
	char digits[MAX_DIGITS + 1];
	int  count;
	bool has_plus;
	bool has_trunk_zero; /* "+44 (0)20 ...": dialled at home, not from abroad */
} WrittenNumber;

/*
 * The length of a separator at the start of value, or 0.  Besides the signs of a
 * keyboard these are U+00A0, and U+200E to U+202F where they are no line breaks:
 * marks of direction, hyphens and dashes that come along when a number is copied.
 */
static size_t
separator_length(const unsigned char *value, size_t length)
{
	if (value[0] != '\0' && strchr(" -.()/", value[0]) != NULL)
		return 1;
	if (length >= 2 && value[0] == 0xC2 && value[1] == 0xA0)
		return 2;
	if (length >= 3 && value[0] == 0xE2 && value[1] == 0x80 &&
		((value[2] >= 0x8E && value[2] <= 0x95) ||
		 (value[2] >= 0xAA && value[2] <= 0xAF)))
		return 3;
	return 0;
}

/* False when the text holds anything but one number, or too many digits. */
static bool
read_number(const char *value, size_t length, WrittenNumber *number)
{
	size_t i = 0;

	memset(number, 0, sizeof(*number));
	while (i < length)
	{
		const char *at = value + i;
		size_t      separator;

		if (number->count > 0 && length - i >= 3 && memcmp(at, "(0)", 3) == 0)
		{
			number->has_trunk_zero = true;
			i += 3;
		}
		else if (*at >= '0' && *at <= '9')
		{
			if (number->count == MAX_DIGITS)
				return false;
			number->digits[number->count++] = *at;
			i++;
		}
		else if (*at == '+' && number->count == 0 && !number->has_plus)
		{
			number->has_plus = true;
			i++;
		}
		else
		{
			separator = separator_length((const unsigned char *) at, length - i);
			if (separator == 0)
				return false;
			i += separator;
		}
	}
	return true;
}

/* The digits after a prefix, or NULL when they do not begin with it. */
static const char *
skip_prefix(const char *digits, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(digits, prefix, length) == 0 ? digits + length : NULL;
}

/* The number in E.164, not yet judged. */
static char *
international_form(const WrittenNumber *number, const DialingRule *rule)
{
	const char *abroad = number->digits;
	const char *home;

	if (!number->has_plus)
	{
		abroad = skip_prefix(number->digits, rule->international);
		if (abroad == NULL)
			abroad = skip_prefix(number->digits, "00");
	}
	if (abroad != NULL)
		return psprintf("+%s", abroad);
	if (number->has_trunk_zero)
		return NULL;
	home = skip_prefix(number->digits, rule->trunk);
	return psprintf("+%s%s", rule->code, home != NULL ? home : number->digits);
}

static const DialingRule *
find_rule(const text *country)
{
	for (int i = 0; i < lengthof(dialing_rules); i++)
	{
		if (VARSIZE_ANY_EXHDR(country) == 2 &&
			pg_strncasecmp(VARDATA_ANY(country), dialing_rules[i].country, 2) == 0)
			return &dialing_rules[i];
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("default country of phone numbers is not supported"),
					errhint("Use an ISO 3166 code such as US, or write the number with "
							"\"+\" and its country code.")));
}

/* readable: the text held one number, so that it can be told what is wrong with it. */
static void
refuse_number(const WrittenNumber *number, bool readable, const char *e164)
{
	char mask[MAX_DIGITS + 1] = "";

	if (readable && number->count > 2)
	{
		memset(mask, '*', number->count - 2);
		strcpy(mask + number->count - 2, number->digits + number->count - 2);
	}
	ereport(ERROR,
			(errcode(ERRCODE_CG_PHONE_NUMBER_INVALID),
			 mask[0] == '\0' ? errmsg("invalid phone number")
							 : errmsg("invalid phone number \"%s\"", mask),
			 !readable ? errdetail("A number has digits, a \"+\" before them, and blanks "
								   "or the signs - . ( ) / between them.")
			 : e164 != NULL && e164[1] == '1'
				 ? errdetail("A North American number has ten digits; its area code and "
							 "exchange begin with 2 to 9.")
				 : errdetail("A number has %d to %d digits with its country code.",
							 CG_PHONE_MIN_DIGITS, CG_PHONE_MAX_DIGITS),
			 errhint("Use international form, for example +12125550123.")));
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_phone_number);

Datum
cg_sql_normalize_phone_number(PG_FUNCTION_ARGS)
{
	text              *value = PG_GETARG_TEXT_PP(0);
	const DialingRule *rule = find_rule(PG_GETARG_TEXT_PP(1));
	WrittenNumber      number;
	bool               readable;
	char              *e164 = NULL;

	readable = read_number(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &number);
	if (readable && number.count > 0)
		e164 = international_form(&number, rule);
	if (e164 == NULL || !cg_phone_number_valid(e164, strlen(e164)))
		refuse_number(&number, readable, e164);
	PG_RETURN_TEXT_P(cstring_to_text(e164));
}

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
