/*
 * 530_outbox_status.sql
 *		The queue as people see it, and what they can do about a request.
 */
CREATE OR REPLACE FUNCTION cloudgreet.queue_status(business_id uuid DEFAULT NULL)
    RETURNS TABLE (provider text, state text, requests bigint, oldest_at timestamptz, next_at timestamptz, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Operators who name no business see all.
    business CONSTANT uuid := CASE WHEN queue_status.business_id IS NULL AND cloudgreet.is_operator() THEN NULL
                                   ELSE cloudgreet_private.business_for('queue_status', queue_status.business_id) END;
BEGIN
    RETURN QUERY SELECT o.provider, o.state, count(*), min(o.created_at), min(o.next_at) FILTER (WHERE o.state IN ('queued', 'unknown')), max(o.reason)
      FROM cloudgreet_private.outbox o
     WHERE (business IS NULL OR o.business_id = business)
       AND (o.finished_at IS NULL OR o.finished_at > cloudgreet.clock() - interval '1 day')
     GROUP BY o.provider, o.state ORDER BY o.provider, o.state;
END
$$;
COMMENT ON FUNCTION cloudgreet.queue_status(uuid) IS
    'Requests to providers by state, those that are open and those that were finished within a day, with one of their reasons. Of the business; operators who name none see all.';

CREATE OR REPLACE FUNCTION cloudgreet.retry_delivery(outbox_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('retry_delivery', retry_delivery.business_id);
    item cloudgreet_private.outbox;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    UPDATE cloudgreet_private.outbox o
       SET state = 'queued', attempts = 0, reason = NULL, next_at = cloudgreet.clock(), finished_at = NULL,
           deadline_at = cloudgreet.clock() + interval '1 day'
     WHERE o.business_id = business AND (o.id = retry_delivery.outbox_id OR o.subject_id = retry_delivery.outbox_id) AND o.state IN ('dead', 'held', 'unknown')
    RETURNING o.* INTO item;
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'the business has no such request that has failed' USING ERRCODE = 'no_data_found';
    END IF;
    -- The one way back: it is to be sent anew.
    UPDATE cloudgreet.sms_messages m SET status = 'queued', status_at = NULL, error_code = NULL
     WHERE m.business_id = business AND m.id = item.subject_id;
    UPDATE cloudgreet.emails m SET status = 'queued', status_at = NULL, error_code = NULL
     WHERE m.business_id = business AND m.id = item.subject_id;
    PERFORM cloudgreet_private.record_event(business, 'delivery.retried', item.subject_type, item.subject_id);
    PERFORM cloudgreet.wake_workers();
END
$$;
COMMENT ON FUNCTION cloudgreet.retry_delivery(uuid, uuid) IS
    'dead, held or unknown -> queued: has a request sent again, within a day, by its id or that of its text or e-mail. One that is unknown or held may have been sent already: then it is sent twice. Admins, or operators naming the business. Error P0002 when there is none of that id in one of those states.';

CREATE OR REPLACE FUNCTION cloudgreet.cancel_delivery(outbox_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('cancel_delivery', cancel_delivery.business_id);
    item cloudgreet_private.outbox;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    UPDATE cloudgreet_private.outbox o
       SET state = 'cancelled', reason = 'cancelled by a person', finished_at = cloudgreet.clock()
     WHERE o.business_id = business AND (o.id = cancel_delivery.outbox_id OR o.subject_id = cancel_delivery.outbox_id) AND o.state IN ('queued', 'held', 'unknown')
    RETURNING o.* INTO item;
    IF item.id IS NULL THEN
        RAISE EXCEPTION 'the business has no such request that waits' USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM cloudgreet_private.tell_subject(item, 'canceled');
END
$$;
COMMENT ON FUNCTION cloudgreet.cancel_delivery(uuid, uuid) IS
    'queued, held or unknown -> cancelled: a request that is not to be sent, by its id or that of its text or e-mail. Admins, or operators naming the business. Error P0002 when there is none of that id in one of those states.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_faults() RETURNS TABLE (business_id uuid, outbox_id uuid, fault text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business uuid;
BEGIN
    FOR business IN SELECT DISTINCT o.business_id FROM cloudgreet_private.outbox o LOOP
        PERFORM cloudgreet.enter_business(business);
        -- What a business had goes with it.
        CONTINUE WHEN NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = business);
        RETURN QUERY
        SELECT o.business_id, o.id, 'the text or e-mail is missing' FROM cloudgreet_private.outbox o
         WHERE o.business_id = business
           AND NOT EXISTS (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = business AND m.id = o.subject_id)
           AND NOT EXISTS (SELECT FROM cloudgreet.emails m WHERE m.business_id = business AND m.id = o.subject_id)
        UNION ALL
        SELECT o.business_id, o.id, format('the request is %s, its subject %s', o.state, s.status)
          FROM cloudgreet_private.outbox o
          JOIN (SELECT m.id, m.status FROM cloudgreet.sms_messages m WHERE m.business_id = business
                UNION ALL SELECT m.id, m.status FROM cloudgreet.emails m WHERE m.business_id = business) s ON s.id = o.subject_id
         WHERE o.business_id = business
           AND CASE o.state WHEN 'done' THEN s.status IN ('queued', 'canceled', 'unknown')
                            WHEN 'cancelled' THEN s.status IN ('queued', 'sent')
                            WHEN 'dead' THEN s.status IN ('queued', 'canceled')
                            WHEN 'queued' THEN s.status IN ('sent', 'delivered', 'canceled') ELSE false END
        UNION ALL
        SELECT o.business_id, o.id, 'done without an attempt that was, or an event' FROM cloudgreet_private.outbox o
         WHERE o.business_id = business AND o.state = 'done' AND o.reason IS NULL
           AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox_attempts a
                            WHERE a.business_id = business AND a.outbox_id = o.id AND a.outcome = 'done')
        UNION ALL
        SELECT m.business_id, m.id, 'a text to be sent has no request' FROM cloudgreet.sms_messages m
         WHERE m.business_id = business AND m.direction = 'outbound' AND m.status = 'queued' AND m.provider_message_id IS NULL
           AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.subject_id = m.id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_faults() IS
    'What contradicts the promise of the outbox: every request is open, done, dead or cancelled, and its subject knows. No rows: all is well. For tests and operators; goes through everything.';

REVOKE ALL ON FUNCTION cloudgreet.queue_status(uuid), cloudgreet.retry_delivery(uuid, uuid), cloudgreet.cancel_delivery(uuid, uuid),
    cloudgreet_private.outbox_faults() FROM PUBLIC;
