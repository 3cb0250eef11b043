/*
 * dispatcher_results.c
 *		Recording what became of attempts: in the turn's transaction, by halves when that
 *		fails, and alone what is rare.
 *
 * A result holds no slot any more, so one that waits for another's lock is in nobody's way.
 *
 * Called by dispatcher_turn.c.  Shown by test/t/140_outbox.pl and 146_outbox_fairness.pl.
 */
#include "postgres.h"

#include "core/monotonic.h"
#include "outbound/settings.h"
#include "server/database_worker.h"
#include "server/dispatcher_internal.h"

#define MAX_FAILURES 5

/* Done with: it is known when what is tried again, or waits for an event, is due. */
static void
release(CgDelivery *delivery)
{
	CgOutboxOutcome outcome = delivery->attempt.verdict.outcome;

	if (outcome == CG_OUTBOX_RETRY || outcome == CG_OUTBOX_ACCOUNT_BROKEN)
		cg_dispatcher_look_within(delivery->attempt.delay_ms);
	else if (outcome == CG_OUTBOX_UNKNOWN)
		cg_dispatcher_look_within(cg_outbox_unknown_timeout);
	cg_dispatcher_release(delivery);
}

void
cg_dispatcher_record_later(CgDelivery *delivery, int64 ms)
{
	delivery->failures++;
	delivery->record_at = cg_monotonic_ms() + Min(ms << Min(delivery->failures - 1, 5),
												  CG_DISPATCHER_PAUSE_MS);
}

/* What cannot be recorded even alone is held, or left to the next dispatcher. */
static void
give_up_recording(CgDelivery *delivery, const char *why)
{
	if (cg_dispatcher_hold(&delivery->attempt.key, why))
		cg_dispatcher_release(delivery);
	else if (delivery->failures < MAX_FAILURES)
		cg_dispatcher_record_later(delivery, CG_DISPATCHER_PAUSE_MS);
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
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};

	PG_TRY();
	{
		cg_outbox_begin(&session, "settling a request", true);
		is_done = cg_outbox_settle_one(&session, &delivery->attempt);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = cg_dispatcher_recover(turn);
		is_done = false;
	}
	PG_END_TRY();
	if (is_done)
		release(delivery);
	else if (failure.fault == CG_FAULT_OF_ROW)
		give_up_recording(delivery, failure.why);
	else
		cg_dispatcher_record_later(delivery, CG_DISPATCHER_LOCKED_MS);
}

/* Those that were recorded are done with; the others have their own ways. */
void
cg_dispatcher_recorded(CgDelivery **deliveries, int count, const CgSettled *settled)
{
	cg_database_worker_note_work(count);
	for (int i = 0; i < count; i++)
	{
		if (settled[i] == CG_SETTLED)
			release(deliveries[i]);
		else if (settled[i] == CG_SETTLE_LOCKED)
			cg_dispatcher_record_later(deliveries[i], CG_DISPATCHER_LOCKED_MS);
		else
			record_rare(deliveries[i]);
	}
}

void
cg_dispatcher_settle(CgOutboxSession *session, CgDelivery **deliveries, int count,
					 CgSettled *settled)
{
	CgOutboxAttempt *attempts[CG_DISPATCHER_BATCH];

	for (int i = 0; i < count; i++)
		attempts[i] = &deliveries[i]->attempt;
	if (count > 0)
		cg_outbox_settle(session, attempts, count, settled);
}

void
cg_dispatcher_record_apart(CgDelivery **deliveries, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgSettled       settled[CG_DISPATCHER_BATCH];
	volatile bool   failed = false;
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};

	if (count == 0)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "settling requests", false);
		cg_dispatcher_settle(&session, deliveries, count, settled);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		failure = cg_dispatcher_recover(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
		cg_dispatcher_recorded(deliveries, count, settled);
	else if (failure.fault == CG_FAULT_OF_SERVER)
	{
		/* Halves would fail alike, and nobody's row is to blame. */
		for (int i = 0; i < count; i++)
			cg_dispatcher_record_later(deliveries[i], CG_DISPATCHER_PAUSE_MS);
	}
	else if (count == 1 && failure.fault == CG_FAULT_OF_LOCK)
		cg_dispatcher_record_later(deliveries[0], CG_DISPATCHER_LOCKED_MS);
	else if (count == 1)
		give_up_recording(deliveries[0], failure.why);
	else
	{
		cg_dispatcher_record_apart(deliveries, count / 2);
		cg_dispatcher_record_apart(deliveries + count / 2, count - count / 2);
	}
}

int
cg_dispatcher_gather_results(CgDelivery **batch)
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
