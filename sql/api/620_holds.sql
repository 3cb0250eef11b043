/*
 * 620_holds.sql
 *		Holds: times kept free for someone who is still deciding.
 */
CREATE OR REPLACE FUNCTION cloudgreet.hold_slot(
    service_id uuid, starts_at timestamptz, holder text, staff_id uuid DEFAULT NULL, seconds integer DEFAULT 300,
    time_zone text DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS cloudgreet.slot_hold
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('hold_slot', hold_slot.business_id);
    owner CONSTANT text := cloudgreet_private.check_text(hold_slot.holder, 'holder', 200);
    until CONSTANT timestamptz := cloudgreet.clock() + make_interval(secs => cloudgreet_private.check_range(hold_slot.seconds, 'seconds', 1, 3600));
    service cloudgreet.services;
    result cloudgreet.slot_hold;
    taken record;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    service := cloudgreet_private.require_service(business, hold_slot.service_id, hold_slot.staff_id);
    -- The same hold again lasts longer.
    UPDATE cloudgreet.appointment_allocations a SET expires_at = greatest(a.expires_at, until)
     WHERE a.business_id = business AND a.holder = owner AND a.state = 'held' AND a.expires_at > cloudgreet.clock()
       AND a.service_id = service.id AND a.starts_at = hold_slot.starts_at AND a.staff_id = coalesce(hold_slot.staff_id, a.staff_id)
    RETURNING a.id, a.starts_at, a.ends_at, a.staff_id, a.expires_at INTO result;
    IF FOUND THEN
        RETURN result;
    END IF;
    SELECT c.* INTO taken FROM cloudgreet_private.choose_staff(service, hold_slot.starts_at, hold_slot.staff_id, owner) c;
    IF taken.chosen_id IS NOT NULL THEN
        result.hold_id := cloudgreet_private.insert_allocation(service, taken.chosen_id, hold_slot.starts_at, taken.ends_at, NULL, owner, until);
    END IF;
    IF result.hold_id IS NULL THEN
        PERFORM cloudgreet_private.refuse_start(service.id, hold_slot.starts_at, hold_slot.staff_id, nullif(taken.verdict, 'free'),
                                                hold_slot.time_zone, owner, NULL);
    END IF;
    RETURN (result.hold_id, hold_slot.starts_at, taken.ends_at, taken.chosen_id, until)::cloudgreet.slot_hold;
END
$$;
COMMENT ON FUNCTION cloudgreet.hold_slot(uuid, timestamptz, text, uuid, integer, text, uuid) IS
    'Keeps a time free for a holder (a call, a visitor) for so many seconds (1 to 3600): of the staff member, or of the first who is free. Asked for again, the same hold lasts longer. confirm_hold() makes an appointment of it; a booking by the holder takes its place. Errors: as book_appointment().';

CREATE OR REPLACE FUNCTION cloudgreet.confirm_hold(
    hold_id uuid, lead_id uuid, notes text DEFAULT NULL, time_zone text DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS cloudgreet.appointments
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('confirm_hold', confirm_hold.business_id);
    hold cloudgreet.appointment_allocations;
    service cloudgreet.services;
    appointment cloudgreet.appointments;
    lead uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_booking_lead(business, confirm_hold.lead_id);
    lead := cloudgreet_private.lock_lead(business, confirm_hold.lead_id);
    SELECT a.* INTO hold FROM cloudgreet.appointment_allocations a WHERE a.business_id = business AND a.id = confirm_hold.hold_id;
    IF hold.id IS NULL OR hold.holder IS NULL THEN
        RAISE EXCEPTION 'hold "%" does not exist', confirm_hold.hold_id USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM cloudgreet_private.lock_staff(business, hold.staff_id);
    SELECT a.* INTO hold FROM cloudgreet.appointment_allocations a WHERE a.business_id = business AND a.id = hold.id FOR UPDATE;
    IF hold.appointment_id IS NOT NULL THEN
        SELECT p.* INTO appointment FROM cloudgreet.appointments p
         WHERE p.business_id = business AND p.id = hold.appointment_id AND p.lead_id = lead;
        IF FOUND THEN
            RETURN appointment;
        END IF;
    END IF;
    IF hold.state <> 'held' OR hold.expires_at <= cloudgreet.clock() THEN
        RAISE EXCEPTION 'the hold has ended' USING ERRCODE = 'ZG405', HINT = 'Hold or book the time again, if it is free.';
    END IF;
    -- Nobody else takes the time meanwhile: the staff member is locked.
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL WHERE a.business_id = business AND a.id = hold.id;
    SELECT s.* INTO service FROM cloudgreet.services s WHERE s.business_id = business AND s.id = hold.service_id;
    appointment := cloudgreet_private.insert_appointment(service, cloudgreet.uuid_v7(), hold.staff_id,
        lead, hold.starts_at, hold.ends_at, confirm_hold.notes, confirm_hold.time_zone);
    UPDATE cloudgreet.appointment_allocations a SET appointment_id = appointment.id WHERE a.business_id = business AND a.id = hold.id;
    RETURN appointment;
END
$$;
COMMENT ON FUNCTION cloudgreet.confirm_hold(uuid, uuid, text, text, uuid) IS
    'Makes an appointment of a hold; the same one when it was made already for this lead. Errors: P0002 for a hold that does not exist, ZG405 for one that has ended, 23503 for a lead that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet.release_hold(hold_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('release_hold', release_hold.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
     WHERE a.business_id = business AND a.id = release_hold.hold_id AND a.state = 'held';
END
$$;
COMMENT ON FUNCTION cloudgreet.release_hold(uuid, uuid) IS
    'Gives a held time free before it expires; nothing happens when it is not held any more.';

REVOKE ALL ON FUNCTION cloudgreet.hold_slot(uuid, timestamptz, text, uuid, integer, text, uuid),
    cloudgreet.confirm_hold(uuid, uuid, text, text, uuid), cloudgreet.release_hold(uuid, uuid) FROM PUBLIC;
