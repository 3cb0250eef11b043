/*
 * front_channel.h
 *		The supervisor's end of the socket to the front.
 */
#ifndef CG_FRONT_CHANNEL_H
#define CG_FRONT_CHANNEL_H

#include "lib/stringinfo.h"
#include "port.h"

typedef struct CgFrontChannel
{
	pgsocket       socket;   /* PGINVALID_SOCKET when closed */
	StringInfoData outgoing; /* lines of which the front has `sent` bytes */
	int            sent;
	char           line[64]; /* what the front has said since its last line break */
	int            length;
	bool           is_refused; /* it listens, but not as the last settings say */
} CgFrontChannel;

/* The buffer lives in the current memory context. */
extern void cg_front_channel_init(CgFrontChannel *channel);

extern void cg_front_channel_open(CgFrontChannel *channel, pgsocket sock);

/* Ends the front's input, on which it drains; what it says can still be read. */
extern void cg_front_channel_end(CgFrontChannel *channel);
extern void cg_front_channel_close(CgFrontChannel *channel);

/* Whether settings or a ping are on their way; another must wait until it is not. */
extern bool cg_front_channel_is_sending(const CgFrontChannel *channel);

/* Sends as much as the socket takes. */
extern void cg_front_channel_send(CgFrontChannel *channel);

/*
 * Reads what the front says.  Returns the port when it has told that it listens on
 * one, otherwise -1, and sets *is_alive when it has answered a ping; closes the channel
 * when the front has closed its end.
 */
extern int cg_front_channel_receive(CgFrontChannel *channel, bool *is_alive);

#endif /* CG_FRONT_CHANNEL_H */
