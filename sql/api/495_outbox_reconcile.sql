/*
 * 495_outbox_reconcile.sql
 *		Finished requests: how a row leaves the outbox, and what a webhook proves of one.
 *
 * Called by what follows, by 420 to 460 and by 700.  Shown by test/t/140_outbox.pl.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_finish(
    item cloudgreet_private.outbox, state text, reason text, http_status integer DEFAULT NULL, provider_id text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    DELETE FROM cloudgreet_private.outbox o WHERE o.business_id = item.business_id AND o.id = item.id;
    INSERT INTO cloudgreet_private.outbox_history
        (business_id, id, account_id, provider, operation, idempotency, channel, contact, subject_type, subject_id, body,
         state, attempts, deadline_at, reason, first_sent_at, retry_of, created_at, finished_at, http_status, provider_id, target)
    VALUES (item.business_id, item.id, item.account_id, item.provider, item.operation, item.idempotency, item.channel,
            item.contact, item.subject_type, item.subject_id, CASE WHEN outbox_finish.state <> 'done' THEN item.body END,
            outbox_finish.state, item.attempts, item.deadline_at, left(outbox_finish.reason, 200), item.first_sent_at, item.retry_of,
            item.created_at, cloudgreet.clock(), outbox_finish.http_status, outbox_finish.provider_id,
            -- What was done needs its headers no more.
            CASE outbox_finish.state WHEN 'done' THEN item.target[1:2] ELSE item.target END);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_finish(cloudgreet_private.outbox, text, text, integer, text) IS
    'Open -> done, dead or cancelled: moves a request that the caller has locked to the history.';

CREATE OR REPLACE FUNCTION cloudgreet_private.settle_outbox(business_id uuid, subject_type text, subject_id uuid, provider_id text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
BEGIN
    -- An event about it proves that it was sent, whatever we know of the answer; one that was never attempted proves nothing.
    FOR item IN
        SELECT o.* FROM cloudgreet_private.outbox o
         WHERE o.business_id = settle_outbox.business_id AND o.subject_id = settle_outbox.subject_id
           AND o.subject_type = settle_outbox.subject_type AND o.first_sent_at IS NOT NULL
           AND (o.state <> 'queued' OR o.attempts > 0) FOR UPDATE
    LOOP
        PERFORM cloudgreet_private.outbox_finish(item, 'done', 'an event shows that it was sent', NULL, settle_outbox.provider_id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.settle_outbox(uuid, text, uuid, text) IS
    'queued (to be repeated), sending, unknown, held -> done: an event of the provider shows that the request was sent. An attempt under way finds it gone and leaves it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_subject(business_id uuid, outbox_id uuid, subject_type text) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    found_id uuid;
BEGIN
    SELECT o.subject_id INTO found_id FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_subject.business_id AND o.id = outbox_subject.outbox_id AND o.subject_type = outbox_subject.subject_type;
    IF found_id IS NULL THEN
        SELECT h.subject_id INTO found_id FROM cloudgreet_private.outbox_history h
         WHERE h.business_id = outbox_subject.business_id AND h.id = outbox_subject.outbox_id AND h.subject_type = outbox_subject.subject_type;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_subject(uuid, uuid, text) IS
    'The row that a request of the outbox is about, open or finished; NULL when it is of another business or kind.';
REVOKE ALL ON FUNCTION cloudgreet_private.outbox_finish(cloudgreet_private.outbox, text, text, integer, text),
    cloudgreet_private.settle_outbox(uuid, text, uuid, text), cloudgreet_private.outbox_subject(uuid, uuid, text) FROM PUBLIC;
