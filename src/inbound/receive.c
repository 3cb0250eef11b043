/*
 * receive.c
 *		From a request to a row of webhook_inbox.
 *
 * Nothing of the body is looked at before its signature is found good with a key of the
 * account that the path names, so an account cannot be reached with another's key.
 * What the row holds and which events are duplicates is read in C (webhook_event.c), and
 * stored by one statement; the events themselves are processed later, in a transaction
 * of their own.  Three statements a webhook, all with plans that are kept: whose it is,
 * the account's keys, the rows.  Nothing else is kept: a master key or an opened secret in
 * memory would save a fourteenth, and outlive its replacement.
 *
 * Runs as cloudgreet_owner in the business of the account.
 * Memory:		the caller's context; keys are cleansed before returning.
 * Called by:	webhook_handlers.c
 * Shown by:	test/sql/webhooks.sql, test/t/132_webhook_refusals.pl
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "core/clock.h"
#include "core/errors.h"
#include "core/schema_version.h"
#include "core/spi.h"
#include "core/uuid.h"
#include "tenant/context.h"
#include "tenant/secret.h"
#include "inbound/receive.h"
#include "inbound/signature.h"
#include "inbound/webhook_event.h"
#include "inbound/webhook_json.h"

/* A long call's analysis has every word with its times. */
#define MAX_RETELL_BYTES (8 * 1024 * 1024)
#define MAX_BYTES (256 * 1024)

/* Two versions of a key are good while one replaces the other. */
#define MAX_KEYS 2

typedef struct Account
{
	pg_uuid_t business;
	pg_uuid_t id;
} Account;

static const char *const reasons[] = {
	[CG_WEBHOOK_GOOD] = "no_key",
	[CG_WEBHOOK_UNSIGNED] = "unsigned",
	[CG_WEBHOOK_STALE] = "stale",
	[CG_WEBHOOK_FORGED] = "bad_signature",
};

/* The account of the path, or the only one of the provider. */
static bool
find_account(const CgWebhook *webhook, Account *account)
{
	Oid       types[] = {TEXTOID, UUIDOID};
	Datum     values[] = {CStringGetTextDatum(webhook->provider), 0};
	pg_uuid_t id;
	uint64    rows;
	bool      isnull;

	if (webhook->account != NULL)
	{
		if (!cg_uuid_read(webhook->account, &id))
			return false;
		values[1] = UUIDPGetDatum(&id);
		rows = cg_spi_query("SELECT business_id, account_id "
							"FROM cloudgreet_private.account_routes "
							"WHERE provider = $1 AND account_id = $2",
							2, types, values, NULL, true, 0);
	}
	else
		rows = cg_spi_query("SELECT business_id, account_id "
							"FROM cloudgreet_private.account_routes "
							"WHERE provider = $1 LIMIT 2",
							1, types, values, NULL, true, 0);
	if (rows != 1)
		return false;
	account->business = *DatumGetUUIDP(cg_spi_value(0, 1, &isnull));
	account->id = *DatumGetUUIDP(cg_spi_value(0, 2, &isnull));
	return true;
}

/*
 * Tries the account's keys, newest first.  *verdict is of the last one tried, and
 * CG_WEBHOOK_GOOD with the result false when there is none.
 */
static bool
is_signed(const CgWebhook *webhook, const Account *account, CgWebhookVerdict *verdict)
{
	Oid    types[] = {UUIDOID, UUIDOID};
	Datum  values[] = {UUIDPGetDatum(&account->business), UUIDPGetDatum(&account->id)};
	uint64 rows;
	bool   is_good = false;
	bool   unreadable = false;

	rows = cg_spi_query(
		"SELECT s.name, s.version, s.key_id, s.nonce, s.ciphertext "
		"FROM cloudgreet.provider_accounts a "
		"JOIN cloudgreet_private.secrets s ON s.business_id = a.business_id "
		"AND s.name = coalesce(a.secret_names ->> 'webhook_key', "
		"CASE a.provider WHEN 'retell' THEN a.secret_names ->> 'api_key' END) "
		"WHERE a.business_id = $1 AND a.id = $2 "
		"ORDER BY s.version DESC",
		2, types, values, NULL, true, MAX_KEYS);
	*verdict = CG_WEBHOOK_GOOD;
	for (uint64 i = 0; i < rows && !is_good; i++)
	{
		bool   isnull;
		char  *name = TextDatumGetCString(cg_spi_value(i, 1, &isnull));
		int32  version = DatumGetInt32(cg_spi_value(i, 2, &isnull));
		char  *key_id = TextDatumGetCString(cg_spi_value(i, 3, &isnull));
		bytea *key =
			cg_secret_try_open(cg_secret_label(&account->business, name, version), key_id,
							   DatumGetByteaPP(cg_spi_value(i, 4, &isnull)),
							   DatumGetByteaPP(cg_spi_value(i, 5, &isnull)));

		if (key == NULL)
		{
			unreadable = true; /* the other version may still match */
			continue;
		}
		*verdict =
			cg_webhook_verify(webhook->provider, webhook->headers, webhook->body,
							  VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), cg_clock_now());
		is_good = *verdict == CG_WEBHOOK_GOOD;
		OPENSSL_cleanse(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	}
	if (!is_good && unreadable)
		ereport(ERROR, (errcode(ERRCODE_CG_SECRET_UNREADABLE),
						errmsg("could not open a webhook key"),
						errhint("Bring back the master key that it was sealed with, or "
								"set the secret again.")));
	return is_good;
}

/* The one answer that says no and stays: what is refused is counted. */
static void
refuse(const Account *account, CgWebhookVerdict verdict, CgResponse *response)
{
	Oid   types[] = {UUIDOID, TEXTOID};
	Datum values[] = {UUIDPGetDatum(&account->id), CStringGetTextDatum(reasons[verdict])};

	cg_spi_query("SELECT cloudgreet_private.count_refusal($1, $2)", 2, types, values,
				 NULL, false, 0);
	cg_response_error(response, 401, CG_CODE_WEBHOOK_REFUSED,
					  "the signature was not accepted", NULL);
	response->keeps_work = true;
}

/* The answer to a webhook that asks for something, as JSON; NULL when it only tells. */
static char *
answer_now(const CgWebhook *webhook, const Account *account, Jsonb *payload)
{
	Oid   types[] = {UUIDOID, TEXTOID, JSONBOID};
	Datum values[] = {UUIDPGetDatum(&account->business),
					  CStringGetTextDatum(webhook->provider), JsonbPGetDatum(payload)};
	bool  is_null;
	Datum answer;

	cg_spi_query("SELECT cloudgreet_private.answer_now($1, $2, $3)::text", 3, types,
				 values, NULL, false, 0);
	answer = cg_spi_value(0, 1, &is_null);
	return is_null ? NULL : TextDatumGetCString(answer);
}

/*
 * Stores the webhook unless it came before.  Another delivery of it that is under way is
 * waited for, so that a 2xx always means stored.
 */
static void
store(const CgWebhook *webhook, const Account *account, const CgWebhookEvent *event)
{
	Oid       types[] = {UUIDOID, UUIDOID, TEXTOID,  TEXTOID, TEXTOID,
						 TEXTOID, UUIDOID, JSONBOID, BYTEAOID};
	Datum     values[lengthof(types)];
	char      nulls[lengthof(types) + 1];
	pg_uuid_t outbox;

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&account->business);
	values[1] = UUIDPGetDatum(&account->id);
	values[2] = CStringGetTextDatum(webhook->provider);
	values[3] = CStringGetTextDatum(event->type);
	values[4] = CStringGetTextDatum(event->dedup_key);
	if (event->entity_key != NULL)
		values[5] = CStringGetTextDatum(event->entity_key);
	else
		nulls[5] = 'n';
	if (webhook->outbox != NULL && cg_uuid_read(webhook->outbox, &outbox))
		values[6] = UUIDPGetDatum(&outbox);
	else
		nulls[6] = 'n';
	values[7] = JsonbPGetDatum(cg_webhook_kept_headers(webhook->headers));
	values[8] = PointerGetDatum(webhook->body);
	cg_spi_query("WITH new AS (INSERT INTO cloudgreet_private.webhook_seen (account_id, "
				 "dedup_key) VALUES ($2, $5) ON CONFLICT DO NOTHING RETURNING dedup_key) "
				 "INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, "
				 "provider, event_type, dedup_key, entity_key, outbox_id, headers, body) "
				 "SELECT $1, $2, $3, $4, n.dedup_key, $6, $7, $8, $9 FROM new n",
				 lengthof(types), types, values, nulls, false, 0);
}

/* Answers a webhook that asks at once, and stores any other. */
static void
accept(const CgWebhook *webhook, const Account *account, CgResponse *response)
{
	bool           has_body = strcmp(webhook->provider, "google") != 0;
	Jsonb         *payload = has_body ? cg_webhook_parse(webhook->body) : NULL;
	const char    *answer = NULL;
	CgWebhookEvent event;

	if (has_body && payload == NULL)
	{
		cg_response_error(response, 400, CG_CODE_WEBHOOK_MALFORMED,
						  "the body is not a JSON object", NULL);
		return;
	}
	/* Nobody else's webhooks ask. */
	if (strcmp(webhook->provider, "retell") == 0)
		answer = answer_now(webhook, account, payload);
	if (answer == NULL)
	{
		if (!cg_webhook_describe(webhook->provider, webhook->headers, webhook->body,
								 payload, &event))
		{
			cg_response_error(response, 400, CG_CODE_WEBHOOK_MALFORMED,
							  "the body is not an event of this provider", NULL);
			return;
		}
		store(webhook, account, &event);
		answer = "{\"received\": true}";
	}
	cg_response_is_json(response);
	appendStringInfoString(&response->body, answer);
}

static void
receive(const CgWebhook *webhook, CgResponse *response)
{
	Account          account;
	CgContext        context;
	CgWebhookVerdict verdict;

	if (!find_account(webhook, &account))
	{
		cg_response_error(response, 404, CG_CODE_WEBHOOK_ACCOUNT,
						  "no account of the provider is meant by this path",
						  "End the path with the id of the account, a row of "
						  "provider_accounts; without it, it works while there is one.");
		return;
	}
	memset(&context, 0, sizeof(context));
	context.has_business = true;
	context.is_entered = true;
	context.business = account.business;
	cg_context_set(&context, GUC_ACTION_SAVE);
	if (is_signed(webhook, &account, &verdict))
		accept(webhook, &account, response);
	else
		refuse(&account, verdict, response);
}

void
cg_webhook_receive(const CgWebhook *webhook, CgResponse *response)
{
	CgSpi      spi;
	CgIdentity saved;
	size_t     limit =
        strcmp(webhook->provider, "retell") == 0 ? MAX_RETELL_BYTES : MAX_BYTES;

	if (VARSIZE_ANY_EXHDR(webhook->body) > limit)
	{
		cg_response_error(response, 413, CG_CODE_WEBHOOK_TOO_LARGE,
						  "the body is larger than a webhook of this provider may be",
						  NULL);
		return;
	}
	cg_schema_require();
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "receiving a webhook");
	receive(webhook, response);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
}

bool
cg_webhook_business(const CgWebhook *webhook, pg_uuid_t *business)
{
	CgSpi      spi;
	CgIdentity saved;
	Account    account;
	bool       is_found;

	cg_schema_require();
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "finding the account of a webhook");
	is_found = find_account(webhook, &account);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	if (is_found)
		*business = account.business;
	return is_found;
}
