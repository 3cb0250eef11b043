/*
 * lane.c
 *		Gives executors to lanes in turn, within their shares.
 *
 * The turn is plain round robin: a lane that got an executor goes to the end.  What a
 * request costs is not known before it ran, so it is not weighed: a dear one holds one
 * executor of its lane's share, and reads are cut off early (gate_read_timeout).
 *
 * Who asks or is anonymous has a lane per client address, for turns, but one share for all
 * of its kind: with many forged tokens or from many addresses nobody gets more.  The
 * shares of one business, of those who ask and of those who are anonymous together leave
 * an executor to others where there are four or more; asking takes a millisecond.
 *
 * Called by pool.c.
 * Memory:		one block per lane that holds anything: bounded by queue and executors.
 * Shown by:	test/t/104_gate_turns.pl
 */
#include <stdlib.h>
#include <string.h>

#include "gate/lane.h"

static size_t
at_least_one(size_t count)
{
	return count > 0 ? count : 1;
}

void
cg_lanes_share(CgLanes *lanes, size_t executors, size_t business_limit)
{
	lanes->lane_limit = business_limit > 0 ? business_limit : at_least_one(executors / 2);
	lanes->limit[CG_LANE_KNOWN] = executors;
	lanes->limit[CG_LANE_ASKING] = at_least_one(executors / 2);
	lanes->limit[CG_LANE_ANONYMOUS] = at_least_one(executors / 4);
}

/* FNV-1a: names come from the database and from addresses, and lanes are few. */
static CgLane **
bucket_of(CgLanes *lanes, CgLaneKind kind, const char *name)
{
	unsigned hash = 2166136261u ^ (unsigned) kind;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char) *name) * 16777619u;
	return &lanes->bucket[hash % CG_LANE_BUCKETS];
}

static CgLane *
find_lane(CgLanes *lanes, CgLaneKind kind, const char *name)
{
	CgLane *lane = *bucket_of(lanes, kind, name);

	while (lane != NULL && (lane->kind != kind || strcmp(lane->name, name) != 0))
		lane = lane->bucket_next;
	return lane;
}

static CgLane *
make_lane(CgLanes *lanes, CgLaneKind kind, const char *name)
{
	CgLane **bucket = bucket_of(lanes, kind, name);
	CgLane  *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->kind = kind;
	strncpy(lane->name, name, sizeof(lane->name) - 1);
	lane->bucket_next = *bucket;
	*bucket = lane;
	return lane;
}

static void
free_if_empty(CgLanes *lanes, CgLane *lane)
{
	CgLane **link = bucket_of(lanes, lane->kind, lane->name);

	if (lane->waiting > 0 || lane->running > 0)
		return;
	while (*link != lane)
		link = &(*link)->bucket_next;
	*link = lane->bucket_next;
	free(lane);
}

/* Puts a lane at the end of those whose turn comes. */
static void
join_turns(CgLanes *lanes, CgLane *lane)
{
	lane->next = NULL;
	lane->previous = lanes->last;
	*(lanes->last ? &lanes->last->next : &lanes->first) = lane;
	lanes->last = lane;
}

static void
leave_turns(CgLanes *lanes, CgLane *lane)
{
	*(lane->previous ? &lane->previous->next : &lanes->first) = lane->next;
	*(lane->next ? &lane->next->previous : &lanes->last) = lane->previous;
	lane->next = lane->previous = NULL;
}

bool
cg_lane_append(CgLanes *lanes, CgLaneKind kind, const char *name, CgRequest *request)
{
	CgLane *lane = find_lane(lanes, kind, name);

	if (lane == NULL)
		lane = make_lane(lanes, kind, name);
	if (lane == NULL)
		return false;
	request->next = NULL;
	request->previous = lane->last;
	*(lane->last ? &lane->last->next : &lane->first) = request;
	lane->last = request;
	request->lane = lane;
	lanes->waiting++;
	if (lane->waiting++ == 0)
		join_turns(lanes, lane);
	return true;
}

/* Takes a request out, and leaves the lane even when nothing is left in it. */
static void
unlink_request(CgLanes *lanes, CgLane *lane, CgRequest *request)
{
	*(request->previous ? &request->previous->next : &lane->first) = request->next;
	*(request->next ? &request->next->previous : &lane->last) = request->previous;
	request->next = request->previous = NULL;
	request->lane = NULL;
	lanes->waiting--;
	if (--lane->waiting == 0)
		leave_turns(lanes, lane);
}

void
cg_lane_remove(CgLanes *lanes, CgRequest *request)
{
	CgLane *lane = request->lane;

	unlink_request(lanes, lane, request);
	free_if_empty(lanes, lane);
}

static bool
may_run(const CgLanes *lanes, const CgLane *lane)
{
	return lanes->running[lane->kind] < lanes->limit[lane->kind] &&
		   (lane->kind != CG_LANE_KNOWN || lane->running < lanes->lane_limit);
}

CgRequest *
cg_lanes_next(CgLanes *lanes, CgLane **lane)
{
	CgLane    *turn = lanes->first;
	CgRequest *request;

	while (turn != NULL && !may_run(lanes, turn))
		turn = turn->next;
	if (turn == NULL)
		return NULL;
	request = turn->first;
	unlink_request(lanes, turn, request);
	if (turn->waiting > 0)
	{
		leave_turns(lanes, turn);
		join_turns(lanes, turn);
	}
	turn->running++;
	lanes->running[turn->kind]++;
	*lane = turn;
	return request;
}

void
cg_lane_release(CgLanes *lanes, CgLane *lane)
{
	lane->running--;
	lanes->running[lane->kind]--;
	free_if_empty(lanes, lane);
}

CgRequest *
cg_lanes_surplus(const CgLanes *lanes, CgRequest *request)
{
	const CgLane *longest = request->lane;

	for (const CgLane *lane = lanes->first; lane != NULL; lane = lane->next)
	{
		if (lane->waiting > longest->waiting)
			longest = lane;
	}
	return longest == request->lane ? request : longest->last;
}
