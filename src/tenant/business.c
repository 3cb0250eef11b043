/*
 * business.c
 *		Which business a function works on, and whether the caller may have it done.
 *
 * Functions call cloudgreet_private.business_for(), which gives resolve_business() the
 * application roles of the function's row in the permission matrix.  A function that
 * was let in enters the business, and what it calls is its own doing: only the first
 * function of a call judges.  Shown by test/sql/function_rights.sql: every role calls
 * every function.
 *
 * Errors:		ZG101 when there is no business, ZG102 when the caller may not choose it,
 *				42501 when its application role may not do this.
 * Called by:	the functions of the permission matrix (sql/api/100_rights.sql)
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/errors.h"
#include "core/schema_version.h"
#include "tenant/context.h"

/*
 * Whether the caller may act for any business: the holder of a service_role token,
 * or, where no token was used, a role with the rights of service_role.  The role
 * asked about is the one outside of SECURITY DEFINER functions.
 */
static bool
caller_is_operator(const CgContext *context)
{
	Oid service_role;

	if (context->db_role[0] != '\0')
		return strcmp(context->db_role, "service_role") == 0;
	service_role = get_role_oid("service_role", true);
	return superuser_arg(GetOuterUserId()) ||
		   (OidIsValid(service_role) &&
			has_privs_of_role(GetOuterUserId(), service_role));
}

/* Error 42501 unless the context's role is one of those allowed; NULL: any that is known. */
static void
require_app_role(const CgContext *context, ArrayType *allowed)
{
	const char *app_role = context->app_role;
	Datum      *roles;
	int         count;

	if (app_role[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied: the token has no application role"),
						errhint("Its role must be admin, user or agent.")));
	if (allowed == NULL)
		return;
	deconstruct_array(allowed, TEXTOID, -1, false, TYPALIGN_INT, &roles, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		if (strcmp(TextDatumGetCString(roles[i]), app_role) == 0)
			return;
	}
	if (count == 1)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: only an %s of the business may do this",
						TextDatumGetCString(roles[0]))));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied: the role \"%s\" may not do this", app_role)));
}

PG_FUNCTION_INFO_V1(cg_sql_resolve_business);

Datum
cg_sql_resolve_business(PG_FUNCTION_ARGS)
{
	pg_uuid_t *wanted = PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0);
	ArrayType *allowed;
	pg_uuid_t *result;
	CgContext  context;

	/* An extension that was not updated declares no second one. */
	if (PG_NARGS() < 2)
		cg_extension_require();
	allowed = PG_NARGS() < 2 || PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	(void) cg_context_get(&context);
	if (context.has_business)
	{
		if (wanted != NULL && memcmp(wanted->data, context.business.data, UUID_LEN) != 0)
			ereport(ERROR, (errcode(ERRCODE_CG_BUSINESS_FORBIDDEN),
							errmsg("another business than the one signed in for")));
		/*
		 * What a function calls is its own doing: the caller was judged when it was let
		 * in.
		 */
		if (!context.is_entered)
			require_app_role(&context, allowed);
		result = palloc(sizeof(pg_uuid_t));
		*result = context.business;
		PG_RETURN_UUID_P(result);
	}
	if (wanted == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CG_BUSINESS_REQUIRED), errmsg("no business is chosen"),
				 errhint("Sign in with cloudgreet.login(), or, as an operator, name the "
						 "business.")));
	/* A token without a business would otherwise choose whose rows it sees. */
	if (!caller_is_operator(&context))
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

	(void) cg_context_get(&context);
	PG_RETURN_BOOL(caller_is_operator(&context));
}

PG_FUNCTION_INFO_V1(cg_sql_enter_business);

Datum
cg_sql_enter_business(PG_FUNCTION_ARGS)
{
	CgContext context;

	(void) cg_context_get(&context);
	context.has_business = true;
	context.is_entered = true;
	context.business = *PG_GETARG_UUID_P(0);
	cg_context_set(&context, GUC_ACTION_SAVE);
	PG_RETURN_VOID();
}
