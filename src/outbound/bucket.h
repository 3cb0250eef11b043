/*
 * bucket.h
 *		A token bucket: how many a second, and a second's worth at once.
 *
 * Called by lanes.c.  Shown by test/t/147_outbox_lanes.pl.
 */
#ifndef CG_OUTBOUND_BUCKET_H
#define CG_OUTBOUND_BUCKET_H

#include "postgres.h"

/* Tokens grow with time up to a second's worth, but for one at least.  Zeros: no limit. */
typedef struct CgBucket
{
	double per_second; /* 0: no limit */
	double tokens;
	int64  filled_at;
} CgBucket;

extern void cg_bucket_set_rate(CgBucket *bucket, double per_second);

/* In how many ms the bucket has a token. */
extern int64 cg_bucket_wait(CgBucket *bucket, int64 now_ms);

/* Takes one that it has. */
extern void cg_bucket_take(CgBucket *bucket);

#endif /* CG_OUTBOUND_BUCKET_H */
