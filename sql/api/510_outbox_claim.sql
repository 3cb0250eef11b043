/*
 * 510_outbox_claim.sql
 *		What the dispatcher takes from the queue but must not send, and what one that is
 *		no more had under way.
 *
 * What may be sent is claimed by a statement of the dispatcher (src/outbound/statements.c);
 * it names the rows that must not, and these go through here one by one.
 *
 * The dispatcher never waits for a row: events of the same message are processed at the same
 * time, by transactions that lock several rows in an order of their own.  What is locked is
 * taken up later.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_refusal(item cloudgreet_private.outbox, OUT state text, OUT reason text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF EXISTS (SELECT FROM cloudgreet.suppressions s
                WHERE s.business_id = item.business_id AND s.contact = item.contact AND s.channel IN (item.channel, 'all')) THEN
        state := 'cancelled';
        reason := 'the contact is suppressed';
    ELSIF EXISTS (SELECT FROM cloudgreet_private.message_causes c
                   WHERE c.business_id = item.business_id AND c.message_id = item.subject_id AND c.revoked_at IS NOT NULL) THEN
        state := 'cancelled';
        reason := 'what it was about has changed';
    ELSIF item.deadline_at <= cloudgreet.clock() THEN
        state := 'dead';
        reason := 'not sent in time';
    ELSIF item.failures >= current_setting('cloudgreet.outbox_max_attempts')::integer THEN
        state := 'dead';
        reason := format('given up after %s attempts', item.attempts);
    ELSIF item.target IS NULL AND NOT EXISTS (SELECT FROM cloudgreet.provider_accounts a WHERE a.business_id = item.business_id AND a.id = item.account_id) THEN
        state := 'dead';
        reason := 'the provider account is no more';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_refusal(cloudgreet_private.outbox) IS
    'Why a request that is due must not be sent, and how it ends instead; NULL when it may be sent.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_subject(item cloudgreet_private.outbox) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF item.subject_type = 'sms_message' THEN
        PERFORM FROM cloudgreet.sms_messages m WHERE m.business_id = item.business_id AND m.id = item.subject_id FOR UPDATE SKIP LOCKED;
        RETURN FOUND OR NOT EXISTS (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = item.business_id AND m.id = item.subject_id);
    ELSIF item.subject_type = 'email' THEN
        PERFORM FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id FOR UPDATE SKIP LOCKED;
        RETURN FOUND OR NOT EXISTS (SELECT FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_subject(cloudgreet_private.outbox) IS
    'Locks the text or e-mail that a request is about, before the request as events do; false, without waiting, when another has locked it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_refuse(business_id uuid, outbox_id uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    refusal record;
BEGIN
    PERFORM cloudgreet.enter_business(outbox_refuse.business_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_refuse.business_id AND o.id = outbox_refuse.outbox_id AND o.state = 'queued';
    IF NOT FOUND THEN
        RETURN true;
    ELSIF NOT cloudgreet_private.lock_subject(item) THEN
        RETURN false;
    END IF;
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = item.business_id AND o.id = item.id AND o.state = 'queued' FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    refusal := cloudgreet_private.outbox_refusal(item);
    IF refusal.state IS NOT NULL THEN
        PERFORM cloudgreet_private.outbox_finish(item, refusal.state, refusal.reason);
        item.reason := refusal.reason;
        PERFORM cloudgreet_private.tell_subject(item, CASE refusal.state WHEN 'dead' THEN 'failed' ELSE 'canceled' END);
        IF refusal.state = 'dead' THEN
            PERFORM cloudgreet_private.alert_failed_delivery(item.business_id);
        END IF;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_refuse(uuid, uuid) IS
    'queued -> cancelled or dead, for what the claim found must not be sent. False, and nothing done, while another has locked it or its subject.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_hold(business_id uuid, outbox_id uuid, why text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(outbox_hold.business_id);
    UPDATE cloudgreet_private.outbox o SET state = 'held', waits = false, reason = left(outbox_hold.why, 200)
     WHERE o.business_id = outbox_hold.business_id AND o.id = outbox_hold.outbox_id AND o.state IN ('queued', 'sending');
    PERFORM cloudgreet_private.raise_alert(outbox_hold.business_id, 'delivery_held',
        'A message could not be processed and is held. See queue_status(); retry_delivery() sends it again, cancel_delivery() ends it.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_hold(uuid, uuid, text) IS
    'queued or sending -> held: a request whose claim or settling raises an error. Nobody else waits for it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_recover(business_id uuid, outbox_id uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
BEGIN
    PERFORM cloudgreet.enter_business(outbox_recover.business_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_recover.business_id AND o.id = outbox_recover.outbox_id AND o.state = 'sending';
    IF NOT FOUND THEN
        RETURN true;
    ELSIF NOT cloudgreet_private.lock_subject(item) THEN
        RETURN false;
    END IF;
    UPDATE cloudgreet_private.outbox o
       SET state = CASE WHEN o.idempotency IN ('none', 'window') THEN 'unknown' ELSE 'queued' END, reason = 'the server stopped during the attempt',
           next_at = cloudgreet.clock() + CASE WHEN o.idempotency IN ('none', 'window')
                                               THEN current_setting('cloudgreet.outbox_unknown_timeout')::interval ELSE interval '0' END
     WHERE o.business_id = item.business_id AND o.id = item.id AND o.state = 'sending'
    RETURNING o.* INTO item;
    IF item.id IS NULL THEN
        RETURN true; -- an event has ended it meanwhile
    END IF;
    INSERT INTO cloudgreet_private.outbox_attempts (business_id, outbox_id, attempt, outcome, duration_ms)
    VALUES (item.business_id, item.id, item.attempts, 'interrupted', 0);
    IF item.state = 'unknown' THEN
        PERFORM cloudgreet_private.tell_subject(item, 'unknown');
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_recover(uuid, uuid) IS
    'sending -> unknown or queued: what a dispatcher that is no more had under way; the attempt is kept as interrupted. False, and nothing done, while another has locked its subject.';

REVOKE ALL ON FUNCTION cloudgreet_private.outbox_refusal(cloudgreet_private.outbox), cloudgreet_private.lock_subject(cloudgreet_private.outbox),
    cloudgreet_private.outbox_refuse(uuid, uuid), cloudgreet_private.outbox_hold(uuid, uuid, text),
    cloudgreet_private.outbox_recover(uuid, uuid) FROM PUBLIC;
