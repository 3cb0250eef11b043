/*
 * contacts.sql
 *		One form of a contact everywhere: whoever writes it, whatever a provider sends,
 *		and what was stored before; time zones by their present names.
 */
\set ECHO none
\i test/lib/ask.sql
SELECT cloudgreet.create_business('Bath Spa', 'Europe/London') AS b \gset
SELECT cloudgreet.add_phone_number('01225 960 123', business_id => :'b') AS f, cloudgreet.create_service('Massage', 60, business_id => :'b') AS service,
       cloudgreet.create_agent('Front desk', business_id => :'b') AS agent, cloudgreet.add_staff('Dana', business_id => :'b') AS staff,
       cloudgreet.set_secret('k', 'x', :'b') AS s, set_config('test.b', :'b', false) AS c, public.mint(public.claims(:'b', 'admin'), :'secret') AS bath \gset
SELECT cloudgreet.connect_provider('retell', '{"api_key": "k"}', business_id => :'b') AS retell, cloudgreet.connect_provider('telnyx', '{"api_key": "k"}', business_id => :'b') AS telnyx,
       cloudgreet.connect_provider('resend', '{"api_key": "k"}', '{"from": "Bath Spa <Desk@bath.example>"}', business_id => :'b') AS resend \gset
-- What a webhook of a provider is answered, or what became of it.
CREATE FUNCTION public.answer(provider text, event jsonb) RETURNS jsonb LANGUAGE sql AS
$$
    SELECT cloudgreet_private.answer_now(current_setting('test.b')::uuid, provider, event)
      FROM cloudgreet.enter_business(current_setting('test.b')::uuid);
$$;
CREATE FUNCTION public.processed(provider text, event jsonb) RETURNS text LANGUAGE sql AS
$$
    SELECT concat_ws(': ', p.state, p.reason)
      FROM (SELECT (jsonb_populate_record(NULL::cloudgreet_private.webhook_inbox, jsonb_build_object('business_id', current_setting('test.b'), 'provider', processed.provider,
                'event_type', coalesce(event ->> 'type', event ->> 'event', event #>> '{data,event_type}'), 'received_at', cloudgreet.clock(),
                'entity_key', coalesce(event #>> '{data,email_id}', event #>> '{call,call_id}', event #>> '{data,payload,id}', event #>> '{data,payload,call_session_id}'),
                'body', '\x' || encode(convert_to(event::text, 'UTF8'), 'hex')))).*) i, cloudgreet_private.process_webhook(i) p;
$$;
CREATE FUNCTION public.text_from(number text, number_called text, words text DEFAULT 'hello') RETURNS text LANGUAGE sql AS
$$
    SELECT public.processed('telnyx', jsonb_build_object('data', jsonb_build_object('event_type', 'message.received', 'occurred_at', '2026-06-08T15:00:00Z', 'payload',
        jsonb_build_object('id', cloudgreet.uuid_v7(), 'from', jsonb_build_object('phone_number', number), 'to', jsonb_build_array(jsonb_build_object('phone_number', number_called)), 'text', words))));
$$;
CREATE FUNCTION public.tool(call_id text, number text, name text, args jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS
$$
    SELECT concat_ws(' ', a ->> 'ok', a ->> 'code', a ->> 'name', a ->> 'say')
      FROM public.answer('retell', jsonb_build_object('name', name, 'args', args,
               'call', jsonb_build_object('call_id', call_id, 'direction', 'inbound', 'from_number', number, 'to_number', '441225960123'))) a;
$$;
CREATE FUNCTION public.mailed(kind text, "to" jsonb, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS
$$
    SELECT public.processed('resend', jsonb_build_object('type', 'email.' || kind, 'created_at', '2026-06-08T15:00:00Z', 'data',
        jsonb_build_object('email_id', cloudgreet.uuid_v7(), 'to', mailed."to", 'from', 'desk@bath.example', 'subject', 'News') || more));
$$;
\set VERBOSITY terse
\pset footer off
\set ECHO all

-- However it is written: SQL, COPY, REST; a number without country code is of the business's country.
SELECT phone_number FROM cloudgreet.phone_numbers WHERE business_id = :'b';
INSERT INTO cloudgreet.leads (business_id, source, phone, email, time_zone) VALUES (:'b', 'sql', '07400 123456', 'Ann Lee <Ann@Example.org>', 'Asia/Calcutta');
CREATE TABLE public.imported (row text);
INSERT INTO public.imported SELECT format('%s|copied|+44 (0) 1225 960 147|MAILTO:bo@Example.org|us/eastern', :'b');
\copy public.imported TO 'results/imported_leads'
\copy cloudgreet.leads (business_id, source, phone, email, time_zone) FROM 'results/imported_leads' WITH (FORMAT csv, DELIMITER '|')
SELECT status FROM public.ask('POST', '/rest/v1/leads', :'bath', '[{"source": "rest", "phone": "tel:+44-1225-960148", "email": "\"Cy, Dr.\" <CY@example.org>"}, {"source": "rest", "phone": "1225 960 149", "email": null}]');
SELECT status FROM public.ask('POST', '/api/leads', :'bath', '{"source": "api", "phone": "01225 960150", "email": "di@EXAMPLE.org ", "time_zone": "Europe/Kiev"}');
SELECT status, body::jsonb #>> '{data,0,phone}' AS phone FROM public.ask('GET', '/api/leads?phone=01225%20960150', :'bath');
SELECT status, body::jsonb #>> '{data,0,email}' AS email FROM public.ask('GET', '/api/leads?email=DI@example.org', :'bath');
-- What REST compares with is read the same way.
SELECT f, body::jsonb #>> '{0,source}' AS source FROM unnest(ARRAY['email=eq.ANN@Example.org', 'phone=eq.%2B44%20(0)7400%20123456', 'phone=in.(%2B44-7400-123456,x)', 'not.and=(email.neq.Ann@Example.org)', 'time_zone=eq.Asia/Calcutta',
    'or=(email.eq.ANN@Example.org,phone.eq.x)', 'email=like.ANN*', 'email=eq.x', 'phone=eq.07400123456']) f, public.ask('GET', '/rest/v1/leads?select=source&' || f, :'bath');
SELECT status, body::jsonb ->> 'code' AS code, body::jsonb ->> 'details' AS details FROM public.ask('PATCH', '/rest/v1/leads?source=eq.api', :'bath', '{"phone": "+266696687"}');
SELECT source, phone, email, time_zone FROM cloudgreet.leads WHERE business_id = :'b' ORDER BY phone;
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'b', 'Eve <EVE@example.org>', 'email', 'manual'), (:'b', '(01225) 960 151', 'sms', 'manual');
INSERT INTO cloudgreet.consents (business_id, contact, channel, kind, is_granted, source) VALUES (:'b', '44 1225 960152', 'sms', 'marketing', true, 'paper');
UPDATE cloudgreet.staff SET time_zone = 'GB' WHERE id = :'staff';
UPDATE cloudgreet.staff SET time_zone = 'europe/belfast' WHERE id = :'staff';
INSERT INTO cloudgreet.users (business_id, email) VALUES (:'b', 'Fay@Bath.example'), (:'b', 'fay@bath.EXAMPLE');
SELECT contact FROM cloudgreet.suppressions WHERE business_id = :'b' UNION ALL SELECT contact FROM cloudgreet.consents WHERE business_id = :'b'
 UNION ALL SELECT time_zone FROM cloudgreet.staff WHERE id = :'staff' ORDER BY 1;
-- An update judges what it changes only.
UPDATE cloudgreet.leads SET notes = 'x', phone = phone WHERE business_id = :'b' AND source = 'sql' RETURNING phone;
SELECT cloudgreet.send_email('EVE@Example.org', 'Hello', 'x', business_id => :'b');
SELECT cloudgreet.send_sms('0044 1225 960151', 'x', business_id => :'b');
-- Who is spared is known by the number as it is written at home.
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'b', '07400 123499', 'sms', 'opt_out');
SELECT cloudgreet.lift_opt_out('07400 123499', 'sms', 'Signed our form at the desk.', :'b');
SELECT cloudgreet.send_email('Gil <GIL@Example.org>', 'Hello', 'x', reply_to => 'Desk <DESK@bath.example>', business_id => :'b') AS mail \gset
SELECT e.to_address, o.contact, convert_from(o.body, 'UTF8')::jsonb ->> 'reply_to' AS reply_to FROM cloudgreet.emails e JOIN cloudgreet_private.outbox o ON o.subject_id = e.id WHERE e.id = :'mail';

-- A sender is a text of one line with one address.
SELECT s, cloudgreet_private.is_sender(s::jsonb) AS ok FROM unnest(ARRAY['"a@b.example"', '"A <a@b.example>"', '"A\nBcc: x@b.example <a@b.example>"', '{"a": 1}', '["a@b.example"]', '7', 'null', '""', '"A"', '"a@b.example, c@b.example"',
    '"A\u2028 <a@b.example>"', '"A\u202e <a@b.example>"']) s;
SELECT cloudgreet.connect_provider('resend', '{"api_key": "k"}', '{"from": "A\r\nBcc: x@b.example <a@b.example>"}', business_id => :'b');
UPDATE cloudgreet.provider_accounts SET settings = '{"from": {"email": "a@b.example"}}' WHERE id = :'resend';

-- Numbers as trunks hand them on: without "+", as at home, as URIs.
SELECT source, public.text_from(n, c) AS text FROM (VALUES ('447400123456', '441225960123'), ('07400 123456', '01225960123'), ('sip:+447400123456@trunk.example.com', 'sip:+441225960123@trunk.example.com'),
    ('BATHNEWS', '+441225960123'), ('72727', '+441225960123'), ('+447400123456', '+441225960199')) v (n, c), LATERAL (SELECT n) s (source);
SELECT l.source, m.from_number, m.to_number, count(*) FROM cloudgreet.sms_messages m LEFT JOIN cloudgreet.leads l ON l.id = m.lead_id WHERE m.business_id = :'b' GROUP BY 1, 2, 3 ORDER BY 2;
SELECT public.processed('retell', '{"event": "call_ended", "call": {"call_id": "r1", "direction": "inbound", "from_number": "tel:07400-123456", "to_number": "01225960123", "call_status": "ended"}}');
SELECT public.processed('telnyx', '{"data": {"event_type": "call.initiated", "payload": {"call_session_id": "t1", "call_leg_id": "l1", "direction": "incoming", "from": "7400123456", "to": "sip:441225960123@x"}}}');
SELECT c.provider_call_id, c.from_number, c.to_number, l.source FROM cloudgreet.calls c JOIN cloudgreet.leads l ON l.id = c.lead_id WHERE c.business_id = :'b' ORDER BY 1;

SET cloudgreet.clock = '2026-06-08 16:00:00Z';
-- Callers who withhold the number are nobody, are recorded, and can book by a number that they say.
SELECT n, public.tool('first' || n, n, 'book_appointment', '{"starts_at": "2026-06-10T10:00", "name": "Ivy", "phone": "01225 960 153"}') AS books,
       public.answer('retell', jsonb_build_object('event', 'call_inbound', 'call_inbound', jsonb_build_object('from_number', n, 'to_number', '441225960123'))) #>> '{call_inbound,dynamic_variables,is_known}' AS is_known,
       public.tool('second' || n, n, 'find_lead') AS finds, public.tool('second' || n, n, 'cancel_appointment') AS cancels
  FROM unnest(ARRAY['+86282452253', '2562533', 'Restricted', 'sip:anonymous@anonymous.invalid', '"Anonymous" <sip:+447400123456@trunk.example.com>', '+440000000000', '0', '']) n;
SELECT from_number, count(*) FROM cloudgreet.calls WHERE business_id = :'b' AND provider_call_id ~ '^(first|second)' GROUP BY 1;
SELECT public.tool('third', 'unknown', 'book_appointment', '{"starts_at": "2026-06-10T12:00", "name": "Ivy", "phone": "+266696687"}');
SELECT count(*) AS leads_of_nobody FROM cloudgreet.leads WHERE business_id = :'b' AND (phone IS NULL OR cloudgreet.phone_party(phone) = 'anonymous');

-- Of several receivers the one that is named; nobody when it is not told.
SELECT public.mailed('complained', '["Jo <JO@example.org>"]') AS named;
SELECT public.mailed('bounced', '["kim@example.org", "Lou <LOU@Example.org>", "aloud@example.org"]', '{"bounce": {"type": "Permanent", "message": "550 5.1.1 <lou@example.org>: no such user."}}') AS one_of_three;
SELECT public.mailed('bounced', '["kim@example.org", "max@example.org"]', '{"bounce": {"type": "Permanent", "message": "no such user", "diagnosticCode": ["smtp; 550 MAX@example.org unknown"]}}') AS by_its_diagnosis;
SELECT public.mailed('bounced', '["kim@example.org", "ned@example.org"]', '{"bounce": {"type": "Permanent", "message": "kim@example.org and ned@example.org"}}') AS both_named;
SELECT public.mailed('bounced', '["kim@example.org"]', '{"cc": ["ned@example.org"], "bounce": {"type": "Permanent", "message": "no such user"}}') AS with_copy;
SELECT public.mailed('bounced', '["kim@example.org", "KIM@example.org"]', '{"bounce": {"type": "Transient"}}') AS full;
SELECT public.mailed('bounced', '["Pam <pam@example.org>", "PAM@example.org", 7, null]', '{"bounce": {"type": "Permanent"}}') AS same_twice;
SELECT public.mailed('bounced', '"quin@example.org"', '{"bounce": {"type": "Permanent", "message": {"a": 1}}}') AS a_text;
SELECT public.mailed('bounced', '[]', '{"bounce": {"type": "Permanent"}}') AS none;
SELECT contact, reason FROM cloudgreet.suppressions WHERE business_id = :'b' AND reason <> 'manual' ORDER BY 1;
SELECT alert_type, message FROM cloudgreet.alerts WHERE business_id = :'b';
SELECT count(*) AS noted FROM cloudgreet.events WHERE business_id = :'b' AND event_type = 'email.bounced' AND data ? 'note';

-- Zones that the server lacks, as after a restore on another one, stop no row; what needs one says which.
BEGIN;
ALTER TABLE cloudgreet.businesses DISABLE TRIGGER USER;
UPDATE cloudgreet.businesses SET time_zone = 'Mars/Phobos' WHERE id = :'b';
ALTER TABLE cloudgreet.businesses ENABLE TRIGGER USER;
UPDATE cloudgreet.businesses SET name = 'Mars Spa' WHERE id = :'b' RETURNING time_zone;
SELECT * FROM cloudgreet_private.unknown_time_zones();
SAVEPOINT lacking;
UPDATE cloudgreet.businesses SET time_zone = 'Mars/Deimos' WHERE id = :'b';
ROLLBACK TO lacking;
SELECT public.tool('mars', '+447400123456', 'check_availability', '{"date": "2026-06-10"}') AS says;
SELECT cloudgreet.say_time(cloudgreet.clock(), b.time_zone) FROM cloudgreet.businesses b WHERE b.id = :'b';
ROLLBACK;

\set ECHO none
SELECT cloudgreet.delete_business(:'b') AS gone \gset
DROP TABLE public.imported;
DROP FUNCTION public.answer, public.processed, public.text_from, public.tool, public.mailed;
\i test/lib/drop_ask.sql
