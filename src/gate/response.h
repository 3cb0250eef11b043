/*
 * response.h
 *		Writes response heads, and whole answers of the gate's own.
 */
#ifndef CG_GATE_RESPONSE_H
#define CG_GATE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "gate/buffer.h"
#include "gate/refusal.h"

/* What the head depends on besides the database's answer. */
typedef struct CgResponseFrame
{
	const char *id;
	bool        is_head; /* the answer to HEAD: no body follows */
	bool        is_old;  /* HTTP/1.0 */
	bool        is_keep_alive;
	bool        is_preflight; /* the answer to OPTIONS */
	const char *origins; /* NULL: the database's answer, which has its CORS headers */
	const char *origin;  /* the request's, "" when it is not known */
} CgResponseFrame;

/*
 * Writes the head of the database's answer and says by *with_body whether the body
 * follows.  Its headers are lines of name, colon, blank and value, each ended by CR LF.
 * The gate owns the headers of the framing, Date and X-Request-Id, and adds each security
 * header that the answer lacks, and CORS headers to its own.  Returns false, with out as
 * it was, when the answer cannot be sent: a status out of range, headers that are anything
 * but such lines, a control character in a value, or no memory.
 */
extern bool cg_response_head(CgBuffer *out, const CgResponseFrame *frame, int status,
							 const char *headers, size_t headers_length,
							 size_t body_length, bool *with_body);

/*
 * Writes a whole answer for a refusal and returns the length of its body; sets
 * out->failed when memory runs out.
 */
extern size_t cg_response_refusal(CgBuffer *out, const CgResponseFrame *frame,
								  const CgRefusal *refusal);

#endif /* CG_GATE_RESPONSE_H */
