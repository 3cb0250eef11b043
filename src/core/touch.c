/*
 * touch.c
 *		The trigger that keeps updated_at.
 *
 * In C because it runs on every update, and so that a restore or another tenant
 * is never involved: it reads and writes nothing but the row at hand.
 *
 * Called by:	the triggers of all tables that have updated_at
 * Shown by:	test/sql/core.sql
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "catalog/pg_type.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/clock.h"

PG_FUNCTION_INFO_V1(cg_sql_touch_updated_at);

Datum
cg_sql_touch_updated_at(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	int          column;
	Datum        now;
	bool         isnull = false;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("touch_updated_at() is for BEFORE UPDATE row triggers")));

	column = SPI_fnumber(trigger->tg_relation->rd_att, "updated_at");
	if (column <= 0 ||
		TupleDescAttr(trigger->tg_relation->rd_att, column - 1)->atttypid !=
			TIMESTAMPTZOID)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" has no timestamptz column \"updated_at\"",
							   RelationGetRelationName(trigger->tg_relation))));

	now = TimestampTzGetDatum(cg_clock_now());
	return PointerGetDatum(heap_modify_tuple_by_cols(
		trigger->tg_newtuple, trigger->tg_relation->rd_att, 1, &column, &now, &isnull));
}
