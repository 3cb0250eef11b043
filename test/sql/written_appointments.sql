/*
 * written_appointments.sql
 *		Appointments that are written past the functions: they take their time, or are
 *		refused; who confirmed one time is asked again for another; staff who left.
 */
\set ECHO none
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
\pset footer off
\pset null (none)
SET timezone = 'UTC';
SELECT cloudgreet.create_business('Harbor Roofing', 'UTC') AS b \gset
SELECT set_config('test.b', :'b', false) AS f, cloudgreet.add_phone_number('+12125550700', business_id => :'b') AS g,
       cloudgreet.create_service('Inspection', 60, buffer_after_minutes => 15, business_id => :'b') AS visit,
       cloudgreet.create_service('Course', 60, seats => 2, business_id => :'b') AS course \gset
SELECT cloudgreet.add_staff('Bob', business_id => :'b') AS bob, cloudgreet.add_staff('Eve', business_id => :'b') AS eve \gset
INSERT INTO cloudgreet.provider_accounts (business_id, provider, name) VALUES (:'b', 'telnyx', 'main');
INSERT INTO cloudgreet.leads (business_id, id, phone, name)
SELECT :'b', ('bbbbbbbb-0000-7000-8000-00000000010' || n)::uuid, '+1212555012' || n, 'Lead ' || n FROM generate_series(1, 5) n;
CREATE FUNCTION public.l(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('bbbbbbbb-0000-7000-8000-00000000010' || n)::uuid $$;
CREATE FUNCTION public.texts() RETURNS SETOF text LANGUAGE sql AS
$$ SELECT m.status || ': ' || m.content FROM cloudgreet.sms_messages m WHERE m.business_id = current_setting('test.b')::uuid ORDER BY m.id $$;
CREATE FUNCTION public.times() RETURNS TABLE (starts text, status text, staff text, takes text) LANGUAGE sql AS
$$
    SELECT to_char(a.scheduled_date, 'DD HH24:MI'), a.status, s.name,
           (SELECT string_agg(to_char(lower(l.blocks), 'DD HH24:MI') || '-' || to_char(upper(l.blocks), 'HH24:MI') || ' ' || t.name || ' ' || l.lane, ', ' ORDER BY l.id)
              FROM cloudgreet.appointment_allocations l JOIN cloudgreet.staff t ON t.id = l.staff_id WHERE l.appointment_id = a.id AND l.state = 'booked')
      FROM cloudgreet.appointments a LEFT JOIN cloudgreet.staff s ON s.id = a.staff_id WHERE a.business_id = current_setting('test.b')::uuid ORDER BY a.scheduled_date, a.id;
$$;
CREATE FUNCTION public.import(n int, service uuid, staff uuid, starts timestamptz, status text DEFAULT 'scheduled') RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO cloudgreet.appointments (business_id, lead_id, service_id, staff_id, scheduled_date, ends_at, time_zone, status)
    VALUES (current_setting('test.b')::uuid, public.l(n), service, staff, starts, starts + interval '1 hour', 'UTC', status);
    RETURN 'written';
EXCEPTION WHEN SQLSTATE 'ZG401' THEN
    RETURN 'ZG401: ' || SQLERRM;
END
$$;
GRANT EXECUTE ON FUNCTION public.import(int, uuid, uuid, timestamptz, text), public.l(int) TO service_role;
\set ECHO all

-- A row of service_role takes its time, with the service's buffers; the same time is refused, and nobody is told.
SET ROLE service_role;
SELECT public.import(1, :'visit', :'bob', '2026-06-10 09:00Z'), public.import(2, :'visit', :'bob', '2026-06-10 10:00Z'), public.import(2, :'visit', :'bob', '2026-06-10 10:15Z'),
       public.import(2, NULL, :'bob', '2026-06-10 09:30Z'), public.import(3, NULL, NULL, '2026-06-10 09:30Z'), public.import(3, :'visit', :'bob', '2026-06-10 09:00Z', 'canceled');
-- Seats: two parties of one beginning, nobody else. What is over takes none.
SELECT public.import(1, :'course', :'eve', '2026-06-10 09:00Z'), public.import(2, :'course', :'eve', '2026-06-10 09:00Z'), public.import(3, :'course', :'eve', '2026-06-10 09:00Z'),
       public.import(3, :'course', :'eve', '2026-06-10 09:30Z'), public.import(4, :'visit', :'eve', '2026-06-01 09:00Z', 'completed'), public.import(5, :'visit', :'eve', '2026-06-01 09:00Z', 'no_show');
RESET ROLE;
SELECT * FROM public.times();
SELECT count(*) FROM public.texts();
SELECT e.event_type, count(*) FROM cloudgreet.events e WHERE e.business_id = :'b' AND e.subject_type = 'appointment' GROUP BY 1;
-- One that is ahead is reminded of, one of the past is not.
SELECT to_char(a.scheduled_date, 'DD HH24:MI'), r.type FROM cloudgreet.appointment_reminders r JOIN cloudgreet.appointments a ON a.id = r.appointment_id
 WHERE a.business_id = :'b' AND a.staff_id = :'bob' ORDER BY a.scheduled_date, r.due_at;
-- A function is refused the time that an import took, and an import that of a function.
\set VERBOSITY sqlstate
SELECT cloudgreet.book_appointment(:'visit', '2026-06-10 09:00Z', public.l(3), :'bob', business_id => :'b');
\set VERBOSITY default
SELECT status FROM cloudgreet.book_appointment(:'visit', '2026-06-11 09:00Z', public.l(3), :'bob', business_id => :'b');
SELECT public.import(4, :'visit', :'bob', '2026-06-11 09:00Z');

-- A change of many rows at once gives and takes; two change places.
UPDATE cloudgreet.appointments SET scheduled_date = scheduled_date + interval '1 hour', ends_at = ends_at + interval '1 hour' WHERE business_id = :'b' AND scheduled_date >= '2026-06-10' AND scheduled_date < '2026-06-11';
UPDATE cloudgreet.appointments SET staff_id = CASE staff_id WHEN :'bob' THEN :'eve'::uuid ELSE :'bob' END WHERE business_id = :'b' AND staff_id IS NOT NULL AND scheduled_date >= '2026-06-10' AND scheduled_date < '2026-06-11';
SELECT * FROM public.times() WHERE starts LIKE '10%';
-- Canceled gives back, un-canceled takes again or is refused; deleted leaves nothing.
UPDATE cloudgreet.appointments SET status = 'canceled' WHERE business_id = :'b' AND service_id = :'course' AND lead_id = public.l(1);
SELECT public.import(5, :'visit', :'bob', '2026-06-10 10:00Z'), public.import(5, :'course', :'bob', '2026-06-10 10:00Z');
\set VERBOSITY sqlstate
UPDATE cloudgreet.appointments SET status = 'scheduled' WHERE business_id = :'b' AND service_id = :'course' AND lead_id = public.l(1);
UPDATE cloudgreet.appointments SET scheduled_date = '2026-06-11 09:30Z', ends_at = '2026-06-11 10:30Z', staff_id = :'bob' WHERE business_id = :'b' AND service_id = :'course' AND lead_id = public.l(2);
\set VERBOSITY default
DELETE FROM cloudgreet.appointments WHERE business_id = :'b' AND scheduled_date < '2026-06-11';
SELECT (SELECT count(*) FROM cloudgreet.appointment_allocations l WHERE l.business_id = :'b' AND l.state = 'booked') AS taken,
       (SELECT count(*) FROM cloudgreet_private.due_work w WHERE w.business_id = :'b') AS due;

-- Who confirmed a time did not confirm another, however it is moved, and is asked.
SELECT a.id AS moved FROM cloudgreet.appointments a WHERE a.business_id = :'b' \gset
DELETE FROM cloudgreet_private.outbox WHERE business_id = :'b';
DELETE FROM cloudgreet.sms_messages WHERE business_id = :'b';
SELECT status FROM cloudgreet.set_appointment_status(:'moved', 'confirmed', business_id => :'b');
SELECT status FROM cloudgreet.reschedule_appointment(:'moved', '2026-06-12 10:00Z', business_id => :'b');
SELECT status FROM cloudgreet.set_appointment_status(:'moved', 'confirmed', business_id => :'b');
UPDATE cloudgreet.appointments SET scheduled_date = '2026-06-12 12:00Z', ends_at = '2026-06-12 13:00Z' WHERE id = :'moved' RETURNING status;
SELECT * FROM public.texts();
SELECT to_char(r.due_at, 'DD HH24:MI'), r.status FROM cloudgreet.appointment_reminders r WHERE r.appointment_id = :'moved' ORDER BY r.due_at;
-- Another's name at the same time is confirmed still.
SELECT status FROM cloudgreet.set_appointment_status(:'moved', 'confirmed', business_id => :'b');
SELECT status, staff_id = :'eve' AS with_eve FROM cloudgreet.reschedule_appointment(:'moved', '2026-06-12 12:00Z', :'eve', business_id => :'b');

-- Whom one booked with has left, then does it no more: another takes over. One who is there stays, if others are free or not.
UPDATE cloudgreet.staff SET is_active = false WHERE id = :'eve';
SELECT staff_id = :'bob' AS with_bob FROM cloudgreet.reschedule_appointment(:'moved', '2026-06-12 14:00Z', business_id => :'b');
UPDATE cloudgreet.staff SET is_active = true WHERE id = :'eve';
INSERT INTO cloudgreet.service_staff (business_id, service_id, staff_id) VALUES (:'b', :'visit', :'eve');
SELECT staff_id = :'eve' AS with_eve FROM cloudgreet.reschedule_appointment(:'moved', '2026-06-12 15:00Z', business_id => :'b');
SELECT * FROM public.times();
\set ECHO none
-- Other tests count what is due.
DELETE FROM cloudgreet_private.due_work WHERE business_id = :'b';
DROP FUNCTION public.l(int), public.texts(), public.times(), public.import(int, uuid, uuid, timestamptz, text);
