/*
 * context.c
 *		Keeps the verified context in the setting cloudgreet.context.
 *
 * The check hook accepts a value only while this file sets one, or while a
 * parallel worker takes over its leader's settings; SET is refused to everyone,
 * a superuser too.  The empty value is always accepted: it means nobody, and so
 * RESET fails closed.
 *
 * Memory:		the parsed form is the setting's "extra", owned by the GUC machinery.
 * Errors:		none from the readers; the check hook refuses with 42501.
 * Called by:	login.c, business.c, inbound/http.c; policies, by current_business_id()
 * Shown by:	test/sql/context.sql, test/t/020_context.pl
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "core/hex.h"
#include "tenant/claims.h"
#include "tenant/context.h"
#include "tenant/settings.h"

char *cg_context_setting = NULL;

static bool             may_set = false;
static const CgContext *verified = NULL; /* the setting's extra, or none */

/* The claims read last, so that a scan does not parse them for each row. */
static char      claims_text[CG_CLAIMS_MAX_BYTES + 1];
static CgContext claims_context;
static bool      claims_valid = false;

/* The role last asked about, or none when pg_authid has changed since. */
static Oid trust_known_for = InvalidOid;

/* ---- The setting ------------------------------------------------------------------ */

static void
format_hex_uuid(bool present, const pg_uuid_t *id, char *to)
{
	strcpy(to, "-");
	for (int i = 0; present && i < UUID_LEN; i++)
		sprintf(to + 2 * i, "%02x", id->data[i]);
}

/* Text form: business,user,app role,database role,"e" if entered; "-" for absent. */
static bool
parse_context(const char *from, CgContext *context)
{
	char business[33];
	char user[33];
	char app_role[CG_ROLE_NAME_LENGTH];
	char db_role[CG_ROLE_NAME_LENGTH];
	char entered;

	memset(context, 0, sizeof(*context));
	if (sscanf(from, "%32[-0-9a-f],%32[-0-9a-f],%15[-a-z_],%15[-a-z_],%c", business, user,
			   app_role, db_role, &entered) != 5)
		return false;
	context->is_entered = entered == 'e';
	context->has_business = business[0] != '-';
	context->has_user = user[0] != '-';
	if ((context->has_business &&
		 (strlen(business) != 32 ||
		  !cg_hex_read(business, UUID_LEN, context->business.data))) ||
		(context->has_user &&
		 (strlen(user) != 32 || !cg_hex_read(user, UUID_LEN, context->user.data))))
		return false;
	if (app_role[0] != '-')
		strlcpy(context->app_role, app_role, CG_ROLE_NAME_LENGTH);
	if (db_role[0] != '-')
		strlcpy(context->db_role, db_role, CG_ROLE_NAME_LENGTH);
	return true;
}

bool
cg_context_check(char **newval, void **extra, GucSource source)
{
	CgContext *parsed;

	if (**newval == '\0')
		return true;
	if (!may_set && !InitializingParallelWorker)
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("parameter \"cloudgreet.context\" cannot be set");
		GUC_check_errhint("Use cloudgreet.login() inside a transaction.");
		return false;
	}

	parsed = cg_compat_guc_malloc(sizeof(CgContext));
	if (parsed == NULL)
		return false;
	if (!parse_context(*newval, parsed))
	{
		cg_compat_guc_free(parsed);
		return false;
	}
	*extra = parsed;
	return true;
}

void
cg_context_assign(const char *newval, void *extra)
{
	verified = extra;
}

void
cg_context_set(const CgContext *context, GucAction action)
{
	char business[33];
	char user[33];
	char value[128];

	format_hex_uuid(context->has_business, &context->business, business);
	format_hex_uuid(context->has_user, &context->user, user);
	snprintf(value, sizeof(value), "%s,%s,%s,%s,%c", business, user,
			 context->app_role[0] != '\0' ? context->app_role : "-",
			 context->db_role[0] != '\0' ? context->db_role : "-",
			 context->is_entered ? 'e' : '-');

	may_set = true;
	PG_TRY();
	{
		(void) set_config_option("cloudgreet.context", value, PGC_SUSET, PGC_S_SESSION,
								 action, true, ERROR, false);
	}
	PG_FINALLY();
	{
		may_set = false;
	}
	PG_END_TRY();
}

bool
cg_context_verified(CgContext *result)
{
	if (verified == NULL)
	{
		memset(result, 0, sizeof(*result));
		return false;
	}
	*result = *verified;
	return true;
}

/* ---- Claims of a trusted authenticator -------------------------------------------- */

void
cg_context_assign_paths(const char *newval, void *extra)
{
	claims_text[0] = '\0'; /* the same claims may say something else now */
}

static void
forget_trust(Datum arg, int cache, uint32 hash)
{
	trust_known_for = InvalidOid;
}

/* Whether the session's login role may tell us claims that it verified itself. */
static bool
session_is_trusted(void)
{
	static bool  callback_registered = false;
	static char *known_setting = NULL;
	static bool  known_answer = false;
	Oid          role = GetSessionUserId();
	char        *names;
	List        *list;
	ListCell    *cell;

	/* The answer changes with the session's role, the setting, and names of roles. */
	if (role == trust_known_for && known_setting != NULL &&
		strcmp(known_setting, cg_trusted_authenticators) == 0)
		return known_answer;

	/* A role that is renamed or dropped must lose the trust that its name had. */
	if (!callback_registered)
	{
		CacheRegisterSyscacheCallback(AUTHOID, forget_trust, (Datum) 0);
		callback_registered = true;
	}
	known_answer = false;
	names = pstrdup(cg_trusted_authenticators);
	if (SplitIdentifierString(names, ',', &list))
	{
		foreach (cell, list)
		{
			if (get_role_oid(lfirst(cell), true) == role)
				known_answer = true;
		}
		list_free(list);
	}
	pfree(names);

	trust_known_for = role;
	if (known_setting != NULL)
		free(known_setting);
	known_setting = strdup(cg_trusted_authenticators);
	return known_answer;
}

static bool
read_trusted_claims(CgContext *result)
{
	const char *claims = GetConfigOption("request.jwt.claims", true, false);
	CgClaims    parsed;
	size_t      length;

	if (claims == NULL || claims[0] == '\0' || !session_is_trusted())
		return false;
	length = strlen(claims);
	if (length > CG_CLAIMS_MAX_BYTES)
		return false;

	/* Policies ask for each row, so the same text is understood once. */
	if (strcmp(claims, claims_text) != 0)
	{
		claims_valid = false;
		memcpy(claims_text, claims, length + 1);
		memset(&claims_context, 0, sizeof(claims_context));
		if (cg_claims_parse(claims, length, &parsed))
		{
			claims_context.has_business = parsed.has_business;
			claims_context.has_user = parsed.has_subject;
			claims_context.business = parsed.business;
			claims_context.user = parsed.subject;
			memcpy(claims_context.app_role, parsed.app_role, CG_ROLE_NAME_LENGTH);
			memcpy(claims_context.db_role, parsed.db_role, CG_ROLE_NAME_LENGTH);
			/* What names a business is bound to it: service_role's or not, no operator. */
			if (parsed.has_business && strcmp(parsed.db_role, "service_role") == 0)
				strlcpy(claims_context.db_role, "authenticated", CG_ROLE_NAME_LENGTH);
			claims_valid = true;
		}
	}
	if (claims_valid)
		*result = claims_context;
	return claims_valid;
}

bool
cg_context_get(CgContext *result)
{
	return cg_context_verified(result) || read_trusted_claims(result);
}

/* ---- SQL -------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(cg_sql_current_business_id);

Datum
cg_sql_current_business_id(PG_FUNCTION_ARGS)
{
	CgContext  context;
	pg_uuid_t *result;

	if (!cg_context_get(&context) || !context.has_business)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = context.business;
	PG_RETURN_UUID_P(result);
}

PG_FUNCTION_INFO_V1(cg_sql_current_user_id);

Datum
cg_sql_current_user_id(PG_FUNCTION_ARGS)
{
	CgContext  context;
	pg_uuid_t *result;

	if (!cg_context_get(&context) || !context.has_user)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = context.user;
	PG_RETURN_UUID_P(result);
}

PG_FUNCTION_INFO_V1(cg_sql_current_app_role);

Datum
cg_sql_current_app_role(PG_FUNCTION_ARGS)
{
	CgContext context;

	if (!cg_context_get(&context) || context.app_role[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(context.app_role));
}
