/*
 * 450_retell.sql
 *		Calls and conversations of Retell.
 *
 * Each event shows the call as it was then.  What the events say is kept by event, and the
 * latest stage counts, member by member; so the order in which they come does not matter,
 * and those of a call that are due together are taken together: its row, the conversation
 * and the score are written once.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.retell_facts(call jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'direction', call -> 'direction', 'from', call -> 'from_number', 'to', call -> 'to_number', 'type', call -> 'call_type',
        'agent', call -> 'agent_id', 'status', call -> 'call_status', 'start', call -> 'start_timestamp',
        'end', call -> 'end_timestamp', 'duration', call -> 'duration_ms', 'reason', call -> 'disconnection_reason',
        'recording', call -> 'recording_url'));
COMMENT ON FUNCTION cloudgreet_private.retell_facts(jsonb) IS 'What is kept of a call object for the row of the call.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_call_status(facts jsonb, has_ended boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN NOT has_ended THEN 'answered'
        WHEN facts ->> 'status' = 'ended' THEN 'completed'
        WHEN facts ->> 'reason' = 'dial_busy' THEN 'busy'
        WHEN facts ->> 'reason' IN ('dial_no_answer', 'user_declined', 'voicemail_reached', 'error_user_not_joined') THEN 'missed'
        WHEN facts ->> 'reason' IN ('registered_call_timeout', 'manual_stopped') THEN 'canceled'
        WHEN facts ->> 'status' IN ('not_connected', 'error') THEN 'failed'
        ELSE 'completed' END;
COMMENT ON FUNCTION cloudgreet_private.retell_call_status(jsonb, boolean) IS 'The status of a call, from what is known of it. Reasons are an open set.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_transcript(call jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT CASE WHEN jsonb_typeof(call -> 'transcript_object') = 'array' THEN
        (SELECT coalesce(jsonb_agg(jsonb_build_object('role', t.value -> 'role', 'content', t.value -> 'content') ORDER BY t.n), '[]')
           FROM jsonb_path_query(call, 'lax $.transcript_object[0 to 4999]') WITH ORDINALITY AS t (value, n)
          WHERE jsonb_typeof(t.value) = 'object') END);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_transcript(jsonb) IS 'The turns of a call, the first 5,000, without the times of each word; NULL when the event has none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_find_call(
    item cloudgreet_private.webhook_inbox, call jsonb) RETURNS cloudgreet.calls
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    request CONSTANT uuid := cloudgreet_private.read_uuid(call #>> '{metadata,cg_request_id}');
    match cloudgreet.calls;
BEGIN
    SELECT c.* INTO match FROM cloudgreet.calls c
     WHERE c.business_id = business AND c.provider = 'retell' AND c.provider_call_id = item.entity_key FOR UPDATE;
    IF match.id IS NULL AND request IS NOT NULL THEN
        -- A call of ours whose answer was lost carries the request's id.
        UPDATE cloudgreet.calls c SET provider = 'retell', provider_call_id = item.entity_key
         WHERE c.business_id = business AND c.provider_call_id IS NULL
           AND c.id = cloudgreet_private.outbox_subject(business, request, 'call')
        RETURNING c.* INTO match;
    END IF;
    IF match.id IS NULL THEN
        INSERT INTO cloudgreet.calls AS c (business_id, direction, provider, provider_call_id)
        VALUES (business, CASE call ->> 'direction' WHEN 'outbound' THEN 'outbound' ELSE 'inbound' END, 'retell', item.entity_key)
        RETURNING c.* INTO match;
    END IF;
    RETURN match;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_find_call(cloudgreet_private.webhook_inbox, jsonb) IS
    'The row of a call, locked: by its id at Retell, by the request that started it, or made now.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_agent(business_id uuid, facts jsonb) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT coalesce(
        (SELECT a.id FROM cloudgreet.ai_agents a
          WHERE a.business_id = retell_agent.business_id AND a.provider_agent_id = facts ->> 'agent'
          ORDER BY a.is_active DESC, a.id LIMIT 1),
        cloudgreet_private.number_agent(retell_agent.business_id,
            facts ->> CASE facts ->> 'direction' WHEN 'outbound' THEN 'from' ELSE 'to' END)));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_agent(uuid, jsonb) IS 'The agent of a call: by its id at Retell, by the number, or the only active one.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_conversation(target cloudgreet.calls, spoken jsonb, analyzed jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    turns CONSTANT jsonb := cloudgreet_private.retell_transcript(spoken);
    judged CONSTANT jsonb := CASE WHEN jsonb_typeof(analyzed -> 'call_analysis') = 'object' THEN analyzed -> 'call_analysis' END;
    feeling CONSTANT text := lower(judged ->> 'user_sentiment');
BEGIN
    INSERT INTO cloudgreet.agent_conversations AS v
        (business_id, agent_id, lead_id, call_id, transcript, summary, sentiment, analysis, outcome)
    VALUES (target.business_id, target.agent_id, target.lead_id, target.id,
            coalesce(turns, '[]'), CASE WHEN cloudgreet_private.meaningful(judged ->> 'call_summary') IS NOT NULL THEN left(judged ->> 'call_summary', 20000) END,
            CASE WHEN feeling IN ('negative', 'neutral', 'positive', 'unknown') THEN feeling END, coalesce(judged, '{}'),
            CASE WHEN EXISTS (SELECT FROM cloudgreet.appointments a WHERE a.business_id = target.business_id AND a.call_id = target.id) THEN 'booked'
                 WHEN judged -> 'in_voicemail' = 'true' THEN 'voicemail' END)
    ON CONFLICT ON CONSTRAINT agent_conversations_business_id_call_id_key DO UPDATE
       SET lead_id = coalesce(excluded.lead_id, v.lead_id),
           transcript = coalesce(turns, v.transcript),
           summary = coalesce(excluded.summary, v.summary), sentiment = coalesce(excluded.sentiment, v.sentiment),
           analysis = CASE excluded.analysis WHEN '{}' THEN v.analysis ELSE excluded.analysis END,
           outcome = coalesce(v.outcome, excluded.outcome);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_conversation(cloudgreet.calls, jsonb, jsonb) IS
    'Keeps what was said in a call, and what Retell makes of it: by the call objects of the events that tell it; NULL where none does.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_derive_call(target cloudgreet.calls, said jsonb, facts jsonb) RETURNS cloudgreet.calls
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := target.business_id;
    new_status CONSTANT text := cloudgreet_private.retell_call_status(facts, said ?| '{call_ended,call_analyzed}');
    began CONSTANT timestamptz := cloudgreet_private.webhook_milliseconds(facts -> 'start');
    ended CONSTANT timestamptz := cloudgreet_private.webhook_milliseconds(facts -> 'end');
    is_outbound CONSTANT boolean := coalesce(facts ->> 'direction' = 'outbound', false);
    changed cloudgreet.calls;
BEGIN
    UPDATE cloudgreet.calls c
       SET provider_state = said,
           direction = CASE WHEN facts ? 'direction' THEN CASE WHEN is_outbound THEN 'outbound' ELSE 'inbound' END ELSE c.direction END,
           from_number = coalesce(left(facts ->> 'from', 100), c.from_number), to_number = coalesce(left(facts ->> 'to', 100), c.to_number),
           status = CASE WHEN cloudgreet_private.call_rank(c.status) > cloudgreet_private.call_rank(new_status) THEN c.status ELSE new_status END,
           started_at = coalesce(began, c.started_at), answered_at = coalesce(began, c.answered_at), ended_at = coalesce(ended, c.ended_at),
           duration = CASE WHEN jsonb_typeof(facts -> 'duration') = 'number'
                           THEN floor(least(greatest((facts ->> 'duration')::numeric, 0), 864000000) / 1000)::integer
                           ELSE cloudgreet_private.call_seconds(began, ended) END,
           disconnection_reason = left(facts ->> 'reason', 200),
           recording_url = coalesce(CASE WHEN facts ->> 'recording' ~ '^https://' THEN facts ->> 'recording' END, c.recording_url),
           agent_id = coalesce(cloudgreet_private.retell_agent(business, facts), c.agent_id),
           lead_id = coalesce(cloudgreet_private.ensure_lead(business, facts ->> CASE WHEN is_outbound THEN 'to' ELSE 'from' END, 'call'), c.lead_id)
     WHERE c.business_id = business AND c.id = target.id RETURNING c.* INTO changed;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_derive_call(cloudgreet.calls, jsonb, jsonb) IS
    'Writes what the events of a call said, and the columns that are worked out of it; facts are those of the latest stage. Returns the row.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retell_call(
    items cloudgreet_private.webhook_inbox[], events jsonb[], OUT states text[], OUT reasons text[])
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := items[1].business_id;
    call jsonb;
    number text;
    own_number text;
    known jsonb; -- before these events
    said jsonb;
    facts jsonb;
    spoken jsonb;
    analyzed jsonb;
    kinds text[] := '{}';
    is_conversation boolean := false;
    target cloudgreet.calls;
BEGIN
    states := array_fill('processed'::text, ARRAY[cardinality(items)]);
    reasons := array_fill(NULL::text, ARRAY[cardinality(items)]);
    FOR n IN 1 .. cardinality(items) LOOP
        call := events[n] -> 'call';
        number := call ->> CASE call ->> 'direction' WHEN 'outbound' THEN 'from_number' ELSE 'to_number' END;
        IF number IS NOT NULL AND number IS DISTINCT FROM own_number AND NOT cloudgreet_private.is_own_number(business, number) THEN
            states[n] := 'unmatched';
            reasons[n] := 'no number of the business takes part';
            CONTINUE;
        END IF;
        own_number := coalesce(number, own_number);
        IF target.id IS NULL THEN
            PERFORM cloudgreet_private.lock_entity(business, items[1].entity_key);
            target := cloudgreet_private.retell_find_call(items[n], call);
            known := target.provider_state;
            said := known;
        END IF;
        said := said || jsonb_build_object(items[n].event_type, cloudgreet_private.retell_facts(call));
        is_conversation := is_conversation OR items[n].event_type = 'call_started' OR call ?| '{start_timestamp,transcript_object,call_analysis}';
        IF items[n].event_type = 'call_analyzed' THEN
            analyzed := call;
        END IF;
        -- The transcript of the latest stage that had one counts.
        IF jsonb_typeof(call -> 'transcript_object') = 'array' AND (items[n].event_type = 'call_analyzed' OR NOT said ? 'transcript_of_analysis') THEN
            spoken := call;
            IF items[n].event_type = 'call_analyzed' THEN
                said := said || '{"transcript_of_analysis": true}';
            END IF;
        END IF;
        IF items[n].event_type <> ALL (kinds) THEN
            kinds := kinds || items[n].event_type;
        END IF;
    END LOOP;
    IF target.id IS NULL THEN
        RETURN;
    END IF;
    facts := coalesce(said -> 'call_started', '{}') || coalesce(said -> 'call_ended', '{}') || coalesce(said -> 'call_analyzed', '{}');
    target := cloudgreet_private.retell_derive_call(target, said, facts);
    IF target.agent_id IS NULL THEN
        reasons := ARRAY(SELECT coalesce(r.reason, 'the agent is not known: the conversation is not kept')
                           FROM unnest(retell_call.reasons) WITH ORDINALITY AS r (reason, n) ORDER BY r.n);
    ELSIF is_conversation OR facts ? 'start' OR said ? 'call_started' THEN
        PERFORM cloudgreet_private.retell_conversation(target, spoken, analyzed);
    END IF;
    -- A call is scored when it was analysed, and anew when an event adds to what it tells.
    IF said ? 'call_analyzed' AND (said <> known OR spoken IS NOT NULL OR analyzed IS NOT NULL) THEN
        PERFORM cloudgreet_private.score_call(business, target.id);
    END IF;
    PERFORM cloudgreet_private.record_all_once(business, ARRAY(SELECT replace(k.kind, '_', '.') FROM unnest(kinds) AS k (kind)), 'call', target.id, '{}', target.lead_id);
    PERFORM cloudgreet_private.settle_outbox(business, 'call', target.id, items[1].entity_key);
    PERFORM cloudgreet_private.follow_up_call(target);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retell_call(cloudgreet_private.webhook_inbox[], jsonb[]) IS
    'Events of one call, call_started, call_ended, call_analyzed: the call, its lead, the conversation, and the score once it is analysed; the state and its reason for each.';

REVOKE ALL ON FUNCTION cloudgreet_private.retell_facts(jsonb), cloudgreet_private.retell_call_status(jsonb, boolean),
    cloudgreet_private.retell_transcript(jsonb), cloudgreet_private.retell_find_call(cloudgreet_private.webhook_inbox, jsonb),
    cloudgreet_private.retell_agent(uuid, jsonb), cloudgreet_private.retell_conversation(cloudgreet.calls, jsonb, jsonb),
    cloudgreet_private.retell_derive_call(cloudgreet.calls, jsonb, jsonb),
    cloudgreet_private.retell_call(cloudgreet_private.webhook_inbox[], jsonb[]) FROM PUBLIC;
