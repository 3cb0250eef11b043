/*
 * validate.c
 *		Judges phone numbers and e-mail addresses.
 *
 * The judges stand in CHECK constraints, so they are declared immutable and never
 * raise; what they accept may only grow from version to version.
 *
 * Sources: ITU-T E.164; the North American Numbering Plan (area code and exchange
 * begin with 2 to 9, no area code ends in 11); RFC 5321 section 4.5.3.1 for lengths
 * and the HTML standard's "valid email address".
 *
 * Memory:		none.
 * Errors:		none.
 * Called by:	CHECK constraints, email.c, phone.c, phone_sql.c
 * Shown by:	test/sql/validate.sql
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/ascii.h"
#include "core/email.h"
#include "core/validate.h"

#define MAX_LOCAL_PART 64
#define MAX_LABEL 63

/* ---- Phone numbers ---------------------------------------------------------------- */

/* Ten digits; N11 is an exchange of toll-free numbers, but never an area code. */
bool
cg_phone_is_nanp(const char *digits)
{
	return digits[0] >= '2' && digits[3] >= '2' &&
		   !(digits[1] == '1' && digits[2] == '1');
}

bool
cg_phone_number_valid(const char *value, size_t length)
{
	if (length < 1 + CG_PHONE_MIN_DIGITS || length > 1 + CG_PHONE_MAX_DIGITS ||
		value[0] != '+' || value[1] == '0')
		return false;
	for (size_t i = 1; i < length; i++)
	{
		if (!cg_is_digit(value[i]))
			return false;
	}
	return value[1] != '1' || (length == 12 && cg_phone_is_nanp(value + 2));
}

PG_FUNCTION_INFO_V1(cg_sql_is_phone_number);

Datum
cg_sql_is_phone_number(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(cg_phone_number_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

/* ---- E-mail addresses ------------------------------------------------------------- */

static bool
is_label(const char *value, size_t length)
{
	if (length == 0 || length > MAX_LABEL || value[0] == '-' || value[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (!cg_is_letter(value[i]) && !cg_is_digit(value[i]) && value[i] != '-')
			return false;
	}
	return true;
}

/*
 * At least two labels, for mail to a bare host name cannot be sent from here; the last
 * begins with a letter, or it would be an IP address.
 */
static bool
is_domain(const char *value, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (value[i] != '.')
			continue;
		if (!is_label(value + start, i - start))
			return false;
		start = i + 1;
	}
	return start > 0 && is_label(value + start, length - start) &&
		   cg_is_letter(value[start]);
}

/* Dots stand between other characters only (RFC 5321's Dot-string). */
static bool
is_local_part(const char *value, size_t length)
{
	if (length == 0 || length > MAX_LOCAL_PART || value[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (!cg_is_letter(value[i]) && !cg_is_digit(value[i]) &&
			!cg_is_one_of(value[i], ".!#$%&'*+/=?^_`{|}~-"))
			return false;
		if (value[i] == '.' && (i == 0 || value[i - 1] == '.'))
			return false;
	}
	return true;
}

bool
cg_email_valid(const char *value, size_t length)
{
	const char *at = length <= CG_EMAIL_MAX ? memchr(value, '@', length) : NULL;

	return at != NULL && is_local_part(value, at - value) &&
		   is_domain(at + 1, value + length - (at + 1));
}

PG_FUNCTION_INFO_V1(cg_sql_is_email);

Datum
cg_sql_is_email(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(cg_email_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}
