/*
 * cors.c
 *		Lets pages of named origins read answers (CORS, the Fetch standard).
 *
 * The rules stand in gate/answer_rules.h; the gate adds them to its own answers.
 * Called by http.c for every answer.
 *
 * Shown by:	test/sql/cors.sql
 */
#include "postgres.h"

#include "gate/answer_rules.h"
#include "inbound/http.h"
#include "inbound/settings.h"

void
cg_cors_answer(const CgRequest *request, CgResponse *response)
{
	const char *origin = cg_request_header(request, "origin");
	const char *allowed;

	if (cg_cors_origins[0] == '\0')
		return;
	cg_response_header(response, "Vary", "Origin");
	allowed = origin != NULL ? cg_cors_allowed(cg_cors_origins, origin) : NULL;
	if (allowed == NULL)
		return;
	cg_response_header(response, "Access-Control-Allow-Origin", allowed);
	if (strcmp(request->method, "OPTIONS") != 0)
		cg_response_header(response, "Access-Control-Expose-Headers", CG_CORS_EXPOSED);
	else
	{
		cg_response_header(response, "Access-Control-Allow-Methods", CG_CORS_METHODS);
		cg_response_header(response, "Access-Control-Allow-Headers", CG_CORS_HEADERS);
		cg_response_header(response, "Access-Control-Max-Age", CG_CORS_MAX_AGE);
	}
}
