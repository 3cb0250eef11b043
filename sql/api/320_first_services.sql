/*
 * 320_first_services.sql
 *		The first steps of a business, continued: services, and staff with their hours.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.check_blocks(blocks jsonb, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- As jsonb prints a list of two times of day.
    form CONSTANT text := '^\["([01][0-9]|2[0-3]):[0-5][0-9](:00)?", "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)(:00)?"\]$';
    block jsonb;
BEGIN
    IF jsonb_typeof(check_blocks.blocks) <> 'array' THEN
        RAISE EXCEPTION 'hours of "%" must be a list', left(what, 60) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example [["09:00", "12:00"], ["13:00", "17:00"]], or [] for a day off.';
    ELSIF jsonb_array_length(check_blocks.blocks) > 24 THEN
        RAISE EXCEPTION 'hours of "%" have more than 24 blocks', left(what, 60) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR block IN SELECT b FROM jsonb_array_elements(check_blocks.blocks) b LOOP
        IF block::text !~ form THEN
            RAISE EXCEPTION 'hours of "%" must be blocks of ["HH:MM", "HH:MM"]', left(what, 60)
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF (block ->> 0)::time >= (block ->> 1)::time THEN
            RAISE EXCEPTION 'hours of "%" end before they start', left(what, 60) USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Work over midnight is two blocks, to "24:00" and from "00:00" of the next day.';
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM (SELECT (b ->> 0)::time AS starts, lag((b ->> 1)::time) OVER (ORDER BY (b ->> 0)::time) AS previous
                              FROM jsonb_array_elements(check_blocks.blocks) b) sorted
                WHERE sorted.starts < sorted.previous) THEN
        RAISE EXCEPTION 'hours of "%" overlap', left(what, 60) USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_blocks(jsonb, text) IS
    'Error 22023 unless the hours of a day are a list of ["HH:MM", "HH:MM"], each ending after its start, without overlap.';

CREATE OR REPLACE FUNCTION cloudgreet_private.parse_hours(hours jsonb)
    RETURNS TABLE (weekday smallint, starts time, ends time)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    days CONSTANT text[] := '{sun,mon,tue,wed,thu,fri,sat}';
BEGIN
    PERFORM cloudgreet_private.check_object(parse_hours.hours, 'working hours', days);
    PERFORM cloudgreet_private.check_blocks(d.value, d.key) FROM jsonb_each(parse_hours.hours) d;
    RETURN QUERY
        SELECT (array_position(days, d.key) - 1)::smallint, (b ->> 0)::time, (b ->> 1)::time
          FROM jsonb_each(parse_hours.hours) d, jsonb_array_elements(d.value) b;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.parse_hours(jsonb) IS
    'Reads weekly hours {"mon": [["09:00", "17:00"]], ...}; a day left out is off. Error 22023 for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet.create_service(
    name text, duration_minutes integer, description text DEFAULT NULL,
    buffer_before_minutes integer DEFAULT 0, buffer_after_minutes integer DEFAULT 0,
    price_cents integer DEFAULT NULL, currency text DEFAULT 'USD', minimum_notice_minutes integer DEFAULT 0,
    slot_step_minutes integer DEFAULT NULL, seats integer DEFAULT 1, slot_round_minutes integer DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('create_service', create_service.business_id);
    new_id uuid;
BEGIN
    IF create_service.price_cents < 0 THEN
        RAISE EXCEPTION 'price must not be negative' USING ERRCODE = 'invalid_parameter_value';
    ELSIF create_service.currency IS NULL OR create_service.currency !~ '^[A-Z]{3}$' THEN
        RAISE EXCEPTION 'invalid currency' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use an ISO 4217 code such as USD.';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet.services AS s (
        business_id, name, description, duration_minutes, buffer_before_minutes, buffer_after_minutes,
        price_cents, currency, minimum_notice_minutes, slot_step_minutes, seats, slot_round_minutes)
    VALUES (business,
        cloudgreet_private.check_text(create_service.name, 'name of the service', 200),
        cloudgreet_private.check_optional_text(create_service.description, 'description of the service', 4000, true),
        cloudgreet_private.check_range(create_service.duration_minutes, 'duration in minutes', 1, 10080),
        cloudgreet_private.check_range(create_service.buffer_before_minutes, 'buffer before in minutes', 0, 1440),
        cloudgreet_private.check_range(create_service.buffer_after_minutes, 'buffer after in minutes', 0, 1440),
        create_service.price_cents, create_service.currency,
        cloudgreet_private.check_range(create_service.minimum_notice_minutes, 'minimum notice in minutes', 0, 525600),
        CASE WHEN create_service.slot_step_minutes IS NOT NULL THEN
            cloudgreet_private.check_range(create_service.slot_step_minutes, 'slot step in minutes', 1, 1440) END,
        cloudgreet_private.check_range(create_service.seats, 'seats', 1, 1000),
        CASE WHEN create_service.slot_round_minutes IS NOT NULL THEN
            cloudgreet_private.check_range(create_service.slot_round_minutes, 'rounding of slots in minutes', 0, 60) END)
    ON CONFLICT DO NOTHING
    RETURNING s.id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'a service of this name exists already' USING ERRCODE = 'unique_violation';
    END IF;
    PERFORM cloudgreet_private.record_event(business, 'service.created', 'service', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_service(text, integer, text, integer, integer, integer, text, integer, integer, integer, integer, uuid) IS
    'Creates something that can be booked; times in minutes, price in the currency''s smallest unit (NULL: no price). The first start of a free time is offered as it is, or moved up to a multiple of slot_round_minutes (0 to 60) of the hour; the next ones are a step (NULL: the duration) apart. Admins, or operators naming the business. Errors: 22004 and 22023 for values that make no sense, 23505 for a name in use.';

CREATE OR REPLACE FUNCTION cloudgreet.add_staff(
    name text, time_zone text DEFAULT NULL, working_hours jsonb DEFAULT NULL,
    service_ids uuid[] DEFAULT '{}', user_id uuid DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    office_hours CONSTANT jsonb := '{"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]],
                                     "thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]}';
    business CONSTANT uuid := cloudgreet_private.business_for('add_staff', add_staff.business_id);
    new_id uuid;
    unknown uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF EXISTS (SELECT FROM unnest(add_staff.service_ids) wanted WHERE wanted IS NULL) THEN
        RAISE EXCEPTION 'service_ids must not have nulls' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT wanted INTO unknown FROM unnest(add_staff.service_ids) wanted
     WHERE NOT EXISTS (SELECT FROM cloudgreet.services s WHERE s.business_id = business AND s.id = wanted) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'service "%" does not exist', unknown USING ERRCODE = 'foreign_key_violation';
    ELSIF add_staff.user_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.users u WHERE u.business_id = business AND u.id = add_staff.user_id) THEN
        RAISE EXCEPTION 'user "%" does not exist', add_staff.user_id USING ERRCODE = 'foreign_key_violation';
    END IF;

    INSERT INTO cloudgreet.staff (business_id, user_id, name, time_zone)
    VALUES (business, add_staff.user_id, cloudgreet_private.check_text(add_staff.name, 'name of the staff member', 200),
            coalesce(cloudgreet.normalize_time_zone(add_staff.time_zone),
                     (SELECT b.time_zone FROM cloudgreet.businesses b WHERE b.id = business)))
    RETURNING id INTO new_id;
    INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends)
    SELECT business, new_id, h.weekday, h.starts, h.ends
      FROM cloudgreet_private.parse_hours(coalesce(add_staff.working_hours, office_hours)) h;
    INSERT INTO cloudgreet.service_staff (business_id, service_id, staff_id)
    SELECT DISTINCT business, s, new_id FROM unnest(add_staff.service_ids) s;
    PERFORM cloudgreet_private.record_event(business, 'staff.added', 'staff', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_staff(text, text, jsonb, uuid[], uuid, uuid) IS
    'Adds a person (or other resource) that appointments are made with: zone (NULL: the business''s), weekly hours (NULL: Monday to Friday, 9 to 17; a day left out is off), and services (none named: those that name nobody). Admins, or operators naming the business. Errors: 22004 and 22023 for bad parameters, ZG106 for a bad zone, 23503 for a service or user that does not exist.';

REVOKE ALL ON FUNCTION cloudgreet_private.check_blocks(jsonb, text), cloudgreet_private.parse_hours(jsonb),
    cloudgreet.create_service(text, integer, text, integer, integer, integer, text, integer, integer, integer, integer, uuid),
    cloudgreet.add_staff(text, text, jsonb, uuid[], uuid, uuid) FROM PUBLIC;
