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
\set ECHO none
-- Other tests count what is due.
DELETE FROM cloudgreet_private.due_work WHERE business_id = :'b';
DROP FUNCTION public.tool(text, text, text, jsonb);
