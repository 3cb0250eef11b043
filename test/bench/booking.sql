/*
 * booking.sql
 *		What test/bench/booking.sh books: 40 businesses of ten staff members and 500 leads, and
 *		a function that writes what a booking writes, with the same locks and no questions.
 */
CREATE TABLE public.shops AS
SELECT cloudgreet.create_business('Business ' || n, 'UTC') AS business_id, n FROM generate_series(1, 40) n;
UPDATE cloudgreet.businesses SET settings = settings || '{"booking_horizon_days": 3650}';
SELECT cloudgreet.set_secret('telnyx', 'x', business_id), cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => business_id),
       cloudgreet.add_phone_number('+1212555' || to_char(n, 'FM0000'), business_id => business_id) FROM public.shops;
CREATE TABLE public.services AS SELECT cloudgreet.create_service('Cleaning', 30, business_id => business_id) AS service, n FROM public.shops;
CREATE TABLE public.people AS
SELECT (s.n - 1) * 10 + k AS n, s.n AS business_n, s.business_id, v.service, cloudgreet.add_staff('Dana ' || k, business_id => s.business_id) AS staff,
       format('public.slots_%s', (s.n - 1) * 10 + k) AS slots
  FROM public.shops s JOIN public.services v USING (n), generate_series(1, 10) k;
CREATE UNIQUE INDEX ON public.people (n);
-- Each member works from 8 to 18 every day, and hands out slot after slot.
DELETE FROM cloudgreet.working_hours;
INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends)
SELECT p.business_id, p.staff, d, '08:00', '18:00' FROM public.people p, generate_series(0, 6) d;
SELECT format('CREATE SEQUENCE %s', slots) FROM public.people \gexec
SET session_replication_role = replica;
INSERT INTO cloudgreet.leads (business_id, name, phone) SELECT business_id, 'Ana ' || k, '+1' || (2125560000 + k) FROM public.shops, generate_series(0, 499) k;
RESET session_replication_role;
CREATE TABLE public.some_leads AS
SELECT l.business_id, s.n AS business_n, l.id, row_number() OVER (PARTITION BY l.business_id ORDER BY l.id) - 1 AS n FROM cloudgreet.leads l JOIN public.shops s USING (business_id);
CREATE UNIQUE INDEX ON public.some_leads (business_n, n);

-- The same tables with their indexes and keys, where no trigger does anything by itself.
CREATE SCHEMA plain;
DO $$
DECLARE
    t text;
    c record;
BEGIN
    FOREACH t IN ARRAY '{cloudgreet.appointments,cloudgreet.appointment_allocations,cloudgreet.appointment_reminders,cloudgreet_private.due_work,cloudgreet.events,cloudgreet.sms_messages,cloudgreet_private.outbox,cloudgreet_private.message_causes}'::text[] LOOP
        EXECUTE format('CREATE TABLE plain.%s (LIKE %s INCLUDING ALL)', split_part(t, '.', 2), t);
        FOR c IN SELECT conname, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'f' LOOP
            EXECUTE format('ALTER TABLE plain.%s ADD CONSTRAINT %I %s', split_part(t, '.', 2), c.conname, regexp_replace(c.def, 'REFERENCES cloudgreet\.(appointments|appointment_allocations)', 'REFERENCES plain.\1'));
        END LOOP;
    END LOOP;
END
$$;
CREATE FUNCTION public.write_booking(business uuid, service uuid, at timestamptz, lead uuid, staff uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    new_id uuid := cloudgreet.uuid_v7();
    message_id uuid := cloudgreet.uuid_v7();
BEGIN
    PERFORM FROM cloudgreet.leads l WHERE l.business_id = business AND l.id = lead FOR NO KEY UPDATE;
    PERFORM FROM cloudgreet.staff s WHERE s.business_id = business AND s.id = staff FOR NO KEY UPDATE;
    INSERT INTO plain.appointments (business_id, id, lead_id, service_id, staff_id, scheduled_date, ends_at, time_zone)
    VALUES (business, new_id, lead, service, staff, at, at + interval '30 minutes', 'UTC');
    INSERT INTO plain.appointment_allocations (business_id, appointment_id, service_id, staff_id, lane, starts_at, ends_at, blocks, state)
    VALUES (business, new_id, service, staff, 1, at, at + interval '30 minutes', tstzrange(at, at + interval '30 minutes'), 'booked');
    INSERT INTO plain.events (business_id, event_type, subject_type, subject_id, lead_id, data)
    VALUES (business, 'appointment.booked', 'appointment', new_id, lead, jsonb_build_object('starts_at', at, 'staff_id', staff, 'service_id', service)),
           (business, 'sms.queued', 'sms_message', message_id, lead, '{}');
    INSERT INTO plain.sms_messages (business_id, id, lead_id, direction, from_number, to_number, content, segments)
    VALUES (business, message_id, lead, 'outbound', '+12125550001', '+12125560001', 'Business 1: Hi Ana, you are booked: Cleaning, ' || at || ', with Dana 1. Reply Y to confirm, N to change, STOP to opt out.', 1);
    INSERT INTO plain.outbox (business_id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body, deadline_at)
    VALUES (business, new_id, 1, 'telnyx', 'send_sms', 'none', 'sms', '+12125560001', 'sms_message', message_id, convert_to(jsonb_build_object('from', '+12125550001', 'to', '+12125560001', 'type', 'SMS',
            'text', 'Business 1: Hi Ana, you are booked: Cleaning, ' || at || ', with Dana 1. Reply Y to confirm, N to change, STOP to opt out.')::text, 'UTF8'), at);
    INSERT INTO plain.message_causes (business_id, message_id, cause, cause_id, name) VALUES (business, message_id, 'appointment', new_id, 'confirmation');
    WITH reminders AS (
        INSERT INTO plain.appointment_reminders (business_id, appointment_id, type, channel, due_at)
        VALUES (business, new_id, '24h', 'sms', at - interval '24 hours'), (business, new_id, '1h', 'sms', at - interval '1 hour') RETURNING id, due_at)
    INSERT INTO plain.due_work (business_id, kind, subject_id, due_at) SELECT business, 'reminder', r.id, r.due_at FROM reminders r;
    RETURN new_id;
END
$$;
-- Twenty slots of half an hour a day.
CREATE FUNCTION public.slot(base timestamptz, n bigint) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT base + n / 20 * interval '1 day' + interval '8 hours' + n % 20 * interval '30 minutes' $$;
-- A member's next slot, for some lead.
CREATE FUNCTION public.book_one(member int, base timestamptz, is_plain boolean) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    p public.people;
    l uuid;
    at timestamptz;
    who int := floor(random() * 500);
BEGIN
    SELECT * INTO p FROM public.people WHERE n = member;
    SELECT id INTO l FROM public.some_leads WHERE business_n = p.business_n AND n = who;
    at := public.slot(base, nextval(p.slots::regclass));
    IF is_plain THEN
        RETURN public.write_booking(p.business_id, p.service, at, l, p.staff);
    END IF;
    RETURN (cloudgreet.book_appointment(p.service, at, l, p.staff, business_id => p.business_id)).id;
END
$$;
-- One of many who want a slot at once: each has a lead of its own.
CREATE SEQUENCE public.tries;
CREATE FUNCTION public.try_slot(client int, base timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    p public.people;
    l uuid;
BEGIN
    SELECT * INTO p FROM public.people WHERE n = 2;
    SELECT id INTO l FROM public.some_leads WHERE business_n = p.business_n AND n = client;
    PERFORM cloudgreet.book_appointment(p.service, public.slot(base, (nextval('public.tries') - 1) / 16), l, p.staff, business_id => p.business_id);
    RETURN 'booked';
EXCEPTION WHEN SQLSTATE 'ZG401' THEN
    RETURN 'taken';
END
$$;
VACUUM ANALYZE;
