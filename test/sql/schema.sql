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

CREATE TEMP VIEW tables AS
    SELECT c.oid, c.relname, c.relispartition FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p');
SELECT relname AS "table" FROM tables WHERE NOT relispartition ORDER BY relname COLLATE "C";

-- Keys that do not begin with the business: primary, unique and exclusion constraints, unique indexes.
SELECT i.indexrelid::regclass AS index
  FROM pg_index i JOIN tables t ON t.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
 WHERE (i.indisunique OR i.indisexclusion)
   AND a.attname <> CASE t.relname WHEN 'businesses' THEN 'id' ELSE 'business_id' END;
-- Foreign keys between tenant tables that do not carry the business along.
SELECT k.conname FROM pg_constraint k JOIN tables t ON t.oid = k.conrelid
 WHERE k.contype = 'f'
   AND (SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) <> 'business_id';
-- Foreign keys that would write (Citus refuses SET NULL, and history would lose its subject).
SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace::regnamespace::text LIKE 'cloudgreet%' AND confdeltype NOT IN ('a', 'c', 'r');
-- Tables without the business, or with one that may be null.
SELECT relname FROM tables t WHERE relname <> 'businesses'
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'business_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype);
-- Columns whose type is of the extension.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid JOIN pg_type y ON y.oid = a.atttypid
 WHERE a.attnum > 0 AND y.typnamespace = 'cloudgreet'::regnamespace;

-- The keyset of the lead list needs no sort.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM cloudgreet.leads WHERE business_id = '00000000-0000-0000-0000-000000000001'
    AND (created_at, id) < ('2026-01-01Z', '00000000-0000-0000-0000-000000000001') ORDER BY created_at DESC, id DESC LIMIT 10;
RESET enable_seqscan;

-- Partitions are there for this month and a year ahead.
SELECT c.relname, count(*) AS partitions FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind = 'p' GROUP BY 1 ORDER BY 1;
SELECT cloudgreet_private.maintain_partitions() AS made_again;
SELECT cloudgreet_private.maintain_partitions(13) AS made_one_month_more;
