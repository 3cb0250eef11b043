/*
 * handoff.c
 *		The ring between committing backends and the workers of a database.
 *
 * A backend remembers what it enqueued.  Before the commit it demands that the commit
 * is flushed, or a message could outlive the transaction that wanted it; after it, it
 * copies the keys into the ring.  Nothing there can fail: memory is static, and a ring
 * that is full becomes a flag that tells the worker to look into the table.
 *
 * Rows of a subtransaction that was rolled back are handed over too and not found.
 *
 * Locks:		a spinlock a database, held for the copying of keys.
 * Errors:		PREPARE TRANSACTION is refused (0A000) after enqueuing.
 * Called by:	triggers of the outbox and of due_work, server/database_worker.c and the
 *				workers
 * Shown by:	test/t/140_outbox.pl, test/t/163_due_work.pl
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/rel.h"

#include "compat.h"
#include "outbound/handoff.h"

#define DATABASES 16
#define RING_SIZE 4096
/* Of one transaction; more of them are found by a scan. */
#define PENDING_SIZE 256
#define NO_PROCESS (-1)

typedef struct Place
{
	Oid         database; /* InvalidOid: free; kept until another needs the place */
	slock_t     lock;
	int         worker[CG_HANDOFF_WORKERS]; /* index into allProcs, or NO_PROCESS */
	bool        scan_needed;
	TimestampTz next_due; /* what the processor waits for: a time of due_work */
	uint32      first;
	uint32      count;
	CgQueued    ring[RING_SIZE];
} Place;

static Place                  *places = NULL;
static Place                  *own_place = NULL; /* of a worker */
static CgHandoffWorker         own_worker;
static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;
static object_access_hook_type previous_access = NULL;

/* What this transaction did. */
static CgQueued pending[PENDING_SIZE];
static int      pending_count = 0;
static bool     pending_scan = false;
static bool     pending_webhooks = false;
/* The earliest that it planned. */
static TimestampTz pending_due = DT_NOEND;

static void
request_memory(void)
{
	if (previous_request != NULL)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(DATABASES * sizeof(Place)));
}

static void
start_memory(void)
{
	bool found;

	if (previous_startup != NULL)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	places = ShmemInitStruct("cloudgreet handoff", DATABASES * sizeof(Place), &found);
	if (!found)
	{
		memset(places, 0, DATABASES * sizeof(Place));
		for (int i = 0; i < DATABASES; i++)
		{
			SpinLockInit(&places[i].lock);
			for (int w = 0; w < CG_HANDOFF_WORKERS; w++)
				places[i].worker[w] = NO_PROCESS;
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

static Place *
find_place(Oid database)
{
	for (int i = 0; places != NULL && i < DATABASES; i++)
	{
		if (places[i].database == database)
			return &places[i];
	}
	return NULL;
}

static void
wake(const Place *place, CgHandoffWorker worker)
{
	int process = place->worker[worker];

	if (process != NO_PROCESS)
		SetLatch(&ProcGlobal->allProcs[process].procLatch);
}

static void
hand_over(void)
{
	Place *place = find_place(MyDatabaseId);
	bool   has_requests = pending_count > 0 || pending_scan;
	bool   is_earlier;

	if (place == NULL)
		return;
	SpinLockAcquire(&place->lock);
	if (pending_scan || place->count + pending_count > RING_SIZE)
		place->scan_needed = true;
	else
	{
		for (int i = 0; i < pending_count; i++)
			place->ring[(place->first + place->count++) % RING_SIZE] = pending[i];
	}
	is_earlier = pending_due < place->next_due;
	SpinLockRelease(&place->lock);
	if (has_requests)
		wake(place, CG_HANDOFF_DISPATCHER);
	if (pending_webhooks || is_earlier)
		wake(place, CG_HANDOFF_PROCESSOR);
}

static void
forget_pending(void)
{
	pending_count = 0;
	pending_scan = false;
	pending_webhooks = false;
	pending_due = DT_NOEND;
}

static void
on_transaction(XactEvent event, void *arg)
{
	if (pending_count == 0 && !pending_scan && !pending_webhooks &&
		pending_due == DT_NOEND)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (pending_count > 0)
				ForceSyncCommit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that enqueued requests")));
			break;
		case XACT_EVENT_COMMIT:
			hand_over();
			forget_pending();
			break;
		case XACT_EVENT_ABORT:
			forget_pending();
			break;
		default:
			break;
	}
}

/* The extension goes: the workers have to. */
static void
on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id,
				 void *arg)
{
	if (previous_access != NULL)
		previous_access(access, class_id, object_id, sub_id, arg);
	if (access == OAT_DROP && class_id == ExtensionRelationId &&
		object_id == get_extension_oid("cloudgreet", true))
	{
		pending_scan = true;
		pending_webhooks = true;
	}
}

void
cg_handoff_install(void)
{
	RegisterXactCallback(on_transaction, NULL);
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start_memory;
	previous_access = object_access_hook;
	object_access_hook = on_object_access;
}

static void
detach(int code, Datum arg)
{
	SpinLockAcquire(&own_place->lock);
	own_place->worker[own_worker] = NO_PROCESS;
	SpinLockRelease(&own_place->lock);
}

/* A place that was never used, or one whose database has no worker now. */
static Place *
find_idle_place(void)
{
	Place *place = find_place(InvalidOid);

	for (int i = 0; place == NULL && i < DATABASES; i++)
	{
		if (places[i].worker[CG_HANDOFF_DISPATCHER] == NO_PROCESS &&
			places[i].worker[CG_HANDOFF_PROCESSOR] == NO_PROCESS)
			place = &places[i];
	}
	return place;
}

bool
cg_handoff_attach(CgHandoffWorker worker)
{
	bool is_mine = false;

	Assert(places != NULL && own_place == NULL);
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	own_place = find_place(MyDatabaseId);
	if (own_place == NULL && (own_place = find_idle_place()) != NULL)
	{
		/* Keys of the database before: its next dispatcher finds their rows by a scan. */
		SpinLockAcquire(&own_place->lock);
		own_place->database = MyDatabaseId;
		own_place->count = 0;
		own_place->scan_needed = false;
		own_place->next_due = DT_NOEND;
		SpinLockRelease(&own_place->lock);
	}
	if (own_place == NULL)
		ereport(LOG, (errmsg("too many databases are served"),
					  errdetail("At most %d can be.", DATABASES)));
	else
	{
		SpinLockAcquire(&own_place->lock);
		is_mine = own_place->worker[worker] == NO_PROCESS;
		if (is_mine)
			own_place->worker[worker] = cg_compat_proc_number();
		SpinLockRelease(&own_place->lock);
	}
	LWLockRelease(AddinShmemInitLock);
	own_worker = worker;
	if (is_mine)
		before_shmem_exit(detach, (Datum) 0);
	return is_mine;
}

int
cg_handoff_take(CgQueued *rows, int max, bool *scan_needed)
{
	int taken = 0;

	SpinLockAcquire(&own_place->lock);
	*scan_needed = own_place->scan_needed;
	own_place->scan_needed = false;
	while (taken < max && own_place->count > 0)
	{
		rows[taken++] = own_place->ring[own_place->first];
		own_place->first = (own_place->first + 1) % RING_SIZE;
		own_place->count--;
	}
	SpinLockRelease(&own_place->lock);
	return taken;
}

static void
require_trigger(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("%s() is a trigger function for rows", name)));
}

uint32
cg_handoff_host(const text *provider, const pg_uuid_t *account_id)
{
	static const char by_account[] = "http";
	const char       *name = VARDATA_ANY(provider);
	int               length = (int) VARSIZE_ANY_EXHDR(provider);

	if (length == sizeof(by_account) - 1 && memcmp(name, by_account, length) == 0)
		return hash_bytes(account_id->data, UUID_LEN);
	return hash_bytes((const unsigned char *) name, length);
}

bool
cg_handoff_has_rows(void)
{
	/* Read without the lock: who adds rows sets the latch afterwards. */
	return own_place->count > 0 || own_place->scan_needed;
}

bool
cg_handoff_wants_look(void)
{
	return own_place->scan_needed;
}

/* The value of a column of the row that the trigger is about. */
static Datum
trigger_value(const TriggerData *trigger, const char *name, Oid type)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	HeapTuple row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
															   : trigger->tg_trigtuple;
	int       column = SPI_fnumber(descriptor, name);
	bool      is_null = true;
	Datum     value = (Datum) 0;

	if (column > 0 && TupleDescAttr(descriptor, column - 1)->atttypid == type)
		value = heap_getattr(row, column, descriptor, &is_null);
	if (is_null)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("the table has no such column \"%s\"", name)));
	return value;
}

PG_FUNCTION_INFO_V1(cg_sql_outbox_handoff);

/* AFTER INSERT, or UPDATE that lets a row go, ... FOR EACH ROW on the outbox. */
Datum
cg_sql_outbox_handoff(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = (const TriggerData *) fcinfo->context;
	CgQueued          *row;
	text              *provider;

	require_trigger(fcinfo, "outbox_handoff");
	if (pending_count == PENDING_SIZE)
	{
		pending_scan = true;
		return PointerGetDatum(NULL);
	}
	row = &pending[pending_count];
	row->key.business_id = *DatumGetUUIDP(trigger_value(trigger, "business_id", UUIDOID));
	row->key.id = *DatumGetUUIDP(trigger_value(trigger, "id", UUIDOID));
	row->account_id = *DatumGetUUIDP(trigger_value(trigger, "account_id", UUIDOID));
	row->lane = DatumGetInt64(trigger_value(trigger, "lane", INT8OID));
	row->next_at = DatumGetTimestampTz(trigger_value(trigger, "next_at", TIMESTAMPTZOID));
	provider = DatumGetTextPP(trigger_value(trigger, "provider", TEXTOID));
	row->host = cg_handoff_host(provider, &row->account_id);
	pending_count++;
	return PointerGetDatum(NULL);
}

void
cg_handoff_expect(TimestampTz next_due)
{
	SpinLockAcquire(&own_place->lock);
	own_place->next_due = next_due;
	SpinLockRelease(&own_place->lock);
}

PG_FUNCTION_INFO_V1(cg_sql_due_work_handoff);

/* AFTER INSERT OR UPDATE ... FOR EACH ROW on due_work. */
Datum
cg_sql_due_work_handoff(PG_FUNCTION_ARGS)
{
	TimestampTz due_at;

	require_trigger(fcinfo, "due_work_handoff");
	due_at = DatumGetTimestampTz(
		trigger_value((const TriggerData *) fcinfo->context, "due_at", TIMESTAMPTZOID));
	pending_due = Min(pending_due, due_at);
	return PointerGetDatum(NULL);
}

PG_FUNCTION_INFO_V1(cg_sql_webhook_handoff);

/* AFTER INSERT OR UPDATE ... FOR EACH ROW on the inbox. */
Datum
cg_sql_webhook_handoff(PG_FUNCTION_ARGS)
{
	require_trigger(fcinfo, "webhook_handoff");
	pending_webhooks = true;
	return PointerGetDatum(NULL);
}

PG_FUNCTION_INFO_V1(cg_sql_wake_workers);

/* The workers look into their tables once this transaction has committed. */
Datum
cg_sql_wake_workers(PG_FUNCTION_ARGS)
{
	pending_scan = true;
	pending_webhooks = true;
	pending_due = DT_NOBEGIN;
	PG_RETURN_VOID();
}
