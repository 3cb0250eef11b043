/*
 * database_worker.h
 *		What the workers of a served database have in common.
 */
#ifndef CG_SERVER_DATABASE_WORKER_H
#define CG_SERVER_DATABASE_WORKER_H

#include "postgres.h"

#include "core/spi.h"
#include "outbound/handoff.h"

/*
 * Connects to the database that the supervisor named, as the server itself, and takes
 * the worker's place.  Ends the process, without a word in the log, when there is
 * nothing to do here: another one is at it, the extension or its schema is not there,
 * or the database is paused or a copy.
 */
extern void cg_database_worker_start(CgHandoffWorker worker, const char *name);

/* Whether there still is something to do here; looked up in a transaction. */
extern bool cg_database_worker_is_wanted(void);

/*
 * Does what signals asked for; to be called outside of transactions.  ShutdownRequestPending
 * is the caller's to heed.
 */
extern void cg_database_worker_handle_interrupts(void);

/* So many rows were worked on; the plans for them are kept no longer than is good. */
extern void cg_database_worker_note_work(int rows);

/* A transaction of cloudgreet_owner or cloudgreet_worker, with a session of SPI. */
typedef struct CgWorkerSession
{
	CgSpi      spi;
	CgIdentity identity;
} CgWorkerSession;

/*
 * Begins one; what it does is shown in pg_stat_activity and errors.  What goes across
 * businesses runs as cloudgreet_worker, all else as the owner.
 */
extern void cg_database_worker_begin(CgWorkerSession *session, const char *what,
									 bool across_businesses);

extern void cg_database_worker_commit(CgWorkerSession *session);

/* Aborts the transaction of an error that was caught; for one that is not worth a line. */
extern void cg_database_worker_abort(void);

/* Aborts the transaction of an error that was caught, and logs the error. */
extern void cg_database_worker_recover(void);

#endif /* CG_SERVER_DATABASE_WORKER_H */
