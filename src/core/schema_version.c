/*
 * schema_version.c
 *		Compares the extension and the application schema with what this library carries.
 *
 * Three things have an age: the library, which "make install" replaces; the extension,
 * whose functions ALTER EXTENSION ... UPDATE replaces; and the schema, which migrate()
 * brings on.  Nothing works until all are of one age, and the error says what to run.
 *
 * The answer "it fits" is cached until the bookkeeping table is invalidated;
 * any other answer is looked up again, so that migrate() in another session
 * takes effect at once.
 *
 * Locks:		none beyond a table read.
 * Errors:		ZG112, ZG113, ZG114, ZG117.
 * Called by:	whatever needs a schema that fits: login(), http(), migrate(), the
 *				workers
 * Shown by:	test/t/060_check_update.pl
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/schema_version.h"
#include "core/spi.h"

static Oid  known_table = InvalidOid; /* schema_migrations, when the schema fits */
static bool callback_registered = false;

static void
forget_version(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == known_table)
		known_table = InvalidOid;
}

/* The version of the extension in this database, palloc'd. */
static char *
extension_version(void)
{
	CgSpi         spi;
	MemoryContext caller = CurrentMemoryContext;
	char         *version;
	bool          isnull;

	cg_spi_begin(&spi, "reading the extension's version");
	/* Not read-only: a snapshot of its own, as below. */
	if (cg_spi_query("SELECT extversion FROM pg_catalog.pg_extension "
					 "WHERE extname OPERATOR(pg_catalog.=) 'cloudgreet'",
					 0, NULL, NULL, NULL, false, 1) != 1)
		elog(ERROR, "extension cloudgreet is not there");
	version =
		MemoryContextStrdup(caller, TextDatumGetCString(cg_spi_value(0, 1, &isnull)));
	cg_spi_end(&spi);
	return version;
}

/* Compares versions such as 0.10.2, number by number: below 0, 0 or above 0. */
static int
compare_versions(const char *one, const char *other)
{
	int a[3] = {0};
	int b[3] = {0};

	(void) sscanf(one, "%d.%d.%d", &a[0], &a[1], &a[2]);
	(void) sscanf(other, "%d.%d.%d", &b[0], &b[1], &b[2]);
	for (int i = 0; i < lengthof(a); i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return strcmp(one, other);
}

void
cg_extension_require(void)
{
	char *installed = extension_version();
	int   age = compare_versions(installed, CG_VERSION);

	if (age == 0)
		return;
	ereport(ERROR,
			(errcode(age < 0 ? ERRCODE_CG_SCHEMA_OUTDATED : ERRCODE_CG_SCHEMA_NEWER),
			 errmsg("the extension is %s than the library", age < 0 ? "older" : "newer"),
			 errdetail("Extension cloudgreet is version %s in this database, the library "
					   "is %s.",
					   installed, CG_VERSION),
			 age < 0 ? errhint("Run ALTER EXTENSION cloudgreet UPDATE and then SELECT "
							   "cloudgreet.migrate() as a superuser.")
					 : errhint("Install the newer library; a session that was open "
							   "before it was installed has to reconnect.")));
}

static Oid
find_bookkeeping_table(void)
{
	Oid schema = get_namespace_oid("cloudgreet_private", true);

	return OidIsValid(schema) ? get_relname_relid("schema_migrations", schema)
							  : InvalidOid;
}

int
cg_schema_version(void)
{
	CgSpi      spi;
	CgIdentity saved;
	int        version = 0;
	bool       isnull;

	if (!OidIsValid(find_bookkeeping_table()))
		return 0;

	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "reading the schema's version");
	/* Not read-only: a snapshot of its own, newer than the wait for a migration. */
	if (cg_spi_query("SELECT pg_catalog.max(version) FROM "
					 "cloudgreet_private.schema_migrations",
					 0, NULL, NULL, NULL, false, 1) == 1)
	{
		Datum value = cg_spi_value(0, 1, &isnull);

		if (!isnull)
			version = DatumGetInt32(value);
	}
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	return version;
}

/*
 * DROP EXTENSION ... CASCADE takes policies, defaults, triggers and checks, which only
 * the steps make.  The policy of secrets is one that no replaceable file makes again;
 * step 2 makes it.
 */
static bool
is_whole(int version)
{
	CgSpi  spi;
	Oid    types[] = {OIDOID};
	Datum  values[1];
	uint64 found;

	if (version < 2)
		return true;
	/* Not by name in SQL: who asks may have no right to look into the schema. */
	values[0] = ObjectIdGetDatum(
		get_relname_relid("secrets", get_namespace_oid("cloudgreet_private", false)));
	cg_spi_begin(&spi, "looking whether the schema is whole");
	found = cg_spi_query(
		"SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid OPERATOR(pg_catalog.=) $1 "
		"AND p.polname OPERATOR(pg_catalog.=) 'secrets_owner_all'",
		1, types, values, NULL, false, 1);
	cg_spi_end(&spi);
	return found == 1;
}

void
cg_schema_require_whole(int version)
{
	if (!is_whole(version))
		ereport(ERROR,
				(errcode(ERRCODE_CG_SCHEMA_BROKEN),
				 errmsg("the application schema is not whole"),
				 errdetail("The extension was dropped with CASCADE after the schema was "
						   "made; policies, defaults and checks went with it."),
				 errhint("Restore a backup, or move the rows into a new database.")));
}

CgSchemaState
cg_schema_state(void)
{
	int version = cg_schema_version();
	int age;

	if (version == 0)
		return CG_SCHEMA_ABSENT;
	age = compare_versions(extension_version(), CG_VERSION);
	if (age != 0)
		return age < 0 ? CG_SCHEMA_OLDER : CG_SCHEMA_NEWER;
	if (!is_whole(version))
		return CG_SCHEMA_BROKEN;
	if (version != CG_SCHEMA_VERSION)
		return version < CG_SCHEMA_VERSION ? CG_SCHEMA_OLDER : CG_SCHEMA_NEWER;
	return CG_SCHEMA_CURRENT;
}

PG_FUNCTION_INFO_V1(cg_sql_schema_state);

Datum
cg_sql_schema_state(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"current", "absent", "older", "newer", "broken"};

	PG_RETURN_TEXT_P(cstring_to_text(names[cg_schema_state()]));
}

PG_FUNCTION_INFO_V1(cg_sql_library_version);

Datum
cg_sql_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(CG_VERSION));
}

void
cg_schema_require(void)
{
	int version;

	if (OidIsValid(known_table))
		return;

	/* Nothing can forget the answer unless this is registered before it is found. */
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(forget_version, (Datum) 0);
		callback_registered = true;
	}

	/* An extension of another age would misread the schema, so it is judged first. */
	cg_extension_require();
	version = cg_schema_version();
	if (version == 0)
		ereport(ERROR, (errcode(ERRCODE_CG_SCHEMA_MISSING),
						errmsg("the application schema is not installed"),
						errhint("Run SELECT cloudgreet.migrate() as a superuser.")));
	if (version < CG_SCHEMA_VERSION)
		ereport(ERROR, (errcode(ERRCODE_CG_SCHEMA_OUTDATED),
						errmsg("the application schema is older than the library"),
						errdetail("The schema is at %d, the library needs %d.", version,
								  CG_SCHEMA_VERSION),
						errhint("Run SELECT cloudgreet.migrate() as a superuser.")));
	if (version > CG_SCHEMA_VERSION)
		ereport(ERROR, (errcode(ERRCODE_CG_SCHEMA_NEWER),
						errmsg("the application schema is newer than the library"),
						errdetail("The schema is at %d, the library knows %d.", version,
								  CG_SCHEMA_VERSION),
						errhint("Install the newer library, or restore a backup made "
								"before the schema was migrated.")));
	cg_schema_require_whole(version);
	/* Only "it fits" is kept: what does not may be mended by another session at once. */
	known_table = find_bookkeeping_table();
}
