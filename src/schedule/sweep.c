/*
 * sweep.c
 *		Finds free starts in what is left of the windows.
 *
 * Slots of a free stretch are counted from its beginning, which is moved up to a round
 * minute of the caller's clock if the service rounds.  A booking need not be one of the
 * slots that are offered: it is judged by the same windows and blocked times, so that what
 * is offered is taken.  A stretch that has begun goes on in its steps; when none of them is
 * left, though there is room for a booking, the next whole minute is offered.
 *
 * The range is at most 366 days and begins within 50 years, so what is added to a slot in
 * it stays in the calendar.
 *
 * Memory:		the caller's context.
 * Errors:		none.
 * Called by:	availability.c
 * Shown by:	test/t/150_availability_cases.pl, test/t/151_booking_races.pl
 */
#include "postgres.h"

#include "miscadmin.h"

#include "schedule/schedule_internal.h"

/* The first slot on a round minute; seconds of the beginning do not count. */
static TimestampTz
round_slot(TimestampTz start, int round_to, CgZone *view)
{
	int64 local = cg_zone_local(view, start);
	int64 second = local % USECS_PER_MINUTE;
	int64 minute;

	if (second < 0)
		second += USECS_PER_MINUTE;
	local -= second;
	minute = local / USECS_PER_MINUTE % 60;
	if (minute < 0)
		minute += 60;
	return start - second + (round_to - minute % round_to) % round_to * USECS_PER_MINUTE;
}

static TimestampTz
next_minute(TimestampTz start)
{
	int64 second = start % USECS_PER_MINUTE;

	if (second < 0)
		second += USECS_PER_MINUTE;
	return second == 0 ? start : start + USECS_PER_MINUTE - second;
}

/* Where the slots of a free stretch are counted from; none before "begin" is offered. */
static TimestampTz
anchor(const CgInterval *stretch, TimestampTz begin, const CgService *service,
	   CgZone *view)
{
	TimestampTz slot = next_minute(stretch->start);

	if (service->round_to > 0)
		return round_slot(begin, service->round_to, view);
	/* What has begun goes on in its steps, which are rounder than the present minute. */
	if (slot < begin)
		slot += (begin - slot + service->step - 1) / service->step * service->step;
	return slot + service->duration <= stretch->end ? slot : next_minute(begin);
}

/* A session with free seats is joined at its own beginning, not overlapped. */
static bool
cuts_session(const CgCalendar *calendar, TimestampTz start, TimestampTz end)
{
	for (int i = 0; i < calendar->sessions.count; i++)
	{
		const CgInterval *session = &calendar->sessions.items[i];

		if (session->start < end && session->end > start && session->start != start)
			return true;
	}
	return false;
}

static bool
is_in_time(const CgQuery *query, const CgService *service, TimestampTz start)
{
	return start > query->now && start >= service->earliest && start < service->latest;
}

int
cg_sweep(const CgQuery *query, const CgService *service, CgZone *view,
		 const CgCalendar *calendar, TimestampTz *starts, int limit)
{
	CgIntervals free = {0};
	int         count = 0;

	cg_intervals_subtract(&calendar->windows, &calendar->blocked, &free);
	for (int i = 0; i < free.count && free.items[i].start < query->to; i++)
	{
		TimestampTz begin = Max(free.items[i].start, service->earliest);
		TimestampTz end = free.items[i].end;
		TimestampTz slot = anchor(&free.items[i], begin, service, view);

		/* Straight to the range, in whole steps. */
		if (slot < query->from)
			slot +=
				(query->from - slot + service->step - 1) / service->step * service->step;
		for (; slot < query->to && slot + service->duration <= end; slot += service->step)
		{
			CHECK_FOR_INTERRUPTS();
			if (slot < begin || !is_in_time(query, service, slot) ||
				cuts_session(calendar, slot, slot + service->duration))
				continue;
			if (count == limit)
				return count;
			starts[count++] = slot;
		}
	}
	return count;
}

const char *
cg_judge(const CgQuery *query, const CgService *service, const CgCalendar *calendar,
		 TimestampTz start)
{
	TimestampTz end = cg_time_shift(start, service->duration);

	if (start <= query->now)
		return "past";
	if (start < service->earliest)
		return "too_soon";
	if (start >= service->latest)
		return "too_far";
	if (cg_intervals_cover(&calendar->windows, start, end) == NULL)
		return "outside_hours";
	if (cg_intervals_overlap(&calendar->blocked, start, end) ||
		cuts_session(calendar, start, end))
		return "taken";
	return "free";
}
