/*
 * rest_rows.c
 *		Writes the rows of a statement as JSON while the executor makes them.
 *
 * A list is as long as its table, and what is held of it must not be: each row is written
 * and forgotten, and one that makes the answer too large raises, which ends the query.
 *
 * Called by the handlers of lists and functions, through cg_rest_run().
 * Memory:		a row's is given back after it; out and the last row are the caller's.
 * Errors:		54000 for an answer that is too large.
 * Shown by:	test/t/103_gate_memory.pl, test/sql/rest_limits.sql
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/memutils.h"

#include "inbound/rest.h"
#include "inbound/rest_rows.h"

static void
start_rows(DestReceiver *self, int operation, TupleDesc descriptor)
{
}

/* Returning false ends the query. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	CgRowSink    *sink = (CgRowSink *) self;
	MemoryContext caller;

	sink->rows++;
	/* A second row settles that there is not one object. */
	if (sink->form == CG_ROWS_OBJECT && sink->rows > 1)
		return false;
	if (sink->rows > sink->limit)
		return true;
	if (sink->rows > 1)
		appendStringInfoString(sink->out, ",\n ");
	slot_getallattrs(slot);
	caller = MemoryContextSwitchTo(sink->scratch);
	if (sink->form == CG_ROWS_SCALARS)
		cg_json_append_value(sink->out, slot->tts_values[0], slot->tts_isnull[0],
							 TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid);
	else
		cg_json_append_columns(sink->out, slot->tts_tupleDescriptor, slot->tts_values,
							   slot->tts_isnull);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(sink->scratch);
	if (sink->rows == sink->limit)
	{
		caller = MemoryContextSwitchTo(sink->context);
		sink->last = ExecCopySlotHeapTuple(slot);
		sink->last_descriptor = CreateTupleDescCopy(slot->tts_tupleDescriptor);
		MemoryContextSwitchTo(caller);
	}
	return true;
}

static void
do_nothing(DestReceiver *self)
{
}

CgRowSink *
cg_row_sink_open(StringInfo out, CgRowForm form, uint64 limit)
{
	CgRowSink *sink = palloc0(sizeof(CgRowSink));

	sink->receiver.receiveSlot = receive_row;
	sink->receiver.rStartup = start_rows;
	sink->receiver.rShutdown = do_nothing;
	sink->receiver.rDestroy = do_nothing;
	/* There is no kind for receivers of extensions; this one promises nothing. */
	sink->receiver.mydest = DestNone;
	sink->out = out;
	sink->form = form;
	sink->limit = limit;
	sink->context = CurrentMemoryContext;
	sink->scratch = AllocSetContextCreate(CurrentMemoryContext, "JSON of a row",
										  ALLOCSET_DEFAULT_SIZES);
	if (form != CG_ROWS_OBJECT)
		appendStringInfoChar(out, '[');
	return sink;
}

void
cg_row_sink_close(CgRowSink *sink)
{
	if (sink->form != CG_ROWS_OBJECT)
		appendStringInfoChar(sink->out, ']');
	MemoryContextDelete(sink->scratch);
}
