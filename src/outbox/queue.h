/*
 * queue.h
 *		The outbox as the dispatcher sees it: what is due, claimed and settled.
 *
 * Each function is a transaction of its own, as cloudgreet_owner; the transitions
 * themselves are SQL (sql/api/510 and 520).
 */
#ifndef CG_OUTBOX_QUEUE_H
#define CG_OUTBOX_QUEUE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "outbox/handoff.h"

#define CG_OUTBOX_RESPONSE_BYTES 4096

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
	char       *api_key; /* NULL when the account has none that opens */
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
	CgOutboxVerdict verdict;
	int             response_length;
	char            response[CG_OUTBOX_RESPONSE_BYTES];
} CgOutboxAttempt;

/*
 * Gives back what a dispatcher that is no more had under way.  Returns how many of them
 * are locked by others, and remain.
 */
extern int cg_outbox_recover(void);

/*
 * Finds up to max rows that are due.  *wait_ms is the time until the next one of the
 * others, at most an hour.
 */
extern int cg_outbox_due(CgOutboxKey *keys, int max, long *wait_ms);

/*
 * Claims those of the rows that may be sent, and returns them in items, palloc'd in
 * the current context; durable on return.  *has_waiting tells whether others of them
 * wait for one that is under way.
 * ERROR ZG108, ZG109 (and nothing claimed) when the master key cannot be used.
 */
extern int cg_outbox_claim(const CgOutboxKey *keys, int count, CgOutboxItem *items,
						   bool *has_waiting);

/* Records the outcomes of attempts, but of those whose subject another has locked. */
extern void cg_outbox_settle(CgOutboxAttempt *const *attempts, int count,
							 bool *is_settled);

#endif /* CG_OUTBOX_QUEUE_H */
