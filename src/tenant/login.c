/*
 * login.c
 *		cloudgreet.login(jwt): makes the rest of a transaction act for a token.
 *
 * The token is trusted for who someone is; whether that someone still may is read
 * from the database: a deactivated user, or a token older than the user's
 * tokens_valid_after, is refused, and a demotion takes effect at once.  A subject
 * without a row in users is accepted: the issuer may keep its people elsewhere.
 *
 * Errors:		25P01 outside a transaction block, ZG103 for every refused token,
 *				42501 when the session's role may not become the token's role.
 * Called by:	applications, by SQL; inbound/request.c
 * Shown by:	test/sql/login.sql
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "core/errors.h"
#include "core/schema_version.h"
#include "core/clock.h"
#include "core/spi.h"
#include "tenant/login.h"
#include "tenant/secret_log.h"

static int
role_rank(const char *role)
{
	static const char *const roles[] = {"agent", "user", "admin"};

	for (int i = 0; i < lengthof(roles); i++)
	{
		if (strcmp(role, roles[i]) == 0)
			return i;
	}
	return -1; /* none */
}

/* The lesser of the token's role and the database's. */
static void
choose_app_role(CgContext *context, const char *role_in_database)
{
	if (role_rank(role_in_database) < role_rank(context->app_role))
		strlcpy(context->app_role, role_in_database, CG_ROLE_NAME_LENGTH);
}

/* Judges the row of the token's user in the token's business. */
static const char *
user_fault(const CgClaims *claims, CgContext *context)
{
	bool  isnull;
	Datum value;

	/* No business of that id: nobody acts for it. */
	if (!DatumGetBool(cg_spi_value(0, 1, &isnull)))
		return "there is no business of its business_id";
	value = cg_spi_value(0, 2, &isnull);
	if (isnull)
		return NULL; /* no such user here */
	if (!DatumGetBool(value))
		return "its user is deactivated";
	value = cg_spi_value(0, 3, &isnull);
	if (!isnull &&
		(!claims->has_iat || claims->iat < cg_unix_seconds(DatumGetTimestampTz(value))))
		return "it is older than its user's tokens_valid_after";
	choose_app_role(context, TextDatumGetCString(cg_spi_value(0, 4, &isnull)));
	return NULL;
}

static const char *
currency_fault(const CgClaims *claims, CgContext *context)
{
	CgSpi      spi;
	CgIdentity saved;
	Oid        types[] = {UUIDOID, UUIDOID};
	Datum values[] = {UUIDPGetDatum(&claims->business), UUIDPGetDatum(&claims->subject)};
	char  nulls[] = {' ', claims->has_subject ? ' ' : 'n'};
	int   level = NewGUCNestLevel();
	const char *result;

	/* The owner is subject to row security too, so it enters the business to look. */
	cg_context_set(context, GUC_ACTION_SAVE);
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "reading the user of a token");
	(void) cg_spi_query("SELECT EXISTS (SELECT FROM cloudgreet.businesses b "
						"               WHERE b.id OPERATOR(pg_catalog.=) $1),"
						"       u.is_active, u.tokens_valid_after, u.role "
						"  FROM (VALUES ($1, $2)) AS token (business_id, user_id)"
						"  LEFT JOIN cloudgreet.users u"
						"    ON u.business_id OPERATOR(pg_catalog.=) token.business_id"
						"   AND u.id OPERATOR(pg_catalog.=) token.user_id",
						2, types, values, nulls, true, 1);
	result = user_fault(claims, context);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	AtEOXact_GUC(true, level);
	return result;
}

/* NULL, or why the token is refused. */
static const char *
token_fault(const char *token, size_t length, CgContext *context, bool explains)
{
	CgClaims    claims;
	const char *fault;

	memset(context, 0, sizeof(*context));
	fault = cg_jwt_fault(token, length, &claims, explains);
	if (fault != NULL)
		return fault;

	context->has_business = claims.has_business;
	context->has_user = claims.has_subject;
	context->business = claims.business;
	context->user = claims.subject;
	memcpy(context->app_role, claims.app_role, CG_ROLE_NAME_LENGTH);
	memcpy(context->db_role, claims.db_role, CG_ROLE_NAME_LENGTH);
	/* service_role passes row security: nothing could hold it to the business. */
	if (claims.has_business && strcmp(claims.db_role, "service_role") == 0)
		return "it is of service_role, which acts for all businesses, and names one";
	return claims.has_business ? currency_fault(&claims, context) : NULL;
}

bool
cg_login_accept(const char *token, size_t length, CgContext *context)
{
	return token_fault(token, length, context, false) == NULL;
}

PG_FUNCTION_INFO_V1(cg_sql_explain_token);

Datum
cg_sql_explain_token(PG_FUNCTION_ARGS)
{
	text       *token = PG_GETARG_TEXT_PP(0);
	CgContext   context;
	const char *fault;

	cg_secret_hide_activity("<cloudgreet.explain_token>");
	cg_schema_require();
	fault = token_fault(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), &context, true);
	if (fault != NULL)
		fault = psprintf("refused: %s", fault);
	else if (context.has_business && context.app_role[0] == '\0')
		fault = "accepted, but it sees no rows: its role is none of admin, user, agent";
	else if (!context.has_business && strcmp(context.db_role, "service_role") != 0)
		fault = "accepted, but it sees no rows: it has no business_id";
	else
		fault = "accepted";
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

/*
 * Fires what constraints were deferred so far, as the role and for the business that
 * caused them: at commit they would see the new login's.  Before anything was
 * written there are none, and constraints stay deferrable.
 */
static void
fire_deferred_constraints(void)
{
	CgSpi     spi;
	CgContext before;
	Oid       role;
	int       security_context;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	GetUserIdAndSecContext(&role, &security_context);
	if (cg_context_verified(&before) && before.db_role[0] != '\0')
		SetUserIdAndSecContext(get_role_oid(before.db_role, false),
							   security_context | SECURITY_LOCAL_USERID_CHANGE);
	cg_spi_begin(&spi, "checking deferred constraints");
	cg_spi_exec("SET CONSTRAINTS ALL IMMEDIATE");
	cg_spi_end(&spi);
	SetUserIdAndSecContext(role, security_context);
}

PG_FUNCTION_INFO_V1(cg_sql_login);

Datum
cg_sql_login(PG_FUNCTION_ARGS)
{
	text     *token;
	CgContext context;

	cg_secret_hide_activity("<cloudgreet.login>");
	if (!IsTransactionBlock())
		ereport(ERROR, (errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION), errhidestmt(true),
						errmsg("login() can only be used in transaction blocks"),
						errhint("Start with BEGIN: a login ends with its transaction.")));
	cg_schema_require();

	if (!PG_ARGISNULL(0))
		token = PG_GETARG_TEXT_PP(0);
	if (PG_ARGISNULL(0) ||
		!cg_login_accept(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), &context))
		ereport(ERROR, (errcode(ERRCODE_CG_TOKEN_INVALID), errmsg("invalid token"),
						errhidestmt(true)));

	fire_deferred_constraints();
	(void) set_config_option("role", context.db_role,
							 superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	cg_context_set(&context, GUC_ACTION_LOCAL);
	PG_RETURN_VOID();
}
