/*
 * 490_process_webhooks.sql
 *		Processing what was taken in, in a transaction of its own.
 *
 * Each row is processed in a subtransaction and its business; what raises is tried again
 * later and stops nobody else.
 *
 * Locks:		the row of the inbox (others skip it), then the entity's row of
 *				entity_locks, then rows.  Two that process in different orders may deadlock: the one that is
 *				cancelled tries again.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.process_webhook(
    item cloudgreet_private.webhook_inbox, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    event jsonb;
BEGIN
    PERFORM cloudgreet.enter_business(item.business_id);
    IF item.provider <> 'google' THEN
        event := cloudgreet_private.canonical_event(item.business_id, item.provider, cloudgreet.parse_webhook(item.body));
    END IF;
    IF NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = item.business_id) THEN
        state := 'ignored';
        reason := 'the business is no more';
    ELSIF item.provider = 'telnyx' AND item.entity_key IS NOT NULL AND item.event_type = 'message.received' THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.telnyx_received(item, event) r;
    ELSIF item.provider = 'telnyx' AND item.entity_key IS NOT NULL AND item.event_type IN ('message.sent', 'message.finalized') THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.telnyx_sent(item, event) r;
    ELSIF item.provider = 'telnyx' AND item.entity_key IS NOT NULL
          AND item.event_type IN ('call.initiated', 'call.answered', 'call.hangup', 'call.recording.saved') THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.telnyx_call(item, event) r;
    ELSIF item.provider = 'retell' AND item.entity_key IS NOT NULL
          AND item.event_type IN ('call_started', 'call_ended', 'call_analyzed') THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.retell_call(item, event) r;
    ELSIF item.provider = 'resend' AND item.event_type IN ('email.sent', 'email.delivered', 'email.delivery_delayed',
          'email.bounced', 'email.complained', 'email.failed', 'email.suppressed') THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.resend_email(item, event) r;
    ELSE
        state := 'ignored';
        reason := 'events of this type are of no use';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_webhook(cloudgreet_private.webhook_inbox) IS
    'Processes one webhook in its business, and returns the state that it is in afterwards.';

CREATE OR REPLACE FUNCTION cloudgreet_private.alert_failed_webhook(item cloudgreet_private.webhook_inbox, reason text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(item.business_id);
    PERFORM cloudgreet_private.raise_alert(item.business_id, 'webhook_failed',
        format('What %s told (webhook %s) could not be taken in: %s. replay_webhook() tries again.', initcap(item.provider), item.id, alert_failed_webhook.reason));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.alert_failed_webhook(cloudgreet_private.webhook_inbox, text) IS 'Opens an alert of a webhook that was given up.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_webhooks(max_rows integer DEFAULT 100) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS
$$
DECLARE
    max_attempts CONSTANT integer := 5;
    item cloudgreet_private.webhook_inbox;
    result record;
    message text;
    code text;
    is_blocked boolean := false;
    processed integer := 0;
BEGIN
    FOR item IN
        SELECT i.* FROM cloudgreet_private.webhook_inbox i
         WHERE i.state = 'pending' AND i.next_at <= cloudgreet.clock()
         ORDER BY i.next_at, i.id LIMIT process_webhooks.max_rows FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            result := cloudgreet_private.process_webhook(item);
            UPDATE cloudgreet_private.webhook_inbox i
               SET state = result.state, reason = result.reason, attempts = i.attempts + 1, processed_at = cloudgreet.clock()
             WHERE i.business_id = item.business_id AND i.id = item.id;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, code = RETURNED_SQLSTATE;
            message := left(code || ': ' || message, 200);
            -- Two that are in each other's way try again soon, and it is nobody's fault.
            is_blocked := code IN ('40P01', '40001', '55P03');
            UPDATE cloudgreet_private.webhook_inbox i
               SET state = CASE WHEN NOT is_blocked AND i.attempts + 1 >= max_attempts THEN 'failed' ELSE 'pending' END,
                   processed_at = CASE WHEN NOT is_blocked AND i.attempts + 1 >= max_attempts THEN cloudgreet.clock() END,
                   attempts = i.attempts + CASE WHEN is_blocked THEN 0 ELSE 1 END,
                   next_at = cloudgreet.clock() + CASE WHEN is_blocked THEN interval '1 second' ELSE interval '10 seconds' * power(4, i.attempts) END,
                   reason = message
             WHERE i.business_id = item.business_id AND i.id = item.id;
            IF NOT is_blocked AND item.attempts + 1 >= max_attempts THEN
                PERFORM cloudgreet_private.alert_failed_webhook(item, message);
            END IF;
        END;
        processed := processed + 1;
        EXIT WHEN is_blocked; -- the others do not wait for what comes next, nor for the locks of this transaction
    END LOOP;
    RETURN processed;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_webhooks(integer) IS
    'Processes webhooks that are due, at most so many, and returns how many; several sessions may do it at a time. One that raises is tried again after 10 seconds, then 40 and so on, and given up as failed after 5 attempts. Waits for a lock half a second at most, and returns early after one that it did not get.';

CREATE OR REPLACE TRIGGER webhook_inbox_handoff AFTER INSERT OR UPDATE OF attempts ON cloudgreet_private.webhook_inbox
    FOR EACH ROW WHEN (new.state = 'pending' AND new.attempts = 0) EXECUTE FUNCTION cloudgreet.webhook_handoff();

CREATE OR REPLACE FUNCTION cloudgreet_private.webhooks_due() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT EXISTS (SELECT FROM cloudgreet_private.webhook_inbox i WHERE i.state = 'pending' AND i.next_at <= cloudgreet.clock());
$$;
COMMENT ON FUNCTION cloudgreet_private.webhooks_due() IS 'Whether process_webhooks() has something to do; one look at a small index a month.';

CREATE OR REPLACE FUNCTION cloudgreet.replay_webhook(id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('replay_webhook', replay_webhook.business_id);
BEGIN
    UPDATE cloudgreet_private.webhook_inbox i
       SET state = 'pending', attempts = 0, next_at = cloudgreet.clock(), processed_at = NULL, reason = NULL
     WHERE i.business_id = business AND i.id = replay_webhook.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the business has no such webhook' USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.replay_webhook(uuid, uuid) IS
    'Has a webhook of the business processed again, for example one that failed, or that came before its phone number was added. What it told already does no harm. Admins, or operators naming the business. Error P0002 when there is none of that id.';

REVOKE ALL ON FUNCTION cloudgreet_private.process_webhook(cloudgreet_private.webhook_inbox),
    cloudgreet_private.alert_failed_webhook(cloudgreet_private.webhook_inbox, text),
    cloudgreet_private.process_webhooks(integer), cloudgreet_private.webhooks_due(),
    cloudgreet.replay_webhook(uuid, uuid) FROM PUBLIC;
