/*
 * cloudgreet.c
 *		Loads the library: defines the settings of each layer and installs hooks.
 *
 * The library works with and without shared_preload_libraries, so nothing here
 * may need the postmaster.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "core/settings.h"
#include "tenant/secret_log.h"
#include "tenant/settings.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	cg_core_settings_define();
	cg_tenant_settings_define();
	MarkGUCPrefixReserved("cloudgreet");
	cg_secret_log_install();
}
