/*
 * 040_automation.sql
 *		Templates, sequences, and what people agreed to or refused.
 */
CREATE TABLE cloudgreet.message_templates (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    channel     text NOT NULL,
    locale      text NOT NULL DEFAULT 'en-US',
    subject     text,
    content     text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT message_templates_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT message_templates_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT message_templates_business_id_name_channel_locale_key UNIQUE (business_id, name, channel, locale),
    CONSTRAINT message_templates_name_check CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT message_templates_channel_check CHECK (channel IN ('sms', 'email')),
    CONSTRAINT message_templates_subject_check CHECK ((channel = 'email') = (subject IS NOT NULL)),
    CONSTRAINT message_templates_content_check CHECK (length(content) BETWEEN 1 AND 20000)
);
COMMENT ON TABLE cloudgreet.message_templates IS 'Texts of messages, with {{variables}}.';

CREATE TABLE cloudgreet.sequences (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    stop_on     text[] NOT NULL DEFAULT '{reply,booking,opt_out}',
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT sequences_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT sequences_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT sequences_business_id_name_key UNIQUE (business_id, name),
    CONSTRAINT sequences_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT sequences_stop_on_check CHECK (stop_on <@ '{reply,booking,opt_out}')
);
COMMENT ON TABLE cloudgreet.sequences IS 'Follow-ups: messages sent one after another until something stops them.';
COMMENT ON COLUMN cloudgreet.sequences.stop_on IS 'What ends an enrollment; opt_out always does.';

CREATE TABLE cloudgreet.sequence_steps (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    sequence_id uuid NOT NULL,
    position    integer NOT NULL,
    delay_minutes integer NOT NULL,
    channel     text NOT NULL,
    template_id uuid NOT NULL,
    CONSTRAINT sequence_steps_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT sequence_steps_sequence_id_fkey FOREIGN KEY (business_id, sequence_id) REFERENCES cloudgreet.sequences (business_id, id) ON DELETE CASCADE,
    CONSTRAINT sequence_steps_template_id_fkey FOREIGN KEY (business_id, template_id) REFERENCES cloudgreet.message_templates (business_id, id),
    CONSTRAINT sequence_steps_business_id_sequence_id_position_key UNIQUE (business_id, sequence_id, position),
    CONSTRAINT sequence_steps_position_check CHECK (position > 0),
    CONSTRAINT sequence_steps_delay_minutes_check CHECK (delay_minutes BETWEEN 0 AND 525600),
    CONSTRAINT sequence_steps_channel_check CHECK (channel IN ('sms', 'email'))
);
CREATE INDEX sequence_steps_template_id ON cloudgreet.sequence_steps (business_id, template_id);
COMMENT ON TABLE cloudgreet.sequence_steps IS 'The messages of a sequence, in the order of position.';
COMMENT ON COLUMN cloudgreet.sequence_steps.delay_minutes IS 'Minutes after the step before, or after enrollment.';

CREATE TABLE cloudgreet.sequence_enrollments (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    sequence_id uuid NOT NULL,
    lead_id     uuid NOT NULL,
    status      text NOT NULL DEFAULT 'active',
    next_position integer NOT NULL DEFAULT 1,
    next_due_at timestamptz,
    ended_reason text,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT sequence_enrollments_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT sequence_enrollments_sequence_id_fkey FOREIGN KEY (business_id, sequence_id) REFERENCES cloudgreet.sequences (business_id, id),
    CONSTRAINT sequence_enrollments_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT sequence_enrollments_status_check CHECK (status IN ('active', 'completed', 'stopped')),
    CONSTRAINT sequence_enrollments_next_due_at_check CHECK (status <> 'active' OR next_due_at IS NOT NULL)
);
CREATE UNIQUE INDEX sequence_enrollments_active_key ON cloudgreet.sequence_enrollments (business_id, sequence_id, lead_id) WHERE status = 'active';
CREATE INDEX sequence_enrollments_sequence_id ON cloudgreet.sequence_enrollments (business_id, sequence_id);
CREATE INDEX sequence_enrollments_lead_id ON cloudgreet.sequence_enrollments (business_id, lead_id);
COMMENT ON TABLE cloudgreet.sequence_enrollments IS 'Leads under way in a sequence.';
COMMENT ON INDEX cloudgreet.sequence_enrollments_active_key IS 'A lead is in a sequence once at a time.';

CREATE TABLE cloudgreet.consents (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid,
    contact     text NOT NULL,
    channel     text NOT NULL,
    kind        text NOT NULL,
    is_granted  boolean NOT NULL,
    source      text NOT NULL,
    evidence    text,
    recorded_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT consents_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT consents_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT consents_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT consents_contact_check CHECK (cloudgreet.is_phone_number(contact) OR cloudgreet.is_email(contact)),
    CONSTRAINT consents_channel_check CHECK (channel IN ('sms', 'email', 'voice')),
    CONSTRAINT consents_kind_check CHECK (kind IN ('transactional', 'marketing', 'recording')),
    CONSTRAINT consents_source_check CHECK (length(source) BETWEEN 1 AND 200)
);
CREATE INDEX consents_contact ON cloudgreet.consents (business_id, contact, channel, recorded_at DESC);
CREATE INDEX consents_lead_id ON cloudgreet.consents (business_id, lead_id);
COMMENT ON TABLE cloudgreet.consents IS 'What people agreed to or took back, as a ledger: rows are added, never changed. The newest of a contact, channel and kind counts.';
COMMENT ON COLUMN cloudgreet.consents.evidence IS 'The words or the document that show it.';

CREATE TABLE cloudgreet.suppressions (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    contact     text NOT NULL,
    channel     text NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT suppressions_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT suppressions_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT suppressions_business_id_contact_channel_key UNIQUE (business_id, contact, channel),
    CONSTRAINT suppressions_contact_check CHECK (cloudgreet.is_phone_number(contact) OR cloudgreet.is_email(contact)),
    CONSTRAINT suppressions_channel_check CHECK (channel IN ('sms', 'email', 'voice', 'all')),
    CONSTRAINT suppressions_reason_check CHECK (reason IN ('opt_out', 'bounce', 'complaint', 'manual'))
);
COMMENT ON TABLE cloudgreet.suppressions IS 'Contacts that are sent nothing on a channel.';
