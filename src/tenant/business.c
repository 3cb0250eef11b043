/*
 * business.c
 *		Which business a function works on: the context's, or one an operator names.
 *
 * Errors:		ZG101 when there is none, ZG102 when the caller may not choose it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "tenant/context.h"

/*
 * Whether the caller may act for any business: the holder of a service_role token,
 * or, where no token was used, a role with the rights of service_role.  The role
 * asked about is the one outside of SECURITY DEFINER functions.
 */
static bool
caller_is_operator(bool has_context, const CgContext *context)
{
	Oid service_role;

	if (has_context)
		return strcmp(context->db_role, "service_role") == 0;
	service_role = get_role_oid("service_role", true);
	return superuser_arg(GetOuterUserId()) ||
		   (OidIsValid(service_role) &&
			has_privs_of_role(GetOuterUserId(), service_role));
}

PG_FUNCTION_INFO_V1(cg_sql_resolve_business);

Datum
cg_sql_resolve_business(PG_FUNCTION_ARGS)
{
	pg_uuid_t *wanted = PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0);
	pg_uuid_t *result;
	CgContext  context;
	bool       has_context = cg_context_get(&context);

	if (has_context && context.has_business)
	{
		if (wanted != NULL && memcmp(wanted->data, context.business.data, UUID_LEN) != 0)
			ereport(ERROR, (errcode(ERRCODE_CG_BUSINESS_FORBIDDEN),
							errmsg("another business than the one signed in for")));
		result = palloc(sizeof(pg_uuid_t));
		*result = context.business;
		PG_RETURN_UUID_P(result);
	}
	if (wanted == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CG_BUSINESS_REQUIRED), errmsg("no business is chosen"),
				 errhint("Sign in with cloudgreet.login(), or, as an operator, name the "
						 "business.")));
	if (!caller_is_operator(has_context, &context))
		ereport(ERROR, (errcode(ERRCODE_CG_BUSINESS_FORBIDDEN),
						errmsg("permission denied to choose a business"),
						errhint("Only service_role and superusers name the business.")));
	PG_RETURN_UUID_P(wanted);
}

PG_FUNCTION_INFO_V1(cg_sql_is_operator);

Datum
cg_sql_is_operator(PG_FUNCTION_ARGS)
{
	CgContext context;
	bool      has_context = cg_context_get(&context);

	PG_RETURN_BOOL(caller_is_operator(has_context, &context));
}

PG_FUNCTION_INFO_V1(cg_sql_enter_business);

Datum
cg_sql_enter_business(PG_FUNCTION_ARGS)
{
	CgContext context;

	(void) cg_context_get(&context);
	context.has_business = true;
	context.business = *PG_GETARG_UUID_P(0);
	cg_context_set(&context, GUC_ACTION_SAVE);
	PG_RETURN_VOID();
}
