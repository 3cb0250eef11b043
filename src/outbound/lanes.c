/*
 * lanes.c
 *		Whose turn it is; see lanes.h.
 *
 * Memory:		MAX_LANES lanes of LANE_KEYS rows at most, a few megabytes, for the life of
 *				the dispatcher.
 * Errors:		out of memory only.
 * Called by:	queue.c, server/dispatcher.c, server/dispatcher_turn.c
 * Shown by:	test/t/146_outbox_fairness.pl
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "outbound/bucket.h"
#include "outbound/lanes.h"

#define MAX_LANES 4096
#define LANE_KEYS 128
/*
 * How many times what is free a host may hold.  Many businesses share one, and each of
 * them is bounded already: this keeps a few slots for the other hosts.
 */
#define HOST_SHARE 7
/* Failures in a row that open the breaker, and the pauses that follow. */
#define BREAKER_FAILURES 5
#define BREAKER_FIRST_MS 500
#define BREAKER_LAST_MS 60000

typedef struct Account
{
	pg_uuid_t id; /* the key */
	int       in_flight;
	int       lanes;
	int       outages; /* in a row */
	int64     rests_until;
	CgBucket  bucket;
} Account;

typedef struct Tenant
{
	pg_uuid_t  id; /* the key */
	int        in_flight;
	int        open; /* rows that were taken and are not done with */
	int        lanes;
	dlist_head active; /* lanes with rows */
	dlist_node link;   /* in "tenants" while there is one */
} Tenant;

typedef struct Host
{
	uint32 name; /* the key */
	int    in_flight;
	int    lanes;
} Host;

typedef struct LaneKey
{
	pg_uuid_t account;
	int64     lane;
} LaneKey;

struct CgLane
{
	LaneKey     key;
	Account    *account;
	Tenant     *tenant;
	Host       *host;
	CgBucket    bucket;
	dlist_node  link; /* in the tenant's list while it has rows */
	bool        has_more;
	int         open;
	int         first;
	int         count;
	CgOutboxKey rows[LANE_KEYS];
};

static HTAB      *lanes = NULL;
static HTAB      *accounts = NULL;
static HTAB      *tenants = NULL;
static HTAB      *hosts = NULL;
static HTAB      *known = NULL; /* rows in lanes, by their key */
static dlist_head active;       /* tenants with rows, the next one first */
static int        free_slots = 0;
static int        free_places = 0; /* for rows that are taken and not done with */
static int        hungry = 0;      /* lanes without rows that have more in the table */
static bool       were_full = false;
static bool       lane_went = false; /* since they were full */

static HTAB *
make_table(const char *name, Size key, Size entry)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = TopMemoryContext};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
cg_lanes_start(int slots, int places)
{
	lanes = make_table("cloudgreet lanes", sizeof(LaneKey), sizeof(CgLane));
	accounts = make_table("cloudgreet accounts", sizeof(pg_uuid_t), sizeof(Account));
	tenants = make_table("cloudgreet tenants", sizeof(pg_uuid_t), sizeof(Tenant));
	hosts = make_table("cloudgreet hosts", sizeof(uint32), sizeof(Host));
	known = make_table("cloudgreet rows", sizeof(CgOutboxKey), sizeof(CgOutboxKey));
	dlist_init(&active);
	free_slots = slots;
	free_places = places;
}

int
cg_lanes_free_slots(void)
{
	return free_slots;
}

/* ---- Lanes come and go ------------------------------------------------------------- */

/* An entry of a table; a new one is zero but for its key. */
static void *
find_or_make(HTAB *table, const void *key, Size key_size, Size size)
{
	bool  found;
	char *entry = hash_search(table, key, HASH_ENTER, &found);

	if (!found)
		memset(entry + key_size, 0, size - key_size);
	return entry;
}

/* A business may have as many lanes as are free, so that there is one for the next. */
static bool
may_have_lane(const pg_uuid_t *business)
{
	const Tenant *tenant = hash_search(tenants, business, HASH_FIND, NULL);
	int           free = MAX_LANES - (int) hash_get_num_entries(lanes);

	return free > (tenant == NULL ? 0 : tenant->lanes);
}

static CgLane *
find_lane(const CgQueued *row)
{
	LaneKey key;
	CgLane *lane;

	memset(&key, 0, sizeof(key));
	key.account = row->account_id;
	key.lane = row->lane;
	lane = hash_search(lanes, &key, HASH_FIND, NULL);
	if (lane != NULL || !may_have_lane(&row->key.business_id))
		return lane;

	lane = find_or_make(lanes, &key, sizeof(key), sizeof(*lane));
	lane->account =
		find_or_make(accounts, &row->account_id, sizeof(pg_uuid_t), sizeof(Account));
	lane->tenant =
		find_or_make(tenants, &row->key.business_id, sizeof(pg_uuid_t), sizeof(Tenant));
	lane->host = find_or_make(hosts, &row->host, sizeof(uint32), sizeof(Host));
	if (lane->tenant->lanes++ == 0)
		dlist_init(&lane->tenant->active);
	lane->account->lanes++;
	lane->host->lanes++;
	return lane;
}

/* A lane without rows tells nothing, unless its account must be left alone. */
static void
forget_if_idle(CgLane *lane, int64 now_ms)
{
	Account *account = lane->account;
	Tenant  *tenant = lane->tenant;
	Host    *host = lane->host;

	if (lane->count > 0 || lane->open > 0 || lane->has_more || account->outages > 0 ||
		account->rests_until > now_ms || lane->bucket.per_second > 0 ||
		account->bucket.per_second > 0)
		return;
	lane_went = true;
	(void) hash_search(lanes, &lane->key, HASH_REMOVE, NULL);
	if (--account->lanes == 0)
		(void) hash_search(accounts, &account->id, HASH_REMOVE, NULL);
	if (--tenant->lanes == 0)
		(void) hash_search(tenants, &tenant->id, HASH_REMOVE, NULL);
	if (--host->lanes == 0)
		(void) hash_search(hosts, &host->name, HASH_REMOVE, NULL);
}

/* Makes room among lanes that are kept for the sake of their account only. */
static void
forget_idle_lanes(int64 now_ms)
{
	HASH_SEQ_STATUS scan;
	CgLane         *lane;

	hash_seq_init(&scan, lanes);
	while ((lane = hash_seq_search(&scan)) != NULL)
	{
		if (lane->count == 0 && lane->open == 0 && !lane->has_more &&
			lane->account->rests_until <= now_ms)
		{
			lane->account->outages = 0;
			lane->bucket.per_second = lane->account->bucket.per_second = 0;
			forget_if_idle(lane, now_ms);
		}
	}
}

void
cg_lanes_add(const CgQueued *row)
{
	CgLane *lane = find_lane(row);
	bool    found;

	if (lane == NULL || lane->count == LANE_KEYS)
	{
		/* The table knows it; it is read once there is room. */
		if (lane != NULL)
			lane->has_more = true;
		else
			were_full = true;
		return;
	}
	(void) hash_search(known, &row->key, HASH_ENTER, &found);
	if (found)
		return;
	lane->rows[(lane->first + lane->count) % LANE_KEYS] = row->key;
	if (lane->count++ > 0)
		return;
	if (lane->has_more)
		hungry--;
	if (dlist_is_empty(&lane->tenant->active))
		dlist_push_tail(&active, &lane->tenant->link);
	dlist_push_tail(&lane->tenant->active, &lane->link);
}

/* ---- Rates and breakers ------------------------------------------------------------ */

void
cg_lanes_set_rates(CgLane *lane, double per_second, double per_second_of_lane)
{
	cg_bucket_set_rate(&lane->account->bucket, per_second);
	cg_bucket_set_rate(&lane->bucket, per_second_of_lane);
}

/* In how many ms the lane may send, as far as its account is concerned; -1: not known. */
static int64
lane_wait(CgLane *lane, int64 now_ms)
{
	Account *account = lane->account;

	if (account->rests_until > now_ms)
		return account->rests_until - now_ms;
	/* Half open: one request finds out whether the provider is back. */
	if (account->outages >= BREAKER_FAILURES && account->in_flight > 0)
		return -1;
	return Max(cg_bucket_wait(&account->bucket, now_ms),
			   cg_bucket_wait(&lane->bucket, now_ms));
}

static int64
breaker_pause(int outages)
{
	int64 longest = BREAKER_FIRST_MS;

	for (int i = BREAKER_FAILURES; i < outages && longest < BREAKER_LAST_MS; i++)
		longest *= 2;
	longest = Min(longest, BREAKER_LAST_MS);
	/* Not all at once when the provider is back. */
	return longest / 2 +
		   (int64) pg_prng_uint64_range(&pg_global_prng_state, 0, longest / 2);
}

/* ---- Turns ------------------------------------------------------------------------- */

/* Its share of the slots, and of the places: what is not recorded yet may wait for long. */
static bool
has_share(const Tenant *tenant)
{
	return tenant->in_flight < free_slots && tenant->open < free_places;
}

static bool
has_room(const CgLane *lane)
{
	return lane->host->in_flight < HOST_SHARE * free_slots;
}

static bool
may_send(CgLane *lane, int64 now_ms)
{
	return has_room(lane) && lane_wait(lane, now_ms) == 0;
}

static CgOutboxKey
take_row(CgLane *lane)
{
	CgOutboxKey key = lane->rows[lane->first];

	lane->first = (lane->first + 1) % LANE_KEYS;
	lane->count--;
	if (lane->count == 0 && lane->has_more)
		hungry++;
	(void) hash_search(known, &key, HASH_REMOVE, NULL);
	cg_bucket_take(&lane->account->bucket);
	cg_bucket_take(&lane->bucket);
	lane->open++;
	lane->tenant->open++;
	free_places--;
	lane->account->in_flight++;
	lane->tenant->in_flight++;
	lane->host->in_flight++;
	free_slots--;
	return key;
}

/* The next row of a tenant, from the lane that waits for longest; false: none may go. */
static bool
take_of_tenant(Tenant *tenant, CgTurn *turn, int64 now_ms)
{
	dlist_iter iter;

	dlist_foreach(iter, &tenant->active)
	{
		CgLane *lane = dlist_container(CgLane, link, iter.cur);

		if (!may_send(lane, now_ms))
			continue;
		turn->lane = lane;
		turn->key = take_row(lane);
		dlist_delete(&lane->link);
		if (lane->count > 0)
			dlist_push_tail(&tenant->active, &lane->link);
		return true;
	}
	return false;
}

int
cg_lanes_take(CgTurn *turns, int max, int64 now_ms)
{
	int  taken = 0;
	bool took = true;

	/* Rounds, until one gives nothing. */
	while (took && taken < max && free_slots > 0)
	{
		dlist_mutable_iter iter;
		dlist_head         served;

		took = false;
		dlist_init(&served);
		dlist_foreach_modify(iter, &active)
		{
			Tenant *tenant = dlist_container(Tenant, link, iter.cur);

			if (taken == max || free_slots == 0)
				break;
			if (!has_share(tenant) || !take_of_tenant(tenant, &turns[taken], now_ms))
				continue;
			taken++;
			took = true;
			/* Who was served stands behind the others, in this round and the next. */
			dlist_delete(&tenant->link);
			if (!dlist_is_empty(&tenant->active))
				dlist_push_tail(&served, &tenant->link);
		}
		while (!dlist_is_empty(&served))
			dlist_push_tail(&active, dlist_pop_head_node(&served));
	}
	return taken;
}

void
cg_lanes_give_back(CgLane *lane, CgSlotEnd end, int64 pause_ms, int64 now_ms)
{
	Account *account = lane->account;

	account->in_flight--;
	lane->tenant->in_flight--;
	lane->host->in_flight--;
	free_slots++;
	switch (end)
	{
		case CG_SLOT_UNUSED:
			break;
		case CG_SLOT_CLOSED:
			/* All that it has is to be held; one at a time would take long. */
			account->rests_until = 0;
			account->outages = 0;
			break;
		case CG_SLOT_ANSWER:
			account->outages = 0;
			break;
		case CG_SLOT_OUTAGE:
			/* What was under way when the breaker opened tells nothing new. */
			if (account->rests_until <= now_ms && ++account->outages >= BREAKER_FAILURES)
				account->rests_until = now_ms + breaker_pause(account->outages);
			break;
		case CG_SLOT_TOO_FAST:
			account->rests_until = Max(account->rests_until, now_ms + pause_ms);
			break;
	}
}

void
cg_lanes_done_with(CgLane *lane, int64 now_ms)
{
	lane->open--;
	lane->tenant->open--;
	free_places++;
	forget_if_idle(lane, now_ms);
	if (were_full)
		forget_idle_lanes(now_ms);
}

int
cg_lanes_hungry(pg_uuid_t *hungry_accounts, int64 *hungry_lanes, int max)
{
	HASH_SEQ_STATUS scan;
	CgLane         *lane;
	int             count = 0;

	if (hungry == 0)
		return 0;
	hash_seq_init(&scan, lanes);
	while ((lane = hash_seq_search(&scan)) != NULL)
	{
		if (!lane->has_more || lane->count > 0 || count == max)
			continue;
		lane->has_more = false;
		hungry--;
		hungry_accounts[count] = lane->key.account;
		hungry_lanes[count++] = lane->key.lane;
	}
	return count;
}

bool
cg_lanes_were_full(void)
{
	bool was = were_full && lane_went;

	lane_went = false;
	if (was)
		were_full = false;
	return was;
}

int64
cg_lanes_next_at(int64 now_ms)
{
	dlist_iter tenant_iter;
	dlist_iter lane_iter;
	int64      at = PG_INT64_MAX;

	/* Who waits for a slot is looked at again when one is given back. */
	if (free_slots == 0)
		return at;
	/* A lane ran empty that has more in the table: it is filled at once. */
	if (hungry > 0)
		return now_ms;
	dlist_foreach(tenant_iter, &active)
	{
		Tenant *tenant = dlist_container(Tenant, link, tenant_iter.cur);

		/* A tenant at its share waits for one of its own transfers, not for a time. */
		if (!has_share(tenant))
			continue;
		dlist_foreach(lane_iter, &tenant->active)
		{
			CgLane *lane = dlist_container(CgLane, link, lane_iter.cur);
			int64   wait = lane_wait(lane, now_ms);

			if (wait >= 0 && has_room(lane))
				at = Min(at, now_ms + wait);
			if (at <= now_ms)
				return at;
		}
	}
	return at;
}
