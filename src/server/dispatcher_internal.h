/*
 * dispatcher_internal.h
 *		What the files of the dispatcher share: its loop (dispatcher.c), its turn, and the
 *		parts of a turn.
 */
#ifndef CG_SERVER_DISPATCHER_INTERNAL_H
#define CG_SERVER_DISPATCHER_INTERNAL_H

#include "postgres.h"

#include "outbound/client.h"
#include "outbound/lanes.h"
#include "outbound/queue.h"
#include "outbound/provider.h"

#define CG_DISPATCHER_BATCH 128
#define CG_DISPATCHER_GATHER_MS 4   /* that a result waits for others */
#define CG_DISPATCHER_LOCKED_MS 50  /* until what was locked is tried again, at first */
#define CG_DISPATCHER_LOOK_MS 30000 /* between looks at the whole queue */
#define CG_DISPATCHER_SOON_MS 250   /* until a row is looked for that could not be had */
#define CG_DISPATCHER_PAUSE_MS 1000 /* after an error that is nobody's fault */

typedef enum CgDeliveryState
{
	CG_DELIVERY_FREE,
	CG_DELIVERY_SENDING, /* the HTTP client has it */
	CG_DELIVERY_ENDED    /* to be recorded */
} CgDeliveryState;

typedef struct CgDelivery
{
	CgDeliveryState   state;
	const CgProvider *provider;
	CgLane           *lane;
	bool              may_repeat;
	int               failures; /* to record it */
	int64             record_at;
	CgOutboxAttempt   attempt;
} CgDelivery;

typedef struct CgDispatcher
{
	CgHttpClient *client;
	CgDelivery   *deliveries;
	int           capacity;
	int           free;
	int           ended;
	int64         look_at;       /* monotonic ms, as every time here */
	bool          releases_held; /* there may be requests held for an active account */
	CgOutboxKey  *under_way;     /* of the dispatcher before this one */
	int           recovering;    /* how many of these are left */
	int           recover_batch; /* how many are tried at a time */
	int64         recover_at;
	bool          is_draining;
	int64         drain_until;
} CgDispatcher;

/* What a transaction failed by. */
typedef enum CgFault
{
	CG_FAULT_OF_SERVER, /* a full disk, a shutdown: waited out */
	CG_FAULT_OF_LOCK,   /* that of another, which was waited for too long */
	CG_FAULT_OF_ROW
} CgFault;

typedef struct CgFailure
{
	CgFault fault;
	char   *why; /* what the error says */
} CgFailure;

extern CgDispatcher cg_dispatcher;

/* ---- dispatcher.c ---- */

/* Sends what was claimed, in the lane's slot; the turn's transaction has committed. */
extern void cg_dispatcher_send(const CgOutboxItem *item, CgLane *lane);

/* A delivery that is recorded. */
extern void cg_dispatcher_release(CgDelivery *delivery);

/* Takes nothing more; ends once all is recorded, or time is up. */
extern void cg_dispatcher_drain(void);

/* ---- dispatcher_turn.c ---- */

/* Records, looks, claims and sends; true when there is more to do at once. */
extern bool cg_dispatcher_turn(void);

/* Looks at the whole queue when so many ms are over, if not earlier. */
extern void cg_dispatcher_look_within(int64 ms);

/* ---- dispatcher_faults.c ---- */

/* Ends a transaction that failed, and tells in the caller's context what it failed by. */
extern CgFailure cg_dispatcher_recover(MemoryContext turn);

/* Puts a row aside; false when not even that can be done. */
extern bool cg_dispatcher_hold(const CgOutboxKey *key, const char *why);

/* ---- dispatcher_results.c ---- */

/* Up to a batch of results, if the time of one has come or they are many. */
extern int cg_dispatcher_gather_results(CgDelivery **batch);

/* Records them in the session's transaction; after its commit the next one is to be called. */
extern void cg_dispatcher_settle(CgOutboxSession *session, CgDelivery **deliveries,
								 int count, CgSettled *settled);
extern void cg_dispatcher_recorded(CgDelivery **deliveries, int count,
								   const CgSettled *settled);

/* Records by halves, since all of it failed. */
extern void cg_dispatcher_record_apart(CgDelivery **deliveries, int count);

/* Tries again in so many ms, and in twice as many each time. */
extern void cg_dispatcher_record_later(CgDelivery *delivery, int64 ms);

/* ---- dispatcher_claims.c ---- */

/* After the commit: what may go goes. */
extern void cg_dispatcher_act_on(const CgTurn *turns, int count,
								 const CgClaimVerdict *verdicts, CgOutboxItem *items);

/* Claims by halves, since all of it failed. */
extern void cg_dispatcher_claim_apart(const CgTurn *turns, int count);

/* Gives the slots back, and looks for the rows again soon. */
extern void cg_dispatcher_give_back(const CgTurn *turns, int count);

/* ---- dispatcher_aside.c ---- */

/* Reads what an earlier dispatcher left under way; each turn gives some of it back. */
extern void cg_dispatcher_find_under_way(void);
extern void cg_dispatcher_recover_some(void);

/* Takes up some of what was held for accounts that are active again. */
extern void cg_dispatcher_release_some(void);

#endif /* CG_SERVER_DISPATCHER_INTERNAL_H */
