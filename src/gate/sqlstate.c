/*
 * sqlstate.c
 *		Turns what the database tells the gate itself into a refusal.
 *
 * Errors of a request are answered inside cloudgreet.http(); what arrives here is
 * about the session: the function is missing, the schema does not fit, the server is
 * going down, time is up.
 *
 * Called by:	executor.c, executor_connect.c
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <string.h>

#include "gate/answer_rules.h"
#include "gate/sqlstate.h"
#include "gate/sqlstate_map.h"

void
cg_sqlstate_refusal(const PGresult *result, CgRefusal *refusal)
{
	const CgSqlstateMeaning *meaning;
	const char              *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
	{
		cg_refuse(refusal, 500, CG_CODE_BAD_ANSWER, "the request could not be completed");
		return;
	}
	/* libpq's own errors have no SQLSTATE: the connection broke. */
	if (code == NULL || strlen(code) != 5)
	{
		cg_refuse(refusal, 503, CG_CODE_NO_DATABASE, "the database connection was lost");
		return;
	}
	cg_refuse(refusal, 500, code, "the request could not be completed");
	meaning = cg_sqlstate_meaning(code);
	if (meaning != NULL && meaning->gate_status != 0)
	{
		refusal->status = meaning->gate_status;
		refusal->message = meaning->gate_message;
	}
	if (strcmp(code, "25006") == 0)
		refusal->hint = CG_HINT_READ_ONLY;
	if (strncmp(code, "ZG", 2) == 0 && message != NULL)
		refusal->message = message;
}
