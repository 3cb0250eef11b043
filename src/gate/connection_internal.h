/*
 * connection_internal.h
 *		What the files about connections share.
 */
#ifndef CG_GATE_CONNECTION_INTERNAL_H
#define CG_GATE_CONNECTION_INTERNAL_H

#include <libpq-fe.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "gate/buffer.h"
#include "gate/loop.h"
#include "gate/request.h"

/* How long a client that has shut its side may wait for its answer. */
#define CG_HALF_CLOSED_GRACE (500 * CG_MILLISECOND)

/*
 * IDLE -> READING -> WAITING -> WRITING -> IDLE ... or -> LINGERING -> closed.
 * READING -> WRITING when the request is refused.  Any state -> closed when the
 * client resets the connection.
 */
typedef enum CgConnectionState
{
	CG_CONNECTION_IDLE,     /* no byte of a request yet */
	CG_CONNECTION_READING,  /* head or body */
	CG_CONNECTION_WAITING,  /* the pool has the request */
	CG_CONNECTION_WRITING,  /* the answer */
	CG_CONNECTION_LINGERING /* our side is shut; reads until the client's is, too */
} CgConnectionState;

typedef struct CgConnection
{
	CgWatch              watch;
	CgTimer              timer;
	struct CgConnection *next; /* of all */
	struct CgConnection *previous;
	CgConnectionState    state;
	int                  fd;
	CgRequest           *request; /* NULL in IDLE and LINGERING */
	CgBuffer             input;
	CgBuffer             output; /* heads, and whole answers of ours */
	size_t               output_sent;
	PGresult            *result; /* holds body */
	const char          *body;
	size_t               body_length;
	size_t               body_sent;
	size_t               own_body; /* bytes of a body that is in the output */
	int64_t              write_started_at;
	int64_t              written_at;     /* when the socket last took something */
	int                  status;         /* of the answer, for the log */
	bool                 is_overflow;    /* over the limit: only to be told 503 */
	bool                 is_advancing;   /* cg_connection_answer() must not recurse */
	bool                 is_closing;     /* after the answer that is being written */
	bool                 is_overrun;     /* more input came than is wanted now */
	bool                 is_half_closed; /* FIN was seen; input may be left to read */
	bool                 is_at_end;      /* all input was read */
	bool                 is_blocked;     /* the socket takes no more now */
	char                 peer[INET6_ADDRSTRLEN];
} CgConnection;

typedef enum CgWriteResult
{
	CG_WRITE_DONE,
	CG_WRITE_BLOCKED,
	CG_WRITE_FAILED /* the client is gone */
} CgWriteResult;

/*
 * Goes as far as possible without waiting.  The connection may be gone afterwards;
 * its memory lives to the end of the turn, with watch.fd -1.
 */
extern void cg_connection_advance(CgConnection *connection);

/* Closes and frees; a request that is not answered yet is abandoned. */
extern void cg_connection_destroy(CgConnection *connection);

/* Asks epoll for what the state waits for; false when the connection was destroyed. */
extern bool cg_connection_watch(CgConnection *connection);

extern void cg_connection_become_idle(CgConnection *connection);

/* Shuts our side; the connection is closed when the client has shut its own. */
extern void cg_connection_linger(CgConnection *connection);

/* Answers a refusal and sends what can be sent of it; the connection may be gone then. */
extern void cg_connection_refuse_now(CgConnection *connection, int status,
									 const char *code, const char *message);

extern void    cg_connection_set_timer(CgConnection *connection, int64_t deadline);
extern int64_t cg_connection_write_deadline(const CgConnection *connection);

/* Callbacks of watch and timer. */
extern void cg_connection_on_event(CgWatch *watch, uint32_t events);
extern void cg_connection_on_timer(CgTimer *timer);

/* Writes what the socket takes. */
extern CgWriteResult cg_connection_write(CgConnection *connection);

/* Puts an answer into the output; see cg_connection_answer(). */
extern void cg_connection_render(CgConnection *connection, PGresult *result,
								 const CgRefusal *refusal);

/* Puts the answer into the output that says that the gate is alive. */
extern void cg_connection_render_health(CgConnection *connection);

/* The memory of all answers from the database that are on their way. */
extern size_t cg_connection_answer_bytes(void);

/*
 * Closes connections whose clients take their answers slowest while all answers
 * together are larger than may be; but not this one.
 */
extern void cg_connections_shed(const CgConnection *spared);

/* Gives the answer's memory back. */
extern void cg_connection_forget_answer(CgConnection *connection);

/* Writes the access log line; status 499 for an answer that was not written whole. */
extern void cg_connection_log(const CgConnection *connection, int status);

#endif /* CG_GATE_CONNECTION_INTERNAL_H */
