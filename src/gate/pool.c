/*
 * pool.c
 *		Gives requests to executors.
 *
 * The first idle executor is taken, not the longest idle, so that under a light load
 * few backends stay warm.  Which request it gets is decided in lane.c: by business in
 * turn.  Whose a token is that was not seen before is asked first, in a turn of its own
 * (executor.c), so that nobody is put into a lane by a token that was not judged.
 *
 * Called by connection.c and the executors, in the one thread.
 *
 * Shown by:	test/t/101_gate_limits.pl, test/t/104_gate_turns.pl
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
	cg_lanes_share(&pool->lanes, wanted, (size_t) settings->business_executors);
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
	cg_pool_dispatch(pool);
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

/* Lets a request wait in the lane of whoever it is of, as far as that is known. */
static bool
wait_for_turn(CgPool *pool, CgRequest *request)
{
	const char *name = NULL;

	if (request->caller.kind != CG_CALLER_NOBODY)
		name = cg_caller_find(&request->caller);
	if (name != NULL && *name != '\0')
		return cg_lane_append(&pool->lanes, CG_LANE_KNOWN, name, request);
	if (name == NULL && request->caller.kind != CG_CALLER_NOBODY && !request->is_sorted)
		return cg_lane_append(&pool->lanes, CG_LANE_ASKING, request->peer, request);
	return cg_lane_append(&pool->lanes, CG_LANE_ANONYMOUS, request->peer, request);
}

void
cg_pool_dispatch(CgPool *pool)
{
	CgExecutor *executor;
	CgRequest  *request;
	CgLane     *lane;

	/* Running one may fail at once and come back here: nothing is kept between turns. */
	while (!pool->is_closing && (executor = find_idle(pool)) != NULL &&
		   (request = cg_lanes_next(&pool->lanes, &lane)) != NULL)
		cg_executor_run(executor, request, lane);
}

static bool
refuse_busy(CgRefusal *refusal)
{
	return cg_refuse(refusal, 503, CG_CODE_OVERLOADED, "the server is busy");
}

bool
cg_pool_submit(CgPool *pool, CgRequest *request, CgRefusal *refusal)
{
	CgRequest *surplus;

	request->queued_at = cg_clock();
	if (find_idle(pool) == NULL && !is_reachable(pool))
	{
		refuse_unreachable(refusal);
		return false;
	}
	if (!wait_for_turn(pool, request))
		return refuse_busy(refusal);
	cg_pool_dispatch(pool);
	if (request->lane == NULL || pool->lanes.waiting <= (size_t) pool->settings->queue)
		return true;
	/* One too many: whoever has the most waiting loses the newest, so nobody can fill
	 * the queue for all. */
	surplus = cg_lanes_surplus(&pool->lanes, request);
	cg_lane_remove(&pool->lanes, surplus);
	(void) refuse_busy(refusal);
	if (surplus == request)
		return false;
	pool->answer(surplus, NULL, refusal);
	return true;
}

void
cg_pool_sort(CgPool *pool, CgRequest *request, const char *name)
{
	CgRefusal refusal;

	request->is_sorted = true;
	if (name != NULL)
		cg_caller_keep(&request->caller, name);
	if (wait_for_turn(pool, request))
		return;
	(void) refuse_busy(&refusal);
	pool->answer(request, NULL, &refusal);
}

void
cg_pool_abandon(CgPool *pool, CgRequest *request)
{
	if (request->executor != NULL)
		cg_executor_abandon(request->executor);
	else if (request->lane != NULL)
		cg_lane_remove(&pool->lanes, request);
}

void
cg_pool_release(CgPool *pool, CgExecutor *executor)
{
	if (executor->lane != NULL)
		cg_lane_release(&pool->lanes, executor->lane);
	executor->lane = NULL;
}

void
cg_pool_idle(CgPool *pool, CgExecutor *executor)
{
	cg_pool_release(pool, executor);
	cg_pool_dispatch(pool);
}

void
cg_pool_down(CgPool *pool)
{
	CgRefusal refusal;

	if (is_reachable(pool))
		return;
	refuse_unreachable(&refusal);
	while (pool->lanes.first != NULL)
	{
		CgRequest *request = pool->lanes.first->first;

		cg_lane_remove(&pool->lanes, request);
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
		break;
	}
	/* What it held of its lane's share, another executor may give. */
	cg_pool_dispatch(pool);
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
