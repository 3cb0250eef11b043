/*
 * opt_outs.sql
 *		How an opt-out comes about, what it outlives, and who ends it.
 */
\set ECHO none
\i test/lib/ask.sql
\pset format unaligned
\pset tuples_only on
SET cloudgreet.clock = '2026-07-06 15:00:00Z';
\set QUIET on
SELECT cloudgreet.set_secret('telnyx', 'x', :'business') AS a, cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'business') AS telnyx,
       cloudgreet.add_phone_number('+13125550170', business_id => :'business') AS c \gset
SELECT public.mint(public.claims(:'business', 'admin', '{"iat": 1, "exp": 99999999999}'), :'secret') AS admin, public.mint(public.claims(:'business', 'agent', '{"iat": 1, "exp": 99999999999}'), :'secret') AS agent,
       public.mint(public.claims(:'other', 'admin', '{"iat": 1, "exp": 99999999999}'), :'secret') AS neighbour \gset
SELECT set_config('test.b', :'business', false) AS a, set_config('test.telnyx', :'telnyx', false) AS b \gset
INSERT INTO cloudgreet.leads (business_id, phone, name, email) VALUES (:'business', '+13125550171', 'Dana Reyes', 'dana@example.com');
-- A text of a contact, said at a time of the day, and processed.
CREATE FUNCTION public.says(words text, at text, contact text DEFAULT '+13125550171') RETURNS integer LANGUAGE sql AS
$$
    INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body)
    SELECT current_setting('test.b')::uuid, current_setting('test.telnyx')::uuid, 'telnyx', 'message.received', contact || at, contact || at, '{}',
           convert_to(jsonb_build_object('data', jsonb_build_object('event_type', 'message.received', 'payload', jsonb_build_object(
               'text', words, 'received_at', '2026-07-06T' || at || ':00Z',
               'from', jsonb_build_object('phone_number', contact), 'to', '[{"phone_number": "+13125550170"}]'::jsonb)))::text, 'UTF8');
    SELECT cloudgreet_private.process_webhooks();
$$;
CREATE FUNCTION public.suppressed() RETURNS TABLE (contact text, channel text, reason text, since text) LANGUAGE sql AS
$$
    SELECT s.contact, s.channel, s.reason, to_char(s.created_at AT TIME ZONE 'UTC', 'HH24:MI') FROM cloudgreet.suppressions s
     WHERE s.business_id = current_setting('test.b')::uuid ORDER BY 1, 2, 3
$$;
CREATE FUNCTION public.agreed() RETURNS TABLE (at text, channel text, kind text, is_granted boolean, source text, evidence text) LANGUAGE sql AS
$$
    SELECT to_char(c.recorded_at AT TIME ZONE 'UTC', 'HH24:MI'), c.channel, c.kind, c.is_granted, c.source, c.evidence FROM cloudgreet.consents c
     WHERE c.business_id = current_setting('test.b')::uuid ORDER BY c.recorded_at, 2, 3
$$;
\set ECHO all
-- A STOP beside a suppression by hand: both stand, and each goes by itself.
SELECT * FROM public.ask('POST', '/rest/v1/suppressions', :'admin', '{"contact": "+13125550171", "channel": "sms", "reason": "manual"}');
SELECT public.says('STOP', '10:00');
SELECT contact, channel, reason FROM public.suppressed();
SELECT status FROM public.ask('DELETE', '/rest/v1/suppressions?reason=eq.manual', :'admin');
SELECT * FROM public.suppressed();
-- Nobody deletes it, nor makes something else of it.
SELECT * FROM public.ask('DELETE', '/rest/v1/suppressions?contact=eq.%2B13125550171', :'admin');
SELECT * FROM public.ask('DELETE', '/rest/v1/suppressions?contact=eq.%2B13125550171', :'agent');
SET ROLE service_role;
\set VERBOSITY sqlstate
DELETE FROM cloudgreet.suppressions;
UPDATE cloudgreet.suppressions SET reason = 'manual';
UPDATE cloudgreet.suppressions SET channel = 'voice', contact = '+13125550179';
INSERT INTO cloudgreet.suppressions AS s (business_id, contact, channel, reason) VALUES (:'business', '+13125550171', 'sms', 'opt_out')
    ON CONFLICT ON CONSTRAINT suppressions_business_id_contact_channel_reason_key DO UPDATE SET channel = 'voice';
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'business', 'dana@example.com', 'email', 'complaint'), (:'business', 'dana@example.com', 'email', 'bounce');
DELETE FROM cloudgreet.suppressions WHERE reason = 'complaint';
DELETE FROM cloudgreet.suppressions WHERE reason = 'bounce';
RESET ROLE;
SELECT * FROM public.suppressed();
-- Lifted with a reason by an admin, who is recorded; not by others, without a reason, or twice.
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'agent', '{"contact": "+13125550171", "channel": "sms", "reason": "asked us to"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'neighbour', '{"contact": "+13125550171", "channel": "sms", "reason": "asked us to"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'admin', '{"contact": "+13125550171", "channel": "sms", "reason": " "}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'admin', '{"contact": "+13125550171", "channel": "sms", "reason": "n/a"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'admin', '{"contact": "+13125550171", "channel": "voice", "reason": "asked us to"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'admin', '{"contact": "(312) 555-0171", "channel": "sms", "reason": "Signed the form of July 6 in our office."}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/lift_opt_out', :'admin', '{"contact": "+13125550171", "channel": "sms", "reason": "again"}');
SELECT cloudgreet.lift_opt_out('dana@example.com', 'email', 'Wrote from this address that the complaint was a slip.', :'business');
SELECT * FROM public.suppressed();
SELECT * FROM public.agreed();
SELECT action, subject_type, actor_id IS NOT NULL, data FROM cloudgreet.audit_log WHERE business_id = :'business' ORDER BY id;
SELECT e.event_type, e.data, l.name FROM cloudgreet.events e LEFT JOIN cloudgreet.leads l ON l.id = e.lead_id WHERE e.business_id = :'business' AND e.event_type ~ 'opt_out' ORDER BY e.id;
-- What was said before that does not bring it back, when it comes late or once more; what is said after it does.
SELECT public.says('please stop texting me', '14:59');
SELECT cloudgreet.replay_webhook(i.id, i.business_id) FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = :'business' AND dedup_key = '+1312555017110:00';
SELECT cloudgreet_private.process_webhooks(), count(*) FROM public.suppressed();
SELECT public.says('stop', '15:01');
SELECT * FROM public.suppressed();
-- An opt-out that a person recorded stays under a START of before, and ends by one of after.
SELECT public.says('START', '15:30', '+13125550172');
SET cloudgreet.clock = '2026-07-06 16:00:00Z';
SELECT status FROM public.ask('POST', '/rest/v1/suppressions', :'admin', '{"contact": "+13125550172", "channel": "sms", "reason": "opt_out"}');
SELECT public.says('unstop', '15:40', '+13125550172');
SELECT * FROM public.suppressed() WHERE contact ~ '172';
SELECT public.says('unstop', '16:10', '+13125550172');
SELECT count(*) FROM public.suppressed() WHERE contact ~ '172';
-- In words of their own a person is asked to look, until the last of them has joined again or was lifted.
SELECT public.says('You have the wrong number', '16:20', '+13125550173'), public.says('quit texting me', '16:21', '+13125550174');
SELECT alert_type, status FROM cloudgreet.alerts WHERE business_id = :'business';
SELECT public.says('Start', '16:30', '+13125550173');
SELECT alert_type, status FROM cloudgreet.alerts WHERE business_id = :'business';
SELECT cloudgreet.lift_opt_out('+13125550174', 'sms', 'Said on the telephone that it was meant for somebody else.', :'business');
SELECT alert_type, status, resolved_at IS NOT NULL FROM cloudgreet.alerts WHERE business_id = :'business';
-- A text of ours that comes back without marks is none of theirs.
INSERT INTO cloudgreet.sms_messages (business_id, lead_id, direction, from_number, to_number, content)
SELECT :'business', l.id, 'outbound', '+13125550170', l.phone, 'Text QUIT and we will stop messaging you. Is Monday good?' FROM cloudgreet.leads l WHERE l.business_id = :'business' AND l.phone IN ('+13125550173', '+13125550174');
SELECT public.says('Te gustó Text QUIT and we will stop messaging you. Is Mon...', '16:40', '+13125550173'), public.says('Text QUIT and we will stop messaging you. Quit texting me', '16:40', '+13125550174');
SELECT contact FROM public.suppressed() WHERE contact ~ '17[34]';
-- Of ten thousand words of a contact a further one looks at its neighbours only.
INSERT INTO cloudgreet.sms_messages (business_id, direction, from_number, to_number, content, status, provider, provider_message_id, opt_word, status_at)
SELECT :'business', 'inbound', '+13125550175', '+13125550170', 'x', 'received', 'telnyx', 'many' || n, CASE n % 2 WHEN 0 THEN 'stop' ELSE 'start' END, timestamptz '2026-07-01 00:00Z' + n * interval '1 second'
  FROM generate_series(1, 10000) n;
ANALYZE cloudgreet.sms_messages;
SELECT pg_stat_force_next_flush();
CREATE TEMP TABLE reads AS SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables LIMIT 0;
BEGIN;
SELECT public.says('stop', '16:50', '+13125550175');
INSERT INTO reads SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE schemaname = 'cloudgreet' AND relname = 'sms_messages';
COMMIT;
SELECT seq_scan, idx_tup_fetch < 60 FROM reads;
SELECT count(*) FROM public.suppressed() WHERE contact ~ '175';
-- Locks are rows: no key is to be seen, or for others to take. Old ones go.
BEGIN;
SELECT cloudgreet_private.lock_entity(:'business', 'call 1'), cloudgreet_private.lock_contact(:'business', '+13125550171');
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;
SELECT has_table_privilege(r, 'cloudgreet_private.entity_locks', 'SELECT, INSERT, UPDATE, DELETE') FROM unnest('{anon,authenticated,service_role,cloudgreet_app}'::text[]) r;
SET cloudgreet.clock = '2026-07-08 16:00:00Z';
SELECT cloudgreet_private.prune_locks() > 3;
SELECT count(*) FROM cloudgreet_private.entity_locks WHERE business_id = :'business';

-- Some telephones quote without marks: what we wrote to that contact is ours, what stands beside it is not.
BEGIN;
INSERT INTO cloudgreet.sms_messages (business_id, lead_id, direction, from_number, to_number, content, status)
SELECT l.business_id, l.id, 'outbound', '+13125550170', l.phone, 'Dana, write either keep me posted or please stop texting me.', 'sent' FROM cloudgreet.leads l WHERE l.business_id = :'business' AND l.phone = '+13125550171';
SELECT w.words, cloudgreet_private.heard_opt(l.business_id, l.id, '+13125550171', w.words, NULL) AS person, cloudgreet_private.heard_opt(l.business_id, l.id, '+13125550179', w.words, NULL) AS somebody_else
  FROM cloudgreet.leads l, (VALUES ('Dana, write either keep me posted or please stop texting me. Thursday is fine'), ('Dana, write either keep me posted or please stop texting me. I said: take me off your list')) w (words)
 WHERE l.business_id = :'business' AND l.phone = '+13125550171';
ROLLBACK;

-- The step that brought this mends what was hidden or deleted before: whose last word is STOP, and who has not agreed since.
BEGIN;
DELETE FROM cloudgreet.suppressions WHERE business_id = :'business';
DELETE FROM cloudgreet.sms_messages WHERE business_id = :'business';
DROP TABLE cloudgreet_private.opt_lifts, cloudgreet_private.entity_locks;
DROP INDEX cloudgreet.sms_messages_review_stop;
ALTER TABLE cloudgreet.suppressions DROP CONSTRAINT suppressions_business_id_contact_channel_reason_key,
    ADD CONSTRAINT suppressions_business_id_contact_channel_key UNIQUE (business_id, contact, channel);
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES (:'business', '+13125550181', 'sms', 'manual'), (:'business', '+13125550184', 'sms', 'opt_out');
INSERT INTO cloudgreet.sms_messages (business_id, direction, from_number, to_number, content, status, provider, provider_message_id, opt_word, status_at)
SELECT :'business', 'inbound', '+1312555018' || n, '+13125550170', w, 'received', 'telnyx', 'old' || n || w || at, w, ('2026-07-02 ' || at || 'Z')::timestamptz
  FROM (VALUES (1, 'start', '09:00'), (1, 'review_stop', '10:00'), (2, 'stop', '10:00'), (2, 'start', '11:00'), (3, 'stop', '10:00'), (4, 'stop', '10:00'), (5, 'stop', '10:00')) v (n, w, at);
INSERT INTO cloudgreet.consents (business_id, contact, channel, kind, is_granted, source, recorded_at) VALUES (:'business', '+13125550185', 'sms', 'marketing', true, 'paper', '2026-07-03Z');
SET LOCAL ROLE cloudgreet_owner;
\set ECHO none
\i sql/schema/112_opt_outs.sql
\set ECHO all
RESET ROLE;
SELECT contact, reason FROM public.suppressed();
ROLLBACK;

\set ECHO none
DROP FUNCTION public.says(text, text, text), public.suppressed(), public.agreed();
\i test/lib/drop_ask.sql
