/*
 * database_workers.c
 *		Starts a dispatcher and a processor for each database that is served.
 *
 * Only on a primary.  A worker that ends is started again after a time that doubles up
 * to DELAY_MAX_MS; it ends by itself while there is nothing to do in its database, so
 * that a database that is paused can be dropped.
 *
 * Locks:		the supervisor reads pg_database, in a transaction of its own.
 * Memory:		one small record a worker, for the supervisor's life.
 * Errors:		none; a worker that cannot be registered is tried again.
 * Called by:	supervisor.c
 * Shown by:	test/t/142_outbox_lives.pl
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "core/monotonic.h"
#include "server/database_worker.h"
#include "server/database_workers.h"
#include "server/settings.h"

#define DELAY_MIN_MS 500
#define DELAY_MAX_MS 5000
#define RESET_MS 10000 /* a worker that lived so long had no fault at start */

typedef struct Kind
{
	const char *type;
	const char *function;
} Kind;

typedef struct Worker
{
	struct Worker          *next;
	const Kind             *kind;
	char                    database[NAMEDATALEN];
	BackgroundWorkerHandle *handle; /* NULL: does not run */
	int64                   started_at;
	int64                   start_at; /* monotonic ms */
	int                     failures; /* that ended soon, in a row */
	bool                    is_wanted;
	bool                    is_missing; /* its database; was reported */
} Worker;

static const Kind kinds[] = {
	{"cloudgreet dispatcher", "cg_worker_dispatch"},
	{"cloudgreet processor", "cg_worker_process"},
};

static Worker *workers = NULL;
static bool    is_full = false; /* reported: there are too few worker processes */

static Worker *
find_worker(const char *database, const Kind *kind)
{
	Worker *worker;

	for (worker = workers; worker != NULL; worker = worker->next)
	{
		if (worker->kind == kind && strcmp(worker->database, database) == 0)
			return worker;
	}
	worker = MemoryContextAllocZero(TopMemoryContext, sizeof(*worker));
	worker->kind = kind;
	strlcpy(worker->database, database, sizeof(worker->database));
	worker->next = workers;
	workers = worker;
	return worker;
}

static void
mark_wanted(void)
{
	List     *names;
	ListCell *cell;

	for (Worker *worker = workers; worker != NULL; worker = worker->next)
		worker->is_wanted = false;
	if (RecoveryInProgress() ||
		!SplitIdentifierString(pstrdup(cg_databases), ',', &names))
		return;
	foreach (cell, names)
	{
		for (int i = 0; i < lengthof(kinds); i++)
			find_worker(lfirst(cell), &kinds[i])->is_wanted = true;
	}
}

/*
 * A worker of a database that does not exist would end with a FATAL line, time and
 * again; so that is looked up before, and told once.
 */
static bool
has_database(Worker *worker)
{
	MemoryContext caller = CurrentMemoryContext;
	bool          exists = false;
	Relation      databases;
	TableScanDesc scan;
	HeapTuple     tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	/* Without a database of one's own there may be no index of a shared catalog. */
	databases = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(databases, 0, NULL);
	while (!exists && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		exists = strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname),
						worker->database) == 0;
	table_endscan(scan);
	table_close(databases, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	if (!exists && !worker->is_missing)
		ereport(LOG, (errmsg("%s is not started: database \"%s\" does not exist",
							 worker->kind->type, worker->database),
					  errhint("Create it, or take it out of cloudgreet.databases.")));
	worker->is_missing = !exists;
	return exists;
}

static void
start_worker(Worker *worker)
{
	BackgroundWorker registration;
	MemoryContext    caller = MemoryContextSwitchTo(TopMemoryContext);

	memset(&registration, 0, sizeof(registration));
	registration.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	registration.bgw_start_time = BgWorkerStart_RecoveryFinished;
	registration.bgw_restart_time = BGW_NEVER_RESTART;
	registration.bgw_notify_pid = MyProcPid;
	strlcpy(registration.bgw_library_name, "cloudgreet", BGW_MAXLEN);
	strlcpy(registration.bgw_function_name, worker->kind->function, BGW_MAXLEN);
	snprintf(registration.bgw_name, BGW_MAXLEN, "%s for %s", worker->kind->type,
			 worker->database);
	strlcpy(registration.bgw_type, worker->kind->type, BGW_MAXLEN);
	strlcpy(registration.bgw_extra, worker->database, BGW_EXTRALEN);
	worker->started_at = cg_monotonic_ms();
	if (RegisterDynamicBackgroundWorker(&registration, &worker->handle))
		is_full = false;
	else
	{
		worker->handle = NULL;
		worker->start_at = worker->started_at + DELAY_MAX_MS;
		if (!is_full)
			ereport(LOG, (errmsg("could not start %s", worker->kind->type),
						  errhint("Increase max_worker_processes.")));
		is_full = true;
	}
	MemoryContextSwitchTo(caller);
}

static void
note_end(Worker *worker)
{
	int64 now = cg_monotonic_ms();

	pfree(worker->handle);
	worker->handle = NULL;
	if (now - worker->started_at >= RESET_MS)
		worker->failures = 0;
	worker->start_at =
		now + Min((int64) DELAY_MIN_MS << Min(worker->failures, 10), DELAY_MAX_MS);
	worker->failures++;
}

static void
step_worker(Worker *worker, bool is_ending)
{
	pid_t pid;

	if (worker->handle != NULL &&
		GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED)
		note_end(worker);
	if (worker->handle != NULL && !worker->is_wanted)
		TerminateBackgroundWorker(worker->handle);
	else if (worker->handle == NULL && worker->is_wanted && !is_ending &&
			 cg_monotonic_ms() >= worker->start_at)
	{
		if (has_database(worker))
			start_worker(worker);
		else
			worker->start_at = cg_monotonic_ms() + DELAY_MAX_MS;
	}
}

void
cg_database_workers_step(bool is_ending)
{
	mark_wanted();
	for (Worker *worker = workers; worker != NULL; worker = worker->next)
		step_worker(worker, is_ending);
}

void
cg_database_workers_end(void)
{
	for (Worker *worker = workers; worker != NULL; worker = worker->next)
	{
		if (worker->handle != NULL)
			TerminateBackgroundWorker(worker->handle);
	}
}
