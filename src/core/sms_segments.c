/*
 * sms_segments.c
 *		Counts the parts that a text is sent in, as carriers and Telnyx do.
 *
 * A text of GSM 03.38 has 160 septets, or 153 in each of several parts; any other is
 * UCS-2 with 70 units of UTF-16, or 67.  What takes two of them (a character of the
 * extension table, a surrogate pair) is never split between parts, so that the number
 * of parts is no mere division.
 *
 * Called by sql/api/540_send.sql and 700_templates.sql, which refuse what has too many
 * parts.  Shown by test/sql/sms_segments.sql.
 *
 * Sources:		3GPP TS 23.038, sections 6.2.1 and 6.2.1.1; TS 23.040, section 9.2.3.24.
 * Memory:		none.  Errors: none.  The database is UTF8 (000_guard.sql).
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"

/* Limits of one encoding: units of a text alone, and of each part of several. */
typedef struct Encoding
{
	const char *name;
	int         alone;
	int         joined;
	int (*units_of)(pg_wchar c);
} Encoding;

/* What is no letter, digit or mark of ASCII in the default alphabet. */
static const pg_wchar gsm_others[] = {
	0x0A,  0x0D,  0xA1,  0xA3,  0xA4,  0xA5,  0xA7,  0xBF,  0xC4, 0xC5,  0xC6,
	0xC7,  0xC9,  0xD1,  0xD6,  0xD8,  0xDC,  0xDF,  0xE0,  0xE4, 0xE5,  0xE6,
	0xE8,  0xE9,  0xEC,  0xF1,  0xF2,  0xF6,  0xF8,  0xF9,  0xFC, 0x393, 0x394,
	0x398, 0x39B, 0x39E, 0x3A0, 0x3A3, 0x3A6, 0x3A8, 0x3A9,
};

/* Septets of a character; 0 when GSM 03.38 does not have it. */
static int
septets_of(pg_wchar c)
{
	if (c == 0x0C || c == 0x20AC || (c < 0x80 && c != 0 && strchr("^{}\\[~]|", (int) c)))
		return 2;
	if (c >= 0x20 && c < 0x7F && c != '`')
		return 1;
	for (int i = 0; i < lengthof(gsm_others); i++)
	{
		if (gsm_others[i] == c)
			return 1;
	}
	return 0;
}

static int
utf16_units_of(pg_wchar c)
{
	return c > 0xFFFF ? 2 : 1;
}

static const Encoding gsm = {"GSM-7", 160, 153, septets_of};
static const Encoding ucs2 = {"UCS-2", 70, 67, utf16_units_of};

static pg_wchar
next_character(const char **at)
{
	pg_wchar c = utf8_to_unicode((const unsigned char *) *at);

	*at += pg_utf_mblen((const unsigned char *) *at);
	return c;
}

static const Encoding *
encoding_of(const char *text, const char *end)
{
	while (text < end)
	{
		if (septets_of(next_character(&text)) == 0)
			return &ucs2;
	}
	return &gsm;
}

PG_FUNCTION_INFO_V1(cg_sql_sms_segments);

Datum
cg_sql_sms_segments(PG_FUNCTION_ARGS)
{
	text           *content = PG_GETARG_TEXT_PP(0);
	const char     *at = VARDATA_ANY(content);
	const char     *end = at + VARSIZE_ANY_EXHDR(content);
	const Encoding *encoding = encoding_of(at, end);
	int             units = 0;
	int             parts = 1;
	int             room = encoding->joined;
	TupleDesc       descriptor;
	Datum           values[3];
	bool            nulls[3] = {false, false, false};

	for (int steps = 0; at < end; steps++)
	{
		int size = encoding->units_of(next_character(&at));

		if ((steps & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		units += size;
		/* A pair that does not fit any more begins the next part. */
		if (size > room)
		{
			parts++;
			room = encoding->joined;
		}
		room -= size;
	}
	/* The header that joins parts is not needed by a text that fits into one. */
	if (units <= encoding->alone)
		parts = 1;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(encoding->name);
	values[1] = Int32GetDatum(units);
	values[2] = Int32GetDatum(parts);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
