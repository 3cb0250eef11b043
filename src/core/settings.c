/*
 * settings.c
 *		Defines the settings of the core layer, in alphabetical order.
 *
 * None is PGC_POSTMASTER: the library must also load after start, on a server
 * that does not preload it.
 *
 * Called by:	cloudgreet.c, when the library is loaded
 * Shown by:	test/t/045_settings.pl, test/sql/core.sql
 */
#include "postgres.h"

#include "utils/guc.h"

#include "core/clock.h"
#include "core/settings.h"

char *cg_clock_setting = NULL;
char *cg_instance_directory = NULL;
char *cg_script_directory = NULL;

void
cg_core_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.clock", "Sets a test value for cloudgreet.clock().",
		"A timestamp with a time zone; empty means the real time.", &cg_clock_setting, "",
		PGC_SUSET, GUC_NOT_IN_SAMPLE, cg_clock_check, cg_clock_assign, NULL);

	DefineCustomStringVariable(
		"cloudgreet.instance_directory",
		"Sets the directory of the files that tell this server from a copy of it.",
		"Must lie outside the data directory; empty means the data directory's name with "
		"\".cloudgreet\" appended.",
		&cg_instance_directory, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	DefineCustomStringVariable(
		"cloudgreet.script_directory",
		"Sets the directory whose \"schema\" and \"api\" files migrate() runs.",
		"For developers; empty means the files installed with the library.",
		&cg_script_directory, "", PGC_SUSET, GUC_SUPERUSER_ONLY | GUC_NOT_IN_SAMPLE, NULL,
		NULL, NULL);
}
