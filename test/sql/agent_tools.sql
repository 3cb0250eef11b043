/*
 * agent_tools.sql
 *		Who a caller is to the agent's functions: the lead with the caller's number, and not
 *		the one whose number a caller without one names.
 */
\set ECHO none
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
SELECT cloudgreet.create_business('Lakeside Dental', 'America/Chicago') AS b \gset
SELECT cloudgreet.add_phone_number('+13125550180', business_id => :'b') AS f, cloudgreet.create_service('Cleaning', 60, business_id => :'b') AS service,
       cloudgreet.add_staff('Dana', business_id => :'b') AS staff, set_config('test.b', :'b', false) AS c \gset
INSERT INTO cloudgreet.leads (business_id, phone, name) VALUES (:'b', '+13125550181', 'Ana Ruiz') RETURNING id AS ana \gset
-- What a function answers in a call; without a number it is withheld.
CREATE FUNCTION public.tool(call_id text, number text, name text, args jsonb) RETURNS text LANGUAGE sql AS
$$
    SELECT concat_ws(' ', a ->> 'ok', a ->> 'status', a ->> 'name', a ->> 'say')
      FROM cloudgreet.enter_business(current_setting('test.b')::uuid),
           LATERAL cloudgreet_private.answer_tool(current_setting('test.b')::uuid, jsonb_build_object('name', name, 'args', args,
               'call', jsonb_build_object('call_id', call_id, 'direction', 'inbound', 'from_number', number, 'to_number', '+13125550180'))) a;
$$;
SET timezone = 'America/Chicago';
\pset footer off
\set ECHO all

-- The lead's own call.
SELECT public.tool('own', '+13125550181', 'book_appointment', '{"starts_at": "2026-06-10T10:00"}');
SELECT public.tool('own', '+13125550181', 'find_lead', '{}');

-- To cancel twice is to cancel once, unless something was booked between.
BEGIN;
SELECT public.tool('own', '+13125550181', 'cancel_appointment', '{}') FROM generate_series(1, 2);
SELECT public.tool('own', '+13125550181', 'book_appointment', '{"starts_at": "2026-06-10T12:00"}');
SELECT public.tool('own', '+13125550181', 'cancel_appointment', '{}') FROM generate_series(1, 2);
ROLLBACK;

-- A caller without a number who names that of the lead can book, and cancel what it booked.
SELECT public.tool('hidden', 'anonymous', 'find_lead', '{}');
SELECT public.tool('hidden', 'anonymous', 'book_appointment', '{"starts_at": "2026-06-11T10:00", "phone": "+13125550181", "name": "Mallory", "email": "mallory@example.com"}');
SELECT public.tool('hidden', 'anonymous', 'find_lead', '{}');
SELECT public.tool('hidden', 'anonymous', 'cancel_appointment', '{}');
-- What is there already does not become its own by being booked again.
INSERT INTO cloudgreet.appointments (business_id, lead_id, service_id, staff_id, scheduled_date, ends_at, time_zone)
VALUES (:'b', :'ana', :'service', :'staff', '2026-06-16 10:00-05', '2026-06-16 11:00-05', 'America/Chicago');
SELECT public.tool('hidden', 'anonymous', 'book_appointment', '{"starts_at": "2026-06-16T10:00", "phone": "+13125550181"}');
SELECT public.tool('hidden', 'anonymous', 'find_lead', '{}');
-- It is not told of the others, cannot touch them, and adds no address that messages would go to.
SELECT public.tool('hidden', 'anonymous', 'cancel_appointment', format('{"appointment_id": "%s"}', a.id)::jsonb)
  FROM cloudgreet.appointments a WHERE a.business_id = :'b' AND a.scheduled_date = '2026-06-10 10:00-05';
SELECT public.tool('hidden', 'anonymous', 'reschedule_appointment', '{"starts_at": "2026-06-12T10:00"}');
SELECT scheduled_date, status FROM cloudgreet.appointments WHERE business_id = :'b' ORDER BY scheduled_date;
SELECT name, email FROM cloudgreet.leads WHERE business_id = :'b';

-- Who is new is taken at its word.
SELECT public.tool('new', 'anonymous', 'book_appointment', '{"starts_at": "2026-06-15T10:00", "phone": "+13125550182", "name": "Bo", "email": "bo@example.com"}');
SELECT name, email FROM cloudgreet.leads WHERE business_id = :'b' AND phone = '+13125550182';

-- A name is texted if it is one.
BEGIN;
INSERT INTO cloudgreet.leads (business_id, source, name)
SELECT :'b', 'names', n FROM unnest(ARRAY[' Ana Ruiz', 'Dr. Who', 'Zoë', '李小龍', 'O''Neil-Smith', E'Bo\nReply', 'http://evil.example/win', 'evil.example',
    '+19005550123', E'Ana\u0001', repeat('x', 41), '', NULL]) n;
SELECT to_json(l.name) AS name, cloudgreet_private.message_variables(:'b', l.id) ->> 'first_name' AS first_name
  FROM cloudgreet.leads l WHERE l.business_id = :'b' AND l.source = 'names' ORDER BY l.id;
ROLLBACK;
-- Of services whose names the words hold, the longest is meant.
SELECT cloudgreet.create_service('Deep Cleaning', 60, business_id => :'b') IS NOT NULL AS deep;
SELECT w, (cloudgreet_private.tool_service(:'b', w)).name FROM cloudgreet.enter_business(:'b'),
       unnest('{NULL, "deep cleaning, please", "a cleaning", clean, deep, "DEEP CLEANING"}'::text[]) w;
-- What cannot be read is asked for again, and a function without a name is none.
SELECT public.tool('own', '+13125550181', 'book_appointment', '{"starts_at": "2026-06-10T10:00+99"}');
SELECT public.tool('own', '+13125550181', 'book_appointment', to_jsonb('{"starts_at": "\u0000"}'::text));
SELECT public.tool('own', '+13125550181', NULL, '{}');

-- Words for nothing, and what cannot be used, keep nobody from booking: they are left out, and what was bad is told to the model and noted.
CREATE FUNCTION public.tries(key text, value jsonb) RETURNS TABLE (booked text, name text, email text, notes text, remarks text) LANGUAGE plpgsql AS
$$
DECLARE
    number text := '+1312555' || (SELECT 3000 + count(*) FROM cloudgreet.leads);
    answer jsonb;
BEGIN
    PERFORM cloudgreet.enter_business(current_setting('test.b')::uuid);
    answer := cloudgreet_private.answer_tool(current_setting('test.b')::uuid, jsonb_build_object('name', 'book_appointment',
        'args', jsonb_build_object('starts_at', to_char('2026-07-06 09:00'::timestamp + make_interval(days => right(number, 4)::int % 5, hours => right(number, 4)::int % 7), 'YYYY-MM-DD"T"HH24:MI'), key, value),
        'call', jsonb_build_object('call_id', number, 'direction', 'inbound', 'from_number', number, 'to_number', '+13125550180')));
    RETURN QUERY SELECT coalesce(answer ->> 'ok', '') || coalesce(answer ->> 'code', ''), l.name, l.email, a.notes, answer ->> 'remarks'
        FROM cloudgreet.leads l LEFT JOIN cloudgreet.appointments a ON a.lead_id = l.id WHERE l.phone = number;
END
$$;
SELECT t.key, t.value, r.* FROM (VALUES (1, 'email', '"none"'::jsonb), (2, 'email', '"N.A."'), (3, 'email', '"{{email}}"'), (4, 'email', '"bob at example dot com"'), (5, 'email', '{"address": "x@example.com"}'),
    (6, 'email', '"Bob@example.com"'), (7, 'name', '"no name"'), (8, 'name', '"the caller"'), (9, 'name', '"\u202eyaP"'), (10, 'name', '["Bo"]'), (11, 'name', '42'), (12, 'notes', '"n/a"'), (13, 'notes', '"gate\u200b code\u0007 12"'),
    (14, 'phone', '"call me back"'), (15, 'service', '"unknown"'), (16, 'slot', '"TBD"'), (17, 'email', 'null'), (18, 'name', '"desconocido"')) t (n, key, value), public.tries(t.key, t.value) r ORDER BY t.n;
SELECT e.event_type, e.data FROM cloudgreet.events e WHERE e.business_id = :'b' AND e.event_type LIKE 'call.dropped%' ORDER BY e.id;
-- What is needed is asked for again.
SELECT public.tool('needs', '+13125550181', 'book_appointment', '{"starts_at": "not specified"}');
SELECT public.tool('needs no number', NULL, 'book_appointment', '{"starts_at": "2026-06-10T10:00", "phone": "unknown", "email": "a at b"}');

-- Whatever goes wrong, what is said has no id, no code and no word of the database.
SELECT count(*) AS errors, count(*) FILTER (WHERE e.say ~* '[0-9a-f]{8}-[0-9a-f]{4}|_|"|[{}<>]|\mnull\M|\mconstraint|\mrelation|\mcolumn|\mJSON|\mSQL|ZG\d|\mparameter|\mbusiness_|\mkey\M' OR coalesce(e.say, '') !~ '[.?]$' OR e.say ~ ': \.') AS jargon
  FROM (SELECT cloudgreet_private.tool_refusal(c.code, m.message, d.detail, h.hint, false) ->> 'say' AS say
          FROM (SELECT 'ZG' || n AS code FROM generate_series(101, 650) n WHERE n NOT BETWEEN 401 AND 404
                UNION ALL SELECT unnest('{22004,22008,22023,22P02,23502,23503,23505,23514,23P01,25006,40001,40P01,42501,42703,42P01,53200,54000,55P03,57014,P0001,P0002,XX000}'::text[])) c,
               (VALUES ('service "0192f0c1-3c3e-7a2b-9f8e-0123456789ab" does not exist'), ('null value in column "lead_id" of relation "appointments" violates not-null constraint'),
                       ('duplicate key value violates unique constraint'), ('an appointment that is no_show cannot become rescheduled')) m (message),
               (VALUES (NULL), ('Key (business_id, id)=(1, 2) is not present in table "leads".')) d (detail), (VALUES (NULL), (''), ('Use a new key for each request.')) h (hint)) e;
-- The errors of real calls: a service that is withdrawn, staff who left, an appointment that is over, another's, nothing free.
CREATE FUNCTION public.says(call_id text, name text, args jsonb) RETURNS TABLE (said text, is_plain boolean) LANGUAGE sql AS
$$ SELECT t, t !~* '[0-9a-f]{8}-[0-9a-f]{4}|_|"|[{}<>]|ZG\d| \.' FROM public.tool(call_id, '+13125550188', name, args) t $$;
SELECT * FROM public.says('s1', 'book_appointment', '{"starts_at": "2026-06-22T10:00", "name": "Cy"}');
SELECT a.id AS cy FROM cloudgreet.appointments a JOIN cloudgreet.leads l ON l.id = a.lead_id WHERE l.phone = '+13125550188' \gset
UPDATE cloudgreet.staff SET is_active = false WHERE business_id = :'b';
SELECT * FROM public.says('s2', 'reschedule_appointment', '{"starts_at": "2026-06-22T14:00"}');
SELECT * FROM public.says('s2', 'check_availability', '{}');
UPDATE cloudgreet.staff SET is_active = true WHERE business_id = :'b';
UPDATE cloudgreet.services SET is_active = false WHERE business_id = :'b';
SELECT * FROM public.says('s3', 'reschedule_appointment', '{"starts_at": "2026-06-22T14:00"}');
SELECT * FROM public.says('s3', 'book_appointment', '{"starts_at": "2026-06-22T14:00"}');
UPDATE cloudgreet.services SET is_active = true WHERE business_id = :'b';
SELECT * FROM public.says('s4', 'reschedule_appointment', '{"starts_at": "2026-06-22T02:00"}');
SELECT * FROM public.says('s5', 'reschedule_appointment', '{"starts_at": "2020-01-01T10:00"}');
SELECT * FROM public.says('s6', 'reschedule_appointment', '{"starts_at": "whenever"}');
SELECT * FROM public.says('s7', 'cancel_appointment', jsonb_build_object('appointment_id', cloudgreet.uuid_v7()));
UPDATE cloudgreet.appointments SET status = 'no_show' WHERE id = :'cy';
SELECT * FROM public.says('s8', 'cancel_appointment', jsonb_build_object('appointment_id', :'cy'));
SELECT * FROM public.says('s9', 'book_appointment', '{"starts_at": "2026-06-22T11:00", "service": "roof repair"}');
SELECT * FROM public.says('s9', 'book_appointment', '[]');
\set ECHO none
-- Other tests count what is due.
DELETE FROM cloudgreet_private.due_work WHERE business_id = :'b';
DROP FUNCTION public.says(text, text, jsonb), public.tries(text, jsonb), public.tool(text, text, text, jsonb);
