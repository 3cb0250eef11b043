/*
 * 980_pinned.sql
 *		Functions mean the same whatever a session has set.
 *
 * Sessions come in by functions that some role may call, by triggers, and by those that
 * no other function calls (operators and workers).  Each of these gets the settings of
 * pinned_settings(); what they call runs under theirs.  So does a function whose own
 * text holds a backslash or reads or writes times, though 5 microseconds a call are the
 * price; the others, that are called within, do without.  Last, when all functions and
 * their grants are there.  test/sql/hygiene.sql looks for one that was forgotten.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.unpinned_functions() RETURNS SETOF regprocedure
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    WITH ours AS (
        SELECT p.oid, p.proname, p.prosrc, p.proconfig, p.prorettype, p.proowner, p.proacl
          FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE p.pronamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private'))
           AND l.lanname <> 'c' AND p.proowner = 'cloudgreet_owner'::regrole)
    SELECT o.oid::regprocedure FROM ours o
     WHERE (o.prorettype = 'trigger'::regtype
            OR o.prosrc ~ '[\\]|::(timestamp|timestamptz|date|time|interval)\M|\m(to_char|to_timestamp|to_date)\M'
            OR EXISTS (SELECT FROM aclexplode(o.proacl) a WHERE a.grantee <> o.proowner)
            OR NOT EXISTS (SELECT FROM ours c WHERE c.oid <> o.oid AND strpos(c.prosrc, o.proname || '(') > 0))
       AND NOT coalesce(o.proconfig, '{}') @> ARRAY(
               SELECT (SELECT s.name FROM pg_settings s WHERE lower(s.name) = p.name) || '=' || p.value FROM cloudgreet.pinned_settings() p);
$$;
COMMENT ON FUNCTION cloudgreet_private.unpinned_functions() IS
    'Functions that lack a setting of pinned_settings() and by which sessions come in (that some role may call, triggers, those that no other calls), or whose text depends on one.';
REVOKE ALL ON FUNCTION cloudgreet_private.unpinned_functions() FROM PUBLIC;

DO
$pin$
DECLARE
    actions CONSTANT text := (SELECT string_agg(format('SET %I = %L', p.name, p.value), ' ') FROM cloudgreet.pinned_settings() p);
    target regprocedure;
BEGIN
    FOR target IN SELECT f FROM cloudgreet_private.unpinned_functions() f LOOP
        EXECUTE format('ALTER FUNCTION %s %s', target, actions);
    END LOOP;
END
$pin$;
