/*
 * 750_agent_tools.sql
 *		What the agent can do while it talks: functions that Retell calls, answered in the
 *		request.
 *
 * Every answer is 200 with {"ok": ..., "say": ...}: what is refused is for the agent to
 * say, not for Retell to repeat.  A call's function with the same arguments has its effect
 * once, for Retell may call it twice and sends no id.
 *
 * A caller reaches its own appointments only: those of the lead with the caller's number.
 * Whoever withholds the number and names another's can book for that lead, and reaches
 * what this call booked; it is told, and may change, nothing else of the lead.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.refuse_tool(code text, reason text, say text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- The constraint tells tool_refusal() that the hint is for the caller's ears.
    RAISE EXCEPTION '%', refuse_tool.reason USING ERRCODE = refuse_tool.code, HINT = refuse_tool.say, CONSTRAINT = 'agent_tool';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.refuse_tool(text, text, text) IS
    'Raises an error of a function of the agent: reason is for the model, say is what it says to the caller.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_args(payload jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    args jsonb := coalesce(payload -> 'args', '{}');
BEGIN
    IF jsonb_typeof(args) = 'string' THEN
        args := cloudgreet.read_json(coalesce(cloudgreet_private.meaningful(args #>> '{}'), '{}'));
    ELSIF jsonb_typeof(args) = 'null' THEN
        args := '{}';
    END IF;
    IF jsonb_typeof(args) <> 'object' THEN
        PERFORM cloudgreet_private.refuse_tool('22023', 'the arguments must be an object', 'I am sorry, I did not understand that. Could you say it again?');
    END IF;
    -- Models send texts for numbers, and words like "N/A" for what they do not know.
    RETURN (SELECT coalesce(jsonb_object_agg(e.key, e.words) FILTER (WHERE e.words IS NOT NULL), '{}')
              FROM (SELECT a.key, CASE WHEN a.key = 'name' THEN cloudgreet_private.meaningful_name(a.value #>> '{}')
                                       ELSE cloudgreet_private.meaningful(a.value #>> '{}') END AS words
                      FROM jsonb_each(args) a WHERE jsonb_typeof(a.value) IN ('string', 'number', 'boolean')) e);
EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR numeric_value_out_of_range OR program_limit_exceeded THEN
    PERFORM cloudgreet_private.refuse_tool('22023', 'the arguments are not JSON', 'I am sorry, I did not understand that. Could you say it again?');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_args(jsonb) IS
    'The arguments of a function call as an object of texts, whether they came as an object or as text; a placeholder is left out. Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.is_understood(business_id uuid, argument text, value text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    CASE is_understood.argument
        WHEN 'email' THEN PERFORM cloudgreet.normalize_email(is_understood.value);
        WHEN 'phone' THEN PERFORM cloudgreet.normalize_phone_number(is_understood.value, cloudgreet.business_country(is_understood.business_id));
        ELSE NULL;
    END CASE;
    RETURN true;
EXCEPTION WHEN SQLSTATE 'ZG104' OR SQLSTATE 'ZG105' THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.is_understood(uuid, text, text) IS
    'Whether an argument that may be left out has a value that can be used.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_drop(call cloudgreet.calls, args jsonb, OUT kept jsonb, OUT remarks jsonb)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    bad CONSTANT text[] := ARRAY(SELECT a.key FROM jsonb_each_text(args) a
                                  WHERE NOT cloudgreet_private.is_understood(call.business_id, a.key, a.value) ORDER BY a.key);
BEGIN
    kept := args - bad;
    PERFORM cloudgreet_private.record_once(call.business_id, 'call.dropped_' || b, 'call', call.id,
                jsonb_build_object('value', left(args ->> b, 200)), call.lead_id) FROM unnest(bad) b;
    SELECT jsonb_build_object('remarks', jsonb_agg(format('%s was not understood and is left out; ask again if it is needed', replace(b, '_', ' ')) ORDER BY b))
      INTO remarks FROM unnest(bad) b HAVING count(*) > 0;
    remarks := coalesce(remarks, '{}');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_drop(cloudgreet.calls, jsonb) IS
    'The arguments without those that may be left out and make no sense; each is noted on the timeline of the call, and told to the model.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_time(value text, time_zone text, name text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF tool_time.value IS NULL THEN
        RETURN NULL;
    ELSIF tool_time.value ~ '^\d{4}-\d\d-\d\d$' THEN
        RETURN tool_time.value::date::timestamp AT TIME ZONE tool_time.time_zone;
    ELSIF tool_time.value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$' THEN
        RETURN tool_time.value::timestamp AT TIME ZONE tool_time.time_zone;
    ELSIF tool_time.value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)? ?(Z|[+-]\d\d(:?\d\d)?)$' THEN
        RETURN tool_time.value::timestamptz;
    END IF;
    PERFORM cloudgreet_private.refuse_tool('22023', format('"%s" must be a time such as 2026-06-09T14:30', tool_time.name), 'Which day and time do you mean?');
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format OR invalid_time_zone_displacement_value THEN
    PERFORM cloudgreet_private.refuse_tool('22023', format('"%s" is no time of the calendar', tool_time.name), 'Which day and time do you mean?');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_time(text, text, text) IS
    'A date or time of an argument; without an offset it is local time of the business. Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_service(business_id uuid, wanted text) RETURNS cloudgreet.services
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    service cloudgreet.services;
BEGIN
    SELECT s.* INTO service FROM cloudgreet.services s
     WHERE s.business_id = tool_service.business_id AND s.is_active
       AND (tool_service.wanted IS NULL OR s.id = cloudgreet_private.read_uuid(tool_service.wanted)
            OR lower(s.name) = lower(tool_service.wanted) OR strpos(lower(s.name), lower(tool_service.wanted)) > 0
            OR strpos(lower(tool_service.wanted), lower(s.name)) > 0)
     -- Of names that the words hold, the longest is meant: "deep cleaning, please" is no cleaning.
     ORDER BY s.id = cloudgreet_private.read_uuid(tool_service.wanted) DESC NULLS LAST,
              lower(s.name) = lower(tool_service.wanted) DESC NULLS LAST,
              CASE WHEN strpos(lower(tool_service.wanted), lower(s.name)) > 0 THEN length(s.name) END DESC NULLS LAST,
              s.created_at, s.id LIMIT 1;
    IF service.id IS NULL THEN
        PERFORM cloudgreet_private.refuse_tool('P0002', 'there is no such service',
            coalesce((SELECT 'We offer ' || string_agg(s.name, ', ' ORDER BY s.created_at, s.id) || '.' FROM cloudgreet.services s
                              WHERE s.business_id = tool_service.business_id AND s.is_active), 'Nothing can be booked as yet.'));
    END IF;
    RETURN service;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_service(uuid, text) IS
    'The service that is meant, by id, name or part of a name; the first if none is named. Error P0002, with what there is, when there is none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_call(business_id uuid, call jsonb) RETURNS cloudgreet.calls
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.webhook_inbox;
    facts CONSTANT jsonb := cloudgreet_private.retell_facts(call);
    target cloudgreet.calls;
BEGIN
    item.business_id := tool_call.business_id;
    item.entity_key := left(call ->> 'call_id', 300);
    PERFORM cloudgreet_private.lock_entity(item.business_id, item.entity_key);
    target := cloudgreet_private.retell_find_call(item, call);
    UPDATE cloudgreet.calls c
       SET from_number = coalesce(c.from_number, left(facts ->> 'from', 100)), to_number = coalesce(c.to_number, left(facts ->> 'to', 100)),
           status = CASE WHEN c.status IN ('initiated', 'ringing') THEN 'answered' ELSE c.status END,
           started_at = coalesce(c.started_at, cloudgreet_private.webhook_milliseconds(facts -> 'start')),
           agent_id = coalesce(c.agent_id, cloudgreet_private.retell_agent(c.business_id, facts)),
           lead_id = coalesce(c.lead_id, cloudgreet_private.ensure_lead(c.business_id,
               facts ->> CASE c.direction WHEN 'outbound' THEN 'to' ELSE 'from' END, 'call'))
     WHERE c.business_id = tool_call.business_id AND c.id = target.id
    RETURNING c.* INTO target;
    RETURN target;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_call(uuid, jsonb) IS
    'The row of the call that a function is called in, with its lead, made if its events have not come yet.';

CREATE OR REPLACE FUNCTION cloudgreet_private.is_known_caller(call cloudgreet.calls) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT coalesce(call.lead_id = cloudgreet_private.find_lead(call.business_id,
        CASE call.direction WHEN 'outbound' THEN call.to_number ELSE call.from_number END), false);
$$;
COMMENT ON FUNCTION cloudgreet_private.is_known_caller(cloudgreet.calls) IS
    'Whether the lead of a call is the one with the caller''s number, rather than one that the caller named.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_lead(call cloudgreet.calls, args jsonb) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := call.business_id;
    lead uuid := call.lead_id;
    may_change boolean := cloudgreet_private.is_known_caller(call);
    address CONSTANT text := CASE WHEN args ? 'email' THEN cloudgreet.normalize_email(args ->> 'email') END;
BEGIN
    IF lead IS NULL AND args ? 'phone' THEN
        lead := cloudgreet_private.find_lead(business, cloudgreet.normalize_phone_number(args ->> 'phone', cloudgreet.business_country(business)));
        may_change := lead IS NULL;
        lead := coalesce(lead, cloudgreet_private.ensure_lead(business, cloudgreet.normalize_phone_number(args ->> 'phone', cloudgreet.business_country(business)), 'call'));
    END IF;
    IF lead IS NULL AND address IS NOT NULL THEN
        -- One that was merged into another leads to that one.
        SELECT cloudgreet_private.surviving_lead(business, l.id) INTO lead FROM cloudgreet.leads l
         WHERE l.business_id = business AND l.email = address AND l.phone IS NULL
         ORDER BY l.merged_into_id IS NOT NULL, l.created_at, l.id LIMIT 1;
        IF lead IS NULL THEN
            INSERT INTO cloudgreet.leads AS l (business_id, email, source) VALUES (business, address, 'call') RETURNING l.id INTO lead;
            may_change := true;
            PERFORM cloudgreet_private.record_event(business, 'lead.created', 'lead', lead, '{"source": "call"}', lead);
        END IF;
    END IF;
    IF lead IS NULL THEN
        PERFORM cloudgreet_private.refuse_tool('22023', 'a phone number or e-mail address is needed', 'What number can we reach you on?');
    END IF;
    UPDATE cloudgreet.leads l SET name = coalesce(l.name, left(args ->> 'name', 200)), email = coalesce(l.email, address)
     WHERE l.business_id = business AND l.id = lead AND may_change
       AND (l.name IS NULL AND args ? 'name' OR l.email IS NULL AND address IS NOT NULL);
    UPDATE cloudgreet.calls c SET lead_id = lead WHERE c.business_id = business AND c.id = call.id AND c.lead_id IS NULL;
    RETURN lead;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_lead(cloudgreet.calls, jsonb) IS
    'Who calls: by the caller''s number, or by the phone or email of the arguments when it is withheld; name and e-mail are kept if they were not known, and the caller is the lead by its number or new. Errors: 22023, ZG104, ZG105.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_appointment(call cloudgreet.calls, args jsonb, key text) RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    wanted CONSTANT uuid := cloudgreet_private.read_uuid(args ->> 'appointment_id');
    -- The same words mean another appointment once the call has booked one more.
    wish CONSTANT text := tool_appointment.key || ':' || (SELECT count(*) FROM cloudgreet.appointments a
                                                           WHERE a.business_id = call.business_id AND a.call_id = call.id);
    earlier CONSTANT uuid := (SELECT k.result_id FROM cloudgreet_private.idempotency_keys k
                               WHERE k.business_id = call.business_id AND k.operation = 'agent_tool' AND k.key = wish);
    appointment cloudgreet.appointments;
BEGIN
    SELECT a.* INTO appointment FROM cloudgreet.appointments a
     WHERE a.business_id = call.business_id AND a.lead_id = call.lead_id
       AND (a.call_id = call.id OR cloudgreet_private.is_known_caller(call))
       AND CASE WHEN earlier IS NOT NULL THEN a.id = earlier
                WHEN args ? 'appointment_id' THEN a.id = wanted
                ELSE a.status IN ('scheduled', 'confirmed') AND a.scheduled_date > cloudgreet.clock() END
     ORDER BY a.scheduled_date, a.id LIMIT 1;
    IF appointment.id IS NULL THEN
        PERFORM cloudgreet_private.refuse_tool('P0002', 'there is no such appointment of the caller', 'I cannot find an appointment for you.');
    END IF;
    PERFORM cloudgreet_private.claim_key(call.business_id, 'agent_tool', wish, wish, appointment.id);
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_appointment(cloudgreet.calls, jsonb, text) IS
    'The appointment that the caller means: the one of the same function call before (unless the call has booked since), the one named, or the caller''s next. Error P0002 when the caller has none such.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tool_describe(appointment cloudgreet.appointments) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT jsonb_build_object('appointment_id', appointment.id, 'status', appointment.status, 'starts_at', appointment.scheduled_date,
               'ends_at', appointment.ends_at, 'local_text', cloudgreet.say_time(appointment.scheduled_date, appointment.time_zone),
               'service', (SELECT s.name FROM cloudgreet.services s WHERE s.business_id = appointment.business_id AND s.id = appointment.service_id),
               'staff', (SELECT s.name FROM cloudgreet.staff s WHERE s.business_id = appointment.business_id AND s.id = appointment.staff_id));
$$;
COMMENT ON FUNCTION cloudgreet_private.tool_describe(cloudgreet.appointments) IS 'What an agent is told of an appointment.';

REVOKE ALL ON FUNCTION cloudgreet_private.refuse_tool(text, text, text), cloudgreet_private.tool_args(jsonb),
    cloudgreet_private.is_understood(uuid, text, text), cloudgreet_private.tool_drop(cloudgreet.calls, jsonb), cloudgreet_private.tool_time(text, text, text),
    cloudgreet_private.tool_service(uuid, text), cloudgreet_private.tool_call(uuid, jsonb),
    cloudgreet_private.is_known_caller(cloudgreet.calls), cloudgreet_private.tool_lead(cloudgreet.calls, jsonb), cloudgreet_private.tool_appointment(cloudgreet.calls, jsonb, text),
    cloudgreet_private.tool_describe(cloudgreet.appointments) FROM PUBLIC;
