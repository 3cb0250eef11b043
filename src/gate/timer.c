/*
 * timer.c
 *		A binary heap of deadlines that moves them lazily.
 *
 * A connection changes its deadline several times a request, almost always to a
 * later one.  So a later deadline only changes the timer; the heap notices when the
 * old key comes up and puts the timer back.
 *
 * Invariant:	a timer in the heap has key <= deadline, or deadline 0.
 * Errors:		memory is needed by cg_timer_init() only.
 * Called by:	whatever has a deadline in the gate; loop.c calls what is due
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <stdlib.h>
#include <time.h>

#include "gate/timer.h"

int64_t
cg_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool
cg_timer_init(CgTimers *timers, CgTimer *timer, CgTimerCallback callback)
{
	timer->callback = callback;
	timer->deadline = 0;
	timer->slot = 0;
	if (timers->reserved == timers->capacity)
	{
		size_t    capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
		CgTimer **heap = realloc(timers->heap, capacity * sizeof(*heap));

		if (heap == NULL)
			return false;
		timers->heap = heap;
		timers->capacity = capacity;
	}
	timers->reserved++;
	return true;
}

static void
place(CgTimers *timers, size_t index, CgTimer *timer)
{
	timers->heap[index] = timer;
	timer->slot = index + 1;
}

static void
sift_up(CgTimers *timers, CgTimer *timer)
{
	size_t index = timer->slot - 1;

	while (index > 0)
	{
		CgTimer *parent = timers->heap[(index - 1) / 2];

		if (parent->key <= timer->key)
			break;
		place(timers, index, parent);
		index = (index - 1) / 2;
	}
	place(timers, index, timer);
}

static void
sift_down(CgTimers *timers, CgTimer *timer)
{
	size_t index = timer->slot - 1;

	for (;;)
	{
		size_t child = index * 2 + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
			timers->heap[child + 1]->key < timers->heap[child]->key)
			child++;
		if (timer->key <= timers->heap[child]->key)
			break;
		place(timers, index, timers->heap[child]);
		index = child;
	}
	place(timers, index, timer);
}

static void
take_out(CgTimers *timers, CgTimer *timer)
{
	CgTimer *last = timers->heap[--timers->count];

	if (last != timer)
	{
		place(timers, timer->slot - 1, last);
		sift_up(timers, last);
		sift_down(timers, last);
	}
	timer->slot = 0;
}

void
cg_timer_set(CgTimers *timers, CgTimer *timer, int64_t deadline)
{
	timer->deadline = deadline;
	if (timer->slot == 0)
	{
		timer->key = deadline;
		place(timers, timers->count++, timer);
		sift_up(timers, timer);
	}
	else if (deadline < timer->key)
	{
		timer->key = deadline;
		sift_up(timers, timer);
	}
}

void
cg_timer_stop(CgTimer *timer)
{
	timer->deadline = 0;
}

void
cg_timer_release(CgTimers *timers, CgTimer *timer)
{
	timer->deadline = 0;
	if (timer->slot != 0)
		take_out(timers, timer);
	timers->reserved--;
}

int
cg_timers_wait(const CgTimers *timers, int64_t now)
{
	int64_t left;

	if (timers->count == 0)
		return -1;
	left = timers->heap[0]->key - now;
	if (left <= 0)
		return 0;
	/* Rounded up, or the loop would spin through the last millisecond. */
	return left > 3600 * INT64_C(1000000) ? 3600000 : (int) ((left + 999) / 1000);
}

void
cg_timers_run(CgTimers *timers, int64_t now)
{
	while (timers->count > 0 && timers->heap[0]->key <= now)
	{
		CgTimer *timer = timers->heap[0];

		if (timer->deadline > now)
		{
			timer->key = timer->deadline;
			sift_down(timers, timer);
			continue;
		}
		take_out(timers, timer);
		if (timer->deadline != 0)
		{
			timer->deadline = 0;
			timer->callback(timer);
		}
	}
}

void
cg_timers_free(CgTimers *timers)
{
	free(timers->heap);
	timers->heap = NULL;
	timers->count = timers->capacity = timers->reserved = 0;
}
