/*
 * scoring_property.sql
 *		What holds for scores of any features, rules and models: 2,000 at random.
 *
 * What does not hold is printed with the seed: PGOPTIONS="-c test.seed=0.123" repeats a run.
 */
\set ECHO none
SELECT coalesce(nullif(current_setting('test.seed', true), '')::float8, extract(epoch FROM clock_timestamp())::bigint % 100000 / 100000.0) AS seed \gset
SELECT setseed(:seed) IS NULL AS unused \gset
CREATE FUNCTION public.random_value() RETURNS jsonb LANGUAGE sql VOLATILE AS
$$
    SELECT CASE floor(random() * 8)::int
        WHEN 0 THEN 'null' WHEN 1 THEN 'true' WHEN 2 THEN 'false' WHEN 3 THEN to_jsonb(floor(random() * 5)::int)
        WHEN 4 THEN to_jsonb(((random() - 0.5) * power(10, random() * 20))::numeric) WHEN 5 THEN to_jsonb((array['web', 'Web', '', 'é', 'x'])[1 + floor(random() * 5)::int])
        WHEN 6 THEN '1e500' ELSE to_jsonb(floor(random() * 400)::int) END::jsonb;
$$;
CREATE FUNCTION public.random_condition() RETURNS jsonb LANGUAGE sql VOLATILE AS
$$
    SELECT CASE floor(random() * 4)::int WHEN 0 THEN '{"known": true}'::jsonb WHEN 1 THEN jsonb_build_object('is', random() > 0.5)
        WHEN 2 THEN jsonb_build_object('from', floor(random() * 4)) ELSE '{"one_of": ["web", true, 1, 2]}' END;
$$;
-- Names a to h; the points have decimals, or sums would hardly need rounding.
CREATE TEMP TABLE sample AS
SELECT n, (SELECT jsonb_object_agg(chr(97 + i), public.random_value()) FROM generate_series(0, 7) i WHERE random() > 0.2 OR i + n * 0 = 0) AS features,
       (SELECT coalesce(jsonb_agg(public.random_condition() || jsonb_build_object('feature', chr(97 + (random() * 7)::int), 'points', round(((random() - 0.5) * 80 + g * 0)::numeric, 2))
                         || CASE WHEN random() < 0.1 THEN jsonb_build_object('at_most', round(random() * 100)) WHEN random() < 0.1 THEN jsonb_build_object('at_least', round(random() * 100)) ELSE '{}' END), '[]')
          FROM generate_series(1, (random() * 12 + n * 0)::int) g) AS rules,
       CASE WHEN random() < 0.7 THEN jsonb_build_object('bias', round(((random() - 0.5) * 6)::numeric, 3), 'terms',
           (SELECT jsonb_agg(jsonb_build_object('feature', chr(97 + i), 'weight', round(((random() - 0.5) * 2)::numeric, 4))) FROM generate_series(0, 7) i WHERE n > 0)) END AS model
  FROM generate_series(1, 2000) n;
CREATE TEMP TABLE scored AS SELECT p.*, s.* FROM sample p, cloudgreet.score_features(features, rules, model) s;
-- What does not hold, by sample.
CREATE TEMP VIEW broken AS
SELECT 'points do not sum to the score' AS what, n FROM scored WHERE score <> (SELECT sum((r ->> 'points')::int) FROM jsonb_array_elements(reasons) r)
UNION ALL SELECT 'out of bounds', n FROM scored WHERE score NOT BETWEEN 0 AND 100 OR NOT probability BETWEEN 0 AND 1 OR probability = 'NaN' OR score <> round(100 * probability)
UNION ALL SELECT 'grade', n FROM scored WHERE grade <> CASE WHEN score >= 75 THEN 'A' WHEN score >= 50 THEN 'B' WHEN score >= 25 THEN 'C' ELSE 'D' END
UNION ALL SELECT 'not the largest first', n FROM scored WHERE reasons <> (SELECT jsonb_agg(r ORDER BY abs((r ->> 'points')::int) DESC, place) FROM jsonb_array_elements(reasons) WITH ORDINALITY t (r, place))
UNION ALL SELECT 'a reason without words', n FROM scored, jsonb_array_elements(reasons) r WHERE r ->> 'reason' = '' OR r ->> 'feature' = ''
UNION ALL SELECT 'keys in another order', p.n FROM scored p,
    cloudgreet.score_features((SELECT ('{' || string_agg(to_json(key) || ':' || value, ',' ORDER BY md5(key || p.n)) || '}')::jsonb FROM jsonb_each(p.features)), rules, model) s
    WHERE s.reasons <> p.reasons OR s.score <> p.score
UNION ALL SELECT 'rules in another order', p.n FROM scored p,
    cloudgreet.score_features(features, (SELECT coalesce(jsonb_agg(r ORDER BY md5(r::text || p.n)), '[]') FROM jsonb_array_elements(rules) r), model) s
    WHERE s.reasons <> p.reasons OR s.score <> p.score OR s.probability <> p.probability
UNION ALL SELECT 'points against what they speak for', n FROM scored p, jsonb_array_elements(rules) r,
    cloudgreet.score_features(features, jsonb_build_array(r - '{at_least,at_most}'::text[]), '{}') s, jsonb_array_elements(s.reasons) e
    WHERE e ->> 'kind' = 'rule' AND (e ->> 'points')::int * (r ->> 'points')::numeric < 0
UNION ALL SELECT 'one more rule that gives points lowers the score', n FROM scored p,
    cloudgreet.score_features(features || '{"z": true}', rules || '[{"feature": "z", "is": true, "points": 7}]', model) s WHERE s.score < p.score;
\set ECHO all
SELECT count(*) AS samples, count(DISTINCT score) > 50 AS many_scores, count(*) FILTER (WHERE reasons @> '[{"kind": "limit"}]') > 50 AS some_bounded FROM scored;
-- No rows.
SELECT what, count(*), min(n) AS first, :seed AS seed FROM broken GROUP BY what;
\set ECHO none
DROP FUNCTION public.random_condition();
DROP FUNCTION public.random_value();
