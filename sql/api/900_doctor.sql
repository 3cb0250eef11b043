/*
 * 900_doctor.sql
 *		What is missing or unsafe in an installation, each with the line that mends it.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_front()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    -- Without preload these settings do not exist, and nothing is said about the front.
    WITH front AS (
        SELECT coalesce(current_setting('cloudgreet.gate', true), 'off') = 'on' AS is_wanted,
               coalesce(current_setting('cloudgreet.gate_conninfo', true), '') <> '' AS has_conninfo,
               current_database() = ANY (regexp_split_to_array(replace(current_setting('cloudgreet.databases', true), '"', ''), '\s*,\s*')) AS is_named,
               EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'cloudgreet supervisor' AND query ~ '^HTTP front \d+ listens on port [1-9]') AS is_listening,
               EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'cloudgreet_gate' AND datname = current_database()) AS is_connected)
    SELECT 'warning', 'this database is not served: it has no HTTP front and no dispatcher',
           format('ALTER SYSTEM SET cloudgreet.databases = %L; SELECT pg_reload_conf();', quote_ident(current_database()))
      FROM front WHERE is_wanted AND NOT is_named AND NOT has_conninfo
    UNION ALL
    SELECT 'error', 'the HTTP front does not listen',
           'The server''s log says why; often cloudgreet.gate_port is taken. ALTER SYSTEM SET cloudgreet.gate_port = 8788; SELECT pg_reload_conf();'
      FROM front WHERE is_wanted AND (is_named OR has_conninfo) AND NOT is_listening
    UNION ALL
    SELECT 'error', 'the HTTP front cannot connect to this database as role "cloudgreet_gate"',
           'With peer authentication add to pg_ident.conf "cloudgreet postgres cloudgreet_gate", and to pg_hba.conf, above the other lines, "local all cloudgreet_gate peer map=cloudgreet"; then SELECT pg_reload_conf();'
      FROM front WHERE is_wanted AND is_named AND is_listening AND NOT is_connected
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_front() IS
    'The part of doctor() about the HTTP front: whether it runs, listens and reaches this database.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_front() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet.doctor()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    key_in_use text;
    found text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied for function doctor()'
            USING ERRCODE = 'insufficient_privilege', HINT = 'It must be run by a superuser.';
    END IF;

    RETURN QUERY SELECT 'error', 'PostgreSQL ' || current_setting('server_version') || ' lacks fixes that row security needs',
        'Upgrade to the newest minor release (at least 15.14).'
     WHERE current_setting('server_version_num')::int BETWEEN 150000 AND 150013;

    RETURN QUERY SELECT 'error', 'the library is not preloaded: statements with secrets may be logged before it is there, and no HTTP front is started',
        format('ALTER SYSTEM SET shared_preload_libraries = %L;  -- then restart',
               concat_ws(',', nullif(current_setting('shared_preload_libraries'), ''), 'cloudgreet'))
     WHERE NOT regexp_split_to_array(current_setting('shared_preload_libraries'), '\s*,\s*') @> '{cloudgreet}';

    RETURN QUERY SELECT 'error', 'there is no master key: secrets and token keys can be neither stored nor used',
        'ALTER SYSTEM SET cloudgreet.master_key_file = ''/etc/cloudgreet/master.key''; SELECT pg_reload_conf();'
     WHERE coalesce(current_setting('cloudgreet.master_key_file', true), '') = '';
    IF coalesce(current_setting('cloudgreet.master_key_file', true), '') <> '' THEN
        BEGIN
            SELECT s.key_id INTO key_in_use FROM cloudgreet.seal_jwt_key('doctor', 'x') s;
        EXCEPTION WHEN SQLSTATE 'ZG109' THEN
            RETURN QUERY SELECT 'error', SQLERRM,
                'Make the file the server user''s own, with mode 0600, holding 64 hexadecimal digits: openssl rand -hex 32.';
        END;
        RETURN QUERY SELECT 'error', format('%s secrets and token keys were sealed with another master key', count(*)),
            'Bring the old key file back, or set the secrets again.'
          FROM (SELECT key_id FROM cloudgreet_private.secrets UNION ALL SELECT key_id FROM cloudgreet_private.jwt_keys) k
         WHERE k.key_id <> key_in_use
        HAVING count(*) > 0;
        RETURN QUERY SELECT 'warning', 'the master key lies in the data directory and travels with every base backup',
            'Move it, for example to /etc/cloudgreet, and change cloudgreet.master_key_file.'
         WHERE current_setting('cloudgreet.master_key_file') !~ '^/'
            OR starts_with(current_setting('cloudgreet.master_key_file'), current_setting('data_directory') || '/');
    END IF;

    RETURN QUERY SELECT 'error', 'there is no active token key: nobody can sign in',
        'SELECT cloudgreet.add_jwt_key(''main'', ''<at least 32 bytes>'');'
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.jwt_keys WHERE is_active);

    RETURN QUERY SELECT 'warning', 'this database sends nothing. ' || i.reason,
        'SELECT cloudgreet.activate();  -- if it is the one that may send'
      FROM cloudgreet.installation_status() i WHERE i.state <> 'active';

    RETURN QUERY SELECT 'error', 'cloudgreet.clock has a test value', 'ALTER SYSTEM RESET cloudgreet.clock; SELECT pg_reload_conf();'
     WHERE current_setting('cloudgreet.clock', true) <> '';

    RETURN QUERY SELECT 'error', 'role "cloudgreet_owner" is not safe as the owner of the tables',
        'ALTER ROLE cloudgreet_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;  -- and revoke it from its members'
     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'cloudgreet_owner'
                      AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls
                           OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid)));
    RETURN QUERY SELECT 'error', format('role "%s" has rights of its own', r.rolname),
        format('ALTER ROLE %s NOSUPERUSER NOBYPASSRLS;  -- and revoke its memberships', r.rolname)
      FROM pg_roles r
     WHERE r.rolname IN ('cloudgreet_gate', 'cloudgreet_cron')
       AND (r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid));

    RETURN QUERY SELECT 'error', format('table %s does not isolate tenants', c.oid::regclass), 'SELECT cloudgreet_private.apply_permissions();'
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'cloudgreet_owner'::regrole
       AND (NOT (c.relrowsecurity AND c.relforcerowsecurity)
            OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive));

    RETURN QUERY SELECT 'warning', format('table %s belongs to role "%s": row security does not hold for that role', c.oid::regclass, c.relowner::regrole),
        format('ALTER TABLE %s OWNER TO cloudgreet_owner; SELECT cloudgreet_private.apply_permissions();', c.oid::regclass)
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner <> 'cloudgreet_owner'::regrole;

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_front();

    RETURN QUERY SELECT 'error', format('history "%s" has partitions for %s more months only', h.relname, h.ahead),
        'SELECT cloudgreet_private.maintain_partitions();'
      FROM (SELECT c.relname, (SELECT count(*) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
                                WHERE i.inhparent = c.oid AND p.relname > c.relname || to_char(now() AT TIME ZONE 'UTC', '"_p"YYYY_MM')) AS ahead
              FROM pg_class c
             WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind = 'p') h
     WHERE h.ahead < 2;

    RETURN QUERY SELECT 'warning', format('setting %s is %s: a crash of the machine can lose or damage data', s.name, s.setting),
        format('ALTER SYSTEM RESET %s; SELECT pg_reload_conf();', s.name)
      FROM pg_settings s WHERE s.name IN ('fsync', 'full_page_writes') AND s.setting = 'off';

    SELECT string_agg(rolname, ', ' ORDER BY rolname) INTO found FROM pg_roles r
     WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> 'authenticator'
       AND pg_has_role(r.oid, 'service_role', 'MEMBER');
    RETURN QUERY SELECT 'note', format('login roles that can become service_role and so see every business: %s', found),
        'Give their passwords to trusted programs only.'
     WHERE found IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet.doctor() IS
    'What is missing or unsafe in this installation (error, warning, note), each with the line that mends it; no rows: all is well. Superusers only.';
REVOKE ALL ON FUNCTION cloudgreet.doctor() FROM PUBLIC;
