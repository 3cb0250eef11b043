/*
 * dispatcher.c
 *		The background worker that sends what the outbox of its database holds.
 *
 * A turn: run the transfers, judge those that ended, record them, take more from the
 * ring or the table, claim and submit them, wait.  No transaction is open while bytes
 * move.  A request is claimed, durably, before its first byte leaves; whatever happens
 * then, it is known that it may have been sent.
 *
 * Results are recorded together, after FLUSH_MS at the latest.  Those of a batch that
 * cannot be recorded are suspects: each is tried by itself, so that one row cannot hold
 * up the others.  What cannot be recorded at all is left as it is, and this dispatcher
 * ends, for the next one to recover it.
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

#include "compat.h"
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
#define LOCKED_MS 20 /* until what was locked is tried again */
#define RETRY_FLUSH_MS 1000
#define MAX_FAILURES 5
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
	int               failures; /* to record it */
	int64             flush_at;
	CgOutboxAttempt   attempt;
} Delivery;

typedef struct Dispatcher
{
	CgHttpClient *client;
	Delivery     *deliveries;
	int           capacity;
	int           free;
	int           ended;
	int64         scan_at;     /* monotonic ms, as every time here */
	bool          scan_wanted; /* there is more in the table than was taken */
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
	delivery->failures = 0;
	delivery->flush_at = cg_monotonic_ms() + FLUSH_MS;
	self.ended++;
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
	if (ShutdownRequestPending)
	{
		/* A standby may not know of the claim, and would send when it is promoted. */
		refuse(delivery, CG_OUTBOX_RETRY, "shutdown");
		return;
	}
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
release(Delivery *delivery)
{
	delivery->state = FREE;
	self.free++;
	self.ended--;
	/* The table knows when it is tried again, and what waited for it. */
	self.scan_wanted = true;
}

/* False when it fails; those that others have locked stay for the next time. */
static bool
record(Delivery **deliveries, int count)
{
	CgOutboxAttempt *attempts[FLUSH_BATCH];
	bool             is_settled[FLUSH_BATCH];
	MemoryContext    turn = CurrentMemoryContext;
	volatile bool    is_recorded = true;

	for (int i = 0; i < count; i++)
		attempts[i] = &deliveries[i]->attempt;
	PG_TRY();
	{
		cg_outbox_settle(attempts, count, is_settled);
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
		is_recorded = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(turn);
	if (is_recorded)
		cg_database_worker_note_work(count);
	for (int i = 0; i < count && is_recorded; i++)
	{
		if (is_settled[i])
			release(deliveries[i]);
		else
			deliveries[i]->flush_at = cg_monotonic_ms() + LOCKED_MS;
	}
	return is_recorded;
}

static bool
is_due(const Delivery *delivery)
{
	return delivery->state == ENDED &&
		   (self.is_draining || cg_monotonic_ms() >= delivery->flush_at);
}

/* Of those that are due the one that failed least often, at least once; or NULL. */
static Delivery *
find_suspect(void)
{
	Delivery *found = NULL;

	for (int i = 0; i < self.capacity; i++)
	{
		Delivery *delivery = &self.deliveries[i];

		if (is_due(delivery) && delivery->failures > 0 &&
			(found == NULL || delivery->failures < found->failures))
			found = delivery;
	}
	return found;
}

/* Until one fails: it may have waited for a lock, and the others had better not. */
static void
record_suspects(void)
{
	Delivery *delivery;

	while ((delivery = find_suspect()) != NULL)
	{
		if (record(&delivery, 1))
		{
			if (delivery->state == ENDED)
				return;
			continue;
		}
		delivery->flush_at = cg_monotonic_ms() + RETRY_FLUSH_MS;
		if (++delivery->failures <= MAX_FAILURES)
			return;
		ereport(LOG, (errmsg("the outcome of a request could not be recorded"),
					  errdetail("It is left to the next dispatcher.")));
		release(delivery);
		drain();
		return;
	}
}

static void
flush(void)
{
	Delivery *batch[FLUSH_BATCH];
	int       count = 0;
	bool      is_wanted = false;

	if (self.ended == 0)
		return;
	for (int i = 0; i < self.capacity && count < FLUSH_BATCH; i++)
	{
		if (self.deliveries[i].state != ENDED || self.deliveries[i].failures > 0)
			continue;
		is_wanted |= is_due(&self.deliveries[i]);
		batch[count++] = &self.deliveries[i];
	}
	is_wanted |= count == FLUSH_BATCH;
	if (is_wanted && !record(batch, count))
	{
		for (int i = 0; i < count; i++)
			batch[i]->failures = 1;
	}
	record_suspects();
}

static int64
next_flush_at(void)
{
	int64 at = PG_INT64_MAX;

	for (int i = 0; i < self.capacity; i++)
	{
		if (self.deliveries[i].state == ENDED)
			at = Min(at, self.deliveries[i].flush_at);
	}
	return at;
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
	bool          has_waiting = false;

	if (self.is_draining || ShutdownRequestPending || self.free == 0)
		return false;
	PG_TRY();
	{
		taken = take_keys(keys, Min(self.free, CLAIM_BATCH));
		if (taken > 0)
			claimed = cg_outbox_claim(keys, taken, items, &has_waiting);
	}
	PG_CATCH();
	{
		cg_database_worker_recover();
		drain();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(turn);
	/* They wait for someone else, if none is under way here. */
	if (has_waiting && claimed == 0 && self.free == self.capacity)
		self.scan_at = Min(self.scan_at, cg_monotonic_ms() + LOCKED_MS);
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
		wait = Min(wait, time_until(next_flush_at()));
	if (self.is_draining)
		return Min(wait, time_until(self.drain_until));
	if (self.free > 0)
		wait = Min(wait, self.scan_wanted ? 0 : time_until(self.scan_at));
	return wait;
}

static void
handle_interrupts(void)
{
	/* The clock is a setting. */
	self.scan_wanted |= ConfigReloadPending;
	cg_database_worker_handle_interrupts();
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
	self.scan_wanted = true;
}

static void
recover(void)
{
	while (cg_outbox_recover() > 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOCKED_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (ShutdownRequestPending)
			proc_exit(0);
	}
}

/* What is under way ends now, and is recorded if that can be done at once. */
static void
give_up(void)
{
	int before;

	cg_http_client_cancel_all(self.client);
	collect();
	do
	{
		before = self.ended;
		flush();
	} while (self.ended < before);
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
	recover();
	events = cg_compat_wait_event_set(3);
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
		{
			give_up();
			break;
		}
		WaitEventSetWait(events, wait_ms(), &event, 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	cg_http_client_destroy(self.client);
	proc_exit(0);
}
