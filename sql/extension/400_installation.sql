/*
 * 400_installation.sql
 *		Whether this database may act, or is a copy that must not.
 */
CREATE FUNCTION cloudgreet.activate() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_activate';
COMMENT ON FUNCTION cloudgreet.activate() IS
    'Makes this database the one that may send: after a restore or clone that is meant to take over, and after pause(). Superusers only. Error ZG116 when the instance file cannot be written.';

CREATE FUNCTION cloudgreet.pause() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_pause';
COMMENT ON FUNCTION cloudgreet.pause() IS
    'Stops sending until activate(). Superusers only.';

CREATE FUNCTION cloudgreet.is_active() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_is_active';
COMMENT ON FUNCTION cloudgreet.is_active() IS
    'Whether this database may send: it is activated, not paused, and not a copy.';

CREATE FUNCTION cloudgreet.installation_status(OUT state text, OUT reason text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_installation_status';
COMMENT ON FUNCTION cloudgreet.installation_status() IS
    'The state active, paused, copy or missing, and why.';

CREATE FUNCTION cloudgreet.pinned_settings() RETURNS TABLE (name text, value text)
    LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'cg_sql_pinned_settings';
COMMENT ON FUNCTION cloudgreet.pinned_settings() IS
    'The settings that would change what our functions mean, and the values that they run with, whatever the session has.';
