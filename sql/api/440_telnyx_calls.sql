/*
 * 440_telnyx_calls.sql
 *		Calls of Telnyx.  A session is one call; a transfer adds a leg to it.
 *
 * An event adds to what is known of its leg, and the row's columns are worked out of all
 * that is known: the first leg counts.  So the order of events does not matter.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.call_rank(status text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE call_rank.status WHEN 'initiated' THEN 1 WHEN 'ringing' THEN 2 WHEN 'answered' THEN 3 ELSE 4 END;
COMMENT ON FUNCTION cloudgreet_private.call_rank(text) IS 'How far a call has come; a status of a lower rank never replaces one of a higher.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_leg(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object(
        'start', cloudgreet_private.webhook_time(p ->> 'start_time') AT TIME ZONE 'UTC',
        'control', p ->> 'call_control_id', 'from', p ->> 'from', 'to', p ->> 'to',
        'direction', CASE p ->> 'direction' WHEN 'incoming' THEN 'inbound' WHEN 'outgoing' THEN 'outbound' END,
        'answered', CASE WHEN event #>> '{data,event_type}' = 'call.answered' THEN at END,
        'ended', CASE WHEN event #>> '{data,event_type}' = 'call.hangup'
                      THEN coalesce(cloudgreet_private.webhook_time(p ->> 'end_time') AT TIME ZONE 'UTC', at) END,
        'cause', p ->> 'hangup_cause'))
      FROM (SELECT event #> '{data,payload}', cloudgreet_private.webhook_time(event #>> '{data,occurred_at}') AT TIME ZONE 'UTC') AS e (p, at));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_leg(jsonb) IS 'What an event says about its leg; times are in UTC, so that they compare as texts.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_call_status(direction text, leg jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN NOT leg ? 'ended' THEN CASE WHEN leg ? 'answered' THEN 'answered' ELSE 'initiated' END
        WHEN leg ? 'answered' THEN 'completed'
        WHEN leg ->> 'cause' = 'user_busy' THEN 'busy'
        WHEN telnyx_call_status.direction = 'inbound' THEN 'missed'
        WHEN leg ->> 'cause' = 'originator_cancel' THEN 'canceled'
        WHEN leg ->> 'cause' IN ('timeout', 'no_answer', 'normal_clearing', 'call_rejected') THEN 'missed'
        ELSE 'failed' END;
COMMENT ON FUNCTION cloudgreet_private.telnyx_call_status(text, jsonb) IS 'The status of a call, from what is known of its first leg.';

CREATE OR REPLACE FUNCTION cloudgreet_private.first_legs(legs jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_legs CONSTANT integer := 50;
BEGIN
    -- Few calls have more than two: these are not looked into.
    IF (SELECT count(*) FROM jsonb_object_keys(first_legs.legs)) <= max_legs THEN
        RETURN first_legs.legs;
    END IF;
    RETURN (SELECT jsonb_object_agg(f.key, f.value)
              FROM (SELECT l.key, l.value FROM jsonb_each(first_legs.legs) l
                     ORDER BY l.value ->> 'start' COLLATE "C" NULLS LAST, l.key COLLATE "C" LIMIT max_legs) f);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.first_legs(jsonb) IS
    'The fifty legs of a call that began first: the first one counts, and no event is to be held against thousands.';

CREATE OR REPLACE FUNCTION cloudgreet_private.last_recordings(recordings jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_recordings CONSTANT integer := 50;
BEGIN
    IF (SELECT count(*) FROM jsonb_object_keys(last_recordings.recordings)) <= max_recordings THEN
        RETURN last_recordings.recordings;
    END IF;
    RETURN (SELECT jsonb_object_agg(f.key, f.value)
              FROM (SELECT r.key, r.value FROM jsonb_each(last_recordings.recordings) r ORDER BY r.key COLLATE "C" DESC LIMIT max_recordings) f);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.last_recordings(jsonb) IS 'The fifty recordings of a call that began last: the last one counts.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_first_leg(
    business_id uuid, provider_state jsonb, OUT leg jsonb, OUT direction text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT l.value, coalesce(l.value ->> 'direction', CASE WHEN own.called THEN 'inbound' ELSE 'outbound' END)
      FROM jsonb_each(telnyx_first_leg.provider_state -> 'legs') l
     CROSS JOIN LATERAL (SELECT cloudgreet_private.is_own_number(telnyx_first_leg.business_id, l.value ->> 'to') AS called,
                                cloudgreet_private.is_own_number(telnyx_first_leg.business_id, l.value ->> 'from') AS calling) own
     WHERE own.called OR own.calling
     ORDER BY l.value ->> 'start' COLLATE "C" NULLS LAST, l.key COLLATE "C" LIMIT 1;
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_first_leg(uuid, jsonb) IS
    'The leg that the call began with: the earliest one from or to a number of the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.number_agent(business_id uuid, phone_number text) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT coalesce(
        (SELECT n.agent_id FROM cloudgreet.phone_numbers n
          WHERE n.business_id = number_agent.business_id AND n.phone_number = number_agent.phone_number),
        (SELECT (array_agg(a.id))[1] FROM cloudgreet.ai_agents a
          WHERE a.business_id = number_agent.business_id AND a.is_active HAVING count(*) = 1)));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.number_agent(uuid, text) IS 'The agent that answers a number: its own, or the only active one.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_find_call(
    item cloudgreet_private.webhook_inbox, payload jsonb) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    called CONSTANT boolean := cloudgreet_private.is_own_number(business, payload ->> 'to');
    match uuid;
BEGIN
    SELECT c.id INTO match FROM cloudgreet.calls c
     WHERE c.business_id = business AND c.telnyx_call_session_id = item.entity_key ORDER BY c.id LIMIT 1;
    IF match IS NULL AND payload ->> 'call_control_id' <> '' THEN
        SELECT c.id INTO match FROM cloudgreet.calls c
         WHERE c.business_id = business AND c.telnyx_call_control_id = payload ->> 'call_control_id' ORDER BY c.id LIMIT 1;
    END IF;
    IF match IS NULL AND (called OR cloudgreet_private.is_own_number(business, payload ->> 'from')) THEN
        INSERT INTO cloudgreet.calls AS c (business_id, direction, provider, provider_call_id, telnyx_call_session_id)
        VALUES (business, CASE WHEN called THEN 'inbound' ELSE 'outbound' END, 'telnyx', item.entity_key, item.entity_key)
        RETURNING c.id INTO match;
    END IF;
    RETURN match;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_find_call(cloudgreet_private.webhook_inbox, jsonb) IS
    'The row of a call: by its session, by the id of its control, or made now; NULL when no number of the business takes part.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_derive_call(target cloudgreet.calls) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := target.business_id;
    first record := cloudgreet_private.telnyx_first_leg(business, target.provider_state);
    new_status text;
    answered timestamptz;
    ended timestamptz;
    lead uuid;
BEGIN
    IF target.provider = 'retell' OR first.leg IS NULL THEN
        RETURN target.lead_id; -- Retell tells of its calls itself
    END IF;
    new_status := cloudgreet_private.telnyx_call_status(first.direction, first.leg);
    answered := (first.leg ->> 'answered')::timestamp AT TIME ZONE 'UTC';
    ended := (first.leg ->> 'ended')::timestamp AT TIME ZONE 'UTC';
    -- Whom we call is known already, or a person that a call was passed on to.
    lead := CASE first.direction WHEN 'inbound' THEN cloudgreet_private.ensure_lead(business, first.leg ->> 'from', 'call')
                                 ELSE cloudgreet_private.find_lead(business, first.leg ->> 'to') END;
    UPDATE cloudgreet.calls c
       SET direction = first.direction, from_number = left(first.leg ->> 'from', 100), to_number = left(first.leg ->> 'to', 100),
           status = CASE WHEN cloudgreet_private.call_rank(telnyx_derive_call.target.status) > cloudgreet_private.call_rank(new_status)
                         THEN telnyx_derive_call.target.status ELSE new_status END,
           started_at = (first.leg ->> 'start')::timestamp AT TIME ZONE 'UTC', answered_at = answered, ended_at = ended,
           duration = floor(extract(epoch FROM greatest(ended - answered, interval '0')))::integer,
           disconnection_reason = left(first.leg ->> 'cause', 200),
           telnyx_call_control_id = coalesce(first.leg ->> 'control', c.telnyx_call_control_id),
           lead_id = coalesce(lead, c.lead_id),
           agent_id = coalesce(c.agent_id, CASE first.direction WHEN 'inbound' THEN cloudgreet_private.number_agent(business, first.leg ->> 'to') END)
     WHERE c.business_id = business AND c.id = telnyx_derive_call.target.id;
    RETURN coalesce(lead, target.lead_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_derive_call(cloudgreet.calls) IS
    'Works the columns of a call out of what is known of its legs; returns its lead.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_call(
    item cloudgreet_private.webhook_inbox, event jsonb, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    payload CONSTANT jsonb := event #> '{data,payload}';
    leg_id CONSTANT text := payload ->> 'call_leg_id';
    urls CONSTANT jsonb := payload -> 'recording_urls';
    target_id uuid;
    target cloudgreet.calls;
    known jsonb;
BEGIN
    PERFORM cloudgreet_private.lock_entity(item.business_id, item.entity_key);
    target_id := cloudgreet_private.telnyx_find_call(item, payload);
    SELECT c.* INTO target FROM cloudgreet.calls c WHERE c.business_id = item.business_id AND c.id = target_id FOR UPDATE;
    IF target.id IS NULL THEN
        state := 'unmatched';
        reason := 'no call of the business is known by this session';
        RETURN;
    END IF;
    known := target.provider_state;
    IF item.event_type = 'call.recording.saved' THEN
        -- By the time at which it began, so that the last recording counts in any order.
        known := jsonb_set(known, '{recordings}', cloudgreet_private.last_recordings(cloudgreet_private.merge_facts(known -> 'recordings', jsonb_build_object(
            coalesce(payload ->> 'recording_started_at', ''), coalesce(urls ->> 'mp3', urls ->> 'wav')))));
    ELSE
        known := jsonb_set(known, '{legs}', cloudgreet_private.first_legs(coalesce(known -> 'legs', '{}') || jsonb_build_object(coalesce(leg_id, ''),
            cloudgreet_private.merge_facts(known #> ARRAY['legs', coalesce(leg_id, '')], cloudgreet_private.telnyx_leg(event)))));
    END IF;
    UPDATE cloudgreet.calls c
       SET provider_state = known, telnyx_call_session_id = item.entity_key,
           recording_url = coalesce((SELECT r.value FROM jsonb_each_text(known -> 'recordings') r
                                      WHERE r.value ~ '^https://' ORDER BY r.key COLLATE "C" DESC LIMIT 1), c.recording_url)
     WHERE c.business_id = item.business_id AND c.id = target.id RETURNING c.* INTO target;
    target.lead_id := cloudgreet_private.telnyx_derive_call(target);
    PERFORM cloudgreet_private.record_once(item.business_id,
        CASE item.event_type WHEN 'call.hangup' THEN 'call.ended' WHEN 'call.recording.saved' THEN 'call.recorded'
                             WHEN 'call.initiated' THEN 'call.started' ELSE item.event_type END,
        'call', target.id, '{}', target.lead_id);
    PERFORM cloudgreet_private.settle_outbox(item.business_id, 'call', target.id, target.telnyx_call_control_id);
    -- What could not be matched before, as a recording or a leg between strangers, can be now.
    -- Some at a time: each that is processed takes up some more, and is itself never unmatched again.
    IF EXISTS (SELECT FROM cloudgreet_private.webhook_inbox u
                WHERE u.business_id = item.business_id AND u.entity_key = item.entity_key AND u.state = 'unmatched' AND u.account_id = item.account_id) THEN
        UPDATE cloudgreet_private.webhook_inbox i SET state = 'pending', attempts = 0, next_at = cloudgreet.clock(), processed_at = NULL, reason = NULL
         WHERE i.business_id = item.business_id AND i.id IN (
               SELECT u.id FROM cloudgreet_private.webhook_inbox u
                WHERE u.business_id = item.business_id AND u.entity_key = item.entity_key AND u.state = 'unmatched' AND u.account_id = item.account_id
                LIMIT 20 FOR UPDATE SKIP LOCKED);
    END IF;
    state := 'processed';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_call(cloudgreet_private.webhook_inbox, jsonb) IS
    'An event of a call: started, answered, ended, recorded.';

REVOKE ALL ON FUNCTION cloudgreet_private.call_rank(text), cloudgreet_private.telnyx_leg(jsonb),
    cloudgreet_private.telnyx_call_status(text, jsonb), cloudgreet_private.first_legs(jsonb), cloudgreet_private.last_recordings(jsonb),
    cloudgreet_private.telnyx_first_leg(uuid, jsonb),
    cloudgreet_private.number_agent(uuid, text),
    cloudgreet_private.telnyx_find_call(cloudgreet_private.webhook_inbox, jsonb),
    cloudgreet_private.telnyx_derive_call(cloudgreet.calls),
    cloudgreet_private.telnyx_call(cloudgreet_private.webhook_inbox, jsonb) FROM PUBLIC;
