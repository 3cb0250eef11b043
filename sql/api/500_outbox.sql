/*
 * 500_outbox.sql
 *		Requests to providers: into the queue, and what their subjects are told.
 *
 * queued -> sending -> done | queued | unknown | dead | held, or queued -> cancelled |
 * dead | held without an attempt.  Each function below and in 510 to 530 owns the
 * transitions that its comment names.  All of them run as cloudgreet_owner.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.enqueue(
    business_id uuid, id uuid, account_id uuid, provider text, operation text, idempotency text, channel text, contact text,
    subject_type text, subject_id uuid, body jsonb, lifetime interval, due_at timestamptz DEFAULT cloudgreet.clock()) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    INSERT INTO cloudgreet_private.outbox
        (business_id, id, account_id, provider, operation, idempotency, channel, contact, subject_type, subject_id, body, next_at, deadline_at)
    VALUES (enqueue.business_id, enqueue.id, enqueue.account_id, enqueue.provider, enqueue.operation, enqueue.idempotency,
            enqueue.channel, enqueue.contact, enqueue.subject_type, enqueue.subject_id,
            convert_to(enqueue.body::text, 'UTF8'), enqueue.due_at, enqueue.due_at + enqueue.lifetime);
$$;
COMMENT ON FUNCTION cloudgreet_private.enqueue(uuid, uuid, uuid, text, text, text, text, text, text, uuid, jsonb, interval, timestamptz) IS
    'New -> queued: a request that is sent once the transaction commits and due_at has come, and not attempted again after its lifetime.';

CREATE OR REPLACE TRIGGER outbox_handoff AFTER INSERT ON cloudgreet_private.outbox
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.outbox_handoff();

CREATE OR REPLACE FUNCTION cloudgreet_private.tell_subject(
    item cloudgreet_private.outbox, status text, error_code text DEFAULT NULL, provider_id text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    sent_at CONSTANT timestamptz := CASE WHEN tell_subject.status = 'sent' THEN cloudgreet.clock() END;
    lead uuid;
BEGIN
    IF item.subject_type = 'sms_message' THEN
        IF tell_subject.provider_id IS NOT NULL THEN
            PERFORM cloudgreet_private.adopt_message(item.business_id, item.subject_id, item.provider, tell_subject.provider_id);
        END IF;
        PERFORM cloudgreet_private.advance_message(item.business_id, item.subject_id, tell_subject.status, cloudgreet.clock(),
            tell_subject.error_code, sent_at, NULL, NULL);
        SELECT m.lead_id INTO lead FROM cloudgreet.sms_messages m WHERE m.business_id = item.business_id AND m.id = item.subject_id;
    ELSE
        IF tell_subject.provider_id IS NOT NULL THEN
            PERFORM cloudgreet_private.adopt_email(item.business_id, item.subject_id, item.provider, tell_subject.provider_id);
        END IF;
        PERFORM cloudgreet_private.advance_email(item.business_id, item.subject_id, tell_subject.status, cloudgreet.clock(),
            tell_subject.error_code, NULL, sent_at, NULL);
        SELECT m.lead_id INTO lead FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id;
    END IF;
    IF tell_subject.status IN ('sent', 'failed', 'canceled') THEN
        PERFORM cloudgreet_private.record_once(item.business_id, item.channel || '.' || tell_subject.status, item.subject_type,
            item.subject_id, jsonb_strip_nulls(jsonb_build_object('reason', coalesce(tell_subject.error_code, item.reason))), lead);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tell_subject(cloudgreet_private.outbox, text, text, text) IS
    'Moves the text or e-mail that a request is about forward, gives it its id at the provider, and writes to the timeline, with the reason of what was not sent.';

CREATE OR REPLACE FUNCTION cloudgreet_private.raise_alert(business_id uuid, alert_type text, message text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    -- A business may be deleted while something of it is under way.
    INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
    SELECT b.id, raise_alert.alert_type, raise_alert.message FROM cloudgreet.businesses b WHERE b.id = raise_alert.business_id
    ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION cloudgreet_private.raise_alert(uuid, text, text) IS 'Opens an alert of the business, unless one of the type is open or the business is no more.';

CREATE OR REPLACE FUNCTION cloudgreet_private.alert_failed_delivery(business_id uuid) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT cloudgreet_private.raise_alert(alert_failed_delivery.business_id, 'delivery_failed',
        'A message could not be delivered. See queue_status() and the messages that failed; retry_delivery() sends one again.');
$$;
COMMENT ON FUNCTION cloudgreet_private.alert_failed_delivery(uuid) IS 'Opens the alert of messages that did not arrive, whoever told it.';

REVOKE ALL ON FUNCTION
    cloudgreet_private.alert_failed_delivery(uuid),
    cloudgreet_private.enqueue(uuid, uuid, uuid, text, text, text, text, text, text, uuid, jsonb, interval, timestamptz),
    cloudgreet_private.tell_subject(cloudgreet_private.outbox, text, text, text),
    cloudgreet_private.raise_alert(uuid, text, text) FROM PUBLIC;
