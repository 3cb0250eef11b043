/*
 * parser.h
 *		Turns a connection's input into a request, by llhttp.
 */
#ifndef CG_GATE_PARSER_H
#define CG_GATE_PARSER_H

#include "gate/buffer.h"
#include "gate/request.h"
#include "gate/settings.h"

typedef enum CgParseResult
{
	CG_PARSE_MORE,     /* all input was taken, the request goes on */
	CG_PARSE_HEAD,     /* the head was taken and a body follows: call again */
	CG_PARSE_COMPLETE, /* the request was taken; what is left belongs to the next one */
	CG_PARSE_REFUSED   /* request->refusal says why; the connection is beyond repair */
} CgParseResult;

/* Takes what it can from the input. */
extern CgParseResult cg_parser_run(CgRequest *request, CgBuffer *input,
								   const CgSettings *settings, const char *peer);

#endif /* CG_GATE_PARSER_H */
