/*
 * 822_storage.sql
 *		How the tables are kept that change all the time: the one place for fillfactor and
 *		autovacuum, with the reasons.
 *
 * The defaults vacuum a table once a fifth of it has changed.  A queue is empty or has a
 * million rows, so a share of it says nothing, and what is dead in it is read again by each
 * look at what is due: a number of rows decides.  Partitions have them one by one, since a
 * partitioned table itself cannot.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.storage_options(name text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN CASE
        -- Updated once (claimed) and then deleted: room for the second version of each row, and a few thousand
        -- dead rows are a second of sending. Analyzed seldom: its plans are pinned (src/outbound/planning.c).
        WHEN name = 'outbox' THEN '{fillfactor=80,autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=2000,autovacuum_analyze_scale_factor=0,autovacuum_analyze_threshold=5000}'::text[]
        -- Inserted and deleted within seconds, never updated.
        WHEN name IN ('outbox_changes', 'entity_locks') THEN '{autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=5000}'::text[]
        -- A row of it is updated all the time, without a change of a column in an index.
        WHEN name = 'outbox_counts' THEN '{fillfactor=50,autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=1000}'::text[]
        -- Put off, and deleted when it is done.
        WHEN name = 'due_work' THEN '{fillfactor=80,autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=5000}'::text[]
        -- Pending, then processed, and never again: what is pending is found by an index that must not be full of the dead.
        WHEN name ~ '^webhook_inbox_p[0-9_]+$' THEN '{fillfactor=90,autovacuum_vacuum_scale_factor=0.02,autovacuum_vacuum_threshold=5000}'::text[]
        -- Each row is updated a few times within minutes (sent, delivered) and then kept for years: the new versions fit
        -- beside the old ones, and of a table that only grows a fifth would be years of dead rows.
        WHEN name IN ('sms_messages', 'emails', 'calls') THEN '{fillfactor=85,autovacuum_vacuum_scale_factor=0.02,autovacuum_vacuum_threshold=5000}'::text[]
        -- Deleted by the day, from its beginning.
        WHEN name IN ('webhook_seen', 'idempotency_keys', 'message_causes') THEN '{autovacuum_vacuum_scale_factor=0.05,autovacuum_vacuum_threshold=5000}'::text[]
    END;
COMMENT ON FUNCTION cloudgreet_private.storage_options(text) IS 'How a table of that name is kept, as pg_class.reloptions has it; NULL: as the server keeps tables.';

CREATE OR REPLACE FUNCTION cloudgreet_private.apply_storage(target regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    wanted CONSTANT text[] := cloudgreet_private.storage_options((SELECT c.relname FROM pg_class c WHERE c.oid = target));
BEGIN
    -- What an operator added stays, and where nothing is missing nothing is locked.
    IF NOT wanted <@ coalesce((SELECT c.reloptions FROM pg_class c WHERE c.oid = target), '{}') THEN
        EXECUTE format('ALTER TABLE %s SET (%s)', target, array_to_string(wanted, ', '));
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.apply_storage(regclass) IS 'Has a table kept as storage_options() says.';
REVOKE ALL ON FUNCTION cloudgreet_private.storage_options(text), cloudgreet_private.apply_storage(regclass) FROM PUBLIC;

DO $$
BEGIN
    PERFORM cloudgreet_private.apply_storage(c.oid) FROM pg_class c
      WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind = 'r' AND c.relowner = 'cloudgreet_owner'::regrole;
END
$$;
