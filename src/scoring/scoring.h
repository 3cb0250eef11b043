/*
 * scoring.h
 *		The score of a lead, as a pure function of features, rules and model.
 *
 * Evidence adds up in log-odds; the score is 100 times the probability that the sum
 * stands for, unless a rule bounds it.  docs/decisions/0007 tells why.
 */
#ifndef CG_SCORING_SCORING_H
#define CG_SCORING_SCORING_H

#include "postgres.h"

#include "utils/jsonb.h"

/* So many points of a rule are one unit of log-odds: the slope of the score at 50. */
#define CG_SCORING_POINTS_PER_UNIT 25.0

/* What a feature is compared with: text without regard to case, a number, or a truth. */
typedef struct CgScalar
{
	enum jbvType type; /* jbvString, jbvNumeric or jbvBool */
	const char  *text;
	int          length;
	double       number; /* of a truth: 0 or 1 */
} CgScalar;

typedef enum CgEvidenceKind
{
	CG_EVIDENCE_KNOWN,  /* has a value */
	CG_EVIDENCE_ONE_OF, /* is one of values */
	CG_EVIDENCE_RANGE,  /* from <= number < below */
	CG_EVIDENCE_LINEAR  /* a term of a model: the number times the weight */
} CgEvidenceKind;

/* A rule, or a term of a model. */
typedef struct CgEvidence
{
	CgEvidenceKind kind;
	const char    *feature;
	const char    *reason; /* for people */
	bool           is_rule;
	CgScalar      *values; /* of ONE_OF */
	int            value_count;
	double         from; /* of RANGE */
	double         below;
	double         weight;   /* log-odds */
	double         at_least; /* bounds of the score where it holds: 0 and 100 for none */
	double         at_most;
} CgEvidence;

/* Rules and model, checked and ready for use. */
typedef struct CgScoringPlan
{
	double      start; /* log-odds of a lead that nothing is known of */
	int         count;
	CgEvidence *evidence;
} CgScoringPlan;

typedef struct CgReason
{
	const char *kind; /* "start", "model", "rule", "limit" */
	const char *feature;
	const char *text;
	int         points;
	int64       share;    /* of the log-odds, in billionths */
	double      fraction; /* of a point, that rounding took */
} CgReason;

typedef struct CgScore
{
	int       score;       /* 0 to 100 */
	double    probability; /* 0 to 1 */
	int       count;
	CgReason *reasons; /* points sum to score; the largest first */
} CgScore;

/* The built-in rules and model, as JSON. */
extern const char cg_scoring_default_rules[];
extern const char cg_scoring_default_model[];

/*
 * Adds the rules (an array) or the terms and start of a model (an object) to a plan, in
 * the current memory context and without references to the JSON.  Returns what is wrong
 * with it, as the primary message of an error, or NULL.
 */
extern char *cg_scoring_add_rules(CgScoringPlan *plan, Jsonb *rules);
extern char *cg_scoring_add_model(CgScoringPlan *plan, Jsonb *model);

/*
 * Scores features, a JSON object.  What is missing, null, or of another type than a rule
 * asks for, says nothing; features that nobody asks for do not matter.  ERROR 22023 when
 * one that is asked for is an object or an array, or features is no object.
 */
extern void cg_scoring_score(const CgScoringPlan *plan, Jsonb *features, CgScore *result);

/* "A" to "D". */
extern const char *cg_scoring_grade(int score);

#endif /* CG_SCORING_SCORING_H */
