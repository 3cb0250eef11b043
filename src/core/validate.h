/*
 * validate.h
 *		Phone numbers, e-mail addresses and time zones.
 */
#ifndef CG_VALIDATE_H
#define CG_VALIDATE_H

#include "postgres.h"

/* An E.164 number: "+" and 8 to 15 digits; a number of +1 must be of the NANP. */
extern bool cg_phone_number_valid(const char *value, size_t length);

/* An address as HTML's input type=email takes it, within RFC 5321's lengths. */
extern bool cg_email_valid(const char *value, size_t length);

/* A name of the IANA database, such as America/New_York or UTC. */
extern bool cg_time_zone_valid(const char *value, size_t length);

#endif /* CG_VALIDATE_H */
