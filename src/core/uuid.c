/*
 * uuid.c
 *		Makes UUIDv7 ids and the bounds of their time ranges, and reads UUIDs.
 *
 * RFC 9562 section 5.7: 48 bits of Unix milliseconds, version 7, 12 bits, variant
 * 2, 62 bits.  The 12 bits hold the sub-millisecond fraction (section 6.2, method
 * 3), so that ids of one backend are in the order of creation.
 *
 * Invariant:	within a backend each id is greater than the one before, also
 *				when the system clock steps back.
 * Called by:	whatever makes an id or reads one, in C and in SQL
 * Shown by:	test/sql/core.sql
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/clock.h"
#include "core/uuid.h"
#include "core/hex.h"

#define FRACTION_BITS 12
#define MAX_MILLISECONDS ((INT64CONST(1) << 48) - 1)

/* The time of the last id, in 1/4096 ms since the Unix epoch. */
static uint64 last_ticks = 0;

static void
set_prefix(pg_uuid_t *id, uint64 ticks)
{
	uint64 milliseconds = ticks >> FRACTION_BITS;

	for (int i = 0; i < 6; i++)
		id->data[i] = (unsigned char) (milliseconds >> (40 - 8 * i));
	id->data[6] = (unsigned char) (0x70 | ((ticks >> 8) & 0x0F));
	id->data[7] = (unsigned char) (ticks & 0xFF);
}

void
cg_uuid_v7(pg_uuid_t *result)
{
	uint64 microseconds = (uint64) (GetCurrentTimestamp() + CG_UNIX_EPOCH_USECS);
	uint64 ticks = ((microseconds / 1000) << FRACTION_BITS) |
				   ((microseconds % 1000) * (1 << FRACTION_BITS) / 1000);

	if (ticks <= last_ticks)
		ticks = last_ticks + 1;
	last_ticks = ticks;

	if (!pg_strong_random(&result->data[8], 8))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate an id"),
				 errdetail("The system's source of randomness failed.")));
	result->data[8] = (unsigned char) (0x80 | (result->data[8] & 0x3F));
	set_prefix(result, ticks);
}

/* The smallest id of a millisecond; ERROR 22008 outside 1970 .. 10889. */
static void
uuid_v7_floor(TimestampTz at, pg_uuid_t *result)
{
	int64 milliseconds;

	if (TIMESTAMP_NOT_FINITE(at) || at < -CG_UNIX_EPOCH_USECS)
		milliseconds = -1;
	else
		milliseconds = (at + CG_UNIX_EPOCH_USECS) / 1000;
	if (milliseconds < 0 || milliseconds > MAX_MILLISECONDS)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range for an id")));

	memset(result, 0, sizeof(*result));
	set_prefix(result, (uint64) milliseconds << FRACTION_BITS);
	result->data[8] = 0x80;
}

bool
cg_uuid_read(const char *text, pg_uuid_t *result)
{
	char   digits[2 * UUID_LEN + 1];
	size_t n = 0;

	if (strlen(text) != 2 * UUID_LEN + 4)
		return false;
	for (int i = 0; text[i] != '\0'; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i] != '-')
				return false;
		}
		else
			digits[n++] = text[i];
	}
	return cg_hex_read(digits, UUID_LEN, result->data);
}

PG_FUNCTION_INFO_V1(cg_sql_uuid_v7);

Datum
cg_sql_uuid_v7(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	cg_uuid_v7(id);
	PG_RETURN_UUID_P(id);
}

PG_FUNCTION_INFO_V1(cg_sql_uuid_v7_floor);

Datum
cg_sql_uuid_v7_floor(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	uuid_v7_floor(PG_GETARG_TIMESTAMPTZ(0), id);
	PG_RETURN_UUID_P(id);
}

/* The millisecond an id was made in; NULL for an id of another version. */
PG_FUNCTION_INFO_V1(cg_sql_uuid_v7_time);

Datum
cg_sql_uuid_v7_time(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = PG_GETARG_UUID_P(0);
	int64      milliseconds = 0;

	if ((id->data[6] & 0xF0) != 0x70 || (id->data[8] & 0xC0) != 0x80)
		PG_RETURN_NULL();
	for (int i = 0; i < 6; i++)
		milliseconds = milliseconds << 8 | id->data[i];
	if (milliseconds * 1000 - CG_UNIX_EPOCH_USECS >= END_TIMESTAMP)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(milliseconds * 1000 - CG_UNIX_EPOCH_USECS);
}
