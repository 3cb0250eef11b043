/*
 * 800_doctor.sql
 *		doctor(), which is there before the application schema and beside a broken one.
 */
CREATE FUNCTION cloudgreet.doctor()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    found CONSTANT text := cloudgreet.schema_state();
    installed CONSTANT text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'cloudgreet');
    is_newer boolean;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied for function doctor()'
            USING ERRCODE = 'insufficient_privilege', HINT = 'It must be run by a superuser.';
    END IF;

    -- Whatever else is wrong follows from one of these, or can wait.
    IF installed <> cloudgreet.library_version() THEN
        is_newer := string_to_array(installed, '.')::int[] > string_to_array(cloudgreet.library_version(), '.')::int[];
        RETURN QUERY SELECT 'error', format('extension cloudgreet is version %s, the library is %s', installed, cloudgreet.library_version()),
            CASE WHEN is_newer THEN 'Install the newer library; sessions that were open before it was installed have to reconnect.'
                 WHEN pg_is_in_recovery() THEN 'On the primary: ALTER EXTENSION cloudgreet UPDATE; SELECT cloudgreet.migrate();'
                 ELSE 'ALTER EXTENSION cloudgreet UPDATE; SELECT cloudgreet.migrate();' END;
    ELSIF found = 'current' AND NOT cloudgreet.is_migrated() THEN
        -- doctor_findings() itself may be of the files before.
        RETURN QUERY SELECT 'error', 'the functions of the application schema are not those of the installed files',
            CASE WHEN pg_is_in_recovery() THEN 'On the primary: ' ELSE '' END || 'SELECT cloudgreet.migrate();';
    ELSIF found = 'current' THEN
        RETURN QUERY SELECT * FROM cloudgreet_private.doctor();
    ELSE
        RETURN QUERY SELECT 'error', m.problem,
            CASE WHEN m.is_statement AND pg_is_in_recovery() THEN 'On the primary: ' || m.mend ELSE m.mend END
          FROM (VALUES
            ('absent', 'the application schema is not installed', 'SELECT cloudgreet.migrate();', true),
            ('older', 'the application schema is older than the library', 'SELECT cloudgreet.migrate();', true),
            ('newer', 'the application schema is newer than the library', 'Install the newer library.', false),
            ('broken', 'the application schema is not whole: DROP EXTENSION ... CASCADE took policies, defaults, triggers and checks',
                'Restore a backup, or move the rows into a new database.', false)) AS m (state, problem, mend, is_statement)
         WHERE m.state = found;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.doctor() IS
    'What is missing or unsafe in this installation (error, warning, note), each with the line that mends it; no rows: all is well. Superusers only.';
