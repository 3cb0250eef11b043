/*
 * 615_appointment_rows.sql
 *		What the functions on appointments have in common.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.require_booking_lead(business_id uuid, lead_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF require_booking_lead.lead_id IS NULL THEN
        RAISE EXCEPTION 'lead_id must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM cloudgreet_private.require_lead(require_booking_lead.business_id, require_booking_lead.lead_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_booking_lead(uuid, uuid) IS
    'Error 22004 for NULL, 23503 unless the lead is one of the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.insert_appointment(
    service cloudgreet.services, id uuid, staff_id uuid, lead_id uuid, starts_at timestamptz, ends_at timestamptz,
    notes text, time_zone text, holder text DEFAULT NULL) RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    appointment cloudgreet.appointments;
BEGIN
    INSERT INTO cloudgreet.appointments AS a
        (business_id, id, lead_id, service_id, staff_id, scheduled_date, ends_at, time_zone, notes)
    VALUES (service.business_id, insert_appointment.id, insert_appointment.lead_id, service.id,
            insert_appointment.staff_id, insert_appointment.starts_at, insert_appointment.ends_at,
            coalesce(cloudgreet.normalize_time_zone(insert_appointment.time_zone), (SELECT b.time_zone FROM cloudgreet.businesses b WHERE b.id = service.business_id)),
            cloudgreet_private.check_optional_text(insert_appointment.notes, 'notes', 20000, true))
    RETURNING a.* INTO appointment;
    -- What was judged free may overlap all the same: a service's own parties, where its length or buffers were changed.
    IF cloudgreet_private.insert_allocation(service, appointment.staff_id, appointment.scheduled_date, appointment.ends_at, appointment.id, insert_appointment.holder) IS NULL THEN
        PERFORM cloudgreet_private.refuse_start(service.id, appointment.scheduled_date, NULL, 'taken', appointment.time_zone, NULL, NULL);
    END IF;
    PERFORM cloudgreet_private.greet_booking(appointment, false);
    INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
    VALUES (appointment.business_id, 'appointment.booked', 'appointment', appointment.id, appointment.lead_id, cloudgreet.current_user_id(),
            jsonb_build_object('starts_at', appointment.scheduled_date, 'staff_id', appointment.staff_id, 'service_id', appointment.service_id));
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.insert_appointment(cloudgreet.services, uuid, uuid, uuid, timestamptz, timestamptz, text, text, text) IS
    'Writes an appointment whose time was judged under lock_staff(), the time that it takes, its event, and what its lead is told. Error ZG401 when the time is taken all the same.';
DROP FUNCTION IF EXISTS cloudgreet_private.insert_appointment(uuid, uuid, uuid, uuid, uuid, timestamptz, timestamptz, text, text);

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_appointment(business_id uuid, appointment_id uuid) RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    appointment cloudgreet.appointments;
BEGIN
    SELECT a.* INTO appointment FROM cloudgreet.appointments a
     WHERE a.business_id = lock_appointment.business_id AND a.id = lock_appointment.appointment_id FOR NO KEY UPDATE;
    IF appointment.id IS NULL THEN
        RAISE EXCEPTION 'appointment "%" does not exist', lock_appointment.appointment_id USING ERRCODE = 'no_data_found';
    END IF;
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_appointment(uuid, uuid) IS
    'The appointment, locked to the end of the transaction. Error P0002 when the business has none of the id.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_status_step(current_status text, next_status text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF (CASE require_status_step.next_status
            WHEN 'rescheduled' THEN require_status_step.current_status IN ('scheduled', 'confirmed')
            WHEN 'scheduled' THEN require_status_step.current_status = 'held'
            WHEN 'confirmed' THEN require_status_step.current_status IN ('held', 'scheduled')
            ELSE require_status_step.current_status IN ('held', 'scheduled', 'confirmed') END) IS NOT TRUE THEN
        RAISE EXCEPTION 'an appointment that is % cannot become %', require_status_step.current_status, require_status_step.next_status
            USING ERRCODE = 'ZG406', HINT = 'Book a new one.';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_status_step(text, text) IS
    'Error ZG406 unless a status may follow another: scheduled, confirmed, then one of completed, canceled, no_show, which are final. Not yet final ones can be rescheduled.';

REVOKE ALL ON FUNCTION cloudgreet_private.require_booking_lead(uuid, uuid),
    cloudgreet_private.insert_appointment(cloudgreet.services, uuid, uuid, uuid, timestamptz, timestamptz, text, text, text),
    cloudgreet_private.lock_appointment(uuid, uuid), cloudgreet_private.require_status_step(text, text) FROM PUBLIC;
