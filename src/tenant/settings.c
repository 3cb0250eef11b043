/*
 * settings.c
 *		Defines the settings of the tenant layer, in alphabetical order.
 *
 * Called by:	cloudgreet.c, when the library is loaded
 * Shown by:	test/sql/login.sql, test/sql/claims.sql
 */
#include "postgres.h"

#include "utils/guc.h"

#include "tenant/context.h"
#include "tenant/settings.h"

char *cg_jwt_audience = NULL;
char *cg_jwt_business_claims = NULL;
char *cg_jwt_issuer = NULL;
int   cg_jwt_leeway = 30;
char *cg_jwt_role_claims = NULL;
char *cg_master_key_file = NULL;
char *cg_trusted_authenticators = NULL;

void
cg_tenant_settings_define(void)
{
	DefineCustomStringVariable("cloudgreet.context",
							   "Shows whom the statements of this transaction act for.",
							   "Written by cloudgreet.login() only.", &cg_context_setting,
							   "", PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   cg_context_check, cg_context_assign, NULL);

	DefineCustomStringVariable(
		"cloudgreet.jwt_audience", "Sets the audience that tokens must name.",
		"Empty means that the claim aud is not checked.", &cg_jwt_audience, "", PGC_SUSET,
		GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomStringVariable("cloudgreet.jwt_business_claims",
							   "Sets the paths of the claim that names the business.",
							   "The first path present in a token counts.",
							   &cg_jwt_business_claims,
							   "business_id,app_metadata.business_id", PGC_SUSET,
							   GUC_SUPERUSER_ONLY, NULL, cg_context_assign_paths, NULL);

	DefineCustomStringVariable(
		"cloudgreet.jwt_issuer", "Sets the issuer that tokens must name.",
		"Empty means that the claim iss is not checked.", &cg_jwt_issuer, "", PGC_SUSET,
		GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.jwt_leeway",
							"Sets the tolerated difference between clocks of tokens.",
							NULL, &cg_jwt_leeway, cg_jwt_leeway, 0, 60, PGC_SUSET,
							GUC_SUPERUSER_ONLY | GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomStringVariable("cloudgreet.jwt_role_claims",
							   "Sets the paths of the claim with the application role.",
							   "The first path with admin, user or agent counts.",
							   &cg_jwt_role_claims, "app_metadata.role,role", PGC_SUSET,
							   GUC_SUPERUSER_ONLY, NULL, cg_context_assign_paths, NULL);

	DefineCustomStringVariable(
		"cloudgreet.master_key_file", "Sets the file with the master key of secrets.",
		"Mode 0600, 32 bytes or 64 hexadecimal digits; relative to the data directory.",
		&cg_master_key_file, "", PGC_SUSET, GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL, NULL,
		NULL, NULL);

	DefineCustomStringVariable(
		"cloudgreet.trusted_authenticators",
		"Sets the login roles whose request.jwt.claims is believed.",
		"They have verified the token themselves, as PostgREST does.",
		&cg_trusted_authenticators, "authenticator", PGC_SUSET,
		GUC_SUPERUSER_ONLY | GUC_LIST_INPUT, NULL, NULL, NULL);
}
