/*
 * zone.c
 *		Converts between local times and instants; see zone.h for the rules.
 *
 * PostgreSQL's own conversion (AT TIME ZONE) reads a repeated time as its second
 * occurrence, so only its zone data are used here: the offset at an instant and when
 * the next change comes.  The session's TimeZone plays no part.
 *
 * Memory:		zones stay in the server's zone cache.
 * Errors:		ZG106 for an unknown zone.
 * Called by:	the other files here
 * Shown by:	test/t/150_availability_cases.pl
 */
#include "postgres.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "utils/datetime.h"

#include "core/errors.h"
#include "core/validate.h"
#include "schedule/zone.h"

#define EPOCH_SHIFT ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* No zone is farther from UTC; a local time is an instant within this of its face value. */
#define MAX_OFFSET (16 * SECS_PER_HOUR)

static int64
floor_div(int64 value, int64 divisor)
{
	int64 quotient = value / divisor;

	return quotient * divisor > value ? quotient - 1 : quotient;
}

static pg_time_t
unix_seconds(int64 microseconds)
{
	return floor_div(microseconds, USECS_PER_SEC) + EPOCH_SHIFT;
}

void
cg_zone_open(CgZone *zone, const char *name)
{
	const char *known = cg_time_zone_find(name, strlen(name));

	zone->tz = known != NULL ? pg_tzset(known) : NULL;
	if (zone->tz == NULL)
		ereport(ERROR, (errcode(ERRCODE_CG_TIME_ZONE_INVALID),
						errmsg("time zone \"%.60s\" is not known", name),
						errhint("Use an IANA name such as America/New_York.")));
	zone->from = 0;
	zone->until = 0;
}

/* Loads the stretch that begins at an instant. */
static void
load_stretch(CgZone *zone, pg_time_t at)
{
	long      before;
	long      after;
	int       is_dst;
	pg_time_t boundary;
	int       found;

	found =
		pg_next_dst_boundary(&at, &before, &is_dst, &boundary, &after, &is_dst, zone->tz);
	if (found < 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("time out of range for its time zone")));
	zone->from = at;
	zone->until = found == 0 ? PG_INT64_MAX : boundary;
	zone->offset = before;
}

static bool
holds(const CgZone *zone, pg_time_t from, pg_time_t until)
{
	return from >= zone->from && until < zone->until;
}

/*
 * The instants of a local time, in seconds, the earliest first; returns how many.
 * Of a skipped time it is the one by the offset before the change, and none is counted.
 */
static int
find_instants(CgZone *zone, pg_time_t local, pg_time_t *result)
{
	pg_time_t at = local - MAX_OFFSET;
	long      previous;
	int       count = 0;
	bool      was_skipped = false;

	load_stretch(zone, at);
	previous = zone->offset;
	while (zone->from <= local + MAX_OFFSET)
	{
		pg_time_t instant = local - zone->offset;

		if (instant < zone->from && count == 0 && !was_skipped)
		{
			*result = local - previous;
			was_skipped = true;
		}
		if (instant >= zone->from && instant < zone->until && count++ == 0)
			*result = instant;
		if (zone->until == PG_INT64_MAX)
			break;
		previous = zone->offset;
		load_stretch(zone, zone->until);
	}
	return count;
}

TimestampTz
cg_zone_instant(CgZone *zone, int64 local)
{
	pg_time_t seconds = unix_seconds(local);
	int64     fraction = local - (seconds - EPOCH_SHIFT) * USECS_PER_SEC;
	pg_time_t instant = seconds;

	if (!holds(zone, seconds - MAX_OFFSET, seconds + MAX_OFFSET))
		load_stretch(zone, seconds - MAX_OFFSET);
	if (holds(zone, seconds - MAX_OFFSET, seconds + MAX_OFFSET))
		instant = seconds - zone->offset;
	else
		(void) find_instants(zone, seconds, &instant);
	return (instant - EPOCH_SHIFT) * USECS_PER_SEC + fraction;
}

int64
cg_zone_local(CgZone *zone, TimestampTz at)
{
	pg_time_t seconds = unix_seconds(at);
	int64     local;

	if (!holds(zone, seconds, seconds))
		load_stretch(zone, seconds);
	if (pg_add_s64_overflow(at, zone->offset * USECS_PER_SEC, &local))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("time out of range for its time zone")));
	return local;
}

DateADT
cg_zone_date(CgZone *zone, TimestampTz at)
{
	return (DateADT) floor_div(cg_zone_local(zone, at), USECS_PER_DAY);
}

TimestampTz
cg_zone_midnight(CgZone *zone, DateADT date)
{
	return cg_zone_instant(zone, date * USECS_PER_DAY);
}

bool
cg_zone_has_date(CgZone *zone, DateADT date)
{
	return cg_zone_midnight(zone, date) < cg_zone_midnight(zone, date + 1);
}

void
cg_zone_say(CgZone *zone, TimestampTz at, TimestampTz now, StringInfo out)
{
	int64     local = cg_zone_local(zone, at);
	DateADT   date = (DateADT) floor_div(local, USECS_PER_DAY);
	int       minutes = (int) ((local - date * USECS_PER_DAY) / USECS_PER_MINUTE);
	pg_time_t seconds = unix_seconds(at);
	pg_time_t first;
	int       year;
	int       this_year;
	int       month;
	int       day;

	j2date(cg_zone_date(zone, now) + POSTGRES_EPOCH_JDATE, &this_year, &month, &day);
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	appendStringInfo(
		out, "%s, %s %d", days[j2day(date + POSTGRES_EPOCH_JDATE)],
		((const char *const[]){"January", "February", "March", "April", "May", "June",
							   "July", "August", "September", "October", "November",
							   "December"})[month - 1],
		day);
	if (year != this_year)
		appendStringInfo(out, ", %d", year);
	appendStringInfo(out, " at %d:%02d %s", (minutes / 60 + 11) % 12 + 1, minutes % 60,
					 minutes < 12 * 60 ? "AM" : "PM");
	if (find_instants(zone, unix_seconds(local), &first) > 1)
		appendStringInfo(out, " %s", pg_localtime(&seconds, zone->tz)->tm_zone);
}
