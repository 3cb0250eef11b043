/*
 * client_request.c
 *		Copies and checks what a caller wants sent.
 *
 * What frames a message is ours to write: a header of the caller's that said another
 * length or host would let one request pass for two.  Encodings are not accepted,
 * because a kilobyte could unpack to gigabytes.
 *
 * Memory:		malloc.
 * Errors:		none raised.
 * Called by:	client.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "outbound/client_internal.h"

#define KEPT_RESPONSE_SIZE (64 * 1024)
#define METHOD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
#define NAME_CHARACTERS                                                                  \
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Written by libcurl, or never sent. */
static const char *const reserved_headers[] = {
	"Accept-Encoding",
	"Connection",
	"Content-Length",
	"Expect",
	"Host",
	"Keep-Alive",
	"Proxy-Connection",
	"Proxy-Authenticate",
	"TE",
	"Proxy-Authorization",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
};

/* What libcurl would add unless told not to. */
static const char *const unwanted_headers[] = {"Accept", "Content-Type", "Expect"};

static bool refuse(CgTransfer *transfer, CgHttpOutcome outcome, const char *error);
static bool take_headers(CgTransfer *transfer, const CgHttpClientRequest *request);
static bool add_header(CgTransfer *transfer, const char *text);
static bool is_header(const char *text);
static bool is_named(const char *header, const char *name);
static bool append(CgTransfer *transfer, const char *text);

bool
cg_transfer_take(CgTransfer *transfer, const CgHttpClientRequest *request)
{
	const char *reason;

	transfer->tag = request->tag;
	transfer->policy = *request->policy;
	transfer->max_response_bytes = request->max_response_bytes;
	transfer->may_repeat = request->may_repeat;
	transfer->connect_by = transfer->submitted_at + Max(request->connect_timeout_ms, 1);
	transfer->end_by = transfer->submitted_at + Max(request->total_timeout_ms, 1);
	transfer->connect_by = Min(transfer->connect_by, transfer->end_by);

	if (!cg_destination_parse(request->url, request->policy, &transfer->destination,
							  &reason))
		return refuse(transfer, CG_HTTP_BAD_URL, reason);
	if (request->method[0] == '\0' ||
		request->method[strspn(request->method, METHOD_CHARACTERS)] != '\0' ||
		strcmp(request->method, "CONNECT") == 0)
		return refuse(transfer, CG_HTTP_BAD_REQUEST, "invalid method");
	if (!take_headers(transfer, request))
		return false;

	transfer->method = strdup(request->method);
	transfer->body = malloc(request->body_length + 1);
	if (transfer->method == NULL || transfer->body == NULL)
		return refuse(transfer, CG_HTTP_OTHER, "out of memory");
	if (request->body_length > 0)
		memcpy(transfer->body, request->body, request->body_length);
	transfer->body_length = request->body_length;
	return true;
}

/* One of them holds a key. */
static void
cleanse_headers(CgTransfer *transfer)
{
	for (struct curl_slist *one = transfer->headers; one != NULL; one = one->next)
		OPENSSL_cleanse(one->data, strlen(one->data));
}

void
cg_transfer_clear(CgTransfer *transfer)
{
	CURL         *easy = transfer->easy;
	CgHttpBuffer  response = transfer->response;
	CgHttpClient *client = transfer->client;

	Assert(transfer->name == NULL);
	curl_free(transfer->destination.url);
	cleanse_headers(transfer);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	free(transfer->method);
	free(transfer->body);
	if (response.size > KEPT_RESPONSE_SIZE)
	{
		free(response.data);
		memset(&response, 0, sizeof(response));
	}
	memset(transfer, 0, sizeof(*transfer));
	transfer->client = client;
	transfer->easy = easy;
	transfer->response = response;
	transfer->response.length = 0;
}

static bool
refuse(CgTransfer *transfer, CgHttpOutcome outcome, const char *error)
{
	transfer->outcome = outcome;
	strlcpy(transfer->error, error, sizeof(transfer->error));
	return false;
}

static bool
take_headers(CgTransfer *transfer, const CgHttpClientRequest *request)
{
	for (int i = 0; i < request->header_count; i++)
		if (!add_header(transfer, request->headers[i]))
			return false;
	for (int i = 0; i < lengthof(unwanted_headers); i++)
	{
		char text[64];
		bool is_given = false;

		for (int j = 0; j < request->header_count; j++)
			is_given |= is_named(request->headers[j], unwanted_headers[i]);
		snprintf(text, sizeof(text), "%s:", unwanted_headers[i]);
		if (!is_given && !append(transfer, text))
			return false;
	}
	return true;
}

static bool
add_header(CgTransfer *transfer, const char *text)
{
	size_t      name_length = strcspn(text, ":");
	char        name[CG_HEADER_VALUE_SIZE];
	const char *fault = cg_http_header_fault(text);

	if (fault != NULL)
		return refuse(transfer, CG_HTTP_BAD_REQUEST, fault);
	if (text[name_length + 1 + strspn(text + name_length + 1, " \t")] != '\0')
		return append(transfer, text);

	/* libcurl's way to write a header without a value */
	if (name_length + 2 > sizeof(name))
		return refuse(transfer, CG_HTTP_BAD_REQUEST, "invalid header");
	snprintf(name, sizeof(name), "%.*s;", (int) name_length, text);
	return append(transfer, name);
}

const char *
cg_http_header_fault(const char *header)
{
	if (!is_header(header))
		return "invalid header";
	for (int i = 0; i < lengthof(reserved_headers); i++)
		if (is_named(header, reserved_headers[i]))
			return "reserved header";
	return NULL;
}

/* A token, a colon, and no control character after it. */
static bool
is_header(const char *text)
{
	size_t name_length = strspn(text, NAME_CHARACTERS);

	if (name_length == 0 || text[name_length] != ':')
		return false;
	for (const char *c = text + name_length + 1; *c != '\0'; c++)
		if (((unsigned char) *c < ' ' && *c != '\t') || *c == 0x7f)
			return false;
	return true;
}

static bool
is_named(const char *header, const char *name)
{
	size_t length = strlen(name);

	return pg_strncasecmp(header, name, length) == 0 && header[length] == ':';
}

static bool
append(CgTransfer *transfer, const char *text)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, text);

	if (longer == NULL)
		return refuse(transfer, CG_HTTP_OTHER, "out of memory");
	transfer->headers = longer;
	return true;
}
