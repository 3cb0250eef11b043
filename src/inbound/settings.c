/*
 * settings.c
 *		Defines the settings of the HTTP surface, in alphabetical order.
 *
 * Called by:	cloudgreet.c, when the library is loaded
 * Shown by:	test/sql/rest_limits.sql, test/sql/cors.sql
 */
#include "postgres.h"

#include "utils/guc.h"

#include "inbound/settings.h"

/* One row more is asked for where it is to be known whether there are more. */
#define MAX_ROWS (PG_INT32_MAX - 1)

char *cg_cors_origins = NULL;
int   cg_response_bytes = 16 * 1024 * 1024;
int   cg_rest_max_rows = 0;
int   cg_rest_max_write_rows = 10000;

void
cg_inbound_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.cors_origins",
		"Sets the origins whose pages may read answers of the HTTP gate.",
		"Comma-separated, such as https://app.example.com; * means any, empty none.",
		&cg_cors_origins, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomIntVariable(
		"cloudgreet.response_bytes", "Sets the largest answer of the HTTP gate.", NULL,
		&cg_response_bytes, cg_response_bytes, 1024, 512 * 1024 * 1024, PGC_SUSET,
		GUC_UNIT_BYTE, NULL, NULL, NULL);

	DefineCustomIntVariable(
		"cloudgreet.rest_max_rows",
		"Sets how many rows a table or function under /rest/v1 answers at most.",
		"What is more is left out, and Content-Range says so; 0 means no limit.",
		&cg_rest_max_rows, cg_rest_max_rows, 0, MAX_ROWS, PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.rest_max_write_rows",
							"Sets how many rows a request under /rest/v1 writes at most.",
							"A request for more is refused before anything is written.",
							&cg_rest_max_write_rows, cg_rest_max_write_rows, 1, MAX_ROWS,
							PGC_SUSET, 0, NULL, NULL, NULL);
}
