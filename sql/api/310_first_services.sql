/*
 * 310_first_services.sql
 *		The first steps of a business, continued: services, staff with hours, agents.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.parse_hours(hours jsonb)
    RETURNS TABLE (weekday smallint, starts time, ends time)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    days CONSTANT text[] := '{sun,mon,tue,wed,thu,fri,sat}';
    bad CONSTANT text := 'working hours of "%s" must be a list of ["HH:MM", "HH:MM"]';
    day text;
    blocks jsonb;
    block jsonb;
BEGIN
    PERFORM cloudgreet_private.check_object(parse_hours.hours, 'working hours', days);
    FOR day, blocks IN SELECT * FROM jsonb_each(parse_hours.hours) LOOP
        IF jsonb_typeof(blocks) <> 'array' OR jsonb_array_length(blocks) > 24 THEN
            RAISE EXCEPTION '%', format(bad, day) USING ERRCODE = 'invalid_parameter_value';
        END IF;
        FOR block IN SELECT * FROM jsonb_array_elements(blocks) LOOP
            IF jsonb_typeof(block) <> 'array' OR jsonb_array_length(block) <> 2
               OR coalesce(block ->> 0, '') !~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
               OR coalesce(block ->> 1, '') !~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$' THEN
                RAISE EXCEPTION '%', format(bad, day) USING ERRCODE = 'invalid_parameter_value';
            END IF;
            weekday := array_position(days, day) - 1;
            starts := (block ->> 0)::time;
            ends := (block ->> 1)::time;
            IF starts >= ends THEN
                RAISE EXCEPTION 'working hours of "%" end before they start', day
                    USING ERRCODE = 'invalid_parameter_value', HINT = 'Work over midnight is two blocks, to 24:00 and from 00:00.';
            END IF;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.parse_hours(jsonb) IS
    'Reads weekly hours {"mon": [["09:00", "17:00"]], ...}. Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet.create_service(
    name text, duration_minutes integer, description text DEFAULT NULL,
    buffer_before_minutes integer DEFAULT 0, buffer_after_minutes integer DEFAULT 0,
    price_cents integer DEFAULT NULL, minimum_notice_minutes integer DEFAULT 0, seats integer DEFAULT 1,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(create_service.business_id);
    new_id uuid;
BEGIN
    IF create_service.duration_minutes IS NULL OR create_service.duration_minutes NOT BETWEEN 1 AND 10080 THEN
        RAISE EXCEPTION 'duration must be 1 to 10080 minutes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet.services (business_id, name, description, duration_minutes, buffer_before_minutes,
                                     buffer_after_minutes, price_cents, minimum_notice_minutes, seats)
    VALUES (business, cloudgreet_private.check_text(create_service.name, 'name of the service', 200),
            create_service.description, create_service.duration_minutes, create_service.buffer_before_minutes,
            create_service.buffer_after_minutes, create_service.price_cents, create_service.minimum_notice_minutes,
            create_service.seats)
    RETURNING id INTO new_id;
    PERFORM cloudgreet_private.record_event(business, 'service.created', 'service', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_service(text, integer, text, integer, integer, integer, integer, integer, uuid) IS
    'Creates something that can be booked; times in minutes, price in cents. Admins, or operators naming the business. Errors: 22023 and 23514 for values that make no sense, 23505 for a name in use.';

CREATE OR REPLACE FUNCTION cloudgreet.add_staff(
    name text, time_zone text DEFAULT NULL,
    working_hours jsonb DEFAULT '{"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]], "thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]}',
    service_ids uuid[] DEFAULT '{}', user_id uuid DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(add_staff.business_id);
    new_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet.staff (business_id, user_id, name, time_zone)
    VALUES (business, add_staff.user_id, cloudgreet_private.check_text(add_staff.name, 'name of the staff member', 200),
            coalesce(cloudgreet.check_time_zone(add_staff.time_zone),
                     (SELECT b.time_zone FROM cloudgreet.businesses b WHERE b.id = business)))
    RETURNING id INTO new_id;
    INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends)
    SELECT business, new_id, h.weekday, h.starts, h.ends FROM cloudgreet_private.parse_hours(add_staff.working_hours) h;
    INSERT INTO cloudgreet.service_staff (business_id, service_id, staff_id)
    SELECT DISTINCT business, s, new_id FROM unnest(add_staff.service_ids) s;
    PERFORM cloudgreet_private.record_event(business, 'staff.added', 'staff', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_staff(text, text, jsonb, uuid[], uuid, uuid) IS
    'Adds a person (or other resource) that appointments are made with: zone (the business''s by default), weekly hours (Monday to Friday, 9 to 17 by default), and services (all by default). Admins, or operators naming the business. Errors: 22023, ZG106, 23503 for a service or user of another business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_setting_range(settings jsonb, member text, low numeric, high numeric) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF settings ? member
       AND (jsonb_typeof(settings -> member) <> 'number' OR (settings ->> member)::numeric NOT BETWEEN low AND high) THEN
        RAISE EXCEPTION '"%" must be a number from % to %', member, low, high USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_setting_range(jsonb, text, numeric, numeric) IS
    'Error 22023 when a member is there and is not a number of the range.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_setting_text(settings jsonb, member text, max_length integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF settings ? member
       AND (jsonb_typeof(settings -> member) <> 'string' OR length(settings ->> member) NOT BETWEEN 1 AND max_length) THEN
        RAISE EXCEPTION '"%" must be a text of 1 to % characters', member, max_length USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_setting_text(jsonb, text, integer) IS
    'Error 22023 when a member is there and is not a text of the length.';

CREATE OR REPLACE FUNCTION cloudgreet.create_agent(
    name text, voice_settings jsonb DEFAULT '{}', behavior_settings jsonb DEFAULT '{}', working_hours jsonb DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(create_agent.business_id);
    new_id uuid;
BEGIN
    PERFORM cloudgreet_private.check_object(create_agent.voice_settings, 'voice_settings', '{voice_id,speed,pitch}');
    PERFORM cloudgreet_private.check_setting_text(create_agent.voice_settings, 'voice_id', 200);
    PERFORM cloudgreet_private.check_setting_range(create_agent.voice_settings, 'speed', 0.5, 2);
    PERFORM cloudgreet_private.check_setting_range(create_agent.voice_settings, 'pitch', 0.5, 2);
    PERFORM cloudgreet_private.check_object(create_agent.behavior_settings, 'behavior_settings',
        '{personality,conversation_style,escalation_triggers}');
    PERFORM cloudgreet_private.check_setting_text(create_agent.behavior_settings, 'personality', 4000);
    PERFORM cloudgreet_private.check_setting_text(create_agent.behavior_settings, 'conversation_style', 4000);
    IF jsonb_typeof(coalesce(create_agent.behavior_settings -> 'escalation_triggers', '[]')) <> 'array'
       OR jsonb_path_exists(create_agent.behavior_settings, '$.escalation_triggers[*] ? (@.type() != "string")') THEN
        RAISE EXCEPTION '"escalation_triggers" must be a list of texts' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF create_agent.working_hours IS NOT NULL THEN
        PERFORM cloudgreet_private.parse_hours(create_agent.working_hours);
    END IF;

    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet.ai_agents (business_id, name, config)
    VALUES (business, cloudgreet_private.check_text(create_agent.name, 'name of the agent', 120),
            jsonb_strip_nulls(jsonb_build_object('voice_settings', create_agent.voice_settings,
                'behavior_settings', create_agent.behavior_settings, 'working_hours', create_agent.working_hours)))
    RETURNING id INTO new_id;
    PERFORM cloudgreet_private.record_event(business, 'agent.created', 'agent', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_agent(text, jsonb, jsonb, jsonb, uuid) IS
    'Creates a voice agent: voice (voice_id, speed and pitch 0.5 to 2), behavior (personality, conversation_style, escalation_triggers), and the hours in which it answers (always, if NULL). Admins, or operators naming the business. Errors: 22023 for a setting that makes no sense, 23505 for a name in use.';

REVOKE ALL ON FUNCTION cloudgreet_private.parse_hours(jsonb),
    cloudgreet_private.check_setting_range(jsonb, text, numeric, numeric),
    cloudgreet_private.check_setting_text(jsonb, text, integer),
    cloudgreet.create_service(text, integer, text, integer, integer, integer, integer, integer, uuid),
    cloudgreet.add_staff(text, text, jsonb, uuid[], uuid, uuid),
    cloudgreet.create_agent(text, jsonb, jsonb, jsonb, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    cloudgreet.create_service(text, integer, text, integer, integer, integer, integer, integer, uuid),
    cloudgreet.add_staff(text, text, jsonb, uuid[], uuid, uuid),
    cloudgreet.create_agent(text, jsonb, jsonb, jsonb, uuid) TO authenticated, service_role;
