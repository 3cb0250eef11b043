/*
 * webhook_handlers.c
 *		/api/.../webhook: which provider a path is of.
 */
#include "postgres.h"

#include "gateway/gateway.h"
#include "webhook/receive.h"

/* The segment after "api"; Telnyx has a path for calls and one for messages. */
static const char *
provider_of(const char *segment)
{
	if (strcmp(segment, "webrtc") == 0 || strcmp(segment, "sms") == 0)
		return "telnyx";
	return segment;
}

/* api, subject, "webhook", and perhaps the account and the outbox row. */
void
cg_webhook_post(const CgRequest *request, CgResponse *response)
{
	List     *segments = request->target.segments;
	int       n = list_length(segments);
	CgWebhook webhook;

	webhook.provider = provider_of(list_nth(segments, 1));
	webhook.account = n > 3 ? list_nth(segments, 3) : NULL;
	webhook.outbox = n > 4 ? list_nth(segments, 4) : NULL;
	webhook.headers = request->headers;
	webhook.body = request->body;
	cg_webhook_receive(&webhook, response);
}
