/*
 * event_loop.h
 *		The epoll descriptor that libcurl's and c-ares's sockets share, and its clock.
 */
#ifndef CG_OUTBOUND_EVENT_LOOP_H
#define CG_OUTBOUND_EVENT_LOOP_H

#include "postgres.h"

#include <signal.h>
#include <sys/epoll.h>

typedef enum CgWatchOwner
{
	CG_WATCH_CURL,
	CG_WATCH_RESOLVER
} CgWatchOwner;

/* Watches a socket for EPOLLIN, EPOLLOUT or both, in place of before; 0 for no more. */
extern void cg_watch(int epoll_fd, CgWatchOwner owner, int fd, uint32 events);

/* Who watches the socket of an event, and which socket it is. */
extern CgWatchOwner cg_watch_owner(const struct epoll_event *event);
extern int          cg_watch_fd(const struct epoll_event *event);

/* Around calls of libcurl and c-ares: a thread of theirs, had they any, takes none. */
extern void cg_block_signals(sigset_t *before);
extern void cg_restore_signals(const sigset_t *before);

#endif /* CG_OUTBOUND_EVENT_LOOP_H */
