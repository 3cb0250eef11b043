/*
 * connection_events.c
 *		What happens to a client's connection: input, room for output, an end, a
 *		deadline.
 *
 * A FIN says that no more will be sent, not that nobody listens.  So the client keeps
 * CG_HALF_CLOSED_GRACE for its answer; then the query is cancelled.  A reset cancels
 * at once.
 *
 * Called by:	loop.c and timer.c, by what connection_list.c hands them
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gate/connection_internal.h"
#include "gate/gate.h"

#define READ_BYTES 4096
#define READ_BYTES_BODY 32768
/* Between looks whether a request that had its time runs or waits. */
#define LOOK_AGAIN (1000 * CG_MILLISECOND)

static void
receive(CgConnection *connection)
{
	bool is_body = connection->state == CG_CONNECTION_READING &&
				   connection->request->phase == CG_PHASE_BODY;
	ssize_t received;

	if (!cg_buffer_reserve(&connection->input, is_body ? READ_BYTES_BODY : READ_BYTES))
	{
		cg_connection_destroy(connection);
		return;
	}
	received = recv(connection->fd, connection->input.data + connection->input.length,
					connection->input.capacity - connection->input.length, 0);
	if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (received < 0)
	{
		cg_connection_destroy(connection);
		return;
	}
	connection->input.length += (size_t) received;
	connection->is_at_end = received == 0;
	cg_connection_advance(connection);
}

/* LINGERING: reads and forgets what is there. */
static void
discard(CgConnection *connection)
{
	static char bytes[65536];
	ssize_t     received;

	do
		received = recv(connection->fd, bytes, sizeof(bytes), 0);
	while (received == sizeof(bytes) || (received < 0 && errno == EINTR));
	if (received == 0 || (received < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
		cg_connection_destroy(connection);
}

static void
half_close(CgConnection *connection)
{
	connection->is_half_closed = true;
	if (connection->state == CG_CONNECTION_WAITING)
		cg_connection_set_timer(connection, cg_clock() + CG_HALF_CLOSED_GRACE);
	(void) cg_connection_watch(connection);
}

void
cg_connection_on_event(CgWatch *watch, uint32_t events)
{
	CgConnection *connection = CG_CONTAINER(watch, CgConnection, watch);

	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
	{
		/* Both sides are shut; the client's last bytes must be read before closing. */
		if (connection->state == CG_CONNECTION_LINGERING)
			discard(connection);
		if (watch->fd >= 0)
			cg_connection_destroy(connection);
		return;
	}
	if ((events & EPOLLOUT) != 0)
	{
		connection->is_blocked = false;
		cg_connection_advance(connection);
	}
	/* Each step may have destroyed it, which clears the watch. */
	if (watch->fd >= 0 && (events & EPOLLIN) != 0)
	{
		if (connection->state == CG_CONNECTION_LINGERING)
			discard(connection);
		else if (connection->state <= CG_CONNECTION_READING)
			receive(connection);
		else
		{
			connection->is_overrun = true;
			(void) cg_connection_watch(connection);
		}
	}
	if (watch->fd >= 0 && (events & EPOLLRDHUP) != 0 && !connection->is_half_closed)
		half_close(connection);
}

/* WAITING for too long: in the queue, or for a client that seems to have gone. */
static void
end_waiting(CgConnection *connection)
{
	if (connection->is_half_closed)
		cg_connection_destroy(connection);
	else if (connection->request->executor == NULL)
	{
		cg_pool_abandon(&cg_gate.pool, connection->request);
		cg_connection_refuse_now(connection, 503, CG_CODE_OVERLOADED,
								 "the server is busy");
	}
	else
	{
		/* The executor has its own deadline; or it only asks, and the request will wait. */
		cg_connection_set_timer(connection, cg_clock() + LOOK_AGAIN);
	}
}

void
cg_connection_on_timer(CgTimer *timer)
{
	CgConnection *connection = CG_CONTAINER(timer, CgConnection, timer);
	int64_t       deadline;

	switch (connection->state)
	{
		case CG_CONNECTION_READING:
			cg_connection_refuse_now(connection, 408, CG_CODE_TOO_SLOW,
									 "the request did not arrive in time");
			break;
		case CG_CONNECTION_WAITING:
			end_waiting(connection);
			break;
		case CG_CONNECTION_WRITING:
			deadline = cg_connection_write_deadline(connection);
			if (deadline > cg_clock())
				cg_connection_set_timer(connection, deadline);
			else
				cg_connection_destroy(connection);
			break;
		case CG_CONNECTION_IDLE:
			cg_connection_linger(connection);
			(void) cg_connection_watch(connection);
			break;
		case CG_CONNECTION_LINGERING:
			cg_connection_destroy(connection);
			break;
	}
}
