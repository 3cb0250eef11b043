/*
 * pool.h
 *		The executors and the requests that wait for them.
 */
#ifndef CG_GATE_POOL_H
#define CG_GATE_POOL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "gate/executor.h"
#include "gate/lane.h"
#include "gate/loop.h"
#include "gate/request.h"
#include "gate/settings.h"

typedef struct CgPool
{
	CgLoop           *loop;
	const CgSettings *settings;
	CgExecutor      **executor;
	size_t            executor_count;
	unsigned          generation;    /* counts changes of conninfo */
	int64_t           refused_until; /* no connecting before; 0: the server lets us in */
	char              conninfo[sizeof(((CgSettings *) 0)->conninfo)];
	CgLanes           lanes; /* what waits, and whose turn it is */
	bool              is_closing;

	/*
	 * Answers a request: with the database's row, which the callee clears, or, when
	 * result is NULL, with the refusal.
	 */
	void (*answer)(CgRequest *request, PGresult *result, const CgRefusal *refusal);
} CgPool;

/* Brings executors in line with the settings; called at the start and at reload. */
extern void cg_pool_configure(CgPool *pool);

/*
 * Runs a request or queues it.  Returns false with the refusal filled in when no database
 * can be reached or the queue is full; or another request that waits is refused then.
 */
extern bool cg_pool_submit(CgPool *pool, CgRequest *request, CgRefusal *refusal);

/* The client is gone: forgets a queued request, cancels a running one. */
extern void cg_pool_abandon(CgPool *pool, CgRequest *request);

/* Cancels and forgets all, for the end of the process. */
extern void cg_pool_close(CgPool *pool);
extern void cg_pool_free(CgPool *pool);

/* Gives waiting requests to idle executors. */
extern void cg_pool_dispatch(CgPool *pool);

/*
 * For executors: the database said whose a request is, which now waits for its turn as
 * such; NULL: it did not.
 */
extern void cg_pool_sort(CgPool *pool, CgRequest *request, const char *name);

/* For executors: what ran is over, or never will be. */
extern void cg_pool_release(CgPool *pool, CgExecutor *executor);

/* For executors: idle now; lost its connection; must leave the pool and be freed. */
extern void cg_pool_idle(CgPool *pool, CgExecutor *executor);
extern void cg_pool_down(CgPool *pool);
extern void cg_pool_forget(CgPool *pool, CgExecutor *executor);

/*
 * The server refused a connection: the role or the database is missing, or may not.
 * Nobody connects for so long; then this executor tries, and the others after it.
 */
extern void cg_pool_refused(CgPool *pool, int64_t delay);
extern void cg_pool_let_in(CgPool *pool);

#endif /* CG_GATE_POOL_H */
