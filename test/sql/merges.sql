/*
 * merges.sql
 *		Leads that turn out to be one person: all that they have is the surviving one's,
 *		however the merge is written; what makes a circle is refused.
 */
\set ECHO none
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
\set QUIET on
\pset footer off
\pset null (none)
SELECT cloudgreet.create_business('Harbor Roofing', 'America/New_York') AS b \gset
SELECT set_config('test.b', :'b', false), cloudgreet.add_phone_number('+12125550600', business_id => :'b'), cloudgreet.create_service('Inspection', 60, business_id => :'b') AS service,
       cloudgreet.add_staff('Dana', business_id => :'b'), cloudgreet.create_follow_up(business_id => :'b'),
       cloudgreet.create_agent('Front desk', business_id => :'b') AS agent \gset
INSERT INTO cloudgreet.provider_accounts (business_id, provider, name) VALUES (:'b', 'telnyx', 'main');
-- Leads l0 to l9 by the last digits of their ids; what each has, by kind.
INSERT INTO cloudgreet.leads (business_id, id, phone, name)
SELECT :'b', ('bbbbbbbb-0000-7000-8000-00000000000' || n)::uuid, '+1212555011' || n, 'Lead ' || n FROM generate_series(0, 9) n;
CREATE FUNCTION public.l(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('bbbbbbbb-0000-7000-8000-00000000000' || n)::uuid $$;
CREATE FUNCTION public.fill(n int) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO cloudgreet.calls (business_id, id, lead_id, direction) VALUES (current_setting('test.b')::uuid, public.l(n), public.l(n), 'inbound');
    INSERT INTO cloudgreet.agent_conversations (business_id, agent_id, lead_id, call_id)
    SELECT a.business_id, a.id, public.l(n), public.l(n) FROM cloudgreet.ai_agents a WHERE a.business_id = current_setting('test.b')::uuid;
    INSERT INTO cloudgreet.sms_messages (business_id, lead_id, direction, content, status) VALUES (current_setting('test.b')::uuid, public.l(n), 'inbound', 'Hi', 'received');
    INSERT INTO cloudgreet.emails (business_id, lead_id, direction, to_address, subject, content, status) VALUES (current_setting('test.b')::uuid, public.l(n), 'inbound', 'a@example.com', 'Hi', 'Hi', 'received');
    INSERT INTO cloudgreet.lead_qualification (business_id, lead_id, score) VALUES (current_setting('test.b')::uuid, public.l(n), 50);
    INSERT INTO cloudgreet.lead_outcomes (business_id, lead_id, outcome) VALUES (current_setting('test.b')::uuid, public.l(n), 'won');
    INSERT INTO cloudgreet.consents (business_id, lead_id, contact, channel, kind, is_granted, source) VALUES (current_setting('test.b')::uuid, public.l(n), '+12125550111', 'sms', 'marketing', true, 'form');
    SELECT cloudgreet.book_appointment((SELECT s.id FROM cloudgreet.services s WHERE s.business_id = current_setting('test.b')::uuid),
        '2026-06-09 13:00Z'::timestamptz + make_interval(hours => n), public.l(n), business_id => current_setting('test.b')::uuid);
    SELECT cloudgreet.enroll_in_sequence('follow_up', public.l(n), current_setting('test.b')::uuid);
$$;
CREATE FUNCTION public.has(n int) RETURNS text LANGUAGE sql AS
$$
    SELECT string_agg(k.kind || ' ' || k.n, ', ' ORDER BY k.kind) FROM (
        SELECT 'appointments' AS kind, count(*) AS n FROM cloudgreet.appointments WHERE lead_id = public.l(n) UNION ALL
        SELECT 'calls', count(*) FROM cloudgreet.calls WHERE lead_id = public.l(n) UNION ALL
        SELECT 'conversations', count(*) FROM cloudgreet.agent_conversations WHERE lead_id = public.l(n) UNION ALL
        SELECT 'texts', count(*) FROM cloudgreet.sms_messages WHERE lead_id = public.l(n) UNION ALL
        SELECT 'emails', count(*) FROM cloudgreet.emails WHERE lead_id = public.l(n) UNION ALL
        SELECT 'scores', count(*) FROM cloudgreet.lead_qualification WHERE lead_id = public.l(n) UNION ALL
        SELECT 'outcomes', count(*) FROM cloudgreet.lead_outcomes WHERE lead_id = public.l(n) UNION ALL
        SELECT 'consents', count(*) FROM cloudgreet.consents WHERE lead_id = public.l(n) UNION ALL
        SELECT 'enrollments', count(*) FROM cloudgreet.sequence_enrollments WHERE lead_id = public.l(n) UNION ALL
        SELECT 'events', count(*) FROM cloudgreet.events WHERE lead_id = public.l(n)) k WHERE k.n > 0;
$$;
CREATE FUNCTION public.merges() RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(right(id::text, 1) || '>' || right(merged_into_id::text, 1), ' ' ORDER BY id), '') FROM cloudgreet.leads WHERE business_id = current_setting('test.b')::uuid AND merged_into_id IS NOT NULL AND phone IS DISTINCT FROM '+12125550199' $$;
SELECT public.fill(0), public.fill(1);
SELECT count(*) AS texts FROM cloudgreet.sms_messages WHERE business_id = :'b' AND direction = 'outbound' \gset
\set ECHO all

-- All that a lead has goes to the other, and nobody is told. Every kind that refers to a lead is one of these.
SELECT public.has(0), public.has(1);
UPDATE cloudgreet.leads SET merged_into_id = public.l(1) WHERE id = public.l(0);
SELECT public.has(0), public.has(1);
SELECT count(*) - :texts AS told FROM cloudgreet.sms_messages WHERE business_id = :'b' AND direction = 'outbound';
SELECT conrelid::regclass::text FROM pg_constraint WHERE confrelid = 'cloudgreet.leads'::regclass AND contype = 'f' AND conparentid = 0 ORDER BY 1;
-- In one sequence once: the other's own goes on.
SELECT status, ended_reason, count(*) FROM cloudgreet.sequence_enrollments WHERE business_id = :'b' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS due FROM cloudgreet_private.due_work WHERE business_id = :'b' AND kind = 'enrollment';
-- The number of the merged one leads to the other, and so does its id, in what is written later.
SELECT right(cloudgreet_private.find_lead(:'b', '+12125550110')::text, 1) AS by_number FROM cloudgreet.enter_business(:'b');
SELECT right(lead_id::text, 1) AS booked_for FROM cloudgreet.book_appointment(:'service', '2026-06-10 14:00Z', public.l(0), business_id => :'b');
INSERT INTO cloudgreet.calls (business_id, lead_id, direction) VALUES (:'b', public.l(0), 'inbound') RETURNING right(lead_id::text, 1) AS call_of;

-- Many in one statement, and a chain in one: all is the last one's.
UPDATE cloudgreet.leads SET merged_into_id = public.l(5) WHERE id IN (public.l(1), public.l(2));
UPDATE cloudgreet.leads l SET merged_into_id = v.target FROM (VALUES (public.l(5), public.l(6)), (public.l(6), public.l(7))) v (id, target) WHERE l.id = v.id;
SELECT public.merges(), public.has(7);
INSERT INTO cloudgreet.leads (business_id, phone, merged_into_id) VALUES (:'b', '+12125550199', public.l(0));
SELECT right(cloudgreet_private.find_lead(:'b', '+12125550199')::text, 1) AS by_number FROM cloudgreet.enter_business(:'b');
-- What the surviving one lacks it takes over.
INSERT INTO cloudgreet.leads (business_id, id, email) VALUES (:'b', 'bbbbbbbb-0000-7000-8000-0000000000aa', 'ann@example.com');
UPDATE cloudgreet.leads SET merged_into_id = 'bbbbbbbb-0000-7000-8000-0000000000aa' WHERE id = public.l(9);
SELECT name, phone, email FROM cloudgreet.leads WHERE id = 'bbbbbbbb-0000-7000-8000-0000000000aa';
-- Where there is nothing to take over, it is not written: thousands may be merged at once.
INSERT INTO cloudgreet.leads (business_id, id, name) VALUES (:'b', 'bbbbbbbb-0000-7000-8000-0000000000ab', 'Ann'), (:'b', 'bbbbbbbb-0000-7000-8000-0000000000ac', 'Ann L.');
SELECT ctid AS version FROM cloudgreet.leads WHERE id = 'bbbbbbbb-0000-7000-8000-0000000000ab' \gset
UPDATE cloudgreet.leads SET merged_into_id = 'bbbbbbbb-0000-7000-8000-0000000000ab' WHERE id = 'bbbbbbbb-0000-7000-8000-0000000000ac';
SELECT ctid = :'version' AS is_as_it_was FROM cloudgreet.leads WHERE id = 'bbbbbbbb-0000-7000-8000-0000000000ab';

-- Circles, of one, of two in two statements and in one, of many in one; and what is not built.
\set VERBOSITY sqlstate
UPDATE cloudgreet.leads SET merged_into_id = id WHERE id = public.l(3);
UPDATE cloudgreet.leads SET merged_into_id = public.l(0) WHERE id = public.l(7);
UPDATE cloudgreet.leads SET merged_into_id = CASE id WHEN public.l(3) THEN public.l(4) ELSE public.l(3) END WHERE id IN (public.l(3), public.l(4));
UPDATE cloudgreet.leads SET merged_into_id = CASE id WHEN public.l(3) THEN public.l(4) WHEN public.l(4) THEN public.l(8) ELSE public.l(3) END WHERE id IN (public.l(3), public.l(4), public.l(8));
INSERT INTO cloudgreet.leads (business_id, id, merged_into_id) VALUES
    (:'b', 'bbbbbbbb-0000-7000-8000-0000000000b1', 'bbbbbbbb-0000-7000-8000-0000000000b2'), (:'b', 'bbbbbbbb-0000-7000-8000-0000000000b2', 'bbbbbbbb-0000-7000-8000-0000000000b1');
UPDATE cloudgreet.leads SET merged_into_id = NULL WHERE id = public.l(0);
UPDATE cloudgreet.leads SET merged_into_id = public.l(8) WHERE id = public.l(0);
\set VERBOSITY default
SELECT public.merges();
\set ECHO none
-- Other tests count what is due.
DELETE FROM cloudgreet_private.due_work WHERE business_id = :'b';
DROP FUNCTION public.merges(), public.has(int), public.fill(int), public.l(int);
