/*
 * 630_appointments.sql
 *		Appointments: booked, moved, canceled, done.
 *
 * None of these answers with a deadlock or a violated constraint: who comes second is
 * told that the time is taken, and what is free instead.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.claim_key(
    business_id uuid, operation text, key text, request text, result_id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    asked CONSTANT bytea := sha256(convert_to(claim_key.request, 'UTF8'));
    earlier cloudgreet_private.idempotency_keys;
BEGIN
    -- Waits for a request under the same key that is under way.
    INSERT INTO cloudgreet_private.idempotency_keys (business_id, operation, key, request_hash, result_id)
    VALUES (claim_key.business_id, claim_key.operation, cloudgreet_private.check_text(claim_key.key, 'idempotency_key', 255), asked, claim_key.result_id)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT k.* INTO STRICT earlier FROM cloudgreet_private.idempotency_keys k
     WHERE k.business_id = claim_key.business_id AND k.operation = claim_key.operation AND k.key = btrim(claim_key.key, E' \t\n\r');
    IF earlier.request_hash <> asked THEN
        RAISE EXCEPTION 'the idempotency key was used for another request' USING ERRCODE = 'ZG407', HINT = 'Use a new key for each request.';
    END IF;
    RETURN earlier.result_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.claim_key(uuid, text, text, text, uuid) IS
    'Keeps a key for a request and its result; NULL when the key is new, or else the result of the same request earlier. Error ZG407 when it was another request.';

CREATE OR REPLACE FUNCTION cloudgreet_private.booking_of(
    business_id uuid, lead_id uuid, service_id uuid, starts_at timestamptz, staff_id uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT a.id FROM cloudgreet.appointments a
             WHERE a.business_id = booking_of.business_id AND a.lead_id = booking_of.lead_id AND a.service_id = booking_of.service_id
               AND a.scheduled_date = booking_of.starts_at AND a.staff_id = coalesce(booking_of.staff_id, a.staff_id)
               AND a.status IN ('scheduled', 'confirmed')
             ORDER BY a.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.booking_of(uuid, uuid, uuid, timestamptz, uuid) IS
    'The appointment that the lead has already for the service and start.';
DROP FUNCTION IF EXISTS cloudgreet_private.find_booking(uuid, uuid, uuid, timestamptz, uuid);

CREATE OR REPLACE FUNCTION cloudgreet.book_appointment(
    service_id uuid, starts_at timestamptz, lead_id uuid, staff_id uuid DEFAULT NULL, holder text DEFAULT NULL,
    notes text DEFAULT NULL, time_zone text DEFAULT NULL, idempotency_key text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('book_appointment', book_appointment.business_id);
    owner CONSTANT text := cloudgreet_private.check_optional_text(book_appointment.holder, 'holder', 200);
    new_id CONSTANT uuid := cloudgreet.uuid_v7();
    earlier_id uuid;
    lead uuid;
    service cloudgreet.services;
    appointment cloudgreet.appointments;
    taken record;
BEGIN
    IF book_appointment.starts_at IS NULL THEN
        RAISE EXCEPTION 'starts_at must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    SELECT s.* INTO service FROM cloudgreet.services s WHERE s.business_id = business AND s.id = book_appointment.service_id AND s.is_active;
    IF book_appointment.idempotency_key IS NOT NULL THEN
        earlier_id := cloudgreet_private.claim_key(business, 'book_appointment', book_appointment.idempotency_key,
            concat_ws('|', book_appointment.service_id, extract(epoch FROM book_appointment.starts_at), book_appointment.lead_id, book_appointment.staff_id), new_id);
    END IF;
    -- As lock_lead() does it, of one that is not merged.
    SELECT l.id INTO lead FROM cloudgreet.leads l
     WHERE l.business_id = business AND l.id = book_appointment.lead_id AND l.merged_into_id IS NULL FOR NO KEY UPDATE;
    IF lead IS NULL OR service.id IS NULL THEN
        service := cloudgreet_private.require_service(business, book_appointment.service_id, book_appointment.staff_id);
        PERFORM cloudgreet_private.require_booking_lead(business, book_appointment.lead_id);
        lead := cloudgreet_private.lock_lead(business, book_appointment.lead_id);
    END IF;
    earlier_id := coalesce(earlier_id, cloudgreet_private.booking_of(business, lead, service.id, book_appointment.starts_at, book_appointment.staff_id));
    IF earlier_id IS NOT NULL THEN
        SELECT a.* INTO appointment FROM cloudgreet.appointments a WHERE a.business_id = business AND a.id = earlier_id;
    END IF;
    IF appointment.id IS NOT NULL THEN
        -- A new key stands for what it found.
        UPDATE cloudgreet_private.idempotency_keys k SET result_id = appointment.id
         WHERE k.business_id = business AND k.operation = 'book_appointment' AND k.key = book_appointment.idempotency_key AND k.result_id = new_id;
        RETURN appointment;
    END IF;

    taken := cloudgreet_private.choose_staff(service, book_appointment.starts_at, book_appointment.staff_id, owner);
    IF taken.chosen_id IS NULL THEN
        -- First whether what was asked for exists at all.
        PERFORM cloudgreet_private.require_service(business, service.id, book_appointment.staff_id),
                cloudgreet_private.refuse_start(service.id, book_appointment.starts_at, book_appointment.staff_id, taken.verdict,
                                                book_appointment.time_zone, owner, NULL);
    END IF;
    RETURN cloudgreet_private.insert_appointment(service, new_id, taken.chosen_id, lead, book_appointment.starts_at, taken.ends_at,
                                                 book_appointment.notes, book_appointment.time_zone, owner);
END
$$;
COMMENT ON FUNCTION cloudgreet.book_appointment(uuid, timestamptz, uuid, uuid, text, text, text, text, uuid) IS
    'Books a service for a lead, with the staff member or the first who is free then. The start need not be one that check_availability() offered, only free, in working hours and in time. The same idempotency_key, or the same lead, service and start, gets the same appointment. Errors: ZG401 for a time that is taken, ZG402 outside of working hours, ZG403 in the past or too soon, ZG404 too far ahead, each with the next free times in its DETAIL; ZG407 for a key used before for something else; 22004, 22023 and 23503 for parameters that are missing, bad, or name what does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet.reschedule_appointment(
    appointment_id uuid, starts_at timestamptz, staff_id uuid DEFAULT NULL, time_zone text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('reschedule_appointment', reschedule_appointment.business_id);
    wanted uuid;
    service cloudgreet.services;
    appointment cloudgreet.appointments;
    previous cloudgreet.appointments;
    taken record;
BEGIN
    IF reschedule_appointment.starts_at IS NULL THEN
        RAISE EXCEPTION 'starts_at must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    previous := cloudgreet_private.lock_appointment(business, reschedule_appointment.appointment_id);
    PERFORM cloudgreet_private.require_status_step(previous.status, 'rescheduled');
    -- Who left, or does the service no more, is no reason not to move: anybody who does it takes over.
    wanted := coalesce(reschedule_appointment.staff_id, CASE WHEN cloudgreet_private.does_service(business, previous.service_id, previous.staff_id)
                                                             THEN previous.staff_id END);
    IF previous.scheduled_date = reschedule_appointment.starts_at AND previous.staff_id = wanted THEN
        RETURN previous;
    ELSIF previous.service_id IS NULL THEN
        RAISE EXCEPTION 'the appointment has no service' USING ERRCODE = 'invalid_parameter_value', HINT = 'Cancel it and book a new one.';
    END IF;
    service := cloudgreet_private.require_service(business, previous.service_id, wanted);
    SELECT c.* INTO taken FROM cloudgreet_private.choose_staff(service, reschedule_appointment.starts_at, wanted, NULL, previous.id) c;
    IF taken.chosen_id IS NULL THEN
        PERFORM cloudgreet_private.refuse_start(service.id, reschedule_appointment.starts_at, wanted, taken.verdict,
            coalesce(reschedule_appointment.time_zone, previous.time_zone), NULL, previous.id);
    END IF;
    UPDATE cloudgreet.appointments a
       SET scheduled_date = reschedule_appointment.starts_at, ends_at = taken.ends_at, staff_id = taken.chosen_id,
           time_zone = coalesce(cloudgreet.normalize_time_zone(reschedule_appointment.time_zone), a.time_zone)
     WHERE a.business_id = business AND a.id = previous.id
    RETURNING a.* INTO appointment;
    PERFORM cloudgreet_private.record_event(business, 'appointment.rescheduled', 'appointment', appointment.id,
        jsonb_build_object('from', previous.scheduled_date, 'from_staff_id', previous.staff_id,
                           'starts_at', appointment.scheduled_date, 'staff_id', appointment.staff_id), appointment.lead_id);
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet.reschedule_appointment(uuid, timestamptz, uuid, text, uuid) IS
    'Moves an appointment, with the same staff member unless another is named, or that one left or does the service no more: then with the first who is free. Its old time is free at once; one that was confirmed is scheduled again, and the lead is asked to confirm the new time. Errors: P0002 for an appointment that does not exist, ZG406 for one that is over, ZG401 to ZG404 as of book_appointment().';

CREATE OR REPLACE FUNCTION cloudgreet.cancel_appointment(appointment_id uuid, reason text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('cancel_appointment', cancel_appointment.business_id);
    why CONSTANT text := cloudgreet_private.check_optional_text(cancel_appointment.reason, 'reason', 500, true);
    appointment cloudgreet.appointments;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    appointment := cloudgreet_private.lock_appointment(business, cancel_appointment.appointment_id);
    IF appointment.status = 'canceled' THEN
        RETURN appointment;
    END IF;
    PERFORM cloudgreet_private.require_status_step(appointment.status, 'canceled');
    UPDATE cloudgreet.appointments a SET status = 'canceled', canceled_at = cloudgreet.clock(), cancel_reason = why
     WHERE a.business_id = business AND a.id = appointment.id
    RETURNING a.* INTO appointment;
    PERFORM cloudgreet_private.record_event(business, 'appointment.canceled', 'appointment', appointment.id,
        jsonb_build_object('starts_at', appointment.scheduled_date), appointment.lead_id);
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet.cancel_appointment(uuid, text, uuid) IS
    'Cancels an appointment and frees its time; once more changes nothing. Errors: P0002 for an appointment that does not exist, ZG406 for one that took place, 22023 for a reason of over 500 characters.';

CREATE OR REPLACE FUNCTION cloudgreet.set_appointment_status(appointment_id uuid, status text, reason text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('set_appointment_status', set_appointment_status.business_id);
    appointment cloudgreet.appointments;
BEGIN
    IF set_appointment_status.status IS NULL THEN
        RAISE EXCEPTION 'status must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF set_appointment_status.status NOT IN ('scheduled', 'confirmed', 'completed', 'canceled', 'no_show') THEN
        RAISE EXCEPTION 'unknown status of an appointment' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use confirmed, completed, canceled or no_show.';
    ELSIF set_appointment_status.status = 'canceled' THEN
        RETURN cloudgreet.cancel_appointment(set_appointment_status.appointment_id, set_appointment_status.reason, business);
    END IF;
    PERFORM cloudgreet.enter_business(business);
    appointment := cloudgreet_private.lock_appointment(business, set_appointment_status.appointment_id);
    IF appointment.status = set_appointment_status.status THEN
        RETURN appointment;
    END IF;
    PERFORM cloudgreet_private.require_status_step(appointment.status, set_appointment_status.status);
    IF set_appointment_status.status IN ('completed', 'no_show') AND appointment.scheduled_date > cloudgreet.clock() THEN
        RAISE EXCEPTION 'an appointment in the future cannot become %', set_appointment_status.status USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE cloudgreet.appointments a SET status = set_appointment_status.status
     WHERE a.business_id = business AND a.id = appointment.id
    RETURNING a.* INTO appointment;
    PERFORM cloudgreet_private.record_event(business, 'appointment.' || appointment.status, 'appointment', appointment.id,
        jsonb_build_object('starts_at', appointment.scheduled_date), appointment.lead_id);
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet.set_appointment_status(uuid, text, text, uuid) IS
    'Takes an appointment forward: confirmed, then completed, no_show (both once it has begun) or canceled, which are final; the same status again changes nothing. Errors: P0002 for an appointment that does not exist, ZG406 for a step back, 22023 for a status that is none.';

REVOKE ALL ON FUNCTION cloudgreet_private.claim_key(uuid, text, text, text, uuid),
    cloudgreet_private.booking_of(uuid, uuid, uuid, timestamptz, uuid),
    cloudgreet.book_appointment(uuid, timestamptz, uuid, uuid, text, text, text, text, uuid),
    cloudgreet.reschedule_appointment(uuid, timestamptz, uuid, text, uuid),
    cloudgreet.cancel_appointment(uuid, text, uuid), cloudgreet.set_appointment_status(uuid, text, text, uuid) FROM PUBLIC;
