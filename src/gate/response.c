/*
 * response.c
 *		Response heads.
 *
 * Nothing that the database says can break the framing: names must be tokens, values
 * free of control characters, and the headers that delimit messages are ours alone.
 *
 * Called by:	answer.c
 * Shown by:	test/t/100_gate_http.pl, test/t/105_gate_browser.pl
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "gate/answer_rules.h"
#include "gate/head.h"
#include "gate/json.h"
#include "gate/response.h"

/*
 * Defaults; the extension's answers may be stricter.  Strict-Transport-Security is for
 * whoever ends TLS: the gate does not speak it.
 */
static const CgAnswerHeader security_headers[] = {CG_SECURITY_HEADERS};

#define SECURITY_HEADERS (sizeof(security_headers) / sizeof(security_headers[0]))

/* Headers that only the gate writes; the database's are passed over. */
static const char *const own_headers[] = {
	"Connection", "Content-Length",    "Date",    "Keep-Alive",
	"Trailer",    "Transfer-Encoding", "Upgrade", "X-Request-Id",
};

typedef struct HeaderContext
{
	CgBuffer *out;
	bool      is_head;
	bool      has_length; /* a Content-Length for HEAD was passed on */
	unsigned  seen;       /* security headers, one bit each */
} HeaderContext;

static const char *
reason_of(int status)
{
	static const struct
	{
		int         status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
	{
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "";
}

static void
write_start(CgBuffer *out, const CgResponseFrame *frame, int status)
{
	static char   date[64];
	static time_t second = -1;
	time_t        now = time(NULL);
	struct tm     broken;

	if (now != second)
	{
		gmtime_r(&now, &broken);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &broken);
		second = now;
	}
	cg_buffer_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n", status,
					 reason_of(status), date, frame->id);
	if (!frame->is_keep_alive)
		cg_buffer_text(out, "Connection: close\r\n");
	else if (frame->is_old)
		cg_buffer_text(out, "Connection: keep-alive\r\n");
}

static void
write_header(CgBuffer *out, const CgAnswerHeader *header)
{
	cg_buffer_text(out, header->name);
	cg_buffer_text(out, ": ");
	cg_buffer_text(out, header->value);
	cg_buffer_text(out, "\r\n");
}

/* CORS for an answer of the gate's own; the database's answers bring theirs. */
static void
write_cors(CgBuffer *out, const CgResponseFrame *frame)
{
	CgAnswerHeader headers[CG_CORS_MOST];
	size_t         n;

	if (frame->origins == NULL)
		return;
	n = cg_cors_headers(frame->origins, frame->origin, frame->is_preflight, headers);
	for (size_t i = 0; i < n; i++)
		write_header(out, &headers[i]);
}

static bool
is_name(const char *bytes, size_t length, const char *name)
{
	return strlen(name) == length && strncasecmp(bytes, name, length) == 0;
}

static bool
is_valid_header(const char *name, size_t name_length, const char *value,
				size_t value_length)
{
	for (size_t i = 0; i < name_length; i++)
	{
		if (!cg_is_token_char((unsigned char) name[i]))
			return false;
	}
	for (size_t i = 0; i < value_length; i++)
	{
		unsigned char c = (unsigned char) value[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return name_length > 0;
}

/* The length that GET would have; the body was not made for HEAD. */
static bool
is_length_for_head(const HeaderContext *context, const char *name, size_t name_length,
				   const char *value, size_t value_length)
{
	for (size_t i = 0; i < value_length; i++)
	{
		if (value[i] < '0' || value[i] > '9')
			return false;
	}
	return context->is_head && !context->has_length && value_length > 0 &&
		   value_length < 19 && is_name(name, name_length, "Content-Length");
}

static bool
add_header(HeaderContext *context, const char *name, size_t name_length,
		   const char *value, size_t value_length)
{
	CgBuffer *out = context->out;

	if (!is_valid_header(name, name_length, value, value_length))
		return false;
	if (is_length_for_head(context, name, name_length, value, value_length))
		context->has_length = true;
	else
	{
		for (size_t i = 0; i < sizeof(own_headers) / sizeof(own_headers[0]); i++)
		{
			if (is_name(name, name_length, own_headers[i]))
				return true;
		}
	}
	for (size_t i = 0; i < SECURITY_HEADERS; i++)
	{
		if (is_name(name, name_length, security_headers[i].name))
			context->seen |= 1u << i;
	}
	cg_buffer_append(out, name, name_length);
	cg_buffer_text(out, ": ");
	cg_buffer_append(out, value, value_length);
	cg_buffer_text(out, "\r\n");
	return !out->failed;
}

/* Lines of "Name: value" and CR LF, nothing else: false when there is anything more. */
static bool
add_headers(HeaderContext *context, const char *lines, size_t length)
{
	const char *end = lines + length;

	while (lines < end)
	{
		const char *line_end = memchr(lines, '\r', (size_t) (end - lines));
		const char *colon;

		if (line_end == NULL || end - line_end < 2 || line_end[1] != '\n')
			return false;
		colon = memchr(lines, ':', (size_t) (line_end - lines));
		if (colon == NULL || line_end - colon < 2 || colon[1] != ' ' ||
			!add_header(context, lines, (size_t) (colon - lines), colon + 2,
						(size_t) (line_end - colon - 2)))
			return false;
		lines = line_end + 2;
	}
	return true;
}

bool
cg_response_head(CgBuffer *out, const CgResponseFrame *frame, int status,
				 const char *headers, size_t headers_length, size_t body_length,
				 bool *with_body)
{
	HeaderContext context = {.out = out, .is_head = frame->is_head};
	size_t        start = out->length;

	if (status < 200 || status > 599)
		return false;
	write_start(out, frame, status);
	if (!add_headers(&context, headers, headers_length))
	{
		out->length = start;
		return false;
	}
	for (size_t i = 0; i < SECURITY_HEADERS; i++)
	{
		if ((context.seen & 1u << i) == 0)
			write_header(out, &security_headers[i]);
	}
	write_cors(out, frame);
	*with_body = !frame->is_head && status != 204 && status != 304;
	/* 204 and 304 have no body by definition; of HEAD the length may be unknown. */
	if (*with_body || (frame->is_head && !context.has_length && body_length > 0))
		cg_buffer_printf(out, "Content-Length: %zu\r\n", body_length);
	cg_buffer_text(out, "\r\n");
	if (out->failed)
		out->length = start;
	return !out->failed;
}

size_t
cg_response_refusal(CgBuffer *out, const CgResponseFrame *frame, const CgRefusal *refusal)
{
	CgBuffer body = {.data = NULL};
	size_t   length;

	cg_buffer_text(&body, "{\"code\":");
	cg_json_string(&body, refusal->code);
	cg_buffer_text(&body, ",\"details\":null,\"hint\":");
	if (refusal->hint != NULL)
		cg_json_string(&body, refusal->hint);
	else
		cg_buffer_text(&body, "null");
	cg_buffer_text(&body, ",\"message\":");
	cg_json_string(&body, refusal->message);
	cg_buffer_char(&body, '}');

	write_start(out, frame, refusal->status);
	cg_buffer_text(out, "Content-Type: " CG_JSON_TYPE "\r\n");
	if (refusal->status == 503)
		cg_buffer_text(out, "Retry-After: 1\r\n");
	if (refusal->status == 405)
		cg_buffer_text(out, "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n");
	for (size_t i = 0; i < SECURITY_HEADERS; i++)
		write_header(out, &security_headers[i]);
	write_cors(out, frame);
	cg_buffer_printf(out, "Content-Length: %zu\r\n\r\n", body.length);
	if (!frame->is_head)
		cg_buffer_append(out, body.data, body.length);
	out->failed |= body.failed;
	length = frame->is_head ? 0 : body.length;
	cg_buffer_free(&body);
	return length;
}
