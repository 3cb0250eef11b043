/*
 * hygiene.sql
 *		Rules that every object obeys.  Each query names the offenders: there are none.
 */
CREATE TEMP VIEW ours AS SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('cloudgreet', 'cloudgreet_private');

-- Tables and partitions of tenants without row security, also for their owner.
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);
-- ... without exactly one restrictive policy, for everyone and every command.
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p')
   AND 1 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
              AND pg_get_expr(p.polqual, p.polrelid) = '(' || CASE c.relname WHEN 'businesses' THEN 'id' ELSE 'business_id' END || ' = cloudgreet.current_business_id())'
              AND pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid));
-- Permissive policies that are neither of the matrix nor the owner's.
SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND p.polpermissive AND p.polname <> c.relname || '_owner_all'
   AND NOT EXISTS (SELECT FROM cloudgreet_private.permissions m
                    WHERE m.table_name = c.relname AND p.polname = c.relname || '_' || m.app_role || '_' || m.verb);
-- Rows of the matrix without a policy, and tables without a row of it.
SELECT m.* FROM cloudgreet_private.permissions m
 WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = ('cloudgreet.' || m.table_name)::regclass
                    AND p.polname = m.table_name || '_' || m.app_role || '_' || m.verb);
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM cloudgreet_private.permissions m WHERE m.table_name = c.relname);
-- Policies that would outlive the extension: each must depend on a function of it.
SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN ours ON ours.oid = c.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_depend d JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
                    WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass);

-- Grants to PUBLIC, to anon, on internals, or of other verbs than the four.
SELECT c.oid::regclass, a.grantee::regrole, a.privilege_type
  FROM pg_class c JOIN ours ON ours.oid = c.relnamespace, aclexplode(c.relacl) a
 WHERE a.grantee <> c.relowner
   AND (a.grantee = 0 OR a.grantee = 'anon'::regrole OR ours.nspname = 'cloudgreet_private' OR c.relispartition
        OR a.is_grantable OR a.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'));
-- Columns that tenants may change although they identify the row.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'cloudgreet'::regnamespace AND a.attname IN ('business_id', 'id', 'created_at', 'updated_at')
   AND c.relkind IN ('r', 'p') AND has_column_privilege('authenticated', c.oid, a.attnum, 'UPDATE');
-- Schemas open to others than the API roles.
SELECT n.nspname, CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END AS grantee, a.privilege_type
  FROM pg_namespace n JOIN ours USING (oid), aclexplode(n.nspacl) a
 WHERE a.grantee <> n.nspowner AND a.grantee <> 'cloudgreet_owner'::regrole
   AND NOT (n.nspname = 'cloudgreet' AND a.privilege_type = 'USAGE'
            AND a.grantee IN ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole, 'authenticator'::regrole, 'cloudgreet_app'::regrole, 'cloudgreet_gate'::regrole));

-- Functions that PUBLIC may execute.
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0);
-- Functions not in C without a pinned search_path that ends with pg_temp.
SELECT p.oid::regprocedure FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
 WHERE l.lanname <> 'c' AND p.prosqlbody IS NULL AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false);
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
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ours ON ours.oid = c.relnamespace WHERE t.tgenabled <> 'O';
