/*
 * upkeep.c
 *		What has to be done every day, in pieces.
 *
 * Called by the processor (processor.c) between webhooks and what is due, which wait for one
 * piece at most.  A step that fails, or finds something locked, is left for the next round,
 * which then comes soon; the others go on.  Shown by test/t/149_upkeep.pl.
 *
 * Locks:		waited for as long as the processor's lock_timeout says, 50 ms.
 * Memory:		of the piece's transaction.
 * Errors:		are logged.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "core/spi.h"
#include "outbound/statements.h"
#include "server/database_worker.h"
#include "server/upkeep.h"

#define ROUND_MS (24 * 60 * 60 * 1000)
#define AGAIN_MS 60000

typedef struct Step
{
	const char *what;
	const char *sql; /* $1: at most so many; returns how many, or -1: some are locked */
	const char *const *worker_sql; /* or one that goes across businesses, as their role */
	int                piece;      /* fewer than these: the step is done */
} Step;

/* First, for without them nothing can be written after months without a server. */
#define MAKING_PARTITIONS 0

static const Step steps[] = {
	{"making partitions", "SELECT cloudgreet_private.maintain_partitions(2, $1)", NULL,
	 1},
	{"forgetting webhooks",
	 "SELECT cloudgreet_private.prune_webhooks('30 days', $1)::integer", NULL, 500},
	{"forgetting locks", "SELECT cloudgreet_private.prune_locks($1)::integer", NULL, 500},
	{"ending requests that nobody decided about",
	 "SELECT cloudgreet_private.end_held($1)", NULL, 200},
	{"forgetting idempotency keys", NULL, &cg_prune_keys_sql, 500},
	{"forgetting causes of messages", NULL, &cg_prune_causes_sql, 500},
	{"forgetting times that were given back", NULL, &cg_prune_allocations_sql, 500},
	{"forgetting counters", "SELECT cloudgreet_private.prune_counts($1)::integer", NULL,
	 500},
	/* One by one: each takes locks that others want. */
	{"dropping partitions", "SELECT cloudgreet_private.retire_partition()", NULL, 1},
};

static int  next_step = 0;
static bool is_round_whole = true;

static int
run(const Step *step)
{
	CgWorkerSession session;
	Oid             types[] = {INT4OID};
	Datum           values[] = {Int32GetDatum(step->piece)};
	bool            is_null;
	int             done;

	cg_database_worker_begin(&session, step->what, step->worker_sql != NULL);
	cg_spi_query(step->worker_sql != NULL ? *step->worker_sql : step->sql, 1, types,
				 values, NULL, false, 0);
	done = DatumGetInt32(cg_spi_value(0, 1, &is_null));
	cg_database_worker_commit(&session);
	return done;
}

/* As run(), but an error is logged, and -1. */
static int
try_to_run(const Step *step)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile int  done = -1;

	PG_TRY();
	{
		done = run(step);
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return done;
}

void
cg_upkeep_make_partitions(void)
{
	while (try_to_run(&steps[MAKING_PARTITIONS]) > 0)
		cg_database_worker_handle_interrupts();
}

long
cg_upkeep_piece(void)
{
	const Step *step = &steps[next_step];
	int         done = try_to_run(step);
	bool        was_whole;

	is_round_whole &= done >= 0;
	if (done >= step->piece || ++next_step < lengthof(steps))
		return 0;
	was_whole = is_round_whole;
	next_step = 0;
	is_round_whole = true;
	return was_whole ? ROUND_MS : AGAIN_MS;
}
