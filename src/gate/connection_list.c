/*
 * connection_list.c
 *		All connections: how they begin and end, one by one and together.
 *
 * Memory:		about 600 bytes a connection that is idle; see also request.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/connection.h"
#include "gate/connection_internal.h"
#include "gate/front.h"

/* So many clients over the limit are told so; more are closed at once. */
#define OVERFLOW_MAX 100

static CgConnection *connections;
static size_t        connection_count;
static size_t        overflow_count;

void
cg_connection_destroy(CgConnection *connection)
{
	if (connection->request != NULL)
	{
		if (connection->state == CG_CONNECTION_WAITING)
			cg_pool_abandon(&cg_front.pool, connection->request);
		if (connection->request->method != NULL ||
			connection->state == CG_CONNECTION_WRITING)
			cg_connection_log(connection, 499);
		cg_request_free(connection->request);
	}
	*(connection->previous ? &connection->previous->next : &connections) =
		connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	if (connection->is_overflow)
		overflow_count--;
	else
		connection_count--;
	cg_connection_forget_answer(connection);
	cg_buffer_free(&connection->input);
	cg_timer_release(&cg_front.loop.timers, &connection->timer);
	cg_watch_dispose(&cg_front.loop, &connection->watch, connection);
	close(connection->fd);
}

static void
refuse_overflow(CgConnection *connection)
{
	CgRefusal refusal;

	cg_refuse(&refusal, 503, CG_CODE_OVERLOADED, "too many connections");
	cg_connection_refuse(connection, &refusal);
	cg_connection_advance(connection);
}

void
cg_connection_open(int fd, const char *peer)
{
	bool is_overflow = connection_count >= (size_t) cg_front.settings.connections;
	CgConnection *connection;

	connection = is_overflow && overflow_count >= OVERFLOW_MAX
					 ? NULL
					 : calloc(1, sizeof(*connection));
	if (connection == NULL ||
		!cg_timer_init(&cg_front.loop.timers, &connection->timer, cg_connection_on_timer))
	{
		free(connection);
		close(fd);
		return;
	}
	cg_watch_init(&connection->watch, cg_connection_on_event);
	connection->fd = fd;
	snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
	connection->next = connections;
	if (connections != NULL)
		connections->previous = connection;
	connections = connection;
	connection->is_overflow = is_overflow;
	*(is_overflow ? &overflow_count : &connection_count) += 1;
	cg_connection_become_idle(connection);
	if (is_overflow)
		refuse_overflow(connection);
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
	CgRefusal refusal;

	cg_refuse(&refusal, 503, CG_CODE_OVERLOADED, "the server is shutting down");
	while (connections != NULL)
	{
		CgConnection *connection = connections;

		if (connection->state == CG_CONNECTION_WAITING)
		{
			cg_pool_abandon(&cg_front.pool, connection->request);
			cg_connection_refuse(connection, &refusal);
			cg_connection_advance(connection);
		}
		/* What the socket did not take by now is lost. */
		if (connections == connection)
			cg_connection_destroy(connection);
	}
}
