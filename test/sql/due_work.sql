/*
 * due_work.sql
 *		What is due is done in pieces: in turn by business, what raises alone is put off, what
 *		came too late says so.  Against locks it is test/specs/due_race.spec, by the processor
 *		test/t/163_due_work.pl.
 */
\set ECHO none
\i test/lib/master_key.sql
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
CREATE TABLE public.shops AS
SELECT cloudgreet.create_business('Shop ' || n, 'America/Chicago') AS b, n FROM generate_series(1, 3) n;
CREATE SEQUENCE public.number;
SELECT cloudgreet.set_secret('telnyx', 'x', b), cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => b),
       cloudgreet.add_phone_number('+1312555026' || n, business_id => b) FROM public.shops \g /dev/null
-- So many visits of a shop at a time, each of a lead of its own, with a reminder the day before.
CREATE FUNCTION public.visits(shop int, n int, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    WITH new_leads AS (
        INSERT INTO cloudgreet.leads (business_id, name, phone)
        SELECT s.b, 'Lead ' || k, '+1312556' || to_char(nextval('public.number'), 'FM0000') FROM public.shops s, generate_series(1, visits.n) k WHERE s.n = shop RETURNING business_id, id),
    visits AS (
        INSERT INTO cloudgreet.appointments (business_id, lead_id, scheduled_date, ends_at, time_zone)
        SELECT l.business_id, l.id, at, at + interval '1 hour', 'America/Chicago' FROM new_leads l RETURNING business_id, id),
    reminders AS (
        INSERT INTO cloudgreet.appointment_reminders (business_id, appointment_id, type, channel, due_at)
        SELECT v.business_id, v.id, '24h', 'sms', at - interval '24 hours' FROM visits v RETURNING business_id, id, due_at)
    INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at)
    SELECT r.business_id, 'reminder', r.id, r.due_at FROM reminders r;
    SET LOCAL session_replication_role = origin;
END $$;
CREATE FUNCTION public.state() RETURNS TABLE (shop int, status text, n bigint, left_over bigint) LANGUAGE sql AS $$
    SELECT s.n, r.status, count(*), count(w.subject_id) FROM public.shops s JOIN cloudgreet.appointment_reminders r ON r.business_id = s.b
      LEFT JOIN cloudgreet_private.due_work w ON w.business_id = s.b AND w.subject_id = r.id GROUP BY s.n, r.status ORDER BY s.n, r.status;
$$;
\pset footer off
\set ECHO all

-- A backlog of one shop holds up no other: more is due than a piece holds, and each has a share of it.
SELECT public.visits(1, 60, '2026-06-09 15:00Z'), public.visits(2, 3, '2026-06-09 15:30Z'), public.visits(3, 2, '2026-06-09 15:59Z') \g /dev/null
SELECT cloudgreet_private.release_due(20, clock_timestamp() + interval '1 minute') AS piece;
SELECT * FROM public.state();
-- A call of tick() goes on until nothing is due; the next finds nothing.
SELECT cloudgreet.tick() AS rest, cloudgreet.tick() AS again;
SELECT * FROM public.state();
SELECT count(*) AS texts, count(DISTINCT contact) AS people FROM cloudgreet_private.outbox o JOIN public.shops s ON s.b = o.business_id;
SELECT m.content FROM cloudgreet.sms_messages m JOIN public.shops s ON s.b = m.business_id WHERE s.n = 3 ORDER BY m.id LIMIT 1;
SELECT DISTINCT e.data FROM cloudgreet.events e JOIN public.shops s ON s.b = e.business_id WHERE s.n = 3 AND e.event_type = 'reminder.released';
-- When its time is over it ends, with what it has done; the next call goes on.
SELECT public.visits(1, 250, '2026-06-09 15:00Z'), public.visits(2, 250, '2026-06-09 15:00Z') \g /dev/null
SELECT cloudgreet_private.release_due(2000, clock_timestamp()) AS a_chunk;
SELECT cloudgreet.tick() AS rest;

-- Of many one raises: it alone is put off.
SELECT public.visits(2, 40, '2026-06-09 15:30Z') \g /dev/null
UPDATE cloudgreet.leads l SET name = 'Broken' FROM public.shops s WHERE l.business_id = s.b AND l.name = 'Lead 17'
   AND EXISTS (SELECT FROM cloudgreet_private.due_work w JOIN cloudgreet.appointment_reminders r ON r.id = w.subject_id JOIN cloudgreet.appointments a ON a.id = r.appointment_id WHERE a.lead_id = l.id);
CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.content ~ 'Broken' THEN RAISE EXCEPTION 'broken'; END IF; RETURN new; END $$;
CREATE TRIGGER break BEFORE INSERT ON cloudgreet.sms_messages FOR EACH ROW EXECUTE FUNCTION public.break();
SELECT cloudgreet.tick() AS done, cloudgreet.tick() AS again;
SELECT w.attempts, w.due_at AT TIME ZONE 'UTC' AS due_at, l.name FROM cloudgreet_private.due_work w JOIN cloudgreet.appointment_reminders r ON r.id = w.subject_id
  JOIN cloudgreet.appointments a ON a.id = r.appointment_id JOIN cloudgreet.leads l ON l.id = a.lead_id;
DROP TRIGGER break ON cloudgreet.sms_messages;
SET cloudgreet.clock = '2026-06-08 16:01:00Z';
SELECT cloudgreet.tick() AS done;

-- What something speaks against is told, and the others go.
SELECT public.visits(3, 5, '2026-06-09 15:59Z') \g /dev/null
UPDATE cloudgreet.leads l SET phone = '+442079460999' FROM public.shops s WHERE l.business_id = s.b AND s.n = 3 AND l.name = 'Lead 4';
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason)
SELECT l.business_id, l.phone, 'sms', 'opt_out' FROM cloudgreet.leads l JOIN public.shops s ON s.b = l.business_id WHERE s.n = 3 AND l.name = 'Lead 5';
SELECT cloudgreet.tick() AS done;
SELECT e.data ->> 'code' AS code, e.data ->> 'reason' AS reason FROM cloudgreet.events e JOIN public.shops s ON s.b = e.business_id WHERE e.event_type = 'message.skipped' ORDER BY 1;
SELECT * FROM public.state() WHERE shop = 3;

-- What came too late is not sent, and says so; what is late only says how late.
SELECT public.visits(1, 1, '2026-06-09 16:30Z'), public.visits(2, 1, '2026-06-10 11:00Z') \g /dev/null
SET cloudgreet.clock = '2026-06-09 17:00:00Z';
SELECT cloudgreet.tick() AS late;
SELECT s.n AS shop, e.event_type, e.data FROM cloudgreet.events e JOIN public.shops s ON s.b = e.business_id
 WHERE e.event_type ~ '^reminder' AND e.occurred_at = cloudgreet.clock() ORDER BY s.n;

\set ECHO none
DELETE FROM cloudgreet.businesses WHERE id IN (SELECT b FROM public.shops);
DROP TABLE public.shops;
DROP SEQUENCE public.number;
DROP FUNCTION public.visits(int, int, timestamptz), public.state(), public.break();
\i test/lib/drop_master_key.sql
