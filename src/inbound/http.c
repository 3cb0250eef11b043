/*
 * http.c
 *		cloudgreet.http(): answers one HTTP request inside the database.
 *
 * 1. The target is parsed and the route found, as nobody.
 * 2. In a subtransaction: the token is judged, the context set, the role switched
 *    to the token's (anon, authenticated or service_role, nothing else), and the
 *    handler run.  RESET ROLE and set_config('role') fail meanwhile (42501).
 * 3. An error rolls the subtransaction back and becomes JSON.  Cancelling and
 *    shutting down are let through.
 *
 * Settings and the role are as before when it returns.
 * Memory:		the caller's context; one request a call.
 * Called by:	the gate (gate/executor.c), by SQL
 * Shown by:	test/sql/http.sql
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "core/errors.h"
#include "core/json_size.h"
#include "core/message.h"
#include "core/pinned.h"
#include "core/schema_version.h"
#include "gate/answer_rules.h"
#include "inbound/http.h"

static const char *const security_headers[][2] = {CG_SECURITY_HEADERS};

static void
set_for_request(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Takes the token's role and context, to the end of the GUC nest level. */
static void
become_caller(const CgRequest *request)
{
	Oid role = get_role_oid(request->context.db_role, false);
	Oid current;
	int security_context;

	set_for_request("search_path", "pg_catalog, pg_temp");
	if ((request->route->flags & CG_ROUTE_WRITE) == 0)
		XactReadOnly = true; /* until the subtransaction ends, which restores it */
	cg_context_set(&request->context, GUC_ACTION_SAVE);
	GetUserIdAndSecContext(&current, &security_context);
	SetUserIdAndSecContext(role, security_context | SECURITY_LOCAL_USERID_CHANGE);
}

/* The part that may raise: runs inside the subtransaction. */
static void
answer(CgRequest *request, CgResponse *response)
{
	int flags = request->route->flags;

	cg_json_admit(request->headers, VARSIZE(request->headers));
	if ((flags & CG_ROUTE_PUBLIC) == 0)
	{
		cg_schema_require();
		if (!cg_request_authenticate(request))
			ereport(ERROR, (errcode(ERRCODE_CG_TOKEN_INVALID), errmsg("invalid token")));
		if ((flags & CG_ROUTE_SIGNED) != 0 && !request->context.has_business &&
			strcmp(request->context.db_role, "service_role") != 0)
			ereport(ERROR, (errcode(ERRCODE_CG_BUSINESS_REQUIRED),
							errmsg("sign in to use this path")));
	}
	else
		strlcpy(request->context.db_role, "anon", CG_ROLE_NAME_LENGTH);

	if ((flags & CG_ROUTE_JSON) != 0 && !cg_request_read_json(request, response))
		return;
	become_caller(request);
	request->route->handler(request, response);
	if ((flags & CG_ROUTE_WRITE) != 0)
	{
		/* SET CONSTRAINTS ALL IMMEDIATE: at commit they would fire as the login role. */
		AfterTriggerSetState(makeNode(ConstraintsSetStmt));
	}
}

/* Errors that are about the session, not about the request. */
static bool
must_pass(int code)
{
	return code == ERRCODE_QUERY_CANCELED || code == ERRCODE_ADMIN_SHUTDOWN ||
		   code == ERRCODE_CRASH_SHUTDOWN || code == ERRCODE_OUT_OF_MEMORY;
}

static void
answer_safely(CgRequest *request, CgResponse *response)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Oid           role;
	int           security_context;
	int           level = NewGUCNestLevel();

	/* Above the token's judging: what it looks up depends on them as well. */
	cg_pinned_set_local();
	GetUserIdAndSecContext(&role, &security_context);
	BeginInternalSubTransaction("cloudgreet_request");
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		answer(request, response);
		SetUserIdAndSecContext(role, security_context);
		/* An answer that says no takes back what was done on the way, as a rule. */
		if (response->status >= 400 && !response->keeps_work)
			RollbackAndReleaseCurrentSubTransaction();
		else
			ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		SetUserIdAndSecContext(role, security_context);
		/* Only now: an error that leaves a subtransaction open leaves the session's
		 * transaction open too, and the connection would be of no use any more. */
		if (must_pass(error->sqlerrcode))
			ReThrowError(error);
		cg_answer_error(request, response, error);
		if (response->status >= 500)
			ereport(LOG,
					(errcode(error->sqlerrcode),
					 errmsg("request %s %s failed: %s", cg_message_clip(request->method),
							cg_message_clip(request->target.path),
							cg_message_clip(error->message)),
					 error->detail_log != NULL
						 ? errdetail_log("%s", cg_message_clip(error->detail_log))
						 : 0,
					 errhidestmt(true)));
	}
	PG_END_TRY();
	/* Not even what a called function SET: the next request may be another tenant's. */
	AtEOXact_GUC(false, level);
}

static Datum
build_result(FunctionCallInfo fcinfo, const CgRequest *request, CgResponse *response)
{
	TupleDesc descriptor;
	Datum     values[3];
	bool      nulls[3] = {false, false, false};
	bytea    *body;

	cg_cors_answer(request, response);
	for (int i = 0; i < lengthof(security_headers); i++)
		cg_response_header(response, security_headers[i][0], security_headers[i][1]);
	if (strcmp(request->method, "HEAD") == 0)
		resetStringInfo(&response->body);

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	body = palloc(VARHDRSZ + response->body.len);
	SET_VARSIZE(body, VARHDRSZ + response->body.len);
	memcpy(VARDATA(body), response->body.data, response->body.len);
	values[0] = Int32GetDatum(response->status);
	values[1] = PointerGetDatum(
		cstring_to_text_with_len(response->headers.data, response->headers.len));
	/* An extension that was not updated declares jsonb here: its callers get no head. */
	nulls[1] = TupleDescAttr(descriptor, 1)->atttypid != TEXTOID;
	values[2] = PointerGetDatum(body);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

PG_FUNCTION_INFO_V1(cg_sql_http);

Datum
cg_sql_http(PG_FUNCTION_ARGS)
{
	CgRequest   request;
	CgResponse  response;
	const char *reason;

	memset(&request, 0, sizeof(request));
	request.method = text_to_cstring(PG_GETARG_TEXT_PP(0));
	request.headers = PG_GETARG_JSONB_P(2);
	request.body = PG_GETARG_BYTEA_PP(3);
	cg_response_init(&response);

	if (!cg_target_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)), &request.target, &reason))
		cg_response_error(&response, 400, CG_CODE_BAD_TARGET, reason, NULL);
	else if (cg_route_find(&request, &response))
		answer_safely(&request, &response);
	PG_RETURN_DATUM(build_result(fcinfo, &request, &response));
}
