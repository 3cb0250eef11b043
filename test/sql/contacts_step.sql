/*
 * contacts_step.sql
 *		Contacts that were stored before there was one form of them: the schema step that
 *		mends them.  It is run again here, on rows in the old forms.
 */
\set ECHO none
\set VERBOSITY terse
BEGIN;
-- Routes are bound to numbers by a later step.
ALTER TABLE cloudgreet_private.phone_routes DROP CONSTRAINT phone_routes_phone_number_fkey;
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
SELECT cloudgreet.create_business('Old Forms', 'America/Chicago') AS b, cloudgreet.create_business('Other', 'America/Chicago') AS other \gset
SELECT cloudgreet.add_phone_number('+13125550190', business_id => :'b') AS n, cloudgreet.add_phone_number('+442079460999', business_id => :'other') AS o,
       cloudgreet.create_agent('Desk', working_hours => '{"mon": [["09:00", "17:00"]], "time_zone": "America/Chicago"}', business_id => :'b') AS agent,
       cloudgreet.create_service('Cut', 30, business_id => :'b') AS service, cloudgreet.add_staff('Dana', business_id => :'b') AS staff \gset
SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', t) FROM unnest('{cloudgreet.businesses,cloudgreet.ai_agents,cloudgreet.users,cloudgreet.phone_numbers,cloudgreet.leads,cloudgreet.calls,cloudgreet.sms_messages,
    cloudgreet.emails,cloudgreet.staff,cloudgreet.consents,cloudgreet.suppressions,cloudgreet_private.phone_routes}'::text[]) t \gexec
UPDATE cloudgreet.businesses SET time_zone = 'US/Central' WHERE id = :'b';
UPDATE cloudgreet.ai_agents SET config = jsonb_set(config, '{working_hours,time_zone}', '"US/Central"') WHERE id = :'agent';
UPDATE cloudgreet.staff SET time_zone = 'Mars/Phobos' WHERE id = :'staff';
INSERT INTO cloudgreet.users (business_id, email) VALUES (:'b', 'Ann@Old.example');
INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES ('+4402079460991', :'b'), ('+4402079460999', :'b');
INSERT INTO cloudgreet.phone_numbers (business_id, phone_number) VALUES (:'b', '+4402079460991'), (:'b', '+4402079460999');
INSERT INTO cloudgreet.leads (business_id, id, created_at, phone, email, name) VALUES
    (:'b', '00000000-0000-7000-8000-000000000001', '2026-01-01', '+5215512345670', 'Lu@Old.example', 'Lu, as networks write'),
    (:'b', '00000000-0000-7000-8000-000000000002', '2026-01-02', '+525512345670', NULL, 'Lu'),
    (:'b', '00000000-0000-7000-8000-000000000003', '2026-01-03', '+4402079460992', NULL, 'Mo, older'),
    (:'b', '00000000-0000-7000-8000-000000000004', '2026-01-04', '+44002079460992', NULL, 'no number of anyone'),
    (:'b', '00000000-0000-7000-8000-000000000005', '2026-01-05', '+266696687', 'X@Old.example', 'strangers'),
    (:'b', '00000000-0000-7000-8000-000000000006', '2026-01-06', '+390612345678901', NULL, 'impossible, kept'),
    (:'b', '00000000-0000-7000-8000-000000000007', '2026-01-07', '+4901761234567', NULL, 'Ny'),
    (:'other', '00000000-0000-7000-8000-000000000009', '2026-01-09', '+5215512345670', NULL, 'Lu elsewhere');
INSERT INTO cloudgreet.leads (business_id, id, created_at, phone, name, merged_into_id) VALUES
    (:'b', '00000000-0000-7000-8000-000000000008', '2026-01-08', '+491761234567', 'Ny, merged before', '00000000-0000-7000-8000-000000000007');
INSERT INTO cloudgreet.sms_messages (business_id, direction, from_number, to_number, content, status) VALUES (:'b', 'inbound', '+5215512345670', '+13125550190', 'STOP', 'received'), (:'b', 'inbound', '72727', '+13125550190', 'x', 'received');
INSERT INTO cloudgreet.calls (business_id, direction, from_number, to_number) VALUES (:'b', 'inbound', '+7378742833', '+13125550190');
INSERT INTO cloudgreet.emails (business_id, to_address, subject, content) VALUES (:'b', 'Lu@Old.example', 'x', 'x');
INSERT INTO cloudgreet.consents (business_id, contact, channel, kind, is_granted, source) VALUES (:'b', '+5215512345670', 'sms', 'marketing', false, 'sms'), (:'b', 'Lu@Old.example', 'email', 'marketing', true, 'web');
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason, created_at) VALUES
    (:'b', '+525512345670', 'sms', 'manual', '2026-01-01'), (:'b', '+5215512345670', 'sms', 'opt_out', '2026-01-02'),
    (:'b', 'Lu@Old.example', 'email', 'bounce', '2026-01-01'), (:'b', 'lu@OLD.example', 'email', 'complaint', '2026-01-02'), (:'b', 'lu@old.example', 'email', 'bounce', '2026-01-03'),
    (:'b', 'Lu@Old.example', 'all', 'manual', '2026-01-01');
SELECT format('ALTER TABLE %s ENABLE TRIGGER USER', t) FROM unnest('{cloudgreet.businesses,cloudgreet.ai_agents,cloudgreet.users,cloudgreet.phone_numbers,cloudgreet.leads,cloudgreet.calls,cloudgreet.sms_messages,
    cloudgreet.emails,cloudgreet.staff,cloudgreet.consents,cloudgreet.suppressions,cloudgreet_private.phone_routes}'::text[]) t \gexec
\i sql/schema/113_contacts.sql
\pset footer off
\set ECHO all

-- Leads of one number are one, the one that had its canonical form; a pseudo-number is nobody's.
SELECT right(id::text, 1) AS lead, name, phone, email, right(merged_into_id::text, 1) AS merged_into FROM cloudgreet.leads WHERE business_id IN (:'b', :'other') ORDER BY created_at;
SELECT right(cloudgreet_private.find_lead(:'b', '+525512345670')::text, 1) AS lu;
SELECT alert_type FROM cloudgreet.alerts WHERE business_id = :'b' ORDER BY 1;
-- A number that another business has is left to people.
SELECT r.phone_number, r.business_id = :'b' AS ours, n.phone_number AS known_as FROM cloudgreet_private.phone_routes r LEFT JOIN cloudgreet.phone_numbers n ON n.business_id = r.business_id AND n.phone_number = r.phone_number
 WHERE r.business_id IN (:'b', :'other') ORDER BY 1;
SELECT b.time_zone, s.time_zone AS left_to_doctor, a.config #>> '{working_hours,time_zone}' AS agent, u.email FROM cloudgreet.businesses b, cloudgreet.staff s, cloudgreet.users u, cloudgreet.ai_agents a
 WHERE b.id = :'b' AND a.business_id = b.id AND s.business_id = b.id AND u.business_id = b.id;
SELECT from_number FROM cloudgreet.sms_messages WHERE business_id = :'b' UNION ALL SELECT from_number FROM cloudgreet.calls WHERE business_id = :'b'
 UNION ALL SELECT to_address FROM cloudgreet.emails WHERE business_id = :'b' ORDER BY 1;
SELECT contact, channel FROM cloudgreet.consents WHERE business_id = :'b' ORDER BY 1;
-- The strictest reason stays.
SELECT contact, channel, (array_agg(reason ORDER BY array_position('{opt_out,complaint,bounce,manual}', reason)))[1] AS strictest, count(*) > count(DISTINCT reason) AS any_twice FROM cloudgreet.suppressions WHERE business_id = :'b' GROUP BY 1, 2 ORDER BY 1, 2;
-- Once more it finds nothing to mend, and triggers and row security are as they were.
\set ECHO none
CREATE TEMP TABLE before AS SELECT l.*, xmin AS version FROM cloudgreet.leads l;
\i sql/schema/113_contacts.sql
\set ECHO all
SELECT count(*) AS changed FROM cloudgreet.leads l JOIN before b ON b.business_id = l.business_id AND b.id = l.id WHERE l.xmin <> b.version;
SELECT count(*) AS resting FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgenabled <> 'O' AND t.tgrelid::regclass::text ~ '^cloudgreet';
SELECT c.relname AS not_forced FROM pg_class c WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity;
ROLLBACK;
