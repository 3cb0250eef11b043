/*
 * pinned.c
 *		The settings of a session that change what our code means, and their values here.
 *
 * Dates and intervals are read and written as text, literals in the bodies of functions
 * are parsed when they first run, floating point numbers and bytea are printed: all of it
 * depends on settings that a database, a role or a client may have set for purposes of
 * its own.  So http(), the workers and migrate() pin them, and sql/api/980_pinned.sql
 * adds them to every function through which sessions come in.
 *
 * Errors:		none; every value is one that the setting takes.
 * Called by:	inbound/http.c, migrate/migrate.c, server/database_worker.c,
 *				sql/api/980_pinned.sql
 * Shown by:	test/t/045_settings.pl; test/sql/hygiene.sql names functions that lack
 *				them
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "core/pinned.h"

static const struct
{
	const char *name;
	const char *value;
} pinned[] = {
	{"array_nulls", "on"},         {"bytea_output", "hex"},
	{"datestyle", "ISO, MDY"},     {"extra_float_digits", "1"},
	{"intervalstyle", "postgres"}, {"quote_all_identifiers", "off"},
	{"row_security", "on"},        {"standard_conforming_strings", "on"},
	{"timezone", "UTC"},           {"transform_null_equals", "off"},
	{"xmlbinary", "base64"},
};

void
cg_pinned_set_local(void)
{
	for (int i = 0; i < lengthof(pinned); i++)
		(void) set_config_option(pinned[i].name, pinned[i].value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
cg_pinned_set(void)
{
	for (int i = 0; i < lengthof(pinned); i++)
		SetConfigOption(pinned[i].name, pinned[i].value, PGC_USERSET, PGC_S_OVERRIDE);
}

PG_FUNCTION_INFO_V1(cg_sql_pinned_settings);

Datum
cg_sql_pinned_settings(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum          values[2];
	bool           nulls[2] = {false, false};

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(pinned); i++)
	{
		values[0] = CStringGetTextDatum(pinned[i].name);
		values[1] = CStringGetTextDatum(pinned[i].value);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
