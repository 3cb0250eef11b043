/*
 * schema_version.c
 *		Compares the application schema with what this library carries.
 *
 * The answer "it fits" is cached until the bookkeeping table is invalidated;
 * any other answer is looked up again, so that migrate() in another session
 * takes effect at once.
 *
 * Locks:		none beyond a table read.
 * Errors:		ZG112, ZG113, ZG114.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
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

void
cg_schema_require(void)
{
	int version;

	if (OidIsValid(known_table))
		return;

	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(forget_version, (Datum) 0);
		callback_registered = true;
	}

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
	known_table = find_bookkeeping_table();
}
