/*
 * json_render.c
 *		Writes rows as JSON straight from their datums.
 *
 * The common types have a path of their own; whatever is left goes through
 * to_json(), so the output is always what PostgreSQL itself would print.
 *
 * Rendering is where a large answer takes its time and memory, so each value lets the
 * query be cancelled, and an answer may have cloudgreet.response_bytes.
 *
 * Memory:		what a row needs is freed after it; out is the caller's.
 * Errors:		54000 for an answer that is too large.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/spi.h"
#include "gateway/rest.h"
#include "gateway/settings.h"

/* to_json() for a type without a path here; it looks at its argument's type. */
static void
append_by_to_json(StringInfo out, Datum value, Oid type)
{
	FmgrInfo  function;
	Const    *argument = makeConst(type, -1, InvalidOid, -1, (Datum) 0, true, false);
	FuncExpr *call = makeFuncExpr(F_TO_JSON, JSONOID, list_make1(argument), InvalidOid,
								  InvalidOid, COERCE_EXPLICIT_CALL);

	fmgr_info(F_TO_JSON, &function);
	fmgr_info_set_expr((Node *) call, &function);
	appendStringInfoString(out, TextDatumGetCString(FunctionCall1(&function, value)));
}

static void
append_number(StringInfo out, const char *digits)
{
	/* NaN and Infinity are no JSON numbers. */
	if ((digits[0] >= '0' && digits[0] <= '9') ||
		(digits[0] == '-' && digits[1] >= '0' && digits[1] <= '9'))
		appendStringInfoString(out, digits);
	else
		escape_json(out, digits);
}

void
cg_json_append_value(StringInfo out, Datum value, bool isnull, Oid type)
{
	char buffer[MAXDATELEN + 1];
	Oid  output;
	bool is_varlena;

	CHECK_FOR_INTERRUPTS();
	if (out->len > cg_response_bytes)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the answer is larger than %d bytes", cg_response_bytes),
						errhint("Ask for fewer rows or columns.")));
	if (isnull)
	{
		appendStringInfoString(out, "null");
		return;
	}
	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
			break;
		case INT4OID:
			appendStringInfo(out, "%d", DatumGetInt32(value));
			break;
		case INT8OID:
			appendStringInfo(out, INT64_FORMAT, DatumGetInt64(value));
			break;
		case INT2OID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			getTypeOutputInfo(type, &output, &is_varlena);
			append_number(out, OidOutputFunctionCall(output, value));
			break;
		case TEXTOID:
		case VARCHAROID:
			escape_json(out, TextDatumGetCString(value));
			break;
		case UUIDOID:
			appendStringInfo(out, "\"%s\"",
							 DatumGetCString(DirectFunctionCall1(uuid_out, value)));
			break;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			JsonEncodeDateTime(buffer, value, type, NULL);
			appendStringInfo(out, "\"%s\"", buffer);
			break;
		case JSONOID:
			appendStringInfoString(out, TextDatumGetCString(value));
			break;
		case JSONBOID:
		{
			Jsonb *document = DatumGetJsonbP(value);

			(void) JsonbToCString(out, &document->root, VARSIZE(document));
			break;
		}
		default:
			append_by_to_json(out, value, type);
	}
}

void
cg_json_append_row(StringInfo out, uint64 row)
{
	TupleDesc     descriptor = SPI_tuptable->tupdesc;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch =
		AllocSetContextCreate(caller, "JSON of a row", ALLOCSET_SMALL_SIZES);

	MemoryContextSwitchTo(scratch);
	appendStringInfoChar(out, '{');
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);
		bool              isnull;
		Datum value = SPI_getbinval(SPI_tuptable->vals[row], descriptor, i + 1, &isnull);

		if (i > 0)
			appendStringInfoChar(out, ',');
		escape_json(out, NameStr(column->attname));
		appendStringInfoChar(out, ':');
		cg_json_append_value(out, value, isnull, column->atttypid);
	}
	appendStringInfoChar(out, '}');
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

void
cg_json_append_rows(StringInfo out, uint64 first, uint64 count)
{
	appendStringInfoChar(out, '[');
	for (uint64 row = first; row < first + count; row++)
	{
		if (row > first)
			appendStringInfoString(out, ",\n ");
		cg_json_append_row(out, row);
	}
	appendStringInfoChar(out, ']');
}

void
cg_json_append_scalars(StringInfo out, uint64 count)
{
	Oid type = SPI_gettypeid(SPI_tuptable->tupdesc, 1);

	appendStringInfoChar(out, '[');
	for (uint64 row = 0; row < count; row++)
	{
		bool  isnull;
		Datum value = cg_spi_value(row, 1, &isnull);

		if (row > 0)
			appendStringInfoString(out, ",\n ");
		cg_json_append_value(out, value, isnull, type);
	}
	appendStringInfoChar(out, ']');
}
