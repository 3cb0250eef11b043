/*
 * sqlstate.c
 *		Maps SQLSTATEs to HTTP statuses.
 *
 * Errors of a request are answered inside cloudgreet.http(); what arrives here is
 * about the session: the function is missing, the schema does not fit, the server is
 * going down, time is up.  Texts of the server may quote data, so they are not told.
 *
 * Called by:	executor.c, executor_connect.c
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <string.h>

#include "gate/answer_rules.h"
#include "gate/sqlstate.h"

static const struct
{
	const char *prefix;
	int         status;
	const char *message;
	const char *hint;
} meanings[] = {
	{"ZG11", 503, "the application schema cannot be used now", NULL},
	{"08", 503, "the database connection was lost", NULL},
	{"25006", 503, "the server is read-only", CG_HINT_READ_ONLY},
	{"26000", 503, "the database connection was lost", NULL},
	{"3F000", 503, "the extension is not installed", NULL},
	{"40", 409, "the request met another one that changed the same data", NULL},
	{"42883", 503, "the extension is not installed", NULL},
	{"53", 503, "the database is out of resources", NULL},
	{"57014", 504, "the request took too long", NULL},
	{"57P0", 503, "the database is not available", NULL},
};

void
cg_sqlstate_refusal(const PGresult *result, CgRefusal *refusal)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
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
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
	{
		if (strncmp(code, meanings[i].prefix, strlen(meanings[i].prefix)) != 0)
			continue;
		refusal->status = meanings[i].status;
		refusal->message = meanings[i].message;
		refusal->hint = meanings[i].hint;
		break;
	}
	if (strncmp(code, "ZG", 2) == 0 && message != NULL)
		refusal->message = message;
}
