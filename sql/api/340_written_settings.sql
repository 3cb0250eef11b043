/*
 * 340_written_settings.sql
 *		What a business writes to its tables is looked at as the functions look at it,
 *		whichever way it comes: REST, SQL, many rows at once.
 *
 * What is a matter of one value is a constraint of its table; here is what is not.  An
 * agent's settings are in 330, a template's in 700.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.check_choice(value jsonb, path text[], choices text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    chosen CONSTANT jsonb := value #> path;
BEGIN
    IF chosen IS NOT NULL AND (jsonb_typeof(chosen) <> 'string' OR chosen #>> '{}' <> ALL (choices)) THEN
        RAISE EXCEPTION '"settings.%" must be %', array_to_string(path, '.'), array_to_string(choices, ' or ')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_choice(jsonb, text[], text[]) IS
    'Error 22023 when settings have the member and it is none of the choices.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_business_settings() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    settings CONSTANT jsonb := cloudgreet_private.check_object(new.settings, 'settings of the business');
BEGIN
    -- What is not known here is the business's own.
    IF settings ? 'booking_horizon_days' AND (settings ->> 'booking_horizon_days' ~ '^[0-9]{1,4}$') IS NOT TRUE THEN
        RAISE EXCEPTION '"settings.booking_horizon_days" must be a number from 0 to 9999' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.check_member_text(settings, 'follow_up_sequence', 200, 'settings');
    IF settings ? 'inbound' THEN
        PERFORM cloudgreet_private.check_object(settings -> 'inbound', '"settings.inbound"', '{unknown,closed}');
        PERFORM cloudgreet_private.check_choice(settings, '{inbound,unknown}', '{answer,reject}'),
                cloudgreet_private.check_choice(settings, '{inbound,closed}', '{answer,reject}');
    END IF;
    IF settings ? 'replies' THEN
        PERFORM cloudgreet_private.check_object(settings -> 'replies', '"settings.replies"', '{no}');
        PERFORM cloudgreet_private.check_choice(settings, '{replies,no}', '{ask,cancel}');
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_business_settings() IS
    'Trigger of businesses: the settings that something depends on make sense. Error 22023 with the path of the one that does not.';
CREATE OR REPLACE TRIGGER businesses_check_settings BEFORE INSERT OR UPDATE OF settings ON cloudgreet.businesses
    FOR EACH ROW WHEN (new.settings <> '{}') EXECUTE FUNCTION cloudgreet_private.check_business_settings();

CREATE OR REPLACE FUNCTION cloudgreet_private.check_hours_apart() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    days CONSTANT text[] := '{sun,mon,tue,wed,thu,fri,sat}';
    other cloudgreet.working_hours;
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    -- Two sessions that write hours of one staff member see each other's.
    PERFORM cloudgreet_private.lock_staff(new.business_id, new.staff_id);
    SELECT h.* INTO other FROM cloudgreet.working_hours h
     WHERE h.business_id = new.business_id AND h.staff_id = new.staff_id AND h.weekday = new.weekday AND h.id <> new.id
       AND h.starts < new.ends AND new.starts < h.ends
       AND daterange(h.valid_from, h.valid_to, '[]') && daterange(new.valid_from, new.valid_to, '[]') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours of "%" overlap: % to % and % to %', days[new.weekday + 1], new.starts, new.ends, other.starts, other.ends
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Change the hours that are there, or let them end on a date: valid_to.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_hours_apart() IS
    'Trigger of working_hours: those of one staff member, weekday and date do not overlap. Error 22023.';
CREATE OR REPLACE TRIGGER working_hours_check_apart AFTER INSERT OR UPDATE ON cloudgreet.working_hours
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.check_hours_apart();

CREATE OR REPLACE FUNCTION cloudgreet_private.check_step_channel() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    IF EXISTS (SELECT FROM cloudgreet.message_templates t
                WHERE t.business_id = new.business_id AND t.id = new.template_id AND t.channel <> new.channel) THEN
        RAISE EXCEPTION 'template_id of a step must be a template of its channel, %', new.channel USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_step_channel() IS
    'Trigger of sequence_steps: a step sends a template of its channel. Error 22023.';
CREATE OR REPLACE TRIGGER sequence_steps_check_channel AFTER INSERT OR UPDATE OF channel, template_id ON cloudgreet.sequence_steps
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.check_step_channel();

REVOKE ALL ON FUNCTION cloudgreet_private.check_choice(jsonb, text[], text[]), cloudgreet_private.check_business_settings(),
    cloudgreet_private.check_hours_apart(), cloudgreet_private.check_step_channel() FROM PUBLIC;
