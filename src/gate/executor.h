/*
 * executor.h
 *		One database connection that runs one request at a time.
 */
#ifndef CG_GATE_EXECUTOR_H
#define CG_GATE_EXECUTOR_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "gate/cancel.h"
#include "gate/loop.h"
#include "gate/request.h"

struct CgLane;
struct CgPool;

/*
 * DOWN -> CONNECTING -> SETTING -> PREPARING -> IDLE -> BUSY -> IDLE ...
 * IDLE -> ASKING -> IDLE when it is not known whose a request is.
 * BUSY -> CLEANING -> SETTING -> PREPARING -> IDLE when a function was called.
 * In a spare gate WARMING comes between PREPARING and IDLE.
 * SETTING comes again when the timeout changed, PREPARING when it failed before; both
 * may have a request that waits for them.  Any state -> DOWN when the connection is
 * lost.
 */
typedef enum CgExecutorState
{
	CG_EXECUTOR_DOWN, /* the timer says when to connect again */
	CG_EXECUTOR_CONNECTING,
	CG_EXECUTOR_SETTING,
	CG_EXECUTOR_PREPARING,
	CG_EXECUTOR_WARMING,
	CG_EXECUTOR_IDLE,
	CG_EXECUTOR_ASKING, /* whose the request is; then it waits for its turn again */
	CG_EXECUTOR_BUSY,
	CG_EXECUTOR_CLEANING
} CgExecutorState;

typedef struct CgExecutor
{
	struct CgPool  *pool;
	CgWatch         watch;
	CgTimer         timer;
	CgCancel        cancel;
	CgExecutorState state;
	PGconn         *conn;       /* NULL in DOWN */
	PGresult       *result;     /* of the running command: the first error, or the last */
	CgRequest      *request;    /* NULL also while an abandoned query runs out */
	struct CgLane  *lane;       /* that holds the executor; NULL: none */
	int64_t         timeout;    /* what statement_timeout was set to; -1: nothing yet */
	unsigned        generation; /* of the pool's conninfo */
	int             failures;   /* to connect, in a row */
	bool            is_refused; /* by the server, at the last attempt to connect */
	bool            is_prepared;
	bool            is_dirty;      /* the session may hold what a request left */
	bool            is_warm;       /* the session has filled its caches */
	bool            is_cancelling; /* the cancel thread has the job */
	bool            is_retired;    /* to be freed when nothing runs */
} CgExecutor;

/* Makes an executor; NULL when memory ran out. */
extern CgExecutor *cg_executor_new(struct CgPool *pool);

/* Lets a new executor connect, in so many microseconds. */
extern void cg_executor_start(CgExecutor *executor, int64_t delay);

/* Lets an executor that waits to connect again do so soon. */
extern void cg_executor_hurry(CgExecutor *executor);

/* Gives an idle executor a request of a lane; one of those that ask is only asked about. */
extern void cg_executor_run(CgExecutor *executor, CgRequest *request,
							struct CgLane *lane);

/*
 * Takes the request away, which nobody waits for any more, and cancels the query.
 * The executor is usable again when both are over.
 */
extern void cg_executor_abandon(CgExecutor *executor);

/* Ends an executor: now when it is idle, else when its request is answered. */
extern void cg_executor_retire(CgExecutor *executor);

/* Closes and frees at once, whatever runs; for the end of the process. */
extern void cg_executor_destroy(CgExecutor *executor);

#endif /* CG_GATE_EXECUTOR_H */
