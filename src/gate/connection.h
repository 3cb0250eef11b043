/*
 * connection.h
 *		A client's connection.
 */
#ifndef CG_GATE_CONNECTION_H
#define CG_GATE_CONNECTION_H

#include <libpq-fe.h>
#include <stddef.h>

#include "gate/refusal.h"
#include "gate/request.h"

/*
 * Takes over an accepted socket.  Over the limit of connections, the one that is idle
 * for the longest time is closed for it; when none is, the client is told 503 and the
 * socket closed; if even that is too much, closed at once.
 */
extern void cg_connection_open(int fd, const char *peer);

/* How many there are. */
extern size_t cg_connection_count(void);

/* For the pool: the answer to a request (see pool.h); takes the result. */
extern void cg_connection_answer(CgRequest *request, PGresult *result,
								 const CgRefusal *refusal);

/* Closes connections that are between requests; the others close after theirs. */
extern void cg_connections_drain(void);

/* Answers 503 to what still runs and closes everything. */
extern void cg_connections_close(void);

#endif /* CG_GATE_CONNECTION_H */
