/*
 * queue_sql.c
 *		SQL: the dispatcher's statements by themselves, so that their locks and the rights
 *		that they need can be tested.
 *
 * For superusers only.  Runs what src/outbound/statements.c holds, as cloudgreet_worker,
 * in the caller's transaction, and sends nothing.  A request that is claimed here is under
 * way until it is settled, by outbox_settle() or by the dispatcher that starts next.
 *
 * Called by tests alone.  Shown by test/sql/replies.sql, test/sql/destinations.sql,
 * test/sql/hygiene.sql, test/specs/opt_race.spec and test/specs/outbox_order.spec.
 *
 * Locks:		those of the statements; none is waited for but by their triggers.
 * Errors:		of the statements; the abort of the transaction restores the role.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/clock.h"
#include "core/spi.h"
#include "outbound/queue.h"
#include "outbound/settings.h"
#include "outbound/statements.h"

PG_FUNCTION_INFO_V1(cg_sql_outbox_claim);

/* outbox_claim(business_ids uuid[], ids uuid[]) */
Datum
cg_sql_outbox_claim(PG_FUNCTION_ARGS)
{
	static const Oid types[4] = {UUIDARRAYOID, UUIDARRAYOID, TIMESTAMPTZOID, INT4OID};
	ReturnSetInfo   *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CgIdentity       identity;
	CgSpi            spi;
	Datum            values[4] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
								  TimestampTzGetDatum(cg_clock_now()),
								  Int32GetDatum(cg_outbox_max_attempts)};
	uint64           rows;

	InitMaterializedSRF(fcinfo, 0);
	cg_run_as_worker(&identity);
	cg_spi_begin(&spi, "claiming requests");
	rows = cg_spi_query(cg_outbox_claim_sql, 4, types, values, NULL, false, 0);
	for (uint64 row = 0; row < rows; row++)
	{
		Datum columns[2];
		bool  nulls[2];

		columns[0] = cg_spi_value(row, 2, &nulls[0]);
		columns[1] = cg_spi_value(row, 3, &nulls[1]);
		tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
	}
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
	return (Datum) 0;
}

static CgOutboxOutcome
read_outcome(const char *name)
{
	if (strcmp(name, "done") == 0)
		return CG_OUTBOX_DONE;
	if (strcmp(name, "unknown") == 0)
		return CG_OUTBOX_UNKNOWN;
	return strcmp(name, "retry") == 0 ? CG_OUTBOX_RETRY : CG_OUTBOX_DEAD;
}

PG_FUNCTION_INFO_V1(cg_sql_outbox_settle);

/* outbox_settle(business_id uuid, id uuid, attempt integer, outcome text, provider_id text) */
Datum
cg_sql_outbox_settle(PG_FUNCTION_ARGS)
{
	CgOutboxAttempt *attempt = palloc0(sizeof(CgOutboxAttempt));
	CgOutboxSession  session = {0};
	CgSettled        settled;

	attempt->key.business_id = *PG_GETARG_UUID_P(0);
	attempt->key.id = *PG_GETARG_UUID_P(1);
	attempt->attempt = PG_GETARG_INT32(2);
	attempt->verdict.outcome = read_outcome(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	attempt->verdict.http_status = 200;
	attempt->verdict.end = CG_SLOT_ANSWER;
	text_to_cstring_buffer(PG_GETARG_TEXT_PP(4), attempt->verdict.provider_id,
						   sizeof(attempt->verdict.provider_id));
	session.now = cg_clock_now();
	cg_run_as_worker(&session.identity);
	cg_spi_begin(&session.spi, "settling a request");
	cg_outbox_settle(&session, &attempt, 1, &settled);
	cg_spi_end(&session.spi);
	cg_identity_restore(&session.identity);
	if (settled == CG_SETTLE_RARE)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(settled == CG_SETTLED);
}

PG_FUNCTION_INFO_V1(cg_sql_outbox_statements);

/* outbox_statements(): what cloudgreet_worker is granted its rights for */
Datum
cg_sql_outbox_statements(PG_FUNCTION_ARGS)
{
	const struct
	{
		const char *name;
		const char *sql;
	} statements[] = {
		{"claim", cg_outbox_claim_sql},
		{"settle", cg_outbox_settle_sql},
		{"lanes", cg_outbox_lanes_sql},
		{"refill", cg_outbox_refill_sql},
		{"sending", cg_outbox_sending_sql},
		{"expire", cg_outbox_expire_sql},
		{"keys", cg_prune_keys_sql},
		{"causes", cg_prune_causes_sql},
		{"allocations", cg_prune_allocations_sql},
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool           nulls[2] = {false, false};

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(statements); i++)
	{
		Datum values[2] = {CStringGetTextDatum(statements[i].name),
						   CStringGetTextDatum(statements[i].sql)};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
