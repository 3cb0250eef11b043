/*
 * zone.h
 *		Local time and instants of a zone of the IANA database.
 *
 * Local times are microseconds since 2000-01-01 00:00 on the wall clock, whatever
 * the zone.  RFC 5545, section 3.3.5: a local time that a change of the clock skips
 * is read with the offset before the change; one that comes twice is its first
 * occurrence.
 */
#ifndef CG_SCHEDULE_ZONE_H
#define CG_SCHEDULE_ZONE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/date.h"

/* A zone, and the stretch of time around the last question in which its offset holds. */
typedef struct CgZone
{
	pg_tz    *tz;
	pg_time_t from;  /* Unix seconds; the offset holds from here on ... */
	pg_time_t until; /* ... to here, without this second */
	long      offset;
} CgZone;

/* ERROR ZG106 when there is no zone of the name. */
extern void cg_zone_open(CgZone *zone, const char *name);

extern TimestampTz cg_zone_instant(CgZone *zone, int64 local);
extern int64       cg_zone_local(CgZone *zone, TimestampTz at);
extern DateADT     cg_zone_date(CgZone *zone, TimestampTz at);

/* The first instant of a local date. */
extern TimestampTz cg_zone_midnight(CgZone *zone, DateADT date);

/* Whether a local date has any instant: Apia went from 29 to 31 December 2011. */
extern bool cg_zone_has_date(CgZone *zone, DateADT date);

/*
 * Appends the time as one says it, in English: "Tuesday, December 1 at 2:30 PM".
 * The year is said when it is not that of now, the zone when the time comes twice.
 */
extern void cg_zone_say(CgZone *zone, TimestampTz at, TimestampTz now, StringInfo out);

#endif /* CG_SCHEDULE_ZONE_H */
