/*
 * 610_take_time.sql
 *		How time is taken of staff: the one way, of bookings, moves, holds and imports.
 *
 * The functions that book write an appointment and its allocation; of rows that other roles
 * insert, and of whatever is changed, a trigger of appointments keeps the allocations, so
 * that a row takes its time however it is written.  Only who becomes cloudgreet_owner to
 * insert one must write its allocation too.  Who takes time of a staff member
 * holds the member's row to the end of the transaction, and judges the time under it; who
 * does not get it lets the row go before it looks for another time.  The exclusion
 * constraint is met by ON CONFLICT DO NOTHING.  So nobody waits in a circle, and nobody
 * but the winner writes.  Shown by test/t/151_booking_races.pl and the specs booking_race
 * and allocation_race.
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
    -- Holds that expired, and the holder's own, make room.
    UPDATE cloudgreet.appointment_allocations a SET state = 'released', expires_at = NULL
     WHERE a.business_id = service.business_id AND a.staff_id = insert_allocation.staff_id AND a.state = 'held'
       AND a.starts_at > lower(taken) - interval '9 days' AND a.starts_at < upper(taken) + interval '1 day' AND a.blocks && taken
       AND (a.expires_at <= cloudgreet.clock() OR a.holder = insert_allocation.holder);
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
DROP FUNCTION IF EXISTS cloudgreet_private.release_stale_holds(uuid, uuid, tstzrange, text);

CREATE OR REPLACE FUNCTION cloudgreet_private.judge_locked(
    service cloudgreet.services, starts_at timestamptz, staff_id uuid, holder text, ignored_appointment_id uuid,
    OUT ends_at timestamptz, OUT verdict text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    is_locked boolean;
BEGIN
    FOR attempt IN 1 .. 2 LOOP
        BEGIN
            IF attempt = 1 THEN
                PERFORM FROM cloudgreet.staff s
                  WHERE s.business_id = service.business_id AND s.id = judge_locked.staff_id FOR NO KEY UPDATE SKIP LOCKED;
            ELSE
                PERFORM FROM cloudgreet.staff s
                  WHERE s.business_id = service.business_id AND s.id = judge_locked.staff_id FOR NO KEY UPDATE;
            END IF;
            is_locked := FOUND;
            IF NOT is_locked THEN
                -- Whoever waits so is let go with all others at once when the holder ends, not one after another.
                PERFORM FROM cloudgreet.staff s WHERE s.business_id = service.business_id AND s.id = judge_locked.staff_id FOR SHARE;
                RAISE EXCEPTION 'not locked' USING ERRCODE = 'ZG401';
            END IF;
            SELECT j.ends_at, j.verdict INTO judge_locked.ends_at, verdict
              FROM cloudgreet.judge_slot(service.id, judge_locked.starts_at, judge_locked.staff_id, judge_locked.holder, judge_locked.ignored_appointment_id) j;
            IF verdict = 'free' THEN
                RETURN;
            END IF;
            RAISE EXCEPTION 'not free' USING ERRCODE = 'ZG401';
        EXCEPTION WHEN SQLSTATE 'ZG401' THEN
            -- The lock is given back with the block: who does not get the time makes nobody wait for what it does next.
            NULL;
        END;
        EXIT WHEN is_locked;
        -- Only for what looks free is it worth to stand in line, and to be judged again.
        SELECT j.verdict INTO verdict
          FROM cloudgreet.judge_slot(service.id, judge_locked.starts_at, judge_locked.staff_id, judge_locked.holder, judge_locked.ignored_appointment_id) j;
        EXIT WHEN verdict IS DISTINCT FROM 'free';
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.judge_locked(cloudgreet.services, timestamptz, uuid, text, uuid) IS
    'Judges a start under lock_staff(), which is kept only when it is free. The verdict is NULL when the staff member does not do the service.';

CREATE OR REPLACE FUNCTION cloudgreet_private.choose_staff(
    service cloudgreet.services, starts_at timestamptz, staff_id uuid, holder text, ignored_appointment_id uuid DEFAULT NULL,
    OUT chosen_id uuid, OUT ends_at timestamptz, OUT verdict text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    candidate record;
    judged record;
BEGIN
    -- Whose time it is to be is known: it is judged once.
    IF choose_staff.staff_id IS NOT NULL THEN
        judged := cloudgreet_private.judge_locked(service, choose_staff.starts_at, choose_staff.staff_id, choose_staff.holder, choose_staff.ignored_appointment_id);
        verdict := judged.verdict;
        IF verdict = 'free' THEN
            chosen_id := choose_staff.staff_id;
            ends_at := judged.ends_at;
        END IF;
        RETURN;
    END IF;
    FOR candidate IN
        SELECT j.* FROM cloudgreet.judge_slot(service.id, choose_staff.starts_at, NULL, choose_staff.holder,
                                              choose_staff.ignored_appointment_id) j ORDER BY j.staff_id_judged
    LOOP
        -- "taken" says more than what is wrong with the others' time.
        IF candidate.verdict <> 'free' THEN
            verdict := CASE WHEN verdict = 'taken' THEN verdict ELSE candidate.verdict END;
            CONTINUE;
        END IF;
        judged := cloudgreet_private.judge_locked(service, choose_staff.starts_at, candidate.staff_id_judged, choose_staff.holder, choose_staff.ignored_appointment_id);
        verdict := coalesce(judged.verdict, 'taken');
        IF verdict = 'free' THEN
            chosen_id := candidate.staff_id_judged;
            ends_at := judged.ends_at;
            RETURN;
        END IF;
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
-- insert_appointment() takes the time itself.
CREATE OR REPLACE TRIGGER appointments_allocate_new AFTER INSERT ON cloudgreet.appointments
    REFERENCING NEW TABLE AS changed_to FOR EACH STATEMENT WHEN (current_user <> 'cloudgreet_owner') EXECUTE FUNCTION cloudgreet_private.keep_allocations();
CREATE OR REPLACE TRIGGER appointments_allocate_changed AFTER UPDATE ON cloudgreet.appointments
    REFERENCING OLD TABLE AS changed_from NEW TABLE AS changed_to FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.keep_allocations();

REVOKE ALL ON FUNCTION cloudgreet_private.lock_staff(uuid, uuid),
    cloudgreet_private.insert_allocation(cloudgreet.services, uuid, timestamptz, timestamptz, uuid, text, timestamptz),
    cloudgreet_private.judge_locked(cloudgreet.services, timestamptz, uuid, text, uuid),
    cloudgreet_private.choose_staff(cloudgreet.services, timestamptz, uuid, text, uuid),
    cloudgreet_private.allocate_appointment(cloudgreet.appointments), cloudgreet_private.keep_allocations() FROM PUBLIC;
