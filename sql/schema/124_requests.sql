/*
 * 124_requests.sql
 *		Requests that applications make themselves, counters of the queue, and how the hot
 *		tables are kept.
 */
ALTER TABLE cloudgreet_private.outbox
    ADD COLUMN target text[],
    DROP CONSTRAINT outbox_idempotency_check,
    ADD CONSTRAINT outbox_idempotency_check CHECK (idempotency IN ('native', 'natural', 'window', 'meaning', 'none')),
    ADD CONSTRAINT outbox_target_check CHECK ((provider = 'http') = (target IS NOT NULL));
COMMENT ON COLUMN cloudgreet_private.outbox.target IS 'Of a request without an account: method, URL, the name of the secret that headers end in (or the empty text), then headers, "+" before those that end in it and "=" before the others.';
COMMENT ON COLUMN cloudgreet_private.outbox.account_id IS 'The provider account, whose rate and breaker hold; of a request without one, a hash of the business and of the host and port that it goes to.';
COMMENT ON COLUMN cloudgreet_private.outbox.subject_id IS 'The row that it is about, of the table that subject_type names: sms_message, email. Of a request that stands for itself (request) its own id, or that of the one that was sent again.';
COMMENT ON COLUMN cloudgreet_private.outbox.idempotency IS 'What makes repeating it harmless: native (a key that the provider knows), natural (it names what it makes), meaning (doing it twice is doing it once), window (a key that is known for a short time), none. The last two are never sent again unless it is certain that nothing was sent.';

ALTER TABLE cloudgreet_private.outbox_history ADD COLUMN target text[], ADD COLUMN response bytea;
COMMENT ON COLUMN cloudgreet_private.outbox_history.target IS 'As in outbox; of what was done the method and the URL only.';
COMMENT ON COLUMN cloudgreet_private.outbox_history.response IS 'The beginning of the answer''s body to a request of an application that was done, at most 16 kB.';
COMMENT ON COLUMN cloudgreet_private.outbox_attempts.response IS 'The beginning of the answer''s body, at most 16 kB.';
-- What came of those that did not go well, newest first; the others are many and cost it nothing.
CREATE INDEX outbox_history_failed ON cloudgreet_private.outbox_history (account_id, state, id) WHERE state <> 'done';

CREATE TABLE cloudgreet_private.outbox_changes (
    business_id uuid NOT NULL,
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    account_id  uuid NOT NULL,
    provider    text NOT NULL,
    state       text NOT NULL,
    hour        timestamptz NOT NULL,
    change      bigint NOT NULL,
    CONSTRAINT outbox_changes_pkey PRIMARY KEY (business_id, id)
);
COMMENT ON TABLE cloudgreet_private.outbox_changes IS 'What was added to the counters of the queue since they were last brought up to date: rows are only added, so that nobody waits for the row of a counter.';

CREATE TABLE cloudgreet_private.outbox_counts (
    business_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    provider    text NOT NULL,
    state       text NOT NULL,
    hour        timestamptz NOT NULL,
    requests    bigint NOT NULL,
    CONSTRAINT outbox_counts_pkey PRIMARY KEY (business_id, account_id, provider, state, hour)
);
COMMENT ON TABLE cloudgreet_private.outbox_counts IS 'How many requests are in a state, with outbox_changes added.';
COMMENT ON COLUMN cloudgreet_private.outbox_counts.state IS 'As in outbox and outbox_history; what is being sent counts as queued.';
COMMENT ON COLUMN cloudgreet_private.outbox_counts.hour IS 'The hour in which they were finished; -infinity for those that are open.';

INSERT INTO cloudgreet_private.outbox_counts (business_id, account_id, provider, state, hour, requests)
SELECT o.business_id, o.account_id, o.provider, CASE o.state WHEN 'sending' THEN 'queued' ELSE o.state END, '-infinity', count(*)
  FROM cloudgreet_private.outbox o GROUP BY 1, 2, 3, 4
UNION ALL
SELECT h.business_id, h.account_id, h.provider, h.state, date_trunc('hour', h.finished_at, 'UTC'), count(*)
  FROM cloudgreet_private.outbox_history h
 WHERE h.finished_at > cloudgreet.clock() - interval '25 hours' AND h.id >= cloudgreet.uuid_v7_floor(now() - interval '40 days') GROUP BY 1, 2, 3, 4, 5;

-- By these upkeep finds what it takes away, a piece at a time.
CREATE INDEX idempotency_keys_created_at ON cloudgreet_private.idempotency_keys (created_at);
CREATE INDEX message_causes_message_id ON cloudgreet_private.message_causes (message_id);
CREATE INDEX appointment_allocations_past ON cloudgreet.appointment_allocations (ends_at) WHERE state <> 'booked';
COMMENT ON TABLE cloudgreet_private.idempotency_keys IS
    'Keys under which callers asked for something, written in the transaction that does it: a request that failed leaves none. Kept for 30 days.';
