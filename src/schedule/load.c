/*
 * load.c
 *		Reads services, staff, their hours and their taken time.
 *
 * One statement of each kind for all staff; its rows come in the order of their ids, which
 * is that of the calendars.
 *
 * Every statement names the business, though row security would do so too: the
 * functions that get here have entered it.
 *
 * Memory:		the session's, which cg_spi_end() frees.
 * Errors:		23503 for a service that the business has not.
 * Called by:	availability.c
 * Shown by:	test/sql/availability.sql
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/spi.h"
#include "schedule/schedule_internal.h"

/* $3: the staff member asked for, or the ids of those whose time is loaded. */
#define QUERY_ARGS 7

#define SERVICE_SQL                                                                      \
	"SELECT s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes,"        \
	"       coalesce(s.slot_step_minutes, s.duration_minutes),"                          \
	"       s.minimum_notice_minutes, s.seats, b.time_zone,"                             \
	"       CASE WHEN b.settings ->> 'booking_horizon_days' ~ '^[0-9]{1,4}$'"            \
	"            THEN (b.settings ->> 'booking_horizon_days')::integer END,"             \
	"       coalesce(s.slot_round_minutes, 0)"                                           \
	"  FROM cloudgreet.services s JOIN cloudgreet.businesses b ON b.id = s.business_id"  \
	" WHERE s.business_id = $1 AND s.id = $2 AND s.is_active"

#define STAFF_SQL                                                                        \
	"SELECT st.id, st.time_zone FROM cloudgreet.staff st"                                \
	" WHERE st.business_id = $1 AND st.is_active AND ($3 IS NULL OR st.id = $3)"         \
	"   AND (EXISTS (SELECT FROM cloudgreet.service_staff ss WHERE ss.business_id = $1"  \
	"                 AND ss.service_id = $2 AND ss.staff_id = st.id)"                   \
	"        OR NOT EXISTS (SELECT FROM cloudgreet.service_staff ss"                     \
	"                        WHERE ss.business_id = $1 AND ss.service_id = $2))"         \
	" ORDER BY st.id"

#define HOURS_SQL                                                                        \
	"SELECT h.staff_id, h.weekday::integer, coalesce(h.valid_from, '-infinity'),"        \
	"       coalesce(h.valid_to, 'infinity'), h.starts, h.ends"                          \
	"  FROM cloudgreet.working_hours h"                                                  \
	" WHERE h.business_id = $1 AND h.staff_id = ANY ($3) ORDER BY h.staff_id"

/* A day more on both sides: the dates are local. */
#define OVERRIDES_SQL                                                                    \
	"SELECT o.staff_id, o.local_date, o.starts, o.ends"                                  \
	"  FROM cloudgreet.schedule_overrides o"                                             \
	" WHERE o.business_id = $1 AND o.staff_id = ANY ($3)"                                \
	"   AND o.local_date BETWEEN ($4 AT TIME ZONE 'UTC')::date - 2"                      \
	"                        AND ($5 AT TIME ZONE 'UTC')::date + 2 ORDER BY o.staff_id"

#define TIME_OFF_SQL                                                                     \
	"SELECT t.staff_id, t.starts_at, t.ends_at FROM cloudgreet.time_off t"               \
	" WHERE t.business_id = $1 AND t.staff_id = ANY ($3) AND t.starts_at < $5"           \
	"   AND t.ends_at > $4 ORDER BY t.staff_id"

/*
 * What blocks any of the range.  It lasts a day and has buffers of a day at most, but for
 * the few that last longer, which have an index of their own.
 */
#define ALLOCATIONS_SQL                                                                  \
	"SELECT a.staff_id, a.starts_at, a.ends_at, lower(a.blocks), upper(a.blocks),"       \
	"       a.service_id = $2, a.appointment_id"                                         \
	"  FROM cloudgreet.appointment_allocations a"                                        \
	" WHERE a.business_id = $1 AND a.staff_id = ANY ($3)"                                \
	"   AND a.starts_at < $5 + interval '24 hours'"                                      \
	"   AND a.starts_at >= $4 - interval '48 hours' AND a.blocks && tstzrange($4, $5)"   \
	"   AND (a.state = 'booked' OR a.state = 'held' AND a.expires_at > $7"               \
	"                              AND a.holder IS DISTINCT FROM $6)"                    \
	" UNION ALL "                                                                        \
	"SELECT a.staff_id, a.starts_at, a.ends_at, lower(a.blocks), upper(a.blocks),"       \
	"       a.service_id = $2, a.appointment_id"                                         \
	"  FROM cloudgreet.appointment_allocations a"                                        \
	" WHERE a.business_id = $1 AND a.staff_id = ANY ($3)"                                \
	"   AND a.starts_at < $4 - interval '48 hours'"                                      \
	"   AND a.state IN ('held', 'booked')"                                               \
	"   AND a.ends_at - a.starts_at > interval '24 hours'"                               \
	"   AND a.ends_at > $4 - interval '24 hours' AND a.blocks && tstzrange($4, $5)"      \
	"   AND (a.state = 'booked' OR a.state = 'held' AND a.expires_at > $7"               \
	"                              AND a.holder IS DISTINCT FROM $6)"                    \
	" ORDER BY 1, 2"

#define BUSY_SQL                                                                         \
	"SELECT b.staff_id, b.starts_at, b.ends_at FROM cloudgreet.busy_blocks b"            \
	" WHERE b.business_id = $1 AND b.staff_id = ANY ($3) AND b.starts_at < $5"           \
	"   AND b.ends_at > $4 ORDER BY b.staff_id"

static uint64
run_for(const char *sql, const CgQuery *query, Oid staff_type, Datum staff,
		bool any_staff, TimestampTz from, TimestampTz to)
{
	Oid   types[] = {UUIDOID,        UUIDOID, staff_type,    TIMESTAMPTZOID,
					 TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID};
	Datum values[] = {UUIDPGetDatum(&query->business),
					  UUIDPGetDatum(&query->service_id),
					  staff,
					  TimestampTzGetDatum(from),
					  TimestampTzGetDatum(to),
					  query->holder != NULL ? CStringGetTextDatum(query->holder)
											: (Datum) 0,
					  TimestampTzGetDatum(query->now)};
	char  nulls[QUERY_ARGS];

	memset(nulls, ' ', sizeof(nulls));
	if (any_staff)
		nulls[2] = 'n';
	if (query->holder == NULL)
		nulls[5] = 'n';
	return cg_spi_query(sql, QUERY_ARGS, types, values, nulls, true, 0);
}

static uint64
run(const char *sql, const CgQuery *query)
{
	return run_for(sql, query, UUIDOID, UUIDPGetDatum(query->staff_id),
				   query->staff_id == NULL, query->from, query->to);
}

/* Rows of all calendars, whose first column is the staff member, in the order of ids. */
static uint64
run_for_all(const char *sql, const CgQuery *query, const CgCalendar *calendars, int count,
			TimestampTz from, TimestampTz to)
{
	Datum *ids = palloc(Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		ids[i] = UUIDPGetDatum(&calendars[i].staff_id);
	return run_for(sql, query, UUIDARRAYOID,
				   PointerGetDatum(construct_array(ids, count, UUIDOID, UUID_LEN, false,
												   TYPALIGN_CHAR)),
				   false, from, to);
}

/* From "first", the end of the rows that are this staff member's. */
static uint64
end_of_staff(const CgCalendar *calendar, uint64 first, uint64 rows)
{
	bool   isnull;
	uint64 end = first;

	while (end < rows && memcmp(DatumGetUUIDP(cg_spi_value(end, 1, &isnull)),
								&calendar->staff_id, UUID_LEN) == 0)
		end++;
	return end;
}

static int64
get_minutes(int column)
{
	bool isnull;

	return DatumGetInt32(cg_spi_value(0, column, &isnull)) * USECS_PER_MINUTE;
}

void
cg_schedule_load_service(const CgQuery *query, CgZone *view, CgService *service)
{
	bool  isnull;
	Datum horizon;

	if (run(SERVICE_SQL, query) == 0)
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						errmsg("service \"%s\" does not exist",
							   DatumGetCString(DirectFunctionCall1(
								   uuid_out, UUIDPGetDatum(&query->service_id))))));
	service->duration = get_minutes(1);
	service->buffer_before = get_minutes(2);
	service->buffer_after = get_minutes(3);
	service->step = get_minutes(4);
	service->round_to = DatumGetInt32(cg_spi_value(0, 9, &isnull));
	service->earliest = cg_time_shift(query->now, get_minutes(5));
	service->seats = DatumGetInt32(cg_spi_value(0, 6, &isnull));
	service->time_zone = TextDatumGetCString(cg_spi_value(0, 7, &isnull));
	if (view->tz == NULL)
		cg_zone_open(view, service->time_zone);
	horizon = cg_spi_value(0, 8, &isnull);
	service->latest = DT_NOEND;
	if (!isnull)
		service->latest = cg_zone_midnight(view, cg_zone_date(view, query->now) +
													 DatumGetInt32(horizon) + 1);
}

CgCalendar *
cg_schedule_load_staff(const CgQuery *query, int *count)
{
	uint64      rows = run(STAFF_SQL, query);
	CgCalendar *calendars = palloc0(Max(rows, 1) * sizeof(CgCalendar));
	bool        isnull;

	if (rows > CG_MAX_STAFF)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d staff members do this service", CG_MAX_STAFF),
				 errhint("Name one of them.")));
	for (uint64 i = 0; i < rows; i++)
	{
		calendars[i].staff_id = *DatumGetUUIDP(cg_spi_value(i, 1, &isnull));
		cg_zone_open(&calendars[i].zone,
					 TextDatumGetCString(cg_spi_value(i, 2, &isnull)));
	}
	*count = (int) rows;
	return calendars;
}

/* Rows of HOURS_SQL. */
static void
add_weekly(CgCalendar *calendar, uint64 first, uint64 end)
{
	bool isnull;

	calendar->hours = palloc(Max(end - first, 1) * sizeof(CgHours));
	calendar->nhours = (int) (end - first);
	for (uint64 i = first; i < end; i++)
	{
		CgHours *h = &calendar->hours[i - first];

		h->weekday = DatumGetInt32(cg_spi_value(i, 2, &isnull));
		h->valid_from = DatumGetDateADT(cg_spi_value(i, 3, &isnull));
		h->valid_to = DatumGetDateADT(cg_spi_value(i, 4, &isnull));
		h->starts = DatumGetTimeADT(cg_spi_value(i, 5, &isnull));
		h->ends = DatumGetTimeADT(cg_spi_value(i, 6, &isnull));
	}
}

/* Rows of OVERRIDES_SQL. */
static void
add_overrides(CgCalendar *calendar, uint64 first, uint64 end)
{
	bool  isnull;
	Datum value;

	calendar->overrides = palloc(Max(end - first, 1) * sizeof(CgOverride));
	calendar->noverrides = (int) (end - first);
	for (uint64 i = first; i < end; i++)
	{
		CgOverride *o = &calendar->overrides[i - first];

		o->date = DatumGetDateADT(cg_spi_value(i, 2, &isnull));
		value = cg_spi_value(i, 3, &isnull);
		o->starts = isnull ? -1 : DatumGetTimeADT(value);
		value = cg_spi_value(i, 4, &isnull);
		o->ends = isnull ? -1 : DatumGetTimeADT(value);
	}
}

/* Adds rows of a start and an end, padded, to a list. */
static void
add_rows(CgIntervals *list, uint64 first, uint64 stop, int64 before, int64 after)
{
	bool isnull;

	for (uint64 i = first; i < stop; i++)
	{
		TimestampTz start = DatumGetTimestampTz(cg_spi_value(i, 2, &isnull));
		TimestampTz end = DatumGetTimestampTz(cg_spi_value(i, 3, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (start < end)
			cg_intervals_add(list, cg_time_shift(start, -before),
							 cg_time_shift(end, after));
	}
}

void
cg_schedule_load_hours(const CgQuery *query, CgCalendar *calendars, int count,
					   TimestampTz from, TimestampTz to)
{
	uint64 rows = run_for_all(HOURS_SQL, query, calendars, count, from, to);
	uint64 first = 0;
	uint64 end;

	for (int i = 0; i < count; i++, first = end)
	{
		end = end_of_staff(&calendars[i], first, rows);
		add_weekly(&calendars[i], first, end);
	}
	rows = run_for_all(OVERRIDES_SQL, query, calendars, count, from, to);
	first = 0;
	for (int i = 0; i < count; i++, first = end)
	{
		end = end_of_staff(&calendars[i], first, rows);
		add_overrides(&calendars[i], first, end);
	}
	rows = run_for_all(TIME_OFF_SQL, query, calendars, count, from, to);
	first = 0;
	for (int i = 0; i < count; i++, first = end)
	{
		end = end_of_staff(&calendars[i], first, rows);
		add_rows(&calendars[i].time_off, first, end, 0, 0);
		cg_intervals_merge(&calendars[i].time_off);
	}
}

/*
 * Rows of ALLOCATIONS_SQL become blocked time.  Parties of the service that begin
 * together are a session, which, with a free seat, blocks only what is around it.
 */
static void
add_allocations(const CgQuery *query, const CgService *service, CgCalendar *calendar,
				uint64 first, uint64 rows)
{
	for (uint64 i = first, next; i < rows; i = next)
	{
		bool        isnull;
		TimestampTz start = DatumGetTimestampTz(cg_spi_value(i, 2, &isnull));
		TimestampTz end = start;
		TimestampTz blocks_end = start;
		TimestampTz blocks_start = start;
		int         parties = 0;
		bool        has_other = false;

		CHECK_FOR_INTERRUPTS();
		for (next = i;
			 next < rows && DatumGetTimestampTz(cg_spi_value(next, 2, &isnull)) == start;
			 next++)
		{
			Datum same = cg_spi_value(next, 6, &isnull);
			bool  is_same = !isnull && DatumGetBool(same);
			Datum id = cg_spi_value(next, 7, &isnull);

			/* What is moved may take its own time again. */
			if (!isnull && query->appointment != NULL &&
				memcmp(DatumGetUUIDP(id), query->appointment, UUID_LEN) == 0)
				continue;
			has_other |= !is_same;
			parties++;
			end = Max(end, DatumGetTimestampTz(cg_spi_value(next, 3, &isnull)));
			blocks_start =
				Min(blocks_start, DatumGetTimestampTz(cg_spi_value(next, 4, &isnull)));
			blocks_end =
				Max(blocks_end, DatumGetTimestampTz(cg_spi_value(next, 5, &isnull)));
		}
		blocks_start = cg_time_shift(blocks_start, -service->buffer_after);
		blocks_end = cg_time_shift(blocks_end, service->buffer_before);
		if (parties == 0)
			continue;
		/*
		 * Of a session with a seat left the start is free, and the buffers around it are
		 * not.
		 */
		if (parties >= service->seats || has_other)
			cg_intervals_add(&calendar->blocked, blocks_start, blocks_end);
		else
		{
			cg_intervals_add(&calendar->sessions, start, end);
			cg_intervals_add(&calendar->blocked, blocks_start, start);
			cg_intervals_add(&calendar->blocked, end, blocks_end);
		}
	}
}

void
cg_schedule_load_busy(const CgQuery *query, const CgService *service,
					  CgCalendar *calendars, int count, TimestampTz from, TimestampTz to)
{
	uint64 rows;
	uint64 first = 0;
	uint64 end;

	/* The service's own buffers are as far as another's time, buffers included, is met. */
	from = cg_time_shift(from, -service->buffer_before);
	to = cg_time_shift(to, service->buffer_after);
	rows = run_for_all(ALLOCATIONS_SQL, query, calendars, count, from, to);
	for (int i = 0; i < count; i++, first = end)
	{
		end = end_of_staff(&calendars[i], first, rows);
		add_allocations(query, service, &calendars[i], first, end);
	}
	rows = run_for_all(BUSY_SQL, query, calendars, count, from, to);
	first = 0;
	for (int i = 0; i < count; i++, first = end)
	{
		end = end_of_staff(&calendars[i], first, rows);
		add_rows(&calendars[i].blocked, first, end, service->buffer_after,
				 service->buffer_before);
		cg_intervals_merge(&calendars[i].blocked);
	}
}
