/*
 * api_normalize.c
 *		Brings what people type into the form that is stored, for /api.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "gateway/gateway.h"

/* SQL functions of core, called without a catalog lookup. */
extern Datum cg_sql_normalize_phone_number(PG_FUNCTION_ARGS);
extern Datum cg_sql_normalize_email(PG_FUNCTION_ARGS);
extern Datum cg_sql_normalize_time_zone(PG_FUNCTION_ARGS);

static const struct
{
	const char *column;
	PGFunction  function;
} normalizers[] = {
	{"phone", cg_sql_normalize_phone_number},
	{"email", cg_sql_normalize_email},
	{"time_zone", cg_sql_normalize_time_zone},
};

static void
name_column(void *column)
{
	err_generic_string(PG_DIAG_COLUMN_NAME, column);
}

/* The second argument is the country of phone numbers; the others do not look at it. */
static char *
normalize(PGFunction function, const char *column, const char *value)
{
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = name_column,
									 .arg = unconstify(char *, column)};
	Datum                result;

	error_context_stack = &callback;
	result = DirectFunctionCall2(function, CStringGetTextDatum(value),
								 CStringGetTextDatum("US"));
	error_context_stack = callback.previous;
	return TextDatumGetCString(result);
}

char *
cg_api_normalize_phone(const char *value)
{
	return normalize(cg_sql_normalize_phone_number, "phone", value);
}

Jsonb *
cg_api_normalize(Jsonb *body)
{
	StringInfoData changes;
	Datum          patch;

	if (!JB_ROOT_IS_OBJECT(body))
		return body;
	initStringInfo(&changes);
	for (int i = 0; i < lengthof(normalizers); i++)
	{
		const char *column = normalizers[i].column;
		JsonbValue  member;
		char       *value;

		if (getKeyJsonValueFromContainer(&body->root, column, (int) strlen(column),
										 &member) == NULL ||
			member.type != jbvString)
			continue;
		value = pnstrdup(member.val.string.val, member.val.string.len);
		appendStringInfoString(&changes, changes.len > 0 ? "," : "{");
		escape_json(&changes, column);
		appendStringInfoChar(&changes, ':');
		escape_json(&changes, normalize(normalizers[i].function, column, value));
	}
	if (changes.len == 0)
		return body;
	appendStringInfoChar(&changes, '}');
	patch = DirectFunctionCall1(jsonb_in, CStringGetDatum(changes.data));
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(body), patch));
}
