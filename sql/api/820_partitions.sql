/*
 * 820_partitions.sql
 *		Partitions of the histories, made ahead by month.
 *
 * Runs with the rights of cloudgreet_owner, so that a partition belongs to the owner of
 * its table whoever makes it: a superuser's would pass row security by.
 *
 * Locks:		ShareUpdateExclusive on each history, which lets readers and writers go on:
 *				two calls at a time make the partitions once.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.maintain_partitions(months_ahead integer DEFAULT 2, max_made integer DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS
$$
DECLARE
    parent regclass;
    parent_schema text;
    parent_name text;
    first_month CONSTANT timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month timestamp;
    partition text;
    made integer := 0;
BEGIN
    FOR parent, parent_schema, parent_name IN
        SELECT c.oid, c.relnamespace::regnamespace::text, c.relname FROM pg_class c
         WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind = 'p'
           AND c.relowner = 'cloudgreet_owner'::regrole
         ORDER BY 2, c.relname
    LOOP
        FOR month IN SELECT first_month + make_interval(months => n)
                       FROM generate_series(0, maintain_partitions.months_ahead) n LOOP
            partition := format('%I.%I', parent_schema, parent_name || to_char(month, '"_p"YYYY_MM'));
            EXIT WHEN made >= maintain_partitions.max_made;
            -- Where nothing is missing nothing is locked.
            CONTINUE WHEN to_regclass(partition) IS NOT NULL;
            EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
            CONTINUE WHEN to_regclass(partition) IS NOT NULL;
            -- Attaching lets writers go on; CREATE TABLE ... PARTITION OF would not.
            EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, parent);
            PERFORM cloudgreet_private.apply_storage(partition::regclass);
            EXECUTE format('COMMENT ON TABLE %s IS %L', partition, to_char(month, '"Rows of "YYYY-MM" (UTC), by their id."'));
            -- Internals have no policies: nobody but the owner may reach them.
            IF parent_schema = 'cloudgreet' THEN
                PERFORM cloudgreet_private.protect_table(partition::regclass);
            END IF;
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, partition,
                cloudgreet.uuid_v7_floor(month AT TIME ZONE 'UTC'),
                cloudgreet.uuid_v7_floor((month + interval '1 month') AT TIME ZONE 'UTC'));
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.maintain_partitions(integer, integer) IS
    'Makes the monthly partitions of all histories from this month on, so many months ahead, max_made of them or all, and returns how many it made. Run by migrate(), tick(), and the processor every day.';
REVOKE ALL ON FUNCTION cloudgreet_private.maintain_partitions(integer, integer) FROM PUBLIC;

-- Tables that keep updated_at have the trigger that does it.
CREATE OR REPLACE FUNCTION cloudgreet_private.apply_triggers() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target regclass;
    name text;
BEGIN
    FOR target, name IN
        SELECT c.oid, c.relname FROM pg_class c
         WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
           AND c.relowner = 'cloudgreet_owner'::regrole
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped)
         ORDER BY c.relname
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION cloudgreet.touch_updated_at()',
            name || '_touch_updated_at', target);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.apply_triggers() IS
    'Gives each table with a column updated_at the trigger that keeps it.';
REVOKE ALL ON FUNCTION cloudgreet_private.apply_triggers() FROM PUBLIC;
DO $$ BEGIN PERFORM cloudgreet_private.apply_triggers(); END $$;
