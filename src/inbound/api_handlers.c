/*
 * api_handlers.c
 *		/api: the specification's paths, as requests on tables.
 *
 * POST /api/leads takes no lead of nobody, and is done once per Idempotency-Key
 * (sql/api/640_lead_requests.sql).
 *
 *
 * A list is {"data": [...], "next_cursor": ...}, newest first; a row is the object
 * itself.  Another business's id is answered like an unknown one: 404.
 *
 * Called by:	router.c
 * Shown by:	test/sql/http.sql, test/sql/lead_requests.sql, test/specs/lead_race.spec
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/base64.h"
#include "core/errors.h"
#include "core/spi.h"
#include "core/uuid.h"
#include "inbound/http.h"
#include "inbound/rest.h"
#include "inbound/rest_parse.h"
#include "inbound/rest_rows.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

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

/* Which lead was made. */
typedef struct MadeLead
{
	pg_uuid_t business;
	pg_uuid_t id;
	bool      is_nobody; /* it has no name, number or address */
} MadeLead;

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
		filter->value = cg_api_normalize_filter(request, param->name, param->value);
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
	cg_response_is_json(response);
	appendStringInfoString(&response->body, ",\"next_cursor\":");
	if (rows > (uint64) limit)
		appendStringInfo(&response->body, "\"%s\"", cursor_after(sink, request));
	else
		appendStringInfoString(&response->body, "null");
	appendStringInfoChar(&response->body, '}');
	cg_spi_end(&spi);
}

static List *
id_filter(const char *id)
{
	CgRestFilter *filter = palloc0(sizeof(CgRestFilter));

	filter->column = pstrdup("id");
	filter->op = CG_REST_EQ;
	filter->value = pstrdup(id);
	return list_make1(filter);
}

/* A column of the row that was made. */
static Datum
made_value(const char *column, bool *isnull)
{
	return cg_spi_value(0, SPI_fnumber(SPI_tuptable->tupdesc, column), isnull);
}

static void
read_made(MadeLead *made)
{
	static const char *const persons[] = {"name", "phone", "email"};
	bool                     isnull;

	made->business = *DatumGetUUIDP(made_value("business_id", &isnull));
	made->id = *DatumGetUUIDP(made_value("id", &isnull));
	made->is_nobody = true;
	for (int i = 0; i < lengthof(persons); i++)
	{
		(void) made_value(persons[i], &isnull);
		made->is_nobody &= isnull;
	}
}

/*
 * Runs a request for one row and answers it, or 404 and false.  *made, when not NULL, says
 * which lead it is.
 */
static bool
answer_one(const CgRequest *request, CgResponse *response, CgRestRequest *rest,
		   int status, MadeLead *made)
{
	CgSpi spi;
	bool  is_found;

	if (rest->body != NULL && !cg_rest_body_keys(rest->body, &rest->columns))
	{
		cg_response_error(response, 400, "PGRST102", "All object keys must match", NULL);
		return false;
	}
	cg_spi_begin(&spi, "answering a request");
	is_found = cg_rest_execute(request, rest, NULL) > 0;
	if (!is_found)
		cg_response_error(response, 404, CG_CODE_NOT_FOUND,
						  "there is nothing at this path", NULL);
	else
	{
		cg_response_is_json(response);
		cg_json_append_row(&response->body, 0);
		response->status = status;
		if (made != NULL)
			read_made(made);
	}
	cg_spi_end(&spi);
	return is_found;
}

static void
answer_by_id(const CgRequest *request, CgResponse *response, CgRestVerb verb)
{
	CgRestRequest rest;
	pg_uuid_t     id;

	memset(&rest, 0, sizeof(rest));
	rest.verb = verb;
	rest.table = table_of(request);
	rest.limit = -1;
	rest.body = request->json;
	rest.returns = true;
	/* An id that is no UUID is an unknown one. */
	if (cg_uuid_read(request->parameter, &id))
	{
		rest.filters = id_filter(request->parameter);
		(void) answer_one(request, response, &rest, 200, NULL);
	}
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

/*
 * Takes placeholders out of the body of a lead, and the key of a request that shall be
 * done once; true when *id is the lead that the same request has made.  Two at once: the
 * second waits here for the first.
 */
static bool
begin_lead(const CgRequest *request, const char *key, Jsonb **body, pg_uuid_t *id)
{
	const CgContext *context = &request->context;
	Oid              types[] = {UUIDOID, TEXTOID, JSONBOID};
	Datum            values[] = {UUIDPGetDatum(&context->business), 0,
								 JsonbPGetDatum(request->json)};
	char             nulls[] = {context->has_business ? ' ' : 'n', 'n', ' '};
	CgIdentity       identity;
	CgSpi            spi;
	Datum            value;
	bool             isnull;

	if (key != NULL)
	{
		values[1] = CStringGetTextDatum(key);
		nulls[1] = ' ';
	}
	cg_run_as_owner(&identity);
	cg_spi_begin(&spi, "taking in a lead");
	(void) cg_spi_query(
		"SELECT earlier_id, body FROM cloudgreet_private.begin_lead($1, $2, $3)", 3,
		types, values, nulls, false, 0);
	value = cg_spi_value(0, 2, &isnull);
	/* It must outlive the session of SPI. */
	*body = DatumGetJsonbP(
		SPI_datumTransfer(PointerGetDatum(PG_DETOAST_DATUM(value)), false, -1));
	value = cg_spi_value(0, 1, &isnull);
	if (!isnull)
		*id = *DatumGetUUIDP(value);
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
	return !isnull;
}

static void
finish_lead(const char *key, const MadeLead *made)
{
	Oid        types[] = {UUIDOID, TEXTOID, UUIDOID};
	Datum      values[] = {UUIDPGetDatum(&made->business), CStringGetTextDatum(key),
						   UUIDPGetDatum(&made->id)};
	CgIdentity identity;
	CgSpi      spi;

	cg_run_as_owner(&identity);
	cg_spi_begin(&spi, "taking in a lead");
	(void) cg_spi_query("SELECT cloudgreet_private.finish_lead($1, $2, $3)", 3, types,
						values, NULL, false, 0);
	cg_spi_end(&spi);
	cg_identity_restore(&identity);
}

/* The lead that an earlier request made, as it is now. */
static void
answer_again(const CgRequest *request, CgResponse *response, const pg_uuid_t *id)
{
	CgRestRequest rest;

	memset(&rest, 0, sizeof(rest));
	rest.verb = CG_REST_READ;
	rest.table = table_of(request);
	rest.limit = -1;
	rest.filters =
		id_filter(DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id))));
	/* It may have been made while this request waited, after its snapshot was taken. */
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) answer_one(request, response, &rest, 201, NULL);
	PopActiveSnapshot();
}

void
cg_lead_create(const CgRequest *request, CgResponse *response)
{
	const char   *key = cg_request_header(request, "idempotency-key");
	CgRestRequest rest;
	MadeLead      made;

	memset(&rest, 0, sizeof(rest));
	if (!JB_ROOT_IS_OBJECT(request->json))
	{
		cg_response_error(response, 400, "PGRST102", "the body must be an object", NULL);
		return;
	}
	if (begin_lead(request, key, &rest.body, &made.id))
	{
		answer_again(request, response, &made.id);
		return;
	}
	rest.verb = CG_REST_INSERT;
	rest.table = table_of(request);
	rest.limit = -1;
	rest.returns = true;
	if (!answer_one(request, response, &rest, 201, &made))
		return;
	/* Judged by the row, after its columns were: the error takes it back. */
	if (made.is_nobody)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a lead needs a name, a phone number or an e-mail address")));
	if (key != NULL)
		finish_lead(key, &made);
}
