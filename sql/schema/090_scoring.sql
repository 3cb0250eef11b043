/*
 * 090_scoring.sql
 *		What a score was taken of, and rules and models that can be used.
 */
ALTER TABLE cloudgreet.lead_qualification
    ADD COLUMN call_id uuid,
    ADD COLUMN status_before text,
    ADD CONSTRAINT lead_qualification_call_id_fkey FOREIGN KEY (business_id, call_id)
        REFERENCES cloudgreet.calls (business_id, id),
    ADD CONSTRAINT lead_qualification_business_id_call_id_key UNIQUE (business_id, call_id),
    ADD CONSTRAINT lead_qualification_status_before_check CHECK (status_before IN ('new', 'contacted', 'unqualified'));
COMMENT ON COLUMN cloudgreet.lead_qualification.call_id IS 'The call whose analysis was scored; one row a call, kept in step with what becomes known of it. NULL: scored on request.';
COMMENT ON COLUMN cloudgreet.lead_qualification.status_before IS 'The lead''s status before this score moved it; NULL: it did not.';
COMMENT ON TABLE cloudgreet.lead_qualification IS 'Scores of leads with their reasons, one for each analysed call and each request; the newest counts.';

ALTER TABLE cloudgreet.scoring_rules ADD CONSTRAINT scoring_rules_rules_form_check CHECK (cloudgreet.is_scoring_rules(rules));
ALTER TABLE cloudgreet.scoring_models ADD CONSTRAINT scoring_models_weights_check CHECK (cloudgreet.is_scoring_model(weights));
COMMENT ON COLUMN cloudgreet.scoring_rules.rules IS '[{"feature", one condition ("is", "one_of", "known", or "from" and "below"), "points", "at_least", "at_most", "reason"}]; see docs/scoring.md.';
COMMENT ON COLUMN cloudgreet.scoring_models.weights IS '{"bias", "terms": [{"feature", a condition or none, "weight", "reason"}]}, in log-odds; see docs/scoring.md.';
