/*
 * request.h
 *		One request, from its first byte to the last byte of its answer.
 *
 * It is made and freed by its connection; queue and executor only point at it, until
 * the pool answers it or is told to abandon it.
 */
#ifndef CG_GATE_REQUEST_H
#define CG_GATE_REQUEST_H

#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>

#include "gate/buffer.h"
#include "gate/caller.h"
#include "gate/head.h"
#include "gate/refusal.h"

#define CG_REQUEST_ID_MAX 128
#define CG_ORIGIN_MAX 255

struct CgConnection;
struct CgExecutor;
struct CgLane;

typedef enum CgPhase
{
	CG_PHASE_HEAD,
	CG_PHASE_BODY,
	CG_PHASE_TRAILER, /* after the last chunk */
	CG_PHASE_DONE
} CgPhase;

typedef struct CgRequest
{
	struct CgConnection *connection;
	struct CgExecutor   *executor; /* NULL: not running */
	struct CgLane       *lane;     /* in which it waits; NULL: it does not */
	struct CgRequest    *next;     /* in the lane */
	struct CgRequest    *previous;

	/* Reading it */
	CgPhase   phase;
	CgHead    head;
	llhttp_t  parser;
	size_t    head_bytes;      /* seen of the head, later of the trailer */
	size_t    extension_bytes; /* of chunk extensions */
	int64_t   body_limit;
	CgRefusal refusal;

	/* What was read */
	const char *method; /* NULL until the head is complete */
	CgBuffer    target; /* origin form, or "*"; ended by a zero byte for libpq */
	CgBuffer    fields; /* JSON object of the headers; ended by a zero byte */
	CgBuffer    body;
	char        id[CG_REQUEST_ID_MAX + 1];
	const char *peer;                      /* the client's address */
	char        origin[CG_ORIGIN_MAX + 1]; /* "" when there is none, or a longer one */
	CgCallerKey caller;
	bool        is_sorted; /* the database was asked whose it is, and did not say */
	bool        is_head;
	bool        is_preflight; /* OPTIONS */
	bool        is_read;      /* GET or HEAD */
	bool        is_keep_alive;
	bool        is_old; /* HTTP/1.0 */
	bool        expects_continue;

	/* Microseconds of the monotonic clock; 0: not yet */
	int64_t started_at;
	int64_t queued_at;
	int64_t sent_at; /* to the database */
} CgRequest;

/* A header line; the bytes are the connection's input. */
typedef struct CgField
{
	const char *name; /* lower case */
	size_t      name_length;
	const char *value; /* without white space around it */
	size_t      value_length;
} CgField;

/* Over this many header lines: 431. */
#define CG_FIELDS_MAX 100

typedef struct CgFields
{
	CgField field[CG_FIELDS_MAX];
	size_t  count;
	bool    is_overflowing;
	bool    is_value; /* the parser is in a value */
} CgFields;

/* NULL when memory ran out. */
extern CgRequest *cg_request_new(struct CgConnection *connection);
extern void       cg_request_free(CgRequest *request);

/*
 * Judges the head of a request and keeps what the database needs of it: method,
 * target, headers with x-request-id and x-cg-peer.  Returns false with the refusal
 * filled in.
 */
extern bool cg_request_seal(CgRequest *request, const char *target, size_t target_length,
							const CgFields *fields, const char *peer);

/*
 * Appends to the body; false with the refusal filled in when it is longer than may
 * be, or all bodies together are longer than cg_request_bodies_limit() allows.
 */
extern bool cg_request_body(CgRequest *request, const char *bytes, size_t length);
extern void cg_request_bodies_limit(int64_t bytes);

/*
 * Copies the Origin header of a head that was not sealed, as far as it arrived: "" when
 * there is none, or a longer one than an origin is.
 */
extern void cg_request_find_origin(const CgBuffer *input, char origin[CG_ORIGIN_MAX + 1]);

/* Gives back headers and body once the database has them. */
extern void cg_request_forget(CgRequest *request);

/* An identifier for an answer without a request. */
extern void cg_request_make_id(char id[CG_REQUEST_ID_MAX + 1]);

#endif /* CG_GATE_REQUEST_H */
