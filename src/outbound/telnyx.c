/*
 * telnyx.c
 *		Telnyx: texts.
 *
 * POST /messages knows neither a key nor a reference, so it is never repeated once it
 * may have arrived; https://developers.telnyx.com/api/messaging/send-message.
 *
 * Called by:	provider.c
 * Shown by:	test/t/143_outbox_contracts.pl
 */
#include "postgres.h"

#include "outbound/settings.h"
#include "outbound/provider.h"

static bool
build(const CgOutboxItem *item, CgProviderRequest *request)
{
	if (strcmp(item->operation, "send_sms") != 0)
		return false;
	request->method = "POST";
	request->url = psprintf("%s/messages", cg_telnyx_url);
	cg_provider_header(request, "Content-Type", "application/json");
	cg_provider_header(request, "Accept", "application/json");
	cg_provider_bearer(request, item->api_key);
	return true;
}

static void
judge(const CgHttpResult *result, bool may_repeat, CgOutboxVerdict *verdict)
{
	const CgProviderValue values[] = {
		{"data.id", verdict->provider_id, sizeof(verdict->provider_id)},
		{"errors.code", verdict->error_code, sizeof(verdict->error_code)},
	};

	cg_provider_read(result, values, lengthof(values));
	if (verdict->outcome == CG_OUTBOX_DONE)
		verdict->error_code[0] = '\0';
	else
		verdict->provider_id[0] = '\0';
}

const CgProvider cg_provider_telnyx = {"telnyx", true, build, judge};
