/*
 * queue.h
 *		The outbox as the dispatcher sees it: the parts of a turn's transaction.
 *
 * cg_outbox_begin() and cg_outbox_end() stand around the others.  An ERROR of any of them
 * undoes the whole transaction, and is for the caller to catch; what cg_outbox_claim()
 * returned counts only once cg_outbox_end() has returned.
 *
 * Called by server/dispatcher.c.  Shown by test/t/140_outbox.pl.
 */
#ifndef CG_OUTBOUND_QUEUE_H
#define CG_OUTBOUND_QUEUE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "core/spi.h"
#include "outbound/handoff.h"
#include "outbound/lanes.h"

#define CG_OUTBOX_RESPONSE_BYTES (16 * 1024)

typedef enum CgClaimVerdict
{
	CG_CLAIM_SEND,
	CG_CLAIM_WAIT,   /* made to wait for an earlier one */
	CG_CLAIM_HOLD,   /* held: its account sends nothing */
	CG_CLAIM_REFUSE, /* must not be sent: for cg_outbox_refuse() */
	CG_CLAIM_LOCKED, /* another has locked it, or what goes before it */
} CgClaimVerdict;

/* A request that was claimed: an attempt at it may be made now. */
typedef struct CgOutboxItem
{
	CgOutboxKey key;
	int         attempt; /* from 1 */
	char       *provider;
	char       *operation;
	bool        may_repeat; /* repeating it is harmless */
	char       *body;
	int         body_length;
	char      **target; /* where a request of an application goes (outbound/http.c) */
	int         target_length;
	bool        wants_key;
	char       *api_key;        /* of the account or request; NULL when none opens */
	double      rate;           /* requests a second of the account; 0: any */
	double      rate_of_sender; /* of the lane */
} CgOutboxItem;

typedef enum CgOutboxOutcome
{
	CG_OUTBOX_DONE,
	CG_OUTBOX_RETRY,
	CG_OUTBOX_UNKNOWN,
	CG_OUTBOX_DEAD,
	CG_OUTBOX_ACCOUNT_BROKEN
} CgOutboxOutcome;

/* What a provider's answer means. */
typedef struct CgOutboxVerdict
{
	CgOutboxOutcome outcome;
	CgSlotEnd       end;              /* for the account's breaker */
	int             http_status;      /* 0: no answer */
	int64           retry_after_ms;   /* -1: not told */
	char            error_code[101];  /* "" for none */
	char            provider_id[201]; /* "" for none */
} CgOutboxVerdict;

/* An attempt that is over. */
typedef struct CgOutboxAttempt
{
	CgOutboxKey     key;
	int             attempt;
	int             duration_ms;
	int64           delay_ms; /* until the next one, if it is tried again */
	CgOutboxVerdict verdict;
	int             response_length;
	char            response[CG_OUTBOX_RESPONSE_BYTES];
} CgOutboxAttempt;

typedef enum CgSettled
{
	CG_SETTLED,
	CG_SETTLE_LOCKED, /* another has locked it: again later */
	CG_SETTLE_RARE    /* for cg_outbox_settle_one() */
} CgSettled;

/* A transaction of a turn. */
typedef struct CgOutboxSession
{
	CgSpi         spi;
	CgIdentity    identity;
	MemoryContext caller;
	TimestampTz   now; /* by the clock that decides whether something is due */
} CgOutboxSession;

/*
 * Opens a transaction as cloudgreet_worker, for statements over batches, or as
 * cloudgreet_owner, for functions that go row by row.
 */
extern void cg_outbox_begin(CgOutboxSession *session, const char *what, bool as_owner);
extern void cg_outbox_end(CgOutboxSession *session);

/* Records the outcomes of attempts; as worker. */
extern void cg_outbox_settle(CgOutboxSession *session, CgOutboxAttempt *const *attempts,
							 int count, CgSettled *settled);

/*
 * Claims those of the rows that may be sent: verdicts for all, items (palloc'd in the
 * caller's context) for those to send; durable after cg_outbox_end().  As worker.
 * ERROR ZG108, ZG109 when the master key cannot be used.
 */
extern void cg_outbox_claim(CgOutboxSession *session, const CgTurn *turns, int count,
							CgClaimVerdict *verdicts, CgOutboxItem *items);

/*
 * Puts rows that are due into their lanes: of all lanes, some of them at a call, so that a
 * turn is short whatever their number; or of those that are empty and have more.  The first
 * returns in how many ms the next of them is due (at most an hour).  As worker.
 */
extern int64 cg_outbox_look(CgOutboxSession *session);
extern void  cg_outbox_refill(CgOutboxSession *session, const pg_uuid_t *accounts,
							  const int64 *lanes, int count);

/* Whether a look is under way, which the next call goes on with. */
extern bool cg_outbox_is_looking(void);

/* unknown -> held, for what was waited for long enough; as worker. */
extern void cg_outbox_expire(CgOutboxSession *session);

/* Rows that are under way: when a dispatcher starts, those of the one before; as worker. */
extern int cg_outbox_under_way(CgOutboxSession *session, CgOutboxKey *keys, int max);

/* Row by row, as owner; false while another has locked it. */
extern bool cg_outbox_settle_one(CgOutboxSession       *session,
								 const CgOutboxAttempt *attempt);
extern bool cg_outbox_refuse(CgOutboxSession *session, const CgOutboxKey *key);
extern bool cg_outbox_recover(CgOutboxSession *session, const CgOutboxKey *key);
extern void cg_outbox_hold(CgOutboxSession *session, const CgOutboxKey *key,
						   const char *why);

/* Takes up a piece of what was held for accounts that are active again; 0: nothing is left. */
extern int cg_outbox_release_held(CgOutboxSession *session, int max);

#endif /* CG_OUTBOUND_QUEUE_H */
