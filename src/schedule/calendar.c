/*
 * calendar.c
 *		Makes windows, which are instants, of hours, which are local.
 *
 * A window is as long as the hours go on without a break, over midnight too, because
 * slots are counted from its beginning.
 *
 * Memory:		the caller's context.
 * Errors:		22008 for times outside of what a zone knows.
 * Called by:	availability.c
 * Shown by:	test/t/150_availability_cases.pl
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"

#include "schedule/schedule_internal.h"

/* How far back a window without a beginning (open round the clock) is followed. */
#define DAYS_BACK 60

static void
add_block(CgCalendar *calendar, CgIntervals *list, DateADT date, TimeADT starts,
		  TimeADT ends)
{
	cg_intervals_add(list,
					 cg_zone_instant(&calendar->zone, date * USECS_PER_DAY + starts),
					 cg_zone_instant(&calendar->zone, date * USECS_PER_DAY + ends));
}

/* The hours of a date: those of its overrides, or else of its weekday. */
static void
add_date(CgCalendar *calendar, CgIntervals *list, DateADT date)
{
	int  weekday = j2day(date + POSTGRES_EPOCH_JDATE);
	bool is_overridden = false;

	CHECK_FOR_INTERRUPTS();
	if (!cg_zone_has_date(&calendar->zone, date))
		return;
	for (int i = 0; i < calendar->noverrides; i++)
	{
		CgOverride *o = &calendar->overrides[i];

		if (o->date != date)
			continue;
		is_overridden = true;
		if (o->starts >= 0)
			add_block(calendar, list, date, o->starts, o->ends);
	}
	for (int i = 0; i < calendar->nhours && !is_overridden; i++)
	{
		CgHours *h = &calendar->hours[i];

		if (h->weekday == weekday && date >= h->valid_from && date <= h->valid_to)
			add_block(calendar, list, date, h->starts, h->ends);
	}
}

void
cg_calendar_open(CgCalendar *calendar, TimestampTz earliest, TimestampTz from,
				 TimestampTz to)
{
	DateADT first = cg_zone_date(&calendar->zone, from) - 1;
	DateADT last = cg_zone_date(&calendar->zone, to) + 1;
	DateADT limit = Max(cg_zone_date(&calendar->zone, earliest) - 1, first - DAYS_BACK);
	CgIntervals hours = {0};

	for (DateADT date = first; date <= last; date++)
		add_date(calendar, &hours, date);
	/* Go back for as long as the first window may have begun earlier. */
	while (first > limit)
	{
		TimestampTz midnight = cg_zone_midnight(&calendar->zone, first);
		int         count = hours.count;

		cg_intervals_merge(&hours);
		if (hours.count == 0 || hours.items[0].start > midnight)
			break;
		count = hours.count;
		add_date(calendar, &hours, --first);
		if (hours.count == count && cg_zone_has_date(&calendar->zone, first))
			break;
	}
	cg_intervals_merge(&hours);
	calendar->windows.count = 0;
	cg_intervals_subtract(&hours, &calendar->time_off, &calendar->windows);
}
