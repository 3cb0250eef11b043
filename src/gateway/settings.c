/*
 * settings.c
 *		Defines the settings of the HTTP surface, in alphabetical order.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "gateway/settings.h"

char *cg_cors_origins = NULL;

void
cg_gateway_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.cors_origins",
		"Sets the origins whose pages may read answers of the HTTP front.",
		"Comma-separated, such as https://app.example.com; * means any, empty none.",
		&cg_cors_origins, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}
