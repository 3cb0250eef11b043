/*
 * test_http_client.c
 *		Lets SQL run requests through the HTTP client, as a worker would.
 *
 * One client a session, which outlives the statements; open() makes it anew.  The loop
 * below is the one of a background worker: latch, the client's descriptor, its timeout.
 */
#include "postgres.h"

#include <dirent.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "outbound/address.h"
#include "outbound/client.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(test_http_open);
PG_FUNCTION_INFO_V1(test_http_run);
PG_FUNCTION_INFO_V1(test_http_cancel);
PG_FUNCTION_INFO_V1(test_http_churn);
PG_FUNCTION_INFO_V1(test_address_kind);

#define RESULT_COLUMNS 10
#define MAX_HEADERS 16

static CgHttpClient *client = NULL;

static JsonbValue   *member(Jsonb *object, const char *name);
static char         *text_of(Jsonb *object, const char *name, char *absent);
static int           int_of(Jsonb *object, const char *name, int absent);
static bool          bool_of(Jsonb *object, const char *name, bool absent);
static CgHttpClient *open_client(Jsonb *options);
static bool          submit(Jsonb *request, intptr_t number);
static int           collect_headers(Jsonb *request, const char **headers);
static void          turn(WaitEventSet *set);
static int           put_results(ReturnSetInfo *rsinfo);
static int           count_entries(const char *directory);

/* open(options jsonb): replaces the session's client. */
Datum
test_http_open(PG_FUNCTION_ARGS)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	if (client != NULL)
		cg_http_client_destroy(client);
	client = NULL;
	client = open_client(PG_GETARG_JSONB_P(0));
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}

/*
 * run(requests jsonb, in_flight int): submits the array's requests, at most so many at
 * once, and returns a row for each, in the order in which they finished.
 */
Datum
test_http_run(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb         *requests = PG_GETARG_JSONB_P(0);
	int            in_flight = PG_GETARG_INT32(1);
	int            count = JB_ROOT_COUNT(requests);
	int            submitted = 0;
	int            done = 0;
	WaitEventSet  *set = cg_compat_wait_event_set(3);

	InitMaterializedSRF(fcinfo, 0);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	/* valgrind is easiest on a server of one process */
	if (IsUnderPostmaster)
		AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, cg_http_client_event_fd(client), NULL,
					  NULL);
	while (done < count)
	{
		while (submitted < count && submitted - done < in_flight)
		{
			JsonbValue *value = getIthJsonbValueFromContainer(&requests->root, submitted);

			if (!submit(JsonbValueToJsonb(value), submitted))
				break;
			submitted++;
		}
		turn(set);
		done += put_results(rsinfo);
	}
	FreeWaitEventSet(set);
	return (Datum) 0;
}

/* cancel(requests jsonb, ms int): submits, lets the client run so long, cancels all. */
Datum
test_http_cancel(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Jsonb         *requests = PG_GETARG_JSONB_P(0);
	TimestampTz    end =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PG_GETARG_INT32(1));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < JB_ROOT_COUNT(requests); i++)
		submit(JsonbValueToJsonb(getIthJsonbValueFromContainer(&requests->root, i)), i);
	while (GetCurrentTimestamp() < end)
	{
		CHECK_FOR_INTERRUPTS();
		cg_http_client_run(client);
	}
	cg_http_client_cancel_all(client);
	put_results(rsinfo);
	if (cg_http_client_active(client) != 0)
		elog(ERROR, "%d transfers are left", cg_http_client_active(client));
	return (Datum) 0;
}

/*
 * churn(options jsonb, requests jsonb, rounds int): makes a client, submits, lets it run
 * a little and destroys it with whatever is under way, again and again.  Returns the
 * descriptors and threads that are more than after the first round.
 */
Datum
test_http_churn(PG_FUNCTION_ARGS)
{
	Jsonb        *requests = PG_GETARG_JSONB_P(1);
	CgHttpClient *kept = client;
	int           before = 0;

	for (int round = 0; round < PG_GETARG_INT32(2); round++)
	{
		CHECK_FOR_INTERRUPTS();
		client = open_client(PG_GETARG_JSONB_P(0));
		for (int i = 0; i < JB_ROOT_COUNT(requests); i++)
			submit(JsonbValueToJsonb(getIthJsonbValueFromContainer(&requests->root, i)),
				   i);
		for (int i = 0; i < round % 20; i++)
			cg_http_client_run(client);
		cg_http_client_destroy(client);
		client = kept;
		if (round == 0)
			before = count_entries("/proc/self/fd") + count_entries("/proc/self/task");
	}
	PG_RETURN_INT32(count_entries("/proc/self/fd") + count_entries("/proc/self/task") -
					before);
}

/* address_kind(text): what an address is, or NULL when it is none. */
Datum
test_address_kind(PG_FUNCTION_ARGS)
{
	static const char *const kinds[] = {"public", "loopback", "private", "forbidden"};
	CgAddress                address;

	if (!cg_address_from_text(text_to_cstring(PG_GETARG_TEXT_PP(0)), &address))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(kinds[cg_address_kind(&address)]));
}

static JsonbValue *
member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

static char *
text_of(Jsonb *object, const char *name, char *absent)
{
	JsonbValue *value = member(object, name);

	if (value == NULL || value->type != jbvString)
		return absent;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int
int_of(Jsonb *object, const char *name, int absent)
{
	JsonbValue *value = member(object, name);

	if (value == NULL || value->type != jbvNumeric)
		return absent;
	return DatumGetInt32(
		DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric)));
}

static bool
bool_of(Jsonb *object, const char *name, bool absent)
{
	JsonbValue *value = member(object, name);

	return value == NULL || value->type != jbvBool ? absent : value->val.boolean;
}

static CgHttpClient *
open_client(Jsonb *json)
{
	CgHttpClientOptions options = {0};

	options.max_transfers = int_of(json, "max_transfers", 64);
	options.max_connections_per_host = int_of(json, "max_connections_per_host", 64);
	options.ca_file = text_of(json, "ca_file", NULL);
	options.dns_servers = text_of(json, "dns_servers", NULL);
	return cg_http_client_create(&options);
}

static bool
submit(Jsonb *json, intptr_t number)
{
	CgHttpPolicy        policy;
	CgHttpClientRequest request = {0};
	const char         *headers[MAX_HEADERS];

	policy.allow_plain = bool_of(json, "plain", true);
	policy.allow_any_port = bool_of(json, "any_port", true);
	policy.allow_loopback = bool_of(json, "loopback", true);
	policy.allow_private = bool_of(json, "private", false);
	request.method = text_of(json, "method", "GET");
	request.url = text_of(json, "url", "");
	request.headers = headers;
	request.header_count = collect_headers(json, headers);
	request.body = text_of(json, "body", "");
	request.body_length = strlen(request.body);
	request.connect_timeout_ms = int_of(json, "connect_ms", 5000);
	request.total_timeout_ms = int_of(json, "total_ms", 10000);
	request.max_response_bytes = int_of(json, "max_bytes", 1024 * 1024);
	request.may_repeat = bool_of(json, "may_repeat", true);
	request.tag = (void *) number;
	request.policy = &policy;
	return cg_http_client_submit(client, &request);
}

static int
collect_headers(Jsonb *request, const char **headers)
{
	JsonbValue *value = member(request, "headers");
	int         count = 0;

	if (value == NULL || value->type != jbvBinary)
		return 0;
	for (; count < MAX_HEADERS; count++)
	{
		JsonbValue *header = getIthJsonbValueFromContainer(value->val.binary.data, count);

		if (header == NULL)
			break;
		headers[count] = pnstrdup(header->val.string.val, header->val.string.len);
	}
	return count;
}

static void
turn(WaitEventSet *set)
{
	WaitEvent event;

	WaitEventSetWait(set, cg_http_client_timeout(client), &event, 1, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	cg_http_client_run(client);
}

static int
put_results(ReturnSetInfo *rsinfo)
{
	CgHttpResult result;
	int          count = 0;
	int          threads = count_entries("/proc/self/task");

	while (cg_http_client_next(client, &result))
	{
		Datum  values[RESULT_COLUMNS];
		bool   nulls[RESULT_COLUMNS] = {0};
		bytea *body = palloc(VARHDRSZ + result.body_length);

		SET_VARSIZE(body, VARHDRSZ + result.body_length);
		memcpy(VARDATA(body), result.body, result.body_length);
		values[0] = Int32GetDatum((int) (intptr_t) result.tag);
		values[1] = CStringGetTextDatum(cg_http_outcome_name(result.outcome));
		values[2] = BoolGetDatum(result.bytes_sent);
		values[3] = Int32GetDatum(result.status);
		nulls[4] = result.retry_after == NULL;
		values[4] = nulls[4] ? 0 : CStringGetTextDatum(result.retry_after);
		nulls[5] = result.rate_limit_reset == NULL;
		values[5] = nulls[5] ? 0 : CStringGetTextDatum(result.rate_limit_reset);
		values[6] = PointerGetDatum(body);
		values[7] = CStringGetTextDatum(result.error);
		values[8] = Int32GetDatum(result.duration_ms);
		values[9] = Int32GetDatum(threads);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		count++;
	}
	return count;
}

static int
count_entries(const char *directory)
{
	DIR           *entries = opendir(directory);
	struct dirent *entry;
	int            count = 0;

	while (entries != NULL && (entry = readdir(entries)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(entries);
	return count;
}
