/*
 * queue_claim.c
 *		Claiming a batch, and reading what is to be sent of it; see queue.h.
 *
 * Called by the turn's transaction (server/dispatcher_turn.c, server/dispatcher_claims.c).  Shown by
 * test/t/140_outbox.pl.
 *
 * Memory:		items in the caller's context; keys of accounts there and in the transaction's,
 *				where they are cleansed at once.  Who sends the items cleanses theirs.
 * Errors:		any, and then nothing happened; the caller aborts the transaction.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/spi.h"
#include "outbound/queue.h"
#include "outbound/queue_internal.h"
#include "outbound/settings.h"
#include "outbound/statements.h"
#include "tenant/secret.h"

/*
 * The keys of a batch: most requests of it are by the same accounts, and to open a key costs
 * a read of the master key's file.  Nothing is kept beyond the batch, so that a key that is
 * replaced or a master key that is gone counts at once.
 */
typedef struct OpenedKey
{
	pg_uuid_t business;
	char     *label; /* the secret's name and version */
	char     *key;   /* NULL: it does not open */
} OpenedKey;

typedef struct OpenedKeys
{
	OpenedKey *keys;
	int        count;
} OpenedKeys;

static char *
open_key(uint64 row, int column, const char *label)
{
	bool   is_null;
	bytea *plain = cg_secret_try_open(
		label, TextDatumGetCString(cg_spi_value(row, column, &is_null)),
		DatumGetByteaPP(cg_spi_value(row, column + 1, &is_null)),
		DatumGetByteaPP(cg_spi_value(row, column + 2, &is_null)));
	char *key;

	if (plain == NULL)
		return NULL;
	key = pnstrdup(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	OPENSSL_cleanse(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	return key;
}

/* The key of an account, in the context, or NULL. */
static char *
find_key(OpenedKeys *opened, uint64 row, int column, const pg_uuid_t *business,
		 MemoryContext context)
{
	bool       is_null;
	Datum      name = cg_spi_value(row, column, &is_null);
	OpenedKey *entry = opened->keys;
	char      *label;

	if (is_null)
		return NULL;
	label = cg_secret_label(business, TextDatumGetCString(name),
							DatumGetInt32(cg_spi_value(row, column + 1, &is_null)));
	while (entry < opened->keys + opened->count &&
		   (memcmp(&entry->business, business, sizeof(*business)) != 0 ||
			strcmp(entry->label, label) != 0))
		entry++;
	if (entry == opened->keys + opened->count)
	{
		entry->business = *business;
		entry->label = label;
		entry->key = open_key(row, column + 2, label);
		opened->count++;
	}
	return entry->key == NULL ? NULL : MemoryContextStrdup(context, entry->key);
}

static void
cleanse_keys(OpenedKeys *opened)
{
	for (int i = 0; i < opened->count; i++)
	{
		if (opened->keys[i].key != NULL)
			OPENSSL_cleanse(opened->keys[i].key, strlen(opened->keys[i].key));
	}
}

static double
read_rate(uint64 row, int column)
{
	bool  is_null;
	Datum rate = cg_spi_value(row, column, &is_null);

	return is_null || !(DatumGetFloat8(rate) > 0) ? 0 : DatumGetFloat8(rate);
}

/* Repeating a request is harmless where that lasts for as long as it is tried. */
static bool
is_repeatable(const char *idempotency)
{
	return strcmp(idempotency, "native") == 0 || strcmp(idempotency, "natural") == 0 ||
		   strcmp(idempotency, "meaning") == 0;
}

/* Where a request goes that has no account; its third element names the secret, if any. */
static void
read_target(uint64 row, CgOutboxItem *item, MemoryContext context)
{
	bool   is_null;
	Datum  target = cg_spi_value(row, 16, &is_null);
	Datum *elements;

	item->wants_key = true;
	if (is_null)
		return;
	deconstruct_array(DatumGetArrayTypeP(target), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &item->target_length);
	item->target = MemoryContextAlloc(context, item->target_length * sizeof(char *));
	for (int i = 0; i < item->target_length; i++)
		item->target[i] = MemoryContextStrdup(context, TextDatumGetCString(elements[i]));
	item->wants_key = item->target_length > 2 && item->target[2][0] != '\0';
}

static void
read_item(uint64 row, CgOutboxItem *item, OpenedKeys *opened, MemoryContext context)
{
	bool   is_null;
	bytea *body = DatumGetByteaPP(cg_spi_value(row, 8, &is_null));
	char  *idempotency = TextDatumGetCString(cg_spi_value(row, 6, &is_null));

	item->provider =
		MemoryContextStrdup(context, TextDatumGetCString(cg_spi_value(row, 4, &is_null)));
	item->operation =
		MemoryContextStrdup(context, TextDatumGetCString(cg_spi_value(row, 5, &is_null)));
	item->may_repeat = is_repeatable(idempotency);
	item->attempt = DatumGetInt32(cg_spi_value(row, 7, &is_null));
	item->body_length = (int) VARSIZE_ANY_EXHDR(body);
	item->body = MemoryContextAlloc(context, item->body_length + 1);
	memcpy(item->body, VARDATA_ANY(body), item->body_length);
	item->api_key = find_key(opened, row, 9, &item->key.business_id, context);
	read_target(row, item, context);
	item->rate = read_rate(row, 14);
	item->rate_of_sender = read_rate(row, 15);
}

static CgClaimVerdict
read_verdict(uint64 row)
{
	bool        is_null;
	const char *verdict = TextDatumGetCString(cg_spi_value(row, 3, &is_null));

	if (strcmp(verdict, "send") == 0)
		return CG_CLAIM_SEND;
	if (strcmp(verdict, "refuse") == 0)
		return CG_CLAIM_REFUSE;
	if (strcmp(verdict, "hold") == 0)
		return CG_CLAIM_HOLD;
	return strcmp(verdict, "locked") == 0 ? CG_CLAIM_LOCKED : CG_CLAIM_WAIT;
}

static uint64
run_claim(CgOutboxSession *session, const CgTurn *turns, int count)
{
	Oid    types[4] = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZOID, INT4OID};
	Datum  values[4];
	Datum *businesses = palloc(count * sizeof(Datum));
	Datum *ids = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
	{
		businesses[i] = UUIDPGetDatum(&turns[i].key.business_id);
		ids[i] = UUIDPGetDatum(&turns[i].key.id);
	}
	values[0] = cg_outbox_array(businesses, NULL, count, UUIDOID);
	values[1] = cg_outbox_array(ids, NULL, count, UUIDOID);
	values[2] = TimestampTzGetDatum(session->now);
	values[3] = Int32GetDatum(cg_outbox_max_attempts);
	return cg_spi_query(cg_outbox_claim_sql, 4, types, values, NULL, false, 0);
}

void
cg_outbox_claim(CgOutboxSession *session, const CgTurn *turns, int count,
				CgClaimVerdict *verdicts, CgOutboxItem *items)
{
	uint64     rows = run_claim(session, turns, count);
	OpenedKeys opened = {palloc(count * sizeof(OpenedKey)), 0};

	/* What does not come back is locked, or is not queued any more. */
	for (int i = 0; i < count; i++)
		verdicts[i] = CG_CLAIM_LOCKED;
	for (uint64 row = 0; row < rows; row++)
	{
		bool       is_null;
		pg_uuid_t *id = DatumGetUUIDP(cg_spi_value(row, 2, &is_null));
		int        i = 0;

		while (i < count && memcmp(turns[i].key.id.data, id->data, UUID_LEN) != 0)
			i++;
		Assert(i < count);
		verdicts[i] = read_verdict(row);
		if (verdicts[i] != CG_CLAIM_SEND)
			continue;
		items[i].key = turns[i].key;
		read_item(row, &items[i], &opened, session->caller);
		/* A server that forgot the claim in a crash would send again. */
		if (!items[i].may_repeat)
			ForceSyncCommit();
	}
	cleanse_keys(&opened);
}
