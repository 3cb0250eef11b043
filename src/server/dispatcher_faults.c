/*
 * dispatcher_faults.c
 *		What a transaction of the dispatcher failed by, and what becomes of the row.
 *
 * A row that raises is nobody's trouble but its own: it is held with its reason.  One that
 * is locked is tried again, and an error of the server is waited out by all.
 *
 * Called by the other files of the dispatcher.  Shown by test/t/146_outbox_fairness.pl.
 */
#include "postgres.h"

#include "utils/elog.h"

#include "core/errors.h"
#include "server/database_worker.h"
#include "server/dispatcher_internal.h"

static CgFault
fault_of(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
			return CG_FAULT_OF_LOCK;
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return CG_FAULT_OF_SERVER;
	}
	switch (sqlstate)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return CG_FAULT_OF_LOCK;
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		case ERRCODE_CG_MASTER_KEY_MISSING:
		case ERRCODE_CG_MASTER_KEY_INVALID:
			return CG_FAULT_OF_SERVER;
		default:
			return CG_FAULT_OF_ROW;
	}
}

CgFailure
cg_dispatcher_recover(MemoryContext turn)
{
	ErrorData *error;
	CgFailure  failure;

	MemoryContextSwitchTo(turn);
	error = CopyErrorData();
	failure.fault = fault_of(error->sqlerrcode);
	failure.why = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	cg_database_worker_recover();
	MemoryContextSwitchTo(turn);
	return failure;
}

bool
cg_dispatcher_hold(const CgOutboxKey *key, const char *why)
{
	MemoryContext   turn = CurrentMemoryContext;
	CgOutboxSession session;
	volatile bool   is_held = true;

	PG_TRY();
	{
		cg_outbox_begin(&session, "holding a request", true);
		cg_outbox_hold(&session, key, why);
		cg_outbox_end(&session);
	}
	PG_CATCH();
	{
		(void) cg_dispatcher_recover(turn);
		is_held = false;
	}
	PG_END_TRY();
	return is_held;
}
