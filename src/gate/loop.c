/*
 * loop.c
 *		epoll, level-triggered, and the turn of the loop.
 *
 * A turn: wait, call the watches, call the timers, end_of_turn(), free what was
 * disposed of.
 *
 * Called by:	main.c; whoever has a descriptor to watch
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gate/loop.h"

#define EVENTS_PER_TURN 256

bool
cg_loop_init(CgLoop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd >= 0;
}

static void
free_garbage(CgLoop *loop)
{
	while (loop->garbage != NULL)
	{
		CgWatch *watch = loop->garbage;

		loop->garbage = watch->next;
		free(watch->owner);
	}
}

void
cg_loop_run(CgLoop *loop)
{
	struct epoll_event events[EVENTS_PER_TURN];

	while (!loop->is_stopping)
	{
		int wait = cg_timers_wait(&loop->timers, cg_clock());
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, wait);

		if (count < 0 && errno != EINTR)
			break;
		for (int i = 0; i < count; i++)
		{
			CgWatch *watch = events[i].data.ptr;

			if (watch->fd >= 0)
				watch->callback(watch, events[i].events);
		}
		cg_timers_run(&loop->timers, cg_clock());
		if (loop->end_of_turn != NULL)
			loop->end_of_turn();
		free_garbage(loop);
	}
}

void
cg_loop_stop(CgLoop *loop)
{
	loop->is_stopping = true;
}

void
cg_loop_free(CgLoop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
	free_garbage(loop);
	cg_timers_free(&loop->timers);
}

void
cg_watch_init(CgWatch *watch, CgWatchCallback callback)
{
	watch->callback = callback;
	watch->fd = -1;
	watch->events = 0;
}

bool
cg_watch_set(CgLoop *loop, CgWatch *watch, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	int                verb = watch->fd == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (watch->fd == fd && watch->events == events)
		return true;
	if (watch->fd >= 0 && watch->fd != fd)
		cg_watch_clear(loop, watch);
	if (epoll_ctl(loop->epoll_fd, verb, fd, &event) != 0)
	{
		/* libpq closes and opens sockets while it connects, under the same number. */
		int other = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

		if ((errno != ENOENT && errno != EEXIST) ||
			epoll_ctl(loop->epoll_fd, other, fd, &event) != 0)
		{
			watch->fd = -1;
			return false;
		}
	}
	watch->fd = fd;
	watch->events = events;
	return true;
}

void
cg_watch_clear(CgLoop *loop, CgWatch *watch)
{
	if (watch->fd >= 0)
		(void) epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = -1;
	watch->events = 0;
}

void
cg_watch_dispose(CgLoop *loop, CgWatch *watch, void *owner)
{
	cg_watch_clear(loop, watch);
	watch->owner = owner;
	watch->next = loop->garbage;
	loop->garbage = watch;
}
