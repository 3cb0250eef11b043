/*
 * cancel.c
 *		The cancel thread.
 *
 * The loop's thread puts jobs into `pending`; the thread takes the list, talks to the
 * server job by job, puts each into `finished` and wakes the loop by an eventfd.
 *
 * Locks:		`mutex` guards both lists and `is_stopping`; it is never held over I/O.
 * Called by:	executor.c; main.c starts and ends it
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gate/cancel.h"
#include "gate/log.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  wake = PTHREAD_COND_INITIALIZER;
static CgCancel       *pending;
static CgCancel       *finished;
static bool            is_stopping;
static pthread_t       thread;
static CgWatch         watch = {.fd = -1};
static int             event_fd = -1;

static void
push(CgCancel **list, CgCancel *job)
{
	while (*list != NULL)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

static CgCancel *
pop(CgCancel **list)
{
	CgCancel *job = *list;

	if (job != NULL)
		*list = job->next;
	return job;
}

static void *
run(void *argument)
{
	(void) argument;
	pthread_mutex_lock(&mutex);
	for (;;)
	{
		CgCancel *job = pop(&pending);
		char      error[256];
		uint64_t  one = 1;

		if (job == NULL && is_stopping)
			break;
		if (job == NULL)
		{
			pthread_cond_wait(&wake, &mutex);
			continue;
		}
		pthread_mutex_unlock(&mutex);
		/* Failing is no harm: statement_timeout ends the query in the end. */
		(void) PQcancel(job->handle, error, sizeof(error));
		PQfreeCancel(job->handle);
		pthread_mutex_lock(&mutex);
		push(&finished, job);
		while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void
on_finished(CgWatch *unused, uint32_t events)
{
	uint64_t  count;
	CgCancel *job;

	(void) unused;
	(void) events;
	if (read(event_fd, &count, sizeof(count)) < 0)
		return;
	for (;;)
	{
		pthread_mutex_lock(&mutex);
		job = pop(&finished);
		pthread_mutex_unlock(&mutex);
		if (job == NULL)
			break;
		job->done(job);
	}
}

bool
cg_cancel_start(CgLoop *loop)
{
	sigset_t all;
	sigset_t before;
	int      error;

	event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (event_fd < 0)
		return false;
	cg_watch_init(&watch, on_finished);
	if (!cg_watch_set(loop, &watch, event_fd, EPOLLIN))
		return false;
	/* Signals belong to the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error == 0;
}

void
cg_cancel_submit(CgCancel *job, PGcancel *handle)
{
	job->handle = handle;
	pthread_mutex_lock(&mutex);
	push(&pending, job);
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&mutex);
}

void
cg_cancel_stop(CgLoop *loop, int milliseconds)
{
	struct timespec until;

	cg_watch_clear(loop, &watch);
	pthread_mutex_lock(&mutex);
	is_stopping = true;
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&mutex);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L)
	{
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	if (pthread_timedjoin_np(thread, NULL, &until) == 0)
		close(event_fd);
	/* Else it hangs in a server that does not answer; the process ends anyway. */
}
