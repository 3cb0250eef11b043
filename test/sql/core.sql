/*
 * core.sql
 *		Ids, the clock, the trigger of updated_at, and who may migrate.
 */
-- Ids are UUIDs of version 7, made now, and increase within a session.
SELECT count(DISTINCT id) AS ids, bool_and(substr(id::text, 15, 1) = '7') AS version_7,
       bool_and(substr(id::text, 20, 1) IN ('8', '9', 'a', 'b')) AS variant_2,
       bool_and(abs(extract(epoch FROM clock_timestamp() - cloudgreet.uuid_v7_time(id))) < 60) AS made_now
  FROM (SELECT cloudgreet.uuid_v7() AS id FROM generate_series(1, 10000)) made;
SELECT bool_and(id > previous) AS increasing
  FROM (SELECT id, lag(id) OVER (ORDER BY n) AS previous
          FROM (SELECT n, cloudgreet.uuid_v7() AS id FROM generate_series(1, 10000) n) made) pairs
 WHERE previous IS NOT NULL;

-- The floor of a millisecond is not above any id of it, and carries its time.
SELECT cloudgreet.uuid_v7_floor('2026-03-01T00:00:00Z') AS floor;
SELECT cloudgreet.uuid_v7_time(cloudgreet.uuid_v7_floor('2026-03-01T12:34:56.789Z')) AT TIME ZONE 'UTC' AS time_of_floor;
SELECT cloudgreet.uuid_v7_floor('1970-01-01T00:00:00Z') AS first_floor;
SELECT cloudgreet.uuid_v7_time(cloudgreet.uuid_v7_floor('1999-12-31T23:59:59.9985Z')) AT TIME ZONE 'UTC' AS floor_before_2000;
-- The example of RFC 9562, appendix A.6.
SELECT cloudgreet.uuid_v7_time('017F22E2-79B0-7CC3-98C4-DC0C0C07398F') AT TIME ZONE 'UTC' AS rfc_example;
-- An id of another version has no time.
SELECT cloudgreet.uuid_v7_time('00000000-0000-0000-0000-000000000000') IS NULL AS nil,
       cloudgreet.uuid_v7_time(gen_random_uuid()) IS NULL AS version_4;

-- The clock is now(), or the test value.
SELECT cloudgreet.clock() = now() AS is_now;
SET cloudgreet.clock = '2026-03-08T07:30:00Z';
SELECT cloudgreet.clock() AT TIME ZONE 'UTC' AS test_clock;
SET cloudgreet.clock = '2026-03-08 02:30:00.25-05';
SELECT cloudgreet.clock() AT TIME ZONE 'UTC' AS test_clock;
-- RESET gives now() back, and so does the end of a transaction that set it.
BEGIN;
SET LOCAL cloudgreet.clock = '2030-01-01T00:00:00Z';
ROLLBACK;
SELECT cloudgreet.clock() AT TIME ZONE 'UTC' AS test_clock;
RESET cloudgreet.clock;
SELECT cloudgreet.clock() = now() AS is_now;

-- updated_at follows the clock.
CREATE TABLE touched (id int, updated_at timestamptz);
CREATE TRIGGER touch BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION cloudgreet.touch_updated_at();
INSERT INTO touched VALUES (1, NULL);
SET cloudgreet.clock = '2026-03-08T07:30:00Z';
UPDATE touched SET updated_at = '1999-01-01Z' RETURNING id, updated_at AT TIME ZONE 'UTC' AS updated_at;
RESET cloudgreet.clock;

\set VERBOSITY sqlstate
-- A test clock without a zone, of nonsense, infinite or too long is refused.
SET cloudgreet.clock = '2026-03-08 07:30:00';
SET cloudgreet.clock = 'tomorrow-ish';
SET cloudgreet.clock = 'infinity';
SET cloudgreet.clock = '2026-13-45T00:00:00Z';
SELECT set_config('cloudgreet.clock', repeat('9', 1000), false);
-- Out of range for an id.
SELECT cloudgreet.uuid_v7_floor('1969-12-31T23:59:59Z');
SELECT cloudgreet.uuid_v7_floor('infinity');
-- The trigger function on a wrong event or a table without the column.
CREATE TRIGGER touch_insert BEFORE INSERT ON touched FOR EACH ROW EXECUTE FUNCTION cloudgreet.touch_updated_at();
INSERT INTO touched VALUES (2, NULL);
CREATE TABLE untouched (id int);
CREATE TRIGGER touch BEFORE UPDATE ON untouched FOR EACH ROW EXECUTE FUNCTION cloudgreet.touch_updated_at();
INSERT INTO untouched VALUES (1);
UPDATE untouched SET id = 2;
DROP TABLE touched, untouched;

-- Only a superuser moves the clock, migrates or uninstalls.
CREATE ROLE regress_cg_core_user LOGIN IN ROLE cloudgreet_app;
SET SESSION AUTHORIZATION regress_cg_core_user;
SET cloudgreet.clock = '2026-03-08T07:30:00Z';
SET cloudgreet.script_directory = '/tmp';
SELECT cloudgreet.migrate();
SELECT cloudgreet.uninstall();
RESET SESSION AUTHORIZATION;
DROP ROLE regress_cg_core_user;
