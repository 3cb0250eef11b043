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
	CgAnswerHeader headers[CG_CORS_MOST];
	size_t n = cg_cors_headers(cg_cors_origins, cg_request_header(request, "origin"),
							   strcmp(request->method, "OPTIONS") == 0, headers);

	for (size_t i = 0; i < n; i++)
		cg_response_header(response, headers[i].name, headers[i].value);
}
