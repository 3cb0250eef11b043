/*
 * dispatcher.c
 *		The background worker that sends what the outbox of its database holds.
 *
 * A turn: run the transfers, judge those that ended, record them, take more from the
 * ring or the table, claim and submit them, wait.  No transaction is open while bytes
 * move.  A request is claimed, durably, before its first byte leaves; whatever happens
 * then, it is known that it may have been sent.
 *
 * Results are recorded together, after FLUSH_MS at the latest.  A batch that cannot be
 * recorded is taken apart, so that one row cannot hold up the others; what cannot be
 * recorded at all is left as it is, for the next dispatcher to recover.
 *
 * Locks:		the place of the database (outbox/handoff.h) while it runs.
 * Memory:		a fixed number of deliveries; a context that each turn resets.
 * Errors:		the worker drains and ends; the supervisor starts it again.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "core/monotonic.h"
#include "http/client.h"
#include "outbox/handoff.h"
#include "outbox/queue.h"
#include "outbox/settings.h"
#include "provider/provider.h"
#include "worker/database_worker.h"
#include "worker/dispatcher.h"

#define CLAIM_BATCH 64
#define FLUSH_MS 4
#define FLUSH_BATCH 64
#define RETRY_FLUSH_MS 1000
#define MAX_FLUSHES 5
#define SCAN_MS 30000
#define MAX_RESPONSE_BYTES (64 * 1024)

typedef enum DeliveryState
{
	FREE,
	SENDING, /* the HTTP client has it */
	ENDED    /* to be recorded */
} DeliveryState;

typedef struct Delivery
{
	DeliveryState     state;
	const CgProvider *provider;
	bool              may_repeat;
	int               flushes; /* that failed */
	CgOutboxAttempt   attempt;
} Delivery;

typedef struct Dispatcher
{
	CgHttpClient *client;
	Delivery     *deliveries;
	int           capacity;
	int           free;
	int           ended;
	int64         flush_at;
	int64         scan_at;     /* monotonic ms, as every time here */
	bool          scan_wanted; /* there is more in the table than was taken */
	bool          has_waiting; /* some wait for others that are under way */
	bool          is_draining;
	int64         drain_until;
} Dispatcher;

static Dispatcher self;

static void
drain(void)
{
	if (self.is_draining)
		return;
	self.is_draining = true;
	self.drain_until = cg_monotonic_ms() + cg_outbox_drain_timeout;
}

static Delivery *
take_free(void)
{
	for (int i = 0; i < self.capacity; i++)
	{
		if (self.deliveries[i].state == FREE)
			return &self.deliveries[i];
	}
	return NULL;
}

/* The attempt is over: it is to be recorded. */
static void
finish(Delivery *delivery)
{
	delivery->state = ENDED;
	delivery->flushes = 0;
	if (self.ended++ == 0)
		self.flush_at = cg_monotonic_ms() + FLUSH_MS;
}

/* Over before it began. */
static void
refuse(Delivery *delivery, CgOutboxOutcome outcome, const char *code)
{
	CgOutboxVerdict *verdict = &delivery->attempt.verdict;

	memset(verdict, 0, sizeof(*verdict));
	verdict->outcome = outcome;
	verdict->retry_after_ms = -1;
	strlcpy(verdict->error_code, code, sizeof(verdict->error_code));
	finish(delivery);
}

static void
send_item(const CgOutboxItem *item)
{
	/* The operator names the hosts of providers, so any address is allowed. */
	static const CgHttpPolicy policy = {true, true, true, true};
	Delivery                 *delivery = take_free();
	CgProviderRequest         request = {NULL};
	CgHttpClientRequest       transfer = {NULL};

	self.free--;
	delivery->provider = cg_provider_find(item->provider);
	delivery->may_repeat = item->may_repeat;
	delivery->attempt.key = item->key;
	delivery->attempt.attempt = item->attempt;
	delivery->attempt.duration_ms = 0;
	delivery->attempt.response_length = 0;
	if (item->api_key == NULL)
	{
		refuse(delivery, CG_OUTBOX_ACCOUNT_BROKEN, "no_key");
		return;
	}
	if (delivery->provider == NULL || !delivery->provider->build(item, &request))
	{
		refuse(delivery, CG_OUTBOX_DEAD, "unsupported");
		return;
	}
	transfer.method = request.method;
	transfer.url = request.url;
	transfer.headers = request.headers;
	transfer.header_count = request.header_count;
	transfer.body = item->body;
	transfer.body_length = item->body_length;
	transfer.connect_timeout_ms = cg_outbox_attempt_timeout;
	transfer.total_timeout_ms = cg_outbox_attempt_timeout;
	transfer.max_response_bytes = MAX_RESPONSE_BYTES;
	transfer.may_repeat = item->may_repeat;
	transfer.tag = delivery;
	transfer.policy = &policy;
	delivery->state = SENDING;
	if (!cg_http_client_submit(self.client, &transfer))
		refuse(delivery, CG_OUTBOX_RETRY, "busy");
}

/* Judges the transfers that ended. */
static void
collect(void)
{
	CgHttpResult result;

	cg_http_client_run(self.client);
	while (cg_http_client_next(self.client, &result))
	{
		Delivery        *delivery = result.tag;
		CgOutboxAttempt *attempt = &delivery->attempt;

		attempt->duration_ms = result.duration_ms;
		attempt->response_length =
			(int) Min(result.body_length, CG_OUTBOX_RESPONSE_BYTES);
		memcpy(attempt->response, result.body, attempt->response_length);
		cg_provider_judge(delivery->provider, &result, delivery->may_repeat,
						  &attempt->verdict);
		finish(delivery);
	}
}

static void
release(Delivery **deliveries, int count)
{
	for (int i = 0; i < count; i++)
	{
		deliveries[i]->state = FREE;
		/* when it is due again the table knows */
		if (deliveries[i]->attempt.verdict.outcome == CG_OUTBOX_RETRY)
			self.scan_wanted = true;
	}
	self.free += count;
	self.ended -= count;
	if (self.has_waiting)
		self.scan_wanted = true;
	self.has_waiting = false;
}

static bool
record(Delivery **deliveries, int count)
{
	CgOutboxAttempt *attempts[FLUSH_BATCH];
	MemoryContext    turn = CurrentMemoryContext;
	volatile bool    is_recorded = true;

	for (int i = 0; i < count; i++)
		attempts[i] = &deliveries[i]->attempt;
	PG_TRY();
	{
		cg_outbox_settle(attempts, count);
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
		is_recorded = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(turn);
	if (is_recorded)
		release(deliveries, count);
	return is_recorded;
}

/* Each by itself; those that fail stay for a while. */
static void
record_apart(Delivery **deliveries, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (record(&deliveries[i], 1))
			continue;
		if (++deliveries[i]->flushes < MAX_FLUSHES)
			continue;
		ereport(
			LOG,
			(errmsg("the outcome of a request could not be recorded and is dropped")));
		release(&deliveries[i], 1);
	}
}

static void
flush(void)
{
	Delivery *batch[FLUSH_BATCH];
	int       count = 0;

	if (self.ended == 0 || (self.ended < FLUSH_BATCH && !self.is_draining &&
							cg_monotonic_ms() < self.flush_at))
		return;
	for (int i = 0; i < self.capacity && count < FLUSH_BATCH; i++)
	{
		if (self.deliveries[i].state == ENDED)
			batch[count++] = &self.deliveries[i];
	}
	if (!record(batch, count))
		record_apart(batch, count);
	if (self.ended > 0)
		self.flush_at = cg_monotonic_ms() + (batch[0]->flushes > 0 ? RETRY_FLUSH_MS : 0);
}

/* Keys of rows that may be due: from the ring, then from the table. */
static int
take_keys(CgOutboxKey *keys, int max)
{
	bool scan_needed;
	int  count = cg_handoff_take(keys, max, &scan_needed);
	int  room = max - count;
	long wait_ms;
	int  found;

	if (scan_needed || cg_monotonic_ms() >= self.scan_at)
		self.scan_wanted = true;
	if (!self.scan_wanted || room == 0)
		return count;
	if (!cg_database_worker_is_wanted())
	{
		drain();
		return 0;
	}
	found = cg_outbox_due(keys + count, room, &wait_ms);
	self.scan_wanted = found == room;
	self.scan_at = cg_monotonic_ms() + Min(wait_ms, SCAN_MS);
	return count + found;
}

/* Claims and submits; true while there is more to do at once. */
static bool
feed(void)
{
	CgOutboxKey   keys[CLAIM_BATCH];
	CgOutboxItem  items[CLAIM_BATCH];
	MemoryContext turn = CurrentMemoryContext;
	volatile int  taken = 0;
	volatile int  claimed = 0;

	if (self.is_draining || self.free == 0)
		return false;
	PG_TRY();
	{
		taken = take_keys(keys, Min(self.free, CLAIM_BATCH));
		if (taken > 0)
			claimed = cg_outbox_claim(keys, taken, items);
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
		drain();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(turn);
	if (claimed < taken)
		self.has_waiting = true;
	for (int i = 0; i < claimed; i++)
		send_item(&items[i]);
	return claimed > 0;
}

static long
time_until(int64 at)
{
	return (long) Max(at - cg_monotonic_ms(), 0);
}

static long
wait_ms(void)
{
	long wait = cg_http_client_timeout(self.client);

	if (wait < 0)
		wait = SCAN_MS;
	if (self.ended > 0)
		wait = Min(wait, time_until(self.flush_at));
	if (self.is_draining)
		return Min(wait, time_until(self.drain_until));
	if (self.free > 0)
		wait = Min(wait, self.scan_wanted ? 0 : time_until(self.scan_at));
	return wait;
}

static void
handle_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		self.scan_wanted = true;
	}
	if (ShutdownRequestPending)
		drain();
}

static void
start(void)
{
	CgHttpClientOptions options = {0};

	self.capacity = self.free = cg_outbox_concurrency;
	self.deliveries =
		MemoryContextAllocZero(TopMemoryContext, self.capacity * sizeof(Delivery));
	options.max_transfers = self.capacity;
	options.max_connections_per_host = self.capacity;
	self.client = cg_http_client_create(&options);
	cg_outbox_recover();
	self.scan_wanted = true;
}

void
cg_worker_dispatch(Datum argument)
{
	WaitEventSet *events;
	WaitEvent     event;
	MemoryContext turn;

	cg_database_worker_start(CG_HANDOFF_DISPATCHER, "cloudgreet dispatcher");
	MemoryContextSwitchTo(TopMemoryContext);
	start();
	events = CreateWaitEventSet(TopMemoryContext, 3);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(events, WL_SOCKET_READABLE, cg_http_client_event_fd(self.client),
					  NULL, NULL);
	turn = AllocSetContextCreate(TopMemoryContext, "cloudgreet dispatcher",
								 ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		MemoryContextReset(turn);
		MemoryContextSwitchTo(turn);
		handle_interrupts();
		collect();
		flush();
		while (feed())
			;
		if (self.is_draining && self.free == self.capacity)
			break;
		if (self.is_draining && time_until(self.drain_until) == 0)
			cg_http_client_cancel_all(self.client);
		WaitEventSetWait(events, wait_ms(), &event, 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	cg_http_client_destroy(self.client);
	proc_exit(0);
}
