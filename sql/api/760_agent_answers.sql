/*
 * 760_agent_answers.sql
 *		The functions of the agent one by one, and the answer to a function call.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.tool_check_availability(call cloudgreet.calls, args jsonb, time_zone text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    service CONSTANT cloudgreet.services := cloudgreet_private.tool_service(call.business_id, args ->> 'service');
    day CONSTANT timestamptz := cloudgreet_private.tool_time(left(args ->> 'date', 10), time_zone, 'date');
    first_at CONSTANT timestamptz := greatest(coalesce(day, cloudgreet_private.tool_time(args ->> 'from', time_zone, 'from')), cloudgreet.clock());
    last_at timestamptz := CASE WHEN day IS NOT NULL THEN ((day AT TIME ZONE time_zone) + interval '1 day') AT TIME ZONE time_zone
                                ELSE coalesce(cloudgreet_private.tool_time(args ->> 'to', time_zone, 'to'), first_at + interval '14 days') END;
    slots jsonb;
    spoken text;
    is_other boolean := false;
BEGIN
    IF args ->> 'limit' !~ '^\d{1,4}$' THEN
        PERFORM cloudgreet_private.refuse_tool('22023', '"limit" must be a number', 'How many times shall I name?');
    END IF;
    -- A day that is named as an end is meant with its hours.
    IF args ->> 'to' ~ '^\d{4}-\d\d-\d\d$' THEN
        last_at := last_at + interval '1 day';
    END IF;
    FOR n IN 1 .. 2 LOOP
        IF first_at < last_at THEN
            SELECT jsonb_agg(jsonb_build_object('starts_at', f.starts_at, 'staff_id', f.staff_id_free, 'local_text', f.local_text) ORDER BY f.starts_at),
                   string_agg(f.local_text, '; ' ORDER BY f.starts_at) INTO slots, spoken
              FROM cloudgreet.find_slots(service.id, first_at, least(last_at, first_at + interval '366 days'), NULL, time_zone,
                       greatest(least(coalesce(args ->> 'limit', '3')::integer, 10), 1), call.provider_call_id, NULL) f;
        END IF;
        EXIT WHEN slots IS NOT NULL;
        is_other := true;
        last_at := first_at + interval '60 days';
    END LOOP;
    RETURN jsonb_build_object('service', service.name, 'service_id', service.id, 'slots', coalesce(slots, '[]'),
        'is_other_time', is_other AND slots IS NOT NULL,
        'say', CASE WHEN slots IS NULL THEN 'I am sorry, nothing is free in the next weeks.'
                    WHEN is_other THEN 'Nothing is free then. The next times are: ' || spoken || '.'
                    ELSE 'These times are free: ' || spoken || '.' END);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_check_availability(cloudgreet.calls, jsonb, text) IS
    'Function check_availability {service?, date? or from?, to?, limit?}: free times, or the next ones when none is free then.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_book(call cloudgreet.calls, args jsonb, time_zone text, key text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    start CONSTANT timestamptz := cloudgreet_private.tool_time(coalesce(args ->> 'starts_at', args ->> 'slot'), time_zone, 'starts_at');
    service cloudgreet.services;
    lead uuid;
    earlier_id uuid;
    appointment cloudgreet.appointments;
BEGIN
    IF start IS NULL THEN
        PERFORM cloudgreet_private.refuse_tool('22023', '"starts_at" is needed', 'What day and time suits you?');
    END IF;
    service := cloudgreet_private.tool_service(call.business_id, args ->> 'service');
    lead := cloudgreet_private.tool_lead(call, args);
    earlier_id := cloudgreet_private.booking_of(call.business_id, lead, service.id, start, NULL);
    -- Who cancels and changes their mind again is booked anew.
    FOR n IN 1 .. 9 LOOP
        appointment := cloudgreet.book_appointment(service.id, start, lead, holder => call.provider_call_id, notes => left(args ->> 'notes', 20000),
            time_zone => tool_book.time_zone, idempotency_key => key || ':' || n, business_id => call.business_id);
        EXIT WHEN appointment.status <> 'canceled';
    END LOOP;
    -- What was there before is not this call's to change.
    UPDATE cloudgreet.appointments a SET call_id = call.id
     WHERE a.business_id = call.business_id AND a.id = appointment.id AND a.call_id IS NULL AND a.id IS DISTINCT FROM earlier_id;
    RETURN cloudgreet_private.tool_describe(appointment)
        || jsonb_build_object('say', 'You are booked for ' || cloudgreet.say_time(appointment.scheduled_date, appointment.time_zone) || '.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_book(cloudgreet.calls, jsonb, text, text) IS
    'Function book_appointment {service?, starts_at or slot, name?, email?, phone?, notes?}. Errors as of book_appointment().';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_reschedule(call cloudgreet.calls, args jsonb, time_zone text, key text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    start CONSTANT timestamptz := cloudgreet_private.tool_time(coalesce(args ->> 'starts_at', args ->> 'slot'), time_zone, 'starts_at');
    appointment cloudgreet.appointments;
BEGIN
    IF start IS NULL THEN
        PERFORM cloudgreet_private.refuse_tool('22023', '"starts_at" is needed', 'What day and time suits you better?');
    END IF;
    appointment := cloudgreet_private.tool_appointment(call, args, key);
    appointment := cloudgreet.reschedule_appointment(appointment.id, start, business_id => call.business_id);
    RETURN cloudgreet_private.tool_describe(appointment)
        || jsonb_build_object('say', 'Your appointment is now ' || cloudgreet.say_time(appointment.scheduled_date, appointment.time_zone) || '.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_reschedule(cloudgreet.calls, jsonb, text, text) IS
    'Function reschedule_appointment {appointment_id?, starts_at}. Errors as of reschedule_appointment().';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_cancel(call cloudgreet.calls, args jsonb, key text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    appointment cloudgreet.appointments := cloudgreet_private.tool_appointment(call, args, key);
BEGIN
    appointment := cloudgreet.cancel_appointment(appointment.id, left(args ->> 'reason', 500), call.business_id);
    RETURN cloudgreet_private.tool_describe(appointment)
        || jsonb_build_object('say', 'Your appointment on ' || cloudgreet.say_time(appointment.scheduled_date, appointment.time_zone) || ' is canceled.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_cancel(cloudgreet.calls, jsonb, text) IS
    'Function cancel_appointment {appointment_id?, reason?}. Errors as of cancel_appointment().';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_find_lead(call cloudgreet.calls) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    is_known CONSTANT boolean := cloudgreet_private.is_known_caller(call);
    lead cloudgreet.leads;
    upcoming jsonb;
BEGIN
    SELECT l.* INTO lead FROM cloudgreet.leads l WHERE l.business_id = call.business_id AND l.id = call.lead_id AND is_known;
    SELECT coalesce(jsonb_agg(cloudgreet_private.tool_describe(a) ORDER BY a.scheduled_date), '[]') INTO upcoming
      FROM cloudgreet.appointments a
     WHERE a.business_id = call.business_id AND a.lead_id = call.lead_id AND a.status IN ('scheduled', 'confirmed') AND a.scheduled_date > cloudgreet.clock()
       AND (is_known OR a.call_id = call.id);
    RETURN jsonb_build_object('known', lead.name IS NOT NULL OR lead.email IS NOT NULL OR upcoming <> '[]',
        'name', lead.name, 'email', lead.email, 'appointments', upcoming,
        'say', concat_ws(' ', CASE WHEN lead.name IS NULL THEN 'I do not know the caller''s name.' ELSE 'The caller is ' || lead.name || '.' END,
            CASE WHEN upcoming = '[]' THEN 'There is no appointment to come.'
                 ELSE 'The next appointment is ' || (upcoming #>> '{0,local_text}') || '.' END));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_find_lead(cloudgreet.calls) IS
    'Function find_lead {}: what is known of the caller, and the appointments to come.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_refusal(code text, message text, detail text, hint text, is_own boolean) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    status CONSTANT integer := CASE
        WHEN code IN ('ZG401', 'ZG406', 'ZG407') THEN 409 WHEN code ~ '^ZG40' THEN 422
        WHEN code IN ('P0002', '23503') THEN 404
        WHEN code IN ('22023', '22004', 'ZG104', 'ZG105', 'ZG106', '22008', '23514') THEN 400 ELSE 503 END;
    answer jsonb := jsonb_build_object('ok', false, 'status', status, 'code', code);
BEGIN
    IF code ~ '^ZG40[1-4]$' THEN
        answer := answer || jsonb_build_object('next_slots', detail::jsonb -> 'next_slots');
    ELSIF is_own THEN
        answer := answer || jsonb_build_object('reason', message);
    END IF;
    -- Only words that were written for the caller's ears are said: messages name ids, columns and what broke.
    RETURN answer || jsonb_build_object('say', CASE
        WHEN is_own THEN hint
        WHEN code ~ '^ZG40[1-4]$' THEN 'I am sorry, ' || concat_ws('. ', message, nullif(rtrim(hint, '.'), '')) || '.'
        WHEN code = 'ZG406' THEN 'I am sorry, that appointment is over, or canceled already. Shall I book a new one?'
        WHEN code = '23503' THEN 'I am sorry, we do not offer that any more.'
        WHEN code = 'ZG104' THEN 'I am sorry, I did not get that number. Could you say it again?'
        WHEN code = 'ZG105' THEN 'I am sorry, I did not get that e-mail address. Could you spell it?'
        WHEN status IN (400, 404) THEN 'I am sorry, I did not understand that. Could you say it again?'
        ELSE 'I am sorry, I could not do that just now.' END);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_refusal(text, text, text, text, boolean) IS
    'An error as the agent is told it: ok false, the status that it would have, its code, and what to say; of a time that is refused, what is free instead. is_own: it was raised by refuse_tool(); its reason is told to the model.';

CREATE OR REPLACE FUNCTION cloudgreet_private.answer_tool(business_id uuid, payload jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    name CONSTANT text := payload ->> 'name';
    zone CONSTANT text := (SELECT b.time_zone FROM cloudgreet.businesses b WHERE b.id = answer_tool.business_id);
    call cloudgreet.calls;
    args jsonb;
    remarks jsonb := '{}';
    key text;
    source text;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    IF coalesce(name, '') NOT IN ('check_availability', 'book_appointment', 'reschedule_appointment', 'cancel_appointment', 'find_lead') THEN
        RETURN cloudgreet_private.tool_refusal('P0002', 'there is no such function', NULL, 'I am sorry, I cannot do that.', true);
    ELSIF coalesce(payload #>> '{call,call_id}', '') = '' THEN
        RETURN cloudgreet_private.tool_refusal('22023', 'the call has no id', NULL, 'I am sorry, I could not do that just now.', true);
    END IF;
    -- What is refused leaves the call as it is known, and nothing else.
    call := cloudgreet_private.tool_call(answer_tool.business_id, payload -> 'call');
    BEGIN
        args := cloudgreet_private.tool_args(payload);
        key := 'retell:' || encode(sha256(convert_to(concat_ws('|', payload #>> '{call,call_id}', name, args), 'UTF8')), 'hex');
        SELECT d.kept, d.remarks INTO args, remarks FROM cloudgreet_private.tool_drop(call, args) d;
        RETURN '{"ok": true}'::jsonb || remarks || CASE name
            WHEN 'check_availability' THEN cloudgreet_private.tool_check_availability(call, args, zone)
            WHEN 'book_appointment' THEN cloudgreet_private.tool_book(call, args, zone, key)
            WHEN 'reschedule_appointment' THEN cloudgreet_private.tool_reschedule(call, args, zone, key)
            WHEN 'cancel_appointment' THEN cloudgreet_private.tool_cancel(call, args, key)
            ELSE cloudgreet_private.tool_find_lead(call) END;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
            source = CONSTRAINT_NAME;
        RETURN cloudgreet_private.tool_refusal(code, message, detail, hint, source = 'agent_tool') || remarks;
    END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.answer_tool(uuid, jsonb) IS
    'The answer to a function call of Retell: {"ok": true, ..., "say"} or {"ok": false, "status", "code", "say"}, both with remarks on arguments that were left out.';

REVOKE ALL ON FUNCTION cloudgreet_private.tool_check_availability(cloudgreet.calls, jsonb, text),
    cloudgreet_private.tool_book(cloudgreet.calls, jsonb, text, text),
    cloudgreet_private.tool_reschedule(cloudgreet.calls, jsonb, text, text),
    cloudgreet_private.tool_cancel(cloudgreet.calls, jsonb, text), cloudgreet_private.tool_find_lead(cloudgreet.calls),
    cloudgreet_private.tool_refusal(text, text, text, text, boolean), cloudgreet_private.answer_tool(uuid, jsonb) FROM PUBLIC;
