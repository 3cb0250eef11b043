/*
 * due_work.c
 *		Does what is due, a piece a transaction, and knows when the next is.
 *
 * Called by the processor (processor.c), between its webhooks.  What a piece is, and that
 * two at a time do nothing twice, is sql/api/730_tick.sql; a commit that plans something
 * earlier than the next known time wakes the processor (outbound/handoff.c).  Shown by
 * test/t/163_due_work.pl.
 *
 * Locks:		those of release_due(), until its transaction ends.
 * Memory:		of the piece's transaction.
 * Errors:		are logged; the next piece is tried BLOCKED_MS later.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "core/clock.h"
#include "core/spi.h"
#include "outbound/handoff.h"
#include "server/database_worker.h"
#include "server/due_work.h"

/* A piece is short, so that webhooks do not wait for it. */
#define PIECE_ROWS 500
#define PIECE_MS 200
/* When what is due is held by others, and how long a time that is far away is believed. */
#define BLOCKED_MS 1000
#define LOOK_MS 10000

/* Releases a piece, and reads when the next is due: in *wait_ms. */
static int
release(long *wait_ms)
{
	CgWorkerSession session;
	Oid             types[] = {INT4OID, TIMESTAMPTZOID};
	Datum           values[2];
	bool            is_null;
	int             done;
	TimestampTz     next;

	cg_database_worker_begin(&session, "releasing what is due", false);
	values[0] = Int32GetDatum(PIECE_ROWS);
	values[1] =
		TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PIECE_MS));
	cg_spi_query("SELECT cloudgreet_private.release_due($1, $2)", 2, types, values, NULL,
				 false, 0);
	done = DatumGetInt32(cg_spi_value(0, 1, &is_null));
	/* From here on any commit that plans something wakes: nothing falls between. */
	cg_handoff_expect(DT_NOEND);
	cg_spi_query("SELECT cloudgreet_private.next_due()", 0, NULL, NULL, NULL, false, 0);
	next = DatumGetTimestampTz(cg_spi_value(0, 1, &is_null));
	if (is_null)
		next = DT_NOEND;
	cg_handoff_expect(next);
	*wait_ms = LOOK_MS;
	if (next < TimestampTzPlusMilliseconds(cg_clock_now(), LOOK_MS))
		*wait_ms = Max(TimestampDifferenceMilliseconds(cg_clock_now(), next), 0);
	cg_database_worker_commit(&session);
	return done;
}

long
cg_due_work_piece(void)
{
	volatile long wait = BLOCKED_MS;
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		long next_ms;

		if (release(&next_ms) > 0)
			wait = next_ms;
		else
			/* What is due, but was not done, is held by another session. */
			wait = next_ms > 0 ? next_ms : BLOCKED_MS;
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return wait;
}
