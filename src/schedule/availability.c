/*
 * availability.c
 *		The questions that SQL asks: which starts are free, and whether one is.
 *
 * Both are for functions of cloudgreet_owner that have resolved and entered the
 * business (sql/api/600_availability.sql); nobody else may execute them.
 *
 * Memory:		the SPI session's; rows go to a tuplestore.
 * Errors:		22004 and 22023 for a range or number that makes no sense, ZG106 for a
 *				zone, 23503 for a service that does not exist, 54000 for too many staff.
 * Called by:	sql/api/600_availability.sql and 610_take_time.sql
 * Shown by:	test/sql/availability.sql, test/t/150_availability_cases.pl
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/clock.h"
#include "core/errors.h"
#include "core/spi.h"
#include "schedule/schedule_internal.h"
#include "tenant/context.h"

#define MAX_RANGE_DAYS 366
#define MAX_YEARS_AHEAD 50
#define MAX_SLOTS 1000

/* A free start, and whose. */
typedef struct Slot
{
	TimestampTz start;
	int         staff; /* in the list, which is by id */
} Slot;

static void
require(FunctionCallInfo fcinfo, int argument, const char *what)
{
	if (fcinfo->args[argument].isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", what)));
}

/* The members of a query that both functions take. */
static void
read_query(FunctionCallInfo fcinfo, CgQuery *query, int staff, int holder,
		   int appointment)
{
	CgContext context;

	memset(query, 0, sizeof(*query));
	if (!cg_context_get(&context) || !context.has_business)
		ereport(ERROR,
				(errcode(ERRCODE_CG_BUSINESS_REQUIRED), errmsg("no business is chosen")));
	require(fcinfo, 0, "service_id");
	query->business = context.business;
	query->service_id = *PG_GETARG_UUID_P(0);
	query->now = cg_clock_now();
	query->staff_id = PG_ARGISNULL(staff) ? NULL : PG_GETARG_UUID_P(staff);
	query->holder =
		PG_ARGISNULL(holder) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(holder));
	query->appointment = PG_ARGISNULL(appointment) ? NULL : PG_GETARG_UUID_P(appointment);
}

static void
read_range(FunctionCallInfo fcinfo, CgQuery *query)
{
	require(fcinfo, 1, "range_start");
	require(fcinfo, 2, "range_end");
	query->from = PG_GETARG_TIMESTAMPTZ(1);
	query->to = PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(query->from) || TIMESTAMP_NOT_FINITE(query->to))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the range must have a start and an end")));
	if (query->from >= query->to)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the range must end after it starts")));
	/* From one end of the calendar to the other is more than 64 bits have. */
	if (query->to > cg_time_shift(query->from, MAX_RANGE_DAYS * USECS_PER_DAY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the range must not be longer than %d days", MAX_RANGE_DAYS)));
	if (query->from > cg_time_shift(query->now, MAX_YEARS_AHEAD * 366 * USECS_PER_DAY))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the range must start within %d years", MAX_YEARS_AHEAD)));
}

static int
read_limit(FunctionCallInfo fcinfo, int argument)
{
	int32 limit;

	require(fcinfo, argument, "max_slots");
	limit = PG_GETARG_INT32(argument);
	if (limit < 1 || limit > MAX_SLOTS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_slots must be from 1 to %d", MAX_SLOTS)));
	return limit;
}

/*
 * Loads and opens calendars for starts in a range: to find slots, which are counted from
 * where a free stretch begins, or to judge one.
 */
static void
open_calendars(const CgQuery *query, const CgService *service, CgCalendar *calendars,
			   int count, bool to_find)
{
	TimestampTz to = cg_time_shift(query->to, service->duration);
	TimestampTz since = query->from;

	if (count == 0)
		return;
	cg_schedule_load_hours(query, calendars, count, service->earliest, to);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cg_calendar_open(&calendars[i], service->earliest, query->from, to);
		if (to_find && calendars[i].windows.count > 0)
			since =
				Min(since, Max(calendars[i].windows.items[0].start, service->earliest));
	}
	cg_schedule_load_busy(query, service, calendars, count, since, to);
}

static int
compare_slots(const void *a, const void *b)
{
	const Slot *left = a;
	const Slot *right = b;

	if (left->start != right->start)
		return left->start > right->start ? 1 : -1;
	return left->staff - right->staff;
}

/* The free starts of all calendars, in order; more than limit may come. */
static int
find_slots(const CgQuery *query, const CgService *service, CgZone *view,
		   CgCalendar *calendars, int count, int limit, Slot **slots)
{
	TimestampTz *starts = palloc(limit * sizeof(TimestampTz));
	int          total = 0;

	*slots = palloc(Max(count, 1) * limit * sizeof(Slot));
	open_calendars(query, service, calendars, count, true);
	for (int i = 0; i < count; i++)
	{
		int found;

		CHECK_FOR_INTERRUPTS();
		found = cg_sweep(query, service, view, &calendars[i], starts, limit);
		for (int k = 0; k < found; k++)
		{
			(*slots)[total].start = starts[k];
			(*slots)[total++].staff = i;
		}
	}
	qsort(*slots, total, sizeof(Slot), compare_slots);
	return total;
}

static void
put_slot(ReturnSetInfo *result, const CgQuery *query, const CgService *service,
		 CgZone *view, const pg_uuid_t *staff, TimestampTz start)
{
	Datum          values[4];
	bool           nulls[4] = {false};
	StringInfoData spoken;

	initStringInfo(&spoken);
	cg_zone_say(view, start, query->now, &spoken);
	values[0] = TimestampTzGetDatum(start);
	values[1] = TimestampTzGetDatum(cg_time_shift(start, service->duration));
	values[2] = UUIDPGetDatum(staff);
	values[3] = CStringGetTextDatum(spoken.data);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(cg_sql_find_slots);

/* find_slots(service, from, to, staff, zone, limit, holder, appointment) */
Datum
cg_sql_find_slots(PG_FUNCTION_ARGS)
{
	CgQuery     query;
	CgService   service;
	CgZone      view = {0};
	CgCalendar *calendars;
	Slot       *slots;
	CgSpi       spi;
	int         limit = read_limit(fcinfo, 5);
	int         count;
	int         total;

	read_query(fcinfo, &query, 3, 6, 7);
	read_range(fcinfo, &query);
	if (!PG_ARGISNULL(4))
		cg_zone_open(&view, text_to_cstring(PG_GETARG_TEXT_PP(4)));
	InitMaterializedSRF(fcinfo, 0);

	cg_spi_begin(&spi, "looking for free times");
	cg_schedule_load_service(&query, &view, &service);
	query.from = Max(query.from, service.earliest);
	query.to = Min(query.to, service.latest);
	calendars = cg_schedule_load_staff(&query, &count);
	total = query.from < query.to
				? find_slots(&query, &service, &view, calendars, count, limit, &slots)
				: 0;
	for (int i = 0; i < total && limit > 0; i++)
	{
		/* Of those who are free then, the first is named. */
		if (i > 0 && slots[i].start == slots[i - 1].start)
			continue;
		limit--;
		put_slot((ReturnSetInfo *) fcinfo->resultinfo, &query, &service, &view,
				 &calendars[slots[i].staff].staff_id, slots[i].start);
	}
	cg_spi_end(&spi);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cg_sql_judge_slot);

/* judge_slot(service, start, staff, holder, appointment) */
Datum
cg_sql_judge_slot(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CgQuery        query;
	CgService      service;
	CgZone         view = {0};
	CgCalendar    *calendars;
	CgSpi          spi;
	int            count;

	read_query(fcinfo, &query, 2, 3, 4);
	require(fcinfo, 1, "starts_at");
	query.from = PG_GETARG_TIMESTAMPTZ(1);
	if (TIMESTAMP_NOT_FINITE(query.from) ||
		query.from > cg_time_shift(query.now, MAX_YEARS_AHEAD * 366 * USECS_PER_DAY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an appointment must start within %d years", MAX_YEARS_AHEAD)));
	query.to = query.from + 1;
	InitMaterializedSRF(fcinfo, 0);

	cg_spi_begin(&spi, "judging a time");
	cg_schedule_load_service(&query, &view, &service);
	calendars = cg_schedule_load_staff(&query, &count);
	/* Of a time in the past only that is said. */
	if (query.from > query.now)
		open_calendars(&query, &service, calendars, count, false);
	for (int i = 0; i < count; i++)
	{
		Datum values[4];
		bool  nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = UUIDPGetDatum(&calendars[i].staff_id);
		values[1] =
			CStringGetTextDatum(cg_judge(&query, &service, &calendars[i], query.from));
		values[2] = TimestampTzGetDatum(cg_time_shift(query.from, service.duration));
		values[3] = Int32GetDatum(service.seats);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	cg_spi_end(&spi);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cg_sql_say_time);

Datum
cg_sql_say_time(PG_FUNCTION_ARGS)
{
	TimestampTz    at = PG_GETARG_TIMESTAMPTZ(0);
	CgZone         zone;
	StringInfoData spoken;

	cg_zone_open(&zone, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an infinite time cannot be said")));
	initStringInfo(&spoken);
	cg_zone_say(&zone, at, cg_clock_now(), &spoken);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(spoken.data, spoken.len));
}
