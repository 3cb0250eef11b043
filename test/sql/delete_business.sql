/*
 * delete_business.sql
 *		A business goes with all that it has in any table, and what is another's stays.
 *
 * The tables are those of the catalog.  test/lib/sample_data.sql has a row for each: a new
 * table is named below until it has one too.
 */
BEGIN;
\set ECHO none
\i test/lib/sample_data.sql
\set ECHO all
\set A aaaaaaaa-0000-7000-8000-000000000001
\set B bbbbbbbb-0000-7000-8000-000000000001
-- How many rows each table has of a business, and those that are known by the account only.
CREATE FUNCTION pg_temp.rows_of(business uuid) RETURNS TABLE (table_name text, rows bigint) LANGUAGE plpgsql AS
$$
BEGIN
    FOR table_name IN SELECT c.oid::regclass FROM pg_class c
                       WHERE c.relnamespace::regnamespace::text IN ('cloudgreet', 'cloudgreet_private') AND c.relkind IN ('r', 'p') AND NOT c.relispartition LOOP
        EXECUTE format('SELECT count(*) FROM %s t WHERE to_jsonb(t)->>''business_id'' = $1 OR to_jsonb(t)->>''account_id'' = $2%s', table_name,
                       CASE table_name WHEN 'cloudgreet.businesses' THEN ' OR id::text = $1' ELSE '' END)
           INTO rows USING business::text, replace(business::text, '000000000001', '000000000002');
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TEMP TABLE before AS SELECT 'a' AS letter, * FROM pg_temp.rows_of(:'A') UNION ALL SELECT 'b', * FROM pg_temp.rows_of(:'B');
-- Tables without a row of the sample: internals that are of no business, or a table that test/lib/sample_data.sql does not know yet.
SELECT table_name FROM before WHERE letter = 'b' AND rows = 0 ORDER BY 1;
-- Operators only; a business that is not there is told.
SAVEPOINT s;
\set VERBOSITY sqlstate
SELECT cloudgreet.delete_business(NULL);
ROLLBACK TO s;
SELECT cloudgreet.delete_business('cccccccc-0000-7000-8000-000000000001');
ROLLBACK TO s;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'A', 'role', 'admin')::text, true) IS NOT NULL AS signed_in;
SET SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE authenticated;
SELECT cloudgreet.delete_business(:'A');
ROLLBACK TO s;
-- Nor does service_role delete the row alone.
SET LOCAL ROLE service_role;
DELETE FROM cloudgreet.businesses WHERE id = :'A';
ROLLBACK TO s;
\set VERBOSITY default
SET LOCAL ROLE service_role;
SELECT cloudgreet.delete_business(:'B');
RESET ROLE;
-- What is left of it, and what another lost by it.
SELECT * FROM pg_temp.rows_of(:'B') WHERE rows > 0;
SELECT table_name, r.rows, b.rows AS before FROM pg_temp.rows_of(:'A') r JOIN before b USING (table_name) WHERE b.letter = 'a' AND r.rows <> b.rows;
-- A superuser's plain DELETE leaves no more.
DELETE FROM cloudgreet.businesses WHERE id = :'A';
SELECT * FROM pg_temp.rows_of(:'A') WHERE rows > 0;
-- Answers of providers that come now leave nothing either.
SELECT cloudgreet_private.outbox_settle_one(:'A', :'B', 1, 'done', 200, NULL, 10, 'x', NULL, NULL, NULL) AS settled;
SELECT count(*) FROM cloudgreet_private.outbox_attempts WHERE business_id = :'A';
ROLLBACK;
