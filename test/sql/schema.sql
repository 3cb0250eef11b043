/*
 * schema.sql
 *		The names that are a contract, and the rules of keys, read from the catalog.
 */
-- Tables and columns of the specification that are missing.
SELECT t.table_name, c AS missing_column
  FROM (VALUES
    ('users', 'id, email, business_id, role, created_at, updated_at'),
    ('businesses', 'id, name, settings, created_at, updated_at'),
    ('ai_agents', 'id, business_id, name, config, is_active, created_at'),
    ('agent_conversations', 'id, agent_id, lead_id, transcript, outcome, created_at'),
    ('leads', 'id, business_id, phone, name, email, status, source, created_at'),
    ('lead_qualification', 'id, lead_id, score, criteria, notes, created_at'),
    ('appointments', 'id, business_id, lead_id, scheduled_date, status, created_at'),
    ('appointment_reminders', 'id, appointment_id, sent_at, type, created_at'),
    ('calls', 'id, business_id, lead_id, duration, status, recording_url, created_at'),
    ('sms_messages', 'id, business_id, lead_id, content, status, sent_at, created_at'),
    ('emails', 'id, business_id, lead_id, subject, content, status, sent_at, created_at')
  ) AS t (table_name, columns), regexp_split_to_table(t.columns, ', ') AS c
 WHERE NOT EXISTS (SELECT FROM information_schema.columns i
                    WHERE i.table_schema = 'cloudgreet' AND i.table_name = t.table_name AND i.column_name = c);

-- The indexes of the specification, as refined.
SELECT indexname, regexp_replace(indexdef, '.* USING ', '') AS definition
  FROM pg_indexes WHERE schemaname = 'cloudgreet' AND indexname LIKE 'idx\_%' ORDER BY indexname COLLATE "C";

-- The exclusion constraint that keeps a slot from being sold twice.
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'appointment_allocations_blocks_excl';

SELECT relname AS "table" FROM pg_class
 WHERE relnamespace = 'cloudgreet'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname COLLATE "C";

-- A blocked time has its start and not its end, so that times may touch; nothing lasts for ever.
\set VERBOSITY sqlstate
BEGIN;
INSERT INTO cloudgreet.businesses (id, name, time_zone) VALUES ('dddddddd-0000-7000-8000-000000000001', 'Ranges', 'UTC');
INSERT INTO cloudgreet.leads (business_id, id, name) VALUES ('dddddddd-0000-7000-8000-000000000001', 'dddddddd-0000-7000-8000-000000000002', 'Ann');
INSERT INTO cloudgreet.staff (business_id, id, name, time_zone) VALUES ('dddddddd-0000-7000-8000-000000000001', 'dddddddd-0000-7000-8000-000000000002', 'Bob', 'UTC');
INSERT INTO cloudgreet.appointments (business_id, id, lead_id, scheduled_date, ends_at, time_zone)
VALUES ('dddddddd-0000-7000-8000-000000000001', 'dddddddd-0000-7000-8000-000000000002', 'dddddddd-0000-7000-8000-000000000002', '2026-12-01 09:00Z', '2026-12-01 10:00Z', 'UTC');
SAVEPOINT s;
UPDATE cloudgreet.appointments SET ends_at = 'infinity' WHERE business_id = 'dddddddd-0000-7000-8000-000000000001';
ROLLBACK TO s;
CREATE FUNCTION pg_temp.block(blocks tstzrange) RETURNS text LANGUAGE sql AS
$$
    INSERT INTO cloudgreet.appointment_allocations (business_id, appointment_id, staff_id, starts_at, ends_at, blocks, state)
    VALUES ('dddddddd-0000-7000-8000-000000000001', 'dddddddd-0000-7000-8000-000000000002', 'dddddddd-0000-7000-8000-000000000002',
            '2026-12-01 09:00Z', '2026-12-01 10:00Z', block.blocks, 'booked') RETURNING 'blocked';
$$;
SAVEPOINT s;
SELECT pg_temp.block('[2026-12-01 09:00Z, 2026-12-01 10:00Z]');
ROLLBACK TO s;
SELECT pg_temp.block('(2026-12-01 08:00Z, 2026-12-01 10:00Z)');
ROLLBACK TO s;
SELECT pg_temp.block('[2026-12-01 09:00Z,)');
ROLLBACK TO s;
SELECT pg_temp.block('[2026-12-01 09:00Z, infinity)');
ROLLBACK TO s;
SELECT pg_temp.block('[2026-12-01 09:00Z, 2026-12-01 09:30Z)');
ROLLBACK TO s;
SELECT pg_temp.block('[2026-12-01 08:30Z, 2026-12-01 10:30Z)');
ROLLBACK;
\set VERBOSITY default

-- The lists of the specification, among rows of 10 businesses and under row security: an
-- index finds the rows and their order, nothing is sorted.
BEGIN;
INSERT INTO cloudgreet.businesses (id, name, time_zone)
SELECT format('dddddddd-0000-7000-8000-%s', lpad(b::text, 12, '0'))::uuid, 'Lists ' || b, 'UTC' FROM generate_series(1, 10) b;
INSERT INTO cloudgreet.leads (business_id, name, phone, status, created_at)
SELECT b.id, 'Lead ' || n, '+1212' || 2000000 + n, CASE WHEN n % 10 = 0 THEN 'booked' ELSE 'new' END, '2026-01-01Z'::timestamptz + n * interval '1 hour'
  FROM cloudgreet.businesses b, generate_series(1, 1000) n WHERE b.name LIKE 'Lists %';
INSERT INTO cloudgreet.calls (business_id, direction, status, created_at)
SELECT l.business_id, 'inbound', CASE l.status WHEN 'booked' THEN 'missed' ELSE 'completed' END, l.created_at FROM cloudgreet.leads l WHERE l.name LIKE 'Lead %';
INSERT INTO cloudgreet.appointments (business_id, lead_id, scheduled_date, ends_at, time_zone, status)
SELECT l.business_id, l.id, l.created_at, l.created_at + interval '1 hour', 'UTC', CASE l.status WHEN 'booked' THEN 'confirmed' ELSE 'scheduled' END
  FROM cloudgreet.leads l WHERE l.name LIKE 'Lead %';
ANALYZE cloudgreet.leads, cloudgreet.calls, cloudgreet.appointments;
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql SET timezone = 'UTC' SET datestyle = 'ISO' AS
$$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        -- The roles of the matrix are tested elsewhere.
        IF line !~ '^ *Filter: .*current_app_role' THEN
            RETURN NEXT line;
        END IF;
    END LOOP;
END
$$;
SET SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', '{"business_id": "dddddddd-0000-7000-8000-000000000001", "role": "user"}', true) IS NOT NULL AS signed_in;
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.leads WHERE (created_at, id) < ('2026-01-09Z', '00000000-0000-0000-0000-000000000001') ORDER BY created_at DESC, id DESC LIMIT 10$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.leads WHERE status = 'booked' ORDER BY created_at DESC LIMIT 10$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.leads WHERE phone = '+12122000123'$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.calls ORDER BY created_at DESC, id DESC LIMIT 10$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.calls WHERE status = 'missed' ORDER BY created_at DESC LIMIT 10$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.appointments WHERE scheduled_date >= '2026-01-09Z' ORDER BY scheduled_date, id LIMIT 10$$);
SELECT pg_temp.plan($$SELECT * FROM cloudgreet.appointments WHERE status = 'confirmed' ORDER BY scheduled_date LIMIT 10$$);
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- Partitions are there for this month and a year ahead.
SELECT c.relname, count(*) AS partitions FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind = 'p' GROUP BY 1 ORDER BY 1;
SELECT cloudgreet_private.maintain_partitions() AS made_again;
SELECT cloudgreet_private.maintain_partitions(3) AS made_one_month_more;
-- Whoever makes a partition, it is the owner's and protected.
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relispartition AND c.relkind = 'r'
   AND NOT (c.relowner = 'cloudgreet_owner'::regrole AND c.relrowsecurity AND c.relforcerowsecurity AND c.relacl IS NOT NULL
            AND obj_description(c.oid, 'pg_class') IS NOT NULL);
-- The months follow each other without a gap.
SELECT count(*) AS gaps FROM (
    SELECT substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([^'']*)') AS starts,
           lag(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']*)')) OVER (PARTITION BY i.inhparent ORDER BY c.relname) AS previous_ends
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r' AND c.relnamespace = 'cloudgreet'::regnamespace) p
 WHERE starts <> previous_ends;
