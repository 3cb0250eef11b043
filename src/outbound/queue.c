/*
 * queue.c
 *		The parts of the dispatcher's transactions; see queue.h.
 *
 * Memory:		items in the caller's context, the rest in the transaction's.
 * Errors:		any, and then nothing happened; the caller aborts the transaction.
 * Called by:	server/dispatcher_turn.c, queue_sql.c
 * Shown by:	test/t/140_outbox.pl, test/specs/outbox_order.spec
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/clock.h"
#include "core/spi.h"
#include "outbound/queue.h"
#include "outbound/queue_internal.h"
#include "outbound/settings.h"
#include "outbound/statements.h"

#define LONGEST_WAIT_MS (60 * 60 * 1000L)
#define ROWS_OF_LANE 129 /* one more than a lane takes, so that it knows of more */
#define LANES_OF_LOOK 128

/* How far a look has come that is taken by pieces: it goes on behind this lane. */
static bool      is_looking = false;
static pg_uuid_t looked_account;
static int64     looked_lane = PG_INT64_MIN;

void
cg_outbox_begin(CgOutboxSession *session, const char *what, bool as_owner)
{
	session->caller = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (as_owner)
		cg_run_as_owner(&session->identity);
	else
		cg_run_as_worker(&session->identity);
	cg_spi_begin(&session->spi, what);
	session->now = cg_clock_now();
	pgstat_report_activity(STATE_RUNNING, what);
}

void
cg_outbox_end(CgOutboxSession *session)
{
	cg_spi_end(&session->spi);
	cg_identity_restore(&session->identity);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextSwitchTo(session->caller);
}

Datum
cg_outbox_array(const Datum *values, const bool *nulls, int count, Oid type)
{
	int16 length;
	bool  by_value;
	char  align;
	int   dimension = count;
	int   lower = 1;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array((Datum *) values, (bool *) nulls, 1,
											  &dimension, &lower, type, length, by_value,
											  align));
}

/* ---- What is due ------------------------------------------------------------------- */

/* Puts the rows of the last query into lanes; returns when the next one is due. */
static TimestampTz
add_rows(const CgOutboxSession *session, uint64 rows)
{
	TimestampTz next = DT_NOEND;

	for (uint64 row = 0; row < rows; row++)
	{
		CgQueued queued;
		text    *provider;
		bool     is_null;

		queued.key.business_id = *DatumGetUUIDP(cg_spi_value(row, 1, &is_null));
		queued.key.id = *DatumGetUUIDP(cg_spi_value(row, 2, &is_null));
		queued.account_id = *DatumGetUUIDP(cg_spi_value(row, 3, &is_null));
		queued.lane = DatumGetInt64(cg_spi_value(row, 4, &is_null));
		provider = DatumGetTextPP(cg_spi_value(row, 5, &is_null));
		queued.host = cg_handoff_host(provider, &queued.account_id);
		queued.next_at = DatumGetTimestampTz(cg_spi_value(row, 6, &is_null));
		if (queued.next_at <= session->now)
			cg_lanes_add(&queued);
		else
			next = Min(next, queued.next_at);
	}
	return next;
}

/* Where the look goes on, after the rows of the last query; they come lane by lane. */
static void
note_place(uint64 rows)
{
	int lanes = 0;

	for (uint64 row = 0; row < rows; row++)
	{
		bool      is_null;
		pg_uuid_t account = *DatumGetUUIDP(cg_spi_value(row, 3, &is_null));
		int64     lane = DatumGetInt64(cg_spi_value(row, 4, &is_null));

		if (row > 0 && lane == looked_lane &&
			memcmp(&account, &looked_account, sizeof(account)) == 0)
			continue;
		looked_account = account;
		looked_lane = lane;
		lanes++;
	}
	is_looking = lanes == LANES_OF_LOOK;
	if (is_looking)
		return;
	memset(&looked_account, 0, sizeof(looked_account));
	looked_lane = PG_INT64_MIN;
}

int64
cg_outbox_look(CgOutboxSession *session)
{
	Oid    types[4] = {INT4OID, UUIDOID, INT8OID, INT4OID};
	Datum  values[4] = {Int32GetDatum(ROWS_OF_LANE), UUIDPGetDatum(&looked_account),
						Int64GetDatum(looked_lane), Int32GetDatum(LANES_OF_LOOK)};
	uint64 rows = cg_spi_query(cg_outbox_lanes_sql, 4, types, values, NULL, false, 0);
	TimestampTz next = add_rows(session, rows);

	note_place(rows);
	return Min(TimestampDifferenceMilliseconds(session->now, next), LONGEST_WAIT_MS);
}

bool
cg_outbox_is_looking(void)
{
	return is_looking;
}

void
cg_outbox_refill(CgOutboxSession *session, const pg_uuid_t *accounts, const int64 *lanes,
				 int count)
{
	Oid    types[3] = {UUIDARRAYOID, INT8ARRAYOID, INT4OID};
	Datum  values[3];
	Datum *account_values = palloc(count * sizeof(Datum));
	Datum *lane_values = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		account_values[i] = UUIDPGetDatum(&accounts[i]);
		lane_values[i] = Int64GetDatum(lanes[i]);
	}
	values[0] = cg_outbox_array(account_values, NULL, count, UUIDOID);
	values[1] = cg_outbox_array(lane_values, NULL, count, INT8OID);
	values[2] = Int32GetDatum(ROWS_OF_LANE);
	(void) add_rows(session,
					cg_spi_query(cg_outbox_refill_sql, 3, types, values, NULL, false, 0));
}

void
cg_outbox_expire(CgOutboxSession *session)
{
	Oid   types[1] = {TIMESTAMPTZOID};
	Datum values[1] = {TimestampTzGetDatum(session->now)};

	cg_spi_query(cg_outbox_expire_sql, 1, types, values, NULL, false, 0);
}

int
cg_outbox_under_way(CgOutboxSession *session, CgOutboxKey *keys, int max)
{
	Oid    types[1] = {INT4OID};
	Datum  values[1] = {Int32GetDatum(max)};
	uint64 rows = cg_spi_query(cg_outbox_sending_sql, 1, types, values, NULL, false, 0);

	for (uint64 row = 0; row < rows; row++)
	{
		bool is_null;

		keys[row].business_id = *DatumGetUUIDP(cg_spi_value(row, 1, &is_null));
		keys[row].id = *DatumGetUUIDP(cg_spi_value(row, 2, &is_null));
	}
	return (int) rows;
}

/* ---- Settling ---------------------------------------------------------------------- */

static const char *
outcome_name(CgOutboxOutcome outcome)
{
	switch (outcome)
	{
		case CG_OUTBOX_DONE:
			return "done";
		case CG_OUTBOX_RETRY:
			return "retry";
		case CG_OUTBOX_UNKNOWN:
			return "unknown";
		case CG_OUTBOX_DEAD:
			return "dead";
		case CG_OUTBOX_ACCOUNT_BROKEN:
			return "account_broken";
	}
	return NULL;
}

#define SETTLE_COLUMNS 11

static Datum
text_or_null(const char *value, bool *is_null)
{
	*is_null = value[0] == '\0';
	return *is_null ? (Datum) 0 : CStringGetTextDatum(value);
}

static void
fill_row(const CgOutboxAttempt *attempt, Datum *values, bool *nulls)
{
	const CgOutboxVerdict *verdict = &attempt->verdict;

	memset(nulls, 0, SETTLE_COLUMNS * sizeof(bool));
	values[0] = UUIDPGetDatum(&attempt->key.business_id);
	values[1] = UUIDPGetDatum(&attempt->key.id);
	values[2] = Int32GetDatum(attempt->attempt);
	values[3] = CStringGetTextDatum(outcome_name(verdict->outcome));
	nulls[4] = verdict->http_status == 0;
	values[4] = Int32GetDatum(verdict->http_status);
	values[5] = text_or_null(verdict->error_code, &nulls[5]);
	values[6] = Int32GetDatum(Max(attempt->duration_ms, 0));
	values[7] = text_or_null(verdict->provider_id, &nulls[7]);
	values[8] = Int64GetDatum(attempt->delay_ms);
	/* An outage or a limit is not the request's own fault. */
	values[9] = BoolGetDatum(verdict->end == CG_SLOT_ANSWER);
	nulls[10] = attempt->response_length == 0;
	values[10] = nulls[10] ? (Datum) 0
						   : PointerGetDatum(cstring_to_text_with_len(
								 attempt->response, attempt->response_length));
}

void
cg_outbox_settle(CgOutboxSession *session, CgOutboxAttempt *const *attempts, int count,
				 CgSettled *settled)
{
	static const Oid elements[SETTLE_COLUMNS] = {UUIDOID, UUIDOID, INT4OID, TEXTOID,
												 INT4OID, TEXTOID, INT4OID, TEXTOID,
												 INT8OID, BOOLOID, BYTEAOID};
	static const Oid types[SETTLE_COLUMNS + 3] = {
		UUIDARRAYOID,  UUIDARRAYOID,   INT4ARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
		TEXTARRAYOID,  INT4ARRAYOID,   TEXTARRAYOID, INT8ARRAYOID, BOOLARRAYOID,
		BYTEAARRAYOID, TIMESTAMPTZOID, INT4OID,      INT4OID};
	Datum  values[SETTLE_COLUMNS + 3];
	Datum *columns = palloc(SETTLE_COLUMNS * count * sizeof(Datum));
	bool  *nulls = palloc(SETTLE_COLUMNS * count * sizeof(bool));
	uint64 rows;

	for (int row = 0; row < count; row++)
	{
		Datum row_values[SETTLE_COLUMNS];
		bool  row_nulls[SETTLE_COLUMNS];

		fill_row(attempts[row], row_values, row_nulls);
		for (int i = 0; i < SETTLE_COLUMNS; i++)
		{
			columns[i * count + row] = row_values[i];
			nulls[i * count + row] = row_nulls[i];
		}
	}
	for (int i = 0; i < SETTLE_COLUMNS; i++)
		values[i] =
			cg_outbox_array(&columns[i * count], &nulls[i * count], count, elements[i]);
	values[SETTLE_COLUMNS] = TimestampTzGetDatum(session->now);
	values[SETTLE_COLUMNS + 1] = Int32GetDatum(cg_outbox_unknown_timeout);
	values[SETTLE_COLUMNS + 2] = Int32GetDatum(cg_outbox_max_attempts);
	rows = cg_spi_query(cg_outbox_settle_sql, SETTLE_COLUMNS + 3, types, values, NULL,
						false, 0);
	Assert(rows == count);
	for (uint64 row = 0; row < rows; row++)
	{
		bool  is_null;
		Datum value = cg_spi_value(row, 1, &is_null);

		settled[row] = is_null               ? CG_SETTLE_RARE
					   : DatumGetBool(value) ? CG_SETTLED
											 : CG_SETTLE_LOCKED;
	}
}

/* ---- Row by row -------------------------------------------------------------------- */

bool
cg_outbox_settle_one(CgOutboxSession *session, const CgOutboxAttempt *attempt)
{
	static const Oid types[SETTLE_COLUMNS] = {UUIDOID, UUIDOID, INT4OID, TEXTOID,
											  INT4OID, TEXTOID, INT4OID, TEXTOID,
											  INT8OID, BOOLOID, BYTEAOID};
	Datum            values[SETTLE_COLUMNS];
	bool             is_null[SETTLE_COLUMNS];
	char             nulls[SETTLE_COLUMNS];
	bool             unused;

	fill_row(attempt, values, is_null);
	for (int i = 0; i < SETTLE_COLUMNS; i++)
		nulls[i] = is_null[i] ? 'n' : ' ';
	cg_spi_query("SELECT cloudgreet_private.outbox_settle_one($1, $2, $3, $4, $5, $6, $7,"
				 "                                            $8, $9, $10, $11)",
				 SETTLE_COLUMNS, types, values, nulls, false, 0);
	return DatumGetBool(cg_spi_value(0, 1, &unused));
}

/* Calls a function of a row's key that tells whether it could be done. */
static bool
call_for_key(const char *sql, const CgOutboxKey *key)
{
	Oid   types[2] = {UUIDOID, UUIDOID};
	Datum values[2] = {UUIDPGetDatum(&key->business_id), UUIDPGetDatum(&key->id)};
	bool  is_null;

	cg_spi_query(sql, 2, types, values, NULL, false, 0);
	return DatumGetBool(cg_spi_value(0, 1, &is_null));
}

bool
cg_outbox_refuse(CgOutboxSession *session, const CgOutboxKey *key)
{
	return call_for_key("SELECT cloudgreet_private.outbox_refuse($1, $2)", key);
}

bool
cg_outbox_recover(CgOutboxSession *session, const CgOutboxKey *key)
{
	return call_for_key("SELECT cloudgreet_private.outbox_recover($1, $2)", key);
}

void
cg_outbox_hold(CgOutboxSession *session, const CgOutboxKey *key, const char *why)
{
	Oid   types[3] = {UUIDOID, UUIDOID, TEXTOID};
	Datum values[3] = {UUIDPGetDatum(&key->business_id), UUIDPGetDatum(&key->id),
					   CStringGetTextDatum(why)};

	cg_spi_query("SELECT cloudgreet_private.outbox_hold($1, $2, $3)", 3, types, values,
				 NULL, false, 0);
}

int
cg_outbox_release_held(CgOutboxSession *session, int max)
{
	Oid   types[1] = {INT4OID};
	Datum values[1] = {Int32GetDatum(max)};
	bool  is_null;

	cg_spi_query("SELECT cloudgreet_private.release_held($1)", 1, types, values, NULL,
				 false, 0);
	return DatumGetInt32(cg_spi_value(0, 1, &is_null));
}
