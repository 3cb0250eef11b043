/*
 * connection.c
 *		The state machine of a client's connection.
 *
 * cg_connection_advance() runs it as far as it goes without waiting; everything else notes what
 * happened and calls it.  While the pool has the request nothing is read, so a
 * client that sends on is held back by TCP, and requests are answered in order.
 *
 * Every close after an answer goes through LINGERING: closing a socket with unread
 * input resets the connection, and the client may lose the answer.
 *
 * Called by:	connection_events.c, connection_list.c; main.c when it drains
 * Shown by:	test/t/100_gate_http.pl
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gate/connection.h"
#include "gate/connection_internal.h"
#include "gate/gate.h"
#include "gate/parser.h"

#define LINGER_TIMEOUT (2000 * CG_MILLISECOND)
#define LINGER_TIMEOUT_DRAINING (200 * CG_MILLISECOND)
/* A long answer must leave at this rate, over all. */
#define BYTES_PER_MILLISECOND 4

void
cg_connection_set_timer(CgConnection *connection, int64_t deadline)
{
	cg_timer_set(&cg_gate.loop.timers, &connection->timer, deadline);
}

/* Asks epoll for what the state waits for; false when the connection was destroyed. */
bool
cg_connection_watch(CgConnection *connection)
{
	uint32_t events = 0;

	if (!connection->is_half_closed)
		events |= EPOLLRDHUP;
	/* Most clients send nothing before they have their answer: ask until one does. */
	if (!connection->is_at_end && !connection->is_overrun)
		events |= EPOLLIN;
	if (connection->is_blocked)
		events |= EPOLLOUT;
	if (cg_watch_set(&cg_gate.loop, &connection->watch, connection->fd, events))
		return true;
	cg_connection_destroy(connection);
	return false;
}

void
cg_connection_linger(CgConnection *connection)
{
	connection->state = CG_CONNECTION_LINGERING;
	cg_buffer_free(&connection->input);
	(void) shutdown(connection->fd, SHUT_WR);
	cg_connection_set_timer(
		connection,
		cg_clock() + (cg_gate.is_draining ? LINGER_TIMEOUT_DRAINING : LINGER_TIMEOUT));
}

/*
 * When writing has taken too long: since the socket last took something, and on the
 * whole, so that neither a full socket buffer nor a trickle buys time.
 */
int64_t
cg_connection_write_deadline(const CgConnection *connection)
{
	int64_t timeout = cg_gate.settings.write_timeout * CG_MILLISECOND;
	int64_t stalled = connection->written_at + timeout;
	int64_t slow =
		connection->write_started_at + timeout +
		(int64_t) connection->body_sent / BYTES_PER_MILLISECOND * CG_MILLISECOND;

	return stalled < slow ? stalled : slow;
}

/* The answer is in the output. */
static void
begin_writing(CgConnection *connection)
{
	connection->state = CG_CONNECTION_WRITING;
	cg_connection_set_timer(connection, cg_connection_write_deadline(connection));
}

/* Makes a refusal the answer; cg_connection_advance() writes it. */
static void
refuse(CgConnection *connection, const CgRefusal *refusal)
{
	cg_connection_render(connection, NULL, refusal);
	begin_writing(connection);
}

void
cg_connection_refuse_now(CgConnection *connection, int status, const char *code,
						 const char *message)
{
	CgRefusal refusal;

	cg_refuse(&refusal, status, code, message);
	refuse(connection, &refusal);
	cg_connection_advance(connection);
}

static void
start_request(CgConnection *connection)
{
	CgRefusal refusal;

	connection->request = cg_request_new(connection);
	if (connection->request == NULL)
	{
		cg_refuse(&refusal, 503, CG_CODE_OVERLOADED, "the server is out of memory");
		refuse(connection, &refusal);
		return;
	}
	connection->state = CG_CONNECTION_READING;
	cg_connection_set_timer(connection,
							connection->request->started_at +
								cg_gate.settings.header_timeout * CG_MILLISECOND);
}

/* The head was read and a body follows. */
static void
expect_body(CgConnection *connection)
{
	CgRequest *request = connection->request;

	if (request->phase != CG_PHASE_BODY)
		return;
	cg_connection_set_timer(connection,
							cg_clock() + cg_gate.settings.body_timeout * CG_MILLISECOND);
	if (request->expects_continue && connection->input.length == 0)
		cg_buffer_text(&connection->output, "HTTP/1.1 100 Continue\r\n\r\n");
	request->expects_continue = false;
}

/* Whether it asks if the gate is alive, which no database is needed for. */
static bool
asks_for_health(const CgRequest *request)
{
	return (request->is_head || strcmp(request->method, "GET") == 0) &&
		   strcmp(request->target.data, "/api/health") == 0;
}

static void
submit(CgConnection *connection)
{
	CgRequest *request = connection->request;
	CgRefusal  refusal;

	if (asks_for_health(request))
	{
		cg_connection_render_health(connection);
		begin_writing(connection);
		return;
	}
	connection->state = CG_CONNECTION_WAITING;
	cg_connection_set_timer(
		connection,
		cg_clock() + (connection->is_half_closed
						  ? CG_HALF_CLOSED_GRACE
						  : cg_gate.settings.request_timeout * CG_MILLISECOND));
	if (!cg_pool_submit(&cg_gate.pool, request, &refusal))
		refuse(connection, &refusal);
}

/* One step in READING; false when more input is needed, or the connection is gone. */
static bool
read_on(CgConnection *connection)
{
	switch (cg_parser_run(connection->request, &connection->input, &cg_gate.settings,
						  connection->peer))
	{
		case CG_PARSE_HEAD:
			expect_body(connection);
			return true;
		case CG_PARSE_COMPLETE:
			submit(connection);
			return true;
		case CG_PARSE_REFUSED:
			refuse(connection, &connection->request->refusal);
			return true;
		case CG_PARSE_MORE:
			break;
	}
	/* A FIN within a request: what is there will never be whole. */
	if (connection->is_at_end)
	{
		cg_connection_destroy(connection);
		return false;
	}
	/* "100 Continue" may be waiting. */
	if (connection->output.length > connection->output_sent)
	{
		CgWriteResult result = cg_connection_write(connection);

		connection->is_blocked = result == CG_WRITE_BLOCKED;
		if (result == CG_WRITE_FAILED)
		{
			cg_connection_destroy(connection);
			return false;
		}
	}
	(void) cg_connection_watch(connection);
	return false;
}

/* One step in WRITING; false when the socket takes no more, or the connection is gone. */
static bool
write_on(CgConnection *connection)
{
	switch (cg_connection_write(connection))
	{
		case CG_WRITE_FAILED:
			cg_connection_destroy(connection);
			return false;
		case CG_WRITE_BLOCKED:
			connection->is_blocked = true;
			(void) cg_connection_watch(connection);
			return false;
		case CG_WRITE_DONE:
			break;
	}
	cg_connection_log(connection, connection->status);
	if (connection->request != NULL)
		cg_request_free(connection->request);
	connection->request = NULL;
	cg_connection_forget_answer(connection);
	connection->is_overrun = false;
	if (connection->is_closing)
		cg_connection_linger(connection);
	else
		cg_connection_become_idle(connection);
	return true;
}

/* One step in IDLE; false when there is nothing to do. */
static bool
begin_request(CgConnection *connection)
{
	if (connection->input.length > 0)
		start_request(connection);
	else if (connection->is_at_end || cg_gate.is_draining)
		cg_connection_linger(connection);
	else
	{
		(void) cg_connection_watch(connection);
		return false;
	}
	return true;
}

/* Goes as far as possible without waiting; the connection may be gone afterwards. */
void
cg_connection_advance(CgConnection *connection)
{
	bool more = true;

	connection->is_advancing = true;
	while (more)
	{
		switch (connection->state)
		{
			case CG_CONNECTION_IDLE:
				more = begin_request(connection);
				break;
			case CG_CONNECTION_READING:
				more = read_on(connection);
				break;
			case CG_CONNECTION_WRITING:
				more = write_on(connection);
				break;
			case CG_CONNECTION_LINGERING:
				more = false;
				if (connection->is_at_end)
					cg_connection_destroy(connection);
				else
					(void) cg_connection_watch(connection);
				break;
			case CG_CONNECTION_WAITING:
				more = false;
				(void) cg_connection_watch(connection);
				break;
		}
	}
	/* A destroyed connection's memory lives to the end of the turn. */
	connection->is_advancing = false;
}

void
cg_connection_answer(CgRequest *request, PGresult *result, const CgRefusal *refusal)
{
	CgConnection *connection = request->connection;

	cg_connection_render(connection, result, refusal);
	begin_writing(connection);
	if (!connection->is_advancing)
		cg_connection_advance(connection);
	if (result != NULL)
		cg_connections_shed(connection);
}
