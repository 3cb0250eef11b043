/*
 * 330_first_agents.sql
 *		The first steps of a business, continued: voice agents.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.check_voice(settings jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.check_object(check_voice.settings, 'voice_settings', '{voice_id,speed,pitch}');
    PERFORM cloudgreet_private.check_member_text(check_voice.settings, 'voice_id', 200, 'voice_settings');
    -- Retell's range of voice_speed; it has no pitch, which is kept all the same.
    PERFORM cloudgreet_private.check_member_range(check_voice.settings, 'speed', 0.5, 2, 'voice_settings');
    PERFORM cloudgreet_private.check_member_range(check_voice.settings, 'pitch', 0.5, 2, 'voice_settings');
    RETURN check_voice.settings;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_voice(jsonb) IS
    'The voice_settings of an agent: voice_id, speed, pitch. Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_behavior(settings jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    triggers CONSTANT jsonb := coalesce(check_behavior.settings -> 'escalation_triggers', '[]');
BEGIN
    PERFORM cloudgreet_private.check_object(check_behavior.settings, 'behavior_settings',
        '{personality,conversation_style,escalation_triggers}');
    PERFORM cloudgreet_private.check_member_text(check_behavior.settings, 'personality', 4000, 'behavior_settings');
    PERFORM cloudgreet_private.check_member_text(check_behavior.settings, 'conversation_style', 4000, 'behavior_settings');
    IF jsonb_typeof(triggers) <> 'array' OR jsonb_path_exists(triggers, 'strict $[*] ? (@.type() != "string")') THEN
        RAISE EXCEPTION '"behavior_settings.escalation_triggers" must be a list of texts' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(triggers) > 100 THEN
        RAISE EXCEPTION '"behavior_settings.escalation_triggers" has more than 100 entries' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.check_text(t, 'text of "behavior_settings.escalation_triggers"', 200) FROM jsonb_array_elements_text(triggers) t;
    RETURN check_behavior.settings;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_behavior(jsonb) IS
    'The behavior_settings of an agent: personality, conversation_style, escalation_triggers (texts). Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_exceptions(exceptions jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    day text;
    blocks jsonb;
    is_date boolean;
BEGIN
    IF jsonb_typeof(check_exceptions.exceptions) <> 'object' THEN
        RAISE EXCEPTION '"exceptions" must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example {"2026-12-25": [], "2026-12-31": [["09:00", "12:00"]]}.';
    END IF;
    FOR day, blocks IN SELECT e.key, e.value FROM jsonb_each(check_exceptions.exceptions) e ORDER BY e.key LOOP
        is_date := day ~ '^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$';
        IF is_date THEN
            BEGIN
                PERFORM make_date(left(day, 4)::integer, substr(day, 6, 2)::integer, right(day, 2)::integer);
            EXCEPTION WHEN datetime_field_overflow THEN
                is_date := false; -- no such day in the calendar
            END;
        END IF;
        IF NOT is_date THEN
            RAISE EXCEPTION '"exceptions" cannot have a member "%"', left(day, 60)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Use dates such as 2026-12-25.';
        END IF;
        PERFORM cloudgreet_private.check_blocks(blocks, day);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_exceptions(jsonb) IS
    'Error 22023 unless each member is a date with its hours, as check_blocks() wants them.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_agent_hours(hours jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    result jsonb := check_agent_hours.hours;
BEGIN
    IF result IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM cloudgreet_private.check_object(result, 'working hours', '{sun,mon,tue,wed,thu,fri,sat,time_zone,exceptions}');
    PERFORM cloudgreet_private.parse_hours(result - '{time_zone,exceptions}'::text[]);
    IF result ? 'time_zone' THEN
        PERFORM cloudgreet_private.check_member_text(result, 'time_zone', 100, 'working_hours');
        result := jsonb_set(result, '{time_zone}', to_jsonb(cloudgreet.normalize_time_zone(result ->> 'time_zone')));
    END IF;
    IF result ? 'exceptions' THEN
        PERFORM cloudgreet_private.check_exceptions(result -> 'exceptions');
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_agent_hours(jsonb) IS
    'The working_hours of an agent: blocks by weekday, time_zone, and exceptions by date. Errors: 22023, ZG106.';

CREATE OR REPLACE FUNCTION cloudgreet.create_agent(
    name text, voice_settings jsonb DEFAULT '{}', behavior_settings jsonb DEFAULT '{}', working_hours jsonb DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('create_agent', create_agent.business_id);
    new_id uuid;
BEGIN
    IF create_agent.voice_settings IS NULL OR create_agent.behavior_settings IS NULL THEN
        RAISE EXCEPTION 'voice_settings and behavior_settings must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    -- A trigger looks at the settings, whoever writes them.
    INSERT INTO cloudgreet.ai_agents AS a (business_id, name, config)
    VALUES (business, cloudgreet_private.check_text(create_agent.name, 'name of the agent', 120),
            jsonb_build_object('voice_settings', create_agent.voice_settings, 'behavior_settings', create_agent.behavior_settings)
                || CASE WHEN create_agent.working_hours IS NULL THEN '{}' ELSE jsonb_build_object('working_hours', create_agent.working_hours) END)
    ON CONFLICT DO NOTHING
    RETURNING a.id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'an active agent of this name exists already' USING ERRCODE = 'unique_violation';
    END IF;
    PERFORM cloudgreet_private.record_event(business, 'agent.created', 'agent', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_agent(text, jsonb, jsonb, jsonb, uuid) IS
    'Creates a voice agent: voice (voice_id, speed and pitch 0.5 to 2), behavior (personality, conversation_style, escalation_triggers), and the hours in which it answers (NULL: always; by weekday, with time_zone, the business''s if left out, and exceptions by date). Admins, or operators naming the business. Errors: 22004 and 22023 for settings that make no sense, ZG106 for a bad zone, 23505 for a name in use.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_agent_config() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    hours CONSTANT jsonb := new.config -> 'working_hours';
BEGIN
    new.config := cloudgreet_private.check_object(new.config, 'config of the agent') - 'working_hours';
    PERFORM cloudgreet_private.check_voice(coalesce(new.config -> 'voice_settings', '{}')),
            cloudgreet_private.check_behavior(coalesce(new.config -> 'behavior_settings', '{}'));
    -- Hours that make no sense would leave every call without an answer.
    IF jsonb_typeof(hours) <> 'null' THEN
        new.config := new.config || jsonb_build_object('working_hours', cloudgreet_private.check_agent_hours(hours));
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_agent_config() IS
    'Trigger of ai_agents: voice, behavior and hours as of check_voice(), check_behavior() and check_agent_hours(), whoever writes them; hours of null are none. Errors: 22004, 22023, ZG106.';
CREATE OR REPLACE TRIGGER ai_agents_check_config BEFORE INSERT OR UPDATE OF config ON cloudgreet.ai_agents
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.check_agent_config();

REVOKE ALL ON FUNCTION cloudgreet_private.check_voice(jsonb), cloudgreet_private.check_behavior(jsonb),
    cloudgreet_private.check_exceptions(jsonb), cloudgreet_private.check_agent_hours(jsonb),
    cloudgreet_private.check_agent_config(),
    cloudgreet.create_agent(text, jsonb, jsonb, jsonb, uuid) FROM PUBLIC;
