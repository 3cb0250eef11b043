/*
 * json_render.c
 *		Writes rows as JSON straight from their datums.
 *
 * The common types have a path of their own, arrays and rows go by their parts, and
 * whatever is left through to_json(), so the output is always what PostgreSQL itself
 * would print.
 *
 * Rendering is where a large answer takes its time and memory, so each value lets the
 * query be cancelled, and an answer may have cloudgreet.response_bytes.  What a value
 * prints to is known before it is printed (a text has its length, a JSON document is
 * counted; a single number is short enough), since little that is stored may print to much.
 *
 * Memory:		the caller's context.
 * Errors:		54000 for an answer that is too large.
 * Called by:	rest_rows.c, rpc.c, api_handlers.c, appointment_handlers.c
 * Shown by:	test/sql/json_size.sql, test/sql/rest_limits.sql
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "core/json_size.h"
#include "inbound/rest.h"
#include "inbound/settings.h"

/* So many bytes more must not make the answer too large. */
static void
require_room(StringInfo out, int64 more)
{
	if (out->len + more > cg_response_bytes)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the answer is larger than %d bytes", cg_response_bytes),
						errhint("Ask for fewer rows or columns.")));
}

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

/* One dimension of an array, whose elements stand in a row; *next is the first of them. */
static void
append_dimension(StringInfo out, const ArrayType *array, int dimension, Oid type,
				 const Datum *values, const bool *nulls, int *next)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < ARR_DIMS(array)[dimension]; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		if (dimension + 1 < ARR_NDIM(array))
			append_dimension(out, array, dimension + 1, type, values, nulls, next);
		else
		{
			cg_json_append_value(out, values[*next], nulls[*next], type);
			(*next)++;
		}
	}
	appendStringInfoChar(out, ']');
}

static void
append_array(StringInfo out, Datum value, Oid type)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	int16      length;
	bool       by_value;
	char       align;
	Datum     *values;
	bool      *nulls;
	int        count;
	int        next = 0;

	if (ARR_NDIM(array) == 0)
	{
		appendStringInfoString(out, "[]");
		return;
	}
	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &values, &nulls, &count);
	append_dimension(out, array, 0, type, values, nulls, &next);
}

static void
append_composite(StringInfo out, Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc       descriptor = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
														HeapTupleHeaderGetTypMod(header));
	HeapTupleData   tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),
							 .t_data = header};
	Datum          *values = palloc(descriptor->natts * sizeof(Datum));
	bool           *nulls = palloc(descriptor->natts * sizeof(bool));

	heap_deform_tuple(&tuple, descriptor, values, nulls);
	cg_json_append_columns(out, descriptor, values, nulls);
	ReleaseTupleDesc(descriptor);
}

/* What is made of others, by its parts; what is a text of its own, by to_json(). */
static void
append_other(StringInfo out, Datum value, Oid type)
{
	Oid base = getBaseType(type);
	Oid element = get_element_type(base);

	check_stack_depth();
	if (base != type)
		cg_json_append_value(out, value, false, base);
	else if (OidIsValid(element))
		append_array(out, value, element);
	else if (type_is_rowtype(base))
		append_composite(out, value);
	else
	{
		if (get_typlen(base) == -1)
			require_room(out, toast_raw_datum_size(value) - VARHDRSZ);
		append_by_to_json(out, value, base);
	}
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
			require_room(out, toast_raw_datum_size(value) - VARHDRSZ);
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
			require_room(out, toast_raw_datum_size(value) - VARHDRSZ);
			appendStringInfoString(out, TextDatumGetCString(value));
			break;
		case JSONBOID:
		{
			Jsonb *document = DatumGetJsonbP(value);

			require_room(out, cg_json_size(&document->root, cg_response_bytes));
			(void) JsonbToCString(out, &document->root, VARSIZE(document));
			break;
		}
		default:
			append_other(out, value, type);
	}
	require_room(out, 0);
}

void
cg_json_append_columns(StringInfo out, TupleDesc descriptor, const Datum *values,
					   const bool *nulls)
{
	bool is_first = true;

	appendStringInfoChar(out, '{');
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);

		if (column->attisdropped)
			continue;
		if (!is_first)
			appendStringInfoChar(out, ',');
		is_first = false;
		escape_json(out, NameStr(column->attname));
		appendStringInfoChar(out, ':');
		cg_json_append_value(out, values[i], nulls[i], column->atttypid);
	}
	appendStringInfoChar(out, '}');
}

void
cg_json_append_row(StringInfo out, uint64 row)
{
	TupleDesc descriptor = SPI_tuptable->tupdesc;
	Datum    *values = palloc(descriptor->natts * sizeof(Datum));
	bool     *nulls = palloc(descriptor->natts * sizeof(bool));

	heap_deform_tuple(SPI_tuptable->vals[row], descriptor, values, nulls);
	cg_json_append_columns(out, descriptor, values, nulls);
}
