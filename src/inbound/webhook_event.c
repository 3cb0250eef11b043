/*
 * webhook_event.c
 *		Reads from a verified webhook what its row of webhook_inbox is found by.
 *
 * In C, as it runs for each webhook before it is answered.  Providers repeat events, so
 * the key must be the same in each delivery and differ between events; where a provider
 * gives no id, what may happen only once in a call is told apart by its type, and what
 * may happen twice by its bytes.
 *
 * Called by receive.c.
 * Memory:		the caller's context.
 * Shown by:	test/sql/webhooks.sql, test/t/131_webhook_events.pl
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "inbound/webhook_event.h"

/* In characters. */
#define MAX_TYPE 200
#define MAX_KEY 300

static char *
value_text(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvBinary:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
		default:
			return NULL;
	}
}

/* As json #>> '{outer,name}', of objects; outer may be NULL, and then json is looked into. */
static char *
member(Jsonb *json, const char *outer, const char *inner, const char *name)
{
	const char     *path[] = {outer, inner, name};
	JsonbContainer *container = &json->root;
	JsonbValue      value = {.type = jbvNull};

	for (int i = 0; i < lengthof(path); i++)
	{
		if (path[i] == NULL)
			continue;
		if (container == NULL || !JsonContainerIsObject(container) ||
			getKeyJsonValueFromContainer(container, path[i], (int) strlen(path[i]),
										 &value) == NULL)
			return NULL;
		container = value.type == jbvBinary ? value.val.binary.data : NULL;
	}
	return value_text(&value);
}

static char *
sha256_hex(const char *bytes, size_t length)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	uint8              digest[PG_SHA256_DIGEST_LENGTH];
	char              *hex = palloc(2 * sizeof(digest) + 1);

	if (pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) bytes, length) < 0 ||
		pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(hash));
	pg_cryptohash_free(hash);
	hex[hex_encode((char *) digest, sizeof(digest), hex)] = '\0';
	return hex;
}

/* Cuts a text after so many characters. */
static const char *
cut(char *text, int characters)
{
	if (text != NULL)
		text[pg_mbcharcliplen(text, (int) strlen(text), characters)] = '\0';
	return text;
}

static bool
happens_once(const char *type)
{
	return strcmp(type, "call_started") == 0 || strcmp(type, "call_ended") == 0 ||
		   strcmp(type, "call_analyzed") == 0;
}

/* Retell's events have no id. */
static char *
retell_key(const char *entity, const char *type, const bytea *body)
{
	const char *of = entity != NULL ? entity : "";
	const char *bar = entity != NULL ? "|" : "";

	if (type == NULL)
		return NULL;
	if (entity != NULL && happens_once(type))
		return psprintf("%s|%s", entity, type);
	return psprintf("%s%s%s|%s", of, bar, type,
					sha256_hex(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body)));
}

bool
cg_webhook_describe(const char *provider, Jsonb *headers, const bytea *body,
					Jsonb *payload, CgWebhookEvent *event)
{
	char *type;
	char *key;
	char *entity;

	if (strcmp(provider, "telnyx") == 0)
	{
		type = member(payload, NULL, "data", "event_type");
		key = member(payload, NULL, "data", "id");
		entity = member(payload, "data", "payload", "call_session_id");
		if (entity == NULL)
			entity = member(payload, "data", "payload", "id");
	}
	else if (strcmp(provider, "retell") == 0)
	{
		type = member(payload, NULL, NULL, "event");
		entity = member(payload, NULL, "call", "call_id");
		if (entity == NULL)
			entity = member(payload, NULL, "chat", "chat_id");
		key = retell_key(entity, type, body);
	}
	else if (strcmp(provider, "resend") == 0)
	{
		type = member(payload, NULL, NULL, "type");
		key = member(headers, NULL, NULL, "svix-id");
		entity = member(payload, NULL, "data", "email_id");
	}
	else
	{
		char *number = member(headers, NULL, NULL, "x-goog-message-number");

		type = member(headers, NULL, NULL, "x-goog-resource-state");
		entity = member(headers, NULL, NULL, "x-goog-channel-id");
		key = entity != NULL && number != NULL ? psprintf("%s|%s", entity, number) : NULL;
	}
	if (type == NULL || key == NULL || type[0] == '\0' || key[0] == '\0')
		return false;
	if (pg_mbstrlen(key) > MAX_KEY)
		key = sha256_hex(key, strlen(key));
	event->type = cut(type, MAX_TYPE);
	event->dedup_key = key;
	event->entity_key = cut(entity, MAX_KEY);
	return true;
}

static bool
is_kept(const JsonbValue *name)
{
	static const char *const prefixes[] = {"telnyx-", "svix-", "x-retell-", "x-goog-"};
	static const char        secret[] = "x-goog-channel-token";
	size_t                   length = name->val.string.len;

	if (length == sizeof(secret) - 1 && memcmp(name->val.string.val, secret, length) == 0)
		return false;
	for (int i = 0; i < lengthof(prefixes); i++)
	{
		if (length >= strlen(prefixes[i]) &&
			memcmp(name->val.string.val, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

Jsonb *
cg_webhook_kept_headers(Jsonb *headers)
{
	JsonbParseState   *state = NULL;
	JsonbIterator     *walk = JsonbIteratorInit(&headers->root);
	JsonbIteratorToken token;
	JsonbValue         name;
	JsonbValue         value;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	(void) JsonbIteratorNext(&walk, &name, true);
	while ((token = JsonbIteratorNext(&walk, &name, true)) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&walk, &value, true);
		if (!is_kept(&name))
			continue;
		(void) pushJsonbValue(&state, WJB_KEY, &name);
		(void) pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
