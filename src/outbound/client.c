/*
 * client.c
 *		The life of transfers: names are looked up, addresses chosen, libcurl driven.
 *
 * One epoll descriptor holds the sockets of libcurl and c-ares; timers of both, and of
 * transfers that wait for a name, become one timeout.  A transfer goes through the
 * lists of its client in the order of CgTransferState; the functions named after the
 * steps below are the only ones that move it.
 *
 * Signals are blocked while libcurl and c-ares run, so that no thread of theirs, had
 * they any, could ever take one of the server's.
 *
 * Invariant:	bytes may have left only if begin_request() of client_transfer.c ran.
 * Memory:		transfers and names in the client's context; requests, responses and
 *				what the libraries keep by malloc, released by that context's callback.
 * Errors:		after creation none.
 * Called by:	server/dispatcher.c, by provider.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "storage/fd.h"
#include "utils/memutils.h"

#include "core/monotonic.h"
#include "outbound/client_internal.h"
#include "outbound/event_loop.h"

#define EVENTS_PER_RUN 256
#define NAMES_PER_TRANSFER 2 /* lookups may outlive the transfer that wanted them */
#define MIN_NAMES 64

static void open_client(CgHttpClient *client, const CgHttpClientOptions *options);
static void release_client(void *arg);
static void resolve_transfer(CgTransfer *transfer);
static void choose_addresses(CgTransfer *transfer, const CgAddress *addresses, int count);
static void send_transfer(CgTransfer *transfer);
static void finish_transfer(CgTransfer *transfer);
static void fail_transfer(CgTransfer *transfer, CgHttpOutcome outcome, const char *error);
static void free_transfer(CgTransfer *transfer);
static void move_transfer(CgTransfer *transfer, CgTransferState state, dlist_head *list);
static void handle_events(CgHttpClient *client);
static void advance_resolving(CgHttpClient *client);
static void take_ended(CgHttpClient *client);
static bool try_next_address(CgTransfer *transfer, CURLcode code);
static int  watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
						 void *socket_arg);
static int  set_timer(CURLM *multi, long timeout_ms, void *arg);

CgHttpClient *
cg_http_client_create(const CgHttpClientOptions *options)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "cloudgreet HTTP client", ALLOCSET_DEFAULT_SIZES);
	MemoryContext          caller = MemoryContextSwitchTo(context);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	CgHttpClient          *client = palloc0(sizeof(CgHttpClient));

	client->context = context;
	client->epoll_fd = -1;
	callback->func = release_client;
	callback->arg = client;
	MemoryContextRegisterResetCallback(context, callback);
	open_client(client, options);
	MemoryContextSwitchTo(caller);
	return client;
}

/* What an ERROR leaves half-made is released with the context. */
static void
open_client(CgHttpClient *client, const CgHttpClientOptions *options)
{
	static bool is_initialized = false; /* the library, in this process */
	int         max = options->max_transfers;

	client->curl_due_at = CG_NEVER;
	client->max_transfers = max;
	client->transfers = palloc0(sizeof(CgTransfer) * max);
	client->ca_file = options->ca_file != NULL ? pstrdup(options->ca_file) : NULL;
	dlist_init(&client->free);
	dlist_init(&client->resolving);
	dlist_init(&client->sending);
	dlist_init(&client->finished);
	for (int i = 0; i < max; i++)
	{
		client->transfers[i].client = client;
		dlist_push_tail(&client->free, &client->transfers[i].node);
	}

	ReserveExternalFD();
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (client->epoll_fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("could not watch sockets: %m")));
	}
	client->resolver = cg_resolver_create(
		client->epoll_fd, Max(max * NAMES_PER_TRANSFER, MIN_NAMES), options->dns_servers);
	if (!is_initialized && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		is_initialized = true;
	client->multi = is_initialized ? curl_multi_init() : NULL;
	if (client->multi == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
						errmsg("could not start the HTTP client")));
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long) max);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) max);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
					  (long) options->max_connections_per_host);
}

void
cg_http_client_destroy(CgHttpClient *client)
{
	MemoryContextDelete(client->context);
}

/* Runs when the context goes, before its memory does. */
static void
release_client(void *arg)
{
	CgHttpClient *client = arg;
	sigset_t      before;

	cg_block_signals(&before);
	for (int i = 0; client->multi != NULL && i < client->max_transfers; i++)
	{
		CgTransfer *transfer = &client->transfers[i];

		if (transfer->state == CG_TRANSFER_SENDING)
			curl_multi_remove_handle(client->multi, transfer->easy);
		transfer->name = NULL;
		curl_easy_cleanup(transfer->easy);
		cg_transfer_clear(transfer);
		free(transfer->response.data);
	}
	curl_multi_cleanup(client->multi);
	if (client->resolver != NULL)
		cg_resolver_destroy(client->resolver);
	if (client->epoll_fd >= 0)
	{
		close(client->epoll_fd);
		ReleaseExternalFD();
	}
	cg_restore_signals(&before);
}

bool
cg_http_client_submit(CgHttpClient *client, const CgHttpClientRequest *request)
{
	CgTransfer *transfer;
	sigset_t    before;

	if (dlist_is_empty(&client->free))
		return false;
	cg_block_signals(&before);
	transfer = dlist_head_element(CgTransfer, node, &client->free);
	client->active++;
	transfer->submitted_at = cg_monotonic_ms();
	if (!cg_transfer_take(transfer, request))
		finish_transfer(transfer);
	else if (transfer->destination.is_literal)
		choose_addresses(transfer, &transfer->destination.address, 1);
	else
		resolve_transfer(transfer);
	cg_restore_signals(&before);
	return true;
}

int
cg_http_client_event_fd(const CgHttpClient *client)
{
	return client->epoll_fd;
}

long
cg_http_client_timeout(CgHttpClient *client)
{
	int64      now = cg_monotonic_ms();
	int64      due_at = client->curl_due_at;
	long       lookup = cg_resolver_timeout(client->resolver);
	dlist_iter iter;

	if (!dlist_is_empty(&client->finished))
		return 0;
	if (lookup >= 0)
		due_at = Min(due_at, now + lookup);
	dlist_foreach(iter, &client->resolving)
	{
		CgTransfer *transfer = dlist_container(CgTransfer, node, iter.cur);

		due_at = Min(due_at, transfer->connect_by);
	}
	return due_at == CG_NEVER ? -1 : (long) Max(due_at - now, 0);
}

void
cg_http_client_run(CgHttpClient *client)
{
	sigset_t before;
	int      running;

	cg_block_signals(&before);
	handle_events(client);
	cg_resolver_run(client->resolver);
	advance_resolving(client);
	if (cg_monotonic_ms() >= client->curl_due_at)
	{
		client->curl_due_at = CG_NEVER;
		curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	take_ended(client);
	cg_restore_signals(&before);
}

bool
cg_http_client_next(CgHttpClient *client, CgHttpResult *result)
{
	CgTransfer *transfer;

	if (client->given != NULL)
		free_transfer(client->given);
	client->given = NULL;
	if (dlist_is_empty(&client->finished))
		return false;

	transfer = dlist_head_element(CgTransfer, node, &client->finished);
	dlist_delete(&transfer->node);
	client->given = transfer;
	client->active--;
	result->tag = transfer->tag;
	result->outcome = transfer->outcome;
	result->bytes_sent = transfer->is_begun;
	result->status = transfer->status;
	result->retry_after = transfer->retry_after[0] ? transfer->retry_after : NULL;
	result->rate_limit_reset =
		transfer->rate_limit_reset[0] ? transfer->rate_limit_reset : NULL;
	result->body = "";
	result->body_length = transfer->response.length;
	if (transfer->response.data != NULL)
	{
		transfer->response.data[transfer->response.length] = '\0';
		result->body = transfer->response.data;
	}
	result->error = transfer->error;
	result->duration_ms = transfer->duration_ms;
	return true;
}

void
cg_http_client_cancel_all(CgHttpClient *client)
{
	sigset_t before;

	cg_block_signals(&before);
	while (!dlist_is_empty(&client->resolving))
		fail_transfer(dlist_head_element(CgTransfer, node, &client->resolving),
					  CG_HTTP_CANCELLED, "cancelled");
	while (!dlist_is_empty(&client->sending))
		fail_transfer(dlist_head_element(CgTransfer, node, &client->sending),
					  CG_HTTP_CANCELLED, "cancelled");
	cg_restore_signals(&before);
}

int
cg_http_client_active(const CgHttpClient *client)
{
	return client->active;
}

const char *
cg_http_outcome_name(CgHttpOutcome outcome)
{
	static const char *const names[] = {
		"answered", "dns",         "connect",   "tls",
		"timeout",  "reset",       "too_large", "address_refused",
		"bad_url",  "bad_request", "cancelled", "other"};

	return names[outcome];
}

/* ---- The steps of a transfer -------------------------------------------------------- */

static void
resolve_transfer(CgTransfer *transfer)
{
	CgHttpClient *client = transfer->client;

	transfer->name = cg_resolver_hold(client->resolver, transfer->destination.host);
	if (transfer->name == NULL)
	{
		fail_transfer(transfer, CG_HTTP_DNS, "too many names are being looked up");
		return;
	}
	move_transfer(transfer, CG_TRANSFER_RESOLVING, &client->resolving);
	/* else the next run() goes on when the answer is there */
	if (transfer->name->state == CG_NAME_FOUND)
		choose_addresses(transfer, transfer->name->addresses,
						 transfer->name->address_count);
}

/* One forbidden address among the name's refuses it: the answer is not to be trusted. */
static void
choose_addresses(CgTransfer *transfer, const CgAddress *addresses, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (!cg_destination_allows(&transfer->policy, &addresses[i]))
		{
			fail_transfer(transfer, CG_HTTP_ADDRESS_REFUSED,
						  "the address is not allowed");
			return;
		}
	}
	transfer->address_count = Min(count, CG_TRANSFER_ADDRESSES);
	memcpy(transfer->addresses, addresses, sizeof(CgAddress) * transfer->address_count);
	send_transfer(transfer);
}

static void
send_transfer(CgTransfer *transfer)
{
	CgHttpClient *client = transfer->client;

	if (!cg_transfer_prepare(transfer) ||
		curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
		fail_transfer(transfer, CG_HTTP_OTHER, "out of memory");
	else
		move_transfer(transfer, CG_TRANSFER_SENDING, &client->sending);
}

static void
fail_transfer(CgTransfer *transfer, CgHttpOutcome outcome, const char *error)
{
	if (transfer->state == CG_TRANSFER_SENDING)
		curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	transfer->outcome = outcome;
	strlcpy(transfer->error, error, sizeof(transfer->error));
	finish_transfer(transfer);
}

static void
finish_transfer(CgTransfer *transfer)
{
	transfer->duration_ms = (int) (cg_monotonic_ms() - transfer->submitted_at);
	move_transfer(transfer, CG_TRANSFER_FINISHED, &transfer->client->finished);
}

/* One that next() has given; it is in no list. */
static void
free_transfer(CgTransfer *transfer)
{
	cg_transfer_clear(transfer);
	dlist_push_head(&transfer->client->free, &transfer->node);
}

static void
move_transfer(CgTransfer *transfer, CgTransferState state, dlist_head *list)
{
	if (transfer->state == CG_TRANSFER_RESOLVING)
	{
		cg_resolver_release(transfer->name);
		transfer->name = NULL;
	}
	dlist_delete(&transfer->node);
	dlist_push_tail(list, &transfer->node);
	transfer->state = state;
}

/* ---- What run() does ---------------------------------------------------------------- */

static void
handle_events(CgHttpClient *client)
{
	struct epoll_event events[EVENTS_PER_RUN];
	int                count = epoll_wait(client->epoll_fd, events, EVENTS_PER_RUN, 0);
	int                running;

	for (int i = 0; i < count; i++)
	{
		int fd = cg_watch_fd(&events[i]);
		int what = 0;

		if (cg_watch_owner(&events[i]) == CG_WATCH_RESOLVER)
		{
			cg_resolver_handle(client->resolver, fd, events[i].events);
			continue;
		}
		/* a socket that was closed meanwhile is unknown to libcurl and ignored */
		what |= events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
		what |= events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
		what |= events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
		curl_multi_socket_action(client->multi, fd, what, &running);
	}
}

/* Goes on with transfers whose name is known now, and ends those that waited enough. */
static void
advance_resolving(CgHttpClient *client)
{
	int64              now = cg_monotonic_ms();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &client->resolving)
	{
		CgTransfer   *transfer = dlist_container(CgTransfer, node, iter.cur);
		const CgName *name = transfer->name;

		if (name->state == CG_NAME_FOUND)
			choose_addresses(transfer, name->addresses, name->address_count);
		else if (name->state == CG_NAME_FAILED)
			fail_transfer(transfer, CG_HTTP_DNS, name->error);
		else if (now >= transfer->connect_by)
			fail_transfer(transfer, CG_HTTP_DNS,
						  "the name servers did not answer in time");
	}
}

static void
take_ended(CgHttpClient *client)
{
	CURLMsg *message;
	int      left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
	{
		CURLcode    code = message->data.result;
		CgTransfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		curl_multi_remove_handle(client->multi, transfer->easy);
		if (try_next_address(transfer, code))
			continue;
		cg_transfer_judge(transfer, code);
		finish_transfer(transfer);
	}
}

/* Whether the transfer goes on with another address, because this one does not connect. */
static bool
try_next_address(CgTransfer *transfer, CURLcode code)
{
	bool is_unconnected =
		code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;

	if (!is_unconnected || transfer->is_begun || transfer->is_refused ||
		transfer->address_count < 2)
		return false;
	cg_resolver_demote(transfer->client->resolver, transfer->destination.host,
					   &transfer->addresses[transfer->address_at]);
	if (transfer->address_at + 1 == transfer->address_count ||
		cg_monotonic_ms() >= transfer->connect_by)
		return false;
	transfer->address_at++;
	/* its handle is with libcurl no more */
	move_transfer(transfer, CG_TRANSFER_FREE, &transfer->client->sending);
	send_transfer(transfer);
	return true;
}

/* ---- Callbacks of libcurl ----------------------------------------------------------- */

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	CgHttpClient *client = arg;
	uint32        events = 0;

	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	cg_watch(client->epoll_fd, CG_WATCH_CURL, fd, events);
	return 0;
}

static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	CgHttpClient *client = arg;

	client->curl_due_at = timeout_ms < 0 ? CG_NEVER : cg_monotonic_ms() + timeout_ms;
	return 0;
}
