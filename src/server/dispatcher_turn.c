/*
 * dispatcher_turn.c
 *		A turn: all that can be done at once, in one transaction.
 *
 * Results are recorded by one statement (dispatcher_results.c), candidates claimed by
 * another (dispatcher_claims.c).  When the transaction fails, its two parts are tried apart,
 * by halves, until the row is found that raises; it is held with its reason, and nobody waits
 * for it.  One that another's lock keeps back is found in the same way, and tried again
 * later.  An error that is nobody's fault (a full disk, a shutdown) is waited out by all.
 *
 * Called by dispatcher.c.  Shown by test/t/140_outbox.pl and 146_outbox_fairness.pl.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/timestamp.h"

#include "core/monotonic.h"
#include "server/database_worker.h"
#include "server/dispatcher_internal.h"

#define MAX_HUNGRY 64

void
cg_dispatcher_look_within(int64 ms)
{
	cg_dispatcher.look_at = Min(cg_dispatcher.look_at, cg_monotonic_ms() + ms);
}

/* ---- What is due ------------------------------------------------------------------- */

/* From the ring: what is due goes into its lane, and what is for later is remembered by its time. */
static void
take_ring(const CgOutboxSession *session)
{
	CgQueued rows[CG_DISPATCHER_BATCH];
	bool     look_needed;
	int      count = cg_handoff_take(rows, CG_DISPATCHER_BATCH, &look_needed);

	for (int i = 0; i < count; i++)
	{
		if (rows[i].next_at <= session->now)
			cg_lanes_add(&rows[i]);
		else
			cg_dispatcher_look_within(
				TimestampDifferenceMilliseconds(session->now, rows[i].next_at));
	}
	if (look_needed)
	{
		cg_dispatcher.look_at = 0;
		cg_dispatcher.releases_held = true;
	}
}

/* A piece of a look at the whole queue. */
static void
look(CgOutboxSession *session)
{
	if (!cg_outbox_is_looking())
	{
		cg_dispatcher.look_at = cg_monotonic_ms() + CG_DISPATCHER_LOOK_MS;
		cg_outbox_expire(session);
		/* Some may have been locked when the others were released. */
		cg_dispatcher.releases_held = true;
	}
	cg_dispatcher_look_within(cg_outbox_look(session));
}

static bool
wants_look(void)
{
	return cg_outbox_is_looking() || cg_monotonic_ms() >= cg_dispatcher.look_at;
}

static void
refill(CgOutboxSession *session)
{
	pg_uuid_t accounts[MAX_HUNGRY];
	int64     lanes[MAX_HUNGRY];
	int       count = cg_lanes_hungry(accounts, lanes, MAX_HUNGRY);

	if (count > 0)
		cg_outbox_refill(session, accounts, lanes, count);
	if (cg_lanes_were_full())
		cg_dispatcher_look_within(CG_DISPATCHER_SOON_MS);
}

/* ---- The turn ---------------------------------------------------------------------- */

static bool
may_feed(void)
{
	return !cg_dispatcher.is_draining && !ShutdownRequestPending &&
		   cg_dispatcher.free > 0 && cg_lanes_free_slots() > 0;
}

static bool
wants_feed(void)
{
	int64 now = cg_monotonic_ms();

	return cg_handoff_has_rows() || wants_look() || cg_lanes_next_at(now) <= now;
}

/* Records and claims in one transaction; true when something was claimed. */
static bool
run_transaction(CgDelivery **results, int result_count, bool feeds)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgTurn          turns[CG_DISPATCHER_BATCH];
	CgSettled       settled[CG_DISPATCHER_BATCH];
	CgClaimVerdict  verdicts[CG_DISPATCHER_BATCH];
	CgOutboxItem   *items = palloc0(CG_DISPATCHER_BATCH * sizeof(CgOutboxItem));
	volatile int    taken = 0;
	volatile bool   failed = false;
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};

	PG_TRY();
	{
		cg_outbox_begin(&session, "sending", false);
		cg_dispatcher_settle(&session, results, result_count, settled);
		if (feeds)
		{
			take_ring(&session);
			if (wants_look())
				look(&session);
			refill(&session);
			taken = cg_lanes_take(turns, Min(CG_DISPATCHER_BATCH, cg_dispatcher.free),
								  cg_monotonic_ms());
			if (taken > 0)
				cg_outbox_claim(&session, turns, taken, verdicts, items);
		}
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = cg_dispatcher_recover(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
	{
		cg_dispatcher_recorded(results, result_count, settled);
		cg_dispatcher_act_on(turns, taken, verdicts, items);
	}
	else if (failure.fault != CG_FAULT_OF_SERVER)
	{
		/* Results first: what they are about must not be thought to be under way. */
		cg_dispatcher_record_apart(results, result_count);
		cg_dispatcher_claim_apart(turns, taken);
	}
	else
	{
		for (int i = 0; i < result_count; i++)
			cg_dispatcher_record_later(results[i], CG_DISPATCHER_PAUSE_MS);
		cg_dispatcher_give_back(turns, taken);
		cg_dispatcher.look_at = cg_monotonic_ms() + CG_DISPATCHER_PAUSE_MS;
	}
	return taken > 0;
}

bool
cg_dispatcher_turn(void)
{
	CgDelivery *results[CG_DISPATCHER_BATCH];
	int         count = cg_dispatcher_gather_results(results);
	bool        feeds = may_feed() && wants_feed();

	/* Before each look it is asked whether there is anything to serve: a pause asks for one. */
	if (feeds &&
		(cg_handoff_wants_look() || cg_monotonic_ms() >= cg_dispatcher.look_at) &&
		!cg_database_worker_is_wanted())
	{
		cg_dispatcher_drain();
		feeds = false;
	}
	if (!cg_dispatcher.is_draining)
	{
		cg_dispatcher_recover_some();
		cg_dispatcher_release_some();
	}
	if (count == 0 && !feeds)
		return false;
	return run_transaction(results, count, feeds);
}
