/*
 * 610_take_time.sql
 *		How time is taken of staff: the one way, of bookings, moves and holds.
 *
 * Who takes time of a staff member holds an advisory lock of theirs to the end of the
 * transaction, and judges the time again under it; the exclusion constraint is met by
 * ON CONFLICT DO NOTHING.  So nobody waits in a circle, and nobody but the winner
 * writes.  Locks are taken in this order: an idempotency key, the appointment's row,
 * the lead's, staff members' by id.  A synchronization of calendars takes the last too.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.lock_staff_time(business_id uuid, staff_id uuid) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT pg_advisory_xact_lock(hashtextextended('cloudgreet staff ' || lock_staff_time.business_id || lock_staff_time.staff_id, 0));
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_staff_time(uuid, uuid) IS
    'Makes the rest of the transaction the only one that takes or gives time of the staff member.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_lead_bookings(business_id uuid, lead_id uuid) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT pg_advisory_xact_lock(hashtextextended('cloudgreet lead ' || lock_lead_bookings.business_id || lock_lead_bookings.lead_id, 0));
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_lead_bookings(uuid, uuid) IS
    'Makes the rest of the transaction the only one that books for the lead, so that a request sent twice is seen as one.';

-- Gives up what no longer counts, so that the constraint does not either.
CREATE OR REPLACE FUNCTION cloudgreet_private.release_stale_holds(
    business_id uuid, staff_id uuid, blocks tstzrange, holder text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
     WHERE a.business_id = release_stale_holds.business_id AND a.staff_id = release_stale_holds.staff_id AND a.state = 'held'
       AND a.starts_at > lower(release_stale_holds.blocks) - interval '9 days'
       AND a.starts_at < upper(release_stale_holds.blocks) + interval '1 day'
       AND a.blocks && release_stale_holds.blocks
       AND (a.expires_at <= cloudgreet.clock() OR a.holder = release_stale_holds.holder);
$$;
COMMENT ON FUNCTION cloudgreet_private.release_stale_holds(uuid, uuid, tstzrange, text) IS
    'Releases holds over a time that have expired, or are the holder''s own.';

CREATE OR REPLACE FUNCTION cloudgreet_private.insert_allocation(
    service cloudgreet.services, staff_id uuid, starts_at timestamptz, holder text, ignored_appointment_id uuid,
    appointment_id uuid, expires_at timestamptz)
    RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := service.business_id;
    ends CONSTANT timestamptz := starts_at + make_interval(mins => service.duration_minutes);
    taken CONSTANT tstzrange := tstzrange(starts_at - make_interval(mins => service.buffer_before_minutes),
                                          ends + make_interval(mins => service.buffer_after_minutes));
    new_id uuid;
BEGIN
    PERFORM cloudgreet_private.release_stale_holds(business, insert_allocation.staff_id, taken, insert_allocation.holder);
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
     WHERE a.business_id = business AND a.appointment_id = insert_allocation.ignored_appointment_id AND a.state <> 'released';
    FOR seat IN 1 .. service.seats LOOP
        INSERT INTO cloudgreet.appointment_allocations AS a
            (business_id, appointment_id, service_id, staff_id, lane, starts_at, ends_at, blocks, state, holder, expires_at)
        VALUES (business, insert_allocation.appointment_id, service.id, insert_allocation.staff_id, seat, insert_allocation.starts_at, ends, taken,
                CASE WHEN insert_allocation.expires_at IS NULL THEN 'booked' ELSE 'held' END,
                insert_allocation.holder, insert_allocation.expires_at)
        ON CONFLICT DO NOTHING
        RETURNING a.id INTO new_id;
        EXIT WHEN new_id IS NOT NULL;
    END LOOP;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.insert_allocation(cloudgreet.services, uuid, timestamptz, text, uuid, uuid, timestamptz) IS
    'Writes the time taken, in the first free seat, as booked or, with an end, held; NULL when there is none. For take_time().';

CREATE OR REPLACE FUNCTION cloudgreet_private.take_time(
    service cloudgreet.services, starts_at timestamptz, staff_id uuid, holder text,
    booking cloudgreet.appointments, expires_at timestamptz, ignored_appointment_id uuid DEFAULT NULL,
    OUT allocation_id uuid, OUT taken_staff_id uuid, OUT ends_at timestamptz, OUT verdict text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    candidate record;
    again text;
BEGIN
    FOR candidate IN
        SELECT j.* FROM cloudgreet.judge_slot(service.id, take_time.starts_at, take_time.staff_id, take_time.holder,
                                              take_time.ignored_appointment_id) j ORDER BY j.staff_id_judged
    LOOP
        -- "taken" says more than what is wrong with the others' time.
        IF candidate.verdict <> 'free' THEN
            verdict := CASE WHEN verdict = 'taken' THEN verdict ELSE candidate.verdict END;
            CONTINUE;
        END IF;
        PERFORM cloudgreet_private.lock_staff_time(service.business_id, candidate.staff_id_judged);
        SELECT j.verdict INTO again FROM cloudgreet.judge_slot(
            service.id, take_time.starts_at, candidate.staff_id_judged, take_time.holder, take_time.ignored_appointment_id) j;
        verdict := coalesce(again, 'taken');
        CONTINUE WHEN again IS DISTINCT FROM 'free';
        taken_staff_id := candidate.staff_id_judged;
        ends_at := candidate.ends_at;
        IF take_time.booking.id IS DISTINCT FROM take_time.ignored_appointment_id THEN
            PERFORM cloudgreet_private.insert_appointment(service.business_id, take_time.booking.id, service.id, taken_staff_id,
                take_time.booking.lead_id, take_time.starts_at, ends_at, take_time.booking.notes, take_time.booking.time_zone);
        END IF;
        allocation_id := cloudgreet_private.insert_allocation(
            service, taken_staff_id, take_time.starts_at, take_time.holder, take_time.ignored_appointment_id,
            take_time.booking.id, take_time.expires_at);
        -- Without a row somebody wrote past these functions; the caller's error undoes the rest.
        verdict := CASE WHEN allocation_id IS NULL THEN 'taken' ELSE 'free' END;
        RETURN;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.take_time(cloudgreet.services, timestamptz, uuid, text, cloudgreet.appointments, timestamptz, uuid) IS
    'Takes the time of the staff member, or of the first who is free, for a booking, which is written too, or until an instant for a hold. The verdict is free, or why nobody could (NULL: nobody does the service); the caller must raise an error then. An appointment that is moved is the booking and the one ignored; its old time is given up.';

REVOKE ALL ON FUNCTION cloudgreet_private.lock_staff_time(uuid, uuid), cloudgreet_private.lock_lead_bookings(uuid, uuid),
    cloudgreet_private.release_stale_holds(uuid, uuid, tstzrange, text),
    cloudgreet_private.insert_allocation(cloudgreet.services, uuid, timestamptz, text, uuid, uuid, timestamptz),
    cloudgreet_private.take_time(cloudgreet.services, timestamptz, uuid, text, cloudgreet.appointments, timestamptz, uuid) FROM PUBLIC;
