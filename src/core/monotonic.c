/*
 * monotonic.c
 *		A clock for waiting.
 *
 * Called by:	the workers and the HTTP client
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <time.h>

#include "core/monotonic.h"

int64
cg_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
