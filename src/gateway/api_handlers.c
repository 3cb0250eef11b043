/*
 * api_handlers.c
 *		/api: the specification's paths, as requests on tables.
 *
 * A list is {"data": [...], "next_cursor": ...}, newest first; a row is the object
 * itself.  Another business's id is answered like an unknown one: 404.
 */
#include "postgres.h"

#include "common/base64.h"
#include "core/errors.h"
#include "core/spi.h"
#include "gateway/gateway.h"
#include "gateway/rest.h"
#include "gateway/rest_parse.h"
#include "gateway/rest_rows.h"
#include "utils/builtins.h"

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 1000
#define LIMIT_RULE "must be a whole number from 1 to " CppAsString2(MAX_LIMIT)

/* What a cursor says: where the next page begins, and for whom. */
typedef struct Cursor
{
	TimestampTz at;
	pg_uuid_t   id;
	pg_uuid_t   business;
} Cursor;

/* The table of a route: the segment after "api". */
static char *
table_of(const CgRequest *request)
{
	return list_nth(request->target.segments, 1);
}

static void
refuse_parameter(const char *name, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("parameter \"%s\" %s", name, why)));
}

static char *
encode_cursor(const Cursor *cursor)
{
	int   size = pg_b64_enc_len(sizeof(*cursor));
	char *encoded = palloc(size + 1);
	int   length = pg_b64_encode((const char *) cursor, sizeof(*cursor), encoded, size);

	encoded[Max(length, 0)] = '\0';
	for (char *p = encoded; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return encoded;
}

static void
decode_cursor(const char *encoded, const CgRequest *request, Cursor *cursor)
{
	char  *copy = pstrdup(encoded);
	size_t length = strlen(copy);
	char   decoded[sizeof(*cursor) + 4];

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	if (length != (size_t) pg_b64_enc_len(sizeof(*cursor)) ||
		pg_b64_decode(copy, (int) length, decoded, sizeof(decoded)) != sizeof(*cursor))
		refuse_parameter("cursor", "is not valid");
	memcpy(cursor, decoded, sizeof(*cursor));
	if (memcmp(&cursor->business, &request->context.business, sizeof(pg_uuid_t)) != 0)
		refuse_parameter("cursor", "is not valid");
}

static int64
read_limit(const CgRequest *request)
{
	const char *value = cg_target_param(&request->target, "limit");
	char       *end;
	long        limit;

	if (value == NULL)
		return DEFAULT_LIMIT;
	limit = strtol(value, &end, 10);
	if (value[0] < '1' || value[0] > '9' || *end != '\0' || limit > MAX_LIMIT)
		refuse_parameter("limit", LIMIT_RULE);
	return limit;
}

/* Other parameters are filters by equality on columns, checked by the planner. */
static void
read_filters(const CgRequest *request, CgRestRequest *rest, Cursor *cursor)
{
	ListCell *cell;

	if (cg_target_param_repeats(&request->target, "limit"))
		refuse_parameter("limit", "is given twice");
	if (cg_target_param_repeats(&request->target, "cursor"))
		refuse_parameter("cursor", "is given twice");
	foreach (cell, request->target.params)
	{
		CgParam      *param = lfirst(cell);
		CgRestFilter *filter;

		if (strcmp(param->name, "limit") == 0)
			continue;
		if (strcmp(param->name, "cursor") == 0)
		{
			decode_cursor(param->value, request, cursor);
			rest->after_at = cursor->at;
			rest->after_id = &cursor->id;
			continue;
		}
		filter = palloc0(sizeof(CgRestFilter));
		filter->column = param->name;
		filter->op = CG_REST_EQ;
		filter->value = strcmp(param->name, "phone") == 0
							? cg_api_normalize_phone(param->value)
							: param->value;
		rest->filters = lappend(rest->filters, filter);
	}
}

static void
append_order(CgRestRequest *rest, const char *column)
{
	CgRestOrder *order = palloc0(sizeof(CgRestOrder));

	order->column = pstrdup(column);
	order->descending = true;
	rest->order = lappend(rest->order, order);
}

/* The cursor after the last row that was written. */
static char *
cursor_after(const CgRowSink *sink, const CgRequest *request)
{
	TupleDesc descriptor = sink->last_descriptor;
	HeapTuple tuple = sink->last;
	Cursor    cursor;
	bool      isnull;

	memset(&cursor, 0, sizeof(cursor));
	cursor.at = DatumGetTimestampTz(
		SPI_getbinval(tuple, descriptor, SPI_fnumber(descriptor, "created_at"), &isnull));
	cursor.id = *DatumGetUUIDP(
		SPI_getbinval(tuple, descriptor, SPI_fnumber(descriptor, "id"), &isnull));
	cursor.business = request->context.business;
	return encode_cursor(&cursor);
}

void
cg_api_list(const CgRequest *request, CgResponse *response)
{
	int64         limit = read_limit(request);
	CgRestRequest rest;
	Cursor        cursor;
	CgRowSink    *sink;
	CgSpi         spi;
	uint64        rows;

	memset(&rest, 0, sizeof(rest));
	rest.verb = CG_REST_READ;
	rest.table = table_of(request);
	rest.limit = limit + 1; /* one more tells whether there is a next page */
	read_filters(request, &rest, &cursor);
	append_order(&rest, "created_at");
	append_order(&rest, "id");

	cg_spi_begin(&spi, "answering a request");
	appendStringInfoString(&response->body, "{\"data\":");
	sink = cg_row_sink_open(&response->body, CG_ROWS_ARRAY, limit);
	rows = cg_rest_execute(request, &rest, sink);
	cg_row_sink_close(sink);
	cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
	appendStringInfoString(&response->body, ",\"next_cursor\":");
	if (rows > (uint64) limit)
		appendStringInfo(&response->body, "\"%s\"", cursor_after(sink, request));
	else
		appendStringInfoString(&response->body, "null");
	appendStringInfoChar(&response->body, '}');
	cg_spi_end(&spi);
}

bool
cg_request_id(const CgRequest *request, pg_uuid_t *id)
{
	const char *text = request->parameter;

	if (strlen(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
		text[23] != '-')
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!is_dash && strspn(text + i, "0123456789abcdefABCDEF") == 0)
			return false;
	}
	*id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
	return true;
}

/* The filter id = the route's parameter; an id that is no UUID is an unknown one. */
static bool
filter_by_id(const CgRequest *request, CgRestRequest *rest)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));
	pg_uuid_t     id;

	if (!cg_request_id(request, &id))
		return false;
	filter->column = pstrdup("id");
	filter->op = CG_REST_EQ;
	filter->value = pstrdup(request->parameter);
	rest->filters = list_make1(filter);
	return true;
}

/* Runs a request for one row and answers it, or 404. */
static void
answer_one(const CgRequest *request, CgResponse *response, CgRestRequest *rest,
		   int status)
{
	CgSpi spi;

	if (rest->body != NULL)
		rest->body = cg_api_normalize(rest->body);
	if (rest->body != NULL && !cg_rest_body_keys(rest->body, &rest->columns))
	{
		cg_response_error(response, 400, "PGRST102", "All object keys must match", NULL);
		return;
	}
	cg_spi_begin(&spi, "answering a request");
	if (cg_rest_execute(request, rest, NULL) == 0)
		cg_response_error(response, 404, CG_CODE_NOT_FOUND,
						  "there is nothing at this path", NULL);
	else
	{
		cg_response_header(response, "Content-Type", "application/json; charset=utf-8");
		cg_json_append_row(&response->body, 0);
		response->status = status;
	}
	cg_spi_end(&spi);
}

static void
answer_by_id(const CgRequest *request, CgResponse *response, CgRestVerb verb)
{
	CgRestRequest rest;

	memset(&rest, 0, sizeof(rest));
	rest.verb = verb;
	rest.table = table_of(request);
	rest.limit = -1;
	rest.body = request->json;
	rest.returns = true;
	if (filter_by_id(request, &rest))
		answer_one(request, response, &rest, 200);
	else
		cg_response_error(response, 404, CG_CODE_NOT_FOUND,
						  "there is nothing at this path", NULL);
}

void
cg_api_get(const CgRequest *request, CgResponse *response)
{
	answer_by_id(request, response, CG_REST_READ);
}

void
cg_api_update(const CgRequest *request, CgResponse *response)
{
	answer_by_id(request, response, CG_REST_UPDATE);
}

void
cg_api_create(const CgRequest *request, CgResponse *response)
{
	CgRestRequest rest;

	memset(&rest, 0, sizeof(rest));
	if (!JB_ROOT_IS_OBJECT(request->json))
	{
		cg_response_error(response, 400, "PGRST102", "the body must be an object", NULL);
		return;
	}
	rest.verb = CG_REST_INSERT;
	rest.table = table_of(request);
	rest.limit = -1;
	rest.body = request->json;
	rest.returns = true;
	answer_one(request, response, &rest, 201);
}
