/*
 * scoring_sql.c
 *		The SQL functions that score; none looks at tables.
 *
 * Memory:		a call site keeps the plan of the rules and model that it used last, in a
 *				context below that of the function's lookup.
 * Called by:	sql/api/560_scoring.sql
 * Shown by:	test/sql/scoring.sql
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "compat.h"
#include "scoring/scoring.h"

/* What a call site keeps: copies of the JSON, NULL for the built-in, and their plan. */
typedef struct KeptPlan
{
	MemoryContext context;
	Jsonb        *rules;
	Jsonb        *model;
	CgScoringPlan plan;
} KeptPlan;

/* ---- Plans ------------------------------------------------------------------------ */

static Jsonb *
read_json(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static Jsonb *
copy_json(Jsonb *json)
{
	return json == NULL ? NULL : memcpy(palloc(VARSIZE(json)), json, VARSIZE(json));
}

static bool
is_same_json(Jsonb *a, Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static KeptPlan *
make_plan(MemoryContext parent, Jsonb *rules, Jsonb *model)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "cloudgreet plan",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	KeptPlan     *kept = palloc0_object(KeptPlan);
	char         *problem;

	kept->context = context;
	kept->rules = copy_json(rules);
	kept->model = copy_json(model);
	problem = cg_scoring_add_model(
		&kept->plan, model != NULL ? model : read_json(cg_scoring_default_model));
	if (problem == NULL)
		problem = cg_scoring_add_rules(
			&kept->plan, rules != NULL ? rules : read_json(cg_scoring_default_rules));
	if (problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", problem)));
	MemoryContextSwitchTo(old);
	/* Only now: on an error it goes with the statement. */
	MemoryContextSetParent(context, parent);
	return kept;
}

static const CgScoringPlan *
find_plan(FmgrInfo *site, Jsonb *rules, Jsonb *model)
{
	KeptPlan *kept = site->fn_extra;

	if (kept != NULL && is_same_json(kept->rules, rules) &&
		is_same_json(kept->model, model))
		return &kept->plan;
	site->fn_extra = NULL;
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	kept = make_plan(site->fn_mcxt, rules, model);
	site->fn_extra = kept;
	return &kept->plan;
}

/* ---- Results ---------------------------------------------------------------------- */

static void
push_text(JsonbParseState **state, const char *name, const char *text)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, name);
	value.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_number(JsonbParseState **state, const char *name, int number)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, name);
	value.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &value);
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static Jsonb *
render_reasons(const CgScore *score)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < score->count; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_text(&state, "kind", score->reasons[i].kind);
		push_text(&state, "feature", score->reasons[i].feature);
		push_text(&state, "reason", score->reasons[i].text);
		push_number(&state, "points", score->reasons[i].points);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* ---- Functions -------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(cg_sql_score_features);

/* Arguments: features, rules, model; NULL for the built-in ones. */
Datum
cg_sql_score_features(PG_FUNCTION_ARGS)
{
	Jsonb    *rules = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	Jsonb    *model = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	TupleDesc shape;
	CgScore   score;
	Datum     values[4];
	bool      nulls[4] = {false};

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("features must not be null")));
	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	cg_scoring_score(find_plan(fcinfo->flinfo, rules, model), PG_GETARG_JSONB_P(0),
					 &score);
	values[0] = Int32GetDatum(score.score);
	values[1] = CStringGetTextDatum(cg_scoring_grade(score.score));
	values[2] = Float8GetDatum(score.probability);
	values[3] = JsonbPGetDatum(render_reasons(&score));
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls)));
}

PG_FUNCTION_INFO_V1(cg_sql_is_scoring_rules);

Datum
cg_sql_is_scoring_rules(PG_FUNCTION_ARGS)
{
	CgScoringPlan plan = {0};

	PG_RETURN_BOOL(cg_scoring_add_rules(&plan, PG_GETARG_JSONB_P(0)) == NULL);
}

PG_FUNCTION_INFO_V1(cg_sql_is_scoring_model);

Datum
cg_sql_is_scoring_model(PG_FUNCTION_ARGS)
{
	CgScoringPlan plan = {0};

	PG_RETURN_BOOL(cg_scoring_add_model(&plan, PG_GETARG_JSONB_P(0)) == NULL);
}

PG_FUNCTION_INFO_V1(cg_sql_default_scoring_rules);

Datum
cg_sql_default_scoring_rules(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(read_json(cg_scoring_default_rules));
}

PG_FUNCTION_INFO_V1(cg_sql_default_scoring_model);

Datum
cg_sql_default_scoring_model(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(read_json(cg_scoring_default_model));
}
