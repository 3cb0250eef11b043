/*
 * 050_scoring.sql
 *		How leads are scored, and what became of them.
 */
CREATE TABLE cloudgreet.scoring_models (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    version     integer NOT NULL,
    weights     jsonb NOT NULL,
    metrics     jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT scoring_models_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT scoring_models_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT scoring_models_business_id_version_key UNIQUE (business_id, version),
    CONSTRAINT scoring_models_version_check CHECK (version > 0)
);
COMMENT ON TABLE cloudgreet.scoring_models IS 'Trained models of a business; a version never changes.';
COMMENT ON COLUMN cloudgreet.scoring_models.metrics IS 'AUC, log loss and calibration error on held-out leads.';

CREATE TABLE cloudgreet.scoring_rules (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    version     integer NOT NULL,
    rules       jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT scoring_rules_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT scoring_rules_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT scoring_rules_business_id_version_key UNIQUE (business_id, version),
    CONSTRAINT scoring_rules_version_check CHECK (version > 0),
    CONSTRAINT scoring_rules_rules_check CHECK (jsonb_typeof(rules) = 'array')
);
COMMENT ON TABLE cloudgreet.scoring_rules IS 'The points that a business gives; a version never changes.';

CREATE TABLE cloudgreet.lead_qualification (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid NOT NULL,
    score       integer NOT NULL,
    grade       text,
    probability double precision,
    criteria    jsonb NOT NULL DEFAULT '{}',
    reasons     jsonb NOT NULL DEFAULT '[]',
    notes       text,
    model_id    uuid,
    rules_id    uuid,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT lead_qualification_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT lead_qualification_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id) ON DELETE CASCADE,
    CONSTRAINT lead_qualification_model_id_fkey FOREIGN KEY (business_id, model_id) REFERENCES cloudgreet.scoring_models (business_id, id),
    CONSTRAINT lead_qualification_rules_id_fkey FOREIGN KEY (business_id, rules_id) REFERENCES cloudgreet.scoring_rules (business_id, id),
    CONSTRAINT lead_qualification_score_check CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT lead_qualification_grade_check CHECK (grade IN ('A', 'B', 'C', 'D')),
    CONSTRAINT lead_qualification_probability_check CHECK (probability BETWEEN 0 AND 1),
    CONSTRAINT lead_qualification_reasons_check CHECK (jsonb_typeof(reasons) = 'array')
);
CREATE INDEX lead_qualification_lead_id ON cloudgreet.lead_qualification (business_id, lead_id, created_at DESC);
CREATE INDEX lead_qualification_model_id ON cloudgreet.lead_qualification (business_id, model_id);
CREATE INDEX lead_qualification_rules_id ON cloudgreet.lead_qualification (business_id, rules_id);
COMMENT ON TABLE cloudgreet.lead_qualification IS 'Scores of leads with their reasons; rows are added, the newest counts.';
COMMENT ON COLUMN cloudgreet.lead_qualification.score IS '0 to 100.';
COMMENT ON COLUMN cloudgreet.lead_qualification.criteria IS 'The features at the time of scoring.';
COMMENT ON COLUMN cloudgreet.lead_qualification.reasons IS 'Points by feature or rule; they sum to the score.';

CREATE TABLE cloudgreet.lead_outcomes (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid NOT NULL,
    outcome     text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT lead_outcomes_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT lead_outcomes_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id) ON DELETE CASCADE,
    CONSTRAINT lead_outcomes_outcome_check CHECK (outcome IN ('booked', 'completed', 'won', 'lost', 'no_show', 'canceled'))
);
CREATE INDEX lead_outcomes_lead_id ON cloudgreet.lead_outcomes (business_id, lead_id, occurred_at);
CREATE INDEX lead_outcomes_occurred_at ON cloudgreet.lead_outcomes (business_id, occurred_at);
COMMENT ON TABLE cloudgreet.lead_outcomes IS 'What became of leads; rows are added, never changed. Models learn from it.';
