/*
 * tenancy.sql
 *		Business A, signed in as its admin, tries to reach business B.
 *
 * The sample rows were made by the test permissions.
 */
\set A aaaaaaaa-0000-7000-8000-000000000001
\set B bbbbbbbb-0000-7000-8000-000000000001
\set row_a aaaaaaaa-0000-7000-8000-000000000002
\set row_b bbbbbbbb-0000-7000-8000-000000000002
CREATE VIEW public.plain_view AS SELECT business_id, name FROM cloudgreet.leads;
ALTER VIEW public.plain_view OWNER TO cloudgreet_owner;
GRANT SELECT ON public.plain_view TO authenticated;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'A', 'role', 'admin')::text, true) IS NOT NULL AS signed_in;

-- SELECT: no row of another business in any table that may be read.
CREATE TEMP TABLE seen (table_name text, own bigint, foreign_rows bigint, canaries bigint);
DO $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                AND has_table_privilege(c.oid, 'SELECT') LOOP
        EXECUTE format('INSERT INTO seen SELECT %L, count(*) FILTER (WHERE %I = cloudgreet.current_business_id()), count(*) FILTER (WHERE %2$I <> cloudgreet.current_business_id()), count(*) FILTER (WHERE t::text LIKE ''%%CANARY-B%%'') FROM cloudgreet.%I t',
            t, CASE t WHEN 'businesses' THEN 'id' ELSE 'business_id' END, t);
    END LOOP;
END
$$;
SELECT count(*) AS tables, count(*) FILTER (WHERE own = 0) AS without_own_rows, sum(foreign_rows) AS foreign_rows, sum(canaries) AS canaries FROM seen;
SELECT count(*) AS by_view FROM public.plain_view WHERE business_id = :'B';
-- Other claims last until ROLLBACK TO, and then it is A again.
SAVEPOINT s;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'B', 'role', 'admin')::text, true) IS NOT NULL AS signed_in_to_b;
SELECT name FROM cloudgreet.businesses;
ROLLBACK TO s;
SELECT name FROM cloudgreet.businesses;
-- UPDATE and DELETE reach nothing.
WITH hit AS (UPDATE cloudgreet.leads SET name = 'stolen' WHERE business_id = :'B' RETURNING 1) SELECT count(*) AS updated FROM hit;
WITH hit AS (DELETE FROM cloudgreet.leads WHERE id = :'row_b' RETURNING 1) SELECT count(*) AS deleted FROM hit;
-- COPY out shows own rows only.
COPY (SELECT business_id, name FROM cloudgreet.leads ORDER BY name) TO STDOUT;
COPY cloudgreet.feature_flags (business_id, name) TO STDOUT;

-- From here on each line must fail; the code says how.
\set VERBOSITY sqlstate
SAVEPOINT s;
-- INSERT into B, moving a row to B, COPY in.
INSERT INTO cloudgreet.leads (business_id, name) VALUES (:'B', 'planted');
ROLLBACK TO s;
UPDATE cloudgreet.leads SET business_id = :'B' WHERE id = :'row_a';
ROLLBACK TO s;
COPY cloudgreet.leads (name) FROM STDIN;
\.
ROLLBACK TO s;
-- A partition directly, TRUNCATE, LOCK, policies off.
SELECT count(*) FROM pg_class c WHERE c.relispartition AND c.relnamespace = 'cloudgreet'::regnamespace AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE');
TRUNCATE cloudgreet.leads;
ROLLBACK TO s;
SET LOCAL row_security = off;
SELECT count(*) FROM cloudgreet.leads;
ROLLBACK TO s;
ALTER TABLE cloudgreet.leads DISABLE ROW LEVEL SECURITY;
ROLLBACK TO s;
-- A foreign key to B's row, to a row of nobody: the same error, so it tells nothing.
INSERT INTO cloudgreet.time_off (staff_id, starts_at, ends_at) VALUES (:'row_b', '2026-12-01Z', '2026-12-02Z');
ROLLBACK TO s;
INSERT INTO cloudgreet.time_off (staff_id, starts_at, ends_at) VALUES ('cccccccc-0000-7000-8000-000000000002', '2026-12-01Z', '2026-12-02Z');
ROLLBACK TO s;
-- Functions that take a business refuse another one.
SELECT cloudgreet.create_service('x', 30, business_id => :'B');
ROLLBACK TO s;
SELECT cloudgreet.add_phone_number('+12125550188', business_id => :'B');
ROLLBACK TO s;
SELECT cloudgreet.create_business('mine', 'UTC');
ROLLBACK TO s;
-- Foreign ids within the own business.
SELECT cloudgreet.add_staff('x', service_ids => ARRAY[:'row_b']::uuid[]);
ROLLBACK TO s;
SELECT cloudgreet.add_phone_number('+12125550188', agent_id => :'row_b');
ROLLBACK TO s;
-- Large objects, which would belong to all tenants; a business is deleted by operators.
SELECT lo_create(0);
ROLLBACK TO s;
SELECT lo_from_bytea(0, 'CANARY-A');
ROLLBACK TO s;
SELECT cloudgreet.delete_business(:'A');
ROLLBACK TO s;
-- Internals.
SELECT * FROM cloudgreet_private.phone_routes;
ROLLBACK TO s;
SELECT cloudgreet_private.record_event(:'B', 'a.b', 'x', :'row_b');
ROLLBACK TO s;
INSERT INTO cloudgreet.events (event_type, subject_type, subject_id) VALUES ('lead.forged', 'lead', :'row_a');
ROLLBACK TO s;
\set VERBOSITY default

-- Uniqueness tells nothing: B's number, id and name are free in A.
INSERT INTO cloudgreet.leads (phone, name) SELECT '+12125550102', 'same number' RETURNING name;
INSERT INTO cloudgreet.leads (id, name) VALUES (:'row_b', 'same id') RETURNING name;
INSERT INTO cloudgreet.feature_flags (name, is_enabled) VALUES ('other_thing', true) RETURNING name;
ROLLBACK TO s;

-- set_config of the claims within the transaction is the authenticator's own business; the verified context wins over it.
RESET ROLE;
SELECT current_user, has_table_privilege('cloudgreet.leads', 'SELECT') AS authenticator_may_read;
ROLLBACK;
-- After the transaction nobody is signed in.
BEGIN;
SET LOCAL ROLE authenticated;
SELECT count(*) AS leads FROM cloudgreet.leads;
SELECT count(*) AS businesses FROM cloudgreet.businesses;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- The owner of the tables, as definer functions run: nothing without a business, and nothing but it.
CREATE FUNCTION public.as_owner(business uuid, query text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    n bigint;
BEGIN
    IF business IS NOT NULL THEN
        PERFORM cloudgreet.enter_business(business);
    END IF;
    EXECUTE query INTO n;
    RETURN n;
END
$$;
ALTER FUNCTION public.as_owner(uuid, text) OWNER TO cloudgreet_owner;
SELECT public.as_owner(NULL, 'SELECT count(*) FROM cloudgreet.leads') AS without_a_business,
       public.as_owner(:'A', 'SELECT count(*) FROM cloudgreet.leads') AS in_a,
       public.as_owner(:'A', format('SELECT count(*) FROM cloudgreet.leads WHERE business_id = %L', :'B')) AS b_from_a,
       public.as_owner(:'A', format('SELECT count(*) FROM %s WHERE business_id = %L', (SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass), :'B')) AS b_by_partition,
       public.as_owner(:'A', format('WITH x AS (DELETE FROM cloudgreet.leads WHERE business_id = %L RETURNING 1) SELECT count(*) FROM x', :'B')) AS deleted;
\set VERBOSITY sqlstate
SELECT public.as_owner(:'A', format('INSERT INTO cloudgreet.leads (business_id, name) VALUES (%L, ''planted'') RETURNING 1', :'B'));
SELECT public.as_owner(NULL, format('INSERT INTO cloudgreet.leads (business_id, name) VALUES (%L, ''planted'') RETURNING 1', :'B'));
\set VERBOSITY default
DROP FUNCTION public.as_owner(uuid, text);

-- What was B's is untouched.
SELECT name, phone FROM cloudgreet.leads WHERE business_id = :'B';
DROP VIEW public.plain_view;
