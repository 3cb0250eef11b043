/*
 * request.c
 *		Judges request heads and turns them into what the database is sent.
 *
 * The bytes were checked line by line (head.c) and understood by llhttp; here is
 * what concerns several headers at once: which must be there, once, and with what.
 *
 * Memory:		one block and three buffers a request; all bodies together are
 *				bounded, whatever the number of connections.
 * Called by:	parser.c judges heads by it; the others read what it made
 * Shown by:	test/t/100_gate_http.pl
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include "gate/json.h"
#include "gate/request.h"
#include "gate/timer.h"

static size_t  bodies_length;
static int64_t bodies_limit = INT64_MAX;

int
cg_refuse(CgRefusal *refusal, int status, const char *code, const char *message)
{
	refusal->status = status;
	snprintf(refusal->code, sizeof(refusal->code), "%s", code);
	refusal->message = message;
	refusal->hint = NULL;
	return false;
}

static bool
malformed(CgRequest *request, const char *message)
{
	return cg_refuse(&request->refusal, 400, CG_CODE_MALFORMED, message);
}

void
cg_request_make_id(char id[CG_REQUEST_ID_MAX + 1])
{
	static uint64_t start;
	static uint64_t number;

	if (start == 0 && getrandom(&start, sizeof(start), GRND_NONBLOCK) != sizeof(start))
		start = (uint64_t) cg_clock() << 20 ^ (uint64_t) getpid();
	snprintf(id, CG_REQUEST_ID_MAX + 1, "%016llx-%llx", (unsigned long long) start,
			 (unsigned long long) ++number);
}

CgRequest *
cg_request_new(struct CgConnection *connection)
{
	CgRequest *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->connection = connection;
	request->started_at = cg_clock();
	cg_request_make_id(request->id);
	cg_head_start(&request->head);
	return request;
}

void
cg_request_forget(CgRequest *request)
{
	bodies_length -= request->body.length;
	cg_buffer_free(&request->fields);
	cg_buffer_free(&request->body);
}

void
cg_request_free(CgRequest *request)
{
	cg_request_forget(request);
	cg_buffer_free(&request->target);
	free(request);
}

void
cg_request_bodies_limit(int64_t bytes)
{
	bodies_limit = bytes;
}

bool
cg_request_body(CgRequest *request, const char *bytes, size_t length)
{
	if ((int64_t) (request->body.length + length) > request->body_limit)
		return cg_refuse(&request->refusal, 413, CG_CODE_BODY_SIZE,
						 "the body is larger than this server takes");
	if ((int64_t) (bodies_length + length) <= bodies_limit)
		cg_buffer_append(&request->body, bytes, length);
	else
		request->body.failed = true;
	if (request->body.failed)
		return cg_refuse(&request->refusal, 503, CG_CODE_OVERLOADED,
						 "the server has no memory for the body now");
	bodies_length += length;
	return true;
}

static bool
is_named(const CgField *field, const char *name)
{
	return field->name_length == strlen(name) &&
		   memcmp(field->name, name, field->name_length) == 0;
}

static bool
has_value(const CgField *field, const char *value)
{
	return field->value_length == strlen(value) &&
		   strncasecmp(field->value, value, field->value_length) == 0;
}

/* The first header of that name, or NULL; *count says how many there are. */
static const CgField *
find_field(const CgFields *fields, const char *name, int *count)
{
	const CgField *found = NULL;

	*count = 0;
	for (size_t i = 0; i < fields->count; i++)
	{
		if (!is_named(&fields->field[i], name))
			continue;
		if ((*count)++ == 0)
			found = &fields->field[i];
	}
	return found;
}

static bool
is_authority(const char *bytes, size_t length)
{
	static const char marks[] = "-._~%!$&'()*+;=:[]";

	for (size_t i = 0; i < length; i++)
	{
		char c = bytes[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!(c >= '0' && c <= '9') && (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return true;
}

static bool
check_framing(CgRequest *request, const CgFields *fields)
{
	int            hosts;
	int            lengths;
	int            encodings;
	const CgField *host = find_field(fields, "host", &hosts);
	const CgField *encoding = find_field(fields, "transfer-encoding", &encodings);

	(void) find_field(fields, "content-length", &lengths);
	if (hosts > 1 || (hosts == 0 && !request->is_old))
		return malformed(request, "exactly one Host header is required");
	if (hosts == 1 && !is_authority(host->value, host->value_length))
		return malformed(request, "malformed Host header");
	if (lengths > 1)
		return malformed(request, "more than one Content-Length header");
	if (lengths > 0 && encodings > 0)
		return malformed(request, "Content-Length beside Transfer-Encoding");
	if (encodings > 0 &&
		(encodings > 1 || request->is_old || !has_value(encoding, "chunked")))
		return malformed(request, "Transfer-Encoding other than chunked");
	return true;
}

static bool
check_method(CgRequest *request, const CgFields *fields)
{
	int            count;
	const CgField *field = find_field(fields, "expect", &count);

	if (request->parser.method == HTTP_CONNECT || request->parser.method == HTTP_TRACE)
		return cg_refuse(&request->refusal, 405, CG_CODE_METHOD,
						 "this method is not served");
	if (count > 0 && !request->is_old)
	{
		if (count > 1 || !has_value(field, "100-continue"))
			return cg_refuse(&request->refusal, 417, CG_CODE_EXPECTATION,
							 "only \"100-continue\" can be expected");
		request->expects_continue = true;
	}
	return true;
}

/*
 * Reduces absolute form to origin form.  *authority is set to the target's, which
 * then counts in place of the Host header.
 */
static bool
keep_target(CgRequest *request, const char *target, size_t length, CgField *authority)
{
	size_t scheme = 0;

	if (length > 7 && strncasecmp(target, "http://", 7) == 0)
		scheme = 7;
	else if (length > 8 && strncasecmp(target, "https://", 8) == 0)
		scheme = 8;
	if (memchr(target, '#', length) != NULL)
		return malformed(request, "a request target has no fragment");
	if (scheme > 0)
	{
		authority->value = target + scheme;
		while (authority->value_length < length - scheme &&
			   memchr("/?", authority->value[authority->value_length], 2) == NULL)
			authority->value_length++;
		if (authority->value_length == 0 ||
			!is_authority(authority->value, authority->value_length))
			return malformed(request, "malformed request target");
		target = authority->value + authority->value_length;
		length -= scheme + authority->value_length;
		if (length == 0 || *target != '/')
			cg_buffer_char(&request->target, '/');
	}
	else if (*target != '/' &&
			 !(length == 1 && *target == '*' && request->parser.method == HTTP_OPTIONS))
		return malformed(request, "malformed request target");
	cg_buffer_append(&request->target, target, length);
	cg_buffer_char(&request->target, '\0');
	return true;
}

static void
keep_id(CgRequest *request, const CgFields *fields)
{
	int            count;
	const CgField *field = find_field(fields, "x-request-id", &count);

	if (count != 1 || field->value_length == 0 || field->value_length > CG_REQUEST_ID_MAX)
		return;
	for (size_t i = 0; i < field->value_length; i++)
	{
		char c = field->value[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return;
	}
	memcpy(request->id, field->value, field->value_length);
	request->id[field->value_length] = '\0';
}

static void
keep_origin(CgRequest *request, const CgFields *fields)
{
	int            count;
	const CgField *field = find_field(fields, "origin", &count);

	if (count != 1 || field->value_length > CG_ORIGIN_MAX)
		return;
	memcpy(request->origin, field->value, field->value_length);
	request->origin[field->value_length] = '\0';
}

/* Only whole lines: of one that is cut off, another origin would be read. */
void
cg_request_find_origin(const CgBuffer *input, char origin[CG_ORIGIN_MAX + 1])
{
	static const char name[] = "\norigin:";
	size_t            start = 0;
	size_t            end;

	origin[0] = '\0';
	while (start + strlen(name) < input->length &&
		   strncasecmp(input->data + start, name, strlen(name)) != 0)
		start++;
	if (start + strlen(name) >= input->length)
		return;
	start += strlen(name);
	while (start < input->length && input->data[start] == ' ')
		start++;
	for (end = start; end < input->length && input->data[end] > ' '; end++)
		;
	if (end == input->length || input->data[end] != '\r' || end - start > CG_ORIGIN_MAX)
		return;
	memcpy(origin, input->data + start, end - start);
	origin[end - start] = '\0';
}

static bool
is_same_name(const CgField *a, const CgField *b)
{
	return a->name_length == b->name_length &&
		   memcmp(a->name, b->name, a->name_length) == 0;
}

/* Writes the i-th header with all later ones of its name, unless an earlier did. */
static void
write_field(CgBuffer *out, const CgFields *fields, size_t i, const CgField *authority)
{
	const CgField *field = &fields->field[i];

	if (strncmp(field->name, "x-cg-", field->name_length < 5 ? field->name_length : 5) ==
			0 &&
		field->name_length >= 5)
		return;
	if (is_named(field, "x-request-id") ||
		(authority->value != NULL && is_named(field, "host")))
		return;
	for (size_t j = 0; j < i; j++)
	{
		if (is_same_name(&fields->field[j], field))
			return;
	}
	cg_buffer_text(out, ",\"");
	cg_json_escape(out, field->name, field->name_length);
	cg_buffer_text(out, "\":\"");
	cg_json_escape(out, field->value, field->value_length);
	for (size_t j = i + 1; j < fields->count; j++)
	{
		if (!is_same_name(&fields->field[j], field))
			continue;
		cg_buffer_text(out, ", ");
		cg_json_escape(out, fields->field[j].value, fields->field[j].value_length);
	}
	cg_buffer_char(out, '"');
}

static void
keep_fields(CgRequest *request, const CgFields *fields, const CgField *authority,
			const char *peer)
{
	CgBuffer *out = &request->fields;

	cg_buffer_text(out, "{\"x-request-id\":");
	cg_json_string(out, request->id);
	cg_buffer_text(out, ",\"x-cg-peer\":");
	cg_json_string(out, peer);
	if (authority->value != NULL)
	{
		cg_buffer_text(out, ",\"host\":\"");
		cg_json_escape(out, authority->value, authority->value_length);
		cg_buffer_char(out, '"');
	}
	for (size_t i = 0; i < fields->count; i++)
		write_field(out, fields, i, authority);
	cg_buffer_text(out, "}");
	cg_buffer_char(out, '\0');
}

/* Whether a path may be a webhook's; which business it means, the database says. */
static bool
is_webhook(const char *target, size_t path)
{
	static const char start[] = "/api/";
	static const char part[] = "/webhook";

	return path > strlen(start) && memcmp(target, start, strlen(start)) == 0 &&
		   memmem(target, path, part, strlen(part)) != NULL;
}

/*
 * Keeps what names who sent the request.  A webhook is of its path's account, whatever
 * token comes with it; of tokens the one counts that http() looks at.
 */
static bool
keep_caller(CgRequest *request, const CgFields *fields)
{
	static const char *const names[] = {"authorization", "apikey"};
	const char              *target = request->target.data;
	size_t                   path = strcspn(target, "?");
	CgBuffer                 token = {.data = NULL};
	bool                     is_whole;

	if (is_webhook(target, path))
	{
		cg_caller_key(&request->caller, CG_CALLER_PATH, target, path);
		return true;
	}
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]) && token.length == 0; n++)
	{
		for (size_t i = 0; i < fields->count; i++)
		{
			if (!is_named(&fields->field[i], names[n]))
				continue;
			cg_buffer_text(&token, names[n]);
			cg_buffer_char(&token, '\n');
			cg_buffer_append(&token, fields->field[i].value,
							 fields->field[i].value_length);
		}
	}
	is_whole = !token.failed;
	if (token.length > 0 && is_whole)
		cg_caller_key(&request->caller, CG_CALLER_TOKEN, token.data, token.length);
	cg_buffer_free(&token);
	return is_whole;
}

bool
cg_request_seal(CgRequest *request, const char *target, size_t target_length,
				const CgFields *fields, const char *peer)
{
	CgField authority = {.value = NULL};

	request->method = llhttp_method_name(request->parser.method);
	request->peer = peer;
	request->is_head = request->parser.method == HTTP_HEAD;
	request->is_read = request->is_head || request->parser.method == HTTP_GET;
	request->is_old = request->parser.http_minor == 0;
	request->is_preflight = request->parser.method == HTTP_OPTIONS;
	keep_id(request, fields);
	keep_origin(request, fields);
	if (fields->is_overflowing)
		return cg_refuse(&request->refusal, 431, CG_CODE_HEADER_SIZE, "too many headers");
	if (!check_framing(request, fields) || !check_method(request, fields) ||
		!keep_target(request, target, target_length, &authority))
		return false;
	keep_fields(request, fields, &authority, peer);
	if (request->target.failed || request->fields.failed || !keep_caller(request, fields))
		return cg_refuse(&request->refusal, 503, CG_CODE_OVERLOADED,
						 "the server has no memory for the request now");
	return true;
}
