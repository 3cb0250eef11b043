/*
 * gate.c
 *		The life of the HTTP gate, as its supervisor sees it.
 *
 * A gate that ends by itself is followed by another one at once; if that one does
 * not live for RESET_MS either, the next comes after a delay that doubles up to
 * DELAY_MAX_MS.  A reload starts it without delay, because the fault may have been a
 * setting.
 *
 * A start is loading libpq and what that needs, connecting, and a session's first
 * request: 100 ms of processor time, and a loaded machine makes 400 ms of them.  So a
 * spare child stands by that has done it, for one connection.  It listens when it is
 * told that it is not spare any more.
 *
 * A child that hangs is killed.  Pings are counted, not the time that they take: after a
 * pause of the whole machine everybody has to catch up.
 *
 * Invariant:	at most one child has been told to listen.
 * Errors:		an ERROR ends the supervisor and, by the kernel, its children.
 * Called by:	supervisor.c
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"

#include "core/monotonic.h"
#include "server/gate.h"
#include "server/gate_process.h"
#include "server/settings.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 10000
#define RESET_MS 10000    /* a gate that lived so long had no fault at start */
#define SPARE_MS 1000     /* as long as a gate must live to get a spare */
#define KILL_GRACE_MS 250 /* for a gate that keeps to its drain timeout */
#define LISTEN_MS 10000   /* a gate that does not listen by then never will */
#define PING_MS 1000
#define PINGS_MAX 5    /* so many without an answer: it hangs */
#define STATUS_MS 1000 /* how late a smart shutdown may be noticed */
#define NEVER PG_INT64_MAX

static bool  is_wanted(CgGate *gate);
static void  start_gate(CgGate *gate);
static bool  start_child(CgGate *gate, CgGateChild *child);
static bool  reap_child(CgGateChild *child, int *status);
static void  note_end(CgGate *gate, pid_t pid, int status);
static int64 retry_later(CgGate *gate);
static void  drain_gate(CgGate *gate);
static void  send_settings(CgGate *gate, CgGateChild *child);
static void  kill_hanging(CgGate *gate);
static void  ping_child(CgGateChild *child);
static void  keep_spare(CgGate *gate);
static void  drop_spare(CgGate *gate);

void
cg_gate_init(CgGate *gate)
{
	memset(gate, 0, sizeof(*gate));
	snprintf(gate->program, sizeof(gate->program), "%s/cloudgreet_gate", pkglib_path);
	cg_gate_channel_init(&gate->child.channel);
	cg_gate_channel_init(&gate->spare.channel);
}

void
cg_gate_reload(CgGate *gate)
{
	gate->child.settings_due = gate->spare.settings_due = true;
	gate->is_unnamed = false;
	gate->failures = 0;
	if (gate->state == CG_GATE_WAITING)
		gate->deadline = cg_monotonic_ms();
}

void
cg_gate_step(CgGate *gate, bool is_ending)
{
	bool  wanted = !is_ending && is_wanted(gate);
	pid_t pid = gate->child.pid;
	int   status;

	if (reap_child(&gate->child, &status))
		note_end(gate, pid, status);
	/*
	 * A spare that ends leaves no gap, so the next has time: it may be the settings'
	 * fault.
	 */
	if (reap_child(&gate->spare, &status))
		gate->spare_at = cg_monotonic_ms() + DELAY_MAX_MS;

	switch (gate->state)
	{
		case CG_GATE_STOPPED:
			/*
			 * It was stopped on purpose: what failed before says nothing of the next
			 * start.
			 */
			gate->failures = 0;
			if (wanted)
				start_gate(gate);
			break;
		case CG_GATE_WAITING:
			if (!wanted)
				gate->state = CG_GATE_STOPPED;
			else if (cg_monotonic_ms() >= gate->deadline)
				start_gate(gate);
			break;
		case CG_GATE_RUNNING:
			if (!wanted)
				drain_gate(gate);
			else
				kill_hanging(gate);
			/* One that drains would have no use for them. */
			if (wanted && gate->child.settings_due)
				send_settings(gate, &gate->child);
			break;
		case CG_GATE_DRAINING:
			if (cg_monotonic_ms() >= gate->deadline)
			{
				kill(gate->child.pid, SIGKILL);
				gate->deadline = NEVER;
			}
			break;
	}
	/* Only beside one that runs: what keeps one from starting keeps its spare as well. */
	if (!wanted)
		drop_spare(gate);
	else if (gate->state == CG_GATE_RUNNING)
		keep_spare(gate);
}

long
cg_gate_timeout(const CgGate *gate)
{
	int64 until_deadline = Max(gate->deadline - cg_monotonic_ms(), 0);

	switch (gate->state)
	{
		case CG_GATE_STOPPED:
			break;
		case CG_GATE_WAITING:
		case CG_GATE_DRAINING:
			return (long) Min(until_deadline, STATUS_MS);
		case CG_GATE_RUNNING:
			return STATUS_MS;
	}
	return -1;
}

void
cg_gate_hear(CgGate *gate)
{
	bool is_alive = false;
	int  port = cg_gate_channel_receive(&gate->child.channel, &is_alive);

	if (is_alive)
		gate->child.unanswered = 0;
	if (port < 0 || port == gate->port)
		return;
	gate->port = port;
	ereport(LOG, (errmsg("HTTP gate (PID %d) listens on port %d", (int) gate->child.pid,
						 port)));
}

static bool
is_wanted(CgGate *gate)
{
	if (!cg_gate)
		return false;
	if (cg_worker_conninfo() != NULL)
		return true;
	if (!gate->is_unnamed)
		ereport(LOG, (errmsg("HTTP gate is not started because no database is named"),
					  errhint("Set cloudgreet.databases and reload, or set "
							  "cloudgreet.gate to off.")));
	gate->is_unnamed = true;
	return false;
}

/* Gives the settings to the spare child, or to a new one. */
static void
start_gate(CgGate *gate)
{
	CgGateChild empty = gate->child;

	if (gate->spare.pid != 0)
	{
		gate->child = gate->spare;
		gate->spare = empty;
	}
	else if (!start_child(gate, &gate->child))
	{
		ereport(LOG, (errmsg("could not start HTTP gate \"%s\": %m", gate->program)));
		retry_later(gate);
		return;
	}
	gate->state = CG_GATE_RUNNING;
	gate->port = 0;
	gate->started_at = cg_monotonic_ms();
	gate->spare_at = Max(gate->spare_at, gate->started_at + SPARE_MS);
	send_settings(gate, &gate->child);
}

/* False with errno set when there is no child. */
static bool
start_child(CgGate *gate, CgGateChild *child)
{
	pgsocket sock;
	pid_t    pid;

	/* The child cannot tell why a program does not run; most often it is missing. */
	if (access(gate->program, X_OK) != 0)
		return false;
	pid = cg_gate_process_start(gate->program, &sock);
	if (pid < 0)
		return false;
	child->pid = pid;
	child->unanswered = 0;
	child->ping_at = cg_monotonic_ms() + PING_MS;
	cg_gate_channel_open(&child->channel, sock);
	return true;
}

/* Whether the child has ended; then there is none any more. */
static bool
reap_child(CgGateChild *child, int *status)
{
	pid_t pid;

	if (child->pid == 0)
		return false;
	pid = waitpid(child->pid, status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	if (pid < 0)
		elog(ERROR, "could not wait for HTTP gate (PID %d): %m", (int) child->pid);
	child->pid = 0;
	cg_gate_channel_close(&child->channel);
	return true;
}

static void
note_end(CgGate *gate, pid_t pid, int status)
{
	int64 delay;

	if (gate->state == CG_GATE_DRAINING)
	{
		gate->state = CG_GATE_STOPPED;
		ereport(
			LOG,
			(errmsg("HTTP gate (PID %d) was stopped", (int) pid),
			 status == 0 ? 0 : errdetail("It ended: %s.", wait_result_to_str(status))));
		return;
	}
	if (cg_monotonic_ms() - gate->started_at >= RESET_MS)
		gate->failures = 0;
	delay = retry_later(gate);
	ereport(LOG, (errmsg("HTTP gate (PID %d) ended: %s", (int) pid,
						 wait_result_to_str(status)),
				  gate->spare.pid != 0
					  ? errdetail("The one that stands by takes over in %lld ms.",
								  (long long) delay)
					  : errdetail("It is started again in %lld ms.", (long long) delay)));
}

/* Sets when the next child is started, and returns in how many ms. */
static int64
retry_later(CgGate *gate)
{
	int64 delay = 0;

	if (gate->failures > 0)
		delay = Min((int64) DELAY_MIN_MS << Min(gate->failures - 1, 20), DELAY_MAX_MS);
	gate->failures++;
	gate->state = CG_GATE_WAITING;
	gate->deadline = cg_monotonic_ms() + delay;
	return delay;
}

static void
drain_gate(CgGate *gate)
{
	cg_gate_channel_end(&gate->child.channel);
	gate->state = CG_GATE_DRAINING;
	gate->deadline = cg_monotonic_ms() + cg_gate_drain_timeout() + KILL_GRACE_MS;
}

/* Only whole blocks are sent, so a newer one waits until the last has gone. */
static void
send_settings(CgGate *gate, CgGateChild *child)
{
	CgGateChannel *channel = &child->channel;

	child->settings_due = cg_gate_channel_is_sending(channel);
	if (child->settings_due)
		return;
	cg_worker_append_settings(&channel->outgoing, cg_worker_conninfo(),
							  child == &gate->spare);
	cg_gate_channel_send(channel);
}

/* In RUNNING. */
static void
kill_hanging(CgGate *gate)
{
	CgGateChild *child = &gate->child;

	ping_child(child);
	if (gate->port != 0 || cg_monotonic_ms() - gate->started_at < LISTEN_MS)
		return;
	ereport(LOG, (errmsg("HTTP gate (PID %d) does not listen and is killed",
						 (int) child->pid)));
	kill(child->pid, SIGKILL);
}

static void
ping_child(CgGateChild *child)
{
	int64 now = cg_monotonic_ms();

	if (now < child->ping_at)
		return;
	child->ping_at = now + PING_MS;
	if (child->unanswered++ < PINGS_MAX)
	{
		appendStringInfoString(&child->channel.outgoing, "ping\n");
		cg_gate_channel_send(&child->channel);
		return;
	}
	ereport(LOG, (errmsg("HTTP gate (PID %d) does not answer and is killed",
						 (int) child->pid)));
	kill(child->pid, SIGKILL);
}

static void
keep_spare(CgGate *gate)
{
	bool is_alive = false;

	if (gate->spare.pid == 0 && cg_monotonic_ms() >= gate->spare_at)
	{
		/* without one a start takes longer; the next start tells what is wrong */
		if (!start_child(gate, &gate->spare))
			gate->spare_at = cg_monotonic_ms() + DELAY_MAX_MS;
		else
			gate->spare.settings_due = true;
	}
	if (gate->spare.pid == 0)
		return;
	(void) cg_gate_channel_receive(&gate->spare.channel, &is_alive);
	if (is_alive)
		gate->spare.unanswered = 0;
	ping_child(&gate->spare);
	cg_gate_channel_send(&gate->spare.channel);
	if (gate->spare.settings_due)
		send_settings(gate, &gate->spare);
}

static void
drop_spare(CgGate *gate)
{
	int status;

	if (gate->spare.pid == 0)
		return;
	kill(gate->spare.pid, SIGKILL);
	while (waitpid(gate->spare.pid, &status, 0) < 0 && errno == EINTR)
		;
	gate->spare.pid = 0;
	cg_gate_channel_close(&gate->spare.channel);
}
