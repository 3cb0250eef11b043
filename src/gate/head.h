/*
 * head.h
 *		Finds the end of a request head, strictly, while the bytes arrive.
 *
 * What a lenient parser forgives, two parsers forgive differently, and a request
 * hides in the gap.  So before llhttp sees a head, every byte of it has passed here:
 * lines end in CR LF and nothing else, there are no control characters, one space
 * stands between the parts of the request line, a header line is a token, a colon
 * at once and a value, and no line is continued.
 */
#ifndef CG_GATE_HEAD_H
#define CG_GATE_HEAD_H

#include <stddef.h>

typedef enum CgHeadResult
{
	CG_HEAD_MORE, /* all bytes were taken and fit so far */
	CG_HEAD_DONE, /* the empty line was taken */
	CG_HEAD_BAD
} CgHeadResult;

typedef struct CgHead
{
	int         state;   /* private to head.c */
	int         matched; /* bytes of "HTTP/1." that were seen */
	const char *problem; /* what CG_HEAD_BAD means, for the client */
} CgHead;

/* Expects a request line and headers; empty lines before it are passed over. */
extern void cg_head_start(CgHead *head);

/* Expects the trailer section of a chunked body. */
extern void cg_head_start_trailer(CgHead *head);

/* Takes bytes; *used says how many. */
extern CgHeadResult cg_head_scan(CgHead *head, const char *bytes, size_t length,
								 size_t *used);

/* Whether c may stand in a header name or a method. */
extern int cg_is_token_char(unsigned char c);

#endif /* CG_GATE_HEAD_H */
