/*
 * 530_outbox_status.sql
 *		The queue as people see it, and what they can do about a request.
 *
 * Locks:		the text or e-mail, then the request; shown by test/specs/outbox_settle.spec.
 */
CREATE OR REPLACE VIEW cloudgreet_private.requests WITH (security_invoker = true) AS
    SELECT o.business_id, o.id, o.account_id, o.provider, o.operation, o.idempotency, o.channel, o.contact, o.subject_type, o.subject_id,
           o.body, o.state, o.attempts, o.deadline_at, o.reason, o.first_sent_at, o.retry_of, o.created_at, o.next_at,
           NULL::timestamptz AS finished_at, o.target, NULL::integer AS http_status, NULL::bytea AS response FROM cloudgreet_private.outbox o
    UNION ALL
    SELECT h.business_id, h.id, h.account_id, h.provider, h.operation, h.idempotency, h.channel, h.contact, h.subject_type, h.subject_id,
           h.body, h.state, h.attempts, h.deadline_at, h.reason, h.first_sent_at, h.retry_of, h.created_at, NULL::timestamptz,
           h.finished_at, h.target, h.http_status, h.response FROM cloudgreet_private.outbox_history h;
COMMENT ON VIEW cloudgreet_private.requests IS 'All requests to providers, those that are open and those that are finished.';

CREATE OR REPLACE FUNCTION cloudgreet_private.await_subject(business_id uuid, outbox_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    about_id CONSTANT uuid := coalesce((SELECT o.subject_id FROM cloudgreet_private.outbox o
                                         WHERE o.business_id = await_subject.business_id AND o.id = await_subject.outbox_id), await_subject.outbox_id);
BEGIN
    PERFORM FROM cloudgreet.sms_messages m WHERE m.business_id = await_subject.business_id AND m.id = about_id FOR UPDATE;
    PERFORM FROM cloudgreet.emails m WHERE m.business_id = await_subject.business_id AND m.id = about_id FOR UPDATE;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.await_subject(uuid, uuid) IS
    'Locks the text or e-mail of a request, which is named by either id, before the request as events do; waits for it.';

CREATE OR REPLACE FUNCTION cloudgreet.retry_delivery(outbox_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('retry_delivery', retry_delivery.business_id);
    about_id uuid;
    about_type text;
    finished cloudgreet_private.outbox_history;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.await_subject(business, retry_delivery.outbox_id);
    UPDATE cloudgreet_private.outbox o
       SET state = 'queued', waits = false, failures = 0, reason = NULL, next_at = cloudgreet.clock(),
           deadline_at = cloudgreet.clock() + interval '1 day'
     WHERE o.business_id = business AND (o.id = retry_delivery.outbox_id OR o.subject_id = retry_delivery.outbox_id) AND o.state IN ('held', 'unknown')
    RETURNING o.subject_id, o.subject_type INTO about_id, about_type;
    IF NOT FOUND THEN
        -- What is dead stays so, in the history; a new request names it.  Two who want it at once meet at its row.
        SELECT h.* INTO finished FROM cloudgreet_private.outbox_history h
         WHERE h.business_id = business AND (h.id = retry_delivery.outbox_id OR h.subject_id = retry_delivery.outbox_id)
           AND h.state = 'dead' AND h.body IS NOT NULL
         ORDER BY h.id DESC LIMIT 1 FOR UPDATE;
        IF NOT FOUND OR EXISTS (SELECT FROM cloudgreet_private.requests r
                                 WHERE r.business_id = business AND r.subject_id = finished.subject_id AND r.retry_of = finished.id) THEN
            RAISE EXCEPTION 'the business has no such request that has failed' USING ERRCODE = 'no_data_found';
        END IF;
        about_id := finished.subject_id;
        about_type := finished.subject_type;
        IF finished.target IS NULL THEN
            PERFORM cloudgreet_private.enqueue(business, cloudgreet.uuid_v7(), finished.account_id, finished.provider, finished.operation,
                finished.idempotency, finished.channel, finished.contact, finished.subject_type, finished.subject_id,
                convert_from(finished.body, 'UTF8')::jsonb, interval '1 day', cloudgreet.clock(), finished.id);
        ELSE
            -- With the headers that it had: a key among them is the same.
            INSERT INTO cloudgreet_private.outbox
                (business_id, account_id, provider, operation, idempotency, subject_type, subject_id, body, deadline_at, retry_of, target)
            VALUES (business, finished.account_id, finished.provider, finished.operation, finished.idempotency, finished.subject_type,
                    finished.subject_id, finished.body, cloudgreet.clock() + interval '1 day', finished.id, finished.target);
        END IF;
    END IF;
    -- The one way back: it is to be sent anew.
    UPDATE cloudgreet.sms_messages m SET status = 'queued', status_at = NULL, error_code = NULL
     WHERE m.business_id = business AND m.id = about_id;
    UPDATE cloudgreet.emails m SET status = 'queued', status_at = NULL, error_code = NULL
     WHERE m.business_id = business AND m.id = about_id;
    PERFORM cloudgreet_private.record_event(business, 'delivery.retried', about_type, about_id);
END
$$;
COMMENT ON FUNCTION cloudgreet.retry_delivery(uuid, uuid) IS
    'held or unknown -> queued; what is dead gets a new request, whose retry_of names it, once: has a request sent again, within a day, by its id or that of its text or e-mail. One that is unknown or held may have been sent already: then it is sent twice. Admins, or operators naming the business. Error P0002 when there is none of that id in one of those states.';

CREATE OR REPLACE FUNCTION cloudgreet.cancel_delivery(outbox_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('cancel_delivery', cancel_delivery.business_id);
    item cloudgreet_private.outbox;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.await_subject(business, cancel_delivery.outbox_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = business AND (o.id = cancel_delivery.outbox_id OR o.subject_id = cancel_delivery.outbox_id) AND o.state IN ('queued', 'held', 'unknown') FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the business has no such request that waits' USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM cloudgreet_private.outbox_finish(item, 'cancelled', 'cancelled by a person');
    PERFORM cloudgreet_private.tell_subject(item, 'canceled');
END
$$;
COMMENT ON FUNCTION cloudgreet.cancel_delivery(uuid, uuid) IS
    'queued, held or unknown -> cancelled: a request that is not to be sent, by its id or that of its text or e-mail. Admins, or operators naming the business. Error P0002 when there is none of that id in one of those states.';

CREATE OR REPLACE FUNCTION cloudgreet_private.end_held(max_rows integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    ended integer := 0;
BEGIN
    -- Each business in one go, so that the session enters it once.
    FOR item IN
        SELECT o.* FROM cloudgreet_private.outbox o
         WHERE o.state IN ('held', 'unknown') AND o.deadline_at < cloudgreet.clock() - interval '30 days'
         ORDER BY o.business_id, o.id LIMIT end_held.max_rows
    LOOP
        IF cloudgreet.current_business_id() IS DISTINCT FROM item.business_id THEN
            PERFORM cloudgreet.enter_business(item.business_id);
        END IF;
        -- What another has locked comes the next time.
        CONTINUE WHEN NOT cloudgreet_private.lock_subject(item);
        SELECT o.* INTO item FROM cloudgreet_private.outbox o
         WHERE o.business_id = item.business_id AND o.id = item.id AND o.state IN ('held', 'unknown') FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        item.reason := left('nobody decided for 30 days: ' || coalesce(item.reason, item.state), 200);
        PERFORM cloudgreet_private.outbox_finish(item, 'dead', item.reason);
        PERFORM cloudgreet_private.tell_subject(item, 'failed');
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.end_held(integer) IS
    'held or unknown -> dead: up to max_rows of what nobody has decided about 30 days after its deadline; returns how many. The processor does it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_faults() RETURNS TABLE (business_id uuid, outbox_id uuid, fault text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business uuid;
BEGIN
    FOR business IN SELECT DISTINCT o.business_id FROM cloudgreet_private.requests o LOOP
        PERFORM cloudgreet.enter_business(business);
        -- What a business had goes with it.
        CONTINUE WHEN NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = business);
        RETURN QUERY
        SELECT o.business_id, o.id, 'the text or e-mail is missing' FROM cloudgreet_private.requests o
         WHERE o.business_id = business AND o.subject_type IN ('sms_message', 'email')
           AND NOT EXISTS (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = business AND m.id = o.subject_id)
           AND NOT EXISTS (SELECT FROM cloudgreet.emails m WHERE m.business_id = business AND m.id = o.subject_id)
        UNION ALL
        SELECT o.business_id, o.id, format('the request is %s, its subject %s', o.state, s.status)
          FROM cloudgreet_private.requests o
          JOIN (SELECT m.id, m.status FROM cloudgreet.sms_messages m WHERE m.business_id = business
                UNION ALL SELECT m.id, m.status FROM cloudgreet.emails m WHERE m.business_id = business) s ON s.id = o.subject_id
         WHERE o.business_id = business
           -- What was sent again is told by the newer request.
           AND NOT EXISTS (SELECT FROM cloudgreet_private.requests n WHERE n.business_id = business AND n.subject_id = o.subject_id AND n.retry_of = o.id)
           AND CASE o.state WHEN 'done' THEN s.status IN ('queued', 'canceled', 'unknown')
                            WHEN 'cancelled' THEN s.status IN ('queued', 'sent')
                            WHEN 'dead' THEN s.status IN ('queued', 'canceled')
                            WHEN 'queued' THEN s.status IN ('sent', 'delivered', 'canceled') ELSE false END
        UNION ALL
        SELECT h.business_id, h.id, 'done without an answer or an event that says so' FROM cloudgreet_private.outbox_history h
         WHERE h.business_id = business AND h.state = 'done' AND h.reason IS NULL AND h.http_status IS NULL
        UNION ALL
        SELECT h.business_id, h.id, 'both open and finished' FROM cloudgreet_private.outbox_history h
          JOIN cloudgreet_private.outbox o ON o.business_id = h.business_id AND o.id = h.id WHERE h.business_id = business
        UNION ALL
        SELECT o.business_id, o.id, 'waits for nothing' FROM cloudgreet_private.outbox o
         WHERE o.business_id = business AND o.waits
           AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox e
                            WHERE e.business_id = business AND e.channel = o.channel AND e.contact = o.contact
                              AND e.state IN ('queued', 'sending') AND (e.due_at, e.id) < (o.due_at, o.id))
        UNION ALL
        SELECT m.business_id, m.id, 'a text to be sent has no request' FROM cloudgreet.sms_messages m
         WHERE m.business_id = business AND m.direction = 'outbound' AND m.status = 'queued' AND m.provider_message_id IS NULL
           AND NOT EXISTS (SELECT FROM cloudgreet_private.requests o WHERE o.business_id = business AND o.subject_id = m.id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_faults() IS
    'What contradicts the promise of the outbox: every request is open, done, dead or cancelled, and its subject knows. No rows: all is well. For tests and operators; goes through everything.';

REVOKE ALL ON FUNCTION cloudgreet_private.await_subject(uuid, uuid), cloudgreet.retry_delivery(uuid, uuid), cloudgreet.cancel_delivery(uuid, uuid),
    cloudgreet_private.end_held(integer), cloudgreet_private.outbox_faults() FROM PUBLIC;
