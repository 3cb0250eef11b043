/*
 * cancel.h
 *		Cancels queries from a thread of its own, because libpq's cancelling blocks.
 */
#ifndef CG_GATE_CANCEL_H
#define CG_GATE_CANCEL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "gate/loop.h"

typedef struct CgCancel CgCancel;

/* Embedded in the executor; it must outlive the job. */
struct CgCancel
{
	CgCancel *next;
	PGcancel *handle;
	void (*done)(CgCancel *job); /* called in the loop's thread */
};

/* Starts the thread; false when the system refuses. */
extern bool cg_cancel_start(CgLoop *loop);

/*
 * Asks for a cancel request to be sent; takes the handle.  The request has reached
 * the backend, or failed to, when job->done is called: a query that is sent after
 * that cannot be hit.
 */
extern void cg_cancel_submit(CgCancel *job, PGcancel *handle);

/* Ends the thread, giving jobs that it was told of so many milliseconds. */
extern void cg_cancel_stop(CgLoop *loop, int milliseconds);

#endif /* CG_GATE_CANCEL_H */
