/*
 * queue.c
 *		The dispatcher's transactions.
 *
 * Memory:		results in the caller's context, the rest in the transaction's.
 * Errors:		any, and then nothing happened; the caller aborts the transaction.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/clock.h"
#include "core/spi.h"
#include "outbox/queue.h"
#include "tenant/secret.h"

#define LONGEST_WAIT_MS (60 * 60 * 1000L)

typedef struct Session
{
	CgSpi         spi;
	CgIdentity    identity;
	MemoryContext caller;
} Session;

static void
begin(Session *session, const char *what)
{
	session->caller = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	cg_run_as_owner(&session->identity);
	cg_spi_begin(&session->spi, what);
	pgstat_report_activity(STATE_RUNNING, what);
}

static void
end(Session *session)
{
	cg_spi_end(&session->spi);
	cg_identity_restore(&session->identity);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextSwitchTo(session->caller);
}

static Datum
build_array(const Datum *values, const bool *nulls, int count, Oid type)
{
	int16 length;
	bool  by_value;
	char  align;
	int   dimension = count;
	int   lower = 1;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array((Datum *) values, (bool *) nulls, 1,
											  &dimension, &lower, type, length, by_value,
											  align));
}

int
cg_outbox_recover(void)
{
	Session session;
	bool    is_null;
	int     others;

	begin(&session, "recovering the outbox");
	cg_spi_query("SELECT cloudgreet_private.outbox_recover()", 0, NULL, NULL, NULL, false,
				 0);
	others = DatumGetInt32(cg_spi_value(0, 1, &is_null));
	end(&session);
	return others;
}

int
cg_outbox_due(CgOutboxKey *keys, int max, long *wait_ms)
{
	Session     session;
	Oid         types[1] = {INT4OID};
	Datum       values[1] = {Int32GetDatum(max + 1)};
	TimestampTz now;
	uint64      rows;
	int         count = 0;

	begin(&session, "looking for due requests");
	now = cg_clock_now();
	*wait_ms = LONGEST_WAIT_MS;
	rows = cg_spi_query("SELECT business_id, id, next_at"
						"  FROM cloudgreet_private.outbox_due($1)",
						1, types, values, NULL, false, 0);
	for (uint64 row = 0; row < rows; row++)
	{
		bool        is_null;
		TimestampTz due = DatumGetTimestampTz(cg_spi_value(row, 3, &is_null));

		if (due > now || count == max)
		{
			*wait_ms = Min(TimestampDifferenceMilliseconds(now, due), LONGEST_WAIT_MS);
			break;
		}
		keys[count].business_id = *DatumGetUUIDP(cg_spi_value(row, 1, &is_null));
		keys[count++].id = *DatumGetUUIDP(cg_spi_value(row, 2, &is_null));
	}
	end(&session);
	return count;
}

/* The key of an account, or NULL. */
static char *
open_key(uint64 row, int column, const pg_uuid_t *business, MemoryContext context)
{
	bool   is_null;
	Datum  name = cg_spi_value(row, column, &is_null);
	char  *label;
	bytea *plain;
	char  *key;

	if (is_null)
		return NULL;
	label = cg_secret_label(business, TextDatumGetCString(name),
							DatumGetInt32(cg_spi_value(row, column + 1, &is_null)));
	plain = cg_secret_try_open(
		label, TextDatumGetCString(cg_spi_value(row, column + 2, &is_null)),
		DatumGetByteaPP(cg_spi_value(row, column + 3, &is_null)),
		DatumGetByteaPP(cg_spi_value(row, column + 4, &is_null)));
	if (plain == NULL)
		return NULL;
	key = MemoryContextAlloc(context, VARSIZE_ANY_EXHDR(plain) + 1);
	memcpy(key, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	key[VARSIZE_ANY_EXHDR(plain)] = '\0';
	OPENSSL_cleanse(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	return key;
}

static void
read_item(uint64 row, CgOutboxItem *item, MemoryContext context)
{
	bool   is_null;
	bytea *body = DatumGetByteaPP(cg_spi_value(row, 7, &is_null));
	char  *idempotency = TextDatumGetCString(cg_spi_value(row, 5, &is_null));

	item->key.business_id = *DatumGetUUIDP(cg_spi_value(row, 1, &is_null));
	item->key.id = *DatumGetUUIDP(cg_spi_value(row, 2, &is_null));
	item->provider =
		MemoryContextStrdup(context, TextDatumGetCString(cg_spi_value(row, 3, &is_null)));
	item->operation =
		MemoryContextStrdup(context, TextDatumGetCString(cg_spi_value(row, 4, &is_null)));
	item->may_repeat = strcmp(idempotency, "none") != 0;
	item->attempt = DatumGetInt32(cg_spi_value(row, 6, &is_null));
	item->body_length = (int) VARSIZE_ANY_EXHDR(body);
	item->body = MemoryContextAlloc(context, item->body_length + 1);
	memcpy(item->body, VARDATA_ANY(body), item->body_length);
	item->api_key = open_key(row, 9, &item->key.business_id, context);
}

int
cg_outbox_claim(const CgOutboxKey *keys, int count, CgOutboxItem *items,
				bool *has_waiting)
{
	Session session;
	Oid     types[2] = {UUIDARRAYOID, UUIDARRAYOID};
	Datum   values[2];
	Datum  *businesses;
	Datum  *ids;
	uint64  rows;
	int     claimed = 0;

	begin(&session, "claiming requests");
	/* A server that forgot the claim in a crash would send again. */
	ForceSyncCommit();
	businesses = palloc(count * sizeof(Datum));
	ids = palloc(count * sizeof(Datum));
	for (int i = 0; i < count; i++)
	{
		businesses[i] = UUIDPGetDatum(&keys[i].business_id);
		ids[i] = UUIDPGetDatum(&keys[i].id);
	}
	values[0] = build_array(businesses, NULL, count, UUIDOID);
	values[1] = build_array(ids, NULL, count, UUIDOID);
	rows = cg_spi_query("SELECT business_id, id, provider, operation, idempotency,"
						"       attempt, body, waits, secret_name, secret_version,"
						"       secret_key_id, secret_nonce, secret_ciphertext"
						"  FROM cloudgreet_private.outbox_claim($1, $2)",
						2, types, values, NULL, false, 0);
	*has_waiting = false;
	for (uint64 row = 0; row < rows; row++)
	{
		bool is_null;

		if (DatumGetBool(cg_spi_value(row, 8, &is_null)))
			*has_waiting = true;
		else
			read_item(row, &items[claimed++], session.caller);
	}
	end(&session);
	return claimed;
}

static const char *
outcome_name(CgOutboxOutcome outcome)
{
	switch (outcome)
	{
		case CG_OUTBOX_DONE:
			return "done";
		case CG_OUTBOX_RETRY:
			return "retry";
		case CG_OUTBOX_UNKNOWN:
			return "unknown";
		case CG_OUTBOX_DEAD:
			return "dead";
		case CG_OUTBOX_ACCOUNT_BROKEN:
			return "account_broken";
	}
	return NULL;
}

#define SETTLE_COLUMNS 10

static void
fill_row(const CgOutboxAttempt *attempt, Datum *values, bool *nulls)
{
	const CgOutboxVerdict *verdict = &attempt->verdict;
	int                    i = 0;

	memset(nulls, 0, SETTLE_COLUMNS * sizeof(bool));
	values[i++] = UUIDPGetDatum(&attempt->key.business_id);
	values[i++] = UUIDPGetDatum(&attempt->key.id);
	values[i++] = Int32GetDatum(attempt->attempt);
	values[i++] = CStringGetTextDatum(outcome_name(verdict->outcome));
	nulls[i] = verdict->http_status == 0;
	values[i++] = Int32GetDatum(verdict->http_status);
	nulls[i] = verdict->error_code[0] == '\0';
	values[i++] = CStringGetTextDatum(verdict->error_code);
	values[i++] = Int32GetDatum(Max(attempt->duration_ms, 0));
	nulls[i] = verdict->provider_id[0] == '\0';
	values[i++] = CStringGetTextDatum(verdict->provider_id);
	nulls[i] = verdict->retry_after_ms < 0;
	values[i++] = Int64GetDatum(verdict->retry_after_ms);
	nulls[i] = attempt->response_length == 0;
	values[i] = PointerGetDatum(
		cstring_to_text_with_len(attempt->response, attempt->response_length));
}

void
cg_outbox_settle(CgOutboxAttempt *const *attempts, int count, bool *is_settled)
{
	static const Oid elements[SETTLE_COLUMNS] = {UUIDOID, UUIDOID, INT4OID, TEXTOID,
												 INT4OID, TEXTOID, INT4OID, TEXTOID,
												 INT8OID, BYTEAOID};
	static const Oid types[SETTLE_COLUMNS] = {
		UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
		TEXTARRAYOID, INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, BYTEAARRAYOID};
	Session session;
	Datum   arrays[SETTLE_COLUMNS];
	Datum  *columns;
	bool   *nulls;
	uint64  rows;

	begin(&session, "settling requests");
	columns = palloc(SETTLE_COLUMNS * count * sizeof(Datum));
	nulls = palloc(SETTLE_COLUMNS * count * sizeof(bool));
	for (int row = 0; row < count; row++)
	{
		Datum row_values[SETTLE_COLUMNS];
		bool  row_nulls[SETTLE_COLUMNS];

		fill_row(attempts[row], row_values, row_nulls);
		for (int i = 0; i < SETTLE_COLUMNS; i++)
		{
			columns[i * count + row] = row_values[i];
			nulls[i * count + row] = row_nulls[i];
		}
	}
	for (int i = 0; i < SETTLE_COLUMNS; i++)
		arrays[i] =
			build_array(&columns[i * count], &nulls[i * count], count, elements[i]);
	rows = cg_spi_query("SELECT cloudgreet_private.outbox_settle($1, $2, $3, $4, $5, $6,"
						"                                        $7, $8, $9, $10)",
						SETTLE_COLUMNS, types, arrays, NULL, false, 0);
	Assert(rows == count);
	for (uint64 row = 0; row < rows; row++)
	{
		bool is_null;

		is_settled[row] = DatumGetBool(cg_spi_value(row, 1, &is_null));
	}
	end(&session);
}
