/*
 * 440_telnyx_calls.sql
 *		Calls of Telnyx.  A session is one call; a transfer adds a leg to it.
 *
 * An event adds to what is known of its leg, and the row's columns are worked out of all
 * that is known: the first leg counts.  So the order of events does not matter, and those
 * of a call that are due together are taken together: its row is written once.
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
        'control', left(p ->> 'call_control_id', 300), 'from', left(p ->> 'from', 100), 'to', left(p ->> 'to', 100),
        'direction', CASE p ->> 'direction' WHEN 'incoming' THEN 'inbound' WHEN 'outgoing' THEN 'outbound' END,
        'answered', CASE WHEN event #>> '{data,event_type}' = 'call.answered' THEN at END,
        'ended', CASE WHEN event #>> '{data,event_type}' = 'call.hangup'
                      THEN coalesce(cloudgreet_private.webhook_time(p ->> 'end_time') AT TIME ZONE 'UTC', at) END,
        'cause', left(p ->> 'hangup_cause', 200)))
      FROM (SELECT event #> '{data,payload}', cloudgreet_private.webhook_time(event #>> '{data,occurred_at}') AT TIME ZONE 'UTC') AS e (p, at));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_leg(jsonb) IS 'What an event says about its leg, cut to what an id or a number may be long; times are in UTC, so that they compare as texts.';

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
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    SELECT l.value, coalesce(l.value ->> 'direction', CASE WHEN own.called THEN 'inbound' ELSE 'outbound' END) INTO leg, direction
      FROM jsonb_each(telnyx_first_leg.provider_state -> 'legs') l
     CROSS JOIN LATERAL (SELECT cloudgreet_private.is_own_number(telnyx_first_leg.business_id, l.value ->> 'to') AS called,
                                cloudgreet_private.is_own_number(telnyx_first_leg.business_id, l.value ->> 'from') AS calling) own
     WHERE own.called OR own.calling
     ORDER BY l.value ->> 'start' COLLATE "C" NULLS LAST, l.key COLLATE "C" LIMIT 1;
END
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

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_find_call(business_id uuid, session text, payloads jsonb[]) RETURNS cloudgreet.calls
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := telnyx_find_call.business_id;
    payload jsonb;
    called boolean;
    match cloudgreet.calls;
BEGIN
    SELECT c.* INTO match FROM cloudgreet.calls c
     WHERE c.business_id = business AND c.telnyx_call_session_id = telnyx_find_call.session ORDER BY c.id LIMIT 1 FOR UPDATE;
    FOREACH payload IN ARRAY telnyx_find_call.payloads LOOP
        EXIT WHEN match.id IS NOT NULL;
        IF payload ->> 'call_control_id' <> '' THEN
            SELECT c.* INTO match FROM cloudgreet.calls c
             WHERE c.business_id = business AND c.telnyx_call_control_id = payload ->> 'call_control_id' ORDER BY c.id LIMIT 1 FOR UPDATE;
            CONTINUE WHEN match.id IS NOT NULL;
        END IF;
        called := cloudgreet_private.is_own_number(business, payload ->> 'to');
        IF called OR cloudgreet_private.is_own_number(business, payload ->> 'from') THEN
            INSERT INTO cloudgreet.calls AS c (business_id, direction, provider, provider_call_id, telnyx_call_session_id)
            VALUES (business, CASE WHEN called THEN 'inbound' ELSE 'outbound' END, 'telnyx', telnyx_find_call.session, telnyx_find_call.session)
            RETURNING c.* INTO match;
        END IF;
    END LOOP;
    RETURN match;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_find_call(uuid, text, jsonb[]) IS
    'The row of a call, locked: by its session, by the id of its control, or made now; NULL when no number of the business takes part.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_derive_call(target cloudgreet.calls, known jsonb, session text) RETURNS cloudgreet.calls
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := target.business_id;
    first record := cloudgreet_private.telnyx_first_leg(business, telnyx_derive_call.known);
    recording CONSTANT text := coalesce((SELECT r.value FROM jsonb_each_text(telnyx_derive_call.known -> 'recordings') r
                                          WHERE r.value ~ '^https://' ORDER BY r.key COLLATE "C" DESC LIMIT 1), target.recording_url);
    new_status text;
    answered timestamptz;
    ended timestamptz;
    lead uuid;
    changed cloudgreet.calls;
BEGIN
    IF target.provider = 'retell' OR first.leg IS NULL THEN
        -- Retell tells of its calls itself
        UPDATE cloudgreet.calls c
           SET provider_state = telnyx_derive_call.known, telnyx_call_session_id = telnyx_derive_call.session, recording_url = recording
         WHERE c.business_id = business AND c.id = telnyx_derive_call.target.id RETURNING c.* INTO changed;
        RETURN changed;
    END IF;
    new_status := cloudgreet_private.telnyx_call_status(first.direction, first.leg);
    answered := (first.leg ->> 'answered')::timestamp AT TIME ZONE 'UTC';
    ended := (first.leg ->> 'ended')::timestamp AT TIME ZONE 'UTC';
    -- Whom we call is known already, or a person that a call was passed on to.
    lead := CASE first.direction WHEN 'inbound' THEN cloudgreet_private.ensure_lead(business, first.leg ->> 'from', 'call')
                                 ELSE cloudgreet_private.find_lead(business, first.leg ->> 'to') END;
    UPDATE cloudgreet.calls c
       SET provider_state = telnyx_derive_call.known, telnyx_call_session_id = telnyx_derive_call.session, recording_url = recording,
           direction = first.direction, from_number = left(first.leg ->> 'from', 100), to_number = left(first.leg ->> 'to', 100),
           status = CASE WHEN cloudgreet_private.call_rank(telnyx_derive_call.target.status) > cloudgreet_private.call_rank(new_status)
                         THEN telnyx_derive_call.target.status ELSE new_status END,
           started_at = (first.leg ->> 'start')::timestamp AT TIME ZONE 'UTC', answered_at = answered, ended_at = ended,
           duration = cloudgreet_private.call_seconds(answered, ended),
           disconnection_reason = left(first.leg ->> 'cause', 200),
           telnyx_call_control_id = coalesce(first.leg ->> 'control', c.telnyx_call_control_id),
           lead_id = coalesce(lead, c.lead_id),
           agent_id = coalesce(c.agent_id, CASE first.direction WHEN 'inbound' THEN cloudgreet_private.number_agent(business, first.leg ->> 'to') END)
     WHERE c.business_id = business AND c.id = telnyx_derive_call.target.id RETURNING c.* INTO changed;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_derive_call(cloudgreet.calls, jsonb, text) IS
    'Writes what is known of a call, and the columns that are worked out of its legs; returns the row.';

CREATE OR REPLACE FUNCTION cloudgreet_private.telnyx_call(
    items cloudgreet_private.webhook_inbox[], events jsonb[], OUT states text[], OUT reasons text[])
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := items[1].business_id;
    account CONSTANT uuid := items[1].account_id;
    session CONSTANT text := items[1].entity_key;
    payloads CONSTANT jsonb[] := ARRAY(SELECT e.event #> '{data,payload}' FROM unnest(telnyx_call.events) WITH ORDINALITY AS e (event, n) ORDER BY e.n);
    kinds text[] := '{}';
    kind text;
    leg text;
    target cloudgreet.calls;
    known jsonb;
BEGIN
    PERFORM cloudgreet_private.lock_entity(business, session);
    target := cloudgreet_private.telnyx_find_call(business, session, payloads);
    IF target.id IS NULL THEN
        states := array_fill('unmatched'::text, ARRAY[cardinality(items)]);
        reasons := array_fill('no call of the business is known by this session'::text, ARRAY[cardinality(items)]);
        RETURN;
    END IF;
    known := target.provider_state;
    FOR n IN 1 .. cardinality(items) LOOP
        kind := CASE items[n].event_type WHEN 'call.hangup' THEN 'call.ended' WHEN 'call.recording.saved' THEN 'call.recorded'
                                         WHEN 'call.initiated' THEN 'call.started' ELSE items[n].event_type END;
        IF kind <> ALL (kinds) THEN
            kinds := kinds || kind;
        END IF;
        IF kind = 'call.recorded' THEN
            -- By the time at which it began, so that the last recording counts in any order.
            known := jsonb_set(known, '{recordings}', cloudgreet_private.last_recordings(cloudgreet_private.merge_facts(known -> 'recordings', jsonb_build_object(
                coalesce(payloads[n] ->> 'recording_started_at', ''), coalesce(payloads[n] #>> '{recording_urls,mp3}', payloads[n] #>> '{recording_urls,wav}')))));
        ELSE
            leg := left(coalesce(payloads[n] ->> 'call_leg_id', ''), 300);
            known := jsonb_set(known, '{legs}', cloudgreet_private.first_legs(coalesce(known -> 'legs', '{}') || jsonb_build_object(leg,
                cloudgreet_private.merge_facts(known #> ARRAY['legs', leg], cloudgreet_private.telnyx_leg(events[n])))));
        END IF;
    END LOOP;
    target := cloudgreet_private.telnyx_derive_call(target, known, session);
    PERFORM cloudgreet_private.record_all_once(business, kinds, 'call', target.id, '{}', target.lead_id);
    PERFORM cloudgreet_private.settle_outbox(business, 'call', target.id, target.telnyx_call_control_id);
    -- What could not be matched before, as a recording or a leg between strangers, can be now.
    -- Some at a time: each that is processed takes up some more, and is itself never unmatched again.
    IF EXISTS (SELECT FROM cloudgreet_private.webhook_inbox u
                WHERE u.business_id = business AND u.entity_key = session AND u.state = 'unmatched' AND u.account_id = account) THEN
        UPDATE cloudgreet_private.webhook_inbox i SET state = 'pending', attempts = 0, next_at = cloudgreet.clock(), processed_at = NULL, reason = NULL
         WHERE i.business_id = business AND i.id IN (
               SELECT u.id FROM cloudgreet_private.webhook_inbox u
                WHERE u.business_id = business AND u.entity_key = session AND u.state = 'unmatched' AND u.account_id = account
                LIMIT 20 FOR UPDATE SKIP LOCKED);
    END IF;
    states := array_fill('processed'::text, ARRAY[cardinality(items)]);
    reasons := array_fill(NULL::text, ARRAY[cardinality(items)]);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.telnyx_call(cloudgreet_private.webhook_inbox[], jsonb[]) IS
    'Events of one call, of one account: started, answered, ended, recorded; the state and its reason for each.';

REVOKE ALL ON FUNCTION cloudgreet_private.call_rank(text), cloudgreet_private.telnyx_leg(jsonb),
    cloudgreet_private.telnyx_call_status(text, jsonb), cloudgreet_private.first_legs(jsonb), cloudgreet_private.last_recordings(jsonb),
    cloudgreet_private.telnyx_first_leg(uuid, jsonb),
    cloudgreet_private.number_agent(uuid, text),
    cloudgreet_private.telnyx_find_call(uuid, text, jsonb[]),
    cloudgreet_private.telnyx_derive_call(cloudgreet.calls, jsonb, text),
    cloudgreet_private.telnyx_call(cloudgreet_private.webhook_inbox[], jsonb[]) FROM PUBLIC;
