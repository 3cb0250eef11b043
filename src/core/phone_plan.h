/*
 * phone_plan.h
 *		The numbering plans of countries, and the patterns in which they are written.
 *		For phone.c and phone_data.c only.
 */
#ifndef CG_CORE_PHONE_PLAN_H
#define CG_CORE_PHONE_PLAN_H

#include "postgres.h"

#include "core/phone.h"

/* The numbers of one kind: a pattern of the whole national number, and its lengths. */
typedef struct CgPhoneRange
{
	const char *pattern; /* NULL: there are none of the kind */
	uint32      lengths; /* bit n: n digits */
} CgPhoneRange;

/* How many kinds have ranges; they are the first of CgPhoneKind. */
#define CG_PHONE_RANGES 10

typedef struct CgPhonePlan
{
	char        country[4]; /* ISO 3166; 001: of no country */
	int         code;
	bool        is_main;       /* of the countries that share the code */
	const char *international; /* what is dialled before a country code */
	const char
		*national; /* what is dialled before a national number, and no part of it */
	const char *transform; /* what the number becomes when a group of it matched */
	const char *leading;   /* in a shared code: what the country's numbers begin with */
	uint32      lengths;
	const char *pattern; /* of any number */

	CgPhoneRange ranges[CG_PHONE_RANGES];
} CgPhonePlan;

/* In the order of codes, the main country of each first. */
extern const CgPhonePlan cg_phone_plans[];
extern const int         cg_phone_plan_count;

#define CG_PHONE_MAX_GROUPS 2

/* Where groups 1 and 2 of a pattern matched; start is NULL where one did not. */
typedef struct CgPhoneMatch
{
	const char *end;
	int         groups;
	struct
	{
		const char *start;
		const char *end;
	} group[CG_PHONE_MAX_GROUPS];
} CgPhoneMatch;

/*
 * Whether digits begin with what a pattern says, or, if is_whole, are that.  As in Perl,
 * the first alternative that leads to a match wins.  match may be NULL.
 */
extern bool cg_phone_pattern_match(const char *pattern, const char *digits, bool is_whole,
								   CgPhoneMatch *match);

#endif /* CG_CORE_PHONE_PLAN_H */
