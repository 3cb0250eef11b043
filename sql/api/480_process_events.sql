/*
 * 480_process_events.sql
 *		What an event is processed by: one alone, or those of a call that are due together.
 *
 * Called by 490, which says whose turn it is, in the business of the events, and by the
 * processor for an event that is tried alone.
 *
 * Memory:		events that are taken together are read whole; events_together() bounds them.
 * Shown by test/t/131_webhook_events.pl and test/sql/webhooks.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.is_call_event(provider text, event_type text, entity_key text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN is_call_event.entity_key IS NOT NULL
           AND CASE is_call_event.provider
               WHEN 'telnyx' THEN is_call_event.event_type IN ('call.initiated', 'call.answered', 'call.hangup', 'call.recording.saved')
               WHEN 'retell' THEN is_call_event.event_type IN ('call_started', 'call_ended', 'call_analyzed')
               ELSE false END;
COMMENT ON FUNCTION cloudgreet_private.is_call_event(text, text, text) IS 'Whether an event is about a call, and so taken together with others of it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_call_events(
    items cloudgreet_private.webhook_inbox[], OUT states text[], OUT reasons text[])
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := items[1].business_id;
    provider CONSTANT text := items[1].provider;
    subject CONSTANT text[] := CASE provider WHEN 'telnyx' THEN '{data,payload}' ELSE '{call}' END::text[];
    from_path CONSTANT text[] := subject || CASE provider WHEN 'telnyx' THEN 'from' ELSE 'from_number' END;
    to_path CONSTANT text[] := subject || CASE provider WHEN 'telnyx' THEN 'to' ELSE 'to_number' END;
    events jsonb[];
    parties jsonb;
    plain jsonb; -- parties that are in their canonical form as they came
BEGIN
    FOR n IN 1 .. cardinality(items) LOOP
        events[n] := cloudgreet.parse_webhook(items[n].body);
        -- Events of one call name the same two numbers: these are looked at once.
        parties := jsonb_build_array(events[n] #> from_path, events[n] #> to_path);
        IF parties IS DISTINCT FROM plain THEN
            events[n] := cloudgreet_private.canonical_event(business, provider, events[n]);
            plain := CASE WHEN parties = jsonb_build_array(events[n] #> from_path, events[n] #> to_path) THEN parties END;
        END IF;
    END LOOP;
    IF provider = 'telnyx' THEN
        SELECT r.states, r.reasons INTO states, reasons FROM cloudgreet_private.telnyx_call(items, events) r;
    ELSE
        SELECT r.states, r.reasons INTO states, reasons FROM cloudgreet_private.retell_call(items, events) r;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_call_events(cloudgreet_private.webhook_inbox[]) IS
    'Processes events of one call, of one account, in the order in which they are given; the state in which each is afterwards, and why.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_webhook(
    item cloudgreet_private.webhook_inbox, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    event jsonb;
BEGIN
    IF cloudgreet_private.is_call_event(item.provider, item.event_type, item.entity_key) THEN
        SELECT r.states[1], r.reasons[1] INTO state, reason FROM cloudgreet_private.process_call_events(ARRAY[item]) r;
        RETURN;
    END IF;
    IF item.provider <> 'google' THEN
        event := cloudgreet_private.canonical_event(item.business_id, item.provider, cloudgreet.parse_webhook(item.body));
    END IF;
    IF item.provider = 'telnyx' AND item.entity_key IS NOT NULL AND item.event_type = 'message.received' THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.telnyx_received(item, event) r;
    ELSIF item.provider = 'telnyx' AND item.entity_key IS NOT NULL AND item.event_type IN ('message.sent', 'message.finalized') THEN
        SELECT r.state, r.reason INTO state, reason FROM cloudgreet_private.telnyx_sent(item, event) r;
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
    'Processes one webhook in its business, which was entered, and returns the state that it is in afterwards.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_together(
    business_id uuid, ids uuid[], OUT done uuid[], OUT states text[], OUT reasons text[])
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Bounds of one partition, as a rule: an array of ids alone would be looked for in all.
    first CONSTANT uuid := (SELECT min(i.id::text)::uuid FROM unnest(process_together.ids) AS i (id));
    last CONSTANT uuid := (SELECT max(i.id::text)::uuid FROM unnest(process_together.ids) AS i (id));
    items CONSTANT cloudgreet_private.webhook_inbox[] := ARRAY(
        SELECT i FROM cloudgreet_private.webhook_inbox i
         WHERE i.business_id = process_together.business_id AND i.id = ANY (process_together.ids) AND i.id BETWEEN first AND last AND i.state = 'pending'
         ORDER BY i.next_at, i.id FOR UPDATE SKIP LOCKED);
BEGIN
    IF cardinality(items) > 1 THEN
        SELECT r.states, r.reasons INTO states, reasons FROM cloudgreet_private.process_call_events(items) r;
    ELSIF cardinality(items) = 1 THEN
        SELECT ARRAY[r.state], ARRAY[r.reason] INTO states, reasons FROM cloudgreet_private.process_webhook(items[1]) r;
    END IF;
    done := ARRAY(SELECT i.id FROM unnest(items) WITH ORDINALITY AS i ORDER BY i.ordinality);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_together(uuid, uuid[]) IS
    'Processes a webhook, or several of one call, in their business, which was entered, except what another session processes: which, and what finish_webhooks() is to write.';

CREATE OR REPLACE FUNCTION cloudgreet_private.finish_webhooks(business_id uuid, ids uuid[], states text[], reasons text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    first CONSTANT uuid := (SELECT min(i.id::text)::uuid FROM unnest(finish_webhooks.ids) AS i (id));
    last CONSTANT uuid := (SELECT max(i.id::text)::uuid FROM unnest(finish_webhooks.ids) AS i (id));
BEGIN
    UPDATE cloudgreet_private.webhook_inbox i
       SET state = r.state, reason = r.reason, attempts = i.attempts + 1, processed_at = cloudgreet.clock()
      FROM unnest(finish_webhooks.ids, finish_webhooks.states, finish_webhooks.reasons) AS r (id, state, reason)
     WHERE i.business_id = finish_webhooks.business_id AND i.id = r.id AND i.id BETWEEN first AND last;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.finish_webhooks(uuid, uuid[], text[], text[]) IS
    'pending -> processed, ignored or unmatched: writes what came of webhooks that this transaction has locked.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_alone(business_id uuid, id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(process_alone.business_id);
    PERFORM cloudgreet_private.finish_webhooks(process_alone.business_id, r.done, r.states, r.reasons)
       FROM cloudgreet_private.process_together(process_alone.business_id, ARRAY[process_alone.id]) r;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_alone(uuid, uuid) IS
    'Processes a webhook unless another session does. What raises is for put_off_webhook() in a transaction of its own.';

REVOKE ALL ON FUNCTION cloudgreet_private.is_call_event(text, text, text), cloudgreet_private.process_call_events(cloudgreet_private.webhook_inbox[]),
    cloudgreet_private.process_webhook(cloudgreet_private.webhook_inbox), cloudgreet_private.process_together(uuid, uuid[]),
    cloudgreet_private.finish_webhooks(uuid, uuid[], text[], text[]), cloudgreet_private.process_alone(uuid, uuid) FROM PUBLIC;
