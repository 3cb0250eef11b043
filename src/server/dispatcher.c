/*
 * dispatcher.c
 *		The background worker that sends what the outbox of its database holds.
 *
 * A turn: run the transfers, judge those that ended, and then, in one transaction
 * (server/dispatcher_turn.c), record them, look for what is due and claim what may go next;
 * after its commit submit what was claimed, and wait.  No transaction is open while bytes
 * move.  A request is claimed, durably, before its first byte leaves; whatever happens then,
 * it is known that it may have been sent.
 *
 * Who goes next is decided by lanes (outbound/lanes.h).  A slot is given back when a transfer
 * ends, so that a result that waits for a lock takes none.
 *
 * Locks:		the place of the database (outbound/handoff.h) while it runs.
 * Memory:		a fixed number of deliveries; a context that each turn resets.
 * Errors:		the worker drains and ends; the supervisor starts it again.
 * Shown by test/t/140_outbox.pl, test/t/141_outbox_crash.pl, test/t/142_outbox_lives.pl and
 * test/t/146_outbox_fairness.pl.
 * Called by:	the postmaster, by what database_workers.c registers
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "core/monotonic.h"
#include "outbound/client.h"
#include "outbound/planning.h"
#include "outbound/settings.h"
#include "outbound/provider.h"
#include "server/database_worker.h"
#include "server/dispatcher.h"
#include "server/dispatcher_internal.h"
#include "server/upkeep.h"

#define MAX_RESPONSE_BYTES (64 * 1024)
/* Of a provider that is too fast for us and does not say for how long. */
#define PAUSE_MS 1000

CgDispatcher cg_dispatcher;

void
cg_dispatcher_drain(void)
{
	if (cg_dispatcher.is_draining)
		return;
	cg_dispatcher.is_draining = true;
	cg_dispatcher.drain_until = cg_monotonic_ms() + cg_outbox_drain_timeout;
}

/* ---- Sending ----------------------------------------------------------------------- */

static CgDelivery *
take_free(void)
{
	for (int i = 0; i < cg_dispatcher.capacity; i++)
	{
		if (cg_dispatcher.deliveries[i].state == CG_DELIVERY_FREE)
			return &cg_dispatcher.deliveries[i];
	}
	return NULL;
}

/* Exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
static int64
retry_delay(int attempt, int64 retry_after_ms)
{
	double bound = cg_outbox_retry_base;

	for (int i = 1; i < attempt && bound < cg_outbox_retry_max; i++)
		bound *= 2;
	bound = Min(bound, cg_outbox_retry_max) * pg_prng_double(&pg_global_prng_state);
	return Max((int64) bound, retry_after_ms);
}

/* The attempt is over: its slot is free, and it is to be recorded. */
static void
finish(CgDelivery *delivery)
{
	CgOutboxAttempt *attempt = &delivery->attempt;
	int64            now = cg_monotonic_ms();
	int64            pause = attempt->verdict.retry_after_ms;

	attempt->delay_ms = retry_delay(attempt->attempt, pause);
	cg_lanes_give_back(delivery->lane, attempt->verdict.end, pause > 0 ? pause : PAUSE_MS,
					   now);
	delivery->state = CG_DELIVERY_ENDED;
	delivery->failures = 0;
	delivery->record_at = now + CG_DISPATCHER_GATHER_MS;
	cg_dispatcher.ended++;
}

/* Over before it began. */
static void
refuse(CgDelivery *delivery, CgOutboxOutcome outcome, const char *code)
{
	CgOutboxVerdict *verdict = &delivery->attempt.verdict;

	memset(verdict, 0, sizeof(*verdict));
	verdict->outcome = outcome;
	verdict->end = CG_SLOT_UNUSED;
	verdict->retry_after_ms = -1;
	strlcpy(verdict->error_code, code, sizeof(verdict->error_code));
	finish(delivery);
}

static bool
submit(CgDelivery *delivery, const CgOutboxItem *item, const CgProviderRequest *request)
{
	/* The operator names the hosts of providers, so any address is allowed. */
	static const CgHttpPolicy anywhere = {true, true, true, true};
	const CgHttpPolicy        guarded = cg_request_policy();
	CgHttpClientRequest       transfer = {NULL};

	transfer.method = request->method;
	transfer.url = request->url;
	transfer.headers = request->headers;
	transfer.header_count = request->header_count;
	transfer.body = item->body;
	transfer.body_length = item->body_length;
	transfer.connect_timeout_ms = cg_outbox_attempt_timeout;
	transfer.total_timeout_ms = cg_outbox_attempt_timeout;
	transfer.max_response_bytes = MAX_RESPONSE_BYTES;
	transfer.may_repeat = item->may_repeat;
	transfer.tag = delivery;
	transfer.policy = delivery->provider->has_account ? &anywhere : &guarded;
	return cg_http_client_submit(cg_dispatcher.client, &transfer);
}

/* The key has served, and so have the headers that hold it. */
static void
cleanse(const CgOutboxItem *item, const CgProviderRequest *request)
{
	if (item->api_key != NULL)
		OPENSSL_cleanse(item->api_key, strlen(item->api_key));
	for (int i = 0; i < request->header_count; i++)
		OPENSSL_cleanse(unconstify(char *, request->headers[i]),
						strlen(request->headers[i]));
}

void
cg_dispatcher_send(const CgOutboxItem *item, CgLane *lane)
{
	CgDelivery       *delivery = take_free();
	CgProviderRequest request = {NULL};

	cg_dispatcher.free--;
	delivery->lane = lane;
	delivery->provider = cg_provider_find(item->provider);
	delivery->may_repeat = item->may_repeat;
	delivery->attempt.key = item->key;
	delivery->attempt.attempt = item->attempt;
	delivery->attempt.duration_ms = 0;
	delivery->attempt.response_length = 0;
	cg_lanes_set_rates(lane, item->rate, item->rate_of_sender);
	/* A standby may not know of the claim, and would send when it is promoted. */
	if (ShutdownRequestPending)
		refuse(delivery, CG_OUTBOX_RETRY, "shutdown");
	else if (delivery->provider == NULL)
		refuse(delivery, CG_OUTBOX_DEAD, "unsupported");
	else if (item->wants_key && item->api_key == NULL)
		/* An account is at fault and not its messages, which wait for a key. */
		refuse(delivery,
			   delivery->provider->has_account ? CG_OUTBOX_ACCOUNT_BROKEN
											   : CG_OUTBOX_DEAD,
			   "no_key");
	else if (!delivery->provider->build(item, &request))
		refuse(delivery, CG_OUTBOX_DEAD, "unsupported");
	else
	{
		delivery->state = CG_DELIVERY_SENDING;
		if (!submit(delivery, item, &request))
			refuse(delivery, CG_OUTBOX_RETRY, "busy");
	}
	cleanse(item, &request);
}

/* Judges the transfers that ended. */
static void
collect(void)
{
	CgHttpResult result;

	cg_http_client_run(cg_dispatcher.client);
	while (cg_http_client_next(cg_dispatcher.client, &result))
	{
		CgDelivery      *delivery = result.tag;
		CgOutboxAttempt *attempt = &delivery->attempt;

		attempt->duration_ms = result.duration_ms;
		cg_provider_judge(delivery->provider, &result, delivery->may_repeat,
						  &attempt->verdict);
		/* What a provider answers to a message that it took is in the verdict. */
		attempt->response_length = 0;
		if (attempt->verdict.outcome != CG_OUTBOX_DONE ||
			!delivery->provider->has_account)
			attempt->response_length =
				(int) Min(result.body_length, CG_OUTBOX_RESPONSE_BYTES);
		memcpy(attempt->response, result.body, attempt->response_length);
		finish(delivery);
	}
}

void
cg_dispatcher_release(CgDelivery *delivery)
{
	cg_lanes_done_with(delivery->lane, cg_monotonic_ms());
	delivery->state = CG_DELIVERY_FREE;
	cg_dispatcher.free++;
	cg_dispatcher.ended--;
}

/* ---- The loop ---------------------------------------------------------------------- */

static int64
next_record_at(void)
{
	int64 at = PG_INT64_MAX;

	for (int i = 0; cg_dispatcher.ended > 0 && i < cg_dispatcher.capacity; i++)
	{
		if (cg_dispatcher.deliveries[i].state == CG_DELIVERY_ENDED)
			at = Min(at, cg_dispatcher.deliveries[i].record_at);
	}
	return at;
}

static long
time_until(int64 at)
{
	return (long) Min(Max(at - cg_monotonic_ms(), 0), CG_DISPATCHER_LOOK_MS);
}

static long
wait_ms(void)
{
	long wait = cg_http_client_timeout(cg_dispatcher.client);

	if (wait < 0)
		wait = CG_DISPATCHER_LOOK_MS;
	wait = Min(wait, time_until(next_record_at()));
	if (cg_dispatcher.is_draining)
		return Min(wait, time_until(cg_dispatcher.drain_until));
	/* The ring told of an account that is active again, after this turn had asked. */
	if (cg_dispatcher.releases_held)
		return 0;
	if (cg_dispatcher.recovering > 0)
		wait = Min(wait, CG_DISPATCHER_LOCKED_MS);
	/* Without a place for another request there is no use in looking for one. */
	if (cg_dispatcher.free == 0 || cg_lanes_free_slots() == 0)
		return wait;
	if (cg_outbox_is_looking())
		return 0;
	wait = Min(wait, time_until(cg_lanes_next_at(cg_monotonic_ms())));
	return Min(wait, time_until(cg_dispatcher.look_at));
}

static void
handle_interrupts(void)
{
	/* The clock is a setting. */
	if (ConfigReloadPending)
		cg_dispatcher.look_at = 0;
	cg_database_worker_handle_interrupts();
	if (ShutdownRequestPending)
		cg_dispatcher_drain();
}

static void
start(void)
{
	CgHttpClientOptions options = {0};

	/* Twice as many as slots: what is to be recorded may have to wait for a lock. */
	cg_dispatcher.capacity = cg_dispatcher.free = 2 * cg_outbox_concurrency;
	cg_dispatcher.deliveries = MemoryContextAllocZero(
		TopMemoryContext, cg_dispatcher.capacity * sizeof(CgDelivery));
	options.max_transfers = cg_outbox_concurrency;
	options.max_connections_per_host = cg_outbox_concurrency;
	cg_dispatcher.client = cg_http_client_create(&options);
	cg_lanes_start(cg_outbox_concurrency, cg_dispatcher.capacity);
	cg_dispatcher_find_under_way();
}

/* What is under way ends now, and is recorded if that can be done at once. */
static void
give_up(void)
{
	int before;

	cg_http_client_cancel_all(cg_dispatcher.client);
	collect();
	do
	{
		before = cg_dispatcher.ended;
		(void) cg_dispatcher_turn();
	} while (cg_dispatcher.ended < before);
}

void
cg_worker_dispatch(Datum argument)
{
	WaitEventSet *events;
	WaitEvent     event;
	MemoryContext turn;

	cg_database_worker_start(CG_HANDOFF_DISPATCHER, "cloudgreet dispatcher");
	/* Nobody else's lock is worth the time of all the others. */
	SetConfigOption("lock_timeout", "50ms", PGC_USERSET, PGC_S_OVERRIDE);
	cg_outbox_plan_for_many_rows();
	MemoryContextSwitchTo(TopMemoryContext);
	/* After months without a server the processor may not have made them yet. */
	cg_upkeep_make_partitions();
	MemoryContextSwitchTo(TopMemoryContext);
	start();
	events = cg_compat_wait_event_set(3);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(events, WL_SOCKET_READABLE,
					  cg_http_client_event_fd(cg_dispatcher.client), NULL, NULL);
	turn = AllocSetContextCreate(TopMemoryContext, "cloudgreet dispatcher",
								 ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		bool has_more;

		MemoryContextReset(turn);
		MemoryContextSwitchTo(turn);
		handle_interrupts();
		collect();
		has_more = cg_dispatcher_turn();
		if (cg_dispatcher.is_draining && cg_dispatcher.free == cg_dispatcher.capacity)
			break;
		if (cg_dispatcher.is_draining && time_until(cg_dispatcher.drain_until) == 0)
		{
			give_up();
			break;
		}
		WaitEventSetWait(events, has_more ? 0 : wait_ms(), &event, 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	cg_http_client_destroy(cg_dispatcher.client);
	proc_exit(0);
}
