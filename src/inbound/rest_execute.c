/*
 * rest_execute.c
 *		Runs a request on a table, and says when the caller's role lacks the verb or the
 *		request would write too many rows.
 *
 * Grants are given to authenticated for all application roles together, and row
 * security tells those apart, but by showing no rows.  So where no row was found the
 * permission matrix is asked: the way of those who may do it stays as short as it was.
 *
 * A change counts its rows by check_write_rows(), which the planner's statement calls.
 *
 * Called by:	rest_handlers.c, api_handlers.c
 * Shown by:	test/sql/rest_rights.sql, test/sql/rest_limits.sql
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core/spi.h"
#include "inbound/rest.h"
#include "inbound/rest_rows.h"
#include "inbound/settings.h"

static const char *const verb_names[] = {
	[CG_REST_READ] = "select",   [CG_REST_COUNT] = "select",  [CG_REST_INSERT] = "insert",
	[CG_REST_UPDATE] = "update", [CG_REST_DELETE] = "delete",
};

/* A table that is not in the matrix, a view, is left to its grants. */
static bool
has_permission(const char *table, const char *app_role, const char *verb)
{
	Oid        types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum      values[] = {CStringGetTextDatum(table), CStringGetTextDatum(app_role),
						   CStringGetTextDatum(verb)};
	CgIdentity identity;
	CgSpi      spi;
	bool       is_allowed;
	bool       isnull;

	cg_spi_begin(&spi, "reading the permission matrix");
	cg_run_as_owner(&identity);
	(void) cg_spi_query(
		"SELECT coalesce(pg_catalog.bool_or(app_role OPERATOR(pg_catalog.=) "
		"$2 AND verb OPERATOR(pg_catalog.=) $3), true) "
		"FROM cloudgreet_private.permissions "
		"WHERE table_name OPERATOR(pg_catalog.=) $1",
		3, types, values, NULL, true, 0);
	is_allowed = DatumGetBool(cg_spi_value(0, 1, &isnull));
	cg_identity_restore(&identity);
	cg_spi_end(&spi);
	return is_allowed;
}

uint64
cg_rest_execute(const CgRequest *request, const CgRestRequest *rest, CgRowSink *sink)
{
	const CgContext *context = &request->context;
	const char      *app_role = context->app_role;
	CgRestPlan       plan;
	uint64           rows;

	cg_rest_plan(rest, context->has_business ? &context->business : NULL, &plan);
	rows = cg_rest_run(&plan, rest->verb <= CG_REST_COUNT, sink);
	if (strcmp(context->db_role, "service_role") == 0)
		app_role = context->db_role;
	if (rows == 0 && !has_permission(rest->table, app_role, verb_names[rest->verb]))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("role \"%s\" has no permission to %s in table \"%s\"",
							   app_role, verb_names[rest->verb], rest->table)));
	return rows;
}

void
cg_rest_check_write_rows(int64 rows)
{
	if (rows > cg_rest_max_write_rows)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the request would write more than %d rows",
							   cg_rest_max_write_rows),
						errhint("Write them by several requests.")));
}

PG_FUNCTION_INFO_V1(cg_sql_check_write_rows);

/* Arguments: rows; not null (STRICT). */
Datum
cg_sql_check_write_rows(PG_FUNCTION_ARGS)
{
	cg_rest_check_write_rows(PG_GETARG_INT64(0));
	PG_RETURN_BOOL(true);
}
