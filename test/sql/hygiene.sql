/*
 * hygiene.sql
 *		Rules that every object obeys.  Each query names the offenders: there are none.
 *		Policies and grants have a test of their own, rights.
 */
CREATE TEMP VIEW ours AS SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('cloudgreet', 'cloudgreet_private');

-- Keys that do not begin with the business: primary, unique and exclusion constraints, unique indexes.
SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND (i.indisunique OR i.indisexclusion)
   AND a.attname IS DISTINCT FROM CASE c.relname WHEN 'businesses' THEN 'id' ELSE 'business_id' END;
-- Foreign keys between tenant tables that do not carry the business along, on both sides.
SELECT k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
 WHERE k.contype = 'f' AND c.relnamespace = 'cloudgreet'::regnamespace
   AND ((SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) <> 'business_id'
        OR (SELECT attname FROM pg_attribute WHERE attrelid = k.confrelid AND attnum = k.confkey[1])
           <> CASE k.confrelid WHEN 'cloudgreet.businesses'::regclass THEN 'id' ELSE 'business_id' END);
-- Foreign keys that would write (Citus refuses SET NULL, and history would lose its subject).
SELECT k.conname FROM pg_constraint k JOIN ours ON ours.oid = k.connamespace WHERE k.contype = 'f' AND k.confdeltype NOT IN ('a', 'c', 'r');
-- Tables without the business as their first column, or with one that may be null.
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'businesses'
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'business_id' AND a.attnum = 1
                    AND a.attnotnull AND a.atttypid = 'uuid'::regtype);
-- Columns whose type is of our schemas, so that it would go with the extension.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type y ON y.oid = a.atttypid
  JOIN ours ON ours.oid = y.typnamespace
 WHERE a.attnum > 0 AND c.relkind IN ('r', 'p');
-- Sequences: shared ones would tell how much others write.
SELECT c.oid::regclass FROM pg_class c JOIN ours ON ours.oid = c.relnamespace WHERE c.relkind = 'S';
-- Tables with updated_at that nothing keeps.
SELECT a.attrelid::regclass FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'updated_at'
   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'cloudgreet.touch_updated_at()'::regprocedure);

-- Functions that PUBLIC may execute.
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0);
-- Functions not in C without a pinned search_path that ends with pg_temp.
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
 WHERE l.lanname <> 'c' AND p.prosqlbody IS NULL AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false);
-- Functions by which sessions come in, without the settings that would change what they mean.
SELECT f FROM cloudgreet_private.unpinned_functions() f;
-- SECURITY DEFINER functions that do not belong to the owner without rights of its own.
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.prosecdef AND p.proowner <> 'cloudgreet_owner'::regrole;
-- ... and those that API roles may call: this list is read by people.
SELECT p.proname FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.prosecdef AND (has_function_privilege('anon', p.oid, 'EXECUTE') OR has_function_privilege('authenticated', p.oid, 'EXECUTE'))
 ORDER BY 1;
-- Views that do not use their reader's rights, materialized views, foreign tables.
SELECT c.oid::regclass FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
 WHERE c.relkind IN ('m', 'f') OR (c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false));

-- Objects without a COMMENT: tables, functions, and members of the extension.
SELECT c.oid::regclass FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v') AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace WHERE obj_description(p.oid, 'pg_proc') IS NULL;
-- Foreign keys without an index that begins with their columns.
SELECT k.conname FROM pg_constraint k JOIN ours ON ours.oid = k.connamespace
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
                    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey);
-- Members of the extension outside its schema.
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
 WHERE e.extname = 'cloudgreet' AND d.deptype = 'e' AND p.pronamespace IS DISTINCT FROM 'cloudgreet'::regnamespace;
-- Constraints and triggers that are not valid or not enabled.
SELECT conname FROM pg_constraint JOIN ours ON ours.oid = connamespace WHERE NOT convalidated;
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ours ON ours.oid = c.relnamespace WHERE t.tgenabled <> CASE t.tgname WHEN 'businesses_replicated' THEN 'R' ELSE 'O' END;

-- The role of the dispatcher's statements: what it could be or do beyond them.
SELECT rolname FROM pg_roles WHERE rolname = 'cloudgreet_worker'
   AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolinherit OR rolcanlogin OR NOT rolbypassrls);
SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members m WHERE 'cloudgreet_worker'::regrole IN (m.roleid, m.member);
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d
 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = 'cloudgreet_worker'::regrole AND d.deptype = 'o';
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.prosecdef AND has_function_privilege('cloudgreet_worker', p.oid, 'EXECUTE');
-- ... the functions that defaults and checks of its tables call,
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE has_function_privilege('cloudgreet_worker', p.oid, 'EXECUTE') ORDER BY p.proname;
-- ... and rights that all of them would do without, or that one of them lacks.
CREATE FUNCTION pg_temp.runs(statement text) RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    -- Rights are looked at when a plan is made ready to run, also by EXPLAIN, which does not.
    SET LOCAL ROLE cloudgreet_worker;
    EXECUTE 'PREPARE it AS ' || statement;
    EXECUTE format('EXPLAIN EXECUTE it%s', (SELECT '(' || string_agg('NULL', ', ') || ')' FROM pg_prepared_statements s, unnest(s.parameter_types) WHERE s.name = 'it'));
    DEALLOCATE it;
    RESET ROLE;
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    IF EXISTS (SELECT FROM pg_prepared_statements s WHERE s.name = 'it') THEN
        DEALLOCATE it;
    END IF;
    RETURN false;
END
$$;
CREATE FUNCTION pg_temp.is_needed(revoke text) RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE revoke;
    IF (SELECT bool_and(pg_temp.runs(s.statement)) FROM cloudgreet.outbox_statements() s) THEN
        RETURN false;
    END IF;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN true;
END
$$;
BEGIN;
SELECT s.name FROM cloudgreet.outbox_statements() s WHERE NOT pg_temp.runs(s.statement);
SELECT g.is_of, g.privilege FROM (
    SELECT format('%I.%I', n.nspname, c.relname) AS is_of, a.privilege_type AS privilege
      FROM pg_class c JOIN ours n ON n.oid = c.relnamespace, aclexplode(c.relacl) a WHERE a.grantee = 'cloudgreet_worker'::regrole
    UNION ALL
    SELECT format('%I.%I', n.nspname, c.relname), format('%s (%I)', a.privilege_type, t.attname)
      FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN ours n ON n.oid = c.relnamespace, aclexplode(t.attacl) a WHERE a.grantee = 'cloudgreet_worker'::regrole) g
 WHERE NOT pg_temp.is_needed(format('REVOKE %s ON %s FROM cloudgreet_worker', g.privilege, g.is_of)) ORDER BY 1, 2;
ROLLBACK;
