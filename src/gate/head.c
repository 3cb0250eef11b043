/*
 * head.c
 *		The state machine over the bytes of a request head.
 *
 * One function per state; it looks at one byte and names the next state, or BAD with
 * the problem written.  No memory, no errors but these.
 *
 * Called by:	parser.c; request.c and response.c for single bytes
 * Shown by:	test/t/100_gate_http.pl
 */
#include <string.h>

#include "gate/head.h"

typedef enum State
{
	BEFORE,    /* empty lines before the request line, or its first byte */
	BEFORE_LF, /* CR of such a line was seen */
	METHOD,
	TARGET_START,
	TARGET,
	VERSION, /* "HTTP/1." */
	VERSION_MINOR,
	REQUEST_CR,
	LINE_LF, /* CR of a line was seen */
	LINE_START,
	NAME,
	VALUE,
	LAST_LF, /* CR of the empty line was seen */
	DONE,
	BAD
} State;

int
cg_is_token_char(unsigned char c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		   (c != '\0' && strchr(others, c) != NULL);
}

static State
bad(CgHead *head, const char *problem)
{
	head->problem = problem;
	return BAD;
}

static State
expect(CgHead *head, unsigned char c, char wanted, State next, const char *problem)
{
	return c == (unsigned char) wanted ? next : bad(head, problem);
}

static State
in_before(CgHead *head, unsigned char c)
{
	if (c == '\r')
		return BEFORE_LF;
	if (c >= 'A' && c <= 'Z')
		return METHOD;
	return bad(head, c == 0x16 ? "this port does not speak TLS" : "not an HTTP request");
}

static State
in_method(CgHead *head, unsigned char c)
{
	if (c == ' ')
		return TARGET_START;
	return cg_is_token_char(c) ? METHOD : bad(head, "malformed method");
}

static State
in_target(CgHead *head, unsigned char c)
{
	if (c > ' ' && c < 0x7f)
		return TARGET;
	head->matched = 0;
	return c == ' ' && head->state == TARGET ? VERSION
											 : bad(head, "malformed request target");
}

static State
in_version(CgHead *head, unsigned char c)
{
	static const char wanted[] = "HTTP/1.";

	if (c != (unsigned char) wanted[head->matched])
		return bad(head, "not HTTP/1.0 or HTTP/1.1");
	return wanted[++head->matched] == '\0' ? VERSION_MINOR : VERSION;
}

static State
in_version_minor(CgHead *head, unsigned char c)
{
	return c == '0' || c == '1' ? REQUEST_CR : bad(head, "not HTTP/1.0 or HTTP/1.1");
}

static State
in_line_start(CgHead *head, unsigned char c)
{
	if (c == '\r')
		return LAST_LF;
	if (c == ' ' || c == '\t')
		return bad(head, "a header line must not be continued");
	return cg_is_token_char(c) ? NAME : bad(head, "malformed header name");
}

static State
in_name(CgHead *head, unsigned char c)
{
	if (c == ':')
		return VALUE;
	if (c == ' ' || c == '\t')
		return bad(head, "white space before the colon of a header");
	return cg_is_token_char(c) ? NAME : bad(head, "malformed header name");
}

static State
in_value(CgHead *head, unsigned char c)
{
	if ((c >= ' ' && c != 0x7f) || c == '\t')
		return VALUE;
	if (c == '\r')
		return LINE_LF;
	return bad(head, c == '\n' ? "a line must end in CR LF"
							   : "control character in a header value");
}

static State
next_state(CgHead *head, unsigned char c)
{
	static const char ending[] = "a line must end in CR LF";

	switch ((State) head->state)
	{
		case BEFORE:
			return in_before(head, c);
		case BEFORE_LF:
			return expect(head, c, '\n', BEFORE, ending);
		case METHOD:
			return in_method(head, c);
		case TARGET_START:
		case TARGET:
			return in_target(head, c);
		case VERSION:
			return in_version(head, c);
		case VERSION_MINOR:
			return in_version_minor(head, c);
		case REQUEST_CR:
			return expect(head, c, '\r', LINE_LF, ending);
		case LINE_LF:
			return expect(head, c, '\n', LINE_START, ending);
		case LINE_START:
			return in_line_start(head, c);
		case NAME:
			return in_name(head, c);
		case VALUE:
			return in_value(head, c);
		case LAST_LF:
			return expect(head, c, '\n', DONE, ending);
		case DONE:
		case BAD:
			break;
	}
	return bad(head, "not an HTTP request");
}

void
cg_head_start(CgHead *head)
{
	memset(head, 0, sizeof(*head));
	head->state = BEFORE;
}

void
cg_head_start_trailer(CgHead *head)
{
	memset(head, 0, sizeof(*head));
	head->state = LINE_START;
}

CgHeadResult
cg_head_scan(CgHead *head, const char *bytes, size_t length, size_t *used)
{
	for (size_t i = 0; i < length; i++)
	{
		/* Most bytes of a head are in values. */
		while (head->state == VALUE && i < length - 1 && bytes[i] >= ' ' &&
			   bytes[i] < 0x7f)
			i++;
		head->state = next_state(head, (unsigned char) bytes[i]);
		if (head->state == DONE || head->state == BAD)
		{
			*used = i + 1;
			return head->state == DONE ? CG_HEAD_DONE : CG_HEAD_BAD;
		}
	}
	*used = length;
	return CG_HEAD_MORE;
}
