/*
 * webhook_handlers.c
 *		/api/.../webhook: which provider a path is of.
 *
 * Called by:	router.c; caller.c, for the path alone
 * Shown by:	test/sql/webhooks.sql
 */
#include "postgres.h"

#include "inbound/http.h"
#include "inbound/receive.h"

/* The segment after "api"; Telnyx has a path for calls and one for messages. */
static const char *
provider_of(const char *segment)
{
	if (strcmp(segment, "webrtc") == 0 || strcmp(segment, "sms") == 0)
		return "telnyx";
	return segment;
}

/* api, subject, "webhook", and perhaps the account and the outbox row. */
static void
read_path(List *segments, CgWebhook *webhook)
{
	int n = list_length(segments);

	webhook->provider = provider_of(list_nth(segments, 1));
	webhook->account = n > 3 ? list_nth(segments, 3) : NULL;
	webhook->outbox = n > 4 ? list_nth(segments, 4) : NULL;
}

void
cg_webhook_post(const CgRequest *request, CgResponse *response)
{
	CgWebhook webhook;

	read_path(request->target.segments, &webhook);
	webhook.headers = request->headers;
	webhook.body = request->body;
	cg_webhook_receive(&webhook, response);
}

bool
cg_webhook_path_business(const CgTarget *target, pg_uuid_t *business)
{
	List     *segments = target->segments;
	CgWebhook webhook = {.headers = NULL};

	if (list_length(segments) < 3 || strcmp(linitial(segments), "api") != 0 ||
		strcmp(lthird(segments), "webhook") != 0)
		return false;
	read_path(segments, &webhook);
	return cg_webhook_business(&webhook, business);
}
