/*
 * timer.h
 *		Deadlines, in microseconds of the monotonic clock.
 *
 * A timer belongs to the object that embeds it.  Room in the heap is made when the
 * object is made, so setting a timer cannot fail.
 */
#ifndef CG_GATE_TIMER_H
#define CG_GATE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CG_MILLISECOND INT64_C(1000)

typedef struct CgTimer CgTimer;
typedef void (*CgTimerCallback)(CgTimer *timer);

struct CgTimer
{
	CgTimerCallback callback;
	int64_t         deadline; /* 0: off */
	int64_t         key;      /* its place in the heap; never later than deadline */
	size_t          slot;     /* 1 + index in the heap, 0: not there */
};

typedef struct CgTimers
{
	CgTimer **heap;
	size_t    count;
	size_t    capacity;
	size_t    reserved;
} CgTimers;

/* Microseconds of a clock that never goes back. */
extern int64_t cg_clock(void);

/* Prepares a timer, off; false when memory ran out. */
extern bool cg_timer_init(CgTimers *timers, CgTimer *timer, CgTimerCallback callback);

/* Sets or moves the deadline. */
extern void cg_timer_set(CgTimers *timers, CgTimer *timer, int64_t deadline);
extern void cg_timer_stop(CgTimer *timer);

/* Takes the timer out for good; must precede freeing an object whose init succeeded. */
extern void cg_timer_release(CgTimers *timers, CgTimer *timer);

/* Milliseconds until something may be due, for epoll_wait; -1: nothing ever. */
extern int cg_timers_wait(const CgTimers *timers, int64_t now);

/* Calls back what is due. */
extern void cg_timers_run(CgTimers *timers, int64_t now);

extern void cg_timers_free(CgTimers *timers);

#endif /* CG_GATE_TIMER_H */
