/*
 * pool.c
 *		Gives requests to executors.
 *
 * The first idle executor is taken, not the longest idle, so that under a light load
 * few backends stay warm.  The queue is first come, first served.
 */
#include <stdlib.h>
#include <string.h>

#include "gate/log.h"
#include "gate/pool.h"

/*
 * When executors connect.  Starting a session takes 20 ms of processor time, and the first
 * requests should not share theirs with it: the first executor has a head start, and the
 * others follow one after another.
 */
#define HEAD_START (100 * CG_MILLISECOND)
#define STAGGER (20 * CG_MILLISECOND)

static void
unlink_request(CgPool *pool, CgRequest *request)
{
	*(request->previous ? &request->previous->next : &pool->first) = request->next;
	*(request->next ? &request->next->previous : &pool->last) = request->previous;
	request->next = request->previous = NULL;
	request->is_queued = false;
	pool->queue_length--;
}

static void
append_request(CgPool *pool, CgRequest *request)
{
	request->next = NULL;
	request->previous = pool->last;
	*(pool->last ? &pool->last->next : &pool->first) = request;
	pool->last = request;
	request->is_queued = true;
	pool->queue_length++;
}

static void
add_executors(CgPool *pool, size_t wanted)
{
	CgExecutor **grown = realloc(pool->executor, wanted * sizeof(*grown));

	if (grown == NULL)
		return;
	pool->executor = grown;
	while (pool->executor_count < wanted)
	{
		CgExecutor *executor = cg_executor_new(pool);

		if (executor == NULL)
			break;
		cg_executor_start(executor,
						  pool->executor_count == 0
							  ? 0
							  : HEAD_START + (int64_t) pool->executor_count * STAGGER);
		pool->executor[pool->executor_count++] = executor;
	}
	if (pool->executor_count < wanted)
		cg_log("error", "out of memory for executors");
}

void
cg_pool_configure(CgPool *pool)
{
	const CgSettings *settings = pool->settings;
	size_t            wanted = settings->spare ? 1 : (size_t) settings->executors;
	size_t            kept = 0;

	if (strcmp(pool->conninfo, settings->conninfo) != 0)
	{
		strcpy(pool->conninfo, settings->conninfo);
		pool->generation++;
	}
	/* A reload may have let them in. */
	pool->refused_until = 0;
	for (size_t i = 0; i < pool->executor_count; i++)
		cg_executor_hurry(pool->executor[i]);
	/* Retiring may take the executor out of the array. */
	for (size_t i = pool->executor_count; i-- > 0;)
	{
		CgExecutor *executor = pool->executor[i];

		if (executor->is_retired)
			continue;
		if (executor->generation != pool->generation || kept == wanted)
			cg_executor_retire(executor);
		else
			kept++;
	}
	if (kept < wanted)
		add_executors(pool, pool->executor_count + wanted - kept);
}

/* Whether a request that is queued now has a chance. */
static bool
is_reachable(const CgPool *pool)
{
	for (size_t i = 0; i < pool->executor_count; i++)
	{
		const CgExecutor *executor = pool->executor[i];

		if (executor->failures == 0 && !executor->is_retired &&
			(pool->refused_until == 0 || executor->conn != NULL))
			return true;
	}
	return false;
}

static CgExecutor *
find_idle(const CgPool *pool)
{
	for (size_t i = 0; i < pool->executor_count; i++)
	{
		CgExecutor *executor = pool->executor[i];

		if (executor->state == CG_EXECUTOR_IDLE && !executor->is_cancelling &&
			!executor->is_retired)
			return executor;
	}
	return NULL;
}

static void
refuse_unreachable(CgRefusal *refusal)
{
	cg_refuse(refusal, 503, CG_CODE_NO_DATABASE, "the database cannot be reached now");
}

bool
cg_pool_submit(CgPool *pool, CgRequest *request, CgRefusal *refusal)
{
	CgExecutor *executor = find_idle(pool);

	request->queued_at = cg_clock();
	if (executor != NULL)
	{
		cg_executor_run(executor, request);
		return true;
	}
	if (!is_reachable(pool))
	{
		refuse_unreachable(refusal);
		return false;
	}
	if (pool->queue_length >= (size_t) pool->settings->queue)
		return cg_refuse(refusal, 503, CG_CODE_OVERLOADED, "the server is busy");
	append_request(pool, request);
	return true;
}

void
cg_pool_abandon(CgPool *pool, CgRequest *request)
{
	if (request->executor != NULL)
		cg_executor_abandon(request->executor);
	else if (request->is_queued)
		unlink_request(pool, request);
}

void
cg_pool_idle(CgPool *pool, CgExecutor *executor)
{
	CgRequest *request = pool->first;

	if (request == NULL || pool->is_closing)
		return;
	unlink_request(pool, request);
	cg_executor_run(executor, request);
}

void
cg_pool_down(CgPool *pool)
{
	CgRefusal refusal;

	if (is_reachable(pool))
		return;
	refuse_unreachable(&refusal);
	while (pool->first != NULL)
	{
		CgRequest *request = pool->first;

		unlink_request(pool, request);
		pool->answer(request, NULL, &refusal);
	}
}

void
cg_pool_forget(CgPool *pool, CgExecutor *executor)
{
	for (size_t i = 0; i < pool->executor_count; i++)
	{
		if (pool->executor[i] != executor)
			continue;
		memmove(&pool->executor[i], &pool->executor[i + 1],
				(pool->executor_count - i - 1) * sizeof(executor));
		pool->executor_count--;
		return;
	}
}

void
cg_pool_refused(CgPool *pool, int64_t delay)
{
	pool->refused_until = cg_clock() + delay;
}

void
cg_pool_let_in(CgPool *pool)
{
	pool->refused_until = 0;
}

void
cg_pool_close(CgPool *pool)
{
	pool->is_closing = true;
	for (size_t i = 0; i < pool->executor_count; i++)
	{
		if (pool->executor[i]->request != NULL)
			cg_executor_abandon(pool->executor[i]);
	}
}

void
cg_pool_free(CgPool *pool)
{
	while (pool->executor_count > 0)
		cg_executor_destroy(pool->executor[--pool->executor_count]);
	free(pool->executor);
	pool->executor = NULL;
}
