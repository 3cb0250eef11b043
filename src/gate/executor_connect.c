/*
 * executor_connect.c
 *		Makes, loses and remakes the connection of an executor.
 *
 * A connection that worked is made again at once; one that could not be made, after
 * BACKOFF_FIRST milliseconds at first and ever more slowly then.  A server that refuses
 * the role or the database writes a line for each attempt, and goes on doing so until
 * somebody mends it: then one executor tries for all, up to REFUSED_MAX apart.
 *
 * Called by:	executor.c, executor_ask.c
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "gate/executor_internal.h"
#include "gate/log.h"
#include "gate/pool.h"
#include "gate/sqlstate.h"

#define BACKOFF_FIRST 100
#define BACKOFF_MAX 5000
#define REFUSED_MAX 30000
#define FOLLOW_AFTER 500 /* the one that tries */

void
cg_executor_set_timer(CgExecutor *executor, int64_t delay)
{
	cg_timer_set(&executor->pool->loop->timers, &executor->timer, cg_clock() + delay);
}

void
cg_executor_dispose(CgExecutor *executor)
{
	cg_pool_forget(executor->pool, executor);
	cg_timer_release(&executor->pool->loop->timers, &executor->timer);
	cg_watch_dispose(executor->pool->loop, &executor->watch, executor);
}

CgRequest *
cg_executor_detach(CgExecutor *executor)
{
	CgRequest *request = executor->request;

	executor->request = NULL;
	if (request != NULL)
		request->executor = NULL;
	return request;
}

void
cg_executor_disconnect(CgExecutor *executor)
{
	cg_watch_clear(executor->pool->loop, &executor->watch);
	PQclear(executor->result);
	PQfinish(executor->conn);
	executor->result = NULL;
	executor->conn = NULL;
	executor->state = CG_EXECUTOR_DOWN;
	cg_pool_release(executor->pool, executor);
	executor->timeout = -1;
	executor->is_prepared = false;
	executor->is_dirty = false;
	executor->is_warm = false;
}

void
cg_executor_plan(CgExecutor *executor)
{
	int64_t limit = executor->is_refused ? REFUSED_MAX : BACKOFF_MAX;
	int64_t delay = 0;

	if (executor->failures > 0)
	{
		int steps = executor->failures < 10 ? executor->failures - 1 : 9;

		delay = BACKOFF_FIRST << steps;
		if (delay > limit)
			delay = limit;
	}
	if (executor->is_refused)
		cg_pool_refused(executor->pool, delay * CG_MILLISECOND);
	cg_executor_set_timer(executor, delay * CG_MILLISECOND);
}

/* How long another one has to try; 0: nobody else tries, or that one is late. */
static int64_t
time_for_another(const CgExecutor *executor)
{
	int64_t until = executor->pool->refused_until;

	if (until == 0 || executor->is_refused)
		return 0;
	until += FOLLOW_AFTER * CG_MILLISECOND - cg_clock();
	return until > 0 ? until : 0;
}

bool
cg_executor_wait_for_leave(CgExecutor *executor)
{
	int64_t delay = time_for_another(executor);

	if (delay == 0)
		return false;
	cg_executor_set_timer(executor, delay);
	return true;
}

/* Whether the server did not let us in, from what libpq says first. */
static bool
is_refusal(const char *why)
{
	static const char *const codes[] = {" 28000: ", " 28P01: ", " 3D000: "};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
	{
		if (strstr(why, codes[i]) != NULL)
			return true;
	}
	return false;
}

void
cg_executor_lose(CgExecutor *executor, const char *why)
{
	CgPool    *pool = executor->pool;
	CgRequest *request = cg_executor_detach(executor);
	PGresult  *result = executor->result;
	CgRefusal  refusal;

	/* Between IDLE and BUSY a connection worked; before that it never did. */
	if (executor->state < CG_EXECUTOR_IDLE)
		executor->failures++;
	/* A server that is down for an hour must not fill the log. */
	if (executor->failures < 2 || executor->failures % 16 == 0)
		cg_log("warning", "lost a database connection: %s", why);
	/* A server that ends a session says why before the connection breaks. */
	if (request != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR)
		cg_sqlstate_refusal(result, &refusal);
	else
		cg_refuse(&refusal, 503, CG_CODE_NO_DATABASE, "the database connection was lost");
	executor->result = NULL;
	cg_executor_disconnect(executor);
	/* The cancel thread still has the handle of one that is being cancelled. */
	if (executor->is_retired && !executor->is_cancelling)
		cg_executor_dispose(executor);
	else
		cg_executor_plan(executor);
	if (request != NULL)
		pool->answer(request, NULL, &refusal);
	PQclear(result);
	if (executor->failures > 0)
		cg_pool_down(pool);
	cg_pool_dispatch(pool);
}

void
cg_executor_lose_by_libpq(CgExecutor *executor)
{
	char why[256];

	/* The first line: others may quote SQL. */
	snprintf(why, sizeof(why), "%s", PQerrorMessage(executor->conn));
	why[strcspn(why, "\n")] = '\0';
	executor->is_refused = executor->state == CG_EXECUTOR_CONNECTING && is_refusal(why) &&
						   time_for_another(executor) == 0;
	cg_executor_lose(executor, why);
}

void
cg_executor_poll_connecting(CgExecutor *executor)
{
	uint32_t events;

	switch (PQconnectPoll(executor->conn))
	{
		case PGRES_POLLING_OK:
			if (PQsetnonblocking(executor->conn, 1) != 0)
				cg_executor_lose_by_libpq(executor);
			else
				cg_executor_proceed(executor);
			return;
		case PGRES_POLLING_READING:
			events = EPOLLIN;
			break;
		case PGRES_POLLING_WRITING:
			events = EPOLLOUT;
			break;
		default:
			cg_executor_lose_by_libpq(executor);
			return;
	}
	/* It may be another socket under the same number. */
	cg_watch_clear(executor->pool->loop, &executor->watch);
	if (!cg_watch_set(executor->pool->loop, &executor->watch, PQsocket(executor->conn),
					  events))
		cg_executor_lose(executor, "the socket cannot be watched");
}

static void
ignore_notice(void *argument, const PGresult *result)
{
	(void) argument;
	(void) result;
}

void
cg_executor_connect(CgExecutor *executor)
{
	const char *const names[] = {"dbname", "application_name", "client_encoding", NULL};
	const char *const values[] = {executor->pool->conninfo, "cloudgreet_gate", "UTF8",
								  NULL};

	executor->generation = executor->pool->generation;
	executor->state = CG_EXECUTOR_CONNECTING;
	executor->conn = PQconnectStartParams(names, values, 1);
	if (executor->conn == NULL)
		cg_executor_lose(executor, "out of memory");
	else if (PQstatus(executor->conn) == CONNECTION_BAD)
		cg_executor_lose_by_libpq(executor);
	else
	{
		PQsetNoticeReceiver(executor->conn, ignore_notice, NULL);
		/* The one way to see the SQLSTATE of a connection that failed. */
		(void) PQsetErrorVerbosity(executor->conn, PQERRORS_VERBOSE);
		cg_executor_set_timer(executor, CG_SETUP_TIMEOUT);
		/* libpq: before the first poll, wait until the socket can be written. */
		if (!cg_watch_set(executor->pool->loop, &executor->watch,
						  PQsocket(executor->conn), EPOLLOUT))
			cg_executor_lose(executor, "the socket cannot be watched");
	}
}
