/*
 * interval.h
 *		Lists of half-open intervals of time.
 */
#ifndef CG_SCHEDULE_INTERVAL_H
#define CG_SCHEDULE_INTERVAL_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct CgInterval
{
	TimestampTz start;
	TimestampTz end;
} CgInterval;

typedef struct CgIntervals
{
	CgInterval *items; /* in the context that was current at the first addition */
	int         count;
	int         capacity;
} CgIntervals;

/*
 * An instant so much later, or earlier; the end of time instead of what is behind it, so
 * that a comparison is right whatever is asked or stored.
 */
extern TimestampTz cg_time_shift(TimestampTz at, int64 by);

/* Adds an interval; an empty one is left out. */
extern void cg_intervals_add(CgIntervals *list, TimestampTz start, TimestampTz end);

/* Sorts, and makes one of intervals that overlap or touch. */
extern void cg_intervals_merge(CgIntervals *list);

/* Adds what is in "from" and not in "taken" to result; both are merged lists. */
extern void cg_intervals_subtract(const CgIntervals *from, const CgIntervals *taken,
								  CgIntervals *result);

/* The interval of a merged list that covers all of start .. end, or NULL. */
extern const CgInterval *cg_intervals_cover(const CgIntervals *list, TimestampTz start,
											TimestampTz end);

/* Whether an interval of a merged list has an instant of start .. end. */
extern bool cg_intervals_overlap(const CgIntervals *list, TimestampTz start,
								 TimestampTz end);

#endif /* CG_SCHEDULE_INTERVAL_H */
