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
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied for function doctor()'
            USING ERRCODE = 'insufficient_privilege', HINT = 'It must be run by a superuser.';
    END IF;

    IF found = 'current' THEN
        RETURN QUERY SELECT * FROM cloudgreet_private.doctor();
    ELSE
        -- Whatever else is wrong follows from this, or can wait.
        RETURN QUERY SELECT 'error', m.problem, m.mend
          FROM (VALUES
            ('absent', 'the application schema is not installed', 'SELECT cloudgreet.migrate();'),
            ('older', 'the application schema is older than the library', 'SELECT cloudgreet.migrate();'),
            ('newer', 'the application schema is newer than the library', 'Install the newer library.'),
            ('broken', 'the application schema is not whole: DROP EXTENSION ... CASCADE took policies, defaults, triggers and checks',
                'Restore a backup, or move the rows into a new database.')) AS m (state, problem, mend)
         WHERE m.state = found;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.doctor() IS
    'What is missing or unsafe in this installation (error, warning, note), each with the line that mends it; no rows: all is well. Superusers only.';
