/*
 * processor.c
 *		The background worker that processes webhooks, and looks after histories.
 *
 * It is woken when a webhook was committed, and looks for itself every LOOK_MS: for
 * those that are to be tried again, and for those whose waking was lost.
 *
 * Errors:		the worker ends; the supervisor starts it again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "core/monotonic.h"
#include "core/spi.h"
#include "outbox/handoff.h"
#include "worker/database_worker.h"
#include "worker/processor.h"

#define BATCH 20
#define LOOK_MS 10000
#define UPKEEP_MS (24 * 60 * 60 * 1000)

/* Calls a function that takes a number and returns one, in a transaction. */
static int
call(const char *sql, int argument)
{
	CgSpi      spi;
	CgIdentity identity;
	Oid        types[1] = {INT4OID};
	Datum      values[1] = {Int32GetDatum(argument)};
	bool       is_null;
	int        result;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	cg_run_as_owner(&identity);
	cg_spi_begin(&spi, "processing webhooks");
	pgstat_report_activity(STATE_RUNNING, sql);
	cg_spi_query(sql, 1, types, values, NULL, false, 0);
	result = DatumGetInt32(cg_spi_value(0, 1, &is_null));
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return is_null ? 0 : result;
}

static void
handle_interrupts(void)
{
	cg_database_worker_handle_interrupts();
	if (ShutdownRequestPending)
		proc_exit(0);
}

void
cg_worker_process(Datum argument)
{
	int64 upkeep_at = 0;
	int   processed;

	cg_database_worker_start(CG_HANDOFF_PROCESSOR, "cloudgreet processor");
	for (;;)
	{
		handle_interrupts();
		if (!cg_database_worker_is_wanted())
			proc_exit(0);
		while ((processed =
					call("SELECT cloudgreet_private.process_webhooks($1)", BATCH)) > 0)
		{
			cg_database_worker_note_work(processed);
			handle_interrupts();
		}
		if (cg_monotonic_ms() >= upkeep_at)
		{
			(void) call("SELECT cloudgreet_private.upkeep($1)", 12);
			upkeep_at = cg_monotonic_ms() + UPKEEP_MS;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
