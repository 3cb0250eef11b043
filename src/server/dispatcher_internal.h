/*
 * dispatcher_internal.h
 *		What the dispatcher's loop and its turn share.
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
	CgLane           *lane; /* while it has a slot */
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
	int64         looked_at; /* monotonic ms, as every time here */
	int64         look_at;
	bool          releases_held; /* there may be requests held for an active account */
	CgOutboxKey  *under_way;     /* of the dispatcher before this one */
	int           recovering;    /* how many of these are left */
	int           recover_batch; /* how many are tried at a time */
	int64         recover_at;
	bool          is_draining;
	int64         drain_until;
} CgDispatcher;

extern CgDispatcher cg_dispatcher;

/* Sends what was claimed, in the lane's slot; the turn's transaction has committed. */
extern void cg_dispatcher_send(const CgOutboxItem *item, CgLane *lane);

/* A delivery that is recorded. */
extern void cg_dispatcher_release(CgDelivery *delivery);

/* Takes nothing more; ends once all is recorded, or time is up. */
extern void cg_dispatcher_drain(void);

/* Reads what an earlier dispatcher left under way; each turn gives some of it back. */
extern void cg_dispatcher_find_under_way(void);

/* Records, looks, claims and sends; true when there is more to do at once. */
extern bool cg_dispatcher_turn(void);

#endif /* CG_SERVER_DISPATCHER_INTERNAL_H */
