/*
 * caller.c
 *		cloudgreet.http_caller(): tells the HTTP gate whose a token or a webhook's path
 *		is, so that the gate can serve businesses in turn.
 *
 * It is given either a path or headers, and judges the token as http() does.  What it
 * says gives no right to anything: http() judges each request anew.
 *
 * Errors:		those of judging tokens, which the gate takes for "nobody known".
 * Called by:	the gate (gate/executor_ask.c), by SQL
 * Shown by:	test/sql/http.sql, test/t/104_gate_turns.pl
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/schema_version.h"
#include "inbound/http.h"

PG_FUNCTION_INFO_V1(cg_sql_http_caller);

Datum
cg_sql_http_caller(PG_FUNCTION_ARGS)
{
	CgRequest   request;
	pg_uuid_t   business;
	const char *reason;
	char       *target = text_to_cstring(PG_GETARG_TEXT_PP(0));

	memset(&request, 0, sizeof(request));
	request.headers = PG_GETARG_JSONB_P(1);
	if (target[0] != '\0')
	{
		if (!cg_target_parse(target, &request.target, &reason) ||
			!cg_webhook_path_business(&request.target, &business))
			PG_RETURN_NULL();
	}
	else
	{
		cg_schema_require();
		if (!cg_request_authenticate(&request) || request.is_anonymous)
			PG_RETURN_NULL();
		/* A token of no business, as Supabase's public key is one: as good as none. */
		if (!request.context.has_business)
			PG_RETURN_TEXT_P(cstring_to_text(
				strcmp(request.context.db_role, "service_role") == 0 ? "service_role"
																	 : ""));
		business = request.context.business;
	}
	PG_RETURN_TEXT_P(cstring_to_text(
		DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&business)))));
}
