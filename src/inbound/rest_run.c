/*
 * rest_run.c
 *		Runs planned requests through a bounded cache of prepared plans.
 *
 * A plan of a table under row security holds for one role, so the role is part of
 * the key.  Requests of many shapes must not fill the memory, so the cache keeps
 * the MAX_PLANS used last.
 *
 * Memory:		plans live in the cache until they are evicted.
 * Called by:	rest_execute.c, rpc.c
 * Shown by:	test/sql/rest_rights.sql
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "inbound/rest.h"
#include "inbound/rest_rows.h"

#define MAX_PLANS 256

typedef struct PlanKey
{
	uint64 text_hash;
	Oid    role;
} PlanKey;

typedef struct PlanEntry
{
	PlanKey    key;
	char      *sql; /* told apart from others of the same hash */
	SPIPlanPtr plan;
	uint64     last_used;
} PlanEntry;

static HTAB  *plans = NULL;
static uint64 uses = 0;

static void
drop_entry(PlanEntry *entry)
{
	SPI_freeplan(entry->plan);
	pfree(entry->sql);
	(void) hash_search(plans, &entry->key, HASH_REMOVE, NULL);
}

static void
evict_oldest(void)
{
	HASH_SEQ_STATUS scan;
	PlanEntry      *entry;
	PlanEntry      *oldest = NULL;

	hash_seq_init(&scan, plans);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (oldest == NULL || entry->last_used < oldest->last_used)
			oldest = entry;
	}
	if (oldest != NULL)
		drop_entry(oldest);
}

static SPIPlanPtr
prepare(const CgRestPlan *plan)
{
	/* One generic plan: planning anew for each value would cost more than it gains. */
	SPIPlanPtr prepared = SPI_prepare_cursor(plan->sql, plan->nparams, plan->types,
											 CURSOR_OPT_GENERIC_PLAN);

	if (prepared == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return prepared;
}

static SPIPlanPtr
find_plan(const CgRestPlan *plan)
{
	PlanKey    key;
	PlanEntry *entry;
	SPIPlanPtr prepared;
	char      *sql;

	if (plans == NULL)
	{
		HASHCTL control = {.keysize = sizeof(PlanKey), .entrysize = sizeof(PlanEntry)};

		plans = hash_create("cloudgreet request plans", MAX_PLANS, &control,
							HASH_ELEM | HASH_BLOBS);
	}
	memset(&key, 0, sizeof(key)); /* padding takes part in the hash */
	/* The types too: they change with a column's type while the text stays. */
	key.text_hash = hash_bytes_extended((const unsigned char *) plan->types,
										(int) (plan->nparams * sizeof(Oid)), 0);
	key.text_hash = hash_bytes_extended((const unsigned char *) plan->sql,
										(int) strlen(plan->sql), key.text_hash);
	key.role = GetUserId();

	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL && strcmp(entry->sql, plan->sql) == 0)
	{
		entry->last_used = ++uses;
		return entry->plan;
	}

	/* Prepared first: what fails must leave no entry behind. */
	prepared = prepare(plan);
	if (entry != NULL)
		drop_entry(entry);
	else if (hash_get_num_entries(plans) >= MAX_PLANS)
		evict_oldest();
	sql = MemoryContextStrdup(TopMemoryContext, plan->sql);
	SPI_keepplan(prepared);
	entry = hash_search(plans, &key, HASH_ENTER, NULL);
	entry->plan = prepared;
	entry->sql = sql;
	entry->last_used = ++uses;
	return prepared;
}

static ParamListInfo
make_params(const CgRestPlan *plan)
{
	ParamListInfo params = makeParamList(plan->nparams);

	for (int i = 0; i < plan->nparams; i++)
	{
		params->params[i].value = plan->values[i];
		params->params[i].isnull = plan->nulls[i] == 'n';
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = plan->types[i];
	}
	return params;
}

uint64
cg_rest_run(const CgRestPlan *plan, bool read_only, CgRowSink *sink)
{
	SPIExecuteOptions options = {.read_only = read_only};
	int               rc;

	if (plan->nparams > 0)
		options.params = make_params(plan);
	if (sink != NULL)
		options.dest = &sink->receiver;
	rc = SPI_execute_plan_extended(find_plan(plan), &options);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
	return sink != NULL ? sink->rows : SPI_processed;
}
