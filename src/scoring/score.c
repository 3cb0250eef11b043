/*
 * score.c
 *		Scores features by a plan, and tells which of them gave how many points.
 *
 * Shares of the log-odds are added as integers (billionths), so that the order of rules
 * and features does not matter to the last bit.  Points are each share's part of the way
 * from the start's probability to the end's, rounded by largest remainder.
 *
 * Invariant:	the points of all reasons sum to the score.
 * Memory:		the reasons, in the current context.
 * Errors:		22023, see scoring.h.
 * Called by:	scoring_sql.c
 * Shown by:	test/sql/scoring.sql, test/sql/scoring_property.sql
 */
#include "postgres.h"

#include <math.h>

#include "port.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "scoring/scoring.h"

#define BILLION 1000000000.0
#define MAX_NUMBER 1e15 /* features beyond are taken for this */
#define MAX_SHARE 20.0  /* of one feature, in log-odds */

typedef struct Bounds
{
	double            at_least;
	double            at_most;
	const CgEvidence *floor; /* the rule that set it, or NULL */
	const CgEvidence *cap;
} Bounds;

/* ---- Features --------------------------------------------------------------------- */

/* The value of a feature; false when it is missing or null. */
static bool
find_feature(Jsonb *features, const char *name, CgScalar *result)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&features->root, name, strlen(name), &value) ==
			NULL ||
		value.type == jbvNull)
		return false;
	if (value.type == jbvBinary)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("feature \"%s\" must not be an object or array", name)));

	result->type = value.type;
	if (value.type == jbvString)
	{
		result->text = value.val.string.val;
		result->length = value.val.string.len;
	}
	else if (value.type == jbvBool)
		result->number = value.val.boolean ? 1 : 0;
	else
	{
		double number = DatumGetFloat8(DirectFunctionCall1(
			numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));

		/* Infinity times a weight of zero is no number. */
		result->number = Max(Min(number, MAX_NUMBER), -MAX_NUMBER);
	}
	return true;
}

static bool
is_same(const CgScalar *a, const CgScalar *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == jbvString)
		return a->length == b->length && pg_strncasecmp(a->text, b->text, a->length) == 0;
	return a->number == b->number;
}

/* How often the weight counts: 0 when the evidence does not hold. */
static double
weigh(const CgEvidence *evidence, const CgScalar *value)
{
	switch (evidence->kind)
	{
		case CG_EVIDENCE_KNOWN:
			return 1;
		case CG_EVIDENCE_LINEAR:
			return value->type == jbvString ? 0 : value->number;
		case CG_EVIDENCE_RANGE:
			return value->type == jbvNumeric && value->number >= evidence->from &&
				   value->number < evidence->below;
		case CG_EVIDENCE_ONE_OF:
			for (int i = 0; i < evidence->value_count; i++)
			{
				if (is_same(&evidence->values[i], value))
					return 1;
			}
			return 0;
	}
	return 0;
}

/* ---- Reasons ---------------------------------------------------------------------- */

/* An order of reasons that does not depend on that of the rules. */
static int
compare_names(const CgReason *a, const CgReason *b)
{
	int order = strcmp(a->kind, b->kind);

	if (order == 0)
		order = strcmp(a->feature, b->feature);
	if (order == 0)
		order = strcmp(a->text, b->text);
	return order != 0 ? order : (a->share > b->share) - (a->share < b->share);
}

static int
compare_fractions(const void *left, const void *right)
{
	const CgReason *a = left;
	const CgReason *b = right;

	if (a->fraction != b->fraction)
		return a->fraction > b->fraction ? -1 : 1;
	return compare_names(a, b);
}

static int
compare_points(const void *left, const void *right)
{
	const CgReason *a = left;
	const CgReason *b = right;

	if (abs(a->points) != abs(b->points))
		return abs(a->points) > abs(b->points) ? -1 : 1;
	return compare_names(a, b);
}

static double
probability_of(double log_odds)
{
	/* By the sign, so that exp() cannot overflow. */
	double small = exp(-fabs(log_odds));

	return log_odds >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/*
 * Divides the points of a score before bounds among the reasons, the first of which is
 * the start.  The slope between start and end is never negative: what speaks for a lead
 * is never shown as speaking against it.
 */
static void
divide_points(CgReason *reasons, int count, double start, int64 total, int score)
{
	double change = total / BILLION;
	double before = probability_of(start);
	double after = probability_of(start + change);
	double slope = fabs(change) < 1e-6 ? after * (1 - after) : (after - before) / change;
	int    given = 0;

	for (int i = 0; i < count; i++)
	{
		double points = 100 * (i == 0 ? before : slope * (reasons[i].share / BILLION));

		reasons[i].points = (int) floor(points);
		reasons[i].fraction = points - reasons[i].points;
		given += reasons[i].points;
	}
	qsort(reasons, count, sizeof(CgReason), compare_fractions);
	/* Never more than one a reason, but for the last bits of a double. */
	for (int i = 0; given != score; i = (i + 1) % count)
	{
		int step = given < score ? 1 : -1;

		reasons[i].points += step;
		given += step;
	}
}

static void
add_reason(CgScore *result, const char *kind, const char *feature, const char *text,
		   int64 share)
{
	CgReason *reason = &result->reasons[result->count++];

	memset(reason, 0, sizeof(*reason));
	reason->kind = kind;
	reason->feature = feature;
	reason->text = text;
	reason->share = share;
}

/* ---- The score -------------------------------------------------------------------- */

static bool
is_before(const CgEvidence *a, const CgEvidence *b)
{
	int order = strcmp(a->feature, b->feature);

	return order < 0 || (order == 0 && strcmp(a->reason, b->reason) < 0);
}

/* Of equal bounds the first by name is told, whatever the order of the rules. */
static void
take_bounds(Bounds *bounds, const CgEvidence *evidence)
{
	if (evidence->at_least > bounds->at_least ||
		(bounds->floor != NULL && evidence->at_least == bounds->at_least &&
		 is_before(evidence, bounds->floor)))
	{
		bounds->at_least = evidence->at_least;
		bounds->floor = evidence;
	}
	if (evidence->at_most < bounds->at_most ||
		(bounds->cap != NULL && evidence->at_most == bounds->at_most &&
		 is_before(evidence, bounds->cap)))
	{
		bounds->at_most = evidence->at_most;
		bounds->cap = evidence;
	}
}

/* The upper bound is the stronger: a spam call that books is a spam call. */
static void
apply_bounds(CgScore *result, const Bounds *bounds)
{
	const CgEvidence *reason = NULL;
	int               score;

	if (100 * result->probability < bounds->at_least)
	{
		result->probability = bounds->at_least / 100;
		reason = bounds->floor;
	}
	if (100 * result->probability > bounds->at_most)
	{
		result->probability = bounds->at_most / 100;
		reason = bounds->cap;
	}
	if (reason == NULL)
		return;
	score = (int) rint(100 * result->probability);
	add_reason(
		result, "limit", reason->feature,
		psprintf("%s: %s %d", reason->reason,
				 reason == bounds->cap ? "at most" : "at least",
				 (int) rint(reason == bounds->cap ? bounds->at_most : bounds->at_least)),
		0);
	result->reasons[result->count - 1].points = score - result->score;
	result->score = score;
}

void
cg_scoring_score(const CgScoringPlan *plan, Jsonb *features, CgScore *result)
{
	Bounds bounds = {.at_least = 0, .at_most = 100};
	int64  total = 0;

	if (!JB_ROOT_IS_OBJECT(features))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("features must be a JSON object")));

	/* All may hold, besides the start and a bound. */
	result->reasons = palloc_array(CgReason, plan->count + 2);
	result->count = 0;
	add_reason(result, "start", "start", "Where every lead starts", 0);
	for (int i = 0; i < plan->count; i++)
	{
		const CgEvidence *evidence = &plan->evidence[i];
		CgScalar          value = {0};
		double            times;
		int64             share;

		/* What is not known says nothing, neither for nor against. */
		if (!find_feature(features, evidence->feature, &value))
			continue;
		times = weigh(evidence, &value);
		if (times == 0)
			continue;
		share =
			llrint(BILLION * Max(Min(evidence->weight * times, MAX_SHARE), -MAX_SHARE));
		add_reason(result, evidence->is_rule ? "rule" : "model", evidence->feature,
				   evidence->reason, share);
		total += share;
		take_bounds(&bounds, evidence);
	}
	result->probability = probability_of(plan->start + total / BILLION);
	result->score = (int) rint(100 * result->probability);
	divide_points(result->reasons, result->count, plan->start, total, result->score);
	/* Bounds come last, so that their reason shows what they took or gave. */
	apply_bounds(result, &bounds);
	qsort(result->reasons, result->count, sizeof(CgReason), compare_points);
}

const char *
cg_scoring_grade(int score)
{
	return score >= 75 ? "A" : score >= 50 ? "B" : score >= 25 ? "C" : "D";
}
