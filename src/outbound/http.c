/*
 * http.c
 *		Requests of applications and of adapters that are written in SQL: they name the
 *		method, the URL and the headers themselves.
 *
 * What they name is untrusted: a tenant must not reach this machine, its network or the
 * cloud's metadata through it.  The URL is judged when it is enqueued, so that its caller
 * learns of it, and again when it is sent, by the address that its name has then.
 *
 * Called by cloudgreet.enqueue_request() (sql/api/535_requests.sql) and by the dispatcher.
 * Shown by test/sql/requests.sql and test/t/148_requests.pl.
 */
#include "postgres.h"

#include <curl/curl.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "outbound/destination.h"
#include "outbound/provider.h"
#include "outbound/settings.h"

/*
 * The elements of outbox.target, as enqueue_request() writes them.  Of the headers that
 * follow, those that begin with "+" end in the secret, and those with "=" are whole.
 */
enum
{
	TARGET_METHOD,
	TARGET_URL,
	TARGET_SECRET,
	TARGET_HEADERS
};

CgHttpPolicy
cg_request_policy(void)
{
	CgHttpPolicy policy = {false, false, false, false};

	policy.allow_plain = policy.allow_any_port = policy.allow_loopback =
		cg_request_loopback;
	return policy;
}

static bool
build(const CgOutboxItem *item, CgProviderRequest *request)
{
	if (item->target_length < TARGET_HEADERS ||
		item->target_length - TARGET_HEADERS > CG_PROVIDER_HEADERS)
		return false;
	request->method = item->target[TARGET_METHOD];
	request->url = item->target[TARGET_URL];
	for (int i = TARGET_HEADERS; i < item->target_length; i++)
	{
		const char *header = item->target[i] + 1;

		if (item->target[i][0] == '+')
			cg_provider_secret_header(request, header, item->api_key);
		else
			request->headers[request->header_count++] = pstrdup(header);
	}
	return true;
}

/* There is no account: whatever is refused concerns this request alone. */
static void
judge(const CgHttpResult *result, bool may_repeat, CgOutboxVerdict *verdict)
{
	if (verdict->outcome == CG_OUTBOX_ACCOUNT_BROKEN)
		verdict->outcome = CG_OUTBOX_DEAD;
}

const CgProvider cg_provider_http = {"http", false, build, judge};

static void
refuse(const char *what, const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the request cannot be sent: %s", reason),
					what == NULL ? 0 : errdetail("%s", what)));
}

PG_FUNCTION_INFO_V1(cg_sql_request_destination);

/* request_destination(url text, headers text[]): the host and port that a request goes to */
Datum
cg_sql_request_destination(PG_FUNCTION_ARGS)
{
	char              *url = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const CgHttpPolicy policy = cg_request_policy();
	CgDestination      destination;
	const char        *reason;
	bool               is_allowed;
	Datum             *headers;
	bool              *nulls;
	int                count;

	is_allowed = cg_destination_parse(url, &policy, &destination, &reason);
	curl_free(destination.url);
	if (!is_allowed)
		refuse(NULL, reason);
	if (destination.is_literal && !cg_destination_allows(&policy, &destination.address))
		refuse(NULL, "the URL's address is not a public one");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &headers, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char *header = nulls[i] ? "" : TextDatumGetCString(headers[i]);

		reason = cg_http_header_fault(header);
		/* The value may be a secret that somebody put in the wrong place. */
		if (reason != NULL)
			refuse(psprintf("The header is \"%.*s\".",
							(int) Min(strcspn(header, ":\r\n"), 100), header),
				   reason);
	}
	PG_RETURN_TEXT_P(
		cstring_to_text(psprintf("%s:%d", destination.host, destination.port)));
}
