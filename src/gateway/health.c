/*
 * health.c
 *		GET /api/health: alive, and with ?ready=1 whether requests can be served.
 *
 * Without a token, so it says nothing about versions or tenants.
 */
#include "postgres.h"

#include "access/xlog.h"

#include "core/schema_version.h"
#include "gateway/gateway.h"

void
cg_health_get(const CgRequest *request, CgResponse *response)
{
	const char *ready = cg_target_param(&request->target, "ready");
	bool        schema_fits = cg_schema_version() == CG_SCHEMA_VERSION;
	bool        is_standby = RecoveryInProgress();

	cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
	cg_response_header(response, "Cache-Control", "no-store");
	if (ready == NULL || strcmp(ready, "1") != 0)
	{
		appendStringInfoString(&response->body, "{\"status\":\"ok\"}");
		return;
	}
	if (!schema_fits || is_standby)
		response->status = 503;
	appendStringInfo(
		&response->body, "{\"status\":\"%s\",\"schema\":\"%s\",\"role\":\"%s\"}",
		response->status == 200 ? "ready" : "not ready",
		schema_fits ? "ok" : "not migrated", is_standby ? "standby" : "primary");
}
