/*
 * bucket.c
 *		The rate of an account or a lane; see bucket.h.
 *
 * Called by:	lanes.c
 * Shown by:	test/t/147_outbox_lanes.pl
 */
#include "postgres.h"

#include "outbound/bucket.h"

void
cg_bucket_set_rate(CgBucket *bucket, double per_second)
{
	if (bucket->per_second == per_second)
		return;
	bucket->tokens = bucket->per_second <= 0 ? Max(per_second, 1.0) : bucket->tokens;
	bucket->per_second = per_second;
}

static void
fill(CgBucket *bucket, int64 now_ms)
{
	bucket->tokens =
		Min(bucket->tokens + (now_ms - bucket->filled_at) * bucket->per_second / 1000,
			Max(bucket->per_second, 1.0));
	bucket->filled_at = now_ms;
}

int64
cg_bucket_wait(CgBucket *bucket, int64 now_ms)
{
	if (bucket->per_second <= 0)
		return 0;
	fill(bucket, now_ms);
	if (bucket->tokens >= 1)
		return 0;
	return (int64) ((1 - bucket->tokens) * 1000 / bucket->per_second) + 1;
}

void
cg_bucket_take(CgBucket *bucket)
{
	if (bucket->per_second > 0)
		bucket->tokens -= 1;
}
