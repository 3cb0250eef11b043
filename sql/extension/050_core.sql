/*
 * 050_core.sql
 *		Ids, the clock, and the application schema's life: migrate() and uninstall().
 */
CREATE FUNCTION cloudgreet.uuid_v7() RETURNS uuid
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_uuid_v7';
COMMENT ON FUNCTION cloudgreet.uuid_v7() IS
    'A new id: UUID version 7 (RFC 9562) of the real time; ids of one session strictly increase.';

CREATE FUNCTION cloudgreet.uuid_v7_floor(at timestamptz) RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_uuid_v7_floor';
COMMENT ON FUNCTION cloudgreet.uuid_v7_floor(timestamptz) IS
    'The smallest UUID version 7 of a millisecond: the bound of a range of ids. Error 22008 outside 1970 to 10889.';

CREATE FUNCTION cloudgreet.uuid_v7_time(id uuid) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_uuid_v7_time';
COMMENT ON FUNCTION cloudgreet.uuid_v7_time(uuid) IS
    'The millisecond in which a UUID version 7 was made; NULL for an id of another version.';

CREATE FUNCTION cloudgreet.clock() RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_clock';
COMMENT ON FUNCTION cloudgreet.clock() IS
    'The time that decides what is due: the transaction''s start, or the test value that a superuser put into the setting cloudgreet.clock.';

CREATE FUNCTION cloudgreet.json_size(value jsonb) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_json_size';
COMMENT ON FUNCTION cloudgreet.json_size(jsonb) IS
    'The bytes of value::text, counted without printing it: a number of eight bytes may print to 131,072.';

CREATE FUNCTION cloudgreet.read_json(value text) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_read_json';
COMMENT ON FUNCTION cloudgreet.read_json(text) IS
    'For JSON from outside that is a text: value::jsonb, unless its numbers would print to far more than was sent. Errors: those of the cast, 22003 for a number of more than 1000 digits, 54000 for too many digits together.';

CREATE FUNCTION cloudgreet.touch_updated_at() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_touch_updated_at';
COMMENT ON FUNCTION cloudgreet.touch_updated_at() IS
    'BEFORE UPDATE row trigger: sets updated_at to cloudgreet.clock().';

CREATE FUNCTION cloudgreet.migrate() RETURNS integer
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_migrate';
COMMENT ON FUNCTION cloudgreet.migrate() IS
    'Creates or upgrades the application schema in one transaction and returns its version. Superusers only (42501); idempotent; errors ZG113 for an extension that was not updated to the library''s version, ZG114 for a schema newer than the library, ZG117 for one that is not whole.';

CREATE FUNCTION cloudgreet.schema_state() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_schema_state';
COMMENT ON FUNCTION cloudgreet.schema_state() IS
    'The application schema and the extension beside the library: current, absent, older, newer, or broken (DROP EXTENSION ... CASCADE took parts of it). Never an error.';

CREATE FUNCTION cloudgreet.is_migrated() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_is_migrated';
COMMENT ON FUNCTION cloudgreet.is_migrated() IS
    'Whether migrate() would find nothing to do: the schema is current, and its functions and policies are those of the installed files. Superusers only. Error 58P01 when the files are not there.';

CREATE FUNCTION cloudgreet.library_version() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_library_version';
COMMENT ON FUNCTION cloudgreet.library_version() IS
    'The version of the library that this session has loaded; it should be that of the extension (pg_extension.extversion).';

CREATE FUNCTION cloudgreet.uninstall() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    objects text;
    step text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied to remove the application schema'
            USING ERRCODE = 'insufficient_privilege', HINT = 'uninstall() must be run by a superuser.';
    END IF;

    -- Or pg_cron would call what is not there any more.
    IF to_regclass('cron.job') IS NOT NULL AND to_regprocedure('cloudgreet.unschedule_jobs()') IS NOT NULL THEN
        PERFORM cloudgreet.unschedule_jobs();
    END IF;

    -- One statement a kind, RESTRICT: a user's own view or key on one of them stops it all.
    -- Functions over rows go before their tables, those that triggers call after them.
    FOREACH step IN ARRAY ARRAY['VIEW', 'ROUTINE', 'TABLE', 'FUNCTION', 'TYPE'] LOOP
        SELECT string_agg(o.name, ', ') INTO objects FROM (
            SELECT c.oid::regclass::text, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private') AND c.relowner = 'cloudgreet_owner'::regrole
               AND c.relkind IN ('v', 'r', 'p', 'c')
            UNION ALL
            SELECT p.oid::regprocedure::text, CASE p.prorettype WHEN 'trigger'::regtype THEN 'FUNCTION' ELSE 'ROUTINE' END
              FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private') AND p.proowner = 'cloudgreet_owner'::regrole
            ) AS o (name, kind)
         WHERE o.kind = step;
        IF objects IS NOT NULL THEN
            EXECUTE format('DROP %s %s', step, objects);
        END IF;
    END LOOP;
    DROP SCHEMA IF EXISTS cloudgreet_private;
END
$$;
COMMENT ON FUNCTION cloudgreet.uninstall() IS
    'Removes the application schema with all its data, on purpose. Superusers only (42501); error 2BP01 while an object of someone else depends on it.';
