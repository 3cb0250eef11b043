/*
 * cloudgreet.c
 *		Loads the library: defines the settings of each layer, installs hooks and
 *		registers workers.
 *
 * The library works with and without shared_preload_libraries; only the workers need
 * the postmaster, and without preload there are none.
 *
 * Called by:	the server, which loads the library
 * Shown by:	test/t/010_install.pl, test/t/110_supervisor.pl
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "core/settings.h"
#include "inbound/settings.h"
#include "outbound/handoff.h"
#include "outbound/settings.h"
#include "tenant/large_object.h"
#include "tenant/secret_log.h"
#include "tenant/settings.h"
#include "server/settings.h"
#include "server/supervisor.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	cg_core_settings_define();
	cg_tenant_settings_define();
	cg_outbox_settings_define();
	cg_inbound_settings_define();
	cg_worker_settings_define();
	MarkGUCPrefixReserved("cloudgreet");
	cg_secret_log_install();
	cg_large_object_install();
	cg_handoff_install();
	if (process_shared_preload_libraries_in_progress)
		cg_worker_register();
}
