/*
 * nearest_name.c
 *		Which of several names is meant by one that is misspelt.
 *
 * For checks of names that nothing would look for.
 *
 * Memory:		the caller's context.
 * Errors:		those of the server for names of more than 255 bytes; callers check.
 * Called by:	sql/api/705_template_checks.sql
 * Shown by:	test/sql/templates.sql
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "compat.h"

/* A letter left out, doubled, swapped with its neighbor (two edits), or wrong. */
#define MAX_EDITS 2

static int
distance(text *one, text *other)
{
	return varstr_levenshtein_less_equal(VARDATA_ANY(one), VARSIZE_ANY_EXHDR(one),
										 VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other), 1,
										 1, 1, MAX_EDITS, true);
}

PG_FUNCTION_INFO_V1(cg_sql_nearest_name);

Datum
cg_sql_nearest_name(PG_FUNCTION_ARGS)
{
	text  *name = PG_GETARG_TEXT_PP(0);
	Datum *names;
	bool  *nulls;
	int    count;
	int    best = MAX_EDITS + 1;
	text  *nearest = NULL;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		int edits = nulls[i] ? best : distance(name, DatumGetTextPP(names[i]));

		if (edits < best)
		{
			best = edits;
			nearest = DatumGetTextPP(names[i]);
		}
	}
	if (nearest == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(nearest);
}
