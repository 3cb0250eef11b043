/*
 * json_size.c
 *		Counts what a JSON value prints to.
 *
 * 1e131071 is eight bytes and prints to 131,072: a number is kept as digits and an exponent,
 * so the size of a document says nothing of its text.  Whoever takes a document in bounds
 * that here (the bodies of requests and webhooks, values in URLs, arguments that are JSON
 * once more), and whoever is to write one, or to say how large it is, counts it here.
 *
 * Called by http(), the intake of webhooks and json_size().
 * Memory:		what a number needs is freed at once.
 * Errors:		22003 and 54000 of cg_json_admit(), besides those of jsonb_in().
 * Shown by:	test/sql/json_size.sql, test/t/103_gate_memory.pl
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/json_size.h"

/* A document prints to at most so many times its length, and something for small ones. */
#define MAX_GROWTH 4
#define MAX_GROWTH_OF_SMALL 4096

/* Of the binary form of a number: decimal digits in one digit of its own, and its signs. */
#define DIGITS_IN_ONE 4
#define IS_NAN 0xC000
#define IS_INFINITE 0xD000
#define IS_NEGATIVE_INFINITE 0xF000
#define IS_NEGATIVE 0x4000

int
cg_number_size(Numeric number)
{
	/* The binary form of the wire is documented, the one in memory is numeric.c's own. */
	bytea *binary =
		DatumGetByteaPP(DirectFunctionCall1(numeric_send, NumericGetDatum(number)));
	StringInfoData wire = {.data = VARDATA_ANY(binary), .len = VARSIZE_ANY_EXHDR(binary)};
	int            count = pq_getmsgint(&wire, 2);
	int            weight = (int16) pq_getmsgint(&wire, 2);
	int            sign = pq_getmsgint(&wire, 2);
	int            scale = pq_getmsgint(&wire, 2);
	int            first = count > 0 ? pq_getmsgint(&wire, 2) : 0;
	int            size = 1; /* a zero before the point */

	pfree(binary);
	if (sign == IS_NAN || sign == IS_INFINITE || sign == IS_NEGATIVE_INFINITE)
		return strlen("-Infinity");
	if (count > 0 && weight >= 0)
		size = weight * DIGITS_IN_ONE + (first >= 1000  ? 4
										 : first >= 100 ? 3
										 : first >= 10  ? 2
														: 1);
	return (sign == IS_NEGATIVE ? 1 : 0) + size + (scale > 0 ? 1 + scale : 0);
}

/* As escape_json() writes it. */
static int64
string_size(const char *string, int length)
{
	int64 size = 2;

	for (int i = 0; i < length; i++)
	{
		unsigned char c = string[i];

		if (c == '"' || c == '\\' || (c != '\0' && strchr("\b\f\n\r\t", c) != NULL))
			size += 2;
		else
			size += c < ' ' ? 6 : 1;
	}
	return size;
}

static int64
scalar_size(const JsonbValue *value, bool *has_long_number)
{
	int size;

	switch (value->type)
	{
		case jbvString:
			return string_size(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			size = cg_number_size(value->val.numeric);
			*has_long_number |= size > CG_NUMBER_CHARS;
			return size;
		case jbvBool:
			return value->val.boolean ? strlen("true") : strlen("false");
		default:
			return strlen("null");
	}
}

/* Counts to the first byte above the limit, and notes a number that is too long. */
static int64
count(JsonbContainer *container, int64 limit, bool *has_long_number)
{
	JsonbIterator     *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbIteratorToken before = WJB_DONE;
	JsonbValue         value;
	int64              size = 0;
	bool               is_scalar = JsonContainerIsScalar(container);

	while (size <= limit &&
		   (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		/* ", " before all but the first of an object or array. */
		if ((token == WJB_KEY || token == WJB_ELEM || token == WJB_BEGIN_ARRAY ||
			 token == WJB_BEGIN_OBJECT) &&
			(before == WJB_ELEM || before == WJB_VALUE || before == WJB_END_ARRAY ||
			 before == WJB_END_OBJECT))
			size += 2;
		if (token == WJB_KEY)
			size += string_size(value.val.string.val, value.val.string.len) + 2;
		else if (token == WJB_ELEM || token == WJB_VALUE)
			size += scalar_size(&value, has_long_number);
		else if (!is_scalar)
			size++; /* a bracket */
		before = token;
	}
	return size;
}

int64
cg_json_size(JsonbContainer *value, int64 limit)
{
	bool has_long_number = false;

	return count(value, limit, &has_long_number);
}

void
cg_json_admit(Jsonb *document, size_t length)
{
	int64 limit = (int64) length * MAX_GROWTH + MAX_GROWTH_OF_SMALL;
	bool  has_long_number = false;
	int64 size = count(&document->root, limit, &has_long_number);

	if (has_long_number)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a number of the JSON has more than %d digits",
							   CG_NUMBER_CHARS)));
	if (size > limit)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the numbers of the JSON have too many digits")));
}

Jsonb *
cg_json_read(const char *text)
{
	Jsonb *document =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

	cg_json_admit(document, strlen(text));
	return document;
}

PG_FUNCTION_INFO_V1(cg_sql_json_size);

/* Arguments: value; not null (STRICT). */
Datum
cg_sql_json_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(cg_json_size(&PG_GETARG_JSONB_P(0)->root, PG_INT64_MAX - 1));
}

PG_FUNCTION_INFO_V1(cg_sql_read_json);

/* Arguments: value; not null (STRICT). */
Datum
cg_sql_read_json(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(cg_json_read(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
