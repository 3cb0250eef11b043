/*
 * executor_ask.c
 *		Asks the database whose a request is, before its turn is known.
 *
 * Called by executor.c for requests of lanes that ask (lane.h); what comes of it is kept in
 * caller.c and decides where the request waits next (pool.c).
 *
 * Errors:		none: of what cannot be told, http() tells more.
 * Shown by:	test/t/104_gate_turns.pl
 */
#include "gate/executor_internal.h"
#include "gate/pool.h"

static const char asking_query[] =
	"SELECT cloudgreet.http_caller($1, $2)::pg_catalog.text";

/* text, jsonb: fixed in every PostgreSQL */
static const Oid asking_types[] = {25, 3802};

/*
 * Asks whose a request is, by what its key was made of and nothing else: the path of a
 * webhook, or the headers with the token.
 */
int
cg_executor_ask(CgExecutor *executor)
{
	CgRequest  *request = executor->request;
	bool        is_path = request->caller.kind == CG_CALLER_PATH;
	const char *values[2] = {is_path ? request->target.data : "",
							 is_path ? "{}" : request->fields.data};

	executor->state = CG_EXECUTOR_ASKING;
	return PQsendQueryParams(executor->conn, asking_query, 2, asking_types, values, NULL,
							 NULL, 1);
}

/* The database said whose the request is, which waits for its turn as such now. */
void
cg_executor_finish_asking(CgExecutor *executor, PGresult *result)
{
	CgRequest *request = cg_executor_detach(executor);
	bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
					!PQgetisnull(result, 0, 0) &&
					PQgetlength(result, 0, 0) < CG_CALLER_NAME_MAX;

	/* Of an error http() tells more: it runs as anybody's then. */
	if (request != NULL)
		cg_pool_sort(executor->pool, request, is_known ? PQgetvalue(result, 0, 0) : NULL);
	PQclear(result);
	cg_executor_settle(executor);
}
