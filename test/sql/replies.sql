/*
 * replies.sql
 *		What a lead answers to texts about its appointment, and what an automatic message
 *		that is not true any more comes to.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
\i test/lib/claim.sql
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
SELECT cloudgreet.create_business('Lakeside Dental', 'America/Chicago') AS b \gset
SELECT cloudgreet.set_secret('telnyx', 'x', :'b') AS a, cloudgreet.set_secret('resend', 'x', :'b') AS c,
       cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'b') AS telnyx,
       cloudgreet.connect_provider('resend', '{"api_key": "resend"}', '{"from": "Lakeside <office@lakeside.example>"}', business_id => :'b') AS e,
       cloudgreet.add_phone_number('+13125550160', business_id => :'b') AS f,
       cloudgreet.create_service('Cleaning', 60, business_id => :'b') AS service,
       cloudgreet.add_staff('Dana', business_id => :'b') AS staff \gset
SELECT set_config('test.b', :'b', false) AS a, set_config('test.telnyx', :'telnyx', false) AS c \gset
INSERT INTO cloudgreet.leads (business_id, phone, name) VALUES (:'b', '+13125550161', 'Ana Ruiz') RETURNING id AS ana \gset
-- A text of the lead at a time, processed as its webhook would be; the clock is there already.
CREATE FUNCTION public.reply(id text, words text, at text DEFAULT cloudgreet.clock()::text) RETURNS integer LANGUAGE sql AS
$$
    INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body)
    SELECT current_setting('test.b')::uuid, current_setting('test.telnyx')::uuid, 'telnyx', 'message.received', id, id, '{}',
           convert_to(jsonb_build_object('data', jsonb_build_object('event_type', 'message.received', 'id', id, 'payload', jsonb_build_object(
               'id', id, 'text', words, 'received_at', to_char(at::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'from', '{"phone_number": "+13125550161"}'::jsonb, 'to', '[{"phone_number": "+13125550160"}]'::jsonb)))::text, 'UTF8');
    SELECT cloudgreet_private.process_webhooks();
$$;
CREATE FUNCTION public.visits() RETURNS TABLE (starts_at timestamptz, status text, cancel_reason text) LANGUAGE sql AS
$$
    SELECT scheduled_date, status, cancel_reason FROM cloudgreet.appointments WHERE business_id = current_setting('test.b')::uuid ORDER BY id;
$$;
CREATE FUNCTION public.sent() RETURNS TABLE (state text, reason text, says text) LANGUAGE sql AS
$$
    SELECT o.state, o.reason, left(m.content, 60) FROM cloudgreet_private.requests o JOIN cloudgreet.sms_messages m ON m.id = o.subject_id
     WHERE o.business_id = current_setting('test.b')::uuid ORDER BY o.id;
$$;
CREATE FUNCTION public.forget() RETURNS void LANGUAGE sql AS $$ DELETE FROM cloudgreet_private.outbox WHERE business_id = current_setting('test.b')::uuid;
    DELETE FROM cloudgreet_private.outbox_history WHERE business_id = current_setting('test.b')::uuid $$;
SET timezone = 'America/Chicago';
\pset footer off
\set ECHO all

-- A plain yes or no, and nothing else, is an answer.
SELECT w, cloudgreet_private.reply_word(w) FROM unnest('{Y, "Yes!", "ok.", N, " NO ", "I can''t make it", "yes but later", "no idea", stop, ""}'::text[]) w;

-- The text that asks for an answer fits in one message.
SELECT id AS visit FROM cloudgreet.book_appointment(:'service', '2026-06-10 10:00-05', :'ana', business_id => :'b') \gset
SELECT length(content), content FROM cloudgreet.sms_messages WHERE business_id = :'b';
-- What the lead wrote before it is no answer to it; Y is, once.
SELECT public.reply('early', 'yes', '2026-06-08 10:59-05');
SELECT * FROM public.visits();
SET cloudgreet.clock = '2026-06-08 16:10:00Z';
SELECT public.reply('y', 'Y'), public.reply('y again', 'yes');
SELECT * FROM public.visits();
SELECT count(*) AS confirmations FROM cloudgreet.events WHERE business_id = :'b' AND event_type = 'appointment.confirmed';
-- N has the lead asked for another time, and the business told; a confirmed appointment stays.
SELECT public.forget() \g /dev/null
SELECT public.reply('n', 'n');
SELECT * FROM public.visits();
SELECT * FROM public.sent();
SELECT alert_type FROM cloudgreet.alerts WHERE business_id = :'b';
-- "Yes" to that question says nothing about the time.
SELECT public.reply('y to the question', 'yes');
SELECT count(*) AS declined FROM cloudgreet.events WHERE business_id = :'b' AND event_type = 'appointment.declined';
-- Nor does an answer to what somebody else asked.
SELECT id AS second FROM cloudgreet.book_appointment(:'service', '2026-06-11 10:00-05', :'ana', business_id => :'b') \gset
SET cloudgreet.clock = '2026-06-08 16:20:00Z';
SELECT FROM cloudgreet.send_sms('+13125550161', 'Do you have a dog?', business_id => :'b');
SELECT public.reply('dog', 'Yes', '2026-06-08 11:21-05');
SELECT * FROM public.visits();
-- A business may have N cancel.  In whatever order Y and N are processed, it is the same.
UPDATE cloudgreet.businesses SET settings = '{"replies": {"no": "cancel"}}' WHERE id = :'b';
SELECT status FROM cloudgreet.reschedule_appointment(:'second', '2026-06-11 11:00-05', business_id => :'b');
BEGIN;
SELECT public.reply('one', 'Y', '2026-06-08 11:22-05'), public.reply('two', 'N', '2026-06-08 11:23-05');
SELECT * FROM public.visits() OFFSET 1;
ROLLBACK;
SELECT public.reply('two', 'N', '2026-06-08 11:23-05'), public.reply('one', 'Y', '2026-06-08 11:22-05');
SELECT * FROM public.visits() OFFSET 1;
-- What is said of a time, and processed after that was moved, is not said of the new one.
SELECT id AS moved FROM cloudgreet.book_appointment(:'service', '2026-06-16 10:00-05', :'ana', business_id => :'b') \gset
UPDATE cloudgreet.sms_messages m SET status = 'delivered' FROM cloudgreet_private.message_causes c WHERE c.message_id = m.id AND c.cause_id = :'moved';
SET cloudgreet.clock = '2026-06-08 16:30:00Z';
SELECT status FROM cloudgreet.reschedule_appointment(:'moved', '2026-06-17 10:00-05', business_id => :'b');
SELECT public.reply('late no', 'N', '2026-06-08 11:25-05'), public.reply('late yes', 'Y', '2026-06-08 11:26-05');
SELECT * FROM public.visits() OFFSET 2;
SELECT public.reply('yes to the new time', 'Y', '2026-06-08 11:31-05');
SELECT * FROM public.visits() OFFSET 2;
SELECT status FROM cloudgreet.cancel_appointment(:'moved', business_id => :'b');

-- A text that was under way when its appointment was canceled is not repeated.
SELECT public.forget() \g /dev/null
SELECT id AS third FROM cloudgreet.book_appointment(:'service', '2026-06-12 10:00-05', :'ana', business_id => :'b') \gset
UPDATE cloudgreet_private.outbox SET state = 'sending', attempts = 1, first_sent_at = cloudgreet.clock() WHERE business_id = :'b';
SELECT status FROM cloudgreet.cancel_appointment(:'third', business_id => :'b');
UPDATE cloudgreet_private.outbox SET state = 'queued' WHERE business_id = :'b' AND state = 'sending';
SELECT public.claim(:'b');
SELECT * FROM public.sent();
-- Nor is one sent that waits for an account; and none after its appointment.
SELECT public.forget() \g /dev/null
UPDATE cloudgreet.provider_accounts SET status = 'paused' WHERE business_id = :'b' AND provider = 'telnyx';
SELECT id AS fourth FROM cloudgreet.book_appointment(:'service', '2026-06-15 10:00-05', :'ana', business_id => :'b') \gset
SELECT id AS fifth FROM cloudgreet.book_appointment(:'service', '2026-06-09 09:00-05', :'ana', business_id => :'b') \gset
SELECT public.claim(:'b');
SELECT status FROM cloudgreet.cancel_appointment(:'fourth', business_id => :'b');
SET cloudgreet.clock = '2026-06-09 14:00:01Z';
UPDATE cloudgreet.provider_accounts SET status = 'active' WHERE business_id = :'b' AND provider = 'telnyx';
SELECT cloudgreet_private.release_held(100) AS released;
SELECT public.claim(:'b');
SELECT * FROM public.sent();

-- A booking and an enrollment that did not see each other: no step is sent.
SELECT cloudgreet.create_follow_up(business_id => :'b') AS follow_up \gset
SELECT cloudgreet.enroll_in_sequence('follow_up', :'ana', :'b') AS enrollment \gset
SELECT public.forget() \g /dev/null
INSERT INTO cloudgreet.appointments (business_id, lead_id, service_id, scheduled_date, ends_at, status, time_zone)
VALUES (:'b', :'ana', :'service', '2026-06-20 10:00-05', '2026-06-20 11:00-05', 'completed', 'America/Chicago') RETURNING id AS unseen \gset
ALTER TABLE cloudgreet.appointments DISABLE TRIGGER appointments_automate;
UPDATE cloudgreet.appointments SET status = 'scheduled' WHERE id = :'unseen';
ALTER TABLE cloudgreet.appointments ENABLE TRIGGER appointments_automate;
SET cloudgreet.clock = '2026-06-09 14:10:01Z';
SELECT cloudgreet.tick() >= 1 AS due;
SELECT status, ended_reason FROM cloudgreet.sequence_enrollments WHERE id = :'enrollment';
SELECT * FROM public.sent();

-- What is late is told; a database that is not active does nothing.
SET cloudgreet.clock = '2026-06-20 13:00:00Z';
INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at) VALUES (:'b', 'reminder', cloudgreet.uuid_v7(), cloudgreet.clock() - interval '6 minutes');
SELECT severity, regexp_replace(problem, '\d+', 'N') FROM cloudgreet.doctor() WHERE problem ~ 'late';
SELECT FROM cloudgreet.pause();
SELECT cloudgreet.tick();
SELECT FROM cloudgreet.activate();
SELECT cloudgreet.tick() >= 1 AS ticks;
SELECT count(*) FROM cloudgreet.doctor() WHERE problem ~ 'late';

-- The same key gets the same message; for another one it is refused.
SELECT cloudgreet.send_sms('+13125550161', 'Hello', idempotency_key => 'k', business_id => :'b') = cloudgreet.send_sms('+1 312 555 0161', 'Hello', idempotency_key => 'k', business_id => :'b') AS "one text",
       cloudgreet.send_email('ana@example.com', 'Hello', 'Ana', idempotency_key => 'k', business_id => :'b') = cloudgreet.send_email('ana@example.com', 'Hello', 'Ana', idempotency_key => 'k', business_id => :'b') AS "one e-mail";
\set VERBOSITY sqlstate
SELECT cloudgreet.send_sms('+13125550161', 'Bye', idempotency_key => 'k', business_id => :'b');
SELECT cloudgreet.send_email('ana@example.com', 'Hello', 'Bo', idempotency_key => 'k', business_id => :'b');
\set ECHO none
DROP FUNCTION public.reply(text, text, text), public.visits(), public.sent(), public.forget();
DROP FUNCTION public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
\i test/lib/drop_master_key.sql
