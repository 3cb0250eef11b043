/*
 * supervisor.c
 *		The background worker that starts and watches the HTTP gate, and the workers
 *		of served databases.
 *
 * The gate (src/gate) is a program of its own, so that what it does with bytes from
 * the network cannot touch shared memory: when it crashes, it alone is started
 * again.  The supervisor has no database and runs no SQL; it is registered with the
 * server to be seen in pg_stat_activity, to answer ProcSignal barriers, and to look up
 * whether a database exists.  It also runs on a standby, as soon as that accepts
 * connections.
 *
 * Locks:		none.
 * Memory:		what a turn allocates is freed by the next one.
 * Errors:		an ERROR ends the worker and, by the kernel, the gate; the
 *				postmaster starts the worker again after a second.
 * Called by:	the postmaster, as cloudgreet.c registers it
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/sinval.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "server/database_workers.h"
#include "server/gate.h"
#include "server/server_status.h"
#include "server/settings.h"
#include "server/supervisor.h"

static void install_handlers(void);
static void note_child(SIGNAL_ARGS);
static void handle_interrupts(CgGate *gate);
static void wait_for_events(CgGate *gate);
static void report(const CgGate *gate);
static void end_workers(int code, Datum argument);

void
cg_worker_register(void)
{
	BackgroundWorker worker;

	/* pg_upgrade's servers must serve nobody */
	if (IsBinaryUpgrade)
		return;
	memset(&worker, 0, sizeof(worker));
	/* "database connection" gives a place in pg_stat_activity; none is connected */
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "cloudgreet", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "cg_worker_supervise",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "cloudgreet supervisor", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "cloudgreet supervisor", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}

void
cg_worker_supervise(Datum argument)
{
	CgGate        gate;
	MemoryContext scratch;
	bool          is_ending;

	install_handlers();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("cloudgreet supervisor");

	before_shmem_exit(end_workers, (Datum) 0);
	MemoryContextSwitchTo(TopMemoryContext);
	cg_gate_init(&gate);
	scratch = AllocSetContextCreate(TopMemoryContext, "cloudgreet supervisor",
									ALLOCSET_SMALL_SIZES);
	for (;;)
	{
		handle_interrupts(&gate);
		MemoryContextSwitchTo(scratch);
		MemoryContextReset(scratch);
		is_ending = ShutdownRequestPending || cg_server_is_stopping();
		cg_gate_step(&gate, is_ending);
		cg_database_workers_step(is_ending);
		report(&gate);
		if (ShutdownRequestPending && gate.state == CG_GATE_STOPPED)
			break;
		wait_for_events(&gate);
	}
	/* Not 0: the postmaster would not start it again after pg_terminate_backend(). */
	proc_exit(1);
}

/* Another supervisor could not know of them. */
static void
end_workers(int code, Datum argument)
{
	cg_database_workers_end();
}

/* Must precede unblocking signals. */
static void
install_handlers(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	/* there is no query that pg_cancel_backend() could cancel */
	pqsignal(SIGINT, SIG_IGN);
	pqsignal(SIGCHLD, note_child);
}

static void
note_child(SIGNAL_ARGS)
{
	int saved_errno = errno;

	SetLatch(MyLatch);
	errno = saved_errno;
}

static void
handle_interrupts(CgGate *gate)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		cg_gate_reload(gate);
	}
	/* A process without transactions would never read what others invalidate. */
	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
}

static void
wait_for_events(CgGate *gate)
{
	CgGateChannel *channel = &gate->child.channel;
	long           timeout = cg_gate_timeout(gate);
	int            events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	if (timeout < 0 || timeout > CG_DATABASE_WORKERS_MS)
		timeout = CG_DATABASE_WORKERS_MS;
	if (channel->socket != PGINVALID_SOCKET)
		events |= WL_SOCKET_READABLE;
	if (cg_gate_channel_is_sending(channel))
		events |= WL_SOCKET_WRITEABLE;

	events =
		WaitLatchOrSocket(MyLatch, events, channel->socket, timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (events & WL_SOCKET_READABLE)
		cg_gate_hear(gate);
	if (events & WL_SOCKET_WRITEABLE)
		cg_gate_channel_send(channel);
}

/* Shows the gate in pg_stat_activity. */
static void
report(const CgGate *gate)
{
	static char shown[128];
	char        text[sizeof(shown)];

	switch (gate->state)
	{
		case CG_GATE_STOPPED:
			strlcpy(text, "HTTP gate is stopped", sizeof(text));
			break;
		case CG_GATE_WAITING:
			strlcpy(text, "HTTP gate is to be started again", sizeof(text));
			break;
		case CG_GATE_RUNNING:
			snprintf(text, sizeof(text), "HTTP gate %d listens on port %d%s",
					 (int) gate->child.pid, gate->port,
					 gate->child.channel.is_refused ? ", not as set" : "");
			break;
		case CG_GATE_DRAINING:
			snprintf(text, sizeof(text), "HTTP gate %d is stopping",
					 (int) gate->child.pid);
			break;
	}
	/* each report changes state_change */
	if (strcmp(text, shown) == 0)
		return;
	strlcpy(shown, text, sizeof(shown));
	pgstat_report_activity(STATE_IDLE, text);
}
