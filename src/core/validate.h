/*
 * validate.h
 *		Phone numbers, e-mail addresses and time zones.
 */
#ifndef CG_CORE_VALIDATE_H
#define CG_CORE_VALIDATE_H

#include "postgres.h"

/* Digits of an E.164 number with its country code. */
#define CG_PHONE_MIN_DIGITS 8
#define CG_PHONE_MAX_DIGITS 15

/* An E.164 number: "+" and 8 to 15 digits; a number of +1 must be of the NANP. */
extern bool cg_phone_number_valid(const char *value, size_t length);

/* Whether ten digits are of the North American Numbering Plan. */
extern bool cg_phone_is_nanp(const char *digits);

/* An address as HTML's input type=email takes it, within RFC 5321's lengths. */
extern bool cg_email_valid(const char *value, size_t length);

/*
 * The name that the IANA database has for a place, such as America/New_York, or UTC;
 * the case of value does not matter.  NULL for anything else.  The result lives as
 * long as the backend.
 */
extern const char *cg_time_zone_find(const char *value, size_t length);

/* As cg_time_zone_find(), but the name by which the zone is stored. */
extern const char *cg_time_zone_canonical(const char *value, size_t length);

#endif /* CG_CORE_VALIDATE_H */
