/*
 * 070_outbox.sql
 *		What is to be sent to providers, and each attempt at it.
 *
 * One row a request, in the state that it is in; rows are dropped by partition once all of
 * a partition are finished.  No row security: the dispatcher looks across businesses and
 * then enters each.  No API role has a grant here.
 */
CREATE TABLE cloudgreet_private.outbox (
    business_id uuid NOT NULL,
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    account_id  uuid NOT NULL,
    provider    text NOT NULL,
    operation   text NOT NULL,
    idempotency text NOT NULL,
    channel     text,
    contact     text,
    subject_type text NOT NULL,
    subject_id  uuid NOT NULL,
    body        bytea NOT NULL,
    state       text NOT NULL DEFAULT 'queued',
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    deadline_at timestamptz NOT NULL,
    reason      text,
    first_sent_at timestamptz,
    finished_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT outbox_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT outbox_idempotency_check CHECK (idempotency IN ('native', 'meaning', 'none')),
    CONSTRAINT outbox_channel_check CHECK (channel IN ('sms', 'email', 'voice')),
    CONSTRAINT outbox_contact_check CHECK ((channel IS NULL) = (contact IS NULL)),
    CONSTRAINT outbox_state_check CHECK (state IN ('queued', 'sending', 'unknown', 'held', 'done', 'dead', 'cancelled')),
    CONSTRAINT outbox_attempts_check CHECK (attempts >= 0),
    CONSTRAINT outbox_reason_check CHECK (length(reason) <= 200),
    CONSTRAINT outbox_finished_at_check CHECK ((state IN ('done', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
) PARTITION BY RANGE (id);
CREATE INDEX outbox_open ON cloudgreet_private.outbox (next_at, id) WHERE state IN ('queued', 'sending', 'unknown', 'held');
CREATE INDEX outbox_contact ON cloudgreet_private.outbox (business_id, channel, contact, id) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_subject_id ON cloudgreet_private.outbox (business_id, subject_id);
COMMENT ON TABLE cloudgreet_private.outbox IS 'Requests to providers, written in the transaction that wants them sent. Sent by the dispatcher; credentials are resolved when it sends, never kept here.';
COMMENT ON COLUMN cloudgreet_private.outbox.idempotency IS 'What makes repeating it harmless: native (a key that the provider knows), meaning (doing it twice is doing it once), none (never sent again unless it is certain that nothing was sent).';
COMMENT ON COLUMN cloudgreet_private.outbox.contact IS 'The phone number or address that it reaches; a suppression of it on the channel cancels the row when it is due.';
COMMENT ON COLUMN cloudgreet_private.outbox.subject_id IS 'The row that it is about, of the table that subject_type names: sms_message, email.';
COMMENT ON COLUMN cloudgreet_private.outbox.body IS 'The bytes of the request, frozen: a repeated request is the same request.';
COMMENT ON COLUMN cloudgreet_private.outbox.state IS 'queued; sending (an attempt is under way); unknown (sent, perhaps: waits to be reconciled); held (waits for an operator); done; dead (given up); cancelled.';
COMMENT ON COLUMN cloudgreet_private.outbox.next_at IS 'queued: not sent before; unknown: reconciled by then, or held.';
COMMENT ON COLUMN cloudgreet_private.outbox.deadline_at IS 'Not attempted again after.';
COMMENT ON COLUMN cloudgreet_private.outbox.reason IS 'Why the row is in its state, for people.';

CREATE TABLE cloudgreet_private.outbox_attempts (
    business_id uuid NOT NULL,
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    outbox_id   uuid NOT NULL,
    attempt     integer NOT NULL,
    outcome     text NOT NULL,
    http_status integer,
    error_code  text,
    duration_ms integer NOT NULL,
    response    bytea,
    finished_at timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT outbox_attempts_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT outbox_attempts_duration_ms_check CHECK (duration_ms >= 0)
) PARTITION BY RANGE (id);
CREATE INDEX outbox_attempts_outbox_id ON cloudgreet_private.outbox_attempts (business_id, outbox_id);
COMMENT ON TABLE cloudgreet_private.outbox_attempts IS 'Each attempt to send and what came back; rows are added, never changed.';
COMMENT ON COLUMN cloudgreet_private.outbox_attempts.outcome IS 'The verdict: done, retry, unknown, dead, account_broken.';
COMMENT ON COLUMN cloudgreet_private.outbox_attempts.error_code IS 'The provider''s code, or what failed on the way: dns, connect, tls, timeout, reset, too_large, address_refused.';
COMMENT ON COLUMN cloudgreet_private.outbox_attempts.response IS 'The beginning of the answer''s body, at most 4 kB.';
