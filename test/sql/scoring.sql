/*
 * scoring.sql
 *		Scores: what a lead is worth by features, rules and model, and why; versions of
 *		rules; leads of the business only.  Random features are in scoring_property.sql.
 */
\set ECHO none
\set VERBOSITY terse
CREATE FUNCTION public.refusal(features jsonb, rules jsonb DEFAULT NULL, model jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    RETURN 'ACCEPTED: ' || (cloudgreet.score_features(features, rules, model)).score;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
\set ECHO all
-- A hot lead, a lukewarm one, a cold one, and one that nothing is known of.
SELECT name, s.score, s.grade, round(s.probability::numeric, 3) AS probability, (SELECT sum((r ->> 'points')::int) FROM jsonb_array_elements(s.reasons) r) AS points
  FROM (VALUES
    (1, 'hot', '{"call.urgent": true, "call.service": "Roof repair", "call.address": true, "call.sentiment": "Positive", "call.seconds": 240, "lead.calls": 2}'::jsonb),
    (2, 'lukewarm', '{"call.service": "Roof repair", "call.seconds": 70}'),
    (3, 'cold', '{"call.voicemail": true, "call.sentiment": "negative", "call.seconds": 5, "lead.no_shows": 1}'),
    (4, 'nothing known', '{}'),
    (5, 'nulls', '{"call.urgent": null, "lead.calls": null}'),
    (6, 'other things known', '{"shoe_size": 46, "nested": {"a": [1]}}'),
    (7, 'booked', '{"call.booked": true}'),
    (8, 'spam', '{"call.spam": true, "call.urgent": true, "call.service": "Everything"}'),
    (9, 'spam that booked', '{"call.spam": true, "call.booked": true}'),
    (10, 'opted out', '{"lead.opted_out": true, "call.urgent": true, "call.address": true}')
  ) t (n, name, features), cloudgreet.score_features(features) s ORDER BY n;
-- Why: the largest first; a bound is a reason of its own.
SELECT r ->> 'kind' AS kind, r ->> 'feature' AS feature, (r ->> 'points')::int AS points, r ->> 'reason' AS reason
  FROM cloudgreet.score_features('{"call.urgent": true, "call.booked": true, "call.sentiment": "negative", "call.seconds": 61}'), jsonb_array_elements(reasons) r;
SELECT r ->> 'kind' AS kind, (r ->> 'points')::int AS points, r ->> 'reason' AS reason
  FROM cloudgreet.score_features('{"call.urgent": true, "call.address": true, "call.service": "Roof repair", "lead.opted_out": true}'), jsonb_array_elements(reasons) r;
-- Each rule that gives points raises the score of a lead in the middle, each that takes points lowers it.
SELECT count(*) AS rules, count(*) FILTER (WHERE sign(s.score - z.score) = sign((r ->> 'points')::numeric)) AS as_it_says
  FROM jsonb_array_elements(cloudgreet.default_scoring_rules()) r,
       LATERAL (SELECT CASE WHEN r ? 'is' THEN r -> 'is' WHEN r ? 'from' THEN r -> 'from' ELSE '"x"' END) v (value),
       cloudgreet.score_features('{}') z, LATERAL cloudgreet.score_features(jsonb_build_object(r ->> 'feature', v.value)) s;
-- Conditions: equal (whatever the case), one of several, known, bounds; another type says nothing.
SELECT condition, value, (s.reasons @> '[{"kind": "rule"}]') AS holds
  FROM (VALUES (1, '"is": "Web"', '"WEB"'), (2, '"is": 3', '3.0'), (3, '"is": 3', '"3"'), (4, '"is": true', '1'), (5, '"is": false', 'false'),
               (6, '"one_of": ["a", 2, true]', '2'), (7, '"one_of": ["a", 2, true]', '"b"'), (8, '"known": true', '""'), (9, '"known": true', 'null'),
               (10, '"from": 2', '2'), (11, '"below": 2', '2'), (12, '"from": 1, "below": 2', '1.5'), (13, '"from": 2', '"3"'), (14, '"from": 2', '1e400')
       ) t (n, condition, value),
       cloudgreet.score_features(('{"x": ' || value || '}')::jsonb, ('[{"feature": "x", "points": 5, ' || condition || '}]')::jsonb) s ORDER BY n;
-- A model of its own: a term without a condition counts by the amount.
SELECT s.score, s.reasons FROM cloudgreet.score_features('{"rooms": 3, "source": "web"}', '[]',
    '{"bias": -1, "terms": [{"feature": "rooms", "weight": 0.5}, {"feature": "source", "is": "web", "weight": -0.25}]}') s;
-- Bounds: whatever is given, 0 to 100.
SELECT s.score, s.grade, s.probability BETWEEN 0 AND 1 AS is_probability
  FROM (VALUES (1, 100), (2, -100)) t (n, points),
       LATERAL (SELECT jsonb_agg(jsonb_build_object('feature', 'x', 'from', g * 0, 'points', points)) FROM generate_series(1, 2000) g) r (rules),
       LATERAL cloudgreet.score_features('{"x": 1e300}', r.rules,
                                 '{"terms": [{"feature": "x", "weight": 20}, {"feature": "x", "weight": -20}]}') s ORDER BY n;
SELECT grade, min(score), max(score) FROM generate_series(0, 100) at_most,
       cloudgreet.score_features('{"x": 1}', jsonb_build_array(jsonb_build_object('feature', 'x', 'is', 1, 'points', 100, 'at_least', at_most, 'at_most', at_most))) GROUP BY 1 ORDER BY 1;
-- What makes no sense is refused, with what is wrong.
SELECT public.refusal(features, rules, model) FROM (VALUES
    (1, NULL::jsonb, NULL::jsonb, NULL::jsonb), (2, '[]', NULL, NULL), (3, '7', NULL, NULL), (4, '{"call.urgent": {"a": 1}}', NULL, NULL),
    (5, '{"call.urgent": [true]}', NULL, NULL), (6, '{}', '{}', NULL), (7, '{}', '"x"', NULL), (8, '{}', '[7]', NULL), (9, '{}', '[{}]', NULL),
    (10, '{}', '[{"feature": "x", "points": 5}]', NULL), (11, '{}', '[{"feature": "x", "is": 1}]', NULL),
    (12, '{}', '[{"feature": "x", "is": 1, "points": 101}]', NULL), (13, '{}', '[{"feature": "x", "is": 1, "points": "5"}]', NULL),
    (14, '{}', '[{"feature": "x", "is": null, "points": 5}]', NULL), (15, '{}', '[{"feature": "x", "is": 1, "known": true, "points": 5}]', NULL),
    (16, '{}', '[{"feature": "x", "from": 2, "below": 1, "points": 5}]', NULL), (17, '{}', '[{"feature": "x", "from": 1e400, "points": 5}]', NULL),
    (18, '{}', '[{"feature": "x", "is": 1, "at_least": 60, "at_most": 40}]', NULL), (19, '{}', '[{"feature": "x", "is": 1, "pints": 5}]', NULL),
    (20, '{}', '[{"feature": "x", "one_of": [], "points": 5}]', NULL), (21, '{}', '[{"feature": "", "is": 1, "points": 5}]', NULL),
    (22, '{}', NULL, '[]'), (23, '{}', NULL, '{"bias": "high"}'), (24, '{}', NULL, '{"terms": {}}'), (25, '{}', NULL, '{"terms": [{"feature": "x"}]}'),
    (26, '{}', NULL, '{"terms": [{"feature": "x", "weight": 21}]}'), (27, '{}', NULL, '{"intercept": 1}'), (28, '{}', '[]', '{}'),
    (29, '{}', (SELECT jsonb_agg('{"feature": "x", "is": 1, "points": 5}'::jsonb) FROM generate_series(1, 2001)), NULL)
  ) t (n, features, rules, model) ORDER BY n;

\set ECHO none
SELECT cloudgreet.create_business('Score Test', 'America/New_York') AS business, cloudgreet.create_business('Neighbour', 'America/New_York') AS other \gset
SELECT cloudgreet.create_agent('Front desk', business_id => :'business') AS agent, cloudgreet.create_service('Roof Inspection', 60, business_id => :'business') AS service \gset
INSERT INTO cloudgreet.leads (business_id, phone, name, email, source, custom_fields) VALUES
    (:'business', '+13125550131', 'Ann', 'ann@example.com', 'web', '{"vip": true, "list": [1]}') RETURNING id AS ann \gset
INSERT INTO cloudgreet.leads (business_id, phone, source) VALUES (:'business', '+13125550132', 'call') RETURNING id AS bob \gset
INSERT INTO cloudgreet.leads (business_id, phone) VALUES (:'other', '+13125550133') RETURNING id AS eve \gset
INSERT INTO cloudgreet.calls (business_id, lead_id, direction, status, duration) VALUES (:'business', :'ann', 'inbound', 'completed', 200) RETURNING id AS call \gset
INSERT INTO cloudgreet.agent_conversations (business_id, agent_id, lead_id, call_id, sentiment, transcript, analysis) VALUES
    (:'business', :'agent', :'ann', :'call', 'positive', '[{"role": "agent", "content": "Is it an emergency?"}, {"role": "user", "content": "Yes, the roof is leaking, I want a roof inspection at 12 Elm Street."}]',
     '{"custom_analysis_data": {"budget": 900, "spam": "No", "urgency": "unknown", "color": "red", "deep": {}}}');
INSERT INTO cloudgreet.calls (business_id, lead_id, direction, status, duration) VALUES (:'business', :'bob', 'inbound', 'completed', 4) RETURNING id AS bobs_call \gset
INSERT INTO cloudgreet.agent_conversations (business_id, agent_id, lead_id, call_id, transcript) VALUES
    (:'business', :'agent', :'bob', :'bobs_call', '[{"role": "user", "content": "Sorry, wrong number."}]');
SELECT id AS qualification FROM cloudgreet.score_lead(:'ann', :'business') \gset
\set ECHO all
-- A lead's features come from its row, its calls, and what was said and answered in the newest.
SELECT score, grade, jsonb_pretty(criteria) AS criteria, rules_id, call_id, status_before FROM cloudgreet.lead_qualification WHERE id = :'qualification';
SELECT * FROM cloudgreet.explain_score(:'qualification', :'business');
SELECT score, grade, criteria - '{call.direction,lead.source}'::text[] AS criteria, status_before FROM cloudgreet.score_lead(:'bob', :'business');
-- The status follows forward only, and the timeline tells.
SELECT name, status FROM cloudgreet.leads WHERE business_id = :'business' ORDER BY phone;
SELECT event_type, subject_type, lead_id = :'ann' AS is_ann FROM cloudgreet.events WHERE business_id = :'business' AND event_type = 'lead.scored' ORDER BY id;
SELECT status, array_agg(cloudgreet_private.scored_status(status, score) ORDER BY score) AS "at 0, 24, 25, 49, 50, 100"
  FROM unnest('{new,contacted,unqualified,qualified,booked,won,lost}'::text[]) WITH ORDINALITY s (status, n), unnest('{0,24,25,49,50,100}'::int[]) score GROUP BY n, status ORDER BY n;
-- Rules of the business: versions that never change; a score names the one it was taken by.
SELECT cloudgreet.set_scoring_rules('[{"feature": "lead.field.vip", "is": true, "points": 50, "reason": "Is a VIP"}]', :'business') AS version;
SELECT cloudgreet.set_scoring_rules('[{"feature": "call.answer.color", "is": "red", "points": -50, "at_most": 10, "reason": "Likes red"}]', :'business') AS version;
SELECT q.score, r.version, q.reasons @> '[{"reason": "Likes red"}]' AS by_it FROM cloudgreet.score_lead(:'ann', :'business') q, cloudgreet.scoring_rules r WHERE r.id = q.rules_id;
SELECT score, grade FROM cloudgreet.simulate_score('{"call.answer.color": "RED"}', :'business');
SELECT score, grade FROM cloudgreet.simulate_score('{"call.answer.color": "RED"}', :'other');
SELECT version, rules -> 0 ->> 'reason' AS first FROM cloudgreet.scoring_rules WHERE business_id = :'business' ORDER BY version;
SELECT status FROM cloudgreet.leads WHERE id = :'ann';
-- An old score is the same when it is taken again.
SELECT s.score = q.score AND s.reasons = q.reasons AS same FROM cloudgreet.lead_qualification q, cloudgreet.score_features(q.criteria) s WHERE q.id = :'qualification';
-- Refused: rules that make no sense (by the table too), leads and scores of others.
\set VERBOSITY sqlstate
SELECT cloudgreet.set_scoring_rules('[{"feature": "x"}]', :'business');
SELECT cloudgreet.set_scoring_rules(NULL, :'business');
INSERT INTO cloudgreet.scoring_rules (business_id, version, rules) VALUES (:'business', 9, '[{"feature": "x"}]');
INSERT INTO cloudgreet.scoring_models (business_id, version, weights) VALUES (:'business', 9, '{"x": 1}');
SELECT cloudgreet.score_lead(:'eve', :'business');
SELECT cloudgreet.score_lead(NULL, :'business');
SELECT * FROM cloudgreet.explain_score(:'qualification', :'other');
SELECT cloudgreet.simulate_score(NULL, :'business');
-- Tenants score their own; rules are for admins.
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'business', 'role', 'agent')::text, true) IS NOT NULL AS signed_in;
SELECT score FROM cloudgreet.score_lead(:'ann');
SELECT score FROM cloudgreet.simulate_score('{}');
SELECT count(*) > 1 AS told FROM cloudgreet.explain_score(:'qualification');
SAVEPOINT a;
SELECT cloudgreet.score_lead(:'eve');
ROLLBACK TO a;
SELECT cloudgreet.set_scoring_rules('[]');
ROLLBACK TO a;
SELECT cloudgreet.score_lead(:'eve', :'other');
ROLLBACK;
RESET SESSION AUTHORIZATION;
-- A business goes with all of it.
DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
SELECT count(*) FROM cloudgreet.lead_qualification WHERE business_id IN (:'business', :'other');
\set ECHO none
DROP FUNCTION public.refusal(jsonb, jsonb, jsonb);
