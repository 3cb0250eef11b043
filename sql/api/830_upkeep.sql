/*
 * 830_upkeep.sql
 *		Old partitions go; what else is done from time to time stands in src/server/upkeep.c,
 *		which calls it.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.is_awaited(partition text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    month CONSTANT timestamp := to_date(right(is_awaited.partition, 7), 'YYYY_MM');
    first_id CONSTANT uuid := cloudgreet.uuid_v7_floor(month AT TIME ZONE 'UTC');
    next_id CONSTANT uuid := cloudgreet.uuid_v7_floor((month + interval '1 month') AT TIME ZONE 'UTC');
BEGIN
    -- A few steps in the index for each business that has something open, however much that is.
    RETURN EXISTS (
        WITH RECURSIVE business AS (
            (SELECT o.business_id FROM cloudgreet_private.outbox o ORDER BY o.business_id LIMIT 1)
            UNION ALL
            SELECT n.business_id FROM business b CROSS JOIN LATERAL (
                SELECT o.business_id FROM cloudgreet_private.outbox o WHERE o.business_id > b.business_id ORDER BY o.business_id LIMIT 1) n)
        SELECT FROM business b
         WHERE EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = b.business_id AND o.id >= first_id AND o.id < next_id));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.is_awaited(text) IS
    'Whether a request is open yet that will be in a partition of outbox_history once it is finished: one for later, or held.';

CREATE OR REPLACE FUNCTION cloudgreet_private.retire_partition() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS
$$
DECLARE
    parent text;
    partition text;
    is_open boolean;
    is_blocked boolean := false;
    months_kept CONSTANT integer := current_setting('cloudgreet.history_months')::integer;
    last_kept CONSTANT text := to_char((now() AT TIME ZONE 'UTC') - make_interval(months => months_kept), '"_p"YYYY_MM');
BEGIN
    -- The timeline and the audit log are the business's own, and kept.
    FOREACH parent IN ARRAY ARRAY['outbox_history', 'outbox_attempts', 'webhook_inbox'] LOOP
        FOR partition IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = format('cloudgreet_private.%I', parent)::regclass AND c.relname ~ '_p\d{4}_\d\d$'
               AND substr(c.relname, length(parent) + 1) COLLATE "C" < last_kept
             ORDER BY c.relname
        LOOP
            -- Whoever writes to the history waits for the drop; so it waits for nobody longer than that.
            BEGIN
                is_open := parent = 'outbox_history' AND cloudgreet_private.is_awaited(partition);
                IF parent = 'webhook_inbox' THEN
                    EXECUTE format('SELECT EXISTS (SELECT FROM cloudgreet_private.%I WHERE state = %L)', partition, 'pending') INTO is_open;
                END IF;
                CONTINUE WHEN is_open;
                EXECUTE format('DROP TABLE cloudgreet_private.%I', partition);
                RETURN 1;
            EXCEPTION WHEN lock_not_available THEN
                is_blocked := true;
            END;
        END LOOP;
    END LOOP;
    RETURN CASE WHEN is_blocked THEN -1 ELSE 0 END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retire_partition() IS
    'Drops one of the monthly partitions of requests, attempts and webhooks that are older than cloudgreet.history_months, but none that has something open, or will have; returns 1, or 0 when there is none, or -1 when another session holds those that there are. The processor does it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tell_workers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.wake_workers();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tell_workers() IS 'Has the workers see at once that the database was paused.';
CREATE OR REPLACE TRIGGER installation_tell_workers AFTER UPDATE ON cloudgreet_private.installation
    FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.tell_workers();

REVOKE ALL ON FUNCTION cloudgreet_private.is_awaited(text), cloudgreet_private.retire_partition(), cloudgreet_private.tell_workers() FROM PUBLIC;
