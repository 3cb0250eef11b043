/*
 * phone_sql.c
 *		The SQL functions of phone numbers.
 *
 * Errors:		ZG104; 22023 for a country that does not exist.  A refused number is not
 *				repeated: messages get into logs.  The last two digits are shown.
 * Called by:	canonical.c, inbound/api_normalize.c; SQL
 * Shown by:	test/sql/validate.sql, test/sql/phone_numbers.sql
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/canonical.h"
#include "core/errors.h"
#include "core/phone.h"
#include "core/validate.h"

/* What a caller's number is that was withheld, however the network says so. */
#define WITHHELD "anonymous"

/* Not of the plan of any country, but what a column of a call or text can hold. */
#define MAX_PARTY 100

static const char *const kind_names[] = {
	[CG_PHONE_PREMIUM_RATE] = "premium_rate",
	[CG_PHONE_TOLL_FREE] = "toll_free",
	[CG_PHONE_SHARED_COST] = "shared_cost",
	[CG_PHONE_VOIP] = "voip",
	[CG_PHONE_PERSONAL_NUMBER] = "personal_number",
	[CG_PHONE_PAGER] = "pager",
	[CG_PHONE_UAN] = "uan",
	[CG_PHONE_VOICEMAIL] = "voicemail",
	[CG_PHONE_FIXED_LINE] = "fixed_line",
	[CG_PHONE_MOBILE] = "mobile",
	[CG_PHONE_FIXED_LINE_OR_MOBILE] = "fixed_line_or_mobile",
	[CG_PHONE_UNKNOWN] = "unknown",
};

static const char *
check_country(const text *country)
{
	if (!cg_phone_country_known(VARDATA_ANY(country), VARSIZE_ANY_EXHDR(country)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("default country of phone numbers does not exist"),
						errhint("Use an ISO 3166 code such as US, or write the number "
								"with \"+\" and its country code.")));
	return VARDATA_ANY(country);
}

static const char *
refusal_detail(CgPhoneStatus status)
{
	switch (status)
	{
		case CG_PHONE_WITHHELD:
			return "It stands for a caller who withholds the number.";
		case CG_PHONE_EXTENSION:
			return "It has an extension: a number alone is needed.";
		case CG_PHONE_UNKNOWN_CODE:
			return "There is no such country code.";
		case CG_PHONE_NOT_IN_PLAN:
			return "A North American number has ten digits; its area code and exchange "
				   "begin with 2 to 9.";
		case CG_PHONE_IMPOSSIBLE_LENGTH:
			return "It has more or fewer digits than numbers of its country.";
		default:
			return "A number has digits, a \"+\" before them, and blanks or the signs "
				   "- . ( ) / between them.";
	}
}

static void
refuse_number(const CgPhoneNumber *number, CgPhoneStatus status)
{
	char mask[CG_PHONE_MAX_WRITTEN + 1] = "";

	/* What could be read as one number, so that it can be told which. */
	if (status != CG_PHONE_UNREADABLE && number->count > 2)
	{
		memset(mask, '*', number->count - 2);
		strcpy(mask + number->count - 2, number->digits + number->count - 2);
	}
	ereport(ERROR, (errcode(ERRCODE_CG_PHONE_NUMBER_INVALID),
					mask[0] == '\0' ? errmsg("invalid phone number")
									: errmsg("invalid phone number \"%s\"", mask),
					errdetail_internal("%s", refusal_detail(status)),
					errhint("Use international form, for example +12125550123.")));
}

text *
cg_canonical_phone(const text *value, const char *country)
{
	CgPhoneNumber number;
	CgPhoneStatus status =
		cg_phone_read(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), country, &number);

	if (status != CG_PHONE_OK)
		refuse_number(&number, status);
	return cstring_to_text(number.e164);
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_phone_number);

Datum
cg_sql_normalize_phone_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		cg_canonical_phone(PG_GETARG_TEXT_PP(0), check_country(PG_GETARG_TEXT_PP(1))));
}

static bool
begins_with(const text *value, const char *prefix)
{
	return VARSIZE_ANY_EXHDR(value) > strlen(prefix) &&
		   pg_strncasecmp(VARDATA_ANY(value), prefix, strlen(prefix)) == 0;
}

text *
cg_canonical_contact(const text *value, const char *country)
{
	if (memchr(VARDATA_ANY(value), '@', VARSIZE_ANY_EXHDR(value)) == NULL ||
		begins_with(value, "sip:") || begins_with(value, "sips:") ||
		begins_with(value, "tel:"))
		return cg_canonical_phone(value, country);
	return cg_canonical_email(value);
}

PG_FUNCTION_INFO_V1(cg_sql_normalize_contact);

Datum
cg_sql_normalize_contact(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		cg_canonical_contact(PG_GETARG_TEXT_PP(0), check_country(PG_GETARG_TEXT_PP(1))));
}

/* Whether a number, read as one of the country, begins with the country's code anyway. */
static bool
begins_with_own_code(const CgPhoneNumber *home, const CgPhoneNumber *full)
{
	int code_length = (int) strlen(home->e164) - home->count;

	return code_length > 1 && strncmp(home->e164, full->e164, code_length) == 0;
}

/*
 * Networks hand numbers on in full without "+", or as they are dialled at home; which of
 * the two it is, is told by what is in use, else by what is possible.
 */
static CgPhoneStatus
read_party(const text *value, const char *country, CgPhoneNumber *number)
{
	CgPhoneNumber full;
	char          digits[CG_PHONE_MAX_WRITTEN + 2];
	CgPhoneStatus status;

	status = cg_phone_read(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), country, number);
	if (number->has_plus || (status != CG_PHONE_OK && status < CG_PHONE_UNKNOWN_CODE))
		return status;
	snprintf(digits, sizeof(digits), "+%s", number->digits);
	if (cg_phone_read(digits, strlen(digits), NULL, &full) != CG_PHONE_OK)
		return status;
	if (status != CG_PHONE_OK ||
		(full.is_assigned &&
		 (!number->is_assigned || begins_with_own_code(number, &full))))
	{
		*number = full;
		return CG_PHONE_OK;
	}
	return status;
}

text *
cg_canonical_party(const text *value, const char *country)
{
	int           length = VARSIZE_ANY_EXHDR(value);
	CgPhoneNumber number;

	switch (read_party(value, country, &number))
	{
		case CG_PHONE_OK:
			return cstring_to_text(number.e164);
		case CG_PHONE_WITHHELD:
			return cstring_to_text(WITHHELD);
		default:
			/* A short code, a name as sender, the name of a SIP client. */
			length = pg_mbcharcliplen(VARDATA_ANY(value), length, MAX_PARTY);
			return cstring_to_text_with_len(VARDATA_ANY(value), length);
	}
}

PG_FUNCTION_INFO_V1(cg_sql_phone_party);

Datum
cg_sql_phone_party(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		cg_canonical_party(PG_GETARG_TEXT_PP(0), check_country(PG_GETARG_TEXT_PP(1))));
}

PG_FUNCTION_INFO_V1(cg_sql_phone_number_kind);

Datum
cg_sql_phone_number_kind(PG_FUNCTION_ARGS)
{
	text       *value = PG_GETARG_TEXT_PP(0);
	const char *country = NULL;
	CgPhoneKind kind = CG_PHONE_UNKNOWN;
	TupleDesc   descriptor;
	Datum       values[2] = {0};
	bool        nulls[2] = {true, false};

	if (cg_phone_number_valid(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)))
		kind = cg_phone_classify(text_to_cstring(value), &country);
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "phone_number_kind() is declared without its row type");
	if (country != NULL)
	{
		values[0] = CStringGetTextDatum(country);
		nulls[0] = false;
	}
	values[1] = CStringGetTextDatum(kind_names[kind]);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
