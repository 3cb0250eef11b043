/*
 * dispatcher_turn.c
 *		A turn's transaction, and what happens when it fails.
 *
 * All that can be done at once is one transaction: results recorded by one statement,
 * candidates claimed by another.  When it fails, its two parts are tried apart, by halves,
 * until the row is found that raises; it is held with its reason, and nobody waits for it.
 * One that another's lock keeps back is found in the same way, and tried again later.  An
 * error that is nobody's fault (a full disk, a shutdown) is waited out by all.
 *
 * Called by dispatcher.c.  Shown by test/t/146_outbox_fairness.pl.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/elog.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/errors.h"
#include "core/monotonic.h"
#include "outbound/settings.h"
#include "server/database_worker.h"
#include "server/dispatcher_internal.h"

#define PAUSE_MS 1000 /* after an error that is nobody's fault */
#define LOOK_SOON_MS 250
#define MAX_FAILURES 5
#define RECOVER_BATCH 32
#define RELEASE_BATCH 500
#define MAX_HUNGRY 64
#define MAX_UNDER_WAY 2000

static void
look_within(int64 ms)
{
	cg_dispatcher.look_at = Min(cg_dispatcher.look_at, cg_monotonic_ms() + ms);
}

/* What a transaction failed by. */
typedef enum Fault
{
	FAULT_OF_SERVER, /* a full disk, a shutdown: waited out */
	FAULT_OF_LOCK,   /* that of another, which was waited for too long */
	FAULT_OF_ROW
} Fault;

typedef struct Failure
{
	Fault fault;
	char *why; /* what the error says */
} Failure;

static Fault
fault_of(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
			return FAULT_OF_LOCK;
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return FAULT_OF_SERVER;
	}
	switch (sqlstate)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return FAULT_OF_LOCK;
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		case ERRCODE_CG_MASTER_KEY_MISSING:
		case ERRCODE_CG_MASTER_KEY_INVALID:
			return FAULT_OF_SERVER;
		default:
			return FAULT_OF_ROW;
	}
}

/* Ends a transaction that failed, and tells in the caller's context what it failed by. */
static Failure
recover_from_error(MemoryContext turn)
{
	ErrorData *error;
	Failure    failure;

	MemoryContextSwitchTo(turn);
	error = CopyErrorData();
	failure.fault = fault_of(error->sqlerrcode);
	failure.why = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	cg_database_worker_recover();
	MemoryContextSwitchTo(turn);
	return failure;
}

/* Puts a row aside; false when not even that can be done. */
static bool
hold(const CgOutboxKey *key, const char *why)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	volatile bool   is_held = true;

	PG_TRY();
	{
		cg_outbox_begin(&session, "holding a request", true);
		cg_outbox_hold(&session, key, why);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		(void) recover_from_error(turn);
		is_held = false;
	}
	PG_END_TRY();
	return is_held;
}

/* ---- Results ----------------------------------------------------------------------- */

/* Done with: it is known when what is tried again, or waits for an event, is due. */
static void
release(CgDelivery *delivery)
{
	CgOutboxOutcome outcome = delivery->attempt.verdict.outcome;

	if (outcome == CG_OUTBOX_RETRY || outcome == CG_OUTBOX_ACCOUNT_BROKEN)
		look_within(delivery->attempt.delay_ms);
	else if (outcome == CG_OUTBOX_UNKNOWN)
		look_within(cg_outbox_unknown_timeout);
	cg_dispatcher_release(delivery);
}

static void
record_later(CgDelivery *delivery, int64 ms)
{
	delivery->failures++;
	delivery->record_at =
		cg_monotonic_ms() + Min(ms << Min(delivery->failures - 1, 5), PAUSE_MS);
}

/* What cannot be recorded even alone is held, or left to the next dispatcher. */
static void
give_up_recording(CgDelivery *delivery, const char *why)
{
	if (hold(&delivery->attempt.key, why))
		cg_dispatcher_release(delivery);
	else if (delivery->failures < MAX_FAILURES)
		record_later(delivery, PAUSE_MS);
	else
	{
		ereport(LOG, (errmsg("the outcome of a request could not be recorded"),
					  errdetail("It is left to the next dispatcher.")));
		cg_dispatcher_release(delivery);
		cg_dispatcher_drain();
	}
}

/* A result that is rare goes by itself, in a transaction of its own. */
static void
record_rare(CgDelivery *delivery)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	volatile bool   is_done = false;
	Failure         failure = {FAULT_OF_SERVER, NULL};

	PG_TRY();
	{
		cg_outbox_begin(&session, "settling a request", true);
		is_done = cg_outbox_settle_one(&session, &delivery->attempt);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = recover_from_error(turn);
		is_done = false;
	}
	PG_END_TRY();
	if (is_done)
		release(delivery);
	else if (failure.fault == FAULT_OF_ROW)
		give_up_recording(delivery, failure.why);
	else
		record_later(delivery, CG_DISPATCHER_LOCKED_MS);
}

/* Those that were recorded are done with; the others have their own ways. */
static void
sort_recorded(CgDelivery **deliveries, int count, const CgSettled *settled)
{
	cg_database_worker_note_work(count);
	for (int i = 0; i < count; i++)
	{
		if (settled[i] == CG_SETTLED)
			release(deliveries[i]);
		else if (settled[i] == CG_SETTLE_LOCKED)
			record_later(deliveries[i], CG_DISPATCHER_LOCKED_MS);
		else
			record_rare(deliveries[i]);
	}
}

static void
settle(CgOutboxSession *session, CgDelivery **deliveries, int count, CgSettled *settled)
{
	CgOutboxAttempt *attempts[CG_DISPATCHER_BATCH];

	for (int i = 0; i < count; i++)
		attempts[i] = &deliveries[i]->attempt;
	if (count > 0)
		cg_outbox_settle(session, attempts, count, settled);
}

/* Records by halves, since all of it failed. */
static void
record_apart(CgDelivery **deliveries, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgSettled       settled[CG_DISPATCHER_BATCH];
	volatile bool   failed = false;
	Failure         failure = {FAULT_OF_SERVER, NULL};

	if (count == 0)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "settling requests", false);
		settle(&session, deliveries, count, settled);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = recover_from_error(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
		sort_recorded(deliveries, count, settled);
	else if (failure.fault == FAULT_OF_SERVER)
	{
		/* Halves would fail alike, and nobody's row is to blame. */
		for (int i = 0; i < count; i++)
			record_later(deliveries[i], PAUSE_MS);
	}
	else if (count == 1 && failure.fault == FAULT_OF_LOCK)
		record_later(deliveries[0], CG_DISPATCHER_LOCKED_MS);
	else if (count == 1)
		give_up_recording(deliveries[0], failure.why);
	else
	{
		record_apart(deliveries, count / 2);
		record_apart(deliveries + count / 2, count - count / 2);
	}
}

/* Up to a batch of results, if the time of one has come or they are many. */
static int
gather_results(CgDelivery **batch)
{
	int64 now = cg_monotonic_ms();
	int   count = 0;
	bool  is_due = false;

	for (int i = 0; cg_dispatcher.ended > 0 && i < cg_dispatcher.capacity &&
					count < CG_DISPATCHER_BATCH;
		 i++)
	{
		CgDelivery *delivery = &cg_dispatcher.deliveries[i];
		bool        is_time = now >= delivery->record_at || cg_dispatcher.is_draining;

		/* One that was locked has a time of its own. */
		if (delivery->state != CG_DELIVERY_ENDED || (delivery->failures > 0 && !is_time))
			continue;
		is_due |= is_time;
		batch[count++] = delivery;
	}
	return is_due || count == CG_DISPATCHER_BATCH ? count : 0;
}

/* ---- Claims ------------------------------------------------------------------------ */

static void
give_back(const CgTurn *turns, int count)
{
	for (int i = 0; i < count; i++)
		cg_lanes_give_back(turns[i].lane, CG_SLOT_UNUSED, 0, cg_monotonic_ms());
	look_within(LOOK_SOON_MS);
}

/* Ends requests that must not be sent; by halves where that raises. */
static void
refuse(const CgOutboxKey *keys, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	volatile bool   failed = false;
	Failure         failure = {FAULT_OF_SERVER, NULL};

	if (count == 0)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "refusing requests", true);
		for (int i = 0; i < count; i++)
		{
			if (!cg_outbox_refuse(&session, &keys[i]))
				look_within(LOOK_SOON_MS);
		}
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = recover_from_error(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
		return;
	if (failure.fault == FAULT_OF_SERVER)
		look_within(PAUSE_MS);
	else if (count == 1 && failure.fault == FAULT_OF_LOCK)
		look_within(LOOK_SOON_MS);
	else if (count == 1)
		(void) hold(&keys[0], failure.why);
	else
	{
		refuse(keys, count / 2);
		refuse(keys + count / 2, count - count / 2);
	}
}

/* After the commit: what may go goes. */
static void
act_on(const CgTurn *turns, int count, const CgClaimVerdict *verdicts,
	   CgOutboxItem *items)
{
	CgOutboxKey refused[CG_DISPATCHER_BATCH];
	int         refusals = 0;

	for (int i = 0; i < count; i++)
	{
		if (verdicts[i] == CG_CLAIM_SEND)
		{
			cg_dispatcher_send(&items[i], turns[i].lane);
			continue;
		}
		if (verdicts[i] == CG_CLAIM_REFUSE)
			refused[refusals++] = turns[i].key;
		else if (verdicts[i] == CG_CLAIM_LOCKED)
			look_within(LOOK_SOON_MS);
		cg_lanes_give_back(turns[i].lane,
						   verdicts[i] == CG_CLAIM_HOLD ? CG_SLOT_CLOSED : CG_SLOT_UNUSED,
						   0, cg_monotonic_ms());
	}
	refuse(refused, refusals);
}

/* Claims by halves, since all of it failed. */
static void
claim_apart(const CgTurn *turns, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgClaimVerdict  verdicts[CG_DISPATCHER_BATCH];
	CgOutboxItem   *items = palloc0(Max(count, 1) * sizeof(CgOutboxItem));
	volatile bool   failed = false;
	Failure         failure = {FAULT_OF_SERVER, NULL};

	if (count == 0)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "claiming requests", false);
		cg_outbox_claim(&session, turns, count, verdicts, items);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = recover_from_error(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
		act_on(turns, count, verdicts, items);
	else if (failure.fault == FAULT_OF_SERVER)
	{
		give_back(turns, count);
		look_within(PAUSE_MS);
	}
	else if (count == 1)
	{
		/* Its slot and its place in the lane are free for others, whatever keeps it. */
		give_back(turns, 1);
		if (failure.fault == FAULT_OF_ROW)
			(void) hold(&turns[0].key, failure.why);
	}
	else
	{
		claim_apart(turns, count / 2);
		claim_apart(turns + count / 2, count - count / 2);
	}
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
			look_within(TimestampDifferenceMilliseconds(session->now, rows[i].next_at));
	}
	if (look_needed)
	{
		cg_dispatcher.look_at = 0;
		cg_dispatcher.releases_held = true;
	}
}

static void
look(CgOutboxSession *session)
{
	int64 wait;

	cg_dispatcher.looked_at = cg_monotonic_ms();
	cg_dispatcher.look_at = cg_dispatcher.looked_at + CG_DISPATCHER_LOOK_MS;
	cg_outbox_expire(session);
	/* Some may have been locked when the others were released. */
	cg_dispatcher.releases_held = true;
	wait = cg_outbox_look(session);
	look_within(wait);
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
		look_within(LOOK_SOON_MS);
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

	return cg_handoff_has_rows() || now >= cg_dispatcher.look_at ||
		   cg_lanes_next_at(now) <= now;
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
	Failure         failure = {FAULT_OF_SERVER, NULL};

	PG_TRY();
	{
		cg_outbox_begin(&session, "sending", false);
		settle(&session, results, result_count, settled);
		if (feeds)
		{
			take_ring(&session);
			if (cg_monotonic_ms() >= cg_dispatcher.look_at)
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
		failure = recover_from_error(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
	{
		sort_recorded(results, result_count, settled);
		act_on(turns, taken, verdicts, items);
	}
	else if (failure.fault != FAULT_OF_SERVER)
	{
		/* Results first: what they are about must not be thought to be under way. */
		record_apart(results, result_count);
		claim_apart(turns, taken);
	}
	else
	{
		for (int i = 0; i < result_count; i++)
			record_later(results[i], PAUSE_MS);
		give_back(turns, taken);
		cg_dispatcher.look_at = cg_monotonic_ms() + PAUSE_MS;
	}
	return taken > 0;
}

/* Gives back some of what an earlier dispatcher had under way, beside everything else. */
static void
recover_some(void)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgOutboxKey     tried[RECOVER_BATCH];
	volatile int    done = 0;
	int             count = Min(cg_dispatcher.recovering, cg_dispatcher.recover_batch);
	Failure         failure = {FAULT_OF_SERVER, NULL};
	int             left = cg_dispatcher.recovering - count;

	if (count == 0 || cg_monotonic_ms() < cg_dispatcher.recover_at)
		return;
	memcpy(tried, cg_dispatcher.under_way + left, count * sizeof(CgOutboxKey));
	/* One that is locked, or that raises, goes to the head, behind all others. */
	PG_TRY();
	{
		cg_outbox_begin(&session, "recovering the outbox", true);
		for (int i = 0; i < count; i++)
		{
			if (cg_outbox_recover(&session, &tried[i]))
				memset(&tried[i], 0, sizeof(CgOutboxKey));
			else
				cg_dispatcher.recover_at = cg_monotonic_ms() + CG_DISPATCHER_LOCKED_MS;
		}
		cg_outbox_end(&session);
		done = count;
	}
	PG_CATCH();
	{
		failure = recover_from_error(turn);
		cg_dispatcher.recover_at = cg_monotonic_ms() + CG_DISPATCHER_LOCKED_MS;
		/* One by one until the one is found that raises. */
		cg_dispatcher.recover_batch = 1;
	}
	PG_END_TRY();
	if (done == 0 &&
		(count > 1 || failure.fault != FAULT_OF_ROW || !hold(&tried[0], failure.why)))
		return;
	cg_dispatcher.recovering = left;
	for (int i = 0; i < done; i++)
	{
		static const CgOutboxKey nobody;

		if (memcmp(&tried[i], &nobody, sizeof(nobody)) == 0)
			continue;
		memmove(cg_dispatcher.under_way + 1, cg_dispatcher.under_way,
				cg_dispatcher.recovering * sizeof(CgOutboxKey));
		cg_dispatcher.under_way[0] = tried[i];
		cg_dispatcher.recovering++;
	}
	look_within(0);
}

static void
release_some(void)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;

	if (!cg_dispatcher.releases_held)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "releasing requests", true);
		cg_dispatcher.releases_held = cg_outbox_release_held(&session, RELEASE_BATCH) > 0;
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		(void) recover_from_error(turn);
		cg_dispatcher.releases_held = false;
		look_within(PAUSE_MS);
	}
	PG_END_TRY();
}

void
cg_dispatcher_find_under_way(void)
{
	CgOutboxSession session;

	cg_dispatcher.under_way =
		MemoryContextAlloc(TopMemoryContext, MAX_UNDER_WAY * sizeof(CgOutboxKey));
	cg_outbox_begin(&session, "looking for what was under way", false);
	cg_dispatcher.recovering =
		cg_outbox_under_way(&session, cg_dispatcher.under_way, MAX_UNDER_WAY);
	cg_outbox_end(&session);
	cg_dispatcher.recover_batch = RECOVER_BATCH;
	cg_dispatcher.releases_held = true;
}

bool
cg_dispatcher_turn(void)
{
	CgDelivery *results[CG_DISPATCHER_BATCH];
	int         count = gather_results(results);
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
		recover_some();
		release_some();
	}
	if (count == 0 && !feeds)
		return false;
	return run_transaction(results, count, feeds);
}
