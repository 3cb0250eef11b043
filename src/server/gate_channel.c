/*
 * gate_channel.c
 *		The supervisor's end of the socket to the gate.
 *
 * Nothing here waits: a gate that hangs and reads nothing costs the supervisor one
 * block of settings and a few pings, kept until the socket takes the rest of them.
 *
 * Memory:	one buffer in the context of cg_gate_channel_init().
 * Errors:	none; a broken connection is a gate that ends, which its exit reports.
 * Called by:	gate.c, supervisor.c
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <sys/socket.h>
#include <unistd.h>

#include "server/gate_channel.h"

static int take_line(CgGateChannel *channel);

void
cg_gate_channel_init(CgGateChannel *channel)
{
	memset(channel, 0, sizeof(*channel));
	channel->socket = PGINVALID_SOCKET;
	initStringInfo(&channel->outgoing);
}

void
cg_gate_channel_open(CgGateChannel *channel, pgsocket sock)
{
	cg_gate_channel_close(channel);
	channel->socket = sock;
	channel->is_refused = false;
}

void
cg_gate_channel_end(CgGateChannel *channel)
{
	if (channel->socket != PGINVALID_SOCKET)
		shutdown(channel->socket, SHUT_WR);
	resetStringInfo(&channel->outgoing);
	channel->sent = 0;
}

void
cg_gate_channel_close(CgGateChannel *channel)
{
	if (channel->socket != PGINVALID_SOCKET)
		close(channel->socket);
	channel->socket = PGINVALID_SOCKET;
	resetStringInfo(&channel->outgoing);
	channel->sent = 0;
	channel->length = 0;
}

bool
cg_gate_channel_is_sending(const CgGateChannel *channel)
{
	return channel->outgoing.len > 0;
}

void
cg_gate_channel_send(CgGateChannel *channel)
{
	StringInfo outgoing = &channel->outgoing;
	ssize_t    n;

	while (channel->socket != PGINVALID_SOCKET && channel->sent < outgoing->len)
	{
		n = send(channel->socket, outgoing->data + channel->sent,
				 outgoing->len - channel->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0)
			break;
		channel->sent += n;
	}
	resetStringInfo(outgoing);
	channel->sent = 0;
}

int
cg_gate_channel_receive(CgGateChannel *channel, bool *is_alive)
{
	char    bytes[256];
	ssize_t n;
	int     said;
	int     port = -1;

	if (channel->socket == PGINVALID_SOCKET)
		return -1;
	n = recv(channel->socket, bytes, sizeof(bytes), 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return -1;
	if (n <= 0)
	{
		cg_gate_channel_close(channel);
		return -1;
	}
	for (ssize_t i = 0; i < n; i++)
	{
		if (bytes[i] != '\n')
		{
			/* the end of a long line is of no interest */
			if (channel->length < (int) sizeof(channel->line) - 1)
				channel->line[channel->length++] = bytes[i];
			continue;
		}
		channel->line[channel->length] = '\0';
		channel->length = 0;
		said = take_line(channel);
		if (said > 0)
			port = said;
		if (strcmp(channel->line, "pong") == 0)
			*is_alive = true;
	}
	return port;
}

/* The port of a line "listening PORT" or "remaining PORT", else -1. */
static int
take_line(CgGateChannel *channel)
{
	char word[16];
	int  port;
	char rest;

	if (sscanf(channel->line, "%15s %d%c", word, &port, &rest) != 2 || port <= 0 ||
		port > 65535)
		return -1;
	channel->is_refused = strcmp(word, "remaining") == 0;
	return channel->is_refused || strcmp(word, "listening") == 0 ? port : -1;
}
