/*
 * canonical.h
 *		The one form in which contacts and time zones are stored.
 */
#ifndef CG_CANONICAL_H
#define CG_CANONICAL_H

#include "postgres.h"

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
 * What a column is compared with, in the form in which it is stored, by the column's name:
 * an address in any case, a number with its country code, a former name of a zone.  value
 * itself when it is none of these.
 */
extern char *cg_canonical_operand(const char *column, char *value);

#endif /* CG_CANONICAL_H */
