/*
 * automation.sql
 *		What happens by itself: confirmations, reminders, follow-ups, under a clock that is
 *		moved.  The way through a provider and signed events is test/t/160_call_flow.pl.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
SELECT cloudgreet.create_business('Lakeside Dental', 'America/Chicago') AS b \gset
SELECT cloudgreet.set_secret('telnyx', 'x', :'b') AS a, cloudgreet.set_secret('resend', 'x', :'b') AS c,
       cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'b') AS d,
       cloudgreet.connect_provider('resend', '{"api_key": "resend"}', '{"from": "Lakeside <office@lakeside.example>"}', business_id => :'b') AS e,
       cloudgreet.add_phone_number('+13125550150', business_id => :'b') AS f,
       cloudgreet.create_service('Cleaning', 60, business_id => :'b') AS service,
       cloudgreet.add_staff('Dana', business_id => :'b') AS staff \gset
SELECT set_config('test.b', :'b', false) AS a \gset
INSERT INTO cloudgreet.leads (business_id, phone, name, email) VALUES (:'b', '+13125550151', 'Ana Ruiz', 'ana@example.com') RETURNING id AS ana \gset
INSERT INTO cloudgreet.leads (business_id, name, email) VALUES (:'b', 'Bo', 'bo@example.com') RETURNING id AS bo \gset
-- What has been written to the lead, in order, with the state of its request.
CREATE FUNCTION public.sent() RETURNS TABLE (channel text, state text, says text) LANGUAGE sql AS
$$
    SELECT o.channel, o.state, coalesce(m.content, e.subject)
      FROM cloudgreet_private.requests o LEFT JOIN cloudgreet.sms_messages m ON m.id = o.subject_id LEFT JOIN cloudgreet.emails e ON e.id = o.subject_id
     WHERE o.business_id = current_setting('test.b')::uuid ORDER BY o.id;
$$;
CREATE FUNCTION public.reminders() RETURNS TABLE (type text, channel text, due_at timestamptz, status text, work timestamptz) LANGUAGE sql AS
$$
    SELECT r.type, r.channel, r.due_at, r.status, w.due_at
      FROM cloudgreet.appointment_reminders r LEFT JOIN cloudgreet_private.due_work w ON w.subject_id = r.id
     WHERE r.business_id = current_setting('test.b')::uuid ORDER BY r.due_at, r.status;
$$;
CREATE FUNCTION public.enrolled() RETURNS TABLE (lead text, status text, ended_reason text, next_position int, next_due_at timestamptz, work boolean) LANGUAGE sql AS
$$
    SELECT l.name, e.status, e.ended_reason, e.next_position, e.next_due_at, w.subject_id IS NOT NULL
      FROM cloudgreet.sequence_enrollments e JOIN cloudgreet.leads l ON l.id = e.lead_id LEFT JOIN cloudgreet_private.due_work w ON w.subject_id = e.id
     WHERE e.business_id = current_setting('test.b')::uuid ORDER BY e.id;
$$;
CREATE FUNCTION public.forget() RETURNS void LANGUAGE sql AS
$$
    DELETE FROM cloudgreet_private.outbox WHERE business_id = current_setting('test.b')::uuid;
    DELETE FROM cloudgreet_private.outbox_history WHERE business_id = current_setting('test.b')::uuid;
    DELETE FROM cloudgreet_private.message_causes WHERE business_id = current_setting('test.b')::uuid;
$$;
SET timezone = 'America/Chicago';
\pset footer off
\set ECHO all

-- Templates: in one pass, so that a value is never taken for a variable; unknown ones vanish.
SELECT cloudgreet_private.render_template('{{a}}, {{ b }}{{c}}!', '{"a": "{{b}}", "b": "2"}');
-- Of many at a time: a value for each name; without blanks around it, braces that are no variable stay.
SELECT cloudgreet.fill_template(E' {{a}} {{\tb\n}}{{c}} {{A}} {{{a}} {{a}\n', '{a,b}', ARRAY['x', NULL, '{{b}}', '2']) AS texts;
SELECT cloudgreet.fill_template('Hi', '{}', '{}') AS nobody, cloudgreet.fill_template('{{a}}', '{a}', '{}') AS none, cloudgreet.fill_template('', '{a}', '{x}') AS empty;
SELECT cloudgreet.fill_template('{{a}}', '{a,b}', '{x}');
SELECT cloudgreet.fill_template('{{a}}', '{a}', array_fill('x'::text, ARRAY[1001]));
SELECT t, cloudgreet.is_plain_template(t, '{a,b}') FROM unnest(ARRAY['Hi {{a}}, {{ b }}', 'Hi {{c}}', 'Hi {a}', 'Hi {{a', '50% off', 'Hi <b>', 'Hi [b]', 'a_b']) t;

-- A booking is confirmed at once, by text and e-mail, and reminded of a day and an hour before.
SELECT id AS visit FROM cloudgreet.book_appointment(:'service', '2026-06-10 10:00-05', :'ana', business_id => :'b') \gset
SELECT * FROM public.sent();
SELECT * FROM public.reminders();
-- Moved: what waits is taken back, the new time is told, the reminders move.
SELECT status FROM cloudgreet.reschedule_appointment(:'visit', '2026-06-11 14:00-05', business_id => :'b');
SELECT * FROM public.sent();
SELECT * FROM public.reminders();

-- Nothing is due before its time; then each is released once.
SELECT cloudgreet.tick() AS early;
SET cloudgreet.clock = '2026-06-10 14:00:30-05';
SELECT public.forget() \g /dev/null
SELECT cloudgreet.tick() AS due, cloudgreet.tick() AS again;
SELECT * FROM public.sent();
SELECT * FROM public.reminders();
-- The provider's answer settles the reminder.
UPDATE cloudgreet.sms_messages m SET status = 'sent', sent_at = cloudgreet.clock()
  FROM cloudgreet_private.message_causes c WHERE c.message_id = m.id AND c.reminder_id IS NOT NULL AND m.business_id = :'b';
SELECT * FROM public.reminders();
-- Canceled: what waits is taken back, and no reminder is left.
SELECT public.forget() \g /dev/null
SELECT status FROM cloudgreet.cancel_appointment(:'visit', business_id => :'b');
SELECT * FROM public.sent();
SELECT * FROM public.reminders();
SELECT count(*) AS work FROM cloudgreet_private.due_work WHERE business_id = :'b';

-- Soon: only the reminder that is still ahead.  Without a phone by e-mail.
SELECT public.forget() \g /dev/null
SELECT id AS soon FROM cloudgreet.book_appointment(:'service', '2026-06-10 16:00-05', :'bo', business_id => :'b') \gset
SELECT * FROM public.sent();
SELECT type, channel, status FROM public.reminders() WHERE channel = 'email';
-- A tick that comes after the appointment reminds nobody.
SET cloudgreet.clock = '2026-06-10 18:00-05';
SELECT cloudgreet.tick() AS late;
SELECT type, channel, status FROM public.reminders() WHERE channel = 'email';

-- Nothing to send from, or nobody to send to: the booking stands all the same.
BEGIN;
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'b', '+13125550151', 'sms', 'manual');
DELETE FROM cloudgreet_private.outbox WHERE business_id = :'b'; DELETE FROM cloudgreet_private.outbox_history WHERE business_id = :'b';
SELECT status FROM cloudgreet.book_appointment(:'service', '2026-06-15 10:00-05', :'ana', business_id => :'b');
SELECT * FROM public.sent();
ROLLBACK;

-- A sequence: two texts, each in its time, then it is over.
SELECT cloudgreet.create_follow_up(business_id => :'b') AS follow_up \gset
SELECT public.forget() \g /dev/null
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b') AS enrollment \gset
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b') = :'enrollment' AS "the same";
SELECT * FROM public.enrolled();
SET cloudgreet.clock = '2026-06-10 18:10-05';
SELECT cloudgreet.tick() AS first, cloudgreet.tick() AS again;
SELECT * FROM public.sent();
SELECT * FROM public.enrolled();
SET cloudgreet.clock = '2026-06-12 18:10-05';
SELECT cloudgreet.tick() AS second, cloudgreet.tick() AS again;
SELECT * FROM public.enrolled();
-- The business's own words are sent.
UPDATE cloudgreet.message_templates SET content = 'Hello {{first_name}} from {{business_name}}' WHERE business_id = :'b' AND name = 'follow_up_1';
SELECT public.forget() \g /dev/null
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b') AS enrollment \gset
SET cloudgreet.clock = '2026-06-12 18:20-05';
SELECT cloudgreet.tick() AS first;
SELECT * FROM public.sent();

-- A booking ends it, and takes back what waits.
SELECT id AS visit FROM cloudgreet.book_appointment(:'service', '2026-06-16 10:00-05', :'ana', business_id => :'b') \gset
SELECT status, ended_reason, work FROM public.enrolled() OFFSET 1;
SELECT channel, state, left(says, 30) FROM public.sent();
-- So does STOP, and nobody who opted out is enrolled.
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b') AS enrollment \gset
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'b', '+13125550151', 'sms', 'opt_out');
SELECT status, ended_reason, work FROM public.enrolled() OFFSET 2;
\set VERBOSITY sqlstate
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b');
SELECT cloudgreet.enroll_in_sequence('nothing', :'bo', :'b');
SELECT cloudgreet.create_follow_up(business_id => :'b');
SELECT cloudgreet.create_follow_up('other', '{1}', business_id => :'b');

-- What raises is put off, then given up with an alert; it stops nobody else.
SELECT cloudgreet.enroll_in_sequence('follow_up', :'bo', :'b') AS enrollment \gset
CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE TRIGGER break BEFORE INSERT ON cloudgreet.emails FOR EACH ROW EXECUTE FUNCTION public.break();
SET cloudgreet.clock = '2026-06-12 18:40-05';
SELECT cloudgreet.tick() AS raised;
SELECT attempts, due_at FROM cloudgreet_private.due_work WHERE subject_id = :'enrollment';
UPDATE cloudgreet_private.due_work SET attempts = 5, due_at = cloudgreet.clock() WHERE subject_id = :'enrollment';
SELECT cloudgreet.tick() AS raised;
DROP TRIGGER break ON cloudgreet.emails;
SELECT lead, status, ended_reason, work FROM public.enrolled() OFFSET 3;
SELECT alert_type, message FROM cloudgreet.alerts WHERE business_id = :'b';

-- Agents are switched by admins; the HTTP paths answer what the functions return.
CREATE FUNCTION public.agent(method text, path text, body text DEFAULT '', role text DEFAULT 'admin') RETURNS TABLE (status int, says text) LANGUAGE sql AS
$$
    SELECT r.status, left(regexp_replace(convert_from(r.body, 'UTF8'), '[0-9a-f-]{36}', 'ID', 'g'), 110)
      FROM cloudgreet.http(method, '/api/agent/' || path, jsonb_build_object('content-type', 'application/json', 'authorization',
               'Bearer ' || public.mint(public.claims(current_setting('test.b')::uuid, role), 'a-secret-of-at-least-thirty-two-bytes')), convert_to(body, 'UTF8')) r
$$;
RESET cloudgreet.clock;
SELECT cloudgreet.add_jwt_key('automation', 'a-secret-of-at-least-thirty-two-bytes'), cloudgreet.create_agent('Front desk', business_id => :'b') AS agent \gset
SELECT * FROM public.agent('GET', 'status', role => 'agent');
SELECT * FROM public.agent('POST', 'stop');
SELECT * FROM public.agent('POST', 'start', '{}', 'user');
SELECT * FROM public.agent('POST', 'start', '{"agent": 1}');
SELECT * FROM public.agent('POST', 'start', format('{"agent_id": "%s"}', :'agent'));
SELECT * FROM public.agent('POST', 'start', format('{"agent_id": "%s"}', :'b'));

-- Jobs need pg_cron; the role that they run as may call tick() and nothing else.
SELECT cloudgreet.schedule_jobs();
SET SESSION AUTHORIZATION cloudgreet_cron;
SELECT cloudgreet.tick() >= 0 AS ticks;
SELECT cloudgreet.agent_status(:'b');
SELECT count(*) FROM cloudgreet.leads;
RESET SESSION AUTHORIZATION;
DROP FUNCTION public.sent(), public.reminders(), public.enrolled(), public.forget(), public.break(), public.agent(text, text, text, text);
DELETE FROM cloudgreet_private.jwt_keys WHERE kid = 'automation';
SELECT count(*) AS faults FROM cloudgreet_private.outbox_faults() WHERE business_id = :'b' AND fault !~ 'no request';
\set ECHO none
DROP FUNCTION public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
\i test/lib/drop_master_key.sql
