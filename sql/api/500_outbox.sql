/*
 * 500_outbox.sql
 *		Requests to providers: into the queue, in their order, and what their subjects are told.
 *
 * queued -> sending -> done | queued | unknown | dead | held, or queued -> cancelled |
 * dead | held without an attempt.  The common ways are statements of the dispatcher
 * (src/outbound/statements.c); what is rare goes row by row through the functions of 495 to
 * 530, which run as cloudgreet_owner.  Shown by test/t/140_outbox.pl.
 *
 * Locks:		the row of the outbox, and before it its subject where both are locked.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.enqueue(
    business_id uuid, id uuid, account_id uuid, provider text, operation text, idempotency text, channel text, contact text,
    subject_type text, subject_id uuid, body jsonb, lifetime interval, due_at timestamptz DEFAULT cloudgreet.clock(),
    retry_of uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_open CONSTANT integer := current_setting('cloudgreet.outbox_max_per_contact')::integer;
BEGIN
    -- What waits for one person has an end: the order of a contact's requests is kept, and costs time for each of them.
    PERFORM FROM cloudgreet_private.outbox o
      WHERE o.business_id = enqueue.business_id AND o.channel = enqueue.channel AND o.contact = enqueue.contact
        AND o.state IN ('queued', 'sending')
     OFFSET max_open - 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'too many messages to the contact are waiting to be sent' USING ERRCODE = 'program_limit_exceeded',
            DETAIL = format('At most %s may wait.', max_open), HINT = 'Wait until they are sent, or cancel some.';
    END IF;
    INSERT INTO cloudgreet_private.outbox
        (business_id, id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body,
         due_at, next_at, deadline_at, retry_of)
    VALUES (enqueue.business_id, enqueue.id, enqueue.account_id, hashtextextended(coalesce(enqueue.body ->> 'from', ''), 0), enqueue.provider, enqueue.operation,
            enqueue.idempotency, enqueue.channel, enqueue.contact, enqueue.subject_type, enqueue.subject_id,
            convert_to(enqueue.body::text, 'UTF8'), enqueue.due_at, enqueue.due_at, enqueue.due_at + enqueue.lifetime, enqueue.retry_of);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.enqueue(uuid, uuid, uuid, text, text, text, text, text, text, uuid, jsonb, interval, timestamptz, uuid) IS
    'New -> queued: a request that is sent once the transaction commits and due_at has come, and not attempted again after its lifetime. Error 54000 when cloudgreet.outbox_max_per_contact wait for the contact already.';

CREATE OR REPLACE TRIGGER outbox_handoff AFTER INSERT ON cloudgreet_private.outbox
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.outbox_handoff();
-- A row that may go now, although it was known before, is handed over as a new one is.
CREATE OR REPLACE TRIGGER outbox_hand_over_again AFTER UPDATE OF waits, state ON cloudgreet_private.outbox
    FOR EACH ROW WHEN (new.state = 'queued' AND NOT new.waits AND (old.waits OR old.state IN ('held', 'unknown')))
    EXECUTE FUNCTION cloudgreet.outbox_handoff();

CREATE OR REPLACE FUNCTION cloudgreet_private.let_next_go() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Of each contact the first that waits; it holds the others back.
    UPDATE cloudgreet_private.outbox o SET waits = false
      FROM (SELECT DISTINCT g.business_id, g.channel, g.contact FROM gone g WHERE g.channel IS NOT NULL) c
     CROSS JOIN LATERAL (SELECT n.id FROM cloudgreet_private.outbox n
                          WHERE n.business_id = c.business_id AND n.channel = c.channel AND n.contact = c.contact AND n.waits
                          ORDER BY n.due_at, n.id LIMIT 1) f
     WHERE o.business_id = c.business_id AND o.id = f.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.let_next_go() IS
    'Trigger of the outbox: what waited for a request that is gone may go. A claim that makes a row wait holds a lock on the one that it waits for, so neither can miss the other.';
CREATE OR REPLACE TRIGGER outbox_let_next_go AFTER DELETE ON cloudgreet_private.outbox
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.let_next_go();

CREATE OR REPLACE FUNCTION cloudgreet_private.let_next_go_after() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.outbox o SET waits = false
      FROM (SELECT n.id FROM cloudgreet_private.outbox n
             WHERE n.business_id = new.business_id AND n.channel = new.channel AND n.contact = new.contact AND n.waits AND n.id <> new.id
             ORDER BY n.due_at, n.id LIMIT 1) f
     WHERE o.business_id = new.business_id AND o.id = f.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.let_next_go_after() IS
    'Trigger of the outbox: what waited for a request that is held, not known the end of, or put off for long may go.';
CREATE OR REPLACE TRIGGER outbox_let_next_go_after AFTER UPDATE OF state, next_at ON cloudgreet_private.outbox
    FOR EACH ROW WHEN (new.channel IS NOT NULL AND old.state IN ('queued', 'sending')
                       AND (new.state IN ('held', 'unknown') OR new.next_at > old.next_at + interval '15 minutes'))
    EXECUTE FUNCTION cloudgreet_private.let_next_go_after();

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
    ELSIF item.subject_type = 'email' THEN
        IF tell_subject.provider_id IS NOT NULL THEN
            PERFORM cloudgreet_private.adopt_email(item.business_id, item.subject_id, item.provider, tell_subject.provider_id);
        END IF;
        PERFORM cloudgreet_private.advance_email(item.business_id, item.subject_id, tell_subject.status, cloudgreet.clock(),
            tell_subject.error_code, NULL, sent_at, NULL);
        SELECT m.lead_id INTO lead FROM cloudgreet.emails m WHERE m.business_id = item.business_id AND m.id = item.subject_id;
    END IF;
    IF tell_subject.status IN ('sent', 'failed', 'canceled') THEN
        -- A request that stands for itself has no channel.
        PERFORM cloudgreet_private.record_once(item.business_id, coalesce(item.channel, 'request') || '.' || tell_subject.status, item.subject_type,
            item.subject_id, jsonb_strip_nulls(jsonb_build_object('reason', coalesce(tell_subject.error_code, item.reason))), lead);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tell_subject(cloudgreet_private.outbox, text, text, text) IS
    'Moves the text or e-mail that a request is about forward, gives it its id at the provider, and writes to the timeline, with the reason of what was not sent.';

CREATE OR REPLACE FUNCTION cloudgreet_private.raise_alert(business_id uuid, alert_type text, message text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A business may be deleted while something of it is under way.
    INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
    SELECT b.id, raise_alert.alert_type, raise_alert.message FROM cloudgreet.businesses b WHERE b.id = raise_alert.business_id
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.raise_alert(uuid, text, text) IS 'Opens an alert of the business, unless one of the type is open or the business is no more.';

CREATE OR REPLACE FUNCTION cloudgreet_private.alert_failed_delivery(business_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.raise_alert(alert_failed_delivery.business_id, 'delivery_failed',
        'A message could not be delivered. See queue_status() and the messages that failed; retry_delivery() sends one again.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.alert_failed_delivery(uuid) IS 'Opens the alert of messages that did not arrive, whoever told it.';

REVOKE ALL ON FUNCTION
    cloudgreet_private.alert_failed_delivery(uuid),
    cloudgreet_private.enqueue(uuid, uuid, uuid, text, text, text, text, text, text, uuid, jsonb, interval, timestamptz, uuid),
    cloudgreet_private.let_next_go(), cloudgreet_private.let_next_go_after(),
    cloudgreet_private.tell_subject(cloudgreet_private.outbox, text, text, text),
    cloudgreet_private.raise_alert(uuid, text, text) FROM PUBLIC;
