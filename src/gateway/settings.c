/*
 * settings.c
 *		Defines the settings of the HTTP surface, in alphabetical order.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "gateway/settings.h"

char *cg_cors_origins = NULL;
int   cg_response_bytes = 16 * 1024 * 1024;

void
cg_gateway_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.cors_origins",
		"Sets the origins whose pages may read answers of the HTTP front.",
		"Comma-separated, such as https://app.example.com; * means any, empty none.",
		&cg_cors_origins, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomIntVariable(
		"cloudgreet.response_bytes", "Sets the largest answer of the HTTP front.", NULL,
		&cg_response_bytes, cg_response_bytes, 1024, 512 * 1024 * 1024, PGC_SUSET,
		GUC_UNIT_BYTE, NULL, NULL, NULL);
}
