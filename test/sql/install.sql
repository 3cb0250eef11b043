/*
 * install.sql
 *		Creates the extension and its schema; the tests after it rely on that.
 */
-- A fresh database has code only: no application table until migrate().
CREATE EXTENSION cloudgreet;
SELECT to_regclass('cloudgreet.leads') IS NULL AS no_tables_yet;

-- migrate() makes the schema, returns its version, and is idempotent.
SELECT cloudgreet.migrate() > 0 AS has_version;
SELECT cloudgreet.migrate() = (SELECT max(version) FROM cloudgreet_private.schema_migrations) AS same_version;
SELECT to_regclass('cloudgreet.leads') IS NOT NULL AS has_tables;

-- The tables are ordinary objects: none is a member of the extension.
SELECT count(*) AS member_tables
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE e.extname = 'cloudgreet' AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass;

-- Each kind of object has the owner that the design wants.
SELECT nspname, pg_get_userbyid(nspowner) = current_user AS owned_by_installer
  FROM pg_namespace WHERE nspname LIKE 'cloudgreet%' ORDER BY nspname COLLATE "C";
SELECT DISTINCT pg_get_userbyid(relowner) AS owner
  FROM pg_class WHERE relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace);
SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolinherit
  FROM pg_roles WHERE rolname IN ('cloudgreet_app', 'cloudgreet_cron', 'cloudgreet_gate', 'cloudgreet_owner', 'anon', 'authenticated', 'service_role', 'authenticator')
 ORDER BY rolname COLLATE "C";

-- A second CREATE EXTENSION is refused.
\set VERBOSITY sqlstate
CREATE EXTENSION cloudgreet;
