/*
 * health.c
 *		GET /api/health: alive, and with ?ready=1 whether requests can be served.
 *
 * Without a token, so it says nothing about versions or tenants.  Ready means that a
 * signed-in request can be served: the schema is whole and fits, the master key can be
 * read, and the server takes writes.
 */
#include "postgres.h"

#include "access/xlog.h"

#include "core/schema_version.h"
#include "gateway/gateway.h"
#include "tenant/master_key.h"

static const char *
describe_schema(CgSchemaState state)
{
	if (state == CG_SCHEMA_CURRENT)
		return "ok";
	return state == CG_SCHEMA_BROKEN ? "not whole" : "not migrated";
}

void
cg_health_get(const CgRequest *request, CgResponse *response)
{
	const char   *ready = cg_target_param(&request->target, "ready");
	CgSchemaState schema;
	bool          has_key;
	bool          is_standby;

	cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
	cg_response_header(response, "Cache-Control", "no-store");
	if (ready == NULL || strcmp(ready, "1") != 0)
	{
		appendStringInfoString(&response->body, "{\"status\":\"ok\"}");
		return;
	}
	schema = cg_schema_state();
	has_key = cg_master_key_is_usable();
	is_standby = RecoveryInProgress();
	if (schema != CG_SCHEMA_CURRENT || !has_key || is_standby)
		response->status = 503;
	appendStringInfo(&response->body,
					 "{\"status\":\"%s\",\"schema\":\"%s\",\"master_key\":\"%s\","
					 "\"role\":\"%s\"}",
					 response->status == 200 ? "ready" : "not ready",
					 describe_schema(schema), has_key ? "ok" : "not usable",
					 is_standby ? "standby" : "primary");
}
