/*
 * instance.c
 *		Tells the installation from its copies: pause(), activate(), is_active().
 *
 * A logical restore, CREATE DATABASE ... TEMPLATE and pg_upgrade change the system
 * identifier or the database's oid.  A physical clone changes neither, so a random
 * token stands both in the database and in a file beside the data directory, which
 * a clone does not carry; the file also names the data directory, for clones that
 * share a configured directory.
 *
 * A subscriber of logical replication is a copy too, though it has a row and a file of
 * its own: the rows that come in are another database's to send about.  It is one while
 * a subscription writes tables of ours, and stays one, once businesses came that way
 * (trigger businesses_replicated), until activate(), which wants the subscription gone.
 *
 * Invariant:	activate() reuses a file that fits the row, so that rolling it back
 *				never makes an active database a copy.  A file written by a
 *				transaction that ends badly fits no row, which leaves a copy a copy
 *				(and takes the file from a clone that shares the directory: rather
 *				fewer databases may send than more).
 * Locks:		activate() takes ShareUpdateExclusive on the extension object.
 * Errors:		ZG116 when the file cannot be written; reading never fails.
 * Called by:	sql/api, migrate/migrate.c, inbound/health.c, server/database_worker.c
 * Shown by:	test/t/040_copies.pl
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/instance.h"
#include "core/instance_file.h"
#include "core/schema_version.h"
#include "core/spi.h"
#include "core/uuid.h"

/* What the database remembers. */
typedef struct Installation
{
	int64 system_identifier;
	Oid   database;
	char *token;
	bool  is_paused;
	bool  is_subscriber; /* a subscription writes tables of ours */
	bool  is_replica;    /* ... or did, and left businesses */
} Installation;

/*
 * Reads the row as the owner; false when there is none.  By way of jsonb, since a schema
 * that waits for migrate() does not have each column.  The newest row is the one
 * committed by now, which the statement's own snapshot may not show.
 */
static bool
read_installation(Installation *row, bool newest)
{
	CgSpi         spi;
	CgIdentity    saved;
	MemoryContext caller = CurrentMemoryContext;
	bool          found;
	bool          isnull;

	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "reading the installation");
	found = cg_spi_query(
				"SELECT i.system_identifier, i.database_oid, i.instance_token::text, "
				"i.is_paused, EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r"
				"   JOIN pg_catalog.pg_class c ON c.oid = r.srrelid"
				"   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
				"  WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private')), "
				"coalesce((pg_catalog.to_jsonb(i) ->> 'is_replica')::boolean, false)"
				" FROM cloudgreet_private.installation i",
				0, NULL, NULL, NULL, !newest, 1) == 1;
	if (found)
	{
		row->system_identifier = DatumGetInt64(cg_spi_value(0, 1, &isnull));
		row->database = DatumGetObjectId(cg_spi_value(0, 2, &isnull));
		row->token =
			MemoryContextStrdup(caller, TextDatumGetCString(cg_spi_value(0, 3, &isnull)));
		row->is_paused = DatumGetBool(cg_spi_value(0, 4, &isnull));
		row->is_subscriber = DatumGetBool(cg_spi_value(0, 5, &isnull));
		row->is_replica = DatumGetBool(cg_spi_value(0, 6, &isnull));
	}
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	return found;
}

static CgInstanceState
judge(const Installation *row, const char **reason)
{
	if (RecoveryInProgress())
		*reason = "It is a standby: what may send is its primary.";
	else if (row->system_identifier != (int64) GetSystemIdentifier())
		*reason = "The database was restored into another cluster.";
	else if (row->database != MyDatabaseId)
		*reason = "The database was restored or copied within the cluster.";
	else if (!cg_instance_file_says(row->token))
		*reason = "The cluster was cloned or moved, or its instance file is gone.";
	else if (row->is_subscriber)
		*reason = "A subscription brings it the rows of another database.";
	else if (row->is_replica)
		*reason = "Its rows came from another database, by replication.";
	else if (row->is_paused)
	{
		*reason = "It was paused.";
		return CG_INSTANCE_PAUSED;
	}
	else
	{
		*reason = "This database may send.";
		return CG_INSTANCE_ACTIVE;
	}
	return CG_INSTANCE_COPY;
}

CgInstanceState
cg_instance_state(const char **reason)
{
	const char  *ignored;
	Installation row;

	if (reason == NULL)
		reason = &ignored;
	*reason = "The application schema is not installed.";
	if (cg_schema_version() == 0)
		return CG_INSTANCE_MISSING;
	*reason = "It was never activated.";
	return read_installation(&row, false) ? judge(&row, reason) : CG_INSTANCE_MISSING;
}

void
cg_instance_activate(void)
{
	CgSpi        spi;
	CgIdentity   saved;
	Installation row;
	pg_uuid_t    token;
	char        *token_text;
	Oid          types[] = {INT8OID, OIDOID, TEXTOID};
	Datum        values[3];

	/* Before the file is written, which no error takes back. */
	PreventCommandIfReadOnly("cloudgreet.activate()");

	/* As migrate() does; two at once would write each other's file. */
	LockDatabaseObject(ExtensionRelationId, get_extension_oid("cloudgreet", false), 0,
					   ShareUpdateExclusiveLock);
	if (read_installation(&row, true) && cg_instance_file_says(row.token))
		token_text = row.token; /* also on a subscriber, which stays a copy */
	else
	{
		cg_uuid_v7(&token);
		token_text =
			DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&token)));
		cg_instance_file_write(token_text);
	}

	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	values[2] = CStringGetTextDatum(token_text);
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "activating the installation");
	(void) cg_spi_query(
		"INSERT INTO cloudgreet_private.installation AS i"
		" (system_identifier, database_oid, instance_token) VALUES ($1, $2, "
		"$3::pg_catalog.uuid)"
		" ON CONFLICT (is_single) DO UPDATE SET system_identifier = "
		"excluded.system_identifier,"
		" database_oid = excluded.database_oid, instance_token = excluded.instance_token,"
		" is_paused = false, activated_at = pg_catalog.now()",
		3, types, values, NULL, false, 0);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
}

static void
require_superuser(const char *function)
{
	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for function %s()", function),
						errhint("It must be run by a superuser.")));
}

PG_FUNCTION_INFO_V1(cg_sql_activate);

Datum
cg_sql_activate(PG_FUNCTION_ARGS)
{
	Installation row;
	CgSpi        spi;
	CgIdentity   saved;

	require_superuser("activate");
	PreventCommandDuringRecovery("cloudgreet.activate()");
	cg_schema_require();
	/* Both would send: the rows that go on coming are those that the other sends about. */
	if (read_installation(&row, true) && row.is_subscriber)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("a subscription still brings this database rows of "
							   "another one"),
						errhint("If this database is to take over: stop the other, then "
								"DROP SUBSCRIPTION here.")));
	cg_instance_activate();
	/* Not there: a schema that migrate() has just made has no rows of another. */
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "activating the installation");
	(void) cg_spi_query(
		"UPDATE cloudgreet_private.installation SET is_replica = false WHERE is_replica",
		0, NULL, NULL, NULL, false, 0);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(cg_sql_pause);

Datum
cg_sql_pause(PG_FUNCTION_ARGS)
{
	CgSpi      spi;
	CgIdentity saved;

	require_superuser("pause");
	PreventCommandDuringRecovery("cloudgreet.pause()");
	cg_schema_require();
	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "pausing the installation");
	(void) cg_spi_query("UPDATE cloudgreet_private.installation SET is_paused = true "
						"WHERE is_single",
						0, NULL, NULL, NULL, false, 0);
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(cg_sql_is_active);

Datum
cg_sql_is_active(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(cg_instance_state(NULL) == CG_INSTANCE_ACTIVE);
}

PG_FUNCTION_INFO_V1(cg_sql_installation_status);

Datum
cg_sql_installation_status(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"missing", "copy", "paused", "active"};
	const char              *reason;
	CgInstanceState          state = cg_instance_state(&reason);
	TupleDesc                descriptor;
	Datum                    values[2];
	bool                     nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(names[state]);
	values[1] = CStringGetTextDatum(reason);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
