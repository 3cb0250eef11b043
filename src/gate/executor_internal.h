/*
 * executor_internal.h
 *		What the files about executors share.
 */
#ifndef CG_GATE_EXECUTOR_INTERNAL_H
#define CG_GATE_EXECUTOR_INTERNAL_H

#include "gate/executor.h"

/* For connecting, and for each command before requests can run. */
#define CG_SETUP_TIMEOUT (10000 * CG_MILLISECOND)

/* Sends the next command on the way to running a request. */
extern void cg_executor_proceed(CgExecutor *executor);

/* Nothing runs: takes the next request, or leaves. */
extern void cg_executor_settle(CgExecutor *executor);

/* Sends the question whose the request is, false when libpq cannot; takes the answer. */
extern int  cg_executor_ask(CgExecutor *executor);
extern void cg_executor_finish_asking(CgExecutor *executor, PGresult *result);

/* Begins to connect, in DOWN; goes on when the socket is ready. */
extern void cg_executor_connect(CgExecutor *executor);
extern void cg_executor_poll_connecting(CgExecutor *executor);

/* Sets the timer for connecting; waits the longer, the more often it failed. */
extern void cg_executor_plan(CgExecutor *executor);

/*
 * True, with the timer set, while the server refuses connections: then one executor
 * tries, and the others wait until it was let in.
 */
extern bool cg_executor_wait_for_leave(CgExecutor *executor);

/*
 * Closes a connection that cannot be used any more, answers its request and plans the
 * next connection.  An executor that is retired is gone then.
 */
extern void cg_executor_lose(CgExecutor *executor, const char *why);
extern void cg_executor_lose_by_libpq(CgExecutor *executor);

/* Closes the connection without a word. */
extern void cg_executor_disconnect(CgExecutor *executor);

/* Takes the request off; NULL when nobody waits any more. */
extern CgRequest *cg_executor_detach(CgExecutor *executor);

/* Leaves the pool and frees the executor, at the end of the turn. */
extern void cg_executor_dispose(CgExecutor *executor);

extern void cg_executor_set_timer(CgExecutor *executor, int64_t delay);

#endif /* CG_GATE_EXECUTOR_INTERNAL_H */
