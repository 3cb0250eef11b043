/*
 * parser.c
 *		Head, body and trailer of a request.
 *
 * The head is collected whole, passes the strict scan of head.c byte by byte as it
 * comes, and is given to llhttp in one piece, so that its callbacks point into one
 * block.  The body goes through llhttp as it arrives.  After the last chunk llhttp
 * is left: its trailer accepts continued lines and a bare LF; ours does not.
 *
 * llhttp is compiled in strict mode (see the Makefile) and no lenient flag is set.
 *
 * Called by:	connection.c
 * Shown by:	test/t/100_gate_http.pl
 */
#include <ctype.h>
#include <string.h>

#include "gate/parser.h"

/* More chunk extension than any client has a use for. */
#define EXTENSION_BYTES_MAX 1024

/* What llhttp's callbacks work on while a head is parsed. */
typedef struct HeadContext
{
	CgFields    fields;
	const char *target;
	size_t      target_length;
} HeadContext;

static HeadContext head_context; /* one thread; valid during parse_head() only */

static int
on_url(llhttp_t *parser, const char *at, size_t length)
{
	(void) parser;
	if (head_context.target == NULL)
		head_context.target = at;
	head_context.target_length = (size_t) (at + length - head_context.target);
	return HPE_OK;
}

static int
on_header_field(llhttp_t *parser, const char *at, size_t length)
{
	CgFields *fields = &head_context.fields;
	CgField  *field;

	(void) parser;
	if (fields->count == 0 || fields->is_value)
	{
		if (fields->count == CG_FIELDS_MAX)
		{
			fields->is_overflowing = true;
			return HPE_OK;
		}
		fields->is_value = false;
		field = &fields->field[fields->count++];
		memset(field, 0, sizeof(*field));
		field->name = at;
	}
	field = &fields->field[fields->count - 1];
	field->name_length = (size_t) (at + length - field->name);
	return HPE_OK;
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t length)
{
	CgFields *fields = &head_context.fields;
	CgField  *field = &fields->field[fields->count - 1];

	(void) parser;
	if (fields->is_overflowing)
		return HPE_OK;
	if (field->value == NULL)
		field->value = at;
	field->value_length = (size_t) (at + length - field->value);
	return HPE_OK;
}

static int
on_header_value_complete(llhttp_t *parser)
{
	(void) parser;
	head_context.fields.is_value = true;
	return HPE_OK;
}

static int
on_headers_complete(llhttp_t *parser)
{
	/* No protocol is switched to: such a request is an ordinary one. */
	parser->upgrade = 0;
	return HPE_OK;
}

static int
on_body(llhttp_t *parser, const char *at, size_t length)
{
	return cg_request_body(parser->data, at, length) ? HPE_OK : HPE_USER;
}

static int
on_chunk_header(llhttp_t *parser)
{
	return parser->content_length > 0 ? HPE_OK : HPE_PAUSED;
}

static int
on_chunk_extension(llhttp_t *parser, const char *at, size_t length)
{
	CgRequest *request = parser->data;

	(void) at;
	request->extension_bytes += length;
	if (request->extension_bytes <= EXTENSION_BYTES_MAX)
		return HPE_OK;
	cg_refuse(&request->refusal, 400, CG_CODE_MALFORMED, "too much chunk extension");
	return HPE_USER;
}

static int
on_message_complete(llhttp_t *parser)
{
	CgRequest *request = parser->data;

	request->phase = CG_PHASE_DONE;
	return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_chunk_header = on_chunk_header,
	.on_chunk_extension_name = on_chunk_extension,
	.on_chunk_extension_value = on_chunk_extension,
	.on_message_complete = on_message_complete,
};

static CgParseResult
refused(CgRequest *request, int status, const char *code, const char *message)
{
	/* The first reason stands. */
	if (request->refusal.status == 0)
		cg_refuse(&request->refusal, status, code, message);
	return CG_PARSE_REFUSED;
}

static CgParseResult
refused_by_llhttp(CgRequest *request)
{
	const char *reason = llhttp_get_error_reason(&request->parser);

	/* There is none when a callback refused. */
	return refused(request, 400, CG_CODE_MALFORMED,
				   reason != NULL ? reason : "not an HTTP request");
}

/* Lower-case names and values without white space around them. */
static void
tidy_fields(CgBuffer *input, CgFields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
	{
		CgField *field = &fields->field[i];
		char    *name = input->data + (field->name - input->data);

		for (size_t j = 0; j < field->name_length; j++)
			name[j] = (char) tolower((unsigned char) name[j]);
		if (field->value == NULL)
			field->value = "";
		while (field->value_length > 0 && strchr(" \t", *field->value) != NULL)
		{
			field->value++;
			field->value_length--;
		}
		while (field->value_length > 0 &&
			   strchr(" \t", field->value[field->value_length - 1]) != NULL)
			field->value_length--;
	}
}

/* The head is complete: request->head_bytes at the start of the input. */
static CgParseResult
parse_head(CgRequest *request, CgBuffer *input, const CgSettings *settings,
		   const char *peer)
{
	llhttp_errno_t error;

	head_context.fields.count = 0;
	head_context.fields.is_overflowing = head_context.fields.is_value = false;
	head_context.target = NULL;
	head_context.target_length = 0;
	llhttp_init(&request->parser, HTTP_REQUEST, &callbacks);
	request->parser.data = request;
	request->phase = CG_PHASE_BODY;
	error = llhttp_execute(&request->parser, input->data, request->head_bytes);
	if (error != HPE_OK && error != HPE_PAUSED)
		return refused_by_llhttp(request);
	if (head_context.target == NULL)
		return refused(request, 400, CG_CODE_MALFORMED, "not an HTTP request");
	tidy_fields(input, &head_context.fields);
	request->body_limit = settings->body_bytes;
	/* Judged before the body, for it says whether one may come, and how it is framed. */
	if (!cg_request_seal(request, head_context.target, head_context.target_length,
						 &head_context.fields, peer))
		return CG_PARSE_REFUSED;
	request->is_keep_alive = llhttp_should_keep_alive(&request->parser) != 0;
	cg_buffer_consume(input, request->head_bytes);
	if (request->phase == CG_PHASE_DONE)
		return CG_PARSE_COMPLETE;
	/* Refused before a byte of it is read, and before the client is told to send it. */
	if (request->parser.content_length > (uint64_t) settings->body_bytes)
		return refused(request, 413, CG_CODE_BODY_SIZE,
					   "the body is larger than this server takes");
	return CG_PARSE_HEAD;
}

/* Scans on in head or trailer; *result is set when that decides the matter. */
static bool
scan(CgRequest *request, const CgBuffer *input, size_t offset, int64_t limit,
	 CgParseResult *result)
{
	int64_t      room = limit - (int64_t) request->head_bytes;
	size_t       length = input->length - offset;
	size_t       used;
	CgHeadResult found;

	/* The limit may have become smaller since the last look. */
	if ((int64_t) length > room)
		length = room > 0 ? (size_t) room : 0;
	found = cg_head_scan(&request->head, input->data + offset, length, &used);
	request->head_bytes += used;
	if (found == CG_HEAD_DONE)
		return false;
	if (found == CG_HEAD_BAD)
		*result = refused(request, 400, CG_CODE_MALFORMED, request->head.problem);
	else if ((int64_t) request->head_bytes >= limit)
		*result = refused(request, 431, CG_CODE_HEADER_SIZE,
						  "the headers are larger than this server takes");
	else
		*result = CG_PARSE_MORE;
	return true;
}

static CgParseResult
run_head(CgRequest *request, CgBuffer *input, const CgSettings *settings,
		 const char *peer)
{
	CgParseResult result;

	if (request->head_bytes >= input->length)
		return CG_PARSE_MORE;
	if (scan(request, input, request->head_bytes, settings->header_bytes, &result))
		return result;
	return parse_head(request, input, settings, peer);
}

static CgParseResult
run_body(CgRequest *request, CgBuffer *input)
{
	llhttp_errno_t error = llhttp_execute(&request->parser, input->data, input->length);

	if (error == HPE_OK)
	{
		input->length = 0;
		return CG_PARSE_MORE;
	}
	if (error != HPE_PAUSED)
		return refused_by_llhttp(request);
	cg_buffer_consume(input,
					  (size_t) (llhttp_get_error_pos(&request->parser) - input->data));
	if (request->phase == CG_PHASE_DONE)
		return CG_PARSE_COMPLETE;
	request->phase = CG_PHASE_TRAILER;
	request->head_bytes = 0;
	cg_head_start_trailer(&request->head);
	return CG_PARSE_HEAD;
}

static CgParseResult
run_trailer(CgRequest *request, CgBuffer *input, const CgSettings *settings)
{
	size_t        before = request->head_bytes;
	CgParseResult result;

	if (scan(request, input, 0, settings->header_bytes, &result))
	{
		if (result == CG_PARSE_MORE)
			input->length = 0;
		return result;
	}
	cg_buffer_consume(input, request->head_bytes - before);
	request->phase = CG_PHASE_DONE;
	return CG_PARSE_COMPLETE;
}

CgParseResult
cg_parser_run(CgRequest *request, CgBuffer *input, const CgSettings *settings,
			  const char *peer)
{
	if (input->length == 0)
		return CG_PARSE_MORE;
	switch (request->phase)
	{
		case CG_PHASE_HEAD:
			return run_head(request, input, settings, peer);
		case CG_PHASE_BODY:
			return run_body(request, input);
		case CG_PHASE_TRAILER:
			return run_trailer(request, input, settings);
		case CG_PHASE_DONE:
			break;
	}
	return CG_PARSE_COMPLETE;
}
