/*
 * phone.h
 *		Phone numbers: from what people and networks write to E.164, and what kind of
 *		number it is.
 */
#ifndef CG_CORE_PHONE_H
#define CG_CORE_PHONE_H

#include "postgres.h"

/* More digits than any number has, with its prefixes. */
#define CG_PHONE_MAX_WRITTEN 24

typedef enum CgPhoneStatus
{
	CG_PHONE_OK,
	CG_PHONE_UNREADABLE,       /* not one number */
	CG_PHONE_WITHHELD,         /* stands for a caller who does not tell the number */
	CG_PHONE_EXTENSION,        /* a number with an extension, which cannot be dialled */
	CG_PHONE_UNKNOWN_CODE,     /* no such country code */
	CG_PHONE_NOT_IN_PLAN,      /* North American, and not of the form */
	CG_PHONE_IMPOSSIBLE_LENGTH /* no number of the country has so many digits */
} CgPhoneStatus;

/* The first ten are in the order in which a number is judged (phone_plan.h). */
typedef enum CgPhoneKind
{
	CG_PHONE_PREMIUM_RATE,
	CG_PHONE_TOLL_FREE,
	CG_PHONE_SHARED_COST,
	CG_PHONE_VOIP,
	CG_PHONE_PERSONAL_NUMBER,
	CG_PHONE_PAGER,
	CG_PHONE_UAN,
	CG_PHONE_VOICEMAIL,
	CG_PHONE_FIXED_LINE,
	CG_PHONE_MOBILE,
	CG_PHONE_FIXED_LINE_OR_MOBILE,
	CG_PHONE_UNKNOWN
} CgPhoneKind;

/* What was written, and what it is. */
typedef struct CgPhoneNumber
{
	char digits[CG_PHONE_MAX_WRITTEN + 1]; /* without separators */
	int  count;
	bool has_plus;
	bool has_trunk_zero; /* "+44 (0)20 ...": dialled at home, not from abroad */
	bool is_assigned;    /* it is of a range that is in use */
	char e164[CG_PHONE_MAX_WRITTEN + 12];
} CgPhoneNumber;

/* Whether there is a country of this ISO 3166 code; its case does not matter. */
extern bool cg_phone_country_known(const char *country, size_t length);

/*
 * Reads a number, also from a URI (sip:, tel:) or from within <>, as one writes it in a
 * country (known; NULL: with "+" only).  Fills number as far as it was understood; e164
 * with CG_PHONE_OK only.
 */
extern CgPhoneStatus cg_phone_read(const char *value, size_t length, const char *country,
								   CgPhoneNumber *number);

/*
 * The kind of an E.164 number and its country: an ISO 3166 code, 001 for numbers of no
 * country, NULL for a country code that does not exist.
 */
extern CgPhoneKind cg_phone_classify(const char *e164, const char **country);

#endif /* CG_CORE_PHONE_H */
