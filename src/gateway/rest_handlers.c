/*
 * rest_handlers.c
 *		/rest/v1: tables by the PostgREST protocol.
 *
 * Statuses and the code PGRST116 are PostgREST's, which its clients look at.
 */
#include "postgres.h"

#include "core/spi.h"
#include "gateway/gateway.h"
#include "gateway/rest.h"

#define OBJECT_MEDIA_TYPE "application/vnd.pgrst.object+json"

static bool
prefers(const CgRequest *request, const char *preference)
{
	const char *prefer = cg_request_header(request, "prefer");

	return prefer != NULL && strstr(prefer, preference) != NULL;
}

static bool
wants_object(const CgRequest *request)
{
	const char *accept = cg_request_header(request, "accept");

	return accept != NULL && strstr(accept, OBJECT_MEDIA_TYPE) != NULL;
}

/* Answers the rows of SPI_tuptable; 406 when one object is wanted and there is not one. */
static void
answer_rows(const CgRequest *request, CgResponse *response, int status, uint64 rows)
{
	if (wants_object(request))
	{
		if (rows != 1)
		{
			cg_response_error(response, 406, "PGRST116",
							  "JSON object requested, multiple (or no) rows returned",
							  NULL);
			return;
		}
		cg_response_header(response, "Content-Type", OBJECT_MEDIA_TYPE "; charset=utf-8");
		cg_json_append_row(&response->body, 0);
	}
	else
	{
		cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
		cg_json_append_rows(&response->body, 0, rows);
	}
	response->status = status;
}

void
cg_rest_read(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgRestPlan    plan;
	CgSpi         spi;
	uint64        rows;
	char          range[64];

	memset(&rest, 0, sizeof(rest));
	rest.verb = CG_REST_READ;
	rest.table = unconstify(char *, request->parameter);
	cg_rest_parse(&request->target, &rest);
	cg_rest_plan(&rest, &plan);

	cg_spi_begin(&spi, "answering a request");
	rows = cg_rest_run(&plan, true);
	if (rows == 0)
		snprintf(range, sizeof(range), "*/*");
	else
		snprintf(range, sizeof(range), INT64_FORMAT "-" INT64_FORMAT "/*", rest.offset,
				 rest.offset + (int64) rows - 1);
	cg_response_header(response, "Content-Range", range);
	answer_rows(request, response, 200, rows);
	cg_spi_end(&spi);
}

void
cg_rest_write(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgRestPlan    plan;
	CgSpi         spi;
	uint64        rows;

	memset(&rest, 0, sizeof(rest));
	rest.verb = request->method[1] == 'O'   ? CG_REST_INSERT
				: request->method[1] == 'A' ? CG_REST_UPDATE
											: CG_REST_DELETE;
	rest.table = unconstify(char *, request->parameter);
	rest.body = request->json;
	rest.returns = prefers(request, "return=representation");
	cg_rest_parse(&request->target, &rest);
	if (rest.body != NULL && rest.columns == NIL &&
		!cg_rest_body_keys(rest.body, &rest.columns))
	{
		cg_response_error(response, 400, "PGRST102", "All object keys must match", NULL);
		return;
	}
	cg_rest_plan(&rest, &plan);

	cg_spi_begin(&spi, "answering a request");
	rows = cg_rest_run(&plan, false);
	if (rest.returns)
		answer_rows(request, response, rest.verb == CG_REST_INSERT ? 201 : 200, rows);
	else
		response->status = rest.verb == CG_REST_INSERT ? 201 : 204;
	cg_spi_end(&spi);
}
