/*
 * handoff.h
 *		From the commit of a transaction to the worker that has something to do.
 *
 * Shared memory holds a place for each served database.  What a transaction enqueued
 * is put there once it has committed, and the worker's latch set; nothing is lost when
 * that fails, since the workers look into the tables when they start and from time to
 * time.
 */
#ifndef CG_OUTBOUND_HANDOFF_H
#define CG_OUTBOUND_HANDOFF_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* A row of the outbox. */
typedef struct CgOutboxKey
{
	pg_uuid_t business_id;
	pg_uuid_t id;
} CgOutboxKey;

/* A row that is queued, and whose turn it takes. */
typedef struct CgQueued
{
	CgOutboxKey key;
	pg_uuid_t   account_id;
	int64       lane; /* of the account: a hash of the sender */
	uint32      host; /* see cg_handoff_host() */
	TimestampTz next_at;
} CgQueued;

/*
 * What the businesses whose requests go to one host have in common: a hash of the provider's
 * name.  Requests of applications name their hosts themselves; theirs is the account, which
 * stands for a business and a host.
 */
extern uint32 cg_handoff_host(const text *provider, const pg_uuid_t *account_id);

typedef enum CgHandoffWorker
{
	CG_HANDOFF_DISPATCHER,
	CG_HANDOFF_PROCESSOR
} CgHandoffWorker;

#define CG_HANDOFF_WORKERS 2

/*
 * Reserves shared memory (only while libraries are preloaded) and watches the ends of
 * transactions; called once from _PG_init().
 */
extern void cg_handoff_install(void);

/*
 * Makes this process the worker of its database, until it ends.  False when another
 * process is, or (with a line in the log) when as many databases as there are places
 * for are served already.
 */
extern bool cg_handoff_attach(CgHandoffWorker worker);

/*
 * Takes up to max rows that were committed, oldest first.  *scan_needed is set when
 * there are rows that only the table knows.
 */
extern int cg_handoff_take(CgQueued *rows, int max, bool *scan_needed);

/*
 * The processor waits for what is due at that time, as due_work has it: a commit that plans
 * something earlier sets its latch.
 */
extern void cg_handoff_expect(TimestampTz next_due);

/* Whether there is something to take. */
extern bool cg_handoff_has_rows(void);

/* Whether someone asked for a look into the table; taking resets it. */
extern bool cg_handoff_wants_look(void);

#endif /* CG_OUTBOUND_HANDOFF_H */
