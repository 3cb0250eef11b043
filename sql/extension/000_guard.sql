/*
 * 000_guard.sql
 *		Refuses an unsafe place before anything is made, and makes the roles.
 *
 * The schema "cloudgreet" is made by CREATE EXTENSION when it is missing; an
 * existing one must belong to the installer, or its owner could plant objects.
 */
DO $guard$
DECLARE
    installer CONSTANT oid := (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user);
    role_name text;
    parameter text;
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION 'cloudgreet needs a database with encoding UTF8, not %', pg_catalog.getdatabaseencoding()
            USING ERRCODE = 'feature_not_supported';
    END IF;

    IF EXISTS (SELECT FROM pg_catalog.pg_namespace
               WHERE nspname IN ('cloudgreet', 'cloudgreet_private')
                 AND nspowner <> installer
                 AND NOT pg_catalog.pg_has_role(nspowner, installer, 'MEMBER')
                 AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = nspowner)) THEN
        RAISE EXCEPTION 'schema "cloudgreet" or "cloudgreet_private" belongs to another role'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop the schema, or give it to a superuser after looking at what it holds.';
    END IF;

    IF EXISTS (SELECT FROM pg_catalog.pg_roles r
               WHERE r.rolname = 'cloudgreet_owner'
                 AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls
                      OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid))) THEN
        RAISE EXCEPTION 'role "cloudgreet_owner" exists and is not safe as the owner of the tables'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'It must have none of LOGIN, SUPERUSER and BYPASSRLS, and no members.',
                  HINT = 'Rename or drop the role, then create the extension again.';
    END IF;

    FOREACH role_name IN ARRAY ARRAY['cloudgreet_gate', 'cloudgreet_cron'] LOOP
        IF EXISTS (SELECT FROM pg_catalog.pg_roles r
                   WHERE r.rolname = role_name
                     AND (r.rolsuper OR r.rolbypassrls
                          OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid))) THEN
            RAISE EXCEPTION 'role "%" exists and has rights of its own', role_name
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'It must have none of SUPERUSER and BYPASSRLS, and be a member of no role.',
                      HINT = 'Rename or drop the role, then create the extension again.';
        END IF;
    END LOOP;

    IF EXISTS (SELECT FROM pg_catalog.pg_roles r
               WHERE r.rolname = 'cloudgreet_worker'
                 AND (r.rolcanlogin OR r.rolsuper
                      OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE r.oid IN (m.roleid, m.member)))) THEN
        RAISE EXCEPTION 'role "cloudgreet_worker" exists and is not safe as the role of the workers'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'It must have neither LOGIN nor SUPERUSER, no members, and be a member of no role.',
                  HINT = 'Rename or drop the role, then create the extension again.';
    END IF;

    -- Roles belong to the cluster: another database, or Supabase, may have made them.
    -- The group roles come last, since they are members of the others.
    FOREACH role_name IN ARRAY ARRAY['cloudgreet_owner', 'cloudgreet_worker', 'cloudgreet_gate', 'cloudgreet_cron', 'anon', 'authenticated', 'service_role', 'authenticator', 'cloudgreet_app'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOINHERIT %s', role_name,
                    CASE role_name WHEN 'service_role' THEN 'BYPASSRLS'
                                   WHEN 'cloudgreet_worker' THEN 'BYPASSRLS'
                                   WHEN 'authenticator' THEN 'LOGIN'
                                   WHEN 'cloudgreet_gate' THEN 'LOGIN'
                                   WHEN 'cloudgreet_cron' THEN 'LOGIN' ELSE '' END);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made at the same moment by another session
            END;
            IF role_name = 'authenticator' THEN
                GRANT anon, authenticated, service_role TO authenticator;
            ELSIF role_name = 'cloudgreet_app' THEN
                GRANT anon, authenticated TO cloudgreet_app;
            END IF;
        END IF;
    END LOOP;

    -- Tokens and bodies are parameters of the gate's only statement: no setting of the log may show them.
    FOREACH parameter IN ARRAY ARRAY['log_parameter_max_length', 'log_parameter_max_length_on_error'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r, pg_catalog.unnest(r.rolconfig) c
                       WHERE r.rolname = 'cloudgreet_gate' AND pg_catalog.starts_with(c, parameter || '=')) THEN
            EXECUTE pg_catalog.format('ALTER ROLE cloudgreet_gate SET %I = 0', parameter);
        END IF;
    END LOOP;
END
$guard$;

REVOKE ALL ON SCHEMA cloudgreet FROM PUBLIC, cloudgreet_app, cloudgreet_gate, cloudgreet_cron, anon, authenticated, service_role, authenticator;
GRANT USAGE ON SCHEMA cloudgreet TO cloudgreet_owner, cloudgreet_worker, cloudgreet_app, cloudgreet_gate, cloudgreet_cron, anon, authenticated, service_role, authenticator;
