/*
 * resend.c
 *		Resend: e-mails.
 *
 * The request's id is the Idempotency-Key, which Resend knows for 24 hours;
 * https://resend.com/docs/dashboard/emails/idempotency-keys.
 *
 * Called by:	provider.c
 * Shown by:	test/t/143_outbox_contracts.pl
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "outbound/settings.h"
#include "outbound/provider.h"

/* Another quota is given at the hour, by the day or by the month. */
#define QUOTA_WAIT_MS (INT64CONST(60) * 60 * 1000)

static bool
build(const CgOutboxItem *item, CgProviderRequest *request)
{
	if (strcmp(item->operation, "send_email") != 0)
		return false;
	request->method = "POST";
	request->url = psprintf("%s/emails", cg_resend_url);
	cg_provider_header(request, "Content-Type", "application/json");
	cg_provider_header(request, "Accept", "application/json");
	cg_provider_header(request, "User-Agent", "cloudgreet");
	cg_provider_bearer(request, item->api_key);
	cg_provider_header(
		request, "Idempotency-Key",
		DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&item->key.id))));
	return true;
}

static void
judge(const CgHttpResult *result, bool may_repeat, CgOutboxVerdict *verdict)
{
	const CgProviderValue values[] = {
		{"id", verdict->provider_id, sizeof(verdict->provider_id)},
		{"name", verdict->error_code, sizeof(verdict->error_code)},
	};

	cg_provider_read(result, values, lengthof(values));
	if (verdict->outcome == CG_OUTBOX_DONE)
	{
		verdict->error_code[0] = '\0';
		return;
	}
	verdict->provider_id[0] = '\0';
	if (strcmp(verdict->error_code, "concurrent_idempotent_requests") == 0)
		verdict->outcome = CG_OUTBOX_RETRY;
	else if (strcmp(verdict->error_code, "invalid_api_key") == 0 ||
			 strcmp(verdict->error_code, "restricted_api_key") == 0)
		verdict->outcome = CG_OUTBOX_ACCOUNT_BROKEN;
	else if (strcmp(verdict->error_code, "daily_quota_exceeded") == 0 ||
			 strcmp(verdict->error_code, "monthly_quota_exceeded") == 0)
		verdict->retry_after_ms = Max(verdict->retry_after_ms, QUOTA_WAIT_MS);
}

const CgProvider cg_provider_resend = {"resend", true, build, judge};
