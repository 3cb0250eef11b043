/*
 * loop.h
 *		The event loop: watched descriptors and timers, in one thread.
 */
#ifndef CG_GATE_LOOP_H
#define CG_GATE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/timer.h"

typedef struct CgWatch CgWatch;
typedef void (*CgWatchCallback)(CgWatch *watch, uint32_t events);

/* Embedded in the object that owns the descriptor. */
struct CgWatch
{
	CgWatchCallback callback;
	int             fd;     /* -1: not watched */
	uint32_t        events; /* what epoll was asked for */
	CgWatch        *next;   /* private: waits to be freed */
	void           *owner;
};

typedef struct CgLoop
{
	int      epoll_fd;
	CgTimers timers;
	bool     is_stopping;
	CgWatch *garbage; /* freed at the end of the turn */
	void (*end_of_turn)(void);
} CgLoop;

#define CG_CONTAINER(pointer, type, member)                                              \
	((type *) (void *) ((char *) (pointer) -offsetof(type, member)))

/* False with errno set when the kernel refuses. */
extern bool cg_loop_init(CgLoop *loop);

/* Runs until cg_loop_stop(). */
extern void cg_loop_run(CgLoop *loop);
extern void cg_loop_stop(CgLoop *loop);
extern void cg_loop_free(CgLoop *loop);

extern void cg_watch_init(CgWatch *watch, CgWatchCallback callback);

/*
 * Watches fd for events, in place of whatever was watched.  False with errno set
 * when the kernel refuses; nothing is watched then.
 */
extern bool cg_watch_set(CgLoop *loop, CgWatch *watch, int fd, uint32_t events);

/* Stops watching; must precede closing the descriptor. */
extern void cg_watch_clear(CgLoop *loop, CgWatch *watch);

/*
 * Stops watching and frees the owner, which embeds the watch, at the end of the turn:
 * an event that was fetched already may point at it.
 */
extern void cg_watch_dispose(CgLoop *loop, CgWatch *watch, void *owner);

#endif /* CG_GATE_LOOP_H */
