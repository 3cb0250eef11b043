/*
 * client_transfer.c
 *		One exchange by libcurl: its options, its callbacks, what its end means.
 *
 * libcurl is told the address to connect to (CONNECTTO), so it looks nothing up and
 * reuses a connection only for the same address.  The address is checked three times:
 * when the name was looked up, when a socket is opened, and before the request is
 * written, which covers reused connections too.
 *
 * That last callback is also how a request is kept from being sent twice.  When a
 * reused connection turns out dead, libcurl takes a new one and writes the request
 * again, without a word; but it asks before, and asks once more.
 *
 * HTTP/1.1 only: see docs/decisions/0006-http-client.md.
 *
 * Errors:		none raised; callbacks record and return.
 * Called by:	client.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <sys/socket.h>
#include <unistd.h>

#include "core/monotonic.h"
#include "outbound/client_internal.h"
#include "outbound/event_loop.h"

#define MAX_HEADER_BYTES (64 * 1024) /* of all headers, interim responses included */
#define MAX_IDLE_S 30 /* a connection idle for longer may be dead without a sign */
#define FIRST_RESPONSE_SIZE 1024

static const struct
{
	CURLcode      code;
	CgHttpOutcome outcome;
} outcomes[] = {
	{CURLE_COULDNT_RESOLVE_HOST, CG_HTTP_DNS},
	{CURLE_COULDNT_CONNECT, CG_HTTP_CONNECT},
	{CURLE_SSL_CONNECT_ERROR, CG_HTTP_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, CG_HTTP_TLS},
	{CURLE_SSL_CERTPROBLEM, CG_HTTP_TLS},
	{CURLE_SSL_CIPHER, CG_HTTP_TLS},
	{CURLE_SSL_CACERT_BADFILE, CG_HTTP_TLS},
	{CURLE_SSL_ISSUER_ERROR, CG_HTTP_TLS},
	{CURLE_SSL_INVALIDCERTSTATUS, CG_HTTP_TLS},
	{CURLE_OPERATION_TIMEDOUT, CG_HTTP_TIMEOUT},
	{CURLE_GOT_NOTHING, CG_HTTP_RESET},
	{CURLE_SEND_ERROR, CG_HTTP_RESET},
	{CURLE_RECV_ERROR, CG_HTTP_RESET},
	{CURLE_PARTIAL_FILE, CG_HTTP_RESET},
	{CURLE_WEIRD_SERVER_REPLY, CG_HTTP_RESET},
	{CURLE_UNSUPPORTED_PROTOCOL, CG_HTTP_RESET}, /* HTTP/0.9, say: no status line */
};

static bool          set_request(CgTransfer *transfer);
static bool          set_limits(CgTransfer *transfer);
static bool          set_connection(CgTransfer *transfer);
static bool          set_callbacks(CgTransfer *transfer);
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
								 struct curl_sockaddr *address);
static int           begin_request(void *arg, char *remote_address, char *local_address,
								   int remote_port, int local_port);
static size_t        take_header(char *data, size_t size, size_t count, void *arg);
static void   keep_value(const char *data, size_t length, const char *name, char *value);
static size_t take_body(char *data, size_t size, size_t count, void *arg);
static bool   append_bytes(CgHttpBuffer *buffer, const char *data, size_t length);

/* An option of the handle; false ends the chain of a caller. */
#define SET(option, value)                                                               \
	(curl_easy_setopt(transfer->easy, (option), (value)) == CURLE_OK)

bool
cg_transfer_prepare(CgTransfer *transfer)
{
	if (transfer->easy == NULL)
		transfer->easy = curl_easy_init();
	else
		curl_easy_reset(transfer->easy);
	transfer->error[0] = '\0';
	return transfer->easy != NULL && set_request(transfer) && set_limits(transfer) &&
		   set_connection(transfer) && set_callbacks(transfer);
}

static bool
set_request(CgTransfer *transfer)
{
	bool has_body = transfer->body_length > 0 || strcmp(transfer->method, "POST") == 0 ||
					strcmp(transfer->method, "PUT") == 0 ||
					strcmp(transfer->method, "PATCH") == 0;

	if (!SET(CURLOPT_URL, transfer->destination.url) ||
		!SET(CURLOPT_HTTPHEADER, transfer->headers))
		return false;
	if (strcmp(transfer->method, "HEAD") == 0)
		return SET(CURLOPT_NOBODY, 1L);
	/* an empty body is sent as one where the method has a body */
	if (has_body &&
		(!SET(CURLOPT_POSTFIELDS, transfer->body) ||
		 !SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) transfer->body_length)))
		return false;
	return SET(CURLOPT_CUSTOMREQUEST, transfer->method);
}

/* Nothing but what was asked for: no proxy, no redirect, no credentials of a file. */
static bool
set_limits(CgTransfer *transfer)
{
	int64 now = cg_monotonic_ms();
	int64 connect_ms = Max(transfer->connect_by - now, 1);

	/* the last address may use all that is left */
	if (transfer->address_at + 1 < transfer->address_count)
		connect_ms = Max(connect_ms / 2, 1);
	return SET(CURLOPT_CONNECTTIMEOUT_MS, (long) connect_ms) &&
		   SET(CURLOPT_TIMEOUT_MS, (long) Max(transfer->end_by - now, 1)) &&
		   SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
		   SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PROXY, "") &&
		   SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) &&
		   SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
}

/*
 * The authorities are those of the bundle alone: libcurl keeps what it has read of it, but
 * with a directory beside it reads all anew for each handshake, some 20 ms in which nothing
 * else is sent (test/t/145_outbox_hostile.pl).
 */
static bool
set_connection(CgTransfer *transfer)
{
	const CgAddress *address = &transfer->addresses[transfer->address_at];
	char             text[INET6_ADDRSTRLEN];
	char             rule[INET6_ADDRSTRLEN + 8];

	cg_address_to_text(address, text);
	snprintf(rule, sizeof(rule), address->family == AF_INET6 ? "::[%s]:" : "::%s:", text);
	curl_slist_free_all(transfer->connect_to);
	transfer->connect_to = curl_slist_append(NULL, rule);
	if (transfer->connect_to == NULL)
		return false;
	return SET(CURLOPT_CONNECT_TO, transfer->connect_to) &&
		   SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L) &&
		   SET(CURLOPT_MAXAGE_CONN, (long) MAX_IDLE_S) &&
		   SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) &&
		   SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
		   SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) &&
		   SET(CURLOPT_CAPATH, NULL) &&
		   (transfer->client->ca_file == NULL ||
			SET(CURLOPT_CAINFO, transfer->client->ca_file));
}

static bool
set_callbacks(CgTransfer *transfer)
{
	return SET(CURLOPT_PRIVATE, transfer) && SET(CURLOPT_ERRORBUFFER, transfer->error) &&
		   SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
		   SET(CURLOPT_OPENSOCKETDATA, transfer) &&
		   SET(CURLOPT_PREREQFUNCTION, begin_request) &&
		   SET(CURLOPT_PREREQDATA, transfer) &&
		   SET(CURLOPT_HEADERFUNCTION, take_header) &&
		   SET(CURLOPT_HEADERDATA, transfer) && SET(CURLOPT_WRITEFUNCTION, take_body) &&
		   SET(CURLOPT_WRITEDATA, transfer);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	CgTransfer *transfer = arg;
	CgAddress   checked;

	if (!cg_address_from_sockaddr(&address->addr, &checked) ||
		!cg_destination_allows(&transfer->policy, &checked))
	{
		transfer->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
				  address->protocol);
}

/* On a connection that stands, before the first byte of the request is written. */
static int
begin_request(void *arg, char *remote_address, char *local_address, int remote_port,
			  int local_port)
{
	CgTransfer *transfer = arg;
	CgAddress   checked;

	if (!cg_address_from_text(remote_address, &checked) ||
		!cg_destination_allows(&transfer->policy, &checked))
		transfer->is_refused = true;
	else if (transfer->is_begun && !transfer->may_repeat)
		transfer->is_repeated = true;
	else
	{
		transfer->is_begun = true;
		return CURL_PREREQFUNC_OK;
	}
	return CURL_PREREQFUNC_ABORT;
}

static size_t
take_header(char *data, size_t size, size_t count, void *arg)
{
	CgTransfer *transfer = arg;
	size_t      length = size * count;

	transfer->header_bytes += length;
	if (transfer->header_bytes > MAX_HEADER_BYTES)
	{
		transfer->is_too_large = true;
		return 0;
	}
	keep_value(data, length, "Retry-After", transfer->retry_after);
	keep_value(data, length, "RateLimit-Reset", transfer->rate_limit_reset);
	keep_value(data, length, "X-RateLimit-Reset", transfer->rate_limit_reset);
	return length;
}

/* Copies the value of a header of that name; a longer one than fits is of no use. */
static void
keep_value(const char *data, size_t length, const char *name, char *value)
{
	size_t name_length = strlen(name);

	if (length <= name_length || data[name_length] != ':' ||
		pg_strncasecmp(data, name, name_length) != 0)
		return;
	data += name_length + 1;
	length -= name_length + 1;
	while (length > 0 && (*data == ' ' || *data == '\t'))
	{
		data++;
		length--;
	}
	while (length > 0 && (unsigned char) data[length - 1] <= ' ')
		length--;
	if (length >= CG_HEADER_VALUE_SIZE)
		return;
	memcpy(value, data, length);
	value[length] = '\0';
}

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	CgTransfer   *transfer = arg;
	CgHttpBuffer *response = &transfer->response;
	size_t        room = transfer->max_response_bytes - response->length;
	size_t        length = size * count;

	if (!append_bytes(response, data, Min(length, room)))
	{
		transfer->is_out_of_memory = true;
		return 0;
	}
	if (length > room)
	{
		transfer->is_too_large = true;
		return 0;
	}
	return length;
}

/* Keeps room for a NUL after the bytes. */
static bool
append_bytes(CgHttpBuffer *buffer, const char *data, size_t length)
{
	if (buffer->length + length >= buffer->size)
	{
		size_t size = Max(buffer->size * 2, FIRST_RESPONSE_SIZE);
		char  *larger;

		while (size <= buffer->length + length)
			size *= 2;
		larger = realloc(buffer->data, size);
		if (larger == NULL)
			return false;
		buffer->data = larger;
		buffer->size = size;
	}
	memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	return true;
}

void
cg_transfer_judge(CgTransfer *transfer, CURLcode code)
{
	const char *error = NULL;
	long        status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->status = (int) status;
	transfer->outcome =
		code == CURLE_OK && status >= 200 ? CG_HTTP_ANSWERED : CG_HTTP_OTHER;
	for (int i = 0; i < lengthof(outcomes); i++)
		if (outcomes[i].code == code)
			transfer->outcome = outcomes[i].outcome;
	/* Nothing was sent yet, so that even what must not be repeated may be tried again. */
	if (transfer->outcome == CG_HTTP_TIMEOUT && !transfer->is_begun)
		transfer->outcome = CG_HTTP_CONNECT;

	/* what the callbacks saw is the cause; libcurl tells what it did about it */
	if (transfer->is_refused)
	{
		transfer->outcome = CG_HTTP_ADDRESS_REFUSED;
		error = "the address is not allowed";
	}
	else if (transfer->is_repeated)
	{
		transfer->outcome = CG_HTTP_RESET;
		error = "the reused connection was dead, and the request must not be repeated";
	}
	else if (transfer->is_too_large)
	{
		transfer->outcome = CG_HTTP_TOO_LARGE;
		error = "the response is too large";
	}
	else if (transfer->is_out_of_memory)
	{
		transfer->outcome = CG_HTTP_OTHER;
		error = "out of memory";
	}
	else if (code != CURLE_OK && transfer->error[0] == '\0')
		error = curl_easy_strerror(code);
	if (error != NULL)
		strlcpy(transfer->error, error, sizeof(transfer->error));
}
