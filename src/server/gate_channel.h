/*
 * gate_channel.h
 *		The supervisor's end of the socket to the gate.
 */
#ifndef CG_SERVER_GATE_CHANNEL_H
#define CG_SERVER_GATE_CHANNEL_H

#include "lib/stringinfo.h"
#include "port.h"

typedef struct CgGateChannel
{
	pgsocket       socket;   /* PGINVALID_SOCKET when closed */
	StringInfoData outgoing; /* lines of which the gate has `sent` bytes */
	int            sent;
	char           line[64]; /* what the gate has said since its last line break */
	int            length;
	bool           is_refused; /* it listens, but not as the last settings say */
} CgGateChannel;

/* The buffer lives in the current memory context. */
extern void cg_gate_channel_init(CgGateChannel *channel);

extern void cg_gate_channel_open(CgGateChannel *channel, pgsocket sock);

/* Ends the gate's input, on which it drains; what it says can still be read. */
extern void cg_gate_channel_end(CgGateChannel *channel);
extern void cg_gate_channel_close(CgGateChannel *channel);

/* Whether settings or a ping are on their way; another must wait until it is not. */
extern bool cg_gate_channel_is_sending(const CgGateChannel *channel);

/* Sends as much as the socket takes. */
extern void cg_gate_channel_send(CgGateChannel *channel);

/*
 * Reads what the gate says.  Returns the port when it has told that it listens on
 * one, otherwise -1, and sets *is_alive when it has answered a ping; closes the channel
 * when the gate has closed its end.
 */
extern int cg_gate_channel_receive(CgGateChannel *channel, bool *is_alive);

#endif /* CG_SERVER_GATE_CHANNEL_H */
