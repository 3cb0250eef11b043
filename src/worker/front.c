/*
 * front.c
 *		The life of the HTTP front, as its supervisor sees it.
 *
 * A front that ends by itself is followed by another one at once; if that one does
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
 */
#include "postgres.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"

#include "core/monotonic.h"
#include "worker/front.h"
#include "worker/front_process.h"
#include "worker/settings.h"

#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 10000
#define RESET_MS 10000    /* a front that lived so long had no fault at start */
#define SPARE_MS 1000     /* as long as a front must live to get a spare */
#define KILL_GRACE_MS 250 /* for a front that keeps to its drain timeout */
#define LISTEN_MS 10000   /* a front that does not listen by then never will */
#define PING_MS 1000
#define PINGS_MAX 5    /* so many without an answer: it hangs */
#define STATUS_MS 1000 /* how late a smart shutdown may be noticed */
#define NEVER PG_INT64_MAX

static bool  is_wanted(CgFront *front);
static void  start_front(CgFront *front);
static bool  start_child(CgFront *front, CgFrontChild *child);
static bool  reap_child(CgFrontChild *child, int *status);
static void  note_end(CgFront *front, pid_t pid, int status);
static int64 retry_later(CgFront *front);
static void  drain_front(CgFront *front);
static void  send_settings(CgFront *front, CgFrontChild *child);
static void  kill_hanging(CgFront *front);
static void  ping_child(CgFrontChild *child);
static void  keep_spare(CgFront *front);
static void  drop_spare(CgFront *front);

void
cg_front_init(CgFront *front)
{
	memset(front, 0, sizeof(*front));
	snprintf(front->program, sizeof(front->program), "%s/cloudgreet_gate", pkglib_path);
	cg_front_channel_init(&front->child.channel);
	cg_front_channel_init(&front->spare.channel);
}

void
cg_front_reload(CgFront *front)
{
	front->child.settings_due = front->spare.settings_due = true;
	front->is_unnamed = false;
	front->failures = 0;
	if (front->state == CG_FRONT_WAITING)
		front->deadline = cg_monotonic_ms();
}

void
cg_front_step(CgFront *front, bool is_ending)
{
	bool  wanted = !is_ending && is_wanted(front);
	pid_t pid = front->child.pid;
	int   status;

	if (reap_child(&front->child, &status))
		note_end(front, pid, status);
	if (reap_child(&front->spare, &status))
		front->spare_at = cg_monotonic_ms() + DELAY_MAX_MS;

	switch (front->state)
	{
		case CG_FRONT_STOPPED:
			front->failures = 0;
			if (wanted)
				start_front(front);
			break;
		case CG_FRONT_WAITING:
			if (!wanted)
				front->state = CG_FRONT_STOPPED;
			else if (cg_monotonic_ms() >= front->deadline)
				start_front(front);
			break;
		case CG_FRONT_RUNNING:
			if (!wanted)
				drain_front(front);
			else
				kill_hanging(front);
			if (wanted && front->child.settings_due)
				send_settings(front, &front->child);
			break;
		case CG_FRONT_DRAINING:
			if (cg_monotonic_ms() >= front->deadline)
			{
				kill(front->child.pid, SIGKILL);
				front->deadline = NEVER;
			}
			break;
	}
	if (!wanted)
		drop_spare(front);
	else if (front->state == CG_FRONT_RUNNING)
		keep_spare(front);
}

long
cg_front_timeout(const CgFront *front)
{
	int64 until_deadline = Max(front->deadline - cg_monotonic_ms(), 0);

	switch (front->state)
	{
		case CG_FRONT_STOPPED:
			break;
		case CG_FRONT_WAITING:
		case CG_FRONT_DRAINING:
			return (long) Min(until_deadline, STATUS_MS);
		case CG_FRONT_RUNNING:
			return STATUS_MS;
	}
	return -1;
}

void
cg_front_hear(CgFront *front)
{
	bool is_alive = false;
	int  port = cg_front_channel_receive(&front->child.channel, &is_alive);

	if (is_alive)
		front->child.unanswered = 0;
	if (port < 0 || port == front->port)
		return;
	front->port = port;
	ereport(LOG, (errmsg("HTTP front (PID %d) listens on port %d", (int) front->child.pid,
						 port)));
}

static bool
is_wanted(CgFront *front)
{
	if (!cg_gate)
		return false;
	if (cg_worker_conninfo() != NULL)
		return true;
	if (!front->is_unnamed)
		ereport(LOG, (errmsg("HTTP front is not started because no database is named"),
					  errhint("Set cloudgreet.databases and reload, or set "
							  "cloudgreet.gate to off.")));
	front->is_unnamed = true;
	return false;
}

/* Gives the settings to the spare child, or to a new one. */
static void
start_front(CgFront *front)
{
	CgFrontChild empty = front->child;

	if (front->spare.pid != 0)
	{
		front->child = front->spare;
		front->spare = empty;
	}
	else if (!start_child(front, &front->child))
	{
		ereport(LOG, (errmsg("could not start HTTP front \"%s\": %m", front->program)));
		retry_later(front);
		return;
	}
	front->state = CG_FRONT_RUNNING;
	front->port = 0;
	front->started_at = cg_monotonic_ms();
	front->spare_at = Max(front->spare_at, front->started_at + SPARE_MS);
	send_settings(front, &front->child);
}

/* False with errno set when there is no child. */
static bool
start_child(CgFront *front, CgFrontChild *child)
{
	pgsocket sock;
	pid_t    pid;

	/* The child cannot tell why a program does not run; most often it is missing. */
	if (access(front->program, X_OK) != 0)
		return false;
	pid = cg_front_process_start(front->program, &sock);
	if (pid < 0)
		return false;
	child->pid = pid;
	child->unanswered = 0;
	child->ping_at = cg_monotonic_ms() + PING_MS;
	cg_front_channel_open(&child->channel, sock);
	return true;
}

/* Whether the child has ended; then there is none any more. */
static bool
reap_child(CgFrontChild *child, int *status)
{
	pid_t pid;

	if (child->pid == 0)
		return false;
	pid = waitpid(child->pid, status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	if (pid < 0)
		elog(ERROR, "could not wait for HTTP front (PID %d): %m", (int) child->pid);
	child->pid = 0;
	cg_front_channel_close(&child->channel);
	return true;
}

static void
note_end(CgFront *front, pid_t pid, int status)
{
	int64 delay;

	if (front->state == CG_FRONT_DRAINING)
	{
		front->state = CG_FRONT_STOPPED;
		ereport(
			LOG,
			(errmsg("HTTP front (PID %d) was stopped", (int) pid),
			 status == 0 ? 0 : errdetail("It ended: %s.", wait_result_to_str(status))));
		return;
	}
	if (cg_monotonic_ms() - front->started_at >= RESET_MS)
		front->failures = 0;
	delay = retry_later(front);
	ereport(LOG, (errmsg("HTTP front (PID %d) ended: %s", (int) pid,
						 wait_result_to_str(status)),
				  front->spare.pid != 0
					  ? errdetail("The one that stands by takes over in %lld ms.",
								  (long long) delay)
					  : errdetail("It is started again in %lld ms.", (long long) delay)));
}

/* Sets when the next child is started, and returns in how many ms. */
static int64
retry_later(CgFront *front)
{
	int64 delay = 0;

	if (front->failures > 0)
		delay = Min((int64) DELAY_MIN_MS << Min(front->failures - 1, 20), DELAY_MAX_MS);
	front->failures++;
	front->state = CG_FRONT_WAITING;
	front->deadline = cg_monotonic_ms() + delay;
	return delay;
}

static void
drain_front(CgFront *front)
{
	cg_front_channel_end(&front->child.channel);
	front->state = CG_FRONT_DRAINING;
	front->deadline = cg_monotonic_ms() + cg_gate_drain_timeout + KILL_GRACE_MS;
}

/* Only whole blocks are sent, so a newer one waits until the last has gone. */
static void
send_settings(CgFront *front, CgFrontChild *child)
{
	CgFrontChannel *channel = &child->channel;

	child->settings_due = cg_front_channel_is_sending(channel);
	if (child->settings_due)
		return;
	cg_worker_append_settings(&channel->outgoing, cg_worker_conninfo(),
							  child == &front->spare);
	cg_front_channel_send(channel);
}

/* In RUNNING. */
static void
kill_hanging(CgFront *front)
{
	CgFrontChild *child = &front->child;

	ping_child(child);
	if (front->port != 0 || cg_monotonic_ms() - front->started_at < LISTEN_MS)
		return;
	ereport(LOG, (errmsg("HTTP front (PID %d) does not listen and is killed",
						 (int) child->pid)));
	kill(child->pid, SIGKILL);
}

static void
ping_child(CgFrontChild *child)
{
	int64 now = cg_monotonic_ms();

	if (now < child->ping_at)
		return;
	child->ping_at = now + PING_MS;
	if (child->unanswered++ < PINGS_MAX)
	{
		appendStringInfoString(&child->channel.outgoing, "ping\n");
		cg_front_channel_send(&child->channel);
		return;
	}
	ereport(LOG, (errmsg("HTTP front (PID %d) does not answer and is killed",
						 (int) child->pid)));
	kill(child->pid, SIGKILL);
}

static void
keep_spare(CgFront *front)
{
	bool is_alive = false;

	if (front->spare.pid == 0 && cg_monotonic_ms() >= front->spare_at)
	{
		/* without one a start takes longer; the next start tells what is wrong */
		if (!start_child(front, &front->spare))
			front->spare_at = cg_monotonic_ms() + DELAY_MAX_MS;
		else
			front->spare.settings_due = true;
	}
	if (front->spare.pid == 0)
		return;
	(void) cg_front_channel_receive(&front->spare.channel, &is_alive);
	if (is_alive)
		front->spare.unanswered = 0;
	ping_child(&front->spare);
	cg_front_channel_send(&front->spare.channel);
	if (front->spare.settings_due)
		send_settings(front, &front->spare);
}

static void
drop_spare(CgFront *front)
{
	int status;

	if (front->spare.pid == 0)
		return;
	kill(front->spare.pid, SIGKILL);
	while (waitpid(front->spare.pid, &status, 0) < 0 && errno == EINTR)
		;
	front->spare.pid = 0;
	cg_front_channel_close(&front->spare.channel);
}
