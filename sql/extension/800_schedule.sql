/*
 * 800_schedule.sql
 *		Free times.
 */
CREATE FUNCTION cloudgreet.find_slots(
    service_id uuid, range_start timestamptz, range_end timestamptz, staff_id uuid, time_zone text, max_slots integer,
    holder text, ignored_appointment_id uuid)
    RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, staff_id_free uuid, local_text text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_find_slots';
COMMENT ON FUNCTION cloudgreet.find_slots(uuid, timestamptz, timestamptz, uuid, text, integer, text, uuid) IS
    'For check_availability(), in the business that was entered: the free starts. Errors: 22004, 22023, ZG106, 23503, 54000.';

CREATE FUNCTION cloudgreet.judge_slot(service_id uuid, starts_at timestamptz, staff_id uuid, holder text, ignored_appointment_id uuid)
    RETURNS TABLE (staff_id_judged uuid, verdict text, ends_at timestamptz, seats integer)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_judge_slot';
COMMENT ON FUNCTION cloudgreet.judge_slot(uuid, timestamptz, uuid, text, uuid) IS
    'For book_appointment() and its like, in the business that was entered: of each staff member who does the service, whether an appointment may start then: free, taken, outside_hours, past, too_soon or too_far. Errors: 22004, 22023, 23503, 54000.';

CREATE FUNCTION cloudgreet.say_time(at timestamptz, time_zone text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_say_time';
COMMENT ON FUNCTION cloudgreet.say_time(timestamptz, text) IS
    'A time as one says it in a zone, such as "Tuesday, December 1 at 2:30 PM"; with the year when it is another one than now''s. Errors: ZG106 for a bad zone, 22023 for infinity.';
