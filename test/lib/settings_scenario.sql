/*
 * settings_scenario.sql
 *		Bookings, texts, reminders, the agent's functions, templates, lists and scores of one
 *		business, with answers that name no id.  test/t/045_settings.pl wants the same ones
 *		whatever a database sets.
 */
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET cloudgreet.clock = '2026-06-08T16:00:00Z';
-- What the scenario itself is made of runs with PostgreSQL's settings.
BEGIN;
SET LOCAL standard_conforming_strings = on;
\i test/lib/mint.sql
CREATE FUNCTION public.plain(says text) RETURNS text LANGUAGE sql AS
$$
    SELECT regexp_replace(says, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}', 'ID', 'g');
$$;
CREATE FUNCTION public.ask(method text, target text, body text DEFAULT '') RETURNS TABLE (status integer, says text) LANGUAGE sql AS
$$
    SELECT r.status, public.plain(convert_from(r.body, 'UTF8'))
      FROM cloudgreet.http(method, target, jsonb_build_object('authorization', 'Bearer ' || public.mint(public.claims(current_setting('test.b')::uuid, 'admin'), 'a-secret-of-at-least-thirty-two-bytes'),
               'content-type', 'application/json'), convert_to(body, 'UTF8')) r;
$$;
-- A function of the agent, as Retell calls it.
CREATE FUNCTION public.tool(name text, args jsonb) RETURNS text LANGUAGE sql AS
$$
    SELECT public.plain(convert_from(r.body, 'UTF8'))
      FROM (SELECT floor(extract(epoch FROM cloudgreet.clock()) * 1000)::bigint::text AS ms, jsonb_build_object('name', name, 'args', args, 'call', jsonb_build_object(
                'call_id', 'call_1', 'call_type', 'phone_call', 'direction', 'inbound', 'from_number', '+13125550151', 'to_number', '+13125550150', 'call_status', 'ongoing',
                'start_timestamp', 1780934400000))::text AS body) q,
           cloudgreet.http('POST', '/api/retell/webhook/' || current_setting('test.retell'), jsonb_build_object('content-type', 'application/json', 'x-retell-signature',
               'v=' || q.ms || ',d=' || encode(public.hmac_sha256('key_settings', convert_to(q.body || q.ms, 'UTF8')), 'hex')), convert_to(q.body, 'UTF8')) r;
$$;
SELECT format('ALTER FUNCTION %s SET standard_conforming_strings = on', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('base64url', 'hmac_sha256', 'mint', 'claims', 'plain', 'ask', 'tool') \gexec
COMMIT;
SELECT cloudgreet.add_jwt_key('settings', 'a-secret-of-at-least-thirty-two-bytes');
SELECT cloudgreet.create_business('Lakeside Dental', 'America/Chicago') AS b \gset
SELECT set_config('test.b', :'b', false) AS b \gset
SELECT cloudgreet.set_secret('telnyx', 'x', :'b') AS x, cloudgreet.set_secret('resend', 'x', :'b') AS x, cloudgreet.set_secret('retell', 'key_settings', :'b') AS x,
       cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'b') AS x, set_config('test.retell', cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => :'b')::text, false) AS x, cloudgreet.connect_provider('resend', '{"api_key": "resend"}', '{"from": "Office <office@lakeside.example>"}', business_id => :'b') AS x,
       cloudgreet.add_phone_number('+13125550150', business_id => :'b') AS x, cloudgreet.create_service('Cleaning', 60, price_cents => 9950, business_id => :'b') AS service,
       cloudgreet.add_staff('Dana', working_hours => '{"mon": [["09:00", "12:00"]], "tue": [["09:00", "17:30"]], "wed": [["10:00", "15:00"]]}', business_id => :'b') AS staff,
       cloudgreet.create_agent('Desk', working_hours => '{"mon": [["00:00", "24:00"]], "exceptions": {"2026-06-08": []}}', business_id => :'b') AS agent,
       cloudgreet.create_agent('Night desk', working_hours => '{"mon": [["10:30", "11:30"]], "exceptions": {"2026-08-06": []}}', business_id => :'b') AS agent \gset
\echo agents
SELECT a ->> 'name', a -> 'is_open' FROM cloudgreet.agent_status(business_id => :'b') s, jsonb_array_elements(s -> 'agents') a ORDER BY 1;
INSERT INTO cloudgreet.leads (business_id, phone, name, email) VALUES (:'b', '+13125550151', 'Ana Ruiz', 'ana@example.com') RETURNING id AS ana \gset
\echo times
SELECT local_text FROM cloudgreet.check_availability(:'service', '2026-06-08T16:00:00Z', '2026-06-11T16:00:00Z', business_id => :'b');
\echo the same key
SELECT cloudgreet.send_sms('+13125550151', 'later', send_at => '2026-06-20T10:00:00Z', idempotency_key => 'k', business_id => :'b') AS sent \gset
SELECT cloudgreet.send_email('ana@example.com', 'later', 'on', send_at => '2026-06-20T10:00:00Z', idempotency_key => 'k', business_id => :'b') AS mailed \gset
SELECT (cloudgreet.book_appointment(:'service', '2026-06-09T15:00:00Z', :'ana', idempotency_key => 'k', business_id => :'b')).id AS visit \gset
BEGIN;
SET LOCAL TimeZone = 'Pacific/Chatham';
SET LOCAL DateStyle = 'Postgres, DMY';
SELECT cloudgreet.send_sms('+13125550151', 'later', send_at => '2026-06-20T10:00:00Z', idempotency_key => 'k', business_id => :'b') = :'sent';
SELECT cloudgreet.send_email('ana@example.com', 'later', 'on', send_at => '2026-06-20T10:00:00Z', idempotency_key => 'k', business_id => :'b') = :'mailed';
SELECT (cloudgreet.book_appointment(:'service', '2026-06-09T15:00:00Z', :'ana', idempotency_key => 'k', business_id => :'b')).id = :'visit';
COMMIT;
\echo moved, reminded
SELECT status FROM cloudgreet.reschedule_appointment(:'visit', '2026-06-10T16:00:00Z', business_id => :'b');
SELECT type, channel, status, extract(epoch FROM due_at) FROM cloudgreet.appointment_reminders WHERE business_id = :'b' ORDER BY due_at;
SET cloudgreet.clock = '2026-06-09T16:00:30Z';
SELECT cloudgreet.tick();
SELECT to_number, content, segments FROM cloudgreet.sms_messages WHERE business_id = :'b' ORDER BY id;
SELECT subject, content FROM cloudgreet.emails WHERE business_id = :'b' ORDER BY id;
SELECT state, extract(epoch FROM next_at), extract(epoch FROM deadline_at), public.plain(convert_from(body, 'UTF8')) FROM cloudgreet_private.outbox WHERE business_id = :'b' ORDER BY id;
\echo templates
INSERT INTO cloudgreet.message_templates (business_id, name, channel, content) VALUES (:'b', 'canceled', 'sms', 'Bye {{ first_name }}: {{time}}. {{opt_out}}');
INSERT INTO cloudgreet.message_templates (business_id, name, channel, content) VALUES (:'b', 'declined', 'sms', 'Bye {{first name}}');
SELECT status FROM cloudgreet.cancel_appointment(:'visit', business_id => :'b');
SELECT content FROM cloudgreet.sms_messages WHERE business_id = :'b' ORDER BY id DESC LIMIT 1;
SELECT event_type, public.plain(data::text) FROM cloudgreet.events WHERE business_id = :'b' ORDER BY id;
\echo requests
RESET cloudgreet.clock;
SELECT * FROM public.ask('GET', '/rest/v1/appointments?select=scheduled_date,ends_at,status&scheduled_date=gte.2026-06-10T00:00:00');
SELECT * FROM public.ask('GET', '/rest/v1/appointments?select=status&scheduled_date=eq.2026-06-10 16:00');
SELECT * FROM public.ask('GET', '/rest/v1/working_hours?select=weekday,starts,ends&order=weekday');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/simulate_score', '{"features": {"urgency": 0.123456789012345, "intent": "book"}}');
SELECT status FROM public.ask('POST', '/api/leads', '{"name": "Ann \u00fc", "phone": "(312) 555-0159"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name,phone&phone=eq.%2B13125550159');
\echo the agent
SET cloudgreet.clock = '2026-06-08T16:00:00Z';
SELECT public.tool('check_availability', '{"date": "2026-06-09"}');
SELECT public.tool('book_appointment', '{"starts_at": "2026-06-09T09:00", "name": "Ana"}');
SELECT public.tool('reschedule_appointment', '{"starts_at": "2026-06-10 12:30"}');
SELECT public.tool('find_lead', '{}');
SELECT public.tool('cancel_appointment', '{"reason": "out of town"}');
SELECT extract(epoch FROM started_at) FROM cloudgreet.calls WHERE business_id = :'b';
\echo words
SELECT w, cloudgreet_private.opt_word(w), cloudgreet_private.reply_word(w) FROM unnest(ARRAY['STOP', 'Please stop.', 'unsubscribe me', 'Don''t stop', ' Yes! ', 'no, sorry', 'START']) w;
\echo installation
SELECT state FROM cloudgreet.installation_status();
SELECT cloudgreet_private.process_webhooks(10), cloudgreet_private.maintain_partitions() >= 0;
SELECT count(*) FROM cloudgreet_private.doctor() WHERE problem !~ 'preload';
