/*
 * follow_merge.c
 *		The trigger of what belongs to a lead: a row that names a merged lead is written as
 *		the surviving one's.
 *
 * In C because it runs for every text, call and appointment.  It reads as
 * cloudgreet_owner in the row's business, whoever writes the row and whatever that role
 * may see.  Called by the triggers of sql/api/425_merges.sql.  Shown by
 * test/sql/merges.sql and test/specs/merge_race.spec.
 *
 * Locks:		none.  A merge moves what was committed before it; a row that was written
 *				before a merge, and is committed after it, stays with the merged lead, which
 *				leads to the surviving one.  Bookings hold the lead, and so are never such.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "core/spi.h"
#include "tenant/context.h"

/* The lead that this one was merged into; false when it was not, or does not exist. */
static bool
find_next(const pg_uuid_t *business, pg_uuid_t *lead)
{
	Oid   types[] = {UUIDOID, UUIDOID};
	Datum values[] = {UUIDPGetDatum(business), UUIDPGetDatum(lead)};
	bool  isnull;
	Datum next;

	if (cg_spi_query("SELECT l.merged_into_id FROM cloudgreet.leads l"
					 " WHERE l.business_id = $1 AND l.id = $2",
					 2, types, values, NULL, false, 1) == 0)
		return false;
	next = cg_spi_value(0, 1, &isnull);
	if (!isnull)
		*lead = *DatumGetUUIDP(next);
	return !isnull;
}

/* Puts the surviving lead into *lead; false when it is that already. */
static bool
follow(const pg_uuid_t *business, pg_uuid_t *lead)
{
	CgContext  context;
	CgIdentity identity;
	CgSpi      spi;
	bool       is_merged = false;

	(void) cg_context_get(&context);
	cg_run_as_owner(&identity);
	if (!context.is_entered || !context.has_business ||
		memcmp(&context.business, business, UUID_LEN) != 0)
	{
		context.has_business = true;
		context.is_entered = true;
		context.business = *business;
		cg_context_set(&context, GUC_ACTION_SAVE);
	}
	cg_spi_begin(&spi, "looking for the surviving lead");
	while (find_next(business, lead))
	{
		CHECK_FOR_INTERRUPTS();
		is_merged = true;
	}
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
	return is_merged;
}

static Datum
column_of(TriggerData *trigger, HeapTuple row, const char *name, int *column,
		  bool *isnull)
{
	*column = SPI_fnumber(RelationGetDescr(trigger->tg_relation), name);
	if (*column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no column \"%s\"",
							   RelationGetRelationName(trigger->tg_relation), name)));
	return SPI_getbinval(row, RelationGetDescr(trigger->tg_relation), *column, isnull);
}

PG_FUNCTION_INFO_V1(cg_sql_follow_merge);

Datum
cg_sql_follow_merge(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple    row;
	Datum        business;
	Datum        value;
	pg_uuid_t    lead;
	int          column;
	bool         no_business;
	bool         no_lead;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_merge() is for BEFORE INSERT OR UPDATE row triggers")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
													 : trigger->tg_trigtuple;
	business = column_of(trigger, row, "business_id", &column, &no_business);
	value = column_of(trigger, row, "lead_id", &column, &no_lead);
	/* What is missing is refused by the table. */
	if (no_business || no_lead)
		return PointerGetDatum(row);
	lead = *DatumGetUUIDP(value);
	if (!follow(DatumGetUUIDP(business), &lead))
		return PointerGetDatum(row);
	value = UUIDPGetDatum(&lead);
	return PointerGetDatum(heap_modify_tuple_by_cols(
		row, RelationGetDescr(trigger->tg_relation), 1, &column, &value, &no_lead));
}
