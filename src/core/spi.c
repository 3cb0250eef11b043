/*
 * spi.c
 *		Sessions, the plan cache and the owner's identity; see spi.h.
 *
 * Plans are keyed by the statement's text and the current role, because a plan
 * of a table under row security holds for one role only.
 *
 * Memory:		plans live in CacheMemoryContext until the backend ends; their
 *				number is bounded by the constants in the code.
 * Errors:		a failing statement raises its own error, with "while ..." added.
 * Called by:	whatever runs SQL
 * Shown by:	test/t/020_context.pl (plans of several roles)
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/spi.h"

typedef struct PlanKey
{
	const char *sql; /* the address of the constant, not its bytes */
	Oid         role;
} PlanKey;

typedef struct PlanEntry
{
	PlanKey    key;
	SPIPlanPtr plan;
} PlanEntry;

static HTAB *plans = NULL;

static void
add_context(void *arg)
{
	errcontext("while %s", ((CgSpi *) arg)->what);
}

void
cg_spi_begin(CgSpi *spi, const char *what)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	spi->what = what;
	spi->callback.callback = add_context;
	spi->callback.arg = spi;
	spi->callback.previous = error_context_stack;
	error_context_stack = &spi->callback;
}

void
cg_spi_end(CgSpi *spi)
{
	error_context_stack = spi->callback.previous;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

void
cg_spi_exec(const char *sql)
{
	int rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
}

static PlanEntry *
find_plan(const char *sql, int nargs, const Oid *types)
{
	PlanKey    key;
	PlanEntry *entry;
	bool       found;

	if (plans == NULL)
	{
		HASHCTL control = {.keysize = sizeof(PlanKey), .entrysize = sizeof(PlanEntry)};

		plans = hash_create("cloudgreet plans", 64, &control, HASH_ELEM | HASH_BLOBS);
	}

	memset(&key, 0, sizeof(key)); /* padding takes part in the hash */
	key.sql = sql;
	key.role = GetUserId();
	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		/*
		 * The plan comes first: a failed prepare must leave no entry behind.  It is
		 * generic: these statements look rows up by key.
		 */
		SPIPlanPtr plan = SPI_prepare_cursor(sql, nargs, unconstify(Oid *, types),
											 CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		entry = hash_search(plans, &key, HASH_ENTER, &found);
		entry->plan = plan;
		SPI_keepplan(plan);
	}
	return entry;
}

uint64
cg_spi_query(const char *sql, int nargs, const Oid *types, const Datum *values,
			 const char *nulls, bool read_only, long limit)
{
	PlanEntry *entry = find_plan(sql, nargs, types);
	int        rc;

	rc = SPI_execute_plan(entry->plan, unconstify(Datum *, values), nulls, read_only,
						  limit);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

Datum
cg_spi_value(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static void
run_as(Oid role, CgIdentity *saved)
{
	GetUserIdAndSecContext(&saved->role, &saved->security_context);
	SetUserIdAndSecContext(role, saved->security_context | SECURITY_LOCAL_USERID_CHANGE);
	saved->settings_level = NewGUCNestLevel();
}

void
cg_run_as_worker(CgIdentity *saved)
{
	run_as(get_role_oid("cloudgreet_worker", false), saved);
}

void
cg_run_as_owner(CgIdentity *saved)
{
	run_as(get_role_oid("cloudgreet_owner", false), saved);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
cg_identity_restore(const CgIdentity *saved)
{
	AtEOXact_GUC(true, saved->settings_level);
	SetUserIdAndSecContext(saved->role, saved->security_context);
}
