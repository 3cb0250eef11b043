/*
 * 080_webhooks.sql
 *		What providers send: where it belongs, what came, and what entities learn of it.
 *
 * No row security on these: a webhook is received and looked for before its business is
 * known, and then entered.  No API role has a grant here.
 */
CREATE TABLE cloudgreet_private.account_routes (
    account_id  uuid NOT NULL,
    business_id uuid NOT NULL,
    provider    text NOT NULL,
    CONSTRAINT account_routes_pkey PRIMARY KEY (account_id),
    CONSTRAINT account_routes_account_id_fkey FOREIGN KEY (business_id, account_id)
        REFERENCES cloudgreet.provider_accounts (business_id, id) ON DELETE CASCADE
);
CREATE INDEX account_routes_business_id ON cloudgreet_private.account_routes (business_id, account_id);
CREATE INDEX account_routes_provider ON cloudgreet_private.account_routes (provider);
COMMENT ON TABLE cloudgreet_private.account_routes IS 'Which business a provider''s account belongs to, for the webhooks of that account. Kept by a trigger of provider_accounts.';

ALTER TABLE cloudgreet.provider_accounts NO FORCE ROW LEVEL SECURITY;
INSERT INTO cloudgreet_private.account_routes (account_id, business_id, provider)
SELECT a.id, a.business_id, a.provider FROM cloudgreet.provider_accounts a;
ALTER TABLE cloudgreet.provider_accounts FORCE ROW LEVEL SECURITY;

CREATE TABLE cloudgreet_private.webhook_seen (
    account_id  uuid NOT NULL,
    dedup_key   text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT webhook_seen_pkey PRIMARY KEY (account_id, dedup_key)
);
CREATE INDEX webhook_seen_received_at ON cloudgreet_private.webhook_seen (received_at);
COMMENT ON TABLE cloudgreet_private.webhook_seen IS 'What has come, so that it is taken once. Small, and in no partitions: a key is unique over all months. Rows older than any provider repeats may be deleted: prune_webhooks().';
COMMENT ON COLUMN cloudgreet_private.webhook_seen.dedup_key IS 'What is the same in each delivery of an event: its id, or what stands for one.';

CREATE TABLE cloudgreet_private.webhook_refusals (
    account_id  uuid NOT NULL,
    day         date NOT NULL,
    reason      text NOT NULL,
    refused     bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    CONSTRAINT webhook_refusals_pkey PRIMARY KEY (account_id, day, reason),
    CONSTRAINT webhook_refusals_reason_check CHECK (reason IN ('unsigned', 'stale', 'bad_signature', 'no_key'))
) WITH (fillfactor = 50);
COMMENT ON TABLE cloudgreet_private.webhook_refusals IS 'How many webhooks of an account were refused on a day (UTC), and why.';
COMMENT ON COLUMN cloudgreet_private.webhook_refusals.reason IS 'unsigned (a header is missing or malformed), stale (over five minutes off), bad_signature, no_key (the account names no webhook key).';

CREATE TABLE cloudgreet_private.webhook_inbox (
    business_id uuid NOT NULL,
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    account_id  uuid NOT NULL,
    provider    text NOT NULL,
    event_type  text NOT NULL,
    dedup_key   text NOT NULL,
    entity_key  text,
    outbox_id   uuid,
    headers     jsonb NOT NULL,
    body        bytea NOT NULL,
    state       text NOT NULL DEFAULT 'pending',
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    reason      text,
    received_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    processed_at timestamptz,
    CONSTRAINT webhook_inbox_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT webhook_inbox_headers_check CHECK (jsonb_typeof(headers) = 'object'),
    CONSTRAINT webhook_inbox_state_check CHECK (state IN ('pending', 'processed', 'ignored', 'unmatched', 'failed')),
    CONSTRAINT webhook_inbox_attempts_check CHECK (attempts >= 0),
    CONSTRAINT webhook_inbox_reason_check CHECK (length(reason) <= 200),
    CONSTRAINT webhook_inbox_processed_at_check CHECK ((state = 'pending') = (processed_at IS NULL))
) PARTITION BY RANGE (id);
CREATE INDEX webhook_inbox_open ON cloudgreet_private.webhook_inbox (next_at) WHERE state = 'pending';
CREATE INDEX webhook_inbox_unmatched ON cloudgreet_private.webhook_inbox (business_id, entity_key) WHERE state = 'unmatched';
COMMENT ON TABLE cloudgreet_private.webhook_inbox IS 'Verified webhooks as they came, each processed in a transaction after the one that stored it.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.entity_key IS 'What the event is about, in the provider''s words: a call session, a message.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.outbox_id IS 'The request that the path names, for messages whose answer was lost.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.headers IS 'The provider''s own headers, without what is secret.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.body IS 'The bytes that were signed.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.state IS 'pending; processed; ignored (of no use to us); unmatched (no number, call or message of the business; taken up again when its call becomes known); failed (given up after several attempts: replay_webhook()).';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.next_at IS 'pending: not processed before.';
COMMENT ON COLUMN cloudgreet_private.webhook_inbox.reason IS 'Why the row is in its state, for people.';

-- What entities learn of events.  Each is a merge that does not depend on the order.
ALTER TABLE cloudgreet.calls
    ADD COLUMN answered_at timestamptz,
    ADD COLUMN provider_state jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT calls_provider_state_check CHECK (jsonb_typeof(provider_state) = 'object');
CREATE INDEX calls_telnyx_call_control_id ON cloudgreet.calls (business_id, telnyx_call_control_id);
COMMENT ON COLUMN cloudgreet.calls.provider_state IS 'What the provider''s events said, by leg or event. The other columns follow from it, whatever the order in which they came.';

ALTER TABLE cloudgreet.agent_conversations
    ADD COLUMN analysis jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT agent_conversations_analysis_check CHECK (jsonb_typeof(analysis) = 'object');
COMMENT ON COLUMN cloudgreet.agent_conversations.analysis IS 'The provider''s analysis of the call, with the answers that the business asked for.';

ALTER TABLE cloudgreet.sms_messages
    ADD COLUMN media jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN opt_word text,
    ADD COLUMN status_at timestamptz,
    ADD CONSTRAINT sms_messages_media_check CHECK (jsonb_typeof(media) = 'array'),
    ADD CONSTRAINT sms_messages_opt_word_check CHECK (opt_word IN ('stop', 'start', 'help', 'review_stop'));
CREATE INDEX sms_messages_opt_word ON cloudgreet.sms_messages (business_id, from_number) WHERE opt_word IS NOT NULL;
COMMENT ON COLUMN cloudgreet.sms_messages.media IS 'What came with an MMS: [{"url": "...", "content_type": "..."}].';
COMMENT ON COLUMN cloudgreet.sms_messages.opt_word IS 'What a received text says about texting: stop, start, help, review_stop (in words of their own: a person should look).';
COMMENT ON COLUMN cloudgreet.sms_messages.status_at IS 'When the provider says that the status came about; of a received text, when it was received.';

ALTER TABLE cloudgreet.emails ADD COLUMN status_at timestamptz;
COMMENT ON COLUMN cloudgreet.emails.status_at IS 'When the provider says that the status came about.';
