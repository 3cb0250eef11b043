/*
 * 560_scoring.sql
 *		Scoring leads: rules of a business, scores with their reasons, and the status.
 *
 * Locks:		the lead's row, so that scores of a lead are taken one after another; new
 *				rules, the business's row.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.newest_rules(business_id uuid) RETURNS cloudgreet.scoring_rules
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    newest cloudgreet.scoring_rules;
BEGIN
    SELECT r.* INTO newest FROM cloudgreet.scoring_rules r WHERE r.business_id = newest_rules.business_id ORDER BY r.version DESC LIMIT 1;
    RETURN newest;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.newest_rules(uuid) IS 'The rules that a business scores by; NULL: the built-in ones.';

CREATE OR REPLACE FUNCTION cloudgreet_private.newest_model(business_id uuid) RETURNS cloudgreet.scoring_models
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    newest cloudgreet.scoring_models;
BEGIN
    SELECT m.* INTO newest FROM cloudgreet.scoring_models m WHERE m.business_id = newest_model.business_id ORDER BY m.version DESC LIMIT 1;
    RETURN newest;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.newest_model(uuid) IS 'The model that a business scores by; NULL: the built-in one.';

CREATE OR REPLACE FUNCTION cloudgreet_private.scored_status(status text, score integer) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN status IN ('new', 'contacted', 'unqualified') AND score >= 50 THEN 'qualified'
        WHEN status IN ('new', 'contacted') AND score < 25 THEN 'unqualified'
        ELSE status END;
COMMENT ON FUNCTION cloudgreet_private.scored_status(text, integer) IS
    'Where a score moves the status of a lead: grades A and B qualify, D rules out, and nothing takes back what people or appointments decided.';

CREATE OR REPLACE FUNCTION cloudgreet_private.keep_score(
    lead cloudgreet.leads, call_id uuid, features jsonb, earlier cloudgreet.lead_qualification) RETURNS cloudgreet.lead_qualification
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    kept cloudgreet.lead_qualification := keep_score.earlier;
    -- The same call is scored by the same rules whenever something of it becomes known.
    used_rules CONSTANT uuid := CASE WHEN kept.id IS NULL THEN (cloudgreet_private.newest_rules(lead.business_id)).id ELSE kept.rules_id END;
    used_model CONSTANT uuid := CASE WHEN kept.id IS NULL THEN (cloudgreet_private.newest_model(lead.business_id)).id ELSE kept.model_id END;
    -- What an earlier score of the call did to the status is taken back first.
    base CONSTANT text := CASE WHEN lead.status = cloudgreet_private.scored_status(kept.status_before, kept.score)
                               THEN kept.status_before ELSE lead.status END;
    result record;
    moved text;
BEGIN
    SELECT s.* INTO STRICT result FROM cloudgreet.score_features(keep_score.features,
        (SELECT r.rules FROM cloudgreet.scoring_rules r WHERE r.business_id = lead.business_id AND r.id = used_rules),
        (SELECT m.weights FROM cloudgreet.scoring_models m WHERE m.business_id = lead.business_id AND m.id = used_model)) s;
    moved := cloudgreet_private.scored_status(base, result.score);
    INSERT INTO cloudgreet.lead_qualification AS q
        (business_id, id, lead_id, call_id, score, grade, probability, criteria, reasons, model_id, rules_id, status_before)
    VALUES (lead.business_id, coalesce(kept.id, cloudgreet.uuid_v7()), lead.id, keep_score.call_id, result.score, result.grade, result.probability,
            keep_score.features, result.reasons, used_model, used_rules, nullif(base, moved))
    ON CONFLICT ON CONSTRAINT lead_qualification_pkey DO UPDATE
       SET lead_id = excluded.lead_id, score = excluded.score, grade = excluded.grade, probability = excluded.probability,
           criteria = excluded.criteria, reasons = excluded.reasons, status_before = excluded.status_before
    RETURNING q.* INTO kept;
    UPDATE cloudgreet.leads l SET status = moved
     WHERE l.business_id = lead.business_id AND l.id = lead.id AND l.status <> moved;
    PERFORM cloudgreet_private.record_once(lead.business_id, 'lead.scored', 'lead_qualification', kept.id, '{}', lead.id);
    RETURN kept;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_score(cloudgreet.leads, uuid, jsonb, cloudgreet.lead_qualification) IS
    'Scores features of a lead, whose row the caller has locked, and writes the score, in the place of an earlier one of the same call, the status, and the timeline.';

CREATE OR REPLACE FUNCTION cloudgreet_private.score_call(business_id uuid, call_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead cloudgreet.leads;
    earlier cloudgreet.lead_qualification;
    features jsonb;
BEGIN
    SELECT l.* INTO lead FROM cloudgreet.leads l
     WHERE l.business_id = score_call.business_id
       AND l.id = (SELECT c.lead_id FROM cloudgreet.calls c WHERE c.business_id = score_call.business_id AND c.id = score_call.call_id)
       FOR NO KEY UPDATE;
    IF lead.id IS NULL THEN
        RETURN; -- an anonymous caller
    END IF;
    SELECT q.* INTO earlier FROM cloudgreet.lead_qualification q
     WHERE q.business_id = score_call.business_id AND q.call_id = score_call.call_id;
    -- The lead is scored as it was known when the call was first scored.
    IF earlier.lead_id = lead.id THEN
        SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') INTO features
          FROM jsonb_each(earlier.criteria) f WHERE f.key LIKE 'lead.%';
    ELSE
        features := cloudgreet_private.lead_features(score_call.business_id, lead.id, score_call.call_id);
    END IF;
    features := features || cloudgreet_private.call_features(score_call.business_id, score_call.call_id);
    IF earlier.lead_id = lead.id AND earlier.criteria = features THEN
        RETURN; -- nothing new
    END IF;
    PERFORM cloudgreet_private.keep_score(lead, score_call.call_id, features, earlier);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.score_call(uuid, uuid) IS
    'Scores the lead of an analysed call: one row a call, the same whatever the order of its events and however often they come.';

CREATE OR REPLACE FUNCTION cloudgreet.score_lead(lead_id uuid, business_id uuid DEFAULT NULL) RETURNS cloudgreet.lead_qualification
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('score_lead', score_lead.business_id);
    lead cloudgreet.leads;
    newest_call uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    SELECT l.* INTO lead FROM cloudgreet.leads l
     WHERE l.business_id = business AND l.id = cloudgreet_private.lock_lead(business, score_lead.lead_id) FOR NO KEY UPDATE;
    IF lead.id IS NULL THEN
        RAISE EXCEPTION 'the business has no such lead' USING ERRCODE = 'no_data_found';
    END IF;
    SELECT v.call_id INTO newest_call FROM cloudgreet.agent_conversations v
     WHERE v.business_id = business AND v.lead_id = lead.id AND v.call_id IS NOT NULL
     ORDER BY v.created_at DESC, v.id DESC LIMIT 1;
    RETURN cloudgreet_private.keep_score(lead, NULL,
        cloudgreet_private.lead_features(business, lead.id, newest_call)
            || coalesce(cloudgreet_private.call_features(business, newest_call), '{}'), NULL);
END
$$;
COMMENT ON FUNCTION cloudgreet.score_lead(uuid, uuid) IS
    'Scores a lead by what is known of it now and by its newest conversation, with the newest rules and model of the business; returns the new row of lead_qualification. A lead that is new or contacted becomes qualified at 50 and more, unqualified below 25. Error P0002 when the business has no such lead.';

CREATE OR REPLACE FUNCTION cloudgreet.simulate_score(
    features jsonb, business_id uuid DEFAULT NULL,
    OUT score integer, OUT grade text, OUT probability double precision, OUT reasons jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('simulate_score', simulate_score.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    SELECT s.* INTO STRICT score, grade, probability, reasons
      FROM cloudgreet.score_features(simulate_score.features, (cloudgreet_private.newest_rules(business)).rules,
                                     (cloudgreet_private.newest_model(business)).weights) s;
END
$$;
COMMENT ON FUNCTION cloudgreet.simulate_score(jsonb, uuid) IS
    'What score_features() says of features by the newest rules and model of the business; nothing is kept. Errors: 22004 without features, 22023 for features that make no sense.';

CREATE OR REPLACE FUNCTION cloudgreet.explain_score(qualification_id uuid, business_id uuid DEFAULT NULL)
    RETURNS TABLE (feature text, points integer, reason text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('explain_score', explain_score.business_id);
    said jsonb;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    SELECT q.reasons INTO said FROM cloudgreet.lead_qualification q
     WHERE q.business_id = business AND q.id = explain_score.qualification_id;
    IF said IS NULL THEN
        RAISE EXCEPTION 'the business has no such qualification' USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY SELECT r.value ->> 'feature', (r.value ->> 'points')::integer, r.value ->> 'reason'
                   FROM jsonb_array_elements(said) WITH ORDINALITY r (value, place) ORDER BY r.place;
END
$$;
COMMENT ON FUNCTION cloudgreet.explain_score(uuid, uuid) IS
    'The reasons of a score, the largest first; their points sum to it. Error P0002 when the business has no such qualification.';

CREATE OR REPLACE FUNCTION cloudgreet.set_scoring_rules(rules jsonb, business_id uuid DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('set_scoring_rules', set_scoring_rules.business_id);
    new_id CONSTANT uuid := cloudgreet.uuid_v7();
    new_version integer;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF set_scoring_rules.rules IS NULL THEN
        RAISE EXCEPTION 'rules must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- It says which rule is wrong, where the table's constraint could not.
    PERFORM cloudgreet.score_features('{}', set_scoring_rules.rules);
    PERFORM FROM cloudgreet.businesses b WHERE b.id = business FOR NO KEY UPDATE;
    new_version := coalesce((cloudgreet_private.newest_rules(business)).version, 0) + 1;
    INSERT INTO cloudgreet.scoring_rules (business_id, id, version, rules) VALUES (business, new_id, new_version, set_scoring_rules.rules);
    PERFORM cloudgreet_private.record_event(business, 'scoring_rules.set', 'scoring_rules', new_id, jsonb_build_object('version', new_version));
    RETURN new_version;
END
$$;
COMMENT ON FUNCTION cloudgreet.set_scoring_rules(jsonb, uuid) IS
    'Has leads of the business scored by these rules from now on, and returns the number of this version; earlier versions stay, and scores name theirs. Begin with default_scoring_rules(). Admins, or operators naming the business. Errors: 22004 for NULL, 22023 for rules that make no sense.';

REVOKE ALL ON FUNCTION cloudgreet_private.newest_rules(uuid), cloudgreet_private.newest_model(uuid),
    cloudgreet_private.scored_status(text, integer),
    cloudgreet_private.keep_score(cloudgreet.leads, uuid, jsonb, cloudgreet.lead_qualification),
    cloudgreet_private.score_call(uuid, uuid),
    cloudgreet.score_lead(uuid, uuid), cloudgreet.simulate_score(jsonb, uuid), cloudgreet.explain_score(uuid, uuid),
    cloudgreet.set_scoring_rules(jsonb, uuid) FROM PUBLIC;
