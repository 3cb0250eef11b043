/*
 * statistics.sql
 *		A table that fills is looked at before autovacuum comes by, so that plans fit it.
 */
BEGIN;
CREATE TABLE cloudgreet_private.filling AS SELECT n, repeat('x', 100) AS words FROM generate_series(1, 10) n;
ALTER TABLE cloudgreet_private.filling OWNER TO cloudgreet_owner;
SET LOCAL ROLE cloudgreet_owner;
CREATE FUNCTION pg_temp.look() RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
    seen regclass;
    is_seen boolean := false;
BEGIN
    -- A table at a time, until none has grown.
    LOOP
        seen := cloudgreet_private.analyze_grown();
        EXIT WHEN seen IS NULL;
        is_seen := is_seen OR seen = 'cloudgreet_private.filling'::regclass;
    END LOOP;
    RETURN is_seen;
END
$$;
SELECT pg_temp.look() AS of_few_rows;
INSERT INTO cloudgreet_private.filling SELECT n, repeat('x', 100) FROM generate_series(1, 2000) n;
SELECT pg_temp.look() AS when_it_filled, pg_temp.look() AS once_more;
SELECT c.reltuples FROM pg_class c WHERE c.oid = 'cloudgreet_private.filling'::regclass;
INSERT INTO cloudgreet_private.filling SELECT n, repeat('x', 100) FROM generate_series(1, 500) n;
SELECT pg_temp.look() AS of_some_more;
ROLLBACK;
