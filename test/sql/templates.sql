/*
 * templates.sql
 *		Templates and steps are judged when they are stored, on every way of writing; what
 *		cannot be sent all the same leaves a row that tells why.
 */
\set ECHO none
\set QUIET on
\pset tuples_only on
\i test/lib/ask.sql
\pset tuples_only off
SELECT cloudgreet.set_secret('telnyx', 'x', :'business') AS a, cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'business') AS c,
       cloudgreet.add_phone_number('+13125557100', business_id => :'business') AS d,
       cloudgreet.create_service('Gutter cleaning', 60, business_id => :'business') AS service, cloudgreet.add_staff('Dana', business_id => :'business') AS staff \gset
CREATE FUNCTION public.store(name text, content text, channel text DEFAULT 'sms', subject text DEFAULT NULL, locale text DEFAULT 'en-US') RETURNS TABLE (code text, says text, hint text) LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO cloudgreet.message_templates (business_id, name, channel, subject, content, locale) VALUES (current_setting('test.b')::uuid, name, channel, subject, content, locale);
    RAISE EXCEPTION USING ERRCODE = '00ZZZ';
EXCEPTION WHEN SQLSTATE '00ZZZ' THEN RETURN QUERY SELECT 'stored', '', '';
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, says = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    hint := left(hint, 80);
    RETURN NEXT;
END
$$;
SELECT set_config('test.b', :'business', false) AS a \gset
\pset footer off
\set ECHO all

-- Variables: those of the name, and nothing that looks like one; words with percent signs and brackets are words.
SELECT s.code, s.says FROM (VALUES (1, '{{business_name}}: {{ first_name }}, {{service}} {{time}}{{with_staff}} ({{staff}}). {{reply_hint}} {{opt_out}}'), (2, 'Bring 50% more [of it] <3 and 100%!'),
    (3, 'Hi {{FirstName}}'), (4, 'Hi {{lead.name}}'), (5, 'Hi {{first_name | default: "you"}}'), (6, 'Hi {{first_name'), (7, 'Hi first_name}}'), (8, 'Hi {{}}'), (9, 'Hi {{ }}'), (10, 'Hi {first_name}'), (11, 'Hi ${first_name}'),
    (12, 'Hi {{{first_name}}}'), (13, 'Hi {{first_name}'), (14, 'Hi {{first name}}'), (15, 'Hi %FIRSTNAME%'), (16, 'Hi [first_name]'), (17, 'Hi [[name]]'), (18, 'Hi *|FNAME|*'), (19, 'Hi <<name>>'), (20, 'Hi {% if x %}'), (21, E'Hi {{first_name\n}}'), (22, E'Hi {{first_name}}\u0007')
  ) AS t (n, content), public.store('confirmation', t.content) s ORDER BY t.n;
SELECT * FROM public.store('reminder', 'Hi {{firstname}}');
-- A message that is of no appointment has no time; nor has a subject other variables.
SELECT * FROM public.store('winback', 'Hi {{first_name}}, see you {{time}}');
SELECT code, says FROM public.store('canceled', 'Bye', 'email', 'About {{apointment}}');
-- Names that nothing would look for; those of one's own are for steps.
SELECT t.name, s.code, s.hint FROM (VALUES (1, 'confirmaton'), (2, 'cancelled'), (3, 'reminders'), (4, 'winback'), (5, 'reminder_2'), (6, 'Reminder')) AS t (n, name), public.store(t.name, 'Hello') s ORDER BY t.n;
SELECT code, says FROM public.store('reminder', 'Hello', locale => 'english');
SELECT code, says FROM public.store('reminder', 'Hello', 'fax');
-- Length: what never fits is refused with the names of the business in it; nothing is cut.
SELECT s.code, s.says FROM (VALUES (1, repeat('Bring it. ', 147) || '{{opt_out}}'), (2, repeat('Bring it. ', 160) || '{{opt_out}}'), (3, repeat('€uro ', 256)), (4, repeat('{{business_name}} ', 160))) AS t (n, content), public.store('reminder', t.content) s ORDER BY t.n;
SELECT code, says FROM public.store('reminder', 'Hello', 'email', repeat('Title ', 60));

-- By every way of writing.
SELECT status, body FROM public.ask('POST', '/rest/v1/message_templates', :'admin', '{"name": "reminder", "channel": "sms", "content": "Hi {{lastname}}"}');
SELECT status FROM public.ask('POST', '/rest/v1/message_templates', :'admin', '{"name": "reminder", "channel": "sms", "content": "{{opt_out}}"}');
SELECT status, body::jsonb ->> 'message' AS says FROM public.ask('PATCH', '/rest/v1/message_templates?name=eq.reminder', :'admin', '{"content": "Hi {{lastname}}"}');
SELECT status FROM public.ask('PATCH', '/rest/v1/message_templates?name=eq.reminder', :'admin', '{"content": "Hi {{first_name}}. {{opt_out}}"}');
-- Steps: of the same channel, and of no appointment.
SELECT cloudgreet.create_follow_up(business_id => :'business') AS sequence \gset
SELECT id AS reminder FROM cloudgreet.message_templates WHERE business_id = :'business' AND name = 'reminder' \gset
\set VERBOSITY terse
INSERT INTO cloudgreet.sequence_steps (business_id, sequence_id, position, delay_minutes, channel, template_id) VALUES (:'business', :'sequence', 3, 10, 'email', :'reminder');
INSERT INTO cloudgreet.sequence_steps (business_id, sequence_id, position, delay_minutes, channel, template_id) VALUES (:'business', :'sequence', 3, 10, 'sms', :'reminder');
UPDATE cloudgreet.message_templates SET content = 'See you {{time}}' WHERE business_id = :'business' AND name = 'reminder';
UPDATE cloudgreet.message_templates SET channel = 'email', subject = 'Hello' WHERE business_id = :'business' AND name = 'follow_up_1';

SET cloudgreet.clock = '2026-06-08 16:00:00Z';
-- A name that makes a text too long is left out, and the opt-out stays.
INSERT INTO cloudgreet.message_templates (business_id, name, channel, content) VALUES (:'business', 'confirmation', 'sms', 'Hi {{first_name}}. ' || repeat('How to find us. ', 80) || '{{opt_out}}');
INSERT INTO cloudgreet.leads (business_id, phone, name) VALUES (:'business', '+13125557101', 'Łukasz Nowak'), (:'business', '+13125557102', 'Ann Lee') ;
CREATE FUNCTION public.book(phone text, hours integer) RETURNS uuid LANGUAGE sql AS
$$
    SELECT (cloudgreet.book_appointment(s.id, '2026-06-22 00:00Z'::timestamptz + hours * interval '1 hour', l.id, business_id => l.business_id)).id
      FROM cloudgreet.leads l JOIN cloudgreet.services s ON s.business_id = l.business_id
     WHERE l.business_id = current_setting('test.b')::uuid AND l.phone = book.phone AND s.name = 'Gutter cleaning';
$$;
SELECT public.book('+13125557101', 14) AS a, public.book('+13125557102', 15) AS b \gset
SELECT left(content, 12) AS begins, right(content, 22) AS ends, segments FROM cloudgreet.sms_messages WHERE business_id = :'business' ORDER BY id;

-- What cannot be sent leaves a row with the reason, and an alert where a person can mend it; the booking stands.
CREATE FUNCTION public.skipped() RETURNS TABLE (phone text, data jsonb) LANGUAGE sql AS
$$
    SELECT l.phone, e.data FROM cloudgreet.events e LEFT JOIN cloudgreet.leads l ON l.id = e.lead_id
     WHERE e.business_id = current_setting('test.b')::uuid AND e.event_type = 'message.skipped' ORDER BY e.id;
$$;
ALTER TABLE cloudgreet.message_templates DISABLE TRIGGER message_templates_check;
UPDATE cloudgreet.message_templates SET content = 'Hi {{firstName}}' WHERE business_id = :'business' AND name = 'confirmation';
ALTER TABLE cloudgreet.message_templates ENABLE TRIGGER message_templates_check;
SELECT severity, regexp_replace(problem, '[0-9a-f-]{36}', 'B') AS problem FROM cloudgreet_private.doctor_templates() WHERE problem ~ 'confirmation';
SELECT public.book('+13125557102', 16) AS a \gset
DELETE FROM cloudgreet.message_templates WHERE business_id = :'business' AND name = 'confirmation';
INSERT INTO cloudgreet.message_templates (business_id, name, channel, content) VALUES (:'business', 'confirmation', 'sms', '{{staff}} {{staff}} {{staff}} {{staff}}');
UPDATE cloudgreet.staff SET name = repeat('й', 200) WHERE business_id = :'business';
SELECT public.book('+13125557102', 17) AS a \gset
DELETE FROM cloudgreet.message_templates WHERE business_id = :'business' AND name = 'confirmation';
UPDATE cloudgreet.staff SET name = 'Dana' WHERE business_id = :'business';
INSERT INTO cloudgreet.leads (business_id, phone, name) VALUES (:'business', '+18765550183', 'Jo'), (:'business', '+13125557104', 'Stopped');
INSERT INTO cloudgreet.leads (business_id, name) VALUES (:'business', 'Nobody');
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'business', '+13125557104', 'sms', 'opt_out');
SELECT public.book('+18765550183', 18) AS a, public.book('+13125557104', 19) AS b \gset
SELECT status FROM cloudgreet.book_appointment(:'service', '2026-06-22 20:00Z', (SELECT id FROM cloudgreet.leads WHERE business_id = :'business' AND name = 'Nobody'), business_id => :'business');
UPDATE cloudgreet.phone_numbers SET is_active = false WHERE business_id = :'business';
SELECT public.book('+13125557102', 13) AS a \gset
SELECT * FROM public.skipped();
SELECT alert_type, message FROM cloudgreet.alerts WHERE business_id = :'business' ORDER BY id;

\set ECHO none
DROP FUNCTION public.store(text, text, text, text, text), public.book(text, integer), public.skipped();
DROP FUNCTION public.ask(text, text, text, text, jsonb), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
\i test/lib/drop_master_key.sql
