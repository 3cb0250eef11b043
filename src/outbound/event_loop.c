/*
 * event_loop.c
 *		Which sockets are watched, and for what.
 *
 * Level-triggered: an event that is not handled in one turn is there in the next.
 *
 * Errors:		none raised; called by callbacks of libcurl and c-ares.  A socket that
 *				cannot be watched ends by its transfer's timeout.
 * Called by:	client.c, resolver.c; callbacks of libcurl and c-ares
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"


#include "libpq/pqsignal.h"

#include "outbound/event_loop.h"

#define OWNER_SHIFT 32

void
cg_watch(int epoll_fd, CgWatchOwner owner, int fd, uint32 events)
{
	struct epoll_event event = {0};

	event.events = events;
	event.data.u64 = ((uint64) owner << OWNER_SHIFT) | (uint32) fd;
	/* most sockets are new here: libcurl forgets one between two requests */
	if (events == 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &event);
	else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

CgWatchOwner
cg_watch_owner(const struct epoll_event *event)
{
	return (CgWatchOwner) (event->data.u64 >> OWNER_SHIFT);
}

int
cg_watch_fd(const struct epoll_event *event)
{
	return (int) (uint32) event->data.u64;
}

void
cg_block_signals(sigset_t *before)
{
	sigprocmask(SIG_SETMASK, &BlockSig, before);
}

void
cg_restore_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}
