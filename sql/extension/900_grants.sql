/*
 * 900_grants.sql
 *		Who may call the functions of the extension: all of it in one place.
 *
 * They must be callable before there is a schema, so the grants stand here; the
 * permission matrix (sql/api/800_permissions.sql) has a row for each that an API role
 * may call, and the test permissions compares the two.
 *
 * The rights are taken from the API roles too, not only from PUBLIC: the installer's
 * default privileges may have given them.  Functions granted to nobody here are for
 * superusers.
 */
DO $revoke$
DECLARE
    member regprocedure;
BEGIN
    FOR member IN
        SELECT d.objid FROM pg_catalog.pg_depend d
         WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e'
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.refobjid = (SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.extname = 'cloudgreet')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, cloudgreet_app, cloudgreet_gate, cloudgreet_cron, anon, authenticated, service_role, authenticator', member);
    END LOOP;
END
$revoke$;

-- Of use to everyone, and harmless.
GRANT EXECUTE ON FUNCTION
    cloudgreet.uuid_v7(), cloudgreet.uuid_v7_floor(timestamptz), cloudgreet.uuid_v7_time(uuid), cloudgreet.clock(),
    cloudgreet.is_phone_number(text), cloudgreet.is_email(text), cloudgreet.is_time_zone(text),
    cloudgreet.normalize_phone_number(text, text), cloudgreet.phone_party(text, text), cloudgreet.phone_number_kind(text),
    cloudgreet.normalize_email(text), cloudgreet.read_email(text), cloudgreet.normalize_contact(text, text),
    cloudgreet.normalize_time_zone(text), cloudgreet.time_zone_country(text),
    cloudgreet.current_business_id(), cloudgreet.current_user_id(), cloudgreet.current_app_role(),
    cloudgreet.resolve_business(uuid, text[]), cloudgreet.is_operator(), cloudgreet.say_time(timestamptz, text), cloudgreet.sms_segments(text)
    TO cloudgreet_owner, cloudgreet_app, anon, authenticated, service_role, authenticator;

-- What defaults and checks of the tables call that the workers write to, and their statements.
GRANT EXECUTE ON FUNCTION cloudgreet.uuid_v7(), cloudgreet.uuid_v7_floor(timestamptz), cloudgreet.clock(), cloudgreet.is_email(text),
    cloudgreet.is_phone_number(text) TO cloudgreet_worker;

-- Harmless, but work: not for those who are nobody.
GRANT EXECUTE ON FUNCTION
    cloudgreet.score_features(jsonb, jsonb, jsonb), cloudgreet.default_scoring_rules(), cloudgreet.default_scoring_model(),
    cloudgreet.is_scoring_rules(jsonb), cloudgreet.is_scoring_model(jsonb)
    TO cloudgreet_owner, authenticated, service_role;

-- Applications connect with a role that is a member of cloudgreet_app; authenticator
-- could become service_role as well.
GRANT EXECUTE ON FUNCTION cloudgreet.login(text) TO cloudgreet_app, authenticator;

-- For the functions and tables that cloudgreet_owner owns.
GRANT EXECUTE ON FUNCTION
    cloudgreet.touch_updated_at(), cloudgreet.keep_canonical(), cloudgreet.enter_business(uuid), cloudgreet.follow_merge(), cloudgreet.schema_state(),
    cloudgreet.outbox_handoff(), cloudgreet.webhook_handoff(), cloudgreet.due_work_handoff(), cloudgreet.wake_workers(),
    cloudgreet.seal_secret(uuid, text, integer, text), cloudgreet.seal_jwt_key(text, text),
    cloudgreet.request_destination(text, text[]), cloudgreet.parse_webhook(bytea), cloudgreet.json_size(jsonb), cloudgreet.read_json(text),
    cloudgreet.nearest_name(text, text[]), cloudgreet.fill_template(text, text[], text[]), cloudgreet.is_plain_template(text, text[]),
    cloudgreet.pinned_settings(),
    cloudgreet.find_slots(uuid, timestamptz, timestamptz, uuid, text, integer, text, uuid),
    cloudgreet.judge_slot(uuid, timestamptz, uuid, text, uuid)
    TO cloudgreet_owner;
GRANT EXECUTE ON FUNCTION cloudgreet.check_write_rows(bigint) TO authenticated, service_role;
GRANT EXECUTE ON FUNCTION cloudgreet.verify_webhook(text, jsonb, bytea, text[], timestamptz) TO service_role;
GRANT EXECUTE ON FUNCTION cloudgreet.is_active(), cloudgreet.installation_status() TO cloudgreet_owner, service_role;

-- It judges tokens itself and takes the role that they give, so only the HTTP gate
-- may call it.
GRANT EXECUTE ON FUNCTION cloudgreet.http(text, text, jsonb, bytea), cloudgreet.http_caller(text, jsonb) TO cloudgreet_gate;
