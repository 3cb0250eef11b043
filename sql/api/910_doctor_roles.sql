/*
 * 910_doctor_roles.sql
 *		The part of doctor() about roles: who is above row security, or could come to be.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.revoke_line(member pg_auth_members) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- Since 16 a membership belongs to who granted it.
    SELECT format('REVOKE %I FROM %I%s;', pg_get_userbyid(revoke_line.member.roleid), pg_get_userbyid(revoke_line.member.member),
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', pg_get_userbyid(revoke_line.member.grantor)) ELSE '' END)
$$;
COMMENT ON FUNCTION cloudgreet_private.revoke_line(pg_auth_members) IS 'The statement that takes a membership back.';
REVOKE ALL ON FUNCTION cloudgreet_private.revoke_line(pg_auth_members) FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_roles()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    installer CONSTANT oid := (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'cloudgreet');
    -- Where Supabase's supautils keeps roles from being taken.
    is_reserved CONSTANT boolean :=
        cloudgreet_private.setting_names('supautils.reserved_roles', false) && '{cloudgreet_owner,cloudgreet_owner*}'
        AND cloudgreet_private.setting_names('supautils.reserved_memberships', false) && '{cloudgreet_owner}';
    found text;
BEGIN
    RETURN QUERY SELECT 'error', 'role "cloudgreet_owner" is not safe as the owner of the tables',
        concat_ws(' ', 'ALTER ROLE cloudgreet_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;',
            (SELECT string_agg(cloudgreet_private.revoke_line(m), ' ') FROM pg_auth_members m WHERE m.roleid = r.oid))
      FROM pg_roles r
     WHERE r.rolname = 'cloudgreet_owner'
       AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid));
    RETURN QUERY SELECT 'error', format('role "%s" has rights of its own', r.rolname),
        concat_ws(' ', format('ALTER ROLE %s NOSUPERUSER NOBYPASSRLS;', r.rolname),
            (SELECT string_agg(cloudgreet_private.revoke_line(m), ' ') FROM pg_auth_members m WHERE m.member = r.oid))
      FROM pg_roles r
     WHERE r.rolname IN ('cloudgreet_gate', 'cloudgreet_cron')
       AND (r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid));

    -- A role with CREATEROLE may make itself a member of any that is no superuser; since 16
    -- of those that it administers, which the first line above names.
    SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) INTO found FROM pg_roles r
     WHERE r.rolcreaterole AND NOT r.rolsuper AND current_setting('server_version_num')::int < 160000 AND NOT is_reserved
       AND (r.rolcanlogin OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid));
    RETURN QUERY SELECT 'warning', format('roles with CREATEROLE can make themselves members of cloudgreet_owner: %s', found),
        'Take CREATEROLE from those that do not need it. On Supabase add cloudgreet_owner to supautils.reserved_roles and supautils.reserved_memberships.'
     WHERE found IS NOT NULL;

    SELECT string_agg(format('%s (%s)', r.rolname, r.way), ', ' ORDER BY r.rolname) INTO found
      FROM (SELECT a.rolname, CASE WHEN a.rolsuper THEN 'superuser' WHEN a.rolbypassrls THEN 'BYPASSRLS'
                                   ELSE (SELECT 'member of ' || min(up.rolname) FROM pg_roles up
                                          WHERE (up.rolsuper OR up.rolbypassrls) AND up.rolname <> 'service_role'
                                            AND pg_has_role(a.oid, up.oid, 'MEMBER')) END AS way
              FROM pg_roles a WHERE a.rolcanlogin AND a.oid <> installer) r
     WHERE r.way IS NOT NULL;
    RETURN QUERY SELECT 'note', format('login roles that row security does not hold for, who so see every business: %s', found),
        'Give their passwords to nobody who should not. ALTER ROLE ... NOSUPERUSER NOBYPASSRLS where a role does not need it.'
     WHERE found IS NOT NULL;

    SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) INTO found FROM pg_roles r
     WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname NOT IN ('authenticator', 'service_role')
       AND pg_has_role(r.oid, 'service_role', 'MEMBER');
    RETURN QUERY SELECT 'note', format('login roles that can become service_role and so see every business: %s', found),
        'Give their passwords to trusted programs only.'
     WHERE found IS NOT NULL;

    -- Supabase's Realtime and Storage verify tokens themselves and set the claims, as PostgREST does.
    RETURN QUERY SELECT 'note', format('Supabase''s %s sets claims that are not believed, so row security shows it no business', s.product),
        format('ALTER SYSTEM SET cloudgreet.trusted_authenticators = %L; SELECT pg_reload_conf();  -- if the project uses it',
               concat_ws(', ', nullif(current_setting('cloudgreet.trusted_authenticators'), ''), s.role))
      FROM (VALUES ('supabase_admin', 'Realtime', 'realtime'), ('supabase_storage_admin', 'Storage', 'storage')) AS s (role, product, schema)
     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = s.role) AND to_regnamespace(s.schema) IS NOT NULL
       AND NOT s.role = ANY (cloudgreet_private.setting_names('cloudgreet.trusted_authenticators', true));
    RETURN QUERY SELECT 'note', 'cloudgreet.jwt_audience refuses Supabase''s anon and service keys, which have no aud',
        'ALTER SYSTEM RESET cloudgreet.jwt_audience; SELECT pg_reload_conf();  -- if those keys are used'
     WHERE current_setting('cloudgreet.jwt_audience') <> '' AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'supabase_admin');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_roles() IS
    'The part of doctor() about roles that are above row security, or could take the tables'' owner, and about Supabase''s own.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_roles() FROM PUBLIC;
