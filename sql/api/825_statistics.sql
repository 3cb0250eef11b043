/*
 * 825_statistics.sql
 *		Statistics for tables that fill within a minute.
 *
 * A plan that is kept was made for the table as it was then.  Of one that is nearly empty
 * all indexes cost the same, and the one that is chosen may be no good for a thousand rows:
 * each look-up of a call then goes through all calls of the business.  Autovacuum puts that
 * right when it comes by; a first burst, or that of a new month's partition, is over by then.
 *
 * Called by the processor (src/server/processor.c), a table at a time.
 * Shown by test/sql/statistics.sql and test/specs/statistics_race.spec.
 *
 * Locks:		those of ANALYZE, which are not waited for: a table that is locked is left.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.analyze_grown() RETURNS regclass
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Four times as large as when it was looked at last.  Of a large table it takes its time, and is autovacuum's.
    growth CONSTANT integer := 4;
    max_pages CONSTANT integer := 4096;
    grown regclass := (
        -- What another session has locked, or waits to lock, is left before its size is read: that would wait for the lock too.
        WITH held AS MATERIALIZED (
            SELECT l.relation FROM pg_locks l
             WHERE l.locktype = 'relation' AND l.pid <> pg_backend_pid()
               AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
               AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')),
        free AS MATERIALIZED (
            SELECT c.oid, c.relpages FROM pg_class c
             WHERE c.relkind = 'r' AND c.relowner = 'cloudgreet_owner'::regrole AND c.relpages < max_pages
               AND c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace)
               AND c.oid NOT IN (SELECT h.relation FROM held h))
        SELECT t.oid::regclass
          FROM (SELECT f.oid, f.relpages, pg_relation_size(f.oid) / current_setting('block_size')::integer AS pages FROM free f) t
         WHERE t.pages BETWEEN growth * greatest(t.relpages, 1) AND max_pages
         ORDER BY t.pages DESC LIMIT 1);
BEGIN
    IF grown IS NOT NULL THEN
        EXECUTE format('ANALYZE %s', grown);
    END IF;
    RETURN grown;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.analyze_grown() IS
    'Has the server look at a table that grew much since it looked last, which makes plans anew in all sessions; which, or NULL when there is none.';
REVOKE ALL ON FUNCTION cloudgreet_private.analyze_grown() FROM PUBLIC;
