/*
 * main.c
 *		cloudgreet_gate: the HTTP gate of cloudgreet.
 *
 * Started by the supervisor, which writes settings to stdin (settings.h) and reads
 * "listening PORT" from stdout, or "remaining PORT" when other settings could not be
 * used, and "pong" for a "ping"; logs go to stderr.  When stdin ends, or on SIGTERM,
 * the gate drains: it stops listening, lets the requests that it has come to their
 * end for gate_drain_timeout, and exits with status 0.  A second SIGTERM ends it at
 * once.
 *
 * A spare gate is told to stand by: it has one connection, warmed up, and listens when
 * a later block of settings says that it is not spare any more.
 *
 * One thread does everything but cancelling (cancel.h).  Nothing here blocks except
 * the resolver, when gate_listen_addresses or gate_conninfo hold host names.
 *
 * Called by:	server/gate_process.c, which starts the program
 * Shown by:	test/t/110_supervisor.pl, test/t/101_gate_limits.pl
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gate/cancel.h"
#include "gate/connection.h"
#include "gate/gate.h"
#include "gate/listener.h"
#include "gate/log.h"
#include "gate/request.h"

#define CANCEL_WAIT_MS 500
#define LOG_WAIT_MS 200
/* Lines are written when there are so many bytes, or after so long. */
#define LOG_BYTES 4096
#define LOG_DELAY INT64_C(20000)

CgGate cg_gate;

static CgSettingsReader reader;
static CgWatch          settings_watch;
static CgWatch          signal_watch;
static CgTimer          drain_timer;
static CgTimer          log_timer;
static bool             is_started;
static int              exit_status;

static void
stop(int status)
{
	exit_status = status;
	cg_loop_stop(&cg_gate.loop);
}

static void
on_drained(CgTimer *timer)
{
	(void) timer;
	stop(0);
}

static void
drain(void)
{
	if (cg_gate.is_draining)
		return;
	cg_gate.is_draining = true;
	cg_listener_close();
	cg_connections_drain();
	cg_timer_set(&cg_gate.loop.timers, &drain_timer,
				 cg_clock() + cg_gate.settings.drain_timeout * 1000);
}

/* As many descriptors as the settings want; what the system refuses shows as EMFILE. */
static void
raise_descriptor_limit(void)
{
	const CgSettings *settings = &cg_gate.settings;
	rlim_t        wanted = (rlim_t) (settings->connections + settings->executors) + 200;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
		cg_log("warning", "the limit of open files allows fewer than %lld connections",
			   (long long) settings->connections);
}

/* The settings changed, or are there for the first time. */
static void
configure(void)
{
	const CgSettings *settings = &cg_gate.settings;
	bool              is_listening;

	raise_descriptor_limit();
	/* More bodies than can wait or run are of no use. */
	cg_request_bodies_limit((settings->queue + settings->executors) *
							(settings->body_bytes > 4096 ? settings->body_bytes : 4096));
	cg_pool_configure(&cg_gate.pool);
	if (settings->spare)
		return;
	is_listening = cg_listener_configure();
	if (!is_started && !is_listening)
		stop(1);
	is_started = true;
}

static void
on_settings(CgWatch *watch, uint32_t events)
{
	char    bytes[4096];
	ssize_t length = read(watch->fd, bytes, sizeof(bytes));
	size_t  used = 0;

	(void) events;
	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* The supervisor is gone, and with it whoever would start and stop this gate. */
	if (length <= 0)
	{
		cg_watch_clear(&cg_gate.loop, &settings_watch);
		drain();
		return;
	}
	while (used < (size_t) length)
	{
		bool complete;

		used += cg_settings_read(&reader, &cg_gate.settings, bytes + used,
								 (size_t) length - used, &complete);
		/* A gate that ends must not listen again on what a late block says. */
		if (complete && !cg_gate.is_draining)
			configure();
	}
	/* A pong comes after the settings before it, so that it says that they were taken. */
	for (; reader.pings > 0; reader.pings--)
	{
		if (write(STDOUT_FILENO, "pong\n", 5) != 5)
			cg_log("warning", "nobody reads that this gate is alive");
	}
}

static void
on_signal(CgWatch *watch, uint32_t events)
{
	struct signalfd_siginfo info;

	(void) events;
	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (cg_gate.is_draining)
		stop(0);
	else
		drain();
}

static bool
watch_signals(void)
{
	sigset_t signals;
	int      fd;

	signal(SIGPIPE, SIG_IGN);
	/* The supervisor sends new settings itself. */
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_SETMASK, &signals, NULL) != 0)
		return false;
	fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	cg_watch_init(&signal_watch, on_signal);
	return fd >= 0 && cg_watch_set(&cg_gate.loop, &signal_watch, fd, EPOLLIN);
}

static void
on_log_timer(CgTimer *timer)
{
	(void) timer;
	cg_log_flush();
}

static void
end_of_turn(void)
{
	if (cg_log_length() >= LOG_BYTES)
		cg_log_flush();
	if (cg_log_length() > 0 && log_timer.deadline == 0)
		cg_timer_set(&cg_gate.loop.timers, &log_timer, cg_clock() + LOG_DELAY);
	if (cg_gate.is_draining && cg_connection_count() == 0)
		stop(exit_status);
}

static bool
start(void)
{
	CgPool *pool = &cg_gate.pool;

	cg_settings_default(&cg_gate.settings);
	if (!cg_loop_init(&cg_gate.loop) || !watch_signals() || !cg_listener_init() ||
		!cg_cancel_start(&cg_gate.loop) ||
		!cg_timer_init(&cg_gate.loop.timers, &drain_timer, on_drained) ||
		!cg_timer_init(&cg_gate.loop.timers, &log_timer, on_log_timer))
		return false;
	cg_gate.loop.end_of_turn = end_of_turn;
	pool->loop = &cg_gate.loop;
	pool->settings = &cg_gate.settings;
	pool->answer = cg_connection_answer;
	cg_watch_init(&settings_watch, on_settings);
	return cg_watch_set(&cg_gate.loop, &settings_watch, STDIN_FILENO, EPOLLIN);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
	{
		fprintf(stderr, "%s: takes no arguments; settings are read from stdin\n",
				argv[0]);
		return 2;
	}
	if (!start())
	{
		cg_log("error", "cannot start: %s", strerror(errno));
		cg_log_close(LOG_WAIT_MS);
		return 1;
	}
	cg_loop_run(&cg_gate.loop);

	cg_listener_close();
	cg_pool_close(&cg_gate.pool);
	cg_connections_close();
	cg_cancel_stop(&cg_gate.loop, CANCEL_WAIT_MS);
	cg_pool_free(&cg_gate.pool);
	cg_log_close(LOG_WAIT_MS);
	cg_watch_clear(&cg_gate.loop, &signal_watch);
	cg_watch_clear(&cg_gate.loop, &settings_watch);
	cg_loop_free(&cg_gate.loop);
	return exit_status;
}
