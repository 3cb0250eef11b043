/*
 * schedule_internal.h
 *		What the parts of this module share: what is asked, and whose time it is.
 *
 * load.c fills these from the tables, calendar.c makes windows of local hours,
 * sweep.c finds slots; availability.c is what SQL calls.
 */
#ifndef CG_SCHEDULE_SCHEDULE_INTERNAL_H
#define CG_SCHEDULE_SCHEDULE_INTERNAL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/uuid.h"

#include "schedule/interval.h"
#include "schedule/zone.h"

/* More staff than this are not looked at for one service. */
#define CG_MAX_STAFF 200

/* The question. */
typedef struct CgQuery
{
	pg_uuid_t   business;
	pg_uuid_t   service_id;
	pg_uuid_t  *staff_id;    /* NULL: any who does the service */
	pg_uuid_t  *appointment; /* its own time is free (it is being moved); or NULL */
	const char *holder;      /* whose holds do not block; or NULL */
	TimestampTz now;
	TimestampTz from; /* starts are looked for from here ... */
	TimestampTz to;   /* ... to here */
} CgQuery;

/* The service asked for, in microseconds, and what follows from it. */
typedef struct CgService
{
	int64       duration;
	int64       buffer_before;
	int64       buffer_after;
	int64       step;
	int         round_to; /* minutes of the hour on which slots begin; 0: on any */
	int         seats;
	TimestampTz earliest; /* now, with the minimum notice */
	TimestampTz latest;   /* no start from here on: the horizon */
	char       *time_zone;
} CgService;

/* Hours of a weekday, between dates. */
typedef struct CgHours
{
	int     weekday;
	DateADT valid_from;
	DateADT valid_to;
	TimeADT starts;
	TimeADT ends;
} CgHours;

/* Hours of one date; none when starts is negative. */
typedef struct CgOverride
{
	DateADT date;
	TimeADT starts;
	TimeADT ends;
} CgOverride;

/* One staff member's time. */
typedef struct CgCalendar
{
	pg_uuid_t   staff_id;
	CgZone      zone;
	CgHours    *hours;
	int         nhours;
	CgOverride *overrides; /* by date */
	int         noverrides;
	CgIntervals time_off; /* merged */
	CgIntervals windows;  /* merged: when there are hours and no time off */
	CgIntervals blocked;  /* merged: taken, with buffers of both sides */
	CgIntervals sessions; /* of the same service, with a free seat; by start */
} CgCalendar;

/* load.c: in an open SPI session; for all calendars, which are in the order of ids, at once.  ERROR 23503 for a service that is not there. */
extern void        cg_schedule_load_service(const CgQuery *query, CgZone *view,
											CgService *service);
extern CgCalendar *cg_schedule_load_staff(const CgQuery *query, int *count);
extern void cg_schedule_load_hours(const CgQuery *query, CgCalendar *calendars, int count,
								   TimestampTz from, TimestampTz to);
extern void cg_schedule_load_busy(const CgQuery *query, const CgService *service,
								  CgCalendar *calendars, int count, TimestampTz from,
								  TimestampTz to);

/*
 * calendar.c: fills windows so that every window with an instant of from .. to is
 * there, whole as far as earliest (or 60 days) back and a day ahead.
 */
extern void cg_calendar_open(CgCalendar *calendar, TimestampTz earliest, TimestampTz from,
							 TimestampTz to);

/*
 * sweep.c: writes the first starts of the range to "starts", at most so many, in
 * order; returns how many.
 */
extern int cg_sweep(const CgQuery *query, const CgService *service, CgZone *view,
					const CgCalendar *calendar, TimestampTz *starts, int limit);

/* sweep.c: "free", or why an appointment cannot begin then. */
extern const char *cg_judge(const CgQuery *query, const CgService *service,
							const CgCalendar *calendar, TimestampTz start);

#endif /* CG_SCHEDULE_SCHEDULE_INTERNAL_H */
