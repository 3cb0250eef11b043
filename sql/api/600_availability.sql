/*
 * 600_availability.sql
 *		Which times are free.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.does_service(business_id uuid, service_id uuid, staff_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN EXISTS (SELECT FROM cloudgreet.staff s
                    WHERE s.business_id = does_service.business_id AND s.id = does_service.staff_id AND s.is_active)
       AND (NOT EXISTS (SELECT FROM cloudgreet.service_staff ss
                         WHERE ss.business_id = does_service.business_id AND ss.service_id = does_service.service_id)
            OR EXISTS (SELECT FROM cloudgreet.service_staff ss
                        WHERE ss.business_id = does_service.business_id AND ss.service_id = does_service.service_id
                          AND ss.staff_id = does_service.staff_id));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.does_service(uuid, uuid, uuid) IS
    'Whether a staff member is an active one who does the service: named for it, or it names nobody.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_service(business_id uuid, service_id uuid, staff_id uuid DEFAULT NULL)
    RETURNS cloudgreet.services
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    service cloudgreet.services;
BEGIN
    IF require_service.service_id IS NULL THEN
        RAISE EXCEPTION 'service_id must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT s.* INTO service FROM cloudgreet.services s
     WHERE s.business_id = require_service.business_id AND s.id = require_service.service_id AND s.is_active;
    IF service.id IS NULL THEN
        RAISE EXCEPTION 'service "%" does not exist', require_service.service_id USING ERRCODE = 'foreign_key_violation';
    ELSIF require_service.staff_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM cloudgreet.staff st
                        WHERE st.business_id = require_service.business_id AND st.id = require_service.staff_id AND st.is_active) THEN
            RAISE EXCEPTION 'staff member "%" does not exist', require_service.staff_id USING ERRCODE = 'foreign_key_violation';
        ELSIF NOT cloudgreet_private.does_service(require_service.business_id, service.id, require_service.staff_id) THEN
            RAISE EXCEPTION 'the staff member does not do this service' USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    RETURN service;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_service(uuid, uuid, uuid) IS
    'The service. Error 22004 for NULL, 23503 unless it, and the staff member if one is named, are active ones of the business; 22023 when that staff member does not do it.';

CREATE OR REPLACE FUNCTION cloudgreet.check_availability(
    service_id uuid, range_start timestamptz, range_end timestamptz, staff_id uuid DEFAULT NULL,
    time_zone text DEFAULT NULL, max_slots integer DEFAULT 20, holder text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS SETOF cloudgreet.free_slot
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('check_availability', check_availability.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_service(business, check_availability.service_id, check_availability.staff_id);
    RETURN QUERY SELECT * FROM cloudgreet.find_slots(
        check_availability.service_id, check_availability.range_start, check_availability.range_end, check_availability.staff_id,
        check_availability.time_zone, check_availability.max_slots, check_availability.holder, NULL);
END
$$;
COMMENT ON FUNCTION cloudgreet.check_availability(uuid, timestamptz, timestamptz, uuid, text, integer, text, uuid) IS
    'The starts in the range (at most 366 days) at which the service can be booked, in order, at most max_slots (1 to 1000): of the staff member, or of anyone who does the service, each time once. The holder''s own holds do not count as taken. local_text is the time as one says it in the zone (NULL: the business''s). Errors: 22004 and 22023 for a bad range or number, ZG106 for a bad zone, 23503 for a service or staff member that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet.next_slots(
    service_id uuid, starts_at timestamptz DEFAULT NULL, staff_id uuid DEFAULT NULL, time_zone text DEFAULT NULL,
    max_slots integer DEFAULT 3, holder text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS SETOF cloudgreet.free_slot
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT s.* FROM cloudgreet.check_availability(
        next_slots.service_id,
        greatest(next_slots.starts_at, cloudgreet.clock()), greatest(next_slots.starts_at, cloudgreet.clock()) + interval '60 days',
        next_slots.staff_id, next_slots.time_zone, next_slots.max_slots, next_slots.holder, next_slots.business_id) s;
$$;
COMMENT ON FUNCTION cloudgreet.next_slots(uuid, timestamptz, uuid, text, integer, text, uuid) IS
    'The first free starts from a time on (NULL: now), within 60 days; otherwise as check_availability().';

-- Every way in which a start is refused, with what is free instead.
CREATE OR REPLACE FUNCTION cloudgreet_private.refuse_start(
    service_id uuid, starts_at timestamptz, staff_id uuid, verdict text, time_zone text, holder text, ignored_appointment_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    start CONSTANT timestamptz := CASE verdict WHEN 'too_far' THEN cloudgreet.clock() ELSE greatest(refuse_start.starts_at, cloudgreet.clock()) END;
    free jsonb;
    spoken text;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('starts_at', f.starts_at, 'ends_at', f.ends_at, 'staff_id', f.staff_id_free,
                                        'local_text', f.local_text) ORDER BY f.starts_at),
           string_agg(f.local_text, '; ' ORDER BY f.starts_at)
      INTO free, spoken
      FROM cloudgreet.find_slots(refuse_start.service_id, start, start + interval '60 days', refuse_start.staff_id,
                                 refuse_start.time_zone, 3, refuse_start.holder, refuse_start.ignored_appointment_id) f;
    RAISE EXCEPTION '%', CASE refuse_start.verdict
            WHEN 'taken' THEN 'this time is taken'
            WHEN 'outside_hours' THEN 'this time is outside of working hours'
            WHEN 'past' THEN 'this time is in the past'
            WHEN 'too_soon' THEN 'this time is too soon for the service''s minimum notice'
            WHEN 'too_far' THEN 'this time is farther ahead than the business takes bookings'
            ELSE 'nobody does this service' END
        USING ERRCODE = CASE refuse_start.verdict WHEN 'taken' THEN 'ZG401' WHEN 'past' THEN 'ZG403' WHEN 'too_soon' THEN 'ZG403'
                                                  WHEN 'too_far' THEN 'ZG404' ELSE 'ZG402' END,
              DETAIL = jsonb_build_object('next_slots', coalesce(free, '[]'))::text,
              HINT = coalesce('Free next: ' || spoken || '.', 'Nothing is free in the next 60 days.');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.refuse_start(uuid, timestamptz, uuid, text, text, text, uuid) IS
    'Raises the error of a verdict: ZG401 taken, ZG402 outside of hours, ZG403 past or too soon, ZG404 too far ahead. Its DETAIL is {"next_slots": [...]}, its HINT says them.';

REVOKE ALL ON FUNCTION cloudgreet_private.does_service(uuid, uuid, uuid), cloudgreet_private.require_service(uuid, uuid, uuid),
    cloudgreet_private.refuse_start(uuid, timestamptz, uuid, text, text, text, uuid),
    cloudgreet.check_availability(uuid, timestamptz, timestamptz, uuid, text, integer, text, uuid),
    cloudgreet.next_slots(uuid, timestamptz, uuid, text, integer, text, uuid) FROM PUBLIC;
