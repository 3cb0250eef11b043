/*
 * plan.c
 *		Reads rules and models, and says what is wrong with them.
 *
 * A rule:	{"feature": name, CONDITION, "points": -100..100, "at_least": 0..100,
 *			 "at_most": 0..100, "reason": text}; points or a bound must be there.
 * A term:	{"feature": name, [CONDITION], "weight": -20..20, "reason": text}; without a
 *			condition the weight is that of one unit of the number.
 * CONDITION is one of "is": scalar, "one_of": [scalars], "known": true, or "from" and
 * "below", of which either may be left out.
 * A model:	{"bias": -20..20, "terms": [terms]}, both optional.
 *
 * A member that is not known is refused, or a slip of the pen would change scores
 * without a word.
 *
 * Memory:		the plan is copied out of the JSON into the current context.
 * Errors:		none but out of memory; the first problem is returned as a text.
 * Called by:	scoring_sql.c
 * Shown by:	test/sql/scoring.sql
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/json_size.h"
#include "scoring/scoring.h"

#define MAX_EVIDENCE 2000
#define MAX_VALUES 200
#define MAX_FEATURE 100
#define MAX_REASON 200
#define MAX_WEIGHT 20.0
#define MAX_THRESHOLD 1e15

/* What is read of one rule or term. */
typedef struct Draft
{
	CgEvidence evidence;
	bool       has_kind;
	bool       has_effect;
} Draft;

typedef struct Member
{
	const char *name;
	bool        in_rules;
	bool        in_models;
	/* Returns what the value must be ("a number from 0 to 100"), or NULL when it is. */
	const char *(*read)(Draft *draft, JsonbValue *value);
} Member;

/* ---- Values ----------------------------------------------------------------------- */

static bool
read_number(JsonbValue *value, double low, double high, double *result)
{
	/* The conversion prints the number first. */
	if (value->type != jbvNumeric || cg_number_size(value->val.numeric) > CG_NUMBER_CHARS)
		return false;
	*result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(value->val.numeric)));
	return *result >= low && *result <= high;
}

static bool
read_text(JsonbValue *value, int max_length, const char **result)
{
	if (value->type != jbvString || value->val.string.len == 0 ||
		value->val.string.len > max_length)
		return false;
	*result = pnstrdup(value->val.string.val, value->val.string.len);
	return true;
}

static bool
read_scalar(JsonbValue *value, CgScalar *result)
{
	result->type = value->type;
	if (value->type == jbvBool)
	{
		result->number = value->val.boolean ? 1 : 0;
		return true;
	}
	if (value->type == jbvNumeric)
		return read_number(value, -MAX_THRESHOLD, MAX_THRESHOLD, &result->number);
	if (!read_text(value, MAX_REASON, &result->text))
		return false;
	result->length = strlen(result->text);
	return true;
}

/* ---- Members of a rule or term ---------------------------------------------------- */

/* False when another condition stands there already. */
static bool
take_kind(Draft *draft, CgEvidenceKind kind)
{
	bool both_bounds = kind == CG_EVIDENCE_RANGE && draft->evidence.kind == kind;

	if (draft->has_kind && !both_bounds)
		return false;
	draft->has_kind = true;
	draft->evidence.kind = kind;
	return true;
}

static const char *
read_feature(Draft *draft, JsonbValue *value)
{
	return read_text(value, MAX_FEATURE, &draft->evidence.feature)
			   ? NULL
			   : "a name of 1 to 100 bytes";
}

static const char *
read_reason(Draft *draft, JsonbValue *value)
{
	return read_text(value, MAX_REASON, &draft->evidence.reason)
			   ? NULL
			   : "a text of 1 to 200 bytes";
}

static const char *
read_known(Draft *draft, JsonbValue *value)
{
	if (value->type != jbvBool || !value->val.boolean)
		return "true";
	return take_kind(draft, CG_EVIDENCE_KNOWN) ? NULL : "the only condition";
}

static const char *
read_is(Draft *draft, JsonbValue *value)
{
	draft->evidence.values = palloc0_object(CgScalar);
	draft->evidence.value_count = 1;
	if (!read_scalar(value, draft->evidence.values))
		return "a text of at most 200 bytes, a number, true or false";
	return take_kind(draft, CG_EVIDENCE_ONE_OF) ? NULL : "the only condition";
}

static const char *
read_one_of(Draft *draft, JsonbValue *value)
{
	static const char must[] = "an array of 1 to 200 texts, numbers, true or false";
	JsonbContainer   *list = value->val.binary.data;
	int               count;

	if (value->type != jbvBinary || !JsonContainerIsArray(list))
		return must;
	count = JsonContainerSize(list);
	if (count == 0 || count > MAX_VALUES)
		return must;
	draft->evidence.values = palloc0_array(CgScalar, count);
	draft->evidence.value_count = count;
	for (int i = 0; i < count; i++)
	{
		if (!read_scalar(getIthJsonbValueFromContainer(list, i),
						 &draft->evidence.values[i]))
			return must;
	}
	return take_kind(draft, CG_EVIDENCE_ONE_OF) ? NULL : "the only condition";
}

static const char *
read_from(Draft *draft, JsonbValue *value)
{
	if (!read_number(value, -MAX_THRESHOLD, MAX_THRESHOLD, &draft->evidence.from))
		return "a number from -1e15 to 1e15";
	return take_kind(draft, CG_EVIDENCE_RANGE) ? NULL : "the only condition";
}

static const char *
read_below(Draft *draft, JsonbValue *value)
{
	if (!read_number(value, -MAX_THRESHOLD, MAX_THRESHOLD, &draft->evidence.below))
		return "a number from -1e15 to 1e15";
	return take_kind(draft, CG_EVIDENCE_RANGE) ? NULL : "the only condition";
}

static const char *
read_points(Draft *draft, JsonbValue *value)
{
	double points;

	if (!read_number(value, -100, 100, &points))
		return "a number from -100 to 100";
	draft->evidence.weight = points / CG_SCORING_POINTS_PER_UNIT;
	draft->has_effect = true;
	return NULL;
}

static const char *
read_weight(Draft *draft, JsonbValue *value)
{
	draft->has_effect = true;
	return read_number(value, -MAX_WEIGHT, MAX_WEIGHT, &draft->evidence.weight)
			   ? NULL
			   : "a number from -20 to 20";
}

static const char *
read_at_least(Draft *draft, JsonbValue *value)
{
	draft->has_effect = true;
	return read_number(value, 0, 100, &draft->evidence.at_least)
			   ? NULL
			   : "a number from 0 to 100";
}

static const char *
read_at_most(Draft *draft, JsonbValue *value)
{
	draft->has_effect = true;
	return read_number(value, 0, 100, &draft->evidence.at_most)
			   ? NULL
			   : "a number from 0 to 100";
}

static const Member members[] = {
	{"at_least", true, false, read_at_least}, {"at_most", true, false, read_at_most},
	{"below", true, true, read_below},        {"feature", true, true, read_feature},
	{"from", true, true, read_from},          {"is", true, true, read_is},
	{"known", true, true, read_known},        {"one_of", true, true, read_one_of},
	{"points", true, false, read_points},     {"reason", true, true, read_reason},
	{"weight", false, true, read_weight},
};

static const Member *
find_member(const JsonbValue *key, bool is_rule)
{
	for (int i = 0; i < lengthof(members); i++)
	{
		if (strlen(members[i].name) == key->val.string.len &&
			memcmp(members[i].name, key->val.string.val, key->val.string.len) == 0 &&
			(is_rule ? members[i].in_rules : members[i].in_models))
			return &members[i];
	}
	return NULL;
}

/* ---- Rules and terms -------------------------------------------------------------- */

/* What is said of a rule that gives no reason. */
static const char *
describe(const CgEvidence *evidence)
{
	const CgScalar *value = evidence->values;

	if (evidence->kind == CG_EVIDENCE_KNOWN)
		return psprintf("%s is known", evidence->feature);
	if (evidence->kind == CG_EVIDENCE_LINEAR)
		return psprintf("%s, by its amount", evidence->feature);
	if (evidence->kind == CG_EVIDENCE_RANGE && evidence->from == -DBL_MAX)
		return psprintf("%s is below %g", evidence->feature, evidence->below);
	if (evidence->kind == CG_EVIDENCE_RANGE && evidence->below == DBL_MAX)
		return psprintf("%s is at least %g", evidence->feature, evidence->from);
	if (evidence->kind == CG_EVIDENCE_RANGE)
		return psprintf("%s is at least %g and below %g", evidence->feature,
						evidence->from, evidence->below);
	if (evidence->value_count > 1)
		return psprintf("%s is one of %d values", evidence->feature,
						evidence->value_count);
	if (value->type == jbvString)
		return psprintf("%s is \"%s\"", evidence->feature, value->text);
	if (value->type == jbvBool)
		return psprintf("%s is %s", evidence->feature,
						value->number != 0 ? "true" : "false");
	return psprintf("%s is %g", evidence->feature, value->number);
}

static char *
check_draft(Draft *draft, const char *what, int number)
{
	CgEvidence *evidence = &draft->evidence;

	if (evidence->feature == NULL)
		return psprintf("%s %d has no \"feature\"", what, number);
	if (!draft->has_kind && evidence->is_rule)
		return psprintf("%s %d has no condition: one of is, one_of, known, from, below",
						what, number);
	if (!draft->has_effect)
		return psprintf("%s %d has no %s", what, number,
						evidence->is_rule ? "points, at_least or at_most" : "weight");
	if (evidence->at_least > evidence->at_most)
		return psprintf("%s %d has at_least above at_most", what, number);
	if (evidence->from >= evidence->below)
		return psprintf("%s %d has \"from\" not below \"below\"", what, number);
	if (evidence->reason == NULL)
		evidence->reason = describe(evidence);
	return NULL;
}

static char *
read_evidence(JsonbValue *value, CgEvidence *result, bool is_rule, int number)
{
	const char        *what = is_rule ? "rule" : "term";
	Draft              draft = {.evidence = {.kind = CG_EVIDENCE_LINEAR,
											 .is_rule = is_rule,
											 .from = -DBL_MAX,
											 .below = DBL_MAX,
											 .at_least = 0,
											 .at_most = 100}};
	JsonbIterator     *iterator;
	JsonbIteratorToken token;
	JsonbValue         item;
	char              *problem;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return psprintf("%s %d is no object", what, number);
	iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorNext(&iterator, &item, true);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) == WJB_KEY)
	{
		const Member *member = find_member(&item, is_rule);
		const char   *must;

		/* A misspelt member would change what the rule means, without a word. */
		if (member == NULL)
			return psprintf("%s %d cannot have a member \"%.*s\"", what, number,
							pg_mbcliplen(item.val.string.val, item.val.string.len, 60),
							item.val.string.val);
		JsonbIteratorNext(&iterator, &item, true);
		must = member->read(&draft, &item);
		if (must != NULL)
			return psprintf("\"%s\" of %s %d must be %s", member->name, what, number,
							must);
	}
	problem = check_draft(&draft, what, number);
	*result = draft.evidence;
	return problem;
}

/* A list of rules or terms is added behind those that the plan has. */
static char *
add_list(CgScoringPlan *plan, JsonbContainer *list, bool is_rule)
{
	int   count = JsonContainerSize(list);
	char *problem = NULL;

	if (count > MAX_EVIDENCE)
		return psprintf("there are more than %d %s", MAX_EVIDENCE,
						is_rule ? "rules" : "terms");
	if (count == 0)
		return NULL;
	if (plan->evidence == NULL)
		plan->evidence = palloc_array(CgEvidence, count);
	else
		plan->evidence =
			repalloc(plan->evidence, (plan->count + count) * sizeof(CgEvidence));
	for (int i = 0; i < count && problem == NULL; i++)
		problem = read_evidence(getIthJsonbValueFromContainer(list, i),
								&plan->evidence[plan->count++], is_rule, i + 1);
	return problem;
}

char *
cg_scoring_add_rules(CgScoringPlan *plan, Jsonb *rules)
{
	if (!JB_ROOT_IS_ARRAY(rules) || JB_ROOT_IS_SCALAR(rules))
		return pstrdup("rules must be a JSON array");
	return add_list(plan, &rules->root, true);
}

char *
cg_scoring_add_model(CgScoringPlan *plan, Jsonb *model)
{
	JsonbIterator *iterator;
	JsonbValue     key;
	JsonbValue     value;
	char          *problem = NULL;

	if (!JB_ROOT_IS_OBJECT(model))
		return pstrdup("model must be a JSON object");
	iterator = JsonbIteratorInit(&model->root);
	JsonbIteratorNext(&iterator, &key, true);
	/* The first problem is the one that is told; nobody reads a list of them. */
	while (problem == NULL && JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &value, true);
		if (key.val.string.len == 4 && memcmp(key.val.string.val, "bias", 4) == 0)
		{
			if (!read_number(&value, -MAX_WEIGHT, MAX_WEIGHT, &plan->start))
				problem = pstrdup("\"bias\" of a model must be a number from -20 to 20");
		}
		else if (key.val.string.len == 5 && memcmp(key.val.string.val, "terms", 5) == 0)
		{
			if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
				problem = pstrdup("\"terms\" of a model must be an array");
			else
				problem = add_list(plan, value.val.binary.data, false);
		}
		else
			problem = psprintf("model cannot have a member \"%.*s\"",
							   pg_mbcliplen(key.val.string.val, key.val.string.len, 60),
							   key.val.string.val);
	}
	return problem;
}
