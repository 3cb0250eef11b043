/*
 * phone.c
 *		Reads phone numbers by the numbering plans of their countries, and tells their
 *		kind.
 *
 * The rules are libphonenumber's (decision 0018): a country code after "+" or after what
 * is dialled for abroad; without it, the country's own code when the number would be
 * impossible otherwise; then the trunk prefix goes, unless the number is one only with
 * it.  Lengths are judged, ranges are not: new ranges open each month.
 *
 * Called by phone_sql.c.  Pure: no memory, no catalog, no errors.  Shown by
 * test/sql/phone_numbers.sql, which holds it to libphonenumber's own answers.
 */
#include "postgres.h"

#include "core/phone.h"
#include "core/phone_plan.h"
#include "core/phone_written.h"
#include "core/validate.h"

/* The longest national number that a plan can give, with a prefix put before it. */
#define MAX_NATIONAL (CG_PHONE_MAX_WRITTEN + 4)

/* The plan of a country, or NULL. */
static const CgPhonePlan *
find_country(const char *country, size_t length)
{
	for (int i = 0; i < cg_phone_plan_count && length == 2; i++)
	{
		if (pg_strncasecmp(country, cg_phone_plans[i].country, 2) == 0)
			return &cg_phone_plans[i];
	}
	return NULL;
}

bool
cg_phone_country_known(const char *country, size_t length)
{
	return find_country(country, length) != NULL;
}

/* The main plan of the country code that digits begin with, and how long the code is. */
static const CgPhonePlan *
find_code(const char *digits, int *code_length)
{
	int code = 0;

	for (int i = 0; i < 3 && digits[i] != '\0'; i++)
	{
		code = code * 10 + (digits[i] - '0');
		/* No code begins with 0, and none is the beginning of another. */
		if (code == 0)
			return NULL;
		for (int j = 0; j < cg_phone_plan_count; j++)
		{
			if (cg_phone_plans[j].code == code && cg_phone_plans[j].is_main)
			{
				*code_length = i + 1;
				return &cg_phone_plans[j];
			}
		}
	}
	return NULL;
}

/* The plan whose lengths hold for all countries that share a code. */
static const CgPhonePlan *
find_main(const CgPhonePlan *plan)
{
	while (!plan->is_main)
		plan--;
	return plan;
}

static bool
has_length(uint32 lengths, size_t length)
{
	return length < 32 && (lengths & (UINT32_C(1) << length)) != 0;
}

/* Shorter than every length of the plan (-1), longer (1), one of them (0), between (-1). */
static int
compare_length(uint32 lengths, size_t length)
{
	if (has_length(lengths, length))
		return 0;
	return length >= 32 || (lengths >> length) == 0 ? 1 : -1;
}

/* Puts the groups of a match into a rule such as "9\1". */
static bool
apply_transform(const char *rule, const CgPhoneMatch *match, const char *rest,
				char *result)
{
	size_t used = 0;

	for (const char *c = rule; *c != '\0'; c++)
	{
		const char *start = c;
		const char *end = c + 1;

		if (*c == '\\')
		{
			c++;
			start = match->group[*c - '1'].start;
			end = match->group[*c - '1'].end;
		}
		if (used + (end - start) > MAX_NATIONAL)
			return false;
		memcpy(result + used, start, end - start);
		used += end - start;
	}
	if (used + strlen(rest) > MAX_NATIONAL)
		return false;
	strcpy(result + used, rest);
	return true;
}

/*
 * Takes away what is dialled before national numbers only.  A number that is one as it
 * stands and would be none without is left; one that would be too short, too, unless
 * may_be_short.
 */
static void
strip_national_prefix(const CgPhonePlan *plan, char *national, bool may_be_short)
{
	CgPhoneMatch match;
	char         stripped[MAX_NATIONAL + 1];

	if (plan->national == NULL ||
		!cg_phone_pattern_match(plan->national, national, false, &match))
		return;
	if (plan->transform == NULL || match.groups == 0 ||
		match.group[match.groups - 1].start == NULL)
		strcpy(stripped, match.end);
	else if (!apply_transform(plan->transform, &match, match.end, stripped))
		return;
	if (cg_phone_pattern_match(plan->pattern, national, true, NULL) &&
		!cg_phone_pattern_match(plan->pattern, stripped, true, NULL))
		return;
	if (!may_be_short && compare_length(plan->lengths, strlen(stripped)) < 0)
		return;
	strcpy(national, stripped);
}

/* What follows the prefix for abroad, or NULL when there is none. */
static const char *
skip_international_prefix(const char *digits, const CgPhonePlan *plan)
{
	CgPhoneMatch match;

	if (plan->international != NULL &&
		cg_phone_pattern_match(plan->international, digits, false, &match) &&
		*match.end != '0')
		return match.end;
	/* Known to all, whatever their own is. */
	return strncmp(digits, "00", 2) == 0 ? digits + 2 : NULL;
}

/*
 * Takes away the country's own code, written without "+": it is one when the number is
 * none of the plan as it stands, or too long.
 */
static void
strip_own_code(const CgPhonePlan *plan, char *national)
{
	char code[8];
	char rest[MAX_NATIONAL + 1];
	int  length = snprintf(code, sizeof(code), "%d", plan->code);

	if (strncmp(national, code, length) != 0)
		return;
	strcpy(rest, national + length);
	strip_national_prefix(plan, rest, true);
	if (compare_length(plan->lengths, strlen(national)) > 0 ||
		(!cg_phone_pattern_match(plan->pattern, national, true, NULL) &&
		 cg_phone_pattern_match(plan->pattern, rest, true, NULL)))
		strcpy(national, rest);
}

/* Puts code and national number together and judges them. */
static CgPhoneStatus
finish_number(const CgPhonePlan *plan, CgPhoneNumber *number, char *national)
{
	const char *country;

	if (number->has_trunk_zero && has_length(plan->lengths, strlen(national) - 1) &&
		!has_length(plan->lengths, strlen(national)) && national[0] == '0')
		memmove(national, national + 1, strlen(national));
	if (national[0] != '\0' && strspn(national, "0") == strlen(national))
		return CG_PHONE_WITHHELD;
	if (plan->code == 1 && national[0] != '\0' &&
		(strlen(national) != 10 || !cg_phone_is_nanp(national)))
		return CG_PHONE_NOT_IN_PLAN;
	if (!has_length(plan->lengths, strlen(national)))
		return CG_PHONE_IMPOSSIBLE_LENGTH;
	snprintf(number->e164, sizeof(number->e164), "+%d%s", plan->code, national);
	if (!cg_phone_number_valid(number->e164, strlen(number->e164)))
		return CG_PHONE_IMPOSSIBLE_LENGTH;
	number->is_assigned = cg_phone_classify(number->e164, &country) != CG_PHONE_UNKNOWN;
	return CG_PHONE_OK;
}

CgPhoneStatus
cg_phone_read(const char *value, size_t length, const char *country,
			  CgPhoneNumber *number)
{
	const CgPhonePlan *home = country != NULL ? find_country(country, 2) : NULL;
	const CgPhonePlan *plan;
	const char        *abroad;
	char               national[MAX_NATIONAL + 1];
	CgPhoneStatus      status = cg_phone_read_written(value, length, number);
	int                code_length = 0;

	if (status != CG_PHONE_OK)
		return status;
	abroad = number->has_plus ? number->digits
			 : home != NULL   ? skip_international_prefix(number->digits, home)
							  : NULL;
	/* Digits alone belong to some country, and a guess would text a stranger. */
	if (abroad == NULL && home == NULL)
		return CG_PHONE_UNKNOWN_CODE;
	if (abroad != NULL)
	{
		plan = find_code(abroad, &code_length);
		if (plan == NULL)
			return CG_PHONE_UNKNOWN_CODE;
		strcpy(national, abroad + code_length);
		/* At home one's own rules count, as in Jersey, which shares 44. */
		if (home != NULL && home->code == plan->code && !number->has_plus)
			plan = home;
	}
	else
	{
		plan = home;
		strcpy(national, number->digits);
		/*
		 * People write their own code without the plus, where it cannot be part of a
		 * number.
		 */
		strip_own_code(plan, national);
	}
	strip_national_prefix(plan, national, false);
	return finish_number(find_main(plan), number, national);
}

/* ---- Kinds ------------------------------------------------------------------------ */

static bool
is_of_range(const CgPhoneRange *range, const char *national)
{
	return range->pattern != NULL && has_length(range->lengths, strlen(national)) &&
		   cg_phone_pattern_match(range->pattern, national, true, NULL);
}

static CgPhoneKind
find_kind(const CgPhonePlan *plan, const char *national)
{
	if (!has_length(plan->lengths, strlen(national)) ||
		!cg_phone_pattern_match(plan->pattern, national, true, NULL))
		return CG_PHONE_UNKNOWN;
	for (CgPhoneKind kind = 0; kind < CG_PHONE_RANGES; kind++)
	{
		if (!is_of_range(&plan->ranges[kind], national))
			continue;
		if (kind == CG_PHONE_FIXED_LINE &&
			is_of_range(&plan->ranges[CG_PHONE_MOBILE], national))
			return CG_PHONE_FIXED_LINE_OR_MOBILE;
		return kind;
	}
	return CG_PHONE_UNKNOWN;
}

CgPhoneKind
cg_phone_classify(const char *e164, const char **country)
{
	int                code_length = 0;
	const CgPhonePlan *main_plan = NULL;
	const CgPhonePlan *end = cg_phone_plans + cg_phone_plan_count;
	const char        *national;

	*country = NULL;
	if (e164[0] == '+')
		main_plan = find_code(e164 + 1, &code_length);
	if (main_plan == NULL)
		return CG_PHONE_UNKNOWN;
	national = e164 + 1 + code_length;
	for (const CgPhonePlan *plan = main_plan; plan < end && plan->code == main_plan->code;
		 plan++)
	{
		CgPhoneKind kind = find_kind(plan, national);

		if (plan->leading != NULL
				? cg_phone_pattern_match(plan->leading, national, false, NULL)
				: kind != CG_PHONE_UNKNOWN)
		{
			*country = plan->country;
			return kind;
		}
	}
	/* Of no range that is in use: the country that gives ranges out. */
	*country = main_plan->country;
	return CG_PHONE_UNKNOWN;
}
