/*
 * dispatcher_aside.c
 *		What the dispatcher does beside sending, a piece each turn: giving back what the one
 *		before it had under way, and taking up what was held for an account that is active again.
 *
 * In transactions of their own, so that a lock or a fault there holds no message.
 *
 * Called by dispatcher.c and dispatcher_turn.c.  Shown by test/t/141_outbox_crash.pl (what
 * was under way) and 140_outbox.pl (what was held).
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/monotonic.h"
#include "server/dispatcher_internal.h"

#define RECOVER_BATCH 32
#define RELEASE_BATCH 500
#define MAX_UNDER_WAY 2000

/* Gives back some of what an earlier dispatcher had under way, beside everything else. */
void
cg_dispatcher_recover_some(void)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgOutboxKey     tried[RECOVER_BATCH];
	volatile int    done = 0;
	int             count = Min(cg_dispatcher.recovering, cg_dispatcher.recover_batch);
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};
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
		failure = cg_dispatcher_recover(turn);
		cg_dispatcher.recover_at = cg_monotonic_ms() + CG_DISPATCHER_LOCKED_MS;
		/* One by one until the one is found that raises. */
		cg_dispatcher.recover_batch = 1;
	}
	PG_END_TRY();
	if (done == 0 && (count > 1 || failure.fault != CG_FAULT_OF_ROW ||
					  !cg_dispatcher_hold(&tried[0], failure.why)))
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
	cg_dispatcher_look_within(0);
}

void
cg_dispatcher_release_some(void)
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
		(void) cg_dispatcher_recover(turn);
		cg_dispatcher.releases_held = false;
		cg_dispatcher_look_within(CG_DISPATCHER_PAUSE_MS);
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
