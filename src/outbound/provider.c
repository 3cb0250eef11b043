/*
 * provider.c
 *		What the adapters share.
 *
 * Called by:	server/dispatcher.c, telnyx.c, resend.c
 * Shown by:	test/t/140_outbox.pl, test/t/143_outbox_contracts.pl
 */
#include "postgres.h"

#include <curl/curl.h>
#include <time.h>

#include "mb/pg_wchar.h"

#include "core/json_walk.h"
#include "outbound/provider.h"

/* A provider that wants us to wait for longer does not mean it. */
#define LONGEST_WAIT_S (24 * 60 * 60)
/* Not that many seconds from now, but a Unix time: some hosts say when, not how long. */
#define SMALLEST_UNIX_TIME 1e9

typedef struct Search
{
	const CgProviderValue *values;
	int                    count;
} Search;

const CgProvider *
cg_provider_find(const char *name)
{
	static const CgProvider *const providers[] = {&cg_provider_http, &cg_provider_resend,
												  &cg_provider_telnyx};

	for (int i = 0; i < lengthof(providers); i++)
	{
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	}
	return NULL;
}

void
cg_provider_header(CgProviderRequest *request, const char *name, const char *value)
{
	Assert(request->header_count < CG_PROVIDER_HEADERS);
	request->headers[request->header_count++] = psprintf("%s: %s", name, value);
}

/*
 * A header that ends in a secret: built in one piece, for whoever sends it cleanses it, and
 * a string that grows would leave the beginning of the secret behind.
 */
void
cg_provider_secret_header(CgProviderRequest *request, const char *header,
						  const char *secret)
{
	size_t size = strlen(header) + strlen(secret) + 1;
	char  *whole = palloc(size);

	Assert(request->header_count < CG_PROVIDER_HEADERS);
	snprintf(whole, size, "%s%s", header, secret);
	request->headers[request->header_count++] = whole;
}

void
cg_provider_bearer(CgProviderRequest *request, const char *key)
{
	cg_provider_secret_header(request, "Authorization: Bearer ", key);
}

static bool
take_value(void *state, const char *path, bool in_array, const char *token,
		   JsonTokenType type)
{
	const Search *search = state;

	if (token == NULL || type == JSON_TOKEN_NULL)
		return true;
	for (int i = 0; i < search->count; i++)
	{
		const CgProviderValue *wanted = &search->values[i];

		if (strcmp(path, wanted->path) == 0 && wanted->value[0] == '\0' &&
			strlen(token) < wanted->size)
			strcpy(wanted->value, token);
	}
	return true;
}

void
cg_provider_read(const CgHttpResult *result, const CgProviderValue *values, int count)
{
	Search search = {values, count};

	for (int i = 0; i < count; i++)
		values[i].value[0] = '\0';
	if (result->body_length > 0 &&
		pg_verify_mbstr_len(PG_UTF8, result->body, (int) result->body_length, true) >= 0)
		(void) cg_json_walk(result->body, result->body_length, take_value, &search);
}

/* Retry-After, as seconds or as a date (RFC 9110, section 10.2.3); -1 for neither. */
static int64
read_retry_after(const char *text)
{
	char  *end;
	double seconds;

	if (text == NULL)
		return -1;
	seconds = strtod(text, &end);
	if (end == text || *end != '\0')
	{
		time_t at = curl_getdate(text, NULL);

		if (at == (time_t) -1)
			return -1;
		seconds = difftime(at, time(NULL));
	}
	else if (seconds >= SMALLEST_UNIX_TIME)
		seconds -= (double) time(NULL);
	if (!(seconds > 0))
		return 0;
	return (int64) (Min(seconds, LONGEST_WAIT_S) * 1000);
}

static bool
is_temporary(int status)
{
	return status == 408 || status == 425 || status >= 500;
}

static void
judge_transfer(const CgProvider *provider, const CgHttpResult *result, bool may_repeat,
			   CgOutboxVerdict *verdict)
{
	strlcpy(verdict->error_code, cg_http_outcome_name(result->outcome),
			sizeof(verdict->error_code));
	verdict->end = CG_SLOT_OUTAGE;
	/* Of what is checked before sending only the key is not ours: with a line end, say. */
	if (result->outcome == CG_HTTP_BAD_REQUEST)
		verdict->outcome =
			provider->has_account ? CG_OUTBOX_ACCOUNT_BROKEN : CG_OUTBOX_DEAD;
	else if (result->outcome == CG_HTTP_BAD_URL ||
			 result->outcome == CG_HTTP_ADDRESS_REFUSED)
		verdict->outcome = CG_OUTBOX_DEAD;
	else if (!result->bytes_sent || may_repeat)
		verdict->outcome = CG_OUTBOX_RETRY;
	else
		verdict->outcome = CG_OUTBOX_UNKNOWN;
}

static void
judge_status(const CgHttpResult *result, bool may_repeat, CgOutboxVerdict *verdict)
{
	int status = result->status;

	verdict->end = status == 429          ? CG_SLOT_TOO_FAST
				   : is_temporary(status) ? CG_SLOT_OUTAGE
										  : CG_SLOT_ANSWER;
	if (status >= 200 && status < 300)
		verdict->outcome = CG_OUTBOX_DONE;
	else if (status == 429)
	{
		verdict->outcome = CG_OUTBOX_RETRY;
		if (verdict->retry_after_ms < 0)
			verdict->retry_after_ms = read_retry_after(result->rate_limit_reset);
	}
	else if (is_temporary(status))
		verdict->outcome = may_repeat ? CG_OUTBOX_RETRY : CG_OUTBOX_UNKNOWN;
	else if (status == 401 || status == 402)
		verdict->outcome = CG_OUTBOX_ACCOUNT_BROKEN;
	else
		verdict->outcome = CG_OUTBOX_DEAD;
}

void
cg_provider_judge(const CgProvider *provider, const CgHttpResult *result, bool may_repeat,
				  CgOutboxVerdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->http_status = result->status;
	verdict->retry_after_ms = read_retry_after(result->retry_after);
	if (result->outcome != CG_HTTP_ANSWERED)
	{
		judge_transfer(provider, result, may_repeat, verdict);
		return;
	}
	judge_status(result, may_repeat, verdict);
	provider->judge(result, may_repeat, verdict);
}
