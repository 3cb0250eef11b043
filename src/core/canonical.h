/*
 * canonical.h
 *		The one form in which contacts and time zones are stored.
 */
#ifndef CG_CORE_CANONICAL_H
#define CG_CORE_CANONICAL_H

#include "postgres.h"

#include "utils/uuid.h"

/* Each raises its error (ZG105, ZG106, ZG104) for what is none. */
extern text *cg_canonical_email(const text *value);
extern text *cg_canonical_time_zone(const text *value);

/* country: known, an ISO 3166 code. */
extern text *cg_canonical_phone(const text *value, const char *country);

/* Who takes part in a call or text; never an error. */
extern text *cg_canonical_party(const text *value, const char *country);

/* An e-mail address when it has an "@" and is no URI of a phone, else a phone number. */
extern text *cg_canonical_contact(const text *value, const char *country);

/*
 * The country of a business's numbers without country code; "US" of one that the current
 * user cannot see.
 */
extern void cg_business_country(const pg_uuid_t *business, char country[3]);

/* Whose numbers without country code are read. */
typedef struct CgHome
{
	const pg_uuid_t *business;   /* NULL: of nobody known, so they stay as they are */
	char             country[3]; /* empty until it was needed */
} CgHome;

/*
 * What a column is compared with, in the form in which it is stored, by the column's name:
 * an address in any case, a number as it is written at home or abroad, a former name of a
 * zone.  value itself when it is none of these.
 */
extern char *cg_canonical_operand(const char *column, char *value, CgHome *home);

#endif /* CG_CORE_CANONICAL_H */
