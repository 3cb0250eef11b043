/*
 * 430_telnyx_messages.sql
 *		Texts: received ones, and what becomes of those that were sent.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.sms_rank(status text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE sms_rank.status WHEN 'queued' THEN 1 WHEN 'canceled' THEN 1 WHEN 'sending' THEN 2 WHEN 'unknown' THEN 2
                                WHEN 'sent' THEN 3 ELSE 4 END;
COMMENT ON FUNCTION cloudgreet_private.sms_rank(text) IS 'How far a text has come; a status of a lower rank never replaces one of a higher.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_message_status(status text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE telnyx_message_status.status
        WHEN 'queued' THEN 'queued' WHEN 'sending' THEN 'sending' WHEN 'sent' THEN 'sent' WHEN 'delivered' THEN 'delivered'
        WHEN 'delivery_failed' THEN 'undelivered' WHEN 'sending_failed' THEN 'failed' WHEN 'expired' THEN 'failed'
        -- No receipt from the carrier: it was sent, and more will not be known.
        WHEN 'delivery_unconfirmed' THEN 'sent' END;
COMMENT ON FUNCTION cloudgreet_private.telnyx_message_status(text) IS 'Our word for Telnyx''s status of a text; NULL for one that is not known.';

CREATE OR REPLACE FUNCTION cloudgreet_private.adopt_message(business_id uuid, sms_message_id uuid, provider text, provider_message_id text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    other cloudgreet.sms_messages;
BEGIN
    -- A webhook that was here before the answer has made a row of its own.
    DELETE FROM cloudgreet.sms_messages m
     WHERE m.business_id = adopt_message.business_id AND m.provider = adopt_message.provider
       AND m.provider_message_id = adopt_message.provider_message_id AND m.id <> adopt_message.sms_message_id
    RETURNING m.* INTO other;
    UPDATE cloudgreet.sms_messages m SET provider = adopt_message.provider, provider_message_id = adopt_message.provider_message_id
     WHERE m.business_id = adopt_message.business_id AND m.id = adopt_message.sms_message_id
       -- Sent anew it has a new id; else the first one stays.
       AND (m.provider_message_id IS NULL OR m.status IN ('queued', 'sending', 'unknown'));
    IF other.id IS NOT NULL THEN
        PERFORM cloudgreet_private.move_history(adopt_message.business_id, other.id, adopt_message.sms_message_id);
        PERFORM cloudgreet_private.advance_message(adopt_message.business_id, adopt_message.sms_message_id, other.status,
            other.status_at, other.error_code, other.sent_at, other.delivered_at, other.segments);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.adopt_message(uuid, uuid, text, text) IS
    'Gives a text its id at the provider, and what a row of that id has learned already, which goes.';

CREATE OR REPLACE FUNCTION cloudgreet_private.advance_message(
    business_id uuid, sms_message_id uuid, status text, at timestamptz, error_code text, sent_at timestamptz,
    delivered_at timestamptz, segments integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    WITH judged AS (
        SELECT m.id, (cloudgreet_private.sms_rank(advance_message.status), coalesce(advance_message.at, '-infinity'), advance_message.status COLLATE "C")
                     > (cloudgreet_private.sms_rank(m.status), coalesce(m.status_at, '-infinity'), m.status COLLATE "C") AS wins
          FROM cloudgreet.sms_messages m
         WHERE m.business_id = advance_message.business_id AND m.id = advance_message.sms_message_id FOR UPDATE)
    UPDATE cloudgreet.sms_messages m
       SET status = CASE WHEN j.wins THEN advance_message.status ELSE m.status END,
           status_at = CASE WHEN j.wins THEN advance_message.at ELSE m.status_at END,
           error_code = CASE WHEN j.wins THEN advance_message.error_code ELSE m.error_code END,
           sent_at = least(m.sent_at, advance_message.sent_at),
           delivered_at = least(m.delivered_at, advance_message.delivered_at),
           segments = coalesce(m.segments, advance_message.segments)
      FROM judged j
     WHERE m.business_id = advance_message.business_id AND m.id = j.id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.advance_message(uuid, uuid, text, timestamptz, text, timestamptz, timestamptz, integer) IS
    'Moves a text forward, by rank of the status and then by the provider''s time; times are the earliest that were told.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_received(
    item cloudgreet_private.webhook_inbox, event jsonb, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    message CONSTANT jsonb := event #> '{data,payload}';
    sender CONSTANT text := message #>> '{from,phone_number}';
    words CONSTANT text := left(coalesce(message ->> 'text', ''), 20000);
    word text;
    own_number text;
    lead uuid;
    new_id uuid;
BEGIN
    SELECT t.value ->> 'phone_number' INTO own_number
      FROM jsonb_path_query(message, 'lax $.to[0 to 49]') WITH ORDINALITY AS t (value, n)
     WHERE cloudgreet_private.is_own_number(business, t.value ->> 'phone_number') ORDER BY t.n LIMIT 1;
    IF own_number IS NULL THEN
        state := 'unmatched';
        reason := 'no number of the business was texted';
        RETURN;
    END IF;
    lead := cloudgreet_private.ensure_lead(business, sender, 'sms');
    word := cloudgreet_private.heard_opt(business, lead, sender, words, message ->> 'autoresponse_type');
    INSERT INTO cloudgreet.sms_messages AS m
        (business_id, lead_id, direction, from_number, to_number, content, status, segments, provider, provider_message_id,
         media, opt_word, status_at)
    VALUES (business, lead, 'inbound', left(sender, 100), own_number, words, 'received',
            CASE WHEN message ->> 'parts' ~ '^[1-9][0-9]{0,3}$' THEN (message ->> 'parts')::integer END,
            'telnyx', item.entity_key,
            coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('url', f.value -> 'url', 'content_type', f.value -> 'content_type', 'size', f.value -> 'size')) ORDER BY f.n)
                        FROM jsonb_path_query(message, 'lax $.media[0 to 49]') WITH ORDINALITY AS f (value, n)), '[]'),
            word, coalesce(cloudgreet_private.webhook_time(message ->> 'received_at'),
                           cloudgreet_private.webhook_time(event #>> '{data,occurred_at}'), item.received_at))
    ON CONFLICT ON CONSTRAINT sms_messages_business_id_provider_provider_message_id_key DO NOTHING
    RETURNING m.id INTO new_id;
    IF new_id IS NOT NULL THEN
        PERFORM cloudgreet_private.record_event(business, 'sms.received', 'sms_message', new_id,
            jsonb_strip_nulls(jsonb_build_object('opt_word', word)), lead);
        PERFORM cloudgreet_private.stop_enrollments(business, lead, CASE WHEN word IN ('stop', 'review_stop') THEN 'opt_out' ELSE 'reply' END,
                    CASE WHEN word IS DISTINCT FROM 'stop' AND word IS DISTINCT FROM 'review_stop' THEN m.status_at END),
                cloudgreet_private.take_reply(m)
           FROM cloudgreet.sms_messages m WHERE m.business_id = business AND m.id = new_id;
        IF word = 'review_stop' THEN
            PERFORM cloudgreet_private.raise_alert(business, 'opt_out_review',
                'Someone asked not to be texted, in words of their own. Nothing is sent to them; please read the text (opt_word review_stop).');
        END IF;
    END IF;
    PERFORM cloudgreet_private.settle_opt(m) FROM cloudgreet.sms_messages m
      WHERE m.business_id = business AND m.provider = 'telnyx' AND m.provider_message_id = item.entity_key
        AND m.opt_word IN ('stop', 'start', 'review_stop') AND cloudgreet.is_phone_number(m.from_number);
    state := 'processed';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_received(cloudgreet_private.webhook_inbox, jsonb) IS
    'A text that came in: its row, its lead, what it answers, and what it says about being texted.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_find_message(
    item cloudgreet_private.webhook_inbox, message jsonb) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    sender CONSTANT text := message #>> '{from,phone_number}';
    receiver CONSTANT text := message #>> '{to,0,phone_number}';
    match uuid := cloudgreet_private.outbox_subject(business, item.outbox_id, 'sms_message');
BEGIN
    IF match IS NOT NULL THEN
        PERFORM cloudgreet_private.adopt_message(business, match, 'telnyx', item.entity_key);
        RETURN match;
    END IF;
    SELECT m.id INTO match FROM cloudgreet.sms_messages m
     WHERE m.business_id = business AND m.provider = 'telnyx' AND m.provider_message_id = item.entity_key;
    IF match IS NULL AND cloudgreet_private.is_own_number(business, sender) THEN
        INSERT INTO cloudgreet.sms_messages AS m
            (business_id, lead_id, direction, from_number, to_number, content, status, provider, provider_message_id)
        VALUES (business, cloudgreet_private.find_lead(business, receiver), 'outbound', sender, left(receiver, 100),
                left(coalesce(message ->> 'text', ''), 20000), 'queued', 'telnyx', item.entity_key)
        RETURNING m.id INTO match;
    END IF;
    RETURN match;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_find_message(cloudgreet_private.webhook_inbox, jsonb) IS
    'The row of a text that was sent: by the request that the path names, by its id at Telnyx, or made now; NULL when it was not sent from a number of the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_sent(
    item cloudgreet_private.webhook_inbox, event jsonb, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    message CONSTANT jsonb := event #> '{data,payload}';
    said CONSTANT text := message #>> '{to,0,status}';
    status CONSTANT text := cloudgreet_private.telnyx_message_status(said);
    target_id uuid;
    target cloudgreet.sms_messages;
BEGIN
    PERFORM cloudgreet_private.lock_entity(item.business_id, item.entity_key);
    target_id := cloudgreet_private.telnyx_find_message(item, message);
    SELECT m.* INTO target FROM cloudgreet.sms_messages m
     WHERE m.business_id = item.business_id AND m.id = target_id FOR UPDATE;
    IF target.id IS NULL THEN
        state := 'unmatched';
        reason := 'the text was not sent from a number of the business';
        RETURN;
    END IF;
    state := 'processed';
    IF status IS NULL THEN
        reason := 'the status is not known';
        RETURN;
    END IF;
    PERFORM cloudgreet_private.advance_message(item.business_id, target.id, status,
        cloudgreet_private.webhook_time(event #>> '{data,occurred_at}'),
        CASE WHEN status IN ('undelivered', 'failed') THEN left(coalesce(message #>> '{errors,0,code}', said), 100)
             WHEN said = 'delivery_unconfirmed' THEN said END,
        cloudgreet_private.webhook_time(message ->> 'sent_at'),
        CASE WHEN status = 'delivered' THEN cloudgreet_private.webhook_time(message ->> 'completed_at') END,
        CASE WHEN message ->> 'parts' ~ '^[1-9][0-9]{0,3}$' THEN (message ->> 'parts')::integer END);
    PERFORM cloudgreet_private.settle_outbox(item.business_id, 'sms_message', target.id, item.entity_key);
    IF status IN ('sent', 'delivered', 'undelivered', 'failed') THEN
        PERFORM cloudgreet_private.record_once(item.business_id, 'sms.' || status, 'sms_message', target.id,
            CASE WHEN status IN ('undelivered', 'failed') THEN jsonb_build_object('reason', left(coalesce(message #>> '{errors,0,code}', said), 100)) ELSE '{}' END,
            target.lead_id);
    END IF;
    IF status IN ('undelivered', 'failed') THEN
        PERFORM cloudgreet_private.alert_failed_delivery(item.business_id);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_sent(cloudgreet_private.webhook_inbox, jsonb) IS
    'What became of a text that was sent.';

REVOKE ALL ON FUNCTION cloudgreet_private.sms_rank(text), cloudgreet_private.telnyx_message_status(text),
    cloudgreet_private.adopt_message(uuid, uuid, text, text),
    cloudgreet_private.advance_message(uuid, uuid, text, timestamptz, text, timestamptz, timestamptz, integer),
    cloudgreet_private.telnyx_received(cloudgreet_private.webhook_inbox, jsonb),
    cloudgreet_private.telnyx_find_message(cloudgreet_private.webhook_inbox, jsonb),
    cloudgreet_private.telnyx_sent(cloudgreet_private.webhook_inbox, jsonb) FROM PUBLIC;
