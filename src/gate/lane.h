/*
 * lane.h
 *		Who requests are of, and whose turn it is.
 *
 * A lane holds the waiting requests of one business, or of one client of which no business
 * is known.  Executors are given to lanes in turn, and no lane holds more of them than its
 * share, so that nobody waits for another's dear requests.
 */
#ifndef CG_GATE_LANE_H
#define CG_GATE_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "gate/request.h"

#define CG_LANE_NAME_MAX 64

typedef enum CgLaneKind
{
	CG_LANE_KNOWN,     /* of a business, or of service_role: the database said so */
	CG_LANE_ASKING,    /* of a client whose request waits for the database to say so */
	CG_LANE_ANONYMOUS, /* of a client whose request names nobody, or has a refused token */
	CG_LANE_KINDS
} CgLaneKind;

typedef struct CgLane
{
	struct CgLane *bucket_next; /* private to lane.c */
	struct CgLane *next;        /* of the lanes in which requests wait */
	struct CgLane *previous;
	CgRequest     *first; /* that waits */
	CgRequest     *last;
	size_t         waiting;
	size_t         running; /* executors that it holds */
	CgLaneKind     kind;
	char           name[CG_LANE_NAME_MAX]; /* within its kind */
} CgLane;

#define CG_LANE_BUCKETS 256

/* All lanes that hold anything: others are freed. */
typedef struct CgLanes
{
	CgLane *bucket[CG_LANE_BUCKETS];
	CgLane *first; /* with requests that wait; it is its turn */
	CgLane *last;
	size_t  waiting;
	size_t  running[CG_LANE_KINDS];
	/* How many executors one lane may hold, and all lanes of a kind. */
	size_t lane_limit;
	size_t limit[CG_LANE_KINDS];
} CgLanes;

/*
 * Shares out so many executors: business_limit of them at most to one business, 0 for
 * half; half to all that ask, a quarter to all that are anonymous; at least one each.
 */
extern void cg_lanes_share(CgLanes *lanes, size_t executors, size_t business_limit);

/* Lets a request wait at the end of a lane; false when memory ran out. */
extern bool cg_lane_append(CgLanes *lanes, CgLaneKind kind, const char *name,
						   CgRequest *request);

/* Takes a waiting request out. */
extern void cg_lane_remove(CgLanes *lanes, CgRequest *request);

/*
 * Takes out the request whose turn it is and counts it as running in *lane; NULL when
 * none waits that may run now.
 */
extern CgRequest *cg_lanes_next(CgLanes *lanes, CgLane **lane);

/* What ran in the lane has come to its end. */
extern void cg_lane_release(CgLanes *lanes, CgLane *lane);

/*
 * The request to refuse when one too many wait: the newest of the lane in which the most
 * do, or the given one when its own lane has as many.
 */
extern CgRequest *cg_lanes_surplus(const CgLanes *lanes, CgRequest *request);

#endif /* CG_GATE_LANE_H */
