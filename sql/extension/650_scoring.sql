/*
 * 650_scoring.sql
 *		Scores as pure functions; gathering features and keeping scores is sql/api/550 and 560.
 */
CREATE FUNCTION cloudgreet.score_features(
    features jsonb, rules jsonb DEFAULT NULL, model jsonb DEFAULT NULL,
    OUT score integer, OUT grade text, OUT probability double precision, OUT reasons jsonb)
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_score_features';
COMMENT ON FUNCTION cloudgreet.score_features(jsonb, jsonb, jsonb) IS
    'The score, 0 to 100, of features (an object of numbers, texts, true and false) by rules and model (NULL: the built-in ones), with grade A to D, the probability it stands for, and reasons, [{"kind", "feature", "reason", "points"}], the largest first, whose points sum to the score. What is missing says nothing; what no rule names does not matter. Errors: 22004 without features, 22023 for features, rules or a model that make no sense.';

CREATE FUNCTION cloudgreet.default_scoring_rules() RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_default_scoring_rules';
COMMENT ON FUNCTION cloudgreet.default_scoring_rules() IS
    'The rules of a business that has none of its own: something to begin with.';

CREATE FUNCTION cloudgreet.default_scoring_model() RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_default_scoring_model';
COMMENT ON FUNCTION cloudgreet.default_scoring_model() IS
    'The model of a business that has none of its own, set by hand: {"bias", "terms"} in log-odds.';

CREATE FUNCTION cloudgreet.is_scoring_rules(value jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_scoring_rules';
COMMENT ON FUNCTION cloudgreet.is_scoring_rules(jsonb) IS
    'Whether a value is an array of scoring rules that score_features() takes. Never an error.';

CREATE FUNCTION cloudgreet.is_scoring_model(value jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_scoring_model';
COMMENT ON FUNCTION cloudgreet.is_scoring_model(jsonb) IS
    'Whether a value is a scoring model that score_features() takes. Never an error.';
