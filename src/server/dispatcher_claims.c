/*
 * dispatcher_claims.c
 *		What a claim decided: requests that are sent, refused or left for later; and claims by
 *		halves, when that of the turn failed.
 *
 * Called by dispatcher_turn.c.  Shown by test/t/140_outbox.pl and 146_outbox_fairness.pl.
 */
#include "postgres.h"

#include "core/monotonic.h"
#include "server/dispatcher_internal.h"

/* Slot and place of a row that is not sent. */
static void
give_back(const CgTurn *turn, CgSlotEnd end)
{
	cg_lanes_give_back(turn->lane, end, 0, cg_monotonic_ms());
	cg_lanes_done_with(turn->lane, cg_monotonic_ms());
}

void
cg_dispatcher_give_back(const CgTurn *turns, int count)
{
	for (int i = 0; i < count; i++)
		give_back(&turns[i], CG_SLOT_UNUSED);
	cg_dispatcher_look_within(CG_DISPATCHER_SOON_MS);
}

/* Ends requests that must not be sent; by halves where that raises. */
static void
refuse(const CgOutboxKey *keys, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	volatile bool   failed = false;
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};

	if (count == 0)
		return;
	PG_TRY();
	{
		cg_outbox_begin(&session, "refusing requests", true);
		for (int i = 0; i < count; i++)
		{
			if (!cg_outbox_refuse(&session, &keys[i]))
				cg_dispatcher_look_within(CG_DISPATCHER_SOON_MS);
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
		return;
	if (failure.fault == CG_FAULT_OF_SERVER)
		cg_dispatcher_look_within(CG_DISPATCHER_PAUSE_MS);
	else if (count == 1 && failure.fault == CG_FAULT_OF_LOCK)
		cg_dispatcher_look_within(CG_DISPATCHER_SOON_MS);
	else if (count == 1)
		(void) cg_dispatcher_hold(&keys[0], failure.why);
	else
	{
		refuse(keys, count / 2);
		refuse(keys + count / 2, count - count / 2);
	}
}

void
cg_dispatcher_act_on(const CgTurn *turns, int count, const CgClaimVerdict *verdicts,
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
			cg_dispatcher_look_within(CG_DISPATCHER_SOON_MS);
		give_back(&turns[i],
				  verdicts[i] == CG_CLAIM_HOLD ? CG_SLOT_CLOSED : CG_SLOT_UNUSED);
	}
	refuse(refused, refusals);
}

void
cg_dispatcher_claim_apart(const CgTurn *turns, int count)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	CgClaimVerdict  verdicts[CG_DISPATCHER_BATCH];
	CgOutboxItem   *items = palloc0(Max(count, 1) * sizeof(CgOutboxItem));
	volatile bool   failed = false;
	CgFailure       failure = {CG_FAULT_OF_SERVER, NULL};

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
		failure = cg_dispatcher_recover(turn);
		failed = true;
	}
	PG_END_TRY();
	if (!failed)
		cg_dispatcher_act_on(turns, count, verdicts, items);
	else if (failure.fault == CG_FAULT_OF_SERVER)
	{
		cg_dispatcher_give_back(turns, count);
		cg_dispatcher_look_within(CG_DISPATCHER_PAUSE_MS);
	}
	else if (count == 1)
	{
		/* Its slot and its place in the lane are free for others, whatever keeps it. */
		cg_dispatcher_give_back(turns, 1);
		if (failure.fault == CG_FAULT_OF_ROW)
			(void) cg_dispatcher_hold(&turns[0].key, failure.why);
	}
	else
	{
		cg_dispatcher_claim_apart(turns, count / 2);
		cg_dispatcher_claim_apart(turns + count / 2, count - count / 2);
	}
}
