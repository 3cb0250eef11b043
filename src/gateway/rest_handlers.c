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
#include "gateway/rest_parse.h"

void
cg_rest_answer_rows(const CgRestRequest *rest, CgResponse *response, int status,
					uint64 rows)
{
	if (!rest->wants_object)
	{
		cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
		cg_json_append_rows(&response->body, 0, rows);
	}
	else if (rows == 1)
	{
		cg_response_header(response, "Content-Type",
						   CG_REST_OBJECT_MEDIA_TYPE "; charset=utf-8");
		cg_json_append_row(&response->body, 0);
	}
	else
	{
		cg_response_error(response, 406, "PGRST116",
						  "JSON object requested, multiple (or no) rows returned", NULL);
		return;
	}
	response->status = status;
}

static int64
count_rows(const CgRequest *request, const CgRestRequest *rest)
{
	CgRestRequest count = *rest;
	bool          isnull;

	count.verb = CG_REST_COUNT;
	(void) cg_rest_execute(request, &count);
	return DatumGetInt64(cg_spi_value(0, 1, &isnull));
}

/* Content-Range: which rows these are, and of how many; total -1 if not counted. */
static void
write_range(CgResponse *response, int64 first, int64 rows, int64 total)
{
	StringInfoData range;

	initStringInfo(&range);
	if (rows == 0)
		appendStringInfoString(&range, "*/");
	else
		appendStringInfo(&range, INT64_FORMAT "-" INT64_FORMAT "/", first,
						 first + rows - 1);
	if (total < 0)
		appendStringInfoChar(&range, '*');
	else
		appendStringInfo(&range, INT64_FORMAT, total);
	cg_response_header(response, "Content-Range", range.data);
}

/*
 * A page that begins behind the last of the counted rows is none: 416.  One that begins
 * right there is the empty end of the list, as for PostgREST.
 */
static bool
refuse_page(const CgRestRequest *rest, CgResponse *response, int64 total)
{
	if (total < 0 || rest->offset <= total)
		return false;
	cg_response_error_details(response, 416, "PGRST103",
							  "Requested range not satisfiable",
							  psprintf("An offset of " INT64_FORMAT " was requested, but "
									   "there are only " INT64_FORMAT " rows.",
									   rest->offset, total),
							  NULL);
	write_range(response, 0, 0, total);
	return true;
}

void
cg_rest_read(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgSpi         spi;
	uint64        rows;
	int64         total = -1;

	memset(&rest, 0, sizeof(rest));
	rest.verb = CG_REST_READ;
	rest.table = unconstify(char *, request->parameter);
	cg_rest_parse(&request->target, &rest);
	if (!cg_rest_read_headers(request, &rest, response))
		return;

	cg_spi_begin(&spi, "answering a request");
	if (rest.counts)
		total = count_rows(request, &rest);
	if (!refuse_page(&rest, response, total))
	{
		rows = cg_rest_execute(request, &rest);
		write_range(response, rest.offset, (int64) rows, total);
		/* 206: there are more.  No rows are no part of them (RFC 9110, 14.4). */
		cg_rest_answer_rows(&rest, response,
							rows > 0 && (int64) rows < total ? 206 : 200, rows);
	}
	cg_spi_end(&spi);
}

void
cg_rest_write(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgSpi         spi;
	uint64        rows;

	memset(&rest, 0, sizeof(rest));
	rest.verb = request->method[1] == 'O'   ? CG_REST_INSERT
				: request->method[1] == 'A' ? CG_REST_UPDATE
											: CG_REST_DELETE;
	rest.table = unconstify(char *, request->parameter);
	rest.body = request->json;
	cg_rest_parse(&request->target, &rest);
	if (!cg_rest_read_headers(request, &rest, response))
		return;
	if (rest.body != NULL && rest.columns == NIL &&
		!cg_rest_body_keys(rest.body, &rest.columns))
	{
		cg_response_error(response, 400, "PGRST102", "All object keys must match", NULL);
		return;
	}

	cg_spi_begin(&spi, "answering a request");
	rows = cg_rest_execute(request, &rest);
	if (rest.counts)
		write_range(response, 0, 0, (int64) rows);
	response->status = rest.verb == CG_REST_INSERT ? 201 : rest.returns ? 200 : 204;
	if (rest.returns)
		cg_rest_answer_rows(&rest, response, response->status, rows);
	cg_spi_end(&spi);
}
