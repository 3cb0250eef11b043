/*
 * sequence_steps.sql
 *		Steps of sequences that are due at one time are taken together: who replied or booked
 *		meanwhile leaves, who cannot be texted is passed over, one that raises is put off alone.
 */
\set ECHO none
\i test/lib/master_key.sql
SET cloudgreet.clock = '2026-06-10 16:00:00Z';
\set QUIET on
SELECT cloudgreet.create_business('Steps', 'America/Chicago') AS b \gset
SELECT cloudgreet.set_secret('telnyx', 'x', :'b'), cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'b'),
       cloudgreet.add_phone_number('+13125550270', business_id => :'b'), cloudgreet.create_follow_up(business_id => :'b') \g /dev/null
WITH new_leads AS (
    INSERT INTO cloudgreet.leads (business_id, name, phone) SELECT :'b', 'Step ' || k, '+131255607' || to_char(k, 'FM00') FROM generate_series(1, 8) k RETURNING id, name)
SELECT cloudgreet.enroll_in_sequence('follow_up', l.id, :'b') FROM new_leads l ORDER BY l.name \g /dev/null
CREATE FUNCTION public.steps() RETURNS TABLE (lead text, status text, reason text, next int, due timestamp, work timestamp, told text) LANGUAGE sql AS $$
    SELECT l.name, e.status, e.ended_reason, e.next_position, e.next_due_at AT TIME ZONE 'UTC', w.due_at AT TIME ZONE 'UTC',
           (SELECT string_agg(v.event_type || coalesce(' ' || (v.data ->> 'position'), ''), ', ' ORDER BY v.id) FROM cloudgreet.events v
             WHERE v.lead_id = l.id AND v.event_type ~ '^(sequence.[^e]|sms|message)')
      FROM cloudgreet.sequence_enrollments e JOIN cloudgreet.leads l ON l.business_id = e.business_id AND l.id = e.lead_id
      LEFT JOIN cloudgreet_private.due_work w ON w.business_id = e.business_id AND w.subject_id = e.id WHERE l.name ~ '^Step' ORDER BY l.name;
$$;
CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.to_number = '+13125560706' THEN RAISE EXCEPTION 'broken'; END IF; RETURN new; END $$;
CREATE TRIGGER break BEFORE INSERT ON cloudgreet.sms_messages FOR EACH ROW EXECUTE FUNCTION public.break();
\pset footer off
\set ECHO all

-- Nothing of what is written so sees the enrollments, as of what is committed at the same time.
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO cloudgreet.sms_messages (business_id, lead_id, direction, from_number, to_number, content, status, status_at)
SELECT business_id, id, 'inbound', phone, '+13125550270', 'Hi', 'received', cloudgreet.clock() FROM cloudgreet.leads WHERE business_id = :'b' AND name = 'Step 2';
INSERT INTO cloudgreet.appointments (business_id, lead_id, scheduled_date, ends_at, time_zone)
SELECT business_id, id, '2026-06-20 15:00Z', '2026-06-20 16:00Z', 'UTC' FROM cloudgreet.leads WHERE business_id = :'b' AND name = 'Step 3';
UPDATE cloudgreet.leads SET phone = NULL WHERE business_id = :'b' AND name = 'Step 4';
UPDATE cloudgreet.leads SET phone = '+442079460998' WHERE business_id = :'b' AND name = 'Step 5';
COMMIT;
SET cloudgreet.clock = '2026-06-10 16:10:00Z';
SELECT cloudgreet.tick() AS done;
SELECT * FROM public.steps();
SELECT DISTINCT m.content, c.cause, c.name FROM cloudgreet.sms_messages m JOIN cloudgreet_private.message_causes c ON c.business_id = m.business_id AND c.message_id = m.id WHERE m.business_id = :'b';
DROP TRIGGER break ON cloudgreet.sms_messages;
-- The second step is the last; what was put off has its first.
SET cloudgreet.clock = '2026-06-12 16:10:00Z';
SELECT cloudgreet.tick() AS done;
SELECT * FROM public.steps();
-- An enrollment that was deleted leaves no work.
DELETE FROM cloudgreet.sequence_enrollments WHERE business_id = :'b' AND status = 'active';
SET cloudgreet.clock = '2026-06-14 16:10:00Z';
SELECT cloudgreet.tick() AS done, (SELECT count(*) FROM cloudgreet_private.due_work WHERE business_id = :'b') AS before;
SELECT count(*) AS after FROM cloudgreet_private.due_work WHERE business_id = :'b';

\set ECHO none
DELETE FROM cloudgreet.businesses WHERE id = :'b';
DROP FUNCTION public.steps(), public.break();
\i test/lib/drop_master_key.sql
