/*
 * lanes.h
 *		Whose turn it is: what the dispatcher knows to be due, in lanes that take turns.
 *
 * A lane is what one sender of a provider account has to send.  A slot is a request under
 * way.  Kept in the dispatcher's memory only; what does not fit stays in the table, and the
 * lane remembers that it has more.
 *
 * Fairness:	businesses take turns, and lanes within a business (deficit round robin with
 *				requests of one size).  A business may hold as many slots as are free: one
 *				alone gets half of them, n get n/(n+1), and there is always one left for
 *				the next (dynamic thresholds, Choudhury and Hahne, 1998).  Lanes are shared
 *				out in the same way, and places for what is sent and not recorded yet.  The
 *				businesses of a host together may hold seven times what is free.
 * Rates:		a token bucket an account and one a lane, from the account's settings.
 * Breaker:		an account whose requests fail by outages is left alone for a time that
 *				doubles, then asked by one request; one that answered 429 until it says.
 *
 * Called by server/dispatcher.c.  Shown by test/t/146_outbox_fairness.pl.
 */
#ifndef CG_OUTBOUND_LANES_H
#define CG_OUTBOUND_LANES_H

#include "postgres.h"

#include "outbound/handoff.h"

typedef struct CgLane CgLane;

/* A row that may be claimed, with the slot that is kept for it. */
typedef struct CgTurn
{
	CgOutboxKey key;
	CgLane     *lane;
} CgTurn;

/* What a slot's end tells about its account. */
typedef enum CgSlotEnd
{
	CG_SLOT_UNUSED,  /* nothing was sent */
	CG_SLOT_CLOSED,  /* nor will be: the account is not active */
	CG_SLOT_ANSWER,  /* the provider is there */
	CG_SLOT_OUTAGE,  /* it is not, or is in trouble */
	CG_SLOT_TOO_FAST /* it asked for a pause */
} CgSlotEnd;

/* Called once: the number of slots, and of rows that may be taken and not done with. */
extern void cg_lanes_start(int slots, int places);

/* Adds a row that is due; it is in its lane once.  One that does not fit is remembered. */
extern void cg_lanes_add(const CgQueued *row);

/* Up to max rows whose turn it is, each with a slot and a place. */
extern int cg_lanes_take(CgTurn *turns, int max, int64 now_ms);

/* Gives a slot back.  pause_ms: with CG_SLOT_TOO_FAST. */
extern void cg_lanes_give_back(CgLane *lane, CgSlotEnd end, int64 pause_ms, int64 now_ms);

/* Gives a place back, after the slot: what became of the row is recorded.  The lane may go. */
extern void cg_lanes_done_with(CgLane *lane, int64 now_ms);

/* What the account's settings say of its rates; 0 for none. */
extern void cg_lanes_set_rates(CgLane *lane, double per_second,
							   double per_second_of_lane);

/* Up to max lanes that are empty and have more in the table, and are marked so no longer. */
extern int cg_lanes_hungry(pg_uuid_t *accounts, int64 *lanes, int max);

/* Rows found no lane, and one has gone since: there may be room for some of them. */
extern bool cg_lanes_were_full(void);

/* When a row that is known may go, in monotonic ms; PG_INT64_MAX: none, or no slot. */
extern int64 cg_lanes_next_at(int64 now_ms);

extern int cg_lanes_free_slots(void);

#endif /* CG_OUTBOUND_LANES_H */
