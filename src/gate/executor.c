/*
 * executor.c
 *		Runs requests on a database connection.
 *
 * libpq in nonblocking mode; one command at a time, each read to its end before the
 * next is sent.  A query that nobody waits for is cancelled, and the connection takes
 * no new request before both the query and the cancel request are over: a late cancel
 * would hit somebody else's.
 *
 * A function that was called (/rest/v1/rpc) can leave what belongs to the session: temporary
 * tables, cursors, locks, channels, settings, prepared statements.  Before the next request,
 * but after the answer, it is all taken away.
 *
 * Errors:		become a refusal of the request that runs; a connection in doubt is
 *				lost (executor_connect.c).
 * Called by:	pool.c, executor_ask.c, executor_connect.c
 * Shown by:	test/t/101_gate_limits.pl, test/sql/rest_rpc.sql (what a session is left
 *				with)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "gate/executor_internal.h"
#include "gate/log.h"
#include "gate/pool.h"
#include "gate/sqlstate.h"

/* statement_timeout comes first, unless the server hangs. */
#define RUN_GRACE (1000 * CG_MILLISECOND)
#define CANCEL_GRACE (5000 * CG_MILLISECOND)

/* Between lines of the log about requests that failed. */
#define WARNING_INTERVAL (10000 * CG_MILLISECOND)

#define RPC "/rest/v1/rpc/"
#define STATEMENT "cloudgreet_http"

static const char query[] =
	"SELECT status::pg_catalog.int4, head::pg_catalog.text, body::pg_catalog.bytea"
	" FROM cloudgreet.http($1, $2, $3, $4)";

/* Loads the library and the catalogs that each request reads. */
static const char warming_query[] =
	"SELECT FROM cloudgreet.http('GET', '/api/health?ready=1', '{}', '')";

/* DISCARD ALL but for plans, which it may keep, in a form that runs as one command. */
static const char cleaning_query[] =
	"CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DEALLOCATE ALL;"
	" DISCARD TEMP; DISCARD SEQUENCES; RESET ALL";

/* text, text, jsonb, bytea: fixed in every PostgreSQL */
static const Oid parameter_types[] = {25, 25, 3802, 17};

/* Nothing runs: takes the next request, or leaves. */
void
cg_executor_settle(CgExecutor *executor)
{
	executor->state = CG_EXECUTOR_IDLE;
	executor->failures = 0;
	executor->is_refused = false;
	cg_pool_let_in(executor->pool);
	cg_timer_stop(&executor->timer);
	if (PQtransactionStatus(executor->conn) != PQTRANS_IDLE)
		cg_executor_lose(executor, "a transaction was left open");
	else if (executor->is_cancelling)
		return;
	else if (executor->is_retired)
	{
		cg_executor_disconnect(executor);
		cg_executor_dispose(executor);
	}
	else if (executor->is_dirty)
		cg_executor_proceed(executor);
	else
		cg_pool_idle(executor->pool, executor);
}

/* Sends what libpq holds; false when the connection was lost. */
static bool
flush(CgExecutor *executor)
{
	int left = PQflush(executor->conn);

	if (left >= 0 &&
		cg_watch_set(executor->pool->loop, &executor->watch, PQsocket(executor->conn),
					 left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN))
		return true;
	cg_executor_lose_by_libpq(executor);
	return false;
}

/*
 * Whether the gate ends the request itself, before statement_timeout does: that is the
 * same for all, as setting it anew for a read would cost a round trip.
 */
static bool
ends_early(const CgExecutor *executor)
{
	const CgSettings *settings = executor->pool->settings;

	return executor->request->is_read &&
		   settings->read_timeout < settings->request_timeout;
}

/* Whether the request may call a function.  Encoded paths are not decoded here. */
static bool
may_call_function(const char *target)
{
	size_t path = strcspn(target, "?");

	return memchr(target, '%', path) != NULL || strncmp(target, RPC, strlen(RPC)) == 0;
}

static int
send_request(CgExecutor *executor)
{
	CgRequest  *request = executor->request;
	const char *values[4] = {request->method, request->target.data, request->fields.data,
							 request->body.length > 0 ? request->body.data : ""};
	int         lengths[4] = {0, 0, 0, (int) request->body.length};
	int         formats[4] = {0, 0, 0, 1};

	executor->state = CG_EXECUTOR_BUSY;
	executor->is_dirty = may_call_function(request->target.data);
	request->sent_at = cg_clock();
	if (!PQsendQueryPrepared(executor->conn, STATEMENT, 4, values, lengths, formats, 1))
		return false;
	cg_request_forget(request);
	return true;
}

/* How long a request may run, in microseconds; statement_timeout ends it before. */
static int64_t
run_limit(const CgExecutor *executor, int64_t wanted)
{
	if (ends_early(executor))
		return executor->pool->settings->read_timeout * CG_MILLISECOND;
	return wanted * CG_MILLISECOND + RUN_GRACE;
}

/* Sends the next command on the way to running a request. */
void
cg_executor_proceed(CgExecutor *executor)
{
	int64_t wanted = executor->pool->settings->request_timeout;
	int64_t limit = CG_SETUP_TIMEOUT;
	int     sent;

	/* First, as it takes away what the steps below set and prepare. */
	if (executor->is_dirty)
	{
		executor->state = CG_EXECUTOR_CLEANING;
		executor->is_dirty = executor->is_prepared = false;
		executor->timeout = -1;
		sent = PQsendQuery(executor->conn, cleaning_query);
	}
	else if (executor->timeout != wanted)
	{
		char command[64];

		snprintf(command, sizeof(command), "SET statement_timeout = %lld",
				 (long long) wanted);
		executor->state = CG_EXECUTOR_SETTING;
		executor->timeout = wanted;
		sent = PQsendQuery(executor->conn, command);
	}
	else if (!executor->is_prepared)
	{
		/* Cleaning took the statement away, and so may a reconnect. */
		executor->state = CG_EXECUTOR_PREPARING;
		sent = PQsendPrepare(executor->conn, STATEMENT, query, 4, parameter_types);
	}
	else if (executor->pool->settings->spare && !executor->is_warm)
	{
		/*
		 * The first request of a session is dear, so a spare runs one before it is
		 * needed.
		 */
		executor->state = CG_EXECUTOR_WARMING;
		executor->is_warm = true;
		sent = PQsendQuery(executor->conn, warming_query);
	}
	else if (executor->request != NULL && executor->lane->kind == CG_LANE_ASKING)
		sent = cg_executor_ask(executor);
	else if (executor->request != NULL)
	{
		limit = run_limit(executor, wanted);
		sent = send_request(executor);
	}
	else
	{
		cg_executor_settle(executor);
		return;
	}
	cg_executor_set_timer(executor, limit);
	if (!sent)
		cg_executor_lose_by_libpq(executor);
	else
		(void) flush(executor);
}

/* Until the extension is mended each request may fail: one line for all of a while. */
static void
warn_of_failure(const CgRequest *request, const char *code)
{
	static int64_t  warned_at;
	static unsigned failures;
	int64_t         now = cg_clock();

	failures++;
	if (warned_at != 0 && now - warned_at < WARNING_INTERVAL)
		return;
	cg_log("warning", "request %s failed: %s; %u failed since the last such line",
		   request->id, code, failures);
	warned_at = now;
	failures = 0;
}

/* A request ran, well or badly. */
static void
finish_request(CgExecutor *executor, PGresult *result)
{
	CgPool    *pool = executor->pool;
	CgRequest *request = cg_executor_detach(executor);
	bool is_row = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	CgRefusal refusal;

	if (!is_row)
		cg_sqlstate_refusal(result, &refusal);
	/*
	 * The function came back with another result type, which only a new session sees, or
	 * it has taken the statement away.
	 */
	if (!is_row &&
		(strcmp(refusal.code, "0A000") == 0 || strcmp(refusal.code, "26000") == 0))
		cg_executor_lose(executor, "the plan is out of date");
	else
		cg_executor_settle(executor);
	/* Nobody may be there any more: the client went away while it ran. */
	if (request == NULL || !is_row)
	{
		if (request != NULL)
		{
			warn_of_failure(request, refusal.code);
			pool->answer(request, NULL, &refusal);
		}
		PQclear(result);
	}
	else
		pool->answer(request, result, NULL);
}

static void
finish_preparing(CgExecutor *executor, PGresult *result)
{
	CgPool    *pool = executor->pool;
	CgRequest *request;
	CgRefusal  refusal;

	executor->is_prepared = PQresultStatus(result) == PGRES_COMMAND_OK;
	if (executor->is_prepared)
	{
		PQclear(result);
		cg_executor_proceed(executor);
		return;
	}
	/* The extension is missing, or it is being installed: the next request tries again. */
	request = cg_executor_detach(executor);
	cg_sqlstate_refusal(result, &refusal);
	if (request != NULL)
		pool->answer(request, NULL, &refusal);
	else
		cg_log("warning", "cloudgreet.http() cannot be called: SQLSTATE %s",
			   refusal.code);
	PQclear(result);
	cg_executor_settle(executor);
}

/* The running command's last result was read. */
static void
finish_command(CgExecutor *executor)
{
	PGresult *result = executor->result;

	executor->result = NULL;
	if (executor->state == CG_EXECUTOR_BUSY)
		finish_request(executor, result);
	else if (executor->state == CG_EXECUTOR_ASKING)
		cg_executor_finish_asking(executor, result);
	else if (executor->state == CG_EXECUTOR_PREPARING)
		finish_preparing(executor, result);
	else if (executor->state == CG_EXECUTOR_WARMING)
	{
		/* what it found is for requests to tell */
		PQclear(result);
		cg_executor_proceed(executor);
	}
	else
	{
		bool is_set = PQresultStatus(result) == PGRES_COMMAND_OK;

		PQclear(result);
		if (is_set)
			cg_executor_proceed(executor);
		else
			cg_executor_lose(executor, "the session cannot be set up");
	}
}

/* A function may have listened for them: libpq keeps them until they are taken. */
static void
drop_notifies(CgExecutor *executor)
{
	PGnotify *notify;

	while ((notify = PQnotifies(executor->conn)) != NULL)
		PQfreemem(notify);
}

static void
collect(CgExecutor *executor)
{
	while (executor->state > CG_EXECUTOR_CONNECTING &&
		   executor->state != CG_EXECUTOR_IDLE && !PQisBusy(executor->conn))
	{
		PGresult *result = PQgetResult(executor->conn);

		if (result == NULL && PQstatus(executor->conn) == CONNECTION_BAD)
			cg_executor_lose_by_libpq(executor);
		else if (result == NULL)
			finish_command(executor);
		else if (PQresultStatus(executor->result) == PGRES_FATAL_ERROR &&
				 executor->result)
			PQclear(result);
		else
		{
			PQclear(executor->result);
			executor->result = result;
		}
	}
}

static void
on_event(CgWatch *watch, uint32_t events)
{
	CgExecutor *executor = CG_CONTAINER(watch, CgExecutor, watch);

	if (executor->state == CG_EXECUTOR_CONNECTING)
		cg_executor_poll_connecting(executor);
	else if ((events & ~(uint32_t) EPOLLOUT) != 0 && !PQconsumeInput(executor->conn))
		cg_executor_lose_by_libpq(executor);
	else if (((events & EPOLLOUT) == 0 || flush(executor)) && executor->conn != NULL)
	{
		drop_notifies(executor);
		collect(executor);
	}
}

static void
on_cancelled(CgCancel *job)
{
	CgExecutor *executor = CG_CONTAINER(job, CgExecutor, cancel);

	executor->is_cancelling = false;
	if (executor->state == CG_EXECUTOR_IDLE)
		cg_executor_settle(executor);
	else if (executor->state == CG_EXECUTOR_DOWN && executor->is_retired)
		cg_executor_dispose(executor);
}

static void
on_timer(CgTimer *timer)
{
	CgExecutor *executor = CG_CONTAINER(timer, CgExecutor, timer);
	CgRequest  *request = executor->request;
	CgRefusal   refusal;

	if (executor->state == CG_EXECUTOR_DOWN)
	{
		if (!executor->is_retired && !cg_executor_wait_for_leave(executor))
			cg_executor_connect(executor);
	}
	else if (executor->state == CG_EXECUTOR_BUSY && request != NULL)
	{
		if (ends_early(executor))
			cg_refuse(&refusal, 504, CG_CODE_READ_TIMEOUT, "the request took too long");
		else
			cg_refuse(&refusal, 504, CG_CODE_TIMEOUT,
					  "the database did not answer in time");
		cg_executor_abandon(executor);
		executor->pool->answer(request, NULL, &refusal);
	}
	else if (executor->state != CG_EXECUTOR_IDLE)
		cg_executor_lose(executor, "the server did not answer in time");
}

CgExecutor *
cg_executor_new(CgPool *pool)
{
	CgExecutor *executor = calloc(1, sizeof(*executor));

	if (executor == NULL)
		return NULL;
	executor->pool = pool;
	executor->timeout = -1;
	executor->cancel.done = on_cancelled;
	cg_watch_init(&executor->watch, on_event);
	if (!cg_timer_init(&pool->loop->timers, &executor->timer, on_timer))
	{
		free(executor);
		return NULL;
	}
	return executor;
}

void
cg_executor_start(CgExecutor *executor, int64_t delay)
{
	cg_executor_set_timer(executor, delay);
}

void
cg_executor_hurry(CgExecutor *executor)
{
	if (executor->state != CG_EXECUTOR_DOWN || executor->failures == 0)
		return;
	executor->failures = 1;
	executor->is_refused = false;
	cg_executor_plan(executor);
}

void
cg_executor_run(CgExecutor *executor, CgRequest *request, CgLane *lane)
{
	executor->request = request;
	executor->lane = lane;
	request->executor = executor;
	cg_executor_proceed(executor);
}

void
cg_executor_abandon(CgExecutor *executor)
{
	PGcancel *handle;

	(void) cg_executor_detach(executor);
	/* On the way to running it: then it is simply not run. */
	if (executor->state != CG_EXECUTOR_BUSY)
		return;
	handle = PQgetCancel(executor->conn);
	if (handle == NULL)
	{
		cg_executor_lose(executor, "out of memory for cancelling");
		return;
	}
	executor->is_cancelling = true;
	cg_cancel_submit(&executor->cancel, handle);
	cg_executor_set_timer(executor, CANCEL_GRACE);
}

void
cg_executor_retire(CgExecutor *executor)
{
	executor->is_retired = true;
	if (executor->is_cancelling || executor->request != NULL)
		return;
	if (executor->state == CG_EXECUTOR_BUSY)
		return;
	cg_executor_disconnect(executor);
	cg_executor_dispose(executor);
}

void
cg_executor_destroy(CgExecutor *executor)
{
	/* The cancel thread may still hold the job, after a server that hangs. */
	cg_executor_disconnect(executor);
	if (executor->is_cancelling)
		return;
	cg_timer_release(&executor->pool->loop->timers, &executor->timer);
	cg_watch_dispose(executor->pool->loop, &executor->watch, executor);
}
