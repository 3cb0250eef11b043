/*
 * database_worker.c
 *		What the workers of a served database have in common.
 *
 * Locks:		none between transactions; in one, no lock is waited for longer than
 *				LOCK_TIMEOUT, so that a session that hangs cannot hold up a shutdown;
 *				nor can a synchronous standby that is lost (note_shutdown()).
 * Called by:	dispatcher.c, processor.c, due_work.c
 * Shown by:	test/t/142_outbox_lives.pl
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"

#include "core/instance.h"
#include "core/pinned.h"
#include "core/schema_version.h"
#include "server/database_worker.h"

#define LOCK_TIMEOUT "5s"
/* After how many rows plans are made anew, at first and at most. */
#define RENEW_MIN 64
#define RENEW_MAX 4096

bool
cg_database_worker_is_wanted(void)
{
	MemoryContext caller = CurrentMemoryContext;
	bool          wanted;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	wanted = OidIsValid(get_extension_oid("cloudgreet", true)) &&
			 cg_schema_state() == CG_SCHEMA_CURRENT &&
			 cg_instance_state(NULL) == CG_INSTANCE_ACTIVE;
	PopActiveSnapshot();
	CommitTransactionCommand();
	/* A commit leaves TopMemoryContext, where what a caller makes would stay. */
	MemoryContextSwitchTo(caller);
	return wanted;
}

/*
 * While a table has next to no rows, any index of the business is as good as its key,
 * and a plan that chose it then reads every row of the business later on.  New statistics
 * would end that, but not in the minute of a first burst.
 */
void
cg_database_worker_note_work(int rows)
{
	static int64 done = 0;
	static int64 renew_at = RENEW_MIN;

	done += rows;
	if (done < renew_at)
		return;
	ResetPlanCache();
	renew_at = done + Min(done, RENEW_MAX);
}

/*
 * A commit waits for a synchronous standby until it answers or the wait is cancelled.
 * As in other processes, it is on shutdown: the wait that may be under way, or just
 * begin, by QueryCancelPending, which nothing else looks at without InterruptPending;
 * those of later commits by not being asked for.
 */
static void
note_shutdown(SIGNAL_ARGS)
{
	if (synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		synchronous_commit = SYNCHRONOUS_COMMIT_LOCAL_FLUSH;
	QueryCancelPending = true;
	SignalHandlerForShutdownRequest(postgres_signal_arg);
}

void
cg_database_worker_handle_interrupts(void)
{
	/* Between transactions there is nothing that could be cancelled. */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	/* Once it ends, settings stay as note_shutdown() left them. */
	if (ConfigReloadPending && !ShutdownRequestPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
cg_database_worker_start(CgHandoffWorker worker, const char *name)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, note_shutdown);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, NULL, 0);
	pgstat_report_appname(name);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_USERSET, PGC_S_OVERRIDE);
	cg_pinned_set();
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_OVERRIDE);
	/*
	 * What a worker does, it does by keys.  Its plans are kept for long, and those that
	 * were made while tables were empty would read them whole.
	 */
	SetConfigOption("enable_seqscan", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("plan_cache_mode", "force_generic_plan", PGC_USERSET, PGC_S_OVERRIDE);
	if (!cg_database_worker_is_wanted() || !cg_handoff_attach(worker))
		proc_exit(0);
	ereport(LOG, (errmsg("%s serves database \"%s\"", name, MyBgworkerEntry->bgw_extra)));
}

void
cg_database_worker_begin(CgWorkerSession *session, const char *what,
						 bool across_businesses)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (across_businesses)
		cg_run_as_worker(&session->identity);
	else
		cg_run_as_owner(&session->identity);
	cg_spi_begin(&session->spi, what);
	pgstat_report_activity(STATE_RUNNING, what);
}

void
cg_database_worker_commit(CgWorkerSession *session)
{
	cg_spi_end(&session->spi);
	cg_identity_restore(&session->identity);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
cg_database_worker_abort(void)
{
	HOLD_INTERRUPTS();
	error_context_stack = NULL;
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();
	MemoryContextSwitchTo(TopMemoryContext);
}

void
cg_database_worker_recover(void)
{
	HOLD_INTERRUPTS();
	error_context_stack = NULL;
	EmitErrorReport();
	RESUME_INTERRUPTS();
	cg_database_worker_abort();
}
