/*
 * 830_upkeep.sql
 *		What has to be done from time to time: partitions ahead, old ones away.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.retire_partitions(months_kept integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    parent text;
    partition text;
    is_open boolean;
    dropped integer := 0;
    last_kept CONSTANT text := to_char((now() AT TIME ZONE 'UTC') - make_interval(months => greatest(retire_partitions.months_kept, 1)), '"_p"YYYY_MM');
BEGIN
    -- The timeline and the audit log are the business's own, and kept.
    FOREACH parent IN ARRAY ARRAY['outbox_history', 'outbox_attempts', 'webhook_inbox'] LOOP
        FOR partition IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = format('cloudgreet_private.%I', parent)::regclass AND c.relname ~ '_p\d{4}_\d\d$'
               AND substr(c.relname, length(parent) + 1) COLLATE "C" < last_kept
             ORDER BY c.relname
        LOOP
            is_open := false;
            IF parent = 'webhook_inbox' THEN
                EXECUTE format('SELECT EXISTS (SELECT FROM cloudgreet_private.%I WHERE state = %L)', partition, 'pending') INTO is_open;
            END IF;
            CONTINUE WHEN is_open;
            EXECUTE format('DROP TABLE cloudgreet_private.%I', partition);
            dropped := dropped + 1;
        END LOOP;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.retire_partitions(integer) IS
    'Drops the monthly partitions of requests, attempts and webhooks that are older than so many months, but none that holds something open; returns how many.';

CREATE OR REPLACE FUNCTION cloudgreet_private.upkeep(months_ahead integer DEFAULT 12) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A bound on the time: webhooks wait for it. What is left is done the next day.
    PERFORM cloudgreet_private.prune_webhooks(), cloudgreet_private.prune_locks(), cloudgreet_private.end_held(2000);
    RETURN cloudgreet_private.maintain_partitions(upkeep.months_ahead)
         + cloudgreet_private.retire_partitions(current_setting('cloudgreet.history_months')::integer);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.upkeep(integer) IS
    'Makes partitions ahead, drops those older than cloudgreet.history_months, forgets what webhooks were seen long ago, and ends requests that nobody has decided about for long; returns how many partitions came or went. The processor does it every day.';

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

REVOKE ALL ON FUNCTION cloudgreet_private.retire_partitions(integer), cloudgreet_private.upkeep(integer),
    cloudgreet_private.tell_workers() FROM PUBLIC;
