/*
 * answer.c
 *		The answer on its way out: rendered, written, logged, forgotten.
 *
 * The body is written from libpq's memory, which is why the result is kept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "gate/connection_internal.h"
#include "gate/gate.h"
#include "gate/log.h"
#include "gate/response.h"

/* Memory of all answers on their way. */
static size_t answer_bytes;

static bool
render_row(CgConnection *connection, const CgResponseFrame *frame, PGresult *result)
{
	uint32_t number;
	bool     with_body;

	if (PQnfields(result) != 3 || PQgetlength(result, 0, 0) != 4)
		return false;
	memcpy(&number, PQgetvalue(result, 0, 0), 4);
	connection->status = (int) ntohl(number);
	connection->body_length = (size_t) PQgetlength(result, 0, 2);
	if (!cg_response_head(&connection->output, frame, connection->status,
						  PQgetvalue(result, 0, 1), (size_t) PQgetlength(result, 0, 1),
						  connection->body_length, &with_body))
		return false;
	connection->result = result;
	answer_bytes += PQresultMemorySize(result);
	connection->body = PQgetvalue(result, 0, 2);
	if (!with_body)
		connection->body_length = 0;
	return true;
}

static void
render_refusal(CgConnection *connection, CgResponseFrame *frame, const CgRefusal *refusal)
{
	frame->origins = cg_gate.settings.cors_origins;
	connection->status = refusal->status;
	connection->body_length = 0;
	connection->own_body = cg_response_refusal(&connection->output, frame, refusal);
}

/* What the head needs to know; id has room for one when there is no request. */
static CgResponseFrame
begin_answer(CgConnection *connection, char *id)
{
	CgRequest      *request = connection->request;
	CgResponseFrame frame = {.id = id, .origin = ""};

	if (request != NULL)
	{
		frame.id = request->id;
		frame.is_head = request->is_head;
		frame.is_old = request->is_old;
		frame.is_preflight = request->is_preflight;
		/* A head that was refused while it was read: what arrived is all there is. */
		if (request->method == NULL)
			cg_request_find_origin(&connection->input, request->origin);
		frame.origin = request->origin;
		/* After a refusal while reading, where the next request begins is unknown. */
		if (request->phase != CG_PHASE_DONE || !request->is_keep_alive)
			connection->is_closing = true;
	}
	else
	{
		cg_request_make_id(id);
		connection->is_closing = true;
	}
	if (cg_gate.is_draining)
		connection->is_closing = true;
	frame.is_keep_alive = !connection->is_closing;
	connection->write_started_at = connection->written_at = cg_clock();
	return frame;
}

void
cg_connection_render(CgConnection *connection, PGresult *result, const CgRefusal *refusal)
{
	char            id[CG_REQUEST_ID_MAX + 1];
	CgResponseFrame frame = begin_answer(connection, id);
	CgRefusal       broken;

	if (result == NULL)
		render_refusal(connection, &frame, refusal);
	else if (!render_row(connection, &frame, result))
	{
		PQclear(result);
		cg_log("error", "the answer to request %s cannot be sent", frame.id);
		cg_refuse(&broken, 500, CG_CODE_BAD_ANSWER, "the request could not be completed");
		render_refusal(connection, &frame, &broken);
	}
}

/* As cloudgreet.http() answers it. */
void
cg_connection_render_health(CgConnection *connection)
{
	static const char headers[] = "Content-Type: application/json; charset=utf-8\r\n"
								  "Cache-Control: no-store\r\n";
	static const char body[] = "{\"status\":\"ok\"}";
	char              id[CG_REQUEST_ID_MAX + 1];
	CgResponseFrame   frame = begin_answer(connection, id);
	bool              with_body;

	frame.origins = cg_gate.settings.cors_origins;
	connection->status = 200;
	if (!cg_response_head(&connection->output, &frame, 200, headers, strlen(headers),
						  strlen(body), &with_body) ||
		!with_body)
		return;
	cg_buffer_text(&connection->output, body);
	connection->own_body = strlen(body);
}

static void
count_sent(CgConnection *connection, size_t sent)
{
	size_t head = connection->output.length - connection->output_sent;

	if (head > sent)
		head = sent;
	connection->written_at = cg_clock();
	connection->output_sent += head;
	connection->body_sent += sent - head;
}

CgWriteResult
cg_connection_write(CgConnection *connection)
{
	/* Memory ran out while the answer was rendered: it is not whole. */
	if (connection->output.failed)
		return CG_WRITE_FAILED;
	for (;;)
	{
		struct iovec  parts[2];
		struct msghdr message = {.msg_iov = parts};
		size_t        head = connection->output.length - connection->output_sent;
		size_t        body = connection->body_length - connection->body_sent;
		ssize_t       sent;

		if (head > 0)
			parts[message.msg_iovlen++] =
				(struct iovec){connection->output.data + connection->output_sent, head};
		if (body > 0)
			parts[message.msg_iovlen++] =
				(struct iovec){(char *) connection->body + connection->body_sent, body};
		if (message.msg_iovlen == 0)
			return CG_WRITE_DONE;
		sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
		if (sent >= 0)
			count_sent(connection, (size_t) sent);
		else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
			return CG_WRITE_BLOCKED;
		else if (errno != EINTR)
			return CG_WRITE_FAILED;
	}
}

size_t
cg_connection_answer_bytes(void)
{
	return answer_bytes;
}

void
cg_connection_forget_answer(CgConnection *connection)
{
	cg_buffer_free(&connection->output);
	if (connection->result != NULL)
		answer_bytes -= PQresultMemorySize(connection->result);
	PQclear(connection->result);
	connection->result = NULL;
	connection->body = NULL;
	connection->body_length = connection->body_sent = connection->output_sent = 0;
	connection->own_body = 0;
	connection->is_blocked = false;
}

void
cg_connection_log(const CgConnection *connection, int status)
{
	const CgRequest *request = connection->request;
	int64_t          now = cg_clock();
	CgAccess         access = {.peer = connection->peer, .status = status};

	if (cg_gate.settings.access_log == 0)
		return;
	access.bytes = connection->body_sent + connection->own_body;
	access.id = "";
	if (request != NULL)
	{
		access.id = request->id;
		access.method = request->method;
		access.target = request->target.data;
		access.target_length = request->target.length;
		/* The last is the zero byte. */
		if (access.target_length > 0)
			access.target_length--;
		access.time = now - request->started_at;
		if (request->queued_at != 0)
			access.queue_time =
				(request->sent_at != 0 ? request->sent_at : now) - request->queued_at;
	}
	cg_log_access(&access);
}
