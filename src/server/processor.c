/*
 * processor.c
 *		The background worker that processes webhooks, does what is due, and looks after
 *		histories.
 *
 * It is woken when a webhook was committed, and looks for itself: for those that are to
 * be tried again, and for those whose waking was lost.  Businesses take turns, of a few
 * events and milliseconds each (sql/api/490_process_webhooks.sql); some turns share a
 * transaction, which is cheap while all goes well.  When something raises, all of it is
 * undone and done again one event a transaction: the one that raises is put off alone.
 *
 * Locks:		waited for LOCK_TIMEOUT at most.  A business whose row was locked by another
 *				session is left for PAUSE_MIN_MS, then twice as long, up to PAUSE_MAX_MS.
 * Errors:		an event that raises or takes longer than cloudgreet.webhook_timeout has
 *				failed once more (put_off_webhook()).  Other errors are logged, and tried
 *				again after a pause: the worker ends for none.
 *
 * Shown by test/t/133_webhook_fairness.pl.
 *
 * Called by:	the postmaster, by what database_workers.c registers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/uuid.h"
#include "utils/wait_event.h"

#include "core/monotonic.h"
#include "core/spi.h"
#include "outbound/handoff.h"
#include "server/database_worker.h"
#include "server/due_work.h"
#include "server/processor.h"
#include "server/settings.h"
#include "server/upkeep.h"

#define TURNS 16       /* businesses in a transaction */
#define TURN_EVENTS 64 /* of a business */
#define APART_EVENTS 16
#define APART_MS 50 /* and then the next business */

#define LOCK_TIMEOUT "50ms"
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000
#define MAX_PAUSES 1000

#define LOOK_MS 10000
#define LOOK_SOON_MS 1010 /* what a lock stopped is put off for a second */
#define GROWN_MS 1000     /* between looks for tables that grew */
#define COUNT_MS 5000     /* between two times that the counters are brought up to date */
#define COUNT_ROWS 20000

/* A business that is left alone for a while, since its rows are locked by others. */
typedef struct Pause
{
	pg_uuid_t business;
	int64     until;
	int       count;
} Pause;

/* What is done in a transaction, and what came of it. */
typedef struct Piece
{
	const pg_uuid_t *businesses;
	int              business_count;
	pg_uuid_t        id;
	const char      *code;    /* of the error that is to be told */
	const char      *message; /* ... */
	int              result;
	int              turns;
	pg_uuid_t        ids[Max(TURNS, APART_EVENTS)];
} Piece;

typedef void (*Work)(Piece *piece);

typedef enum Ending
{
	ENDED_WELL,
	ENDED_BLOCKED,   /* by a lock, or a server without room: nobody's fault */
	ENDED_CANCELLED, /* by a person or a shutdown */
	ENDED_FAILED
} Ending;

static HTAB     *pauses = NULL;
static pg_uuid_t last_turn;
static bool      has_last_turn = false;
static int64     look_at;
static int64     soon_at = 0;

static void
look_within(int64 ms)
{
	look_at = Min(look_at, cg_monotonic_ms() + ms);
}

/* Something was put off, or could not be done. */
static void
look_soon(void)
{
	soon_at = cg_monotonic_ms() + LOOK_SOON_MS;
	look_within(LOOK_SOON_MS);
}

/* ---- Transactions ------------------------------------------------------------------ */

static bool
is_passing(int code)
{
	return code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   code == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   code == ERRCODE_LOCK_NOT_AVAILABLE ||
		   ERRCODE_TO_CATEGORY(code) == ERRCODE_INSUFFICIENT_RESOURCES ||
		   ERRCODE_TO_CATEGORY(code) == ERRCODE_SYSTEM_ERROR;
}

static void
in_transaction(const char *what, Work work, Piece *piece, int timeout)
{
	CgWorkerSession session;

	cg_database_worker_begin(&session, what, false);
	/* The server itself times only what clients send. */
	if (timeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, timeout);
	work(piece);
	disable_timeout(STATEMENT_TIMEOUT, false);
	cg_database_worker_commit(&session);
}

/*
 * Does a piece of work in a transaction.  When it raises, *code and *message of the piece
 * tell why, in the caller's memory.
 */
static Ending
try_in_transaction(const char *what, Work work, Piece *piece, int timeout)
{
	MemoryContext   caller = CurrentMemoryContext;
	int64           began = cg_monotonic_ms();
	volatile Ending ending = ENDED_WELL;

	PG_TRY();
	{
		in_transaction(what, work, piece, timeout);
	}
	PG_CATCH();
	{
		ErrorData *error;
		bool       is_cancelled;

		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		piece->code = pstrdup(unpack_sql_state(error->sqlerrcode));
		piece->message = error->message ? error->message : "";
		is_cancelled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;
		/* A timeout is the event's fault; a cancel by a person is not. */
		if (is_passing(error->sqlerrcode))
			ending = ENDED_BLOCKED;
		else if (is_cancelled && (timeout == 0 || cg_monotonic_ms() - began < timeout))
			ending = ENDED_CANCELLED;
		else
			ending = ENDED_FAILED;
		cg_database_worker_abort();
		QueryCancelPending = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return ending;
}

static void
log_failure(const char *what, const Piece *piece)
{
	ereport(LOG, (errmsg("%s failed: %s: %s", what, piece->code, piece->message),
				  errdetail("It is tried again.")));
}

/* ---- Pieces ------------------------------------------------------------------------ */

static Datum
uuid_array(const pg_uuid_t *ids, int count)
{
	Datum *values = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		values[i] = UUIDPGetDatum(&ids[i]);
	return PointerGetDatum(
		construct_array(values, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

/* The ids in the first column of the rows that were found. */
static void
keep_ids(Piece *piece, uint64 rows)
{
	bool is_null;

	piece->result = (int) Min(rows, lengthof(piece->ids));
	for (int i = 0; i < piece->result; i++)
		piece->ids[i] = *DatumGetUUIDP(cg_spi_value(i, 1, &is_null));
}

static Datum
paused_businesses(void)
{
	HASH_SEQ_STATUS scan;
	Pause          *pause;
	pg_uuid_t      *ids = palloc(sizeof(pg_uuid_t) * MAX_PAUSES);
	int             count = 0;
	int64           now = cg_monotonic_ms();

	hash_seq_init(&scan, pauses);
	while ((pause = hash_seq_search(&scan)) != NULL)
	{
		if (pause->until > now)
		{
			ids[count++] = pause->business;
			look_within(pause->until - now);
		}
	}
	return uuid_array(ids, count);
}

static void
find_turns(Piece *piece)
{
	Oid   types[] = {UUIDOID, UUIDARRAYOID, INT4OID};
	Datum values[] = {UUIDPGetDatum(&last_turn), paused_businesses(),
					  Int32GetDatum(TURNS)};

	keep_ids(piece, cg_spi_query("SELECT cloudgreet_private.webhook_turns($1, $2, $3)", 3,
								 types, values, has_last_turn ? NULL : "n  ", false, 0));
}

static void
do_turns(Piece *piece)
{
	Oid   types[] = {UUIDARRAYOID, INT4OID};
	Datum values[] = {uuid_array(piece->businesses, piece->business_count),
					  Int32GetDatum(TURN_EVENTS)};
	bool  is_null;

	cg_spi_query("SELECT turns, processed "
				 "FROM cloudgreet_private.process_businesses($1, $2)",
				 2, types, values, NULL, false, 0);
	piece->turns = DatumGetInt32(cg_spi_value(0, 1, &is_null));
	piece->result = DatumGetInt32(cg_spi_value(0, 2, &is_null));
}

static void
find_events(Piece *piece)
{
	Oid   types[] = {UUIDOID, INT4OID};
	Datum values[] = {UUIDPGetDatum(&piece->businesses[0]), Int32GetDatum(APART_EVENTS)};

	keep_ids(piece, cg_spi_query("SELECT cloudgreet_private.due_webhooks($1, $2)", 2,
								 types, values, NULL, false, 0));
}

static void
process_alone(Piece *piece)
{
	Oid   types[] = {UUIDOID, UUIDOID};
	Datum values[] = {UUIDPGetDatum(&piece->businesses[0]), UUIDPGetDatum(&piece->id)};

	cg_spi_query("SELECT cloudgreet_private.process_alone($1, $2)", 2, types, values,
				 NULL, false, 0);
}

static void
put_off(Piece *piece)
{
	Oid   types[] = {UUIDOID, UUIDOID, TEXTOID, TEXTOID};
	Datum values[] = {UUIDPGetDatum(&piece->businesses[0]), UUIDPGetDatum(&piece->id),
					  CStringGetTextDatum(piece->code),
					  CStringGetTextDatum(piece->message)};

	cg_spi_query("SELECT cloudgreet_private.put_off_webhook($1, $2, $3, $4)", 4, types,
				 values, NULL, false, 0);
}

static void
add_up_counts(Piece *piece)
{
	Oid   types[] = {INT4OID};
	Datum values[] = {Int32GetDatum(COUNT_ROWS)};
	bool  is_null;

	cg_spi_query("SELECT cloudgreet_private.add_up_counts($1)", 1, types, values, NULL,
				 false, 0);
	piece->result = DatumGetInt32(cg_spi_value(0, 1, &is_null));
}

static void
analyze_grown(Piece *piece)
{
	bool is_null;

	cg_spi_query("SELECT cloudgreet_private.analyze_grown()", 0, NULL, NULL, NULL, false,
				 0);
	(void) cg_spi_value(0, 1, &is_null);
	piece->result = is_null ? 0 : 1;
}

/* ---- Turns ------------------------------------------------------------------------- */

static void
pause_business(const pg_uuid_t *business)
{
	Pause *pause;
	bool   found;

	if (hash_get_num_entries(pauses) >= MAX_PAUSES)
		return; /* then only its locked rows are put off */
	pause = hash_search(pauses, business, HASH_ENTER, &found);
	if (!found)
		pause->count = 0;
	pause->until =
		cg_monotonic_ms() + Min(PAUSE_MIN_MS << Min(pause->count, 10), PAUSE_MAX_MS);
	pause->count++;
}

static void
end_pause(const pg_uuid_t *business)
{
	if (hash_get_num_entries(pauses) > 0)
		(void) hash_search(pauses, business, HASH_REMOVE, NULL);
}

/* Does the turn of a business one event a transaction, so that one alone fails. */
static void
do_apart(const pg_uuid_t *business)
{
	Piece  due = {.businesses = business, .business_count = 1};
	Ending ending = try_in_transaction("looking for webhooks", find_events, &due, 0);
	int64  until = cg_monotonic_ms() + APART_MS;

	for (int i = 0; ending == ENDED_WELL && i < due.result && cg_monotonic_ms() < until;
		 i++)
	{
		Piece piece = {.businesses = business, .id = due.ids[i]};

		ending = try_in_transaction("processing a webhook", process_alone, &piece,
									cg_webhook_timeout);
		/* A session that somebody cancels has not failed, and nor has the event. */
		if (ending == ENDED_CANCELLED)
			return;
		if (ending == ENDED_WELL)
			continue;
		if (ending == ENDED_FAILED)
		{
			log_failure("processing a webhook", &piece);
			ending = ENDED_WELL;
		}
		if (try_in_transaction("putting off a webhook", put_off, &piece, 0) != ENDED_WELL)
			ending = ENDED_BLOCKED;
		look_soon();
	}
	if (ending == ENDED_WELL)
		end_pause(business);
	else
		pause_business(business);
}

/* Gives businesses a turn; false when none has anything due. */
static bool
do_some_turns(void)
{
	Piece  found = {0};
	Piece  piece = {0};
	Ending ending = try_in_transaction("looking for webhooks", find_turns, &found, 0);

	if (ending != ENDED_WELL)
	{
		log_failure("looking for webhooks", &found);
		look_soon();
		return false;
	}
	if (found.result == 0)
		return false;
	piece.businesses = found.ids;
	piece.business_count = found.result;
	ending =
		try_in_transaction("processing webhooks", do_turns, &piece, cg_webhook_timeout);
	if (ending == ENDED_WELL)
		cg_database_worker_note_work(piece.result);
	else
		piece.turns = found.result;
	for (int i = 0; i < piece.turns && ending != ENDED_CANCELLED; i++)
	{
		if (ending == ENDED_WELL)
			end_pause(&found.ids[i]);
		else
			do_apart(&found.ids[i]);
	}
	/* The next look begins after it, or the first businesses would have all turns. */
	last_turn = found.ids[piece.turns - 1];
	has_last_turn = true;
	return true;
}

static void
handle_interrupts(void)
{
	cg_database_worker_handle_interrupts();
	if (ShutdownRequestPending)
		proc_exit(0);
}

/* Brings the counters of the queue up to date by one piece; returns when it is next. */
static int64
count(void)
{
	Piece piece = {0};

	if (try_in_transaction("counting requests", add_up_counts, &piece, 0) != ENDED_WELL)
		log_failure("counting requests", &piece);
	return cg_monotonic_ms() + (piece.result == COUNT_ROWS ? 0 : COUNT_MS);
}

/*
 * Has a table that filled looked at, or plans that were made for an empty one would stay
 * (sql/api/825_statistics.sql); returns when to look next.
 */
static int64
keep_statistics(void)
{
	Piece piece = {0};

	(void) try_in_transaction("looking at a table", analyze_grown, &piece, 0);
	return cg_monotonic_ms() + (piece.result > 0 ? 0 : GROWN_MS);
}

void
cg_worker_process(Datum argument)
{
	HASHCTL       control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(Pause)};
	MemoryContext turn;
	int64         count_at = 0;
	int64         upkeep_at = 0;
	int64         statistics_at = 0;
	long          due_ms;

	cg_database_worker_start(CG_HANDOFF_PROCESSOR, "cloudgreet processor");
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_USERSET, PGC_S_OVERRIDE);
	pauses = hash_create("cloudgreet pauses", 64, &control, HASH_ELEM | HASH_BLOBS);
	turn = AllocSetContextCreate(TopMemoryContext, "cloudgreet processor turn",
								 ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		bool is_more;

		handle_interrupts();
		if (!cg_database_worker_is_wanted())
			proc_exit(0);
		look_at = cg_monotonic_ms() + LOOK_MS;
		/* What wakes the worker before that is no look at what is put off. */
		if (soon_at > cg_monotonic_ms())
			look_within(soon_at - cg_monotonic_ms());
		/* In turn: a flood of webhooks holds up no reminder, nor a backlog of those a call. */
		do
		{
			MemoryContextSwitchTo(turn);
			is_more = do_some_turns();
			due_ms = cg_due_work_piece();
			/* A piece of these at a time, beside whatever else there is to do. */
			if (cg_monotonic_ms() >= count_at)
				count_at = count();
			if (cg_monotonic_ms() >= upkeep_at)
				upkeep_at = cg_monotonic_ms() + cg_upkeep_piece();
			if (cg_monotonic_ms() >= statistics_at)
				statistics_at = keep_statistics();
			MemoryContextReset(turn);
			handle_interrupts();
		} while (is_more || due_ms == 0);
		look_at = Min(look_at, Min(count_at, upkeep_at));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(Max(look_at - cg_monotonic_ms(), 1), due_ms),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
