/*
 * answer_error.c
 *		Answers an error of the database in the terms of the request.
 *
 * Check constraints are named <table>_<column>_check, so a violation tells its
 * column, and that of a phone number, e-mail address or time zone has the code and
 * hint that the functions which read such values raise.
 *
 * Called by:	http.c
 * Shown by:	test/sql/rest_values.sql
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "inbound/http.h"

static const struct
{
	const char *column;
	int         code;
	const char *message;
	const char *hint;
} rules[] = {
	{"phone", ERRCODE_CG_PHONE_NUMBER_INVALID, "invalid phone number",
	 "Use international form, for example +12125550123."},
	{"phone_number", ERRCODE_CG_PHONE_NUMBER_INVALID, "invalid phone number",
	 "Use international form, for example +12125550123."},
	{"email", ERRCODE_CG_EMAIL_INVALID, "invalid e-mail address",
	 "Use the form name@example.com."},
	{"time_zone", ERRCODE_CG_TIME_ZONE_INVALID, "invalid name of a time zone",
	 "Use a name of the IANA database, for example America/New_York."},
};

/* The column that a check constraint of ours is named after, or NULL. */
static char *
checked_column(const ErrorData *error)
{
	const char *constraint = error->constraint_name;
	size_t      table_length;
	char       *column;
	Oid         table;

	if (constraint == NULL || error->table_name == NULL || error->schema_name == NULL ||
		strcmp(error->schema_name, "cloudgreet") != 0)
		return NULL;
	table_length = strlen(error->table_name);
	if (strncmp(constraint, error->table_name, table_length) != 0 ||
		strlen(constraint) < table_length + strlen("_x_check"))
		return NULL;
	column = pstrdup(constraint + table_length + 1);
	column[strlen(column) - strlen("_check")] = '\0';
	table = get_relname_relid(error->table_name, get_namespace_oid("cloudgreet", false));
	return OidIsValid(table) && get_attnum(table, column) != InvalidAttrNumber ? column
																			   : NULL;
}

static void
explain_check(ErrorData *error)
{
	error->column_name = checked_column(error);
	for (int i = 0; i < lengthof(rules) && error->column_name != NULL; i++)
	{
		if (strcmp(rules[i].column, error->column_name) != 0)
			continue;
		error->sqlerrcode = rules[i].code;
		error->message = pstrdup(rules[i].message);
		error->hint = pstrdup(rules[i].hint);
		error->detail = NULL;
	}
}

void
cg_answer_error(const CgRequest *request, CgResponse *response, ErrorData *error)
{
	if (request->reads_body &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
	{
		cg_response_error_details(response, 400, "PGRST102", "the body is not JSON",
								  error->detail, NULL);
		return;
	}
	if (error->sqlerrcode == ERRCODE_CHECK_VIOLATION)
		explain_check(error);
	cg_response_sql_error(response, error, request->is_anonymous);
}
