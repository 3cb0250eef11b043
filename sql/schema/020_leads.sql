/*
 * 020_leads.sql
 *		Agents, leads, and everything that is said and written.
 *
 * Where a phone number of the other side is kept as it came (from_number and the
 * like), it is not checked: a caller may be anonymous or a short code.
 */
CREATE TABLE cloudgreet.ai_agents (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    config      jsonb NOT NULL DEFAULT '{}',
    is_active   boolean NOT NULL DEFAULT true,
    provider_agent_id text,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT ai_agents_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT ai_agents_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT ai_agents_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 120),
    CONSTRAINT ai_agents_config_check CHECK (jsonb_typeof(config) = 'object')
);
CREATE UNIQUE INDEX ai_agents_business_id_name_key ON cloudgreet.ai_agents (business_id, lower(name)) WHERE is_active;
COMMENT ON TABLE cloudgreet.ai_agents IS 'Voice agents of a business.';
COMMENT ON COLUMN cloudgreet.ai_agents.config IS 'voice_settings (voice_id, speed, pitch), behavior_settings (personality, conversation_style, escalation_triggers), working_hours.';
COMMENT ON COLUMN cloudgreet.ai_agents.provider_agent_id IS 'The agent''s id at Retell, once it is there.';
COMMENT ON INDEX cloudgreet.ai_agents_business_id_name_key IS 'Active agents of a business have different names.';

ALTER TABLE cloudgreet.phone_numbers ADD CONSTRAINT phone_numbers_agent_id_fkey
    FOREIGN KEY (business_id, agent_id) REFERENCES cloudgreet.ai_agents (business_id, id);
CREATE INDEX phone_numbers_agent_id ON cloudgreet.phone_numbers (business_id, agent_id);

CREATE TABLE cloudgreet.leads (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    phone       text,
    name        text,
    email       text,
    status      text NOT NULL DEFAULT 'new',
    source      text NOT NULL DEFAULT 'manual',
    time_zone   text,
    notes       text,
    tags        text[] NOT NULL DEFAULT '{}',
    custom_fields jsonb NOT NULL DEFAULT '{}',
    owner_id    uuid,
    merged_into_id uuid,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT leads_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT leads_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT leads_owner_id_fkey FOREIGN KEY (business_id, owner_id) REFERENCES cloudgreet.users (business_id, id),
    CONSTRAINT leads_merged_into_id_fkey FOREIGN KEY (business_id, merged_into_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT leads_phone_check CHECK (cloudgreet.is_phone_number(phone)),
    CONSTRAINT leads_name_check CHECK (length(name) <= 200),
    CONSTRAINT leads_email_check CHECK (cloudgreet.is_email(email)),
    CONSTRAINT leads_status_check CHECK (status IN ('new', 'contacted', 'qualified', 'unqualified', 'booked', 'won', 'lost')),
    CONSTRAINT leads_source_check CHECK (source ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT leads_time_zone_check CHECK (cloudgreet.is_time_zone(time_zone)),
    CONSTRAINT leads_notes_check CHECK (length(notes) <= 20000),
    CONSTRAINT leads_custom_fields_check CHECK (jsonb_typeof(custom_fields) = 'object'),
    CONSTRAINT leads_merged_into_id_check CHECK (merged_into_id <> id)
);
CREATE INDEX idx_leads_business_id ON cloudgreet.leads (business_id, status, created_at DESC);
CREATE INDEX idx_leads_created_at ON cloudgreet.leads (business_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX leads_business_id_phone_key ON cloudgreet.leads (business_id, phone) WHERE merged_into_id IS NULL;
CREATE INDEX leads_phone ON cloudgreet.leads (business_id, phone);
CREATE INDEX leads_email ON cloudgreet.leads (business_id, lower(email));
CREATE INDEX leads_owner_id ON cloudgreet.leads (business_id, owner_id);
CREATE INDEX leads_merged_into_id ON cloudgreet.leads (business_id, merged_into_id);
COMMENT ON TABLE cloudgreet.leads IS 'People who may become customers, one row a phone number and business.';
COMMENT ON COLUMN cloudgreet.leads.phone IS 'E.164; NULL for a lead known by e-mail only.';
COMMENT ON COLUMN cloudgreet.leads.source IS 'Where the lead came from: call, sms, web, manual, import, or a name of the business''s own.';
COMMENT ON COLUMN cloudgreet.leads.time_zone IS 'The lead''s own zone if known; else it follows from the phone number.';
COMMENT ON COLUMN cloudgreet.leads.merged_into_id IS 'The lead that this one turned out to be; NULL for a lead of its own.';

CREATE TABLE cloudgreet.calls (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid,
    agent_id    uuid,
    direction   text NOT NULL,
    from_number text,
    to_number   text,
    status      text NOT NULL DEFAULT 'initiated',
    duration    integer,
    recording_url text,
    disconnection_reason text,
    provider    text,
    provider_call_id text,
    telnyx_call_control_id text,
    telnyx_call_session_id text,
    started_at  timestamptz,
    ended_at    timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT calls_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT calls_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT calls_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT calls_agent_id_fkey FOREIGN KEY (business_id, agent_id) REFERENCES cloudgreet.ai_agents (business_id, id),
    CONSTRAINT calls_business_id_provider_provider_call_id_key UNIQUE (business_id, provider, provider_call_id),
    CONSTRAINT calls_direction_check CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT calls_status_check CHECK (status IN ('initiated', 'ringing', 'answered', 'completed', 'missed', 'busy', 'failed', 'canceled')),
    CONSTRAINT calls_duration_check CHECK (duration >= 0),
    CONSTRAINT calls_provider_check CHECK (provider IS NOT NULL OR provider_call_id IS NULL)
);
CREATE INDEX idx_calls_business_id ON cloudgreet.calls (business_id, status, created_at DESC);
CREATE INDEX idx_calls_created_at ON cloudgreet.calls (business_id, created_at DESC, id DESC);
CREATE INDEX calls_lead_id ON cloudgreet.calls (business_id, lead_id);
CREATE INDEX calls_agent_id ON cloudgreet.calls (business_id, agent_id);
CREATE INDEX calls_telnyx_call_session_id ON cloudgreet.calls (business_id, telnyx_call_session_id);
COMMENT ON TABLE cloudgreet.calls IS 'Telephone calls. A status never goes back, whatever the order of the provider''s events.';
COMMENT ON COLUMN cloudgreet.calls.duration IS 'Seconds from answer to end.';
COMMENT ON COLUMN cloudgreet.calls.disconnection_reason IS 'The provider''s word, an open set.';
COMMENT ON COLUMN cloudgreet.calls.provider_call_id IS 'The call''s id at the provider; unique for a business and provider.';

CREATE TABLE cloudgreet.agent_conversations (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    agent_id    uuid NOT NULL,
    lead_id     uuid,
    call_id     uuid,
    transcript  jsonb NOT NULL DEFAULT '[]',
    summary     text,
    sentiment   text,
    language    text,
    outcome     text,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT agent_conversations_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT agent_conversations_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT agent_conversations_agent_id_fkey FOREIGN KEY (business_id, agent_id) REFERENCES cloudgreet.ai_agents (business_id, id),
    CONSTRAINT agent_conversations_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT agent_conversations_call_id_fkey FOREIGN KEY (business_id, call_id) REFERENCES cloudgreet.calls (business_id, id),
    CONSTRAINT agent_conversations_business_id_call_id_key UNIQUE (business_id, call_id),
    CONSTRAINT agent_conversations_transcript_check CHECK (jsonb_typeof(transcript) = 'array'),
    CONSTRAINT agent_conversations_sentiment_check CHECK (sentiment IN ('negative', 'neutral', 'positive', 'unknown'))
);
CREATE INDEX agent_conversations_agent_id ON cloudgreet.agent_conversations (business_id, agent_id);
CREATE INDEX agent_conversations_lead_id ON cloudgreet.agent_conversations (business_id, lead_id);
COMMENT ON TABLE cloudgreet.agent_conversations IS 'What an agent and a lead said in one call, and how it ended.';
COMMENT ON COLUMN cloudgreet.agent_conversations.transcript IS 'Turns in the order spoken: [{"role": "agent"|"user", "content": "..."}].';
COMMENT ON COLUMN cloudgreet.agent_conversations.outcome IS 'How it ended: booked, callback, not_interested, transferred and the like; an open set.';

CREATE TABLE cloudgreet.sms_messages (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid,
    direction   text NOT NULL,
    from_number text,
    to_number   text,
    content     text NOT NULL,
    status      text NOT NULL DEFAULT 'queued',
    segments    integer,
    error_code  text,
    provider    text,
    provider_message_id text,
    sent_at     timestamptz,
    delivered_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT sms_messages_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT sms_messages_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT sms_messages_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT sms_messages_business_id_provider_provider_message_id_key UNIQUE (business_id, provider, provider_message_id),
    CONSTRAINT sms_messages_direction_check CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT sms_messages_content_check CHECK (length(content) <= 20000),
    CONSTRAINT sms_messages_status_check CHECK (status IN ('received', 'queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'unknown', 'canceled')),
    CONSTRAINT sms_messages_segments_check CHECK (segments > 0),
    CONSTRAINT sms_messages_provider_check CHECK (provider IS NOT NULL OR provider_message_id IS NULL)
);
CREATE INDEX sms_messages_created_at ON cloudgreet.sms_messages (business_id, created_at DESC, id DESC);
CREATE INDEX sms_messages_lead_id ON cloudgreet.sms_messages (business_id, lead_id, created_at DESC);
COMMENT ON TABLE cloudgreet.sms_messages IS 'Text messages in both directions. A status never goes back.';
COMMENT ON COLUMN cloudgreet.sms_messages.segments IS 'Parts that the message is sent in and paid by.';
COMMENT ON COLUMN cloudgreet.sms_messages.error_code IS 'The provider''s code of a failure.';

CREATE TABLE cloudgreet.emails (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid,
    direction   text NOT NULL DEFAULT 'outbound',
    from_address text,
    to_address  text NOT NULL,
    subject     text NOT NULL,
    content     text NOT NULL,
    status      text NOT NULL DEFAULT 'queued',
    bounce_type text,
    error_code  text,
    provider    text,
    provider_email_id text,
    sent_at     timestamptz,
    delivered_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT emails_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT emails_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT emails_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT emails_business_id_provider_provider_email_id_key UNIQUE (business_id, provider, provider_email_id),
    CONSTRAINT emails_direction_check CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT emails_to_address_check CHECK (cloudgreet.is_email(to_address)),
    CONSTRAINT emails_subject_check CHECK (length(subject) <= 998 AND subject !~ '[\r\n]'),
    CONSTRAINT emails_status_check CHECK (status IN ('received', 'queued', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'failed', 'unknown', 'canceled')),
    CONSTRAINT emails_provider_check CHECK (provider IS NOT NULL OR provider_email_id IS NULL)
);
CREATE INDEX emails_created_at ON cloudgreet.emails (business_id, created_at DESC, id DESC);
CREATE INDEX emails_lead_id ON cloudgreet.emails (business_id, lead_id, created_at DESC);
COMMENT ON TABLE cloudgreet.emails IS 'E-mails in both directions. A status never goes back.';
COMMENT ON COLUMN cloudgreet.emails.bounce_type IS 'The provider''s kind of a bounce: Permanent, Transient, Undetermined.';
COMMENT ON COLUMN cloudgreet.emails.error_code IS 'The provider''s reason of a failure, a bounce or a suppression.';
