/*
 * template.c
 *		Puts values into a template, for many recipients at a time.
 *
 * A variable is written {{name}}, with blanks inside if one likes; a name is of small
 * letters and underscores.  What a value holds is never taken for a variable: it is one
 * pass.  One that is not known becomes nothing, and braces that are no variable stay.
 *
 * Called by sql/api/700_templates.sql to 712_release_reminders.sql.  Shown by
 * test/sql/templates.sql.
 *
 * Memory:		the texts, in the caller's context.
 * Errors:		22023 unless there are as many values for each text as there are names, 54000
 *				for too many texts.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"

/* A piece of what is due has fewer (730_tick.sql). */
#define MAX_TEXTS 1000

/* Texts of an array. */
typedef struct Texts
{
	Datum *items;
	bool  *nulls;
	int    count;
} Texts;

static Texts
read_texts(ArrayType *array)
{
	Texts texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts.items, &texts.nulls,
					  &texts.count);
	return texts;
}

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
		at++;
	return at;
}

/* The end of the variable that begins here, and its name; NULL when none does. */
static const char *
read_variable(const char *at, const char *end, const char **name, int *length)
{
	if (end - at < 4 || at[0] != '{' || at[1] != '{')
		return NULL;
	*name = at = skip_blanks(at + 2, end);
	while (at < end && ((*at >= 'a' && *at <= 'z') || *at == '_'))
		at++;
	*length = (int) (at - *name);
	at = skip_blanks(at, end);
	if (*length == 0 || end - at < 2 || at[0] != '}' || at[1] != '}')
		return NULL;
	return at + 2;
}

/* Which of the names it is, or -1. */
static int
find_name(const Texts *names, const char *name, int length)
{
	for (int i = 0; i < names->count; i++)
	{
		text *known = names->nulls[i] ? NULL : DatumGetTextPP(names->items[i]);

		if (known != NULL && VARSIZE_ANY_EXHDR(known) == length &&
			memcmp(VARDATA_ANY(known), name, length) == 0)
			return i;
	}
	return -1;
}

/* One that is not known, or has no value, becomes nothing. */
static void
append_value(StringInfo words, const Texts *names, const Texts *values, int first,
			 const char *name, int length)
{
	int   i = find_name(names, name, length);
	text *value;

	if (i < 0 || values->nulls[first + i])
		return;
	value = DatumGetTextPP(values->items[first + i]);
	appendBinaryStringInfo(words, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* The text with the values from "first" on, without blanks and line breaks around it. */
static text *
fill(text *template, const Texts *names, const Texts *values, int first)
{
	const char    *at = VARDATA_ANY(template);
	const char    *end = at + VARSIZE_ANY_EXHDR(template);
	StringInfoData words;
	int            start = 0;

	initStringInfo(&words);
	while (at < end)
	{
		const char *name;
		int         length;
		const char *brace = memchr(at, '{', end - at);
		const char *after;

		appendBinaryStringInfo(&words, at, (brace != NULL ? brace : end) - at);
		if (brace == NULL)
			break;
		after = read_variable(brace, end, &name, &length);
		if (after == NULL)
			appendStringInfoChar(&words, '{');
		else
			append_value(&words, names, values, first, name, length);
		at = after != NULL ? after : brace + 1;
	}
	while (words.len > 0 && strchr(" \n", words.data[words.len - 1]) != NULL)
		words.len--;
	while (start < words.len && strchr(" \n", words.data[start]) != NULL)
		start++;
	return cstring_to_text_with_len(words.data + start, words.len - start);
}

PG_FUNCTION_INFO_V1(cg_sql_is_plain_template);

/* is_plain_template(template, names): nothing in it could be meant as another variable */
Datum
cg_sql_is_plain_template(PG_FUNCTION_ARGS)
{
	text *template = PG_GETARG_TEXT_PP(0);
	Texts       names = read_texts(PG_GETARG_ARRAYTYPE_P(1));
	const char *at = VARDATA_ANY(template);
	const char *end = at + VARSIZE_ANY_EXHDR(template);

	while (at < end)
	{
		const char *name;
		int         length;
		const char *after = read_variable(at, end, &name, &length);

		if (after != NULL ? find_name(&names, name, length) < 0
						  : strchr("{}[]<>%*", *at) != NULL)
			PG_RETURN_BOOL(false);
		at = after != NULL ? after : at + 1;
	}
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(cg_sql_fill_template);

/* fill_template(template, names, of each text one value a name) */
Datum
cg_sql_fill_template(PG_FUNCTION_ARGS)
{
	text *template = PG_GETARG_TEXT_PP(0);
	Texts  names = read_texts(PG_GETARG_ARRAYTYPE_P(1));
	Texts  values = read_texts(PG_GETARG_ARRAYTYPE_P(2));
	int    count = names.count > 0 ? values.count / names.count : 1;
	Datum *texts;

	if (count > MAX_TEXTS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d texts are asked for", MAX_TEXTS)));
	texts = palloc(Max(count, 1) * sizeof(Datum));
	if (count * names.count != values.count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("each text must have a value for each name")));
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		texts[i] = PointerGetDatum(fill(template, &names, &values, i * names.count));
	}
	PG_RETURN_ARRAYTYPE_P(
		construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}
