/*
 * migrate.c
 *		cloudgreet.migrate(): brings the application schema to this library's version.
 *
 * The extension is code only.  Tables and everything built on them are ordinary
 * objects of the role cloudgreet_owner, made here, so that dumps, users' own
 * additions and DROP EXTENSION treat them as such.
 *
 * All pending steps run in the caller's transaction: a failure leaves the schema
 * as it was.
 *
 * Locks:		ShareUpdateExclusive on the extension object for the transaction:
 *				one migration at a time, and no ALTER or DROP EXTENSION meanwhile.
 *				(An advisory lock could be held by any role that may connect.)
 * Errors:		42501 for callers without superuser rights, ZG113 for an extension
 *				that was not updated, ZG114 for one or a schema of a newer library, ZG117 for one that is not whole, 55000 for a step that
 *				changed after it was applied.
 * Called by:	a superuser, by SQL
 * Shown by:	test/sql/install.sql, test/t/060_check_update.pl
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/instance.h"
#include "core/pinned.h"
#include "core/schema_version.h"
#include "core/spi.h"
#include "migrate/replace.h"
#include "migrate/script.h"

/* Unless the caller has another. */
#define LOCK_TIMEOUT "3s"

static void
require_superuser(void)
{
	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to migrate the application schema"),
						errhint("migrate() must be run by a superuser.")));
}

/* Sets a setting until migrate() returns. */
static void
pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Settings that would change what the files mean. */
static int
pin_settings(void)
{
	static const char *const pinned[][2] = {
		{"search_path", "pg_catalog, pg_temp"},  {"check_function_bodies", "on"},
		{"default_table_access_method", "heap"}, {"default_tablespace", ""},
		{"client_min_messages", "warning"},
	};
	int level = NewGUCNestLevel();

	cg_pinned_set_local();
	/* Who waits for a lock has others wait behind him: better no migration for now. */
	if (strcmp(GetConfigOption("lock_timeout", false, false), "0") == 0)
		pin_setting("lock_timeout", LOCK_TIMEOUT);
	for (int i = 0; i < lengthof(pinned); i++)
		pin_setting(pinned[i][0], pinned[i][1]);
	return level;
}

static bool
is_trusted_owner(Oid role)
{
	return superuser_arg(role) || role == GetUserId();
}

static void
prepare_private_schema(void)
{
	HeapTuple tuple =
		SearchSysCache1(NAMESPACENAME, CStringGetDatum("cloudgreet_private"));

	if (!HeapTupleIsValid(tuple))
		cg_spi_exec("CREATE SCHEMA cloudgreet_private");
	else
	{
		bool trusted = is_trusted_owner(((Form_pg_namespace) GETSTRUCT(tuple))->nspowner);

		ReleaseSysCache(tuple);
		if (!trusted)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("schema \"cloudgreet_private\" belongs to another role"),
					 errhint("Drop the schema, or give it to a superuser after looking "
							 "at what it holds.")));
	}
	cg_spi_exec("COMMENT ON SCHEMA cloudgreet_private IS 'Internals of cloudgreet: "
				"nothing here is for applications.';"
				"REVOKE ALL ON SCHEMA cloudgreet_private FROM PUBLIC, anon, "
				"authenticated, service_role, authenticator;"
				"GRANT USAGE, CREATE ON SCHEMA cloudgreet_private TO cloudgreet_owner;"
				"GRANT USAGE ON SCHEMA cloudgreet_private TO cloudgreet_worker;"
				"GRANT CREATE ON SCHEMA cloudgreet TO cloudgreet_owner");
}

/* The exclusion constraint of appointments needs btree_gist. */
static void
prepare_btree_gist(void)
{
	if (OidIsValid(get_extension_oid("btree_gist", true)))
		return;
	/* Supabase keeps extensions in a schema of their own. */
	if (SearchSysCacheExists1(NAMESPACENAME, CStringGetDatum("extensions")))
		cg_spi_exec("CREATE EXTENSION btree_gist SCHEMA extensions");
	else
		cg_spi_exec("CREATE EXTENSION btree_gist SCHEMA public");
}

/*
 * Runs a statement of the bookkeeping as its owner: whatever hangs on its tables
 * must not run with the caller's rights.
 */
static uint64
keep_books(const char *sql, int nargs, const Oid *types, const Datum *values)
{
	CgIdentity saved;
	uint64     rows;

	cg_run_as_owner(&saved);
	rows = cg_spi_query(sql, nargs, types, values, NULL, false, 0);
	cg_identity_restore(&saved);
	return rows;
}

/* Checks a step that was applied before against the file of today. */
static bool
is_applied(const CgScript *step)
{
	Oid   types[] = {INT4OID};
	Datum values[] = {Int32GetDatum(step->number)};
	bool  isnull;
	char *checksum;

	if (keep_books("SELECT checksum FROM cloudgreet_private.schema_migrations "
				   "WHERE version = $1",
				   1, types, values) == 0)
		return false;
	checksum = TextDatumGetCString(cg_spi_value(0, 1, &isnull));
	if (strcmp(checksum, step->checksum) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("schema step \"%s\" was changed after it was applied",
							   step->name),
						errhint("Put the file back and add a new step instead.")));
	return true;
}

static void
apply_step(const CgScript *step)
{
	Oid   types[] = {INT4OID, TEXTOID, TEXTOID};
	Datum values[] = {Int32GetDatum(step->number), CStringGetTextDatum(step->name),
					  CStringGetTextDatum(step->checksum)};

	cg_script_run(step);
	(void) keep_books("INSERT INTO cloudgreet_private.schema_migrations "
					  "(version, name, checksum) VALUES ($1, $2, $3)",
					  3, types, values);
	/* Other backends look at the version again. */
	CacheInvalidateRelcacheByRelid(get_relname_relid(
		"schema_migrations", get_namespace_oid("cloudgreet_private", false)));
}

static void
refuse_newer_schema(List *steps, int version)
{
	int newest = steps == NIL ? 0 : ((CgScript *) llast(steps))->number;

	if (version > newest)
		ereport(ERROR,
				(errcode(ERRCODE_CG_SCHEMA_NEWER),
				 errmsg("the application schema is newer than the library"),
				 errdetail("The schema is at %d, the files go to %d.", version, newest),
				 errhint("Install the newer library, or restore a backup made "
						 "before the schema was migrated.")));
}

/* Whether the replaceable objects in the database came from files with this checksum. */
static bool
has_replaceables(const char *checksum)
{
	Oid   types[] = {TEXTOID};
	Datum values[] = {CStringGetTextDatum(checksum)};

	return keep_books("SELECT FROM cloudgreet_private.api_state WHERE checksum = $1", 1,
					  types, values) == 1;
}

static void
apply_replaceables(bool schema_changed)
{
	List *scripts = cg_scripts_read("api");
	char *checksum = cg_scripts_checksum(scripts);
	Oid   types[] = {TEXTOID};
	Datum values[] = {CStringGetTextDatum(checksum)};

	if (!schema_changed && has_replaceables(checksum))
		return;

	cg_scripts_replace(scripts);
	(void) keep_books("INSERT INTO cloudgreet_private.api_state (checksum) VALUES ($1) "
					  "ON CONFLICT (is_single) DO UPDATE "
					  "SET checksum = excluded.checksum, applied_at = DEFAULT",
					  1, types, values);
}

/* Partitions are made ahead here too, for servers where no worker does it. */
static void
make_partitions(void)
{
	CgIdentity saved;

	if (cg_spi_query("SELECT FROM pg_catalog.pg_proc p WHERE p.proname = "
					 "'maintain_partitions' AND p.pronamespace = "
					 "(SELECT n.oid FROM pg_catalog.pg_namespace n "
					 "WHERE n.nspname = 'cloudgreet_private')",
					 0, NULL, NULL, NULL, false, 1) == 0)
		return; /* the files of a developer's directory may stop earlier */
	cg_run_as_owner(&saved);
	cg_spi_exec("SELECT cloudgreet_private.maintain_partitions()");
	cg_identity_restore(&saved);
}

PG_FUNCTION_INFO_V1(cg_sql_migrate);

Datum
cg_sql_migrate(PG_FUNCTION_ARGS)
{
	CgSpi     spi;
	List     *steps;
	ListCell *cell;
	int       settings_level;
	int       version;
	bool      changed = false;

	require_superuser();
	PreventCommandDuringRecovery("cloudgreet.migrate()");
	PreventCommandIfReadOnly("cloudgreet.migrate()");
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("migrate() cannot run in this isolation level"),
						errhint("It must see what a migration before it did: use READ "
								"COMMITTED.")));
	LockDatabaseObject(ExtensionRelationId, get_extension_oid("cloudgreet", false), 0,
					   ShareUpdateExclusiveLock);

	/* The files are those of the library: they call functions of its extension. */
	cg_extension_require();
	settings_level = pin_settings();
	cg_spi_begin(&spi, "migrating the application schema");
	steps = cg_scripts_read("schema");
	version = cg_schema_version();
	refuse_newer_schema(steps, version);
	cg_schema_require_whole(version);
	prepare_private_schema();
	prepare_btree_gist();

	/* A step that meets row security gets an error instead of fewer rows. */
	pin_setting("row_security", "off");
	foreach (cell, steps)
	{
		CgScript *step = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (version > 0 && is_applied(step))
			continue;
		apply_step(step);
		changed = true;
	}
	/* Checking the body of an SQL function rewrites it, which "off" would refuse. */
	pin_setting("row_security", "on");
	apply_replaceables(changed);
	make_partitions();
	if (version == 0)
		cg_instance_activate(); /* who made the schema cannot be a copy of it */
	version = cg_schema_version();
	cg_spi_end(&spi);
	AtEOXact_GUC(true, settings_level);

	PG_RETURN_INT32(version);
}

PG_FUNCTION_INFO_V1(cg_sql_is_migrated);

/* A release may bring replaceable files alone, which the schema's version does not tell. */
Datum
cg_sql_is_migrated(PG_FUNCTION_ARGS)
{
	CgSpi spi;
	bool  result = cg_schema_state() == CG_SCHEMA_CURRENT;

	if (result)
	{
		cg_spi_begin(&spi, "comparing the installed files");
		result = has_replaceables(cg_scripts_checksum(cg_scripts_read("api")));
		cg_spi_end(&spi);
	}
	PG_RETURN_BOOL(result);
}
