/*
 * 510_outbox_claim.sql
 *		What the dispatcher takes from the queue, and may send.
 *
 * The dispatcher never waits for a row: events of the same message are processed at the same
 * time, by transactions that lock several rows in an order of their own.  What is locked is
 * taken up later.
 *
 * Consent is looked at here and not when a request is made: a STOP that was committed
 * before this transaction began always wins.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_refusal(item cloudgreet_private.outbox, OUT state text, OUT reason text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    status CONSTANT text := (SELECT a.status FROM cloudgreet.provider_accounts a
                              WHERE a.business_id = item.business_id AND a.id = item.account_id);
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
    ELSIF item.attempts >= current_setting('cloudgreet.outbox_max_attempts')::integer THEN
        state := 'dead';
        reason := format('given up after %s attempts', item.attempts);
    ELSIF status IS NULL THEN
        state := 'dead';
        reason := 'the provider account is no more';
    ELSIF status <> 'active' THEN
        state := 'held';
        reason := format('the provider account is %s', status);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_refusal(cloudgreet_private.outbox) IS
    'Why a request that is due must not be sent, and the state that it goes to instead; NULL when it may be sent.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_must_wait(item cloudgreet_private.outbox) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT EXISTS (SELECT FROM cloudgreet_private.outbox e
                    WHERE e.business_id = item.business_id AND e.channel = item.channel AND e.contact = item.contact
                      AND e.state IN ('queued', 'sending') AND e.id < item.id 
                      AND e.next_at <= greatest(item.next_at, cloudgreet.clock())
                                       + CASE WHEN e.attempts > 0 THEN interval '15 minutes' ELSE interval '0' END);
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_must_wait(cloudgreet_private.outbox) IS
    'Whether an earlier request to the same contact is due, under way or to be tried again soon: what goes to a person keeps its order. One that was made for a later time holds nothing back.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_subject(item cloudgreet_private.outbox) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF item.subject_type = 'sms_message' THEN
        PERFORM FROM cloudgreet.sms_messages m WHERE m.business_id = item.business_id AND m.id = item.subject_id FOR UPDATE SKIP LOCKED;
        RETURN FOUND OR NOT EXISTS (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = item.business_id AND m.id = item.subject_id);
    END IF;
    PERFORM FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id FOR UPDATE SKIP LOCKED;
    RETURN FOUND OR NOT EXISTS (SELECT FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_subject(cloudgreet_private.outbox) IS
    'Locks the text or e-mail that a request is about, before the request as events do; false, without waiting, when another has locked it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_claim_one(business_id uuid, outbox_id uuid) RETURNS cloudgreet_private.outbox
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    refusal record;
BEGIN
    PERFORM cloudgreet.enter_business(outbox_claim_one.business_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_claim_one.business_id AND o.id = outbox_claim_one.outbox_id
       AND o.state = 'queued' AND o.next_at <= cloudgreet.clock() FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT o.* INTO item FROM cloudgreet_private.outbox o
         WHERE o.business_id = outbox_claim_one.business_id AND o.id = outbox_claim_one.outbox_id
           AND o.state = 'queued' AND o.next_at <= cloudgreet.clock();
        RETURN item; -- locked by an event about it
    END IF;
    refusal := cloudgreet_private.outbox_refusal(item);
    IF (refusal.state IS NULL AND cloudgreet_private.outbox_must_wait(item))
       OR (refusal.state IN ('cancelled', 'dead') AND NOT cloudgreet_private.lock_subject(item)) THEN
        RETURN item;
    END IF;
    UPDATE cloudgreet_private.outbox o
       SET state = coalesce(refusal.state, 'sending'), reason = refusal.reason,
           attempts = o.attempts + CASE WHEN refusal.state IS NULL THEN 1 ELSE 0 END,
           first_sent_at = CASE WHEN refusal.state IS NULL THEN coalesce(o.first_sent_at, cloudgreet.clock()) ELSE o.first_sent_at END,
           finished_at = CASE WHEN refusal.state IN ('cancelled', 'dead') THEN cloudgreet.clock() END
     WHERE o.business_id = item.business_id AND o.id = item.id
    RETURNING o.* INTO item;
    IF item.state IN ('cancelled', 'dead') THEN
        PERFORM cloudgreet_private.tell_subject(item, CASE item.state WHEN 'dead' THEN 'failed' ELSE 'canceled' END);
    END IF;
    IF item.state = 'dead' THEN
        PERFORM cloudgreet_private.alert_failed_delivery(item.business_id);
    END IF;
    IF item.state <> 'sending' THEN
        RETURN NULL;
    END IF;
    RETURN item;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_claim_one(uuid, uuid) IS
    'queued -> sending, cancelled, dead or held. Returns the row as it is when it was claimed, or is still queued because it is locked or an earlier one to the same contact is under way; NULL when there is nothing to send: it is not due, not queued, or must not be sent.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_secret(business_id uuid, account_id uuid)
    RETURNS TABLE (name text, version integer, key_id text, nonce bytea, ciphertext bytea)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(outbox_secret.business_id);
    RETURN QUERY SELECT s.name, s.version, s.key_id, s.nonce, s.ciphertext
      FROM cloudgreet.provider_accounts a
      JOIN cloudgreet_private.secrets s ON s.business_id = a.business_id AND s.name = a.secret_names ->> 'api_key'
     WHERE a.business_id = outbox_secret.business_id AND a.id = outbox_secret.account_id
     ORDER BY s.version DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_secret(uuid, uuid) IS 'The sealed key of an account, newest version; no row when it has none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_claim(business_ids uuid[], ids uuid[])
    RETURNS TABLE (business_id uuid, id uuid, provider text, operation text, idempotency text, attempt integer, body bytea, waits boolean,
                   secret_name text, secret_version integer, secret_key_id text, secret_nonce bytea, secret_ciphertext bytea)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT c.business_id, c.id, c.provider, c.operation, c.idempotency, c.attempts, c.body, c.state = 'queued',
           s.name, s.version, s.key_id, s.nonce, s.ciphertext
      FROM unnest(outbox_claim.business_ids, outbox_claim.ids) AS w (business_id, id),
           LATERAL cloudgreet_private.outbox_claim_one(w.business_id, w.id) AS c
           LEFT JOIN LATERAL cloudgreet_private.outbox_secret(c.business_id, c.account_id) AS s ON true
     WHERE cloudgreet.is_active() AND c.id IS NOT NULL;
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_claim(uuid[], uuid[]) IS
    'Claims those of the requests that may be sent now, and returns them and those that wait for others. Committed before any byte of them leaves.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_due(max_rows integer)
    RETURNS TABLE (business_id uuid, id uuid, next_at timestamptz)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    -- An answer that nobody brought: a person decides, for it may have been sent.
    UPDATE cloudgreet_private.outbox o SET state = 'held', reason = 'sent, perhaps: no answer and no event came'
      FROM (SELECT u.business_id, u.id FROM cloudgreet_private.outbox u
             WHERE u.state = 'unknown' AND u.next_at <= cloudgreet.clock() FOR UPDATE SKIP LOCKED) AS late
     WHERE o.business_id = late.business_id AND o.id = late.id;
    SELECT o.business_id, o.id, o.next_at FROM cloudgreet_private.outbox o
     WHERE o.state = 'queued' AND NOT cloudgreet_private.outbox_must_wait(o) ORDER BY o.next_at, o.id LIMIT outbox_due.max_rows;
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_due(integer) IS
    'The requests that are due first, the latest of them perhaps in the future. unknown -> held when their time is over.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_recover() RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    others integer := 0;
BEGIN
    FOR item IN SELECT o.* FROM cloudgreet_private.outbox o WHERE o.state = 'sending' LOOP
        PERFORM cloudgreet.enter_business(item.business_id);
        IF NOT cloudgreet_private.lock_subject(item) THEN
            others := others + 1;
            CONTINUE;
        END IF;
        UPDATE cloudgreet_private.outbox o
           SET state = CASE o.idempotency WHEN 'none' THEN 'unknown' ELSE 'queued' END, reason = 'the server stopped during the attempt',
               next_at = cloudgreet.clock() + CASE o.idempotency WHEN 'none' THEN current_setting('cloudgreet.outbox_unknown_timeout')::interval
                                                                 ELSE interval '0' END
         WHERE o.business_id = item.business_id AND o.id = item.id AND o.state = 'sending'
        RETURNING o.* INTO item;
        IF item.state = 'unknown' THEN
            PERFORM cloudgreet_private.tell_subject(item, 'unknown');
        END IF;
    END LOOP;
    RETURN others;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_recover() IS
    'sending -> unknown or queued: what a dispatcher that is no more had under way. Called by the only dispatcher when it starts, until it returns 0: the number of those that others have locked.';

REVOKE ALL ON FUNCTION cloudgreet_private.outbox_refusal(cloudgreet_private.outbox), cloudgreet_private.lock_subject(cloudgreet_private.outbox),
    cloudgreet_private.outbox_must_wait(cloudgreet_private.outbox), cloudgreet_private.outbox_claim_one(uuid, uuid), cloudgreet_private.outbox_secret(uuid, uuid),
    cloudgreet_private.outbox_claim(uuid[], uuid[]), cloudgreet_private.outbox_due(integer),
    cloudgreet_private.outbox_recover() FROM PUBLIC;
