/*
 * connection_list.c
 *		All connections: how they begin and end, one by one and together.
 *
 * Those that became idle last stand first, so that the one to make room is found from
 * the end of the list, past those only that are at work.
 *
 * Memory:		about 600 bytes a connection that is idle; see also request.h.
 * Called by:	listener.c, connection.c, connection_events.c, main.c
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/connection.h"
#include "gate/connection_internal.h"
#include "gate/gate.h"

/* So many clients over the limit are told so; more are closed at once. */
#define OVERFLOW_MAX 100

static CgConnection *connections;
static CgConnection *last_connection;
static size_t        connection_count;
static size_t        overflow_count;

static void
link_first(CgConnection *connection)
{
	connection->previous = NULL;
	connection->next = connections;
	*(connections ? &connections->previous : &last_connection) = connection;
	connections = connection;
}

static void
unlink_connection(CgConnection *connection)
{
	*(connection->previous ? &connection->previous->next : &connections) =
		connection->next;
	*(connection->next ? &connection->next->previous : &last_connection) =
		connection->previous;
}

void
cg_connection_become_idle(CgConnection *connection)
{
	unlink_connection(connection);
	link_first(connection);
	connection->state = CG_CONNECTION_IDLE;
	if (connection->input.length == 0)
		cg_buffer_free(&connection->input);
	cg_connection_set_timer(connection,
							cg_clock() + cg_gate.settings.idle_timeout * CG_MILLISECOND);
}

void
cg_connection_destroy(CgConnection *connection)
{
	if (connection->request != NULL)
	{
		if (connection->state == CG_CONNECTION_WAITING)
			cg_pool_abandon(&cg_gate.pool, connection->request);
		if (connection->request->method != NULL ||
			connection->state == CG_CONNECTION_WRITING)
			cg_connection_log(connection, 499);
		cg_request_free(connection->request);
	}
	unlink_connection(connection);
	if (connection->is_overflow)
		overflow_count--;
	else
		connection_count--;
	cg_connection_forget_answer(connection);
	cg_buffer_free(&connection->input);
	cg_timer_release(&cg_gate.loop.timers, &connection->timer);
	cg_watch_dispose(&cg_gate.loop, &connection->watch, connection);
	close(connection->fd);
}

void
cg_connections_shed(const CgConnection *spared)
{
	while (cg_connection_answer_bytes() > (size_t) cg_gate.settings.answer_bytes)
	{
		CgConnection *slowest = NULL;

		for (CgConnection *each = connections; each != NULL; each = each->next)
		{
			if (each->result != NULL && each->is_blocked && each != spared &&
				(slowest == NULL || each->written_at < slowest->written_at))
				slowest = each;
		}
		if (slowest == NULL)
			return;
		cg_connection_destroy(slowest);
	}
}

/*
 * Closes connections that are idle, for the longest time first, until another one fits;
 * false when too few are.  After the limit was lowered there may be many too many.
 */
static bool
make_room(void)
{
	while (connection_count >= (size_t) cg_gate.settings.connections)
	{
		CgConnection *connection = last_connection;

		while (connection != NULL && connection->state != CG_CONNECTION_IDLE)
			connection = connection->previous;
		if (connection == NULL)
			return false;
		cg_connection_destroy(connection);
	}
	return true;
}

void
cg_connection_open(int fd, const char *peer)
{
	bool          is_overflow = !make_room();
	CgConnection *connection;

	connection = is_overflow && overflow_count >= OVERFLOW_MAX
					 ? NULL
					 : calloc(1, sizeof(*connection));
	if (connection == NULL ||
		!cg_timer_init(&cg_gate.loop.timers, &connection->timer, cg_connection_on_timer))
	{
		free(connection);
		close(fd);
		return;
	}
	cg_watch_init(&connection->watch, cg_connection_on_event);
	connection->fd = fd;
	snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
	link_first(connection);
	connection->is_overflow = is_overflow;
	*(is_overflow ? &overflow_count : &connection_count) += 1;
	cg_connection_become_idle(connection);
	if (is_overflow)
		cg_connection_refuse_now(connection, 503, CG_CODE_OVERLOADED,
								 "too many connections");
	else
		(void) cg_connection_watch(connection);
}

size_t
cg_connection_count(void)
{
	return connection_count + overflow_count;
}

void
cg_connections_drain(void)
{
	CgConnection *next;

	for (CgConnection *connection = connections; connection != NULL; connection = next)
	{
		next = connection->next;
		if (connection->state == CG_CONNECTION_IDLE)
			cg_connection_advance(connection);
	}
}

void
cg_connections_close(void)
{
	while (connections != NULL)
	{
		CgConnection *connection = connections;

		if (connection->state == CG_CONNECTION_WAITING)
		{
			cg_pool_abandon(&cg_gate.pool, connection->request);
			cg_connection_refuse_now(connection, 503, CG_CODE_OVERLOADED,
									 "the server is shutting down");
		}
		/* What the socket did not take by now is lost. */
		if (connections == connection)
			cg_connection_destroy(connection);
	}
}
