/*
 * rpc.c
 *		POST /rest/v1/rpc/NAME: calls a function of schema cloudgreet.
 *
 * Arguments come by name from the body's object and are converted by
 * jsonb_to_record(), so that any type that JSON can express is accepted.  Whether
 * the caller may execute the function is PostgreSQL's own check.
 *
 * Errors:		42883 when no function takes these arguments.
 * Called by:	router.c
 * Shown by:	test/sql/rest_rpc.sql
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "core/spi.h"
#include "funcapi.h"
#include "inbound/http.h"
#include "inbound/rest.h"
#include "inbound/rest_parse.h"
#include "inbound/rest_rows.h"
#include "inbound/settings.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* What no argument is called. */
#define RESULT "\"result of the call\""

/* A function that fits the request. */
typedef struct Callee
{
	bool  found;
	bool  returns_rows; /* of columns: a composite, or several OUT arguments */
	bool  returns_set;
	bool  is_void;
	List *names; /* of char *: the arguments given */
	List *types; /* of Oid */
} Callee;

/* Whether the body's members are input arguments of the function, and all needed ones. */
static bool
takes_body(HeapTuple tuple, Jsonb *body, Callee *callee)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);
	Oid         *types;
	char       **names;
	char        *modes;
	int          count = get_func_arg_info(tuple, &types, &names, &modes);
	int          position = 0;

	callee->names = NIL;
	callee->types = NIL;
	for (int i = 0; i < count; i++)
	{
		if (modes != NULL && modes[i] != FUNC_PARAM_IN && modes[i] != FUNC_PARAM_INOUT)
			continue;
		position++;
		if (names != NULL && names[i][0] != '\0' && cg_json_has(body, names[i]))
		{
			callee->names = lappend(callee->names, names[i]);
			callee->types = lappend_oid(callee->types, types[i]);
		}
		else if (position <= function->pronargs - function->pronargdefaults)
			return false;
	}
	return list_length(callee->names) == (int) JB_ROOT_COUNT(body);
}

static void
find_callee(const char *name, Jsonb *body, Callee *callee)
{
	Oid       schema = get_namespace_oid("cloudgreet", false);
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));

	memset(callee, 0, sizeof(*callee));
	for (int i = 0; i < list->n_members && !callee->found; i++)
	{
		HeapTuple    tuple = &list->members[i]->tuple;
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);

		if (function->pronamespace != schema || function->prokind != PROKIND_FUNCTION ||
			function->prorettype == TRIGGEROID || !takes_body(tuple, body, callee))
			continue;
		callee->found = true;
		callee->returns_set = function->proretset;
		callee->is_void = function->prorettype == VOIDOID;
		callee->returns_rows = get_typtype(function->prorettype) == TYPTYPE_COMPOSITE ||
							   function->prorettype == RECORDOID;
	}
	ReleaseSysCacheList(list);
}

static void
write_call(StringInfo sql, const char *name, const Callee *callee)
{
	StringInfoData columns;
	ListCell      *cell;
	ListCell      *type;

	initStringInfo(&columns);
	appendStringInfo(sql, "SELECT %s%s FROM ", RESULT, callee->returns_rows ? ".*" : "");
	if (callee->names != NIL)
	{
		forboth(cell, callee->names, type, callee->types) appendStringInfo(
			&columns, "%s%s %s", columns.len > 0 ? ", " : "",
			quote_identifier(lfirst(cell)), format_type_be_qualified(lfirst_oid(type)));
		appendStringInfo(sql, "pg_catalog.jsonb_to_record($1) AS args (%s), ",
						 columns.data);
	}
	appendStringInfo(sql, "cloudgreet.%s(", quote_identifier(name));
	foreach (cell, callee->names)
		appendStringInfo(sql, "%s%s => args.%s",
						 foreach_current_index(cell) > 0 ? ", " : "",
						 quote_identifier(lfirst(cell)), quote_identifier(lfirst(cell)));
	appendStringInfoString(sql, ") AS " RESULT);
	if (callee->returns_set && cg_rest_max_rows > 0)
		appendStringInfo(sql, " LIMIT %d", cg_rest_max_rows);
}

/* Parameters would filter, order or cut the rows; only "every column" says nothing. */
static void
refuse_parameters(const CgRequest *request)
{
	ListCell *cell;

	foreach (cell, request->target.params)
	{
		CgParam *param = lfirst(cell);

		if (strcmp(param->name, "select") != 0 || strcmp(param->value, "*") != 0)
			cg_rest_refuse_feature(
				psprintf("parameter \"%.100s\" of a function call", param->name));
	}
}

/* A set is written as it comes, and has its place as a table's rows have. */
static void
answer_set(const CgRestRequest *rest, CgResponse *response, const Callee *callee,
		   const CgRestPlan *plan)
{
	CgRestRequest answer = *rest;
	CgRowSink    *sink;
	int64         rows;

	if (callee->returns_rows)
		sink = cg_rest_open_rows(rest, response);
	else
	{
		answer.wants_object = false;
		sink = cg_row_sink_open(&response->body, CG_ROWS_SCALARS, CG_ROWS_ALL);
	}
	rows = (int64) cg_rest_run(plan, false, sink);
	if (cg_rest_answer_rows(&answer, response, 200, sink))
		cg_rest_write_range(response, 0, rows, -1);
}

/* One row, or one value. */
static void
answer_value(CgResponse *response, const Callee *callee, const CgRestPlan *plan)
{
	bool  isnull;
	Datum value;

	(void) cg_rest_run(plan, false, NULL);
	if (callee->is_void)
	{
		response->status = 204;
		return;
	}
	cg_response_is_json(response);
	if (callee->returns_rows)
		cg_json_append_row(&response->body, 0);
	else
	{
		value = cg_spi_value(0, 1, &isnull);
		cg_json_append_value(&response->body, value, isnull,
							 SPI_gettypeid(SPI_tuptable->tupdesc, 1));
	}
}

void
cg_rpc_call(const CgRequest *request, CgResponse *response)
{
	Oid            type = JSONBOID;
	Datum          value = JsonbPGetDatum(request->json);
	char           null = ' ';
	CgRestPlan     plan = {.types = &type, .values = &value, .nulls = &null};
	CgRestRequest  rest;
	Callee         callee;
	CgSpi          spi;
	StringInfoData sql;

	memset(&rest, 0, sizeof(rest));
	refuse_parameters(request);
	if (!cg_rest_read_headers(request, &rest, response))
		return;
	if (rest.counts)
		cg_rest_refuse_feature("counting the rows of a function");
	callee.found = false;
	/* Arguments have names here; an array would be one argument without any. */
	if (JB_ROOT_IS_OBJECT(request->json))
		find_callee(request->parameter, request->json, &callee);
	if (!callee.found)
	{
		cg_response_error(response, 404, "PGRST202",
						  "no function of this name takes these arguments", NULL);
		return;
	}
	initStringInfo(&sql);
	write_call(&sql, request->parameter, &callee);
	plan.sql = sql.data;
	plan.nparams = callee.names == NIL ? 0 : 1;
	cg_spi_begin(&spi, "answering a request");
	if (callee.returns_set)
		answer_set(&rest, response, &callee, &plan);
	else
		answer_value(response, &callee, &plan);
	cg_spi_end(&spi);
}
