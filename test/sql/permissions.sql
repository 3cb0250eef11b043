/*
 * permissions.sql
 *		Every role tries every verb on every table; what happens is what the permission
 *		matrix says, and nothing else.
 */
\set ECHO none
\i test/lib/sample_data.sql
\set ECHO all
CREATE TABLE public.attempts (table_name text, app_role text, verb text, outcome text);
GRANT INSERT ON public.attempts TO PUBLIC;
CREATE ROLE regress_cg_nobody LOGIN;

-- Tries one verb with one set of claims, in a subtransaction that is always rolled back.
CREATE FUNCTION public.attempt(table_name text, claims jsonb, verb text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    target CONSTANT text := format('cloudgreet.%I', attempt.table_name);
    changed text;
    n bigint;
BEGIN
    -- Any column that tenants may write at all will do.
    SELECT a.attname INTO changed FROM pg_attribute a
     WHERE a.attrelid = target::regclass AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attname NOT IN ('business_id', 'id', 'created_at', 'updated_at') ORDER BY a.attnum LIMIT 1;
    PERFORM set_config('request.jwt.claims', attempt.claims::text, true);
    CASE attempt.verb
        WHEN 'select' THEN EXECUTE format('SELECT count(*) FROM %s', target) INTO n;
        WHEN 'insert' THEN
            -- A null may break a constraint, but only after the policies let it through.
            EXECUTE format('INSERT INTO %s (%I, %I) VALUES (%L, NULL)', target,
                CASE attempt.table_name WHEN 'businesses' THEN 'id' ELSE 'business_id' END, changed, 'aaaaaaaa-0000-7000-8000-000000000001');
        WHEN 'update' THEN EXECUTE format('UPDATE %s SET %I = %I', target, changed, changed);
        WHEN 'delete' THEN EXECUTE format('DELETE FROM %s', target);
    END CASE;
    IF attempt.verb <> 'select' THEN
        GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'XX999', MESSAGE = CASE WHEN n > 0 THEN 'yes' ELSE 'no rows' END;
EXCEPTION
    WHEN SQLSTATE 'XX999' THEN RETURN SQLERRM;
    WHEN insufficient_privilege THEN RETURN 'denied';
    WHEN integrity_constraint_violation OR SQLSTATE 'ZG306' THEN RETURN 'yes'; -- the policies let it through to the constraints, or to a trigger of rows
END
$$;

-- All verbs on all tables, in the role that the session has now.
CREATE FUNCTION public.attempt_all(app_role text, claims jsonb) RETURNS bigint LANGUAGE sql AS
$$
    WITH made AS (
        INSERT INTO public.attempts
        SELECT c.relname, attempt_all.app_role, v, public.attempt(c.relname, attempt_all.claims, v)
          FROM pg_class c, unnest('{select,insert,update,delete}'::text[]) v
         WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        RETURNING 1)
    SELECT count(*) FROM made;
$$;
CREATE FUNCTION public.claims(role text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_strip_nulls(jsonb_build_object('business_id', 'aaaaaaaa-0000-7000-8000-000000000001', 'role', claims.role)) $$;

SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT public.attempt_all('admin', public.claims('admin')) > 0 AS tried;
SELECT public.attempt_all('user', public.claims('user')) > 0 AS tried;
SELECT public.attempt_all('agent', public.claims('agent')) > 0 AS tried;
SET LOCAL ROLE service_role;
SELECT public.attempt_all('service_role', '{}') > 0 AS tried;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT count(*) = 16 * (SELECT count(DISTINCT table_name) FROM cloudgreet_private.permissions) AS all_tried,
       count(*) FILTER (WHERE outcome = 'yes') = (SELECT count(*) FROM cloudgreet_private.permissions) AS as_many_allowed_as_the_matrix
  FROM public.attempts;
-- Attempts whose outcome is not that of the matrix.
SELECT a.*, m.verb IS NOT NULL AS allowed_by_matrix
  FROM public.attempts a LEFT JOIN cloudgreet_private.permissions m USING (table_name, app_role, verb)
 WHERE (a.outcome = 'yes') <> (m.verb IS NOT NULL) ORDER BY 1, 2, 3;
-- Histories are rewritten by nobody.
SELECT count(*) AS rewritten FROM public.attempts
 WHERE table_name IN ('events', 'audit_log', 'consents', 'lead_outcomes', 'lead_qualification', 'scoring_models', 'scoring_rules')
   AND verb IN ('update', 'delete') AND outcome = 'yes';

-- Without an application role, a business or claims at all nobody may anything.
TRUNCATE public.attempts;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT public.attempt_all('a business only', public.claims()) > 0 AS tried;
SELECT public.attempt_all('another role', public.claims('owner')) > 0 AS tried;
SELECT public.attempt_all('a role only', '{"role": "admin"}') > 0 AS tried;
SELECT public.attempt_all('a business of nobody', '{"business_id": "cccccccc-0000-7000-8000-00000000000f", "role": "agent"}') > 0 AS tried;
SELECT public.attempt_all('no claims', '{}') > 0 AS tried;
SET LOCAL ROLE anon;
SELECT public.attempt_all('anon', public.claims('admin')) > 0 AS tried;
RESET ROLE;
SELECT public.attempt_all('authenticator', public.claims('admin')) > 0 AS tried;
COMMIT;
SET SESSION AUTHORIZATION cloudgreet_gate;
SELECT public.attempt_all('the HTTP gate', public.claims('admin')) > 0 AS tried;
SET SESSION AUTHORIZATION cloudgreet_app;
SELECT public.attempt_all('an application before login()', public.claims('admin')) > 0 AS tried;
SET SESSION AUTHORIZATION regress_cg_nobody;
SELECT public.attempt_all('a login role', public.claims('admin')) > 0 AS tried;
RESET SESSION AUTHORIZATION;
BEGIN;
SET LOCAL ROLE cloudgreet_owner;
SELECT public.attempt_all('the owner, nobody''s business', '{}') > 0 AS tried;
COMMIT;
SELECT app_role, outcome, count(*) > 0 AS some FROM public.attempts
 GROUP BY 1, 2 ORDER BY app_role COLLATE "C", 2;

-- TRUNCATE, REFERENCES and TRIGGER are granted to nobody.
SELECT r, p, c.oid::regclass FROM pg_class c, unnest('{anon,authenticated,service_role,authenticator,cloudgreet_app,cloudgreet_gate,cloudgreet_cron}'::text[]) r, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
 WHERE c.relnamespace::regnamespace::text LIKE 'cloudgreet%' AND c.relkind IN ('r', 'p') AND has_table_privilege(r, c.oid, p);
DROP FUNCTION public.attempt_all(text, jsonb), public.attempt(text, jsonb, text), public.claims(text);
DROP TABLE public.attempts;
DROP ROLE regress_cg_nobody;
