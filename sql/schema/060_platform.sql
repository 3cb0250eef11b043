/*
 * 060_platform.sql
 *		What happened: the timeline, the audit log, alerts.
 *
 * The histories are partitioned by ranges of the UUIDv7 id, that is by month, and are
 * dropped by partition.  maintain_partitions() makes the partitions ahead.
 */
CREATE TABLE cloudgreet.events (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    event_type  text NOT NULL,
    subject_type text NOT NULL,
    subject_id  uuid NOT NULL,
    lead_id     uuid,
    actor_id    uuid,
    data        jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT events_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT events_event_type_check CHECK (event_type ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$' AND length(event_type) <= 80),
    CONSTRAINT events_subject_type_check CHECK (subject_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT events_data_check CHECK (jsonb_typeof(data) = 'object')
) PARTITION BY RANGE (id);
CREATE INDEX events_lead_id ON cloudgreet.events (business_id, lead_id, id);
CREATE INDEX events_subject_id ON cloudgreet.events (business_id, subject_id, id);
COMMENT ON TABLE cloudgreet.events IS 'The timeline: one row for each thing that happened. Rows are added, never changed; no foreign keys, so that history outlives what it tells of.';
COMMENT ON COLUMN cloudgreet.events.event_type IS 'subject.verb, for example lead.created.';
COMMENT ON COLUMN cloudgreet.events.actor_id IS 'The user who did it; NULL: the system, or someone outside.';

CREATE TABLE cloudgreet.audit_log (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    action      text NOT NULL,
    subject_type text NOT NULL,
    subject_id  uuid,
    actor_id    uuid,
    data        jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT audit_log_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT audit_log_action_check CHECK (length(action) BETWEEN 1 AND 80)
) PARTITION BY RANGE (id);
COMMENT ON TABLE cloudgreet.audit_log IS 'Who changed what that matters for trust: people, keys, secrets, settings. Rows are added, never changed.';

CREATE TABLE cloudgreet.alerts (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    alert_type  text NOT NULL,
    message     text NOT NULL,
    status      text NOT NULL DEFAULT 'open',
    resolved_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT alerts_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT alerts_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT alerts_alert_type_check CHECK (alert_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT alerts_status_check CHECK (status IN ('open', 'acknowledged', 'resolved'))
);
CREATE UNIQUE INDEX alerts_open_key ON cloudgreet.alerts (business_id, alert_type) WHERE status <> 'resolved';
COMMENT ON TABLE cloudgreet.alerts IS 'What a business should look at.';
COMMENT ON INDEX cloudgreet.alerts_open_key IS 'An alert of a type is open once.';

-- The permission matrix; its rows are those of sql/api/800_permissions.sql.
CREATE TABLE cloudgreet_private.permissions (
    table_name  text NOT NULL,
    app_role    text NOT NULL,
    verb        text NOT NULL,
    CONSTRAINT permissions_pkey PRIMARY KEY (table_name, app_role, verb),
    CONSTRAINT permissions_app_role_check CHECK (app_role IN ('admin', 'user', 'agent', 'service_role')),
    CONSTRAINT permissions_verb_check CHECK (verb IN ('select', 'insert', 'update', 'delete'))
);
COMMENT ON TABLE cloudgreet_private.permissions IS
    'What each application role may do in a table of schema cloudgreet. Policies, grants and their tests are generated from it.';
COMMENT ON COLUMN cloudgreet_private.permissions.app_role IS
    'admin, user, agent; or the database role service_role, which passes row security and is held by grants only.';
