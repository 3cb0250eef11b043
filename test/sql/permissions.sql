/*
 * permissions.sql
 *		Every role tries every verb on every table; what happens is what the permission
 *		matrix says, and nothing else.
 */
\set ECHO none
\i test/lib/sample_data.sql
\set ECHO all
CREATE TABLE public.attempts (table_name text, app_role text, verb text, outcome text);
GRANT INSERT ON public.attempts TO authenticated, anon;

-- Tries one verb as one role, in a subtransaction that is always rolled back.
CREATE FUNCTION public.attempt(table_name text, app_role text, verb text) RETURNS text LANGUAGE plpgsql AS
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
    PERFORM set_config('request.jwt.claims', json_build_object('business_id', 'aaaaaaaa-0000-7000-8000-000000000001',
        'role', attempt.app_role)::text, true);
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
    WHEN integrity_constraint_violation THEN RETURN 'yes'; -- the policies let it through to the constraints
END
$$;

SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
DO $$
DECLARE
    t text; r text; v text;
BEGIN
    FOR t, r, v IN
        SELECT c.relname, roles.r, verbs.v FROM pg_class c, unnest('{admin,user,agent}'::text[]) roles (r), unnest('{select,insert,update,delete}'::text[]) verbs (v)
         WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    LOOP
        INSERT INTO public.attempts VALUES (t, r, v, public.attempt(t, r, v));
    END LOOP;
END
$$;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT count(*) = 12 * (SELECT count(DISTINCT table_name) FROM cloudgreet_private.permissions) AS all_tried,
       count(*) FILTER (WHERE outcome = 'yes') = (SELECT count(*) FROM cloudgreet_private.permissions) AS as_many_allowed_as_the_matrix
  FROM public.attempts;
-- Attempts whose outcome is not that of the matrix.
SELECT a.*, m.verb IS NOT NULL AS allowed_by_matrix
  FROM public.attempts a LEFT JOIN cloudgreet_private.permissions m USING (table_name, app_role, verb)
 WHERE (a.outcome = 'yes') <> (m.verb IS NOT NULL) ORDER BY 1, 2, 3;

-- anon, and a role of no business, may nothing at all.
TRUNCATE public.attempts;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE anon;
INSERT INTO public.attempts
SELECT c.relname, 'admin', v, public.attempt(c.relname, 'admin', v) FROM pg_class c, unnest('{select,insert,update,delete}'::text[]) v
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
COMMIT;
RESET SESSION AUTHORIZATION;
SELECT outcome, count(*) > 0 AS some FROM public.attempts GROUP BY 1;

-- TRUNCATE, REFERENCES and TRIGGER are granted to nobody.
SELECT r, p, c.oid::regclass FROM pg_class c, unnest('{anon,authenticated,service_role,authenticator}'::text[]) r, unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
 WHERE c.relnamespace::regnamespace::text LIKE 'cloudgreet%' AND c.relkind IN ('r', 'p') AND has_table_privilege(r, c.oid, p);
DROP FUNCTION public.attempt(text, text, text);
DROP TABLE public.attempts;
