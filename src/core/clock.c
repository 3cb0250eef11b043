/*
 * clock.c
 *		cloudgreet.clock(): now(), or a test value that only a superuser sets.
 *
 * Invariant:	the test value is parsed once, in the check hook, so reading the
 *				clock never fails.
 * Called by:	whatever asks what is due, in C and in SQL
 * Shown by:	test/sql/core.sql
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/clock.h"

static TimestampTz test_time;
static bool        has_test_time = false;

/*
 * Reads a literal such as 2026-03-08T02:30:00Z without raising an error (a
 * check hook must not).  A zone is required: without one the meaning would
 * depend on the session's TimeZone.
 */
static bool
parse_time(const char *text, TimestampTz *result)
{
	char         work[MAXDATELEN + 1];
	char        *fields[MAXDATEFIELDS];
	int          types[MAXDATEFIELDS];
	int          count;
	int          kind;
	int          zone = 0;
	bool         has_zone = false;
	fsec_t       fraction;
	struct pg_tm tm;

	if (strlen(text) > MAXDATELEN ||
		ParseDateTime(text, work, sizeof(work), fields, types, MAXDATEFIELDS, &count) !=
			0 ||
		cg_compat_decode_datetime(fields, types, count, &kind, &tm, &fraction, &zone) !=
			0 ||
		kind != DTK_DATE)
		return false;

	for (int i = 0; i < count; i++)
	{
		if (types[i] == DTK_TZ ||
			(types[i] == DTK_STRING && pg_strcasecmp(fields[i], "z") == 0) ||
			(types[i] == DTK_STRING && pg_strcasecmp(fields[i], "utc") == 0))
			has_zone = true;
	}
	return has_zone && tm2timestamp(&tm, fraction, &zone, result) == 0;
}

bool
cg_clock_check(char **newval, void **extra, GucSource source)
{
	TimestampTz *parsed;

	if (**newval == '\0')
		return true;

	parsed = cg_compat_guc_malloc(sizeof(TimestampTz));
	if (parsed == NULL)
		return false;
	if (!parse_time(*newval, parsed))
	{
		cg_compat_guc_free(parsed);
		GUC_check_errdetail("The value must be a date and time with \"Z\" or an offset.");
		return false;
	}
	*extra = parsed;
	return true;
}

void
cg_clock_assign(const char *newval, void *extra)
{
	has_test_time = extra != NULL;
	if (extra != NULL)
		test_time = *(TimestampTz *) extra;
}

TimestampTz
cg_clock_now(void)
{
	return has_test_time ? test_time : GetCurrentTransactionStartTimestamp();
}

PG_FUNCTION_INFO_V1(cg_sql_clock);

Datum
cg_sql_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(cg_clock_now());
}
