/*
 * 610_take_time.sql
 *		How time is taken of staff: the one way, of bookings, moves, holds and imports.
 *
 * A trigger of appointments keeps their allocations, so that a row takes its time however
 * it is written; a function that books only chooses whose time it is, and writes the row.
 * Who takes time of a staff member holds the member's row to the end of the transaction,
 * and judges the time again under it; the exclusion constraint is met by ON CONFLICT DO
 * NOTHING.  So nobody waits in a circle, and nobody but the winner writes.
 *
 * Locks:		in this order: an idempotency key, the appointment's row, the lead's
 *				(lock_lead), staff members' by id (lock_staff).  A synchronization of
 *				calendars takes the last too, a merge of leads the last but one.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.lock_staff(business_id uuid, staff_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A row lock, for a key of an advisory lock can be taken by any login. References to the row do not wait.
    PERFORM FROM cloudgreet.staff s
      WHERE s.business_id = lock_staff.business_id AND s.id = lock_staff.staff_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_staff(uuid, uuid) IS
    'Makes the rest of the transaction the only one that takes or gives time of the staff member.';

-- Gives up what no longer counts, so that the constraint does not either.
CREATE OR REPLACE FUNCTION cloudgreet_private.release_stale_holds(
    business_id uuid, staff_id uuid, blocks tstzrange, holder text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
     WHERE a.business_id = release_stale_holds.business_id AND a.staff_id = release_stale_holds.staff_id AND a.state = 'held'
       AND a.starts_at > lower(release_stale_holds.blocks) - interval '9 days'
       AND a.starts_at < upper(release_stale_holds.blocks) + interval '1 day'
       AND a.blocks && release_stale_holds.blocks
       AND (a.expires_at <= cloudgreet.clock() OR a.holder = release_stale_holds.holder);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_stale_holds(uuid, uuid, tstzrange, text) IS
    'Releases holds over a time that have expired, or are the holder''s own.';

CREATE OR REPLACE FUNCTION cloudgreet_private.insert_allocation(
    service cloudgreet.services, staff_id uuid, starts_at timestamptz, ends_at timestamptz, appointment_id uuid,
    holder text DEFAULT NULL, expires_at timestamptz DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    taken CONSTANT tstzrange := tstzrange(starts_at - make_interval(mins => coalesce(service.buffer_before_minutes, 0)),
                                          ends_at + make_interval(mins => coalesce(service.buffer_after_minutes, 0)));
    new_id uuid;
BEGIN
    PERFORM cloudgreet_private.release_stale_holds(service.business_id, insert_allocation.staff_id, taken, insert_allocation.holder);
    -- Seats are shared by parties of one service that begin together, by nobody else.
    IF EXISTS (
        SELECT FROM cloudgreet.appointment_allocations a
         WHERE a.business_id = service.business_id AND a.staff_id = insert_allocation.staff_id AND a.state IN ('held', 'booked') AND a.blocks && taken
           AND (a.service_id IS DISTINCT FROM service.id OR a.starts_at <> insert_allocation.starts_at)) THEN
        RETURN NULL;
    END IF;
    FOR seat IN 1 .. coalesce(service.seats, 1) LOOP
        INSERT INTO cloudgreet.appointment_allocations AS a
            (business_id, appointment_id, service_id, staff_id, lane, starts_at, ends_at, blocks, state, holder, expires_at)
        VALUES (service.business_id, insert_allocation.appointment_id, service.id, insert_allocation.staff_id, seat, insert_allocation.starts_at,
                insert_allocation.ends_at, taken, CASE WHEN insert_allocation.expires_at IS NULL THEN 'booked' ELSE 'held' END,
                insert_allocation.holder, insert_allocation.expires_at)
        ON CONFLICT DO NOTHING
        RETURNING a.id INTO new_id;
        EXIT WHEN new_id IS NOT NULL;
    END LOOP;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.insert_allocation(cloudgreet.services, uuid, timestamptz, timestamptz, uuid, text, timestamptz) IS
    'Writes the time taken, in the first free seat, as booked or, with an end, held; NULL when there is none. The caller holds lock_staff().';

CREATE OR REPLACE FUNCTION cloudgreet_private.choose_staff(
    service cloudgreet.services, starts_at timestamptz, staff_id uuid, holder text, ignored_appointment_id uuid DEFAULT NULL,
    OUT chosen_id uuid, OUT ends_at timestamptz, OUT verdict text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    candidate record;
    again text;
BEGIN
    -- Whose time it is to be is known: it is judged once, under the lock.
    IF choose_staff.staff_id IS NOT NULL THEN
        PERFORM cloudgreet_private.lock_staff(service.business_id, choose_staff.staff_id);
    END IF;
    FOR candidate IN
        SELECT j.* FROM cloudgreet.judge_slot(service.id, choose_staff.starts_at, choose_staff.staff_id, choose_staff.holder,
                                              choose_staff.ignored_appointment_id) j ORDER BY j.staff_id_judged
    LOOP
        -- "taken" says more than what is wrong with the others' time.
        IF candidate.verdict <> 'free' THEN
            verdict := CASE WHEN verdict = 'taken' THEN verdict ELSE candidate.verdict END;
            CONTINUE;
        END IF;
        verdict := 'free';
        IF choose_staff.staff_id IS NULL THEN
            PERFORM cloudgreet_private.lock_staff(service.business_id, candidate.staff_id_judged);
            SELECT j.verdict INTO again FROM cloudgreet.judge_slot(
                service.id, choose_staff.starts_at, candidate.staff_id_judged, choose_staff.holder, choose_staff.ignored_appointment_id) j;
            verdict := coalesce(again, 'taken');
            CONTINUE WHEN again IS DISTINCT FROM 'free';
        END IF;
        chosen_id := candidate.staff_id_judged;
        ends_at := candidate.ends_at;
        -- The holder's own hold makes room for what the holder takes now.
        PERFORM cloudgreet_private.release_stale_holds(service.business_id, chosen_id,
            tstzrange(choose_staff.starts_at - make_interval(mins => service.buffer_before_minutes),
                      ends_at + make_interval(mins => service.buffer_after_minutes)), choose_staff.holder);
        RETURN;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.choose_staff(cloudgreet.services, timestamptz, uuid, text, uuid) IS
    'The staff member, or the first of all, who is free for a start, locked to the end of the transaction. The verdict is free, or why nobody is (NULL: nobody does the service).';

CREATE OR REPLACE FUNCTION cloudgreet_private.allocate_appointment(appointment cloudgreet.appointments) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    service cloudgreet.services;
BEGIN
    SELECT s.* INTO service FROM cloudgreet.services s
     WHERE s.business_id = appointment.business_id AND s.id = appointment.service_id;
    service.business_id := appointment.business_id;
    IF cloudgreet_private.insert_allocation(service, appointment.staff_id, appointment.scheduled_date, appointment.ends_at, appointment.id) IS NOT NULL THEN
        RETURN;
    ELSIF service.is_active THEN
        PERFORM cloudgreet_private.refuse_start(service.id, appointment.scheduled_date, NULL, 'taken', appointment.time_zone, NULL, NULL);
    END IF;
    RAISE EXCEPTION 'this time is taken' USING ERRCODE = 'ZG401';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.allocate_appointment(cloudgreet.appointments) IS
    'Takes the time of an appointment with a staff member. Error ZG401 when it is taken.';

CREATE OR REPLACE FUNCTION cloudgreet_private.keep_allocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changes cloudgreet.appointments[];
    business uuid;
BEGIN
    -- What took place keeps the time that it had; imports of the past take none.
    IF tg_op = 'INSERT' THEN
        changes := ARRAY(SELECT n FROM changed_to n WHERE n.status IN ('held', 'scheduled', 'confirmed') ORDER BY n.business_id, n.staff_id, n.scheduled_date);
    ELSE
        changes := ARRAY(
            SELECT n FROM changed_to n JOIN changed_from o ON o.business_id = n.business_id AND o.id = n.id
             WHERE n.status NOT IN ('completed', 'no_show')
               AND ((n.status = 'canceled') <> (o.status = 'canceled') OR o.status IN ('completed', 'no_show') AND n.status <> 'canceled'
                    OR n.status <> 'canceled' AND (n.scheduled_date, n.ends_at, n.staff_id, n.service_id)
                                IS DISTINCT FROM (o.scheduled_date, o.ends_at, o.staff_id, o.service_id))
             ORDER BY n.business_id, n.staff_id, n.scheduled_date);
    END IF;
    FOR business IN SELECT DISTINCT c.business_id FROM unnest(changes) c ORDER BY 1 LOOP
        PERFORM cloudgreet.enter_business(business);
        PERFORM cloudgreet_private.lock_staff(business, s.staff_id)
           FROM (SELECT DISTINCT c.staff_id FROM unnest(changes) c
                  WHERE c.business_id = business AND c.staff_id IS NOT NULL AND c.status <> 'canceled' ORDER BY c.staff_id) s;
        -- All that is given up first: two may change places in one statement.
        UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
          FROM unnest(changes) c
         WHERE tg_op = 'UPDATE' AND a.business_id = business AND c.business_id = business AND a.appointment_id = c.id AND a.state <> 'released';
        PERFORM cloudgreet_private.allocate_appointment(c)
           FROM unnest(changes) c WHERE c.business_id = business AND c.staff_id IS NOT NULL AND c.status <> 'canceled';
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_allocations() IS
    'Trigger of appointments: takes the time of what is written, gives back that of what was moved or canceled. One without a staff member takes nobody''s. Error ZG401 when a time is taken.';
CREATE OR REPLACE TRIGGER appointments_allocate_new AFTER INSERT ON cloudgreet.appointments
    REFERENCING NEW TABLE AS changed_to FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.keep_allocations();
CREATE OR REPLACE TRIGGER appointments_allocate_changed AFTER UPDATE ON cloudgreet.appointments
    REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.keep_allocations();

REVOKE ALL ON FUNCTION cloudgreet_private.lock_staff(uuid, uuid),
    cloudgreet_private.release_stale_holds(uuid, uuid, tstzrange, text),
    cloudgreet_private.insert_allocation(cloudgreet.services, uuid, timestamptz, timestamptz, uuid, text, timestamptz),
    cloudgreet_private.choose_staff(cloudgreet.services, timestamptz, uuid, text, uuid),
    cloudgreet_private.allocate_appointment(cloudgreet.appointments), cloudgreet_private.keep_allocations() FROM PUBLIC;
