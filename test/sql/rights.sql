/*
 * rights.sql
 *		Row security, policies and grants: those of the permission matrix, to the letter.
 *		Each query names the offenders: there are none.  Of cloudgreet_worker hygiene tells.
 */
CREATE TEMP VIEW ours AS SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('cloudgreet', 'cloudgreet_private');
CREATE TEMP VIEW tenant_tables AS
    SELECT c.oid, c.relname, c.relispartition, c.relrowsecurity AND c.relforcerowsecurity AS is_secured
      FROM pg_class c WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p');

-- Roles that could pass everything below by.
SELECT rolname FROM pg_roles
 WHERE rolname IN ('cloudgreet_owner', 'cloudgreet_app', 'cloudgreet_gate', 'cloudgreet_cron', 'anon', 'authenticated', 'authenticator', 'service_role')
   AND (rolsuper OR rolcreaterole OR rolreplication OR rolinherit OR rolcanlogin <> (rolname IN ('authenticator', 'cloudgreet_gate', 'cloudgreet_cron'))
        OR rolbypassrls <> (rolname = 'service_role'));
SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members m WHERE m.roleid = 'cloudgreet_owner'::regrole OR m.member IN ('cloudgreet_owner'::regrole, 'cloudgreet_gate'::regrole, 'cloudgreet_cron'::regrole)
    OR m.member = 'cloudgreet_app'::regrole AND m.roleid NOT IN ('anon'::regrole, 'authenticated'::regrole);
-- Relations and functions that do not belong to the owner, members of the extension aside.
SELECT c.oid::regclass, c.relowner::regrole FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relowner <> 'cloudgreet_owner'::regrole;
SELECT p.oid::regprocedure, p.proowner::regrole FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
 WHERE p.proowner <> 'cloudgreet_owner'::regrole
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e');

-- Tables and partitions of tenants, and the secrets, without row security, also for their owner.
SELECT oid::regclass FROM tenant_tables WHERE NOT is_secured
UNION ALL SELECT oid::regclass FROM pg_class WHERE oid = 'cloudgreet_private.secrets'::regclass AND NOT (relrowsecurity AND relforcerowsecurity);
-- ... without exactly one restrictive policy, for everyone and every command.
SELECT t.oid::regclass FROM tenant_tables t
 WHERE 1 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = t.oid AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
              AND pg_get_expr(p.polqual, p.polrelid) = '(' || CASE t.relname WHEN 'businesses' THEN 'id' ELSE 'business_id' END || ' = cloudgreet.current_business_id())'
              AND pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid));
-- Tables without a row of the matrix, and rows without a table.
SELECT relname FROM tenant_tables WHERE NOT relispartition
EXCEPT SELECT table_name FROM cloudgreet_private.permissions;
SELECT table_name FROM cloudgreet_private.permissions
EXCEPT SELECT relname FROM tenant_tables WHERE NOT relispartition;

-- Permissive policies: what the matrix and the owner need (+), what is there beyond (-).
CREATE TEMP VIEW wanted_policies AS
    SELECT m.table_name AS relname, m.table_name || '_' || m.app_role || '_' || m.verb AS name,
           CASE m.verb WHEN 'select' THEN 'r' WHEN 'insert' THEN 'a' WHEN 'update' THEN 'w' ELSE 'd' END AS command,
           'authenticated' AS role,
           CASE WHEN m.verb <> 'insert' THEN format('COALESCE((cloudgreet.current_app_role() = %L::text), false)', m.app_role) END AS qual,
           CASE WHEN m.verb IN ('insert', 'update') THEN format('COALESCE((cloudgreet.current_app_role() = %L::text), false)', m.app_role) END AS with_check
      FROM cloudgreet_private.permissions m WHERE m.app_role <> 'service_role'
    UNION ALL
    SELECT relname, relname || '_owner_all', '*', 'cloudgreet_owner', '(cloudgreet.current_business_id() IS NOT NULL)', NULL FROM tenant_tables;
CREATE TEMP VIEW present_policies AS
    SELECT t.relname, p.polname::text AS name, p.polcmd::text AS command,
           (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END, ', ') FROM unnest(p.polroles) r) AS role,
           pg_get_expr(p.polqual, p.polrelid) AS qual, pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
      FROM pg_policy p JOIN tenant_tables t ON t.oid = p.polrelid WHERE p.polpermissive;
(SELECT '+' AS is, w.* FROM (TABLE wanted_policies EXCEPT TABLE present_policies) w)
UNION ALL (SELECT '-', p.* FROM (TABLE present_policies EXCEPT TABLE wanted_policies) p) ORDER BY 2, 3, 1;
-- Policies that would outlive the extension: each must depend on a function of it.
SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN ours ON ours.oid = c.relnamespace
 WHERE NOT EXISTS (SELECT FROM pg_depend d JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
                    WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass);

-- Grants on tables and columns of both schemas, likewise.
CREATE TEMP VIEW wanted_grants AS
    SELECT DISTINCT 'cloudgreet.' || m.table_name AS relation, NULL::name AS column_name, upper(m.verb) AS privilege,
           CASE m.app_role WHEN 'service_role' THEN 'service_role' ELSE 'authenticated' END AS role
      FROM cloudgreet_private.permissions m WHERE m.verb IN ('select', 'delete') OR m.app_role = 'service_role'
    UNION
    SELECT 'cloudgreet.' || m.table_name, a.attname, upper(m.verb), 'authenticated'
      FROM cloudgreet_private.permissions m JOIN tenant_tables t ON t.relname = m.table_name
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE m.verb IN ('insert', 'update') AND m.app_role <> 'service_role' AND a.attname NOT IN ('created_at', 'updated_at')
       AND (m.verb = 'insert' OR a.attname NOT IN ('business_id', 'id'));
CREATE TEMP VIEW present_grants AS
    SELECT c.oid::regclass::text AS relation, g.column_name, a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS privilege,
           CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END AS role
      FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT NULL::name AS column_name, c.relacl AS acl
                         UNION ALL SELECT attname, attacl FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) g
     CROSS JOIN LATERAL aclexplode(g.acl) a WHERE a.grantee NOT IN (c.relowner, to_regrole('cloudgreet_worker'));
(SELECT '+' AS is, w.* FROM (TABLE wanted_grants EXCEPT TABLE present_grants) w)
UNION ALL (SELECT '-', p.* FROM (TABLE present_grants EXCEPT TABLE wanted_grants) p) ORDER BY 2, 3, 4, 5;
-- Grants of functions, likewise: what is there beyond (-) has no row in the matrix of functions.
CREATE TEMP VIEW wanted_calls AS
    SELECT DISTINCT p.oid::regprocedure AS function, CASE WHEN m.role_name IN ('admin', 'user', 'agent') THEN 'authenticated' ELSE m.role_name END AS role
      FROM cloudgreet_private.function_permissions m JOIN pg_proc p ON p.proname = m.function_name AND p.pronamespace = 'cloudgreet'::regnamespace;
CREATE TEMP VIEW present_calls AS
    SELECT p.oid::regprocedure AS function, CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS role
      FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee NOT IN (p.proowner, to_regrole('cloudgreet_owner'), to_regrole('cloudgreet_worker'));
(SELECT '+' AS is, w.*, 'the grant is missing: sql/extension/900_grants.sql, or apply_permissions() did not run' AS mend FROM (TABLE wanted_calls EXCEPT TABLE present_calls) w)
UNION ALL (SELECT '-', p.*, 'no row in the matrix of functions: sql/api/800_permissions.sql' FROM (TABLE present_calls EXCEPT TABLE wanted_calls) p) ORDER BY 2, 3, 1;
-- Rows without a function; functions of an application role that do not ask for it, or ask for another's right (next_slots() asks by check_availability()).
SELECT m.function_name FROM cloudgreet_private.function_permissions m
 WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = m.function_name AND p.pronamespace = 'cloudgreet'::regnamespace);
SELECT p.oid::regprocedure, 'call cloudgreet_private.business_for() with the function''s own name' AS mend FROM pg_proc p
 WHERE p.pronamespace = 'cloudgreet'::regnamespace AND p.prosecdef
   AND p.proname IN (SELECT m.function_name FROM cloudgreet_private.function_permissions m WHERE m.role_name IN ('admin', 'user', 'agent'))
   AND p.prosrc !~ (CASE WHEN p.proname IN ('start_agent', 'stop_agent') THEN 'switch_agent' ELSE 'business_for\(''' || p.proname || '''' END);
-- Schemas open to others than the API roles.
SELECT n.nspname, CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END AS grantee, a.privilege_type
  FROM pg_namespace n JOIN ours USING (oid), aclexplode(n.nspacl) a
 WHERE a.grantee NOT IN (n.nspowner, 'cloudgreet_owner'::regrole, 'cloudgreet_worker'::regrole)
   AND NOT (n.nspname = 'cloudgreet' AND a.privilege_type = 'USAGE'
            AND a.grantee IN ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole, 'authenticator'::regrole, 'cloudgreet_app'::regrole, 'cloudgreet_gate'::regrole, 'cloudgreet_cron'::regrole));
