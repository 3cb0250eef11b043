/*
 * clock.h
 *		The clock that decides whether something is due.
 */
#ifndef CG_CORE_CLOCK_H
#define CG_CORE_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/guc.h"

/* The transaction's start time, or the test value of cloudgreet.clock. */
extern TimestampTz cg_clock_now(void);

/* Check and assign hooks of cloudgreet.clock (core/settings.c). */
extern bool cg_clock_check(char **newval, void **extra, GucSource source);
extern void cg_clock_assign(const char *newval, void *extra);

/* From Unix time to that of PostgreSQL, which begins with 2000. */
#define CG_UNIX_EPOCH_USECS                                                              \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Seconds of Unix time, as tokens have them. */
static inline double
cg_unix_seconds(TimestampTz at)
{
	return (double) at / USECS_PER_SEC + (double) CG_UNIX_EPOCH_USECS / USECS_PER_SEC;
}

#endif /* CG_CORE_CLOCK_H */
