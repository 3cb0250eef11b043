/*
 * 120_outbox_open.sql
 *		The outbox holds what is open; what is finished moves to a history.
 *
 * A table of open rows alone stays small, needs no partitions, and is looked at by keys
 * that lead to few rows.  The statement that finishes a request moves it, so that a row is
 * in exactly one of the two.
 */
DROP TRIGGER IF EXISTS outbox_handoff ON cloudgreet_private.outbox;
ALTER TABLE cloudgreet_private.outbox RENAME TO outbox_history;
ALTER TABLE cloudgreet_private.outbox_history RENAME CONSTRAINT outbox_pkey TO outbox_history_pkey;
DO $$
DECLARE
    part record;
BEGIN
    -- Partitions, and their indexes, which are named after them: ALTER TABLE renames both.
    FOR part IN SELECT c.relname AS name FROM pg_class c
                 WHERE c.relnamespace = 'cloudgreet_private'::regnamespace
                   AND c.relispartition AND c.relname LIKE 'outbox\_p%' LOOP
        EXECUTE format('ALTER TABLE cloudgreet_private.%I RENAME TO %I', part.name, replace(part.name, 'outbox_p', 'outbox_history_p'));
    END LOOP;
END
$$;

DROP INDEX cloudgreet_private.outbox_open, cloudgreet_private.outbox_contact;
ALTER INDEX cloudgreet_private.outbox_subject_id RENAME TO outbox_history_subject_id;

CREATE TABLE cloudgreet_private.outbox (
    business_id uuid NOT NULL,
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    account_id  uuid NOT NULL,
    lane        bigint NOT NULL DEFAULT 0,
    provider    text NOT NULL,
    operation   text NOT NULL,
    idempotency text NOT NULL,
    channel     text,
    contact     text,
    subject_type text NOT NULL,
    subject_id  uuid NOT NULL,
    body        bytea NOT NULL,
    state       text NOT NULL DEFAULT 'queued',
    waits       boolean NOT NULL DEFAULT false,
    attempts    integer NOT NULL DEFAULT 0,
    failures    integer NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    next_at     timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    deadline_at timestamptz NOT NULL,
    reason      text,
    first_sent_at timestamptz,
    retry_of    uuid,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT outbox_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT outbox_idempotency_check CHECK (idempotency IN ('native', 'meaning', 'none')),
    CONSTRAINT outbox_channel_check CHECK (channel IN ('sms', 'email', 'voice')),
    CONSTRAINT outbox_contact_check CHECK ((channel IS NULL) = (contact IS NULL)),
    CONSTRAINT outbox_state_check CHECK (state IN ('queued', 'sending', 'unknown', 'held')),
    CONSTRAINT outbox_waits_check CHECK (NOT waits OR state = 'queued'),
    CONSTRAINT outbox_attempts_check CHECK (attempts >= 0 AND failures >= 0),
    CONSTRAINT outbox_reason_check CHECK (length(reason) <= 200)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
CREATE INDEX outbox_lanes ON cloudgreet_private.outbox (account_id, lane, next_at, id) WHERE state = 'queued' AND NOT waits;
CREATE INDEX outbox_contact ON cloudgreet_private.outbox (business_id, channel, contact, due_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_waiting ON cloudgreet_private.outbox (business_id, channel, contact, due_at, id) WHERE waits;
CREATE INDEX outbox_unknown ON cloudgreet_private.outbox (next_at) WHERE state = 'unknown';
CREATE INDEX outbox_held ON cloudgreet_private.outbox (account_id, id) WHERE state = 'held';
CREATE INDEX outbox_subject_id ON cloudgreet_private.outbox (business_id, subject_id);
-- Whenever it is analysed, few rows tell nothing of how many a business may have.
ALTER TABLE cloudgreet_private.outbox ALTER COLUMN business_id SET (n_distinct = 50);
COMMENT ON TABLE cloudgreet_private.outbox IS 'Requests to providers that are open, written in the transaction that wants them sent. Sent by the dispatcher; credentials are resolved when it sends, never kept here. A row that is finished moves to outbox_history.';
COMMENT ON COLUMN cloudgreet_private.outbox.lane IS 'A hash of the number or address that it is sent from: with the account what a rate holds for, and what takes its turn.';
COMMENT ON COLUMN cloudgreet_private.outbox.idempotency IS 'What makes repeating it harmless: native (a key that the provider knows), meaning (doing it twice is doing it once), none (never sent again unless it is certain that nothing was sent).';
COMMENT ON COLUMN cloudgreet_private.outbox.contact IS 'The phone number or address that it reaches; a suppression of it on the channel cancels the row when it is due.';
COMMENT ON COLUMN cloudgreet_private.outbox.subject_id IS 'The row that it is about, of the table that subject_type names: sms_message, email.';
COMMENT ON COLUMN cloudgreet_private.outbox.body IS 'The bytes of the request, frozen: a repeated request is the same request.';
COMMENT ON COLUMN cloudgreet_private.outbox.state IS 'queued; sending (an attempt is under way); unknown (sent, perhaps: waits to be reconciled); held (waits for an operator).';
COMMENT ON COLUMN cloudgreet_private.outbox.waits IS 'queued, but an earlier request to the same contact must go first; who takes that one away takes this mark away.';
COMMENT ON COLUMN cloudgreet_private.outbox.attempts IS 'How often it was claimed; what is settled names the attempt, so that an old answer changes nothing.';
COMMENT ON COLUMN cloudgreet_private.outbox.failures IS 'Attempts that failed by a fault of the request''s own. Outages and limits of rate do not count: a request dies of them by its deadline only.';
COMMENT ON COLUMN cloudgreet_private.outbox.due_at IS 'When it was wanted; requests to a contact keep the order of it.';
COMMENT ON COLUMN cloudgreet_private.outbox.next_at IS 'queued: not sent before; unknown: reconciled by then, or held.';
COMMENT ON COLUMN cloudgreet_private.outbox.deadline_at IS 'Not attempted again after.';
COMMENT ON COLUMN cloudgreet_private.outbox.reason IS 'Why the row is in its state, for people.';
COMMENT ON COLUMN cloudgreet_private.outbox.retry_of IS 'The finished request that a person had sent again.';

WITH open_rows AS (DELETE FROM cloudgreet_private.outbox_history h WHERE h.finished_at IS NULL RETURNING h.*)
INSERT INTO cloudgreet_private.outbox
    (business_id, id, account_id, provider, operation, idempotency, channel, contact, subject_type, subject_id, body, state,
     attempts, failures, due_at, next_at, deadline_at, reason, first_sent_at, created_at, lane)
SELECT r.business_id, r.id, r.account_id, r.provider, r.operation, r.idempotency, r.channel, r.contact, r.subject_type, r.subject_id, r.body,
       r.state, r.attempts, r.attempts, r.next_at, r.next_at, r.deadline_at, r.reason, r.first_sent_at, r.created_at,
       hashtextextended(coalesce(convert_from(r.body, 'UTF8')::jsonb ->> 'from', ''), 0)
  FROM open_rows r;

ALTER TABLE cloudgreet_private.outbox_history
    DROP CONSTRAINT outbox_state_check, DROP CONSTRAINT outbox_finished_at_check, DROP CONSTRAINT outbox_idempotency_check,
    DROP CONSTRAINT outbox_channel_check, DROP CONSTRAINT outbox_contact_check, DROP CONSTRAINT outbox_attempts_check,
    DROP CONSTRAINT outbox_reason_check,
    ADD COLUMN retry_of uuid,
    ADD COLUMN http_status integer,
    ADD COLUMN provider_id text,
    ALTER COLUMN body DROP NOT NULL,
    ALTER COLUMN id DROP DEFAULT,
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN attempts DROP DEFAULT,
    ALTER COLUMN created_at DROP DEFAULT,
    ALTER COLUMN finished_at SET NOT NULL,
    DROP COLUMN next_at,
    ADD CONSTRAINT outbox_history_state_check CHECK (state IN ('done', 'dead', 'cancelled'));
COMMENT ON TABLE cloudgreet_private.outbox_history IS 'Requests to providers that are finished, one row each; rows are added, never changed, and dropped by partition.';
COMMENT ON COLUMN cloudgreet_private.outbox_history.state IS 'done; dead (given up); cancelled.';
COMMENT ON COLUMN cloudgreet_private.outbox_history.body IS 'The bytes of the request; kept for what was not done, which a person may have sent again.';
COMMENT ON COLUMN cloudgreet_private.outbox_history.reason IS 'Why, for people; NULL where the provider''s own answer says that it was done.';
COMMENT ON COLUMN cloudgreet_private.outbox_history.provider_id IS 'The provider''s id of what it made.';
COMMENT ON COLUMN cloudgreet_private.outbox_attempts.outcome IS 'The verdict: retry, unknown, dead, account_broken; interrupted: the server stopped during it.';
COMMENT ON TABLE cloudgreet_private.outbox_attempts IS 'Attempts that did not end the matter, and what came back; rows are added, never changed.';

CREATE TABLE cloudgreet_private.account_releases (
    business_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT account_releases_pkey PRIMARY KEY (business_id, account_id)
);
COMMENT ON TABLE cloudgreet_private.account_releases IS 'Accounts that are active again, whose held requests the dispatcher is to take up.';
