/*
 * rest_handlers.c
 *		/rest/v1: tables by the PostgREST protocol.
 *
 * Statuses and the code PGRST116 are PostgREST's, which its clients look at.
 *
 * Called by:	router.c; rpc.c, whose answers are lists too
 * Shown by:	test/sql/rest_protocol.sql, test/sql/rest_writes.sql
 */
#include "postgres.h"

#include "core/spi.h"
#include "inbound/http.h"
#include "inbound/rest.h"
#include "inbound/rest_parse.h"
#include "inbound/rest_rows.h"
#include "inbound/settings.h"

CgRowSink *
cg_rest_open_rows(const CgRestRequest *rest, CgResponse *response)
{
	return cg_row_sink_open(&response->body,
							rest->wants_object ? CG_ROWS_OBJECT : CG_ROWS_ARRAY,
							CG_ROWS_ALL);
}

bool
cg_rest_answer_rows(const CgRestRequest *rest, CgResponse *response, int status,
					CgRowSink *sink)
{
	cg_row_sink_close(sink);
	if (rest->wants_object && sink->rows != 1)
	{
		cg_response_error(response, 406, "PGRST116",
						  "JSON object requested, multiple (or no) rows returned", NULL);
		return false;
	}
	if (rest->wants_object)
		cg_response_header(response, "Content-Type",
						   CG_REST_OBJECT_MEDIA_TYPE "; charset=utf-8");
	else
		cg_response_is_json(response);
	response->status = status;
	return true;
}

static int64
count_rows(const CgRequest *request, const CgRestRequest *rest)
{
	CgRestRequest count = *rest;
	bool          isnull;

	count.verb = CG_REST_COUNT;
	(void) cg_rest_execute(request, &count, NULL);
	return DatumGetInt64(cg_spi_value(0, 1, &isnull));
}

void
cg_rest_write_range(CgResponse *response, int64 first, int64 rows, int64 total)
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
	cg_rest_write_range(response, 0, 0, total);
	return true;
}

/* As PostgREST's db-max-rows: what is more is left out, and can be asked for by its place. */
static void
cap_rows(CgRestRequest *rest)
{
	if (cg_rest_max_rows > 0 && (rest->limit < 0 || rest->limit > cg_rest_max_rows))
		rest->limit = cg_rest_max_rows;
}

void
cg_rest_read(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgRowSink    *sink;
	CgSpi         spi;
	int64         rows;
	int64         total = -1;

	memset(&rest, 0, sizeof(rest));
	rest.verb = CG_REST_READ;
	rest.table = unconstify(char *, request->parameter);
	cg_rest_parse(&request->target, &rest);
	if (!cg_rest_read_headers(request, &rest, response))
		return;

	cg_spi_begin(&spi, "answering a request");
	/* Counted first: a page that begins beyond the end is refused by it. */
	if (rest.counts)
		total = count_rows(request, &rest);
	if (!refuse_page(&rest, response, total))
	{
		cap_rows(&rest);
		sink = cg_rest_open_rows(&rest, response);
		rows = (int64) cg_rest_execute(request, &rest, sink);
		/* 206: there are more.  No rows are no part of them (RFC 9110, 14.4). */
		if (cg_rest_answer_rows(&rest, response, rows > 0 && rows < total ? 206 : 200,
								sink))
			cg_rest_write_range(response, rest.offset, rows, total);
	}
	cg_spi_end(&spi);
}

void
cg_rest_write(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;
	CgRowSink    *sink = NULL;
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
	/* Rows of one statement have the same columns; a key that one lacks would be NULL. */
	if (rest.body != NULL && rest.columns == NIL &&
		!cg_rest_body_keys(rest.body, &rest.columns))
	{
		cg_response_error(response, 400, "PGRST102", "All object keys must match", NULL);
		return;
	}

	cg_spi_begin(&spi, "answering a request");
	if (rest.returns)
		sink = cg_rest_open_rows(&rest, response);
	rows = cg_rest_execute(request, &rest, sink);
	response->status = rest.verb == CG_REST_INSERT ? 201 : rest.returns ? 200 : 204;
	/* An answer that was refused takes the rows back, so there is no range to tell. */
	if ((!rest.returns || cg_rest_answer_rows(&rest, response, response->status, sink)) &&
		rest.counts)
		cg_rest_write_range(response, 0, 0, (int64) rows);
	cg_spi_end(&spi);
}
