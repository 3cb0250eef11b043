\echo Use "CREATE EXTENSION cloudgreet" to load this file. \quit
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

    -- Roles belong to the cluster: another database, or Supabase, may have made them.
    -- The group roles come last, since they are members of the others.
    FOREACH role_name IN ARRAY ARRAY['cloudgreet_owner', 'cloudgreet_gate', 'cloudgreet_cron', 'anon', 'authenticated', 'service_role', 'authenticator', 'cloudgreet_app'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOINHERIT %s', role_name,
                    CASE role_name WHEN 'service_role' THEN 'BYPASSRLS'
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

    -- Tokens and bodies are parameters of the front's only statement: no setting of the log may show them.
    FOREACH parameter IN ARRAY ARRAY['log_parameter_max_length', 'log_parameter_max_length_on_error'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r, pg_catalog.unnest(r.rolconfig) c
                       WHERE r.rolname = 'cloudgreet_gate' AND pg_catalog.starts_with(c, parameter || '=')) THEN
            EXECUTE pg_catalog.format('ALTER ROLE cloudgreet_gate SET %I = 0', parameter);
        END IF;
    END LOOP;
END
$guard$;

REVOKE ALL ON SCHEMA cloudgreet FROM PUBLIC, cloudgreet_app, cloudgreet_gate, cloudgreet_cron, anon, authenticated, service_role, authenticator;
GRANT USAGE ON SCHEMA cloudgreet TO cloudgreet_owner, cloudgreet_app, cloudgreet_gate, cloudgreet_cron, anon, authenticated, service_role, authenticator;
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

CREATE FUNCTION cloudgreet.touch_updated_at() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_touch_updated_at';
COMMENT ON FUNCTION cloudgreet.touch_updated_at() IS
    'BEFORE UPDATE row trigger: sets updated_at to cloudgreet.clock().';

CREATE FUNCTION cloudgreet.migrate() RETURNS integer
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_migrate';
COMMENT ON FUNCTION cloudgreet.migrate() IS
    'Creates or upgrades the application schema in one transaction and returns its version. Superusers only (42501); idempotent; errors ZG114 for a schema newer than the library, ZG117 for one that is not whole.';

CREATE FUNCTION cloudgreet.schema_state() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_schema_state';
COMMENT ON FUNCTION cloudgreet.schema_state() IS
    'The application schema beside the library: current, absent, older, newer, or broken (DROP EXTENSION ... CASCADE took parts of it). Never an error.';

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
/*
 * 100_validate.sql
 *		Judging and normalizing phone numbers, e-mail addresses and time zones.
 */
CREATE FUNCTION cloudgreet.is_phone_number(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_phone_number';
COMMENT ON FUNCTION cloudgreet.is_phone_number(text) IS
    'Whether a text is an E.164 phone number: "+" and 8 to 15 digits; a number of +1 must be one of the North American Numbering Plan. Never an error.';

CREATE FUNCTION cloudgreet.is_email(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_email';
COMMENT ON FUNCTION cloudgreet.is_email(text) IS
    'Whether a text is an e-mail address that mail can be sent to (the HTML standard''s rule, a domain with a dot, RFC 5321''s lengths). Never an error.';

CREATE FUNCTION cloudgreet.is_time_zone(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_time_zone';
COMMENT ON FUNCTION cloudgreet.is_time_zone(text) IS
    'Whether a text is a name of the IANA time zone database, such as America/New_York, or UTC, in its own spelling; no abbreviations, no offsets in digits, no POSIX specifications. Never an error.';

CREATE FUNCTION cloudgreet.normalize_phone_number(value text, default_country text DEFAULT 'US') RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_phone_number';
COMMENT ON FUNCTION cloudgreet.normalize_phone_number(text, text) IS
    'The E.164 form of a phone number as people write it in a country (ISO 3166 code), or of any number with its country code. Errors: ZG104, which shows the last two digits only, 22023 for a country that is not known.';

CREATE FUNCTION cloudgreet.normalize_email(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_email';
COMMENT ON FUNCTION cloudgreet.normalize_email(text) IS
    'An e-mail address without white space around it, its domain in lower case. Error ZG105, which does not repeat the address.';

CREATE FUNCTION cloudgreet.normalize_time_zone(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_time_zone';
COMMENT ON FUNCTION cloudgreet.normalize_time_zone(text) IS
    'The name of a time zone as the IANA database spells it; case and white space around it do not matter. Error ZG106 when there is none of that name.';
/*
 * 200_tenant.sql
 *		Who is asking: login and the functions that policies call.
 */
CREATE FUNCTION cloudgreet.current_business_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_business_id';
COMMENT ON FUNCTION cloudgreet.current_business_id() IS
    'The business of the verified context, or NULL. Every tenant policy compares with it. Never an error.';

CREATE FUNCTION cloudgreet.current_user_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_user_id';
COMMENT ON FUNCTION cloudgreet.current_user_id() IS
    'The user (claim sub) of the verified context, or NULL. Never an error.';

CREATE FUNCTION cloudgreet.current_app_role() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_app_role';
COMMENT ON FUNCTION cloudgreet.current_app_role() IS
    'The application role of the verified context: admin, user or agent, or NULL. Never an error.';

CREATE FUNCTION cloudgreet.login(jwt text) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_login';
COMMENT ON FUNCTION cloudgreet.login(text) IS
    'Verifies a token (HS256) and makes the rest of the transaction act for it, in the database role authenticated (or anon, service_role if the token says so). Errors: ZG103 for every refused token, 25P01 outside a transaction block.';

CREATE FUNCTION cloudgreet.explain_token(jwt text) RETURNS text
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_explain_token';
COMMENT ON FUNCTION cloudgreet.explain_token(text) IS
    'Why a token is refused, which login() tells nobody, or that it is accepted. Superusers only.';

CREATE FUNCTION cloudgreet.resolve_business(business_id uuid) RETURNS uuid
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_resolve_business';
COMMENT ON FUNCTION cloudgreet.resolve_business(uuid) IS
    'The business that a function with an optional business works on: the one signed in for, or the one an operator names. Errors: ZG101 when there is none, ZG102 when the caller may not choose it.';

CREATE FUNCTION cloudgreet.is_operator() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_is_operator';
COMMENT ON FUNCTION cloudgreet.is_operator() IS
    'Whether the caller may act for any business: a service_role token, or, without a token, a role with the rights of service_role.';

CREATE FUNCTION cloudgreet.enter_business(business_id uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_enter_business';
COMMENT ON FUNCTION cloudgreet.enter_business(uuid) IS
    'For SECURITY DEFINER functions of cloudgreet_owner with a SET search_path clause: puts a business into the context until that function returns.';
/*
 * 300_secrets.sql
 *		Sealing, and a check; what is sealed is kept by sql/api/210_secrets.sql.
 */
CREATE FUNCTION cloudgreet.seal_secret(
    business_id uuid, name text, version integer, value text,
    OUT key_id text, OUT nonce bytea, OUT ciphertext bytea, OUT last_four text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_seal_secret';
COMMENT ON FUNCTION cloudgreet.seal_secret(uuid, text, integer, text) IS
    'For set_secret(): AES-256-GCM with the master key, bound to business, name and version. Errors ZG108, ZG109 without a usable key, 54000 above 64 KiB.';

CREATE FUNCTION cloudgreet.seal_jwt_key(
    kid text, value text,
    OUT key_id text, OUT nonce bytea, OUT ciphertext bytea, OUT last_four text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_seal_jwt_key';
COMMENT ON FUNCTION cloudgreet.seal_jwt_key(text, text) IS
    'For add_jwt_key(): as seal_secret(), bound to the key''s kid.';

CREATE FUNCTION cloudgreet.master_key_status(OUT key_id text, OUT fault text, OUT reason text)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_master_key_status';
COMMENT ON FUNCTION cloudgreet.master_key_status() IS
    'Which master key is in use, or why none is: fault is unnamed, missing, owner, mode, unreadable or content. Superusers only.';

CREATE FUNCTION cloudgreet.secret_opens(
    business_id uuid, name text, version integer, key_id text, nonce bytea, ciphertext bytea)
    RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_secret_opens';
COMMENT ON FUNCTION cloudgreet.secret_opens(uuid, text, integer, text, bytea, bytea) IS
    'Whether a row of cloudgreet_private.secrets can be opened with the configured master key: it was sealed with it, for this business, name and version, and is undamaged. Superusers only. Errors ZG108, ZG109 without a usable key.';
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
/*
 * 500_gateway.sql
 *		The HTTP surface as one function.
 */
CREATE FUNCTION cloudgreet.http(method text, target text, headers jsonb, body bytea,
    OUT status integer, OUT headers jsonb, OUT body bytea)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_http';
COMMENT ON FUNCTION cloudgreet.http(text, text, jsonb, bytea) IS
    'Answers one HTTP request: method, target as sent, headers as an object of lower-case names, body. It verifies the token itself and acts as anon, authenticated or service_role only. Errors become JSON; cancelling is passed on.';
/*
 * 600_webhooks.sql
 *		Judging and reading what providers send; the rest is sql/api/400 to 490.
 */
CREATE FUNCTION cloudgreet.verify_webhook(provider text, headers jsonb, body bytea, keys text[], at timestamptz) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_verify_webhook';
COMMENT ON FUNCTION cloudgreet.verify_webhook(text, jsonb, bytea, text[], timestamptz) IS
    'Whether a webhook was signed by its provider (telnyx, retell, resend, google) with one of the keys, at most 5 minutes before or after a time. Headers: an object, names in any case. Keys: the public key in base64 (Telnyx), the API key (Retell), "whsec_" and base64 (Resend), the channel''s token, or its id, resource id and token with blanks between (Google). False for anything malformed or NULL; error 22023 for a provider that is not known.';

CREATE FUNCTION cloudgreet.parse_webhook(body bytea) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_parse_webhook';
COMMENT ON FUNCTION cloudgreet.parse_webhook(bytea) IS
    'For process_webhooks(): a body as JSON, with U+FFFD for escapes that stand for no character; NULL when it is no object in UTF-8. Error 22P02 for what is no JSON.';
/*
 * 650_scoring.sql
 *		Scores as pure functions; gathering features and keeping scores is sql/api/550 and 560.
 */
CREATE FUNCTION cloudgreet.score_features(
    features jsonb, rules jsonb DEFAULT NULL, model jsonb DEFAULT NULL,
    OUT score integer, OUT grade text, OUT probability double precision, OUT reasons jsonb)
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_score_features';
COMMENT ON FUNCTION cloudgreet.score_features(jsonb, jsonb, jsonb) IS
    'The score, 0 to 100, of features (an object of numbers, texts, true and false) by rules and model (NULL: the built-in ones), with grade A to D, the probability it stands for, and reasons, [{"kind", "feature", "reason", "points"}], the largest first, whose points sum to the score. What is missing says nothing; what no rule names does not matter. Errors: 22004 without features, 22023 for features, rules or a model that make no sense.';

CREATE FUNCTION cloudgreet.default_scoring_rules() RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_default_scoring_rules';
COMMENT ON FUNCTION cloudgreet.default_scoring_rules() IS
    'The rules of a business that has none of its own: something to begin with.';

CREATE FUNCTION cloudgreet.default_scoring_model() RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_default_scoring_model';
COMMENT ON FUNCTION cloudgreet.default_scoring_model() IS
    'The model of a business that has none of its own, set by hand: {"bias", "terms"} in log-odds.';

CREATE FUNCTION cloudgreet.is_scoring_rules(value jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_scoring_rules';
COMMENT ON FUNCTION cloudgreet.is_scoring_rules(jsonb) IS
    'Whether a value is an array of scoring rules that score_features() takes. Never an error.';

CREATE FUNCTION cloudgreet.is_scoring_model(value jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_scoring_model';
COMMENT ON FUNCTION cloudgreet.is_scoring_model(jsonb) IS
    'Whether a value is a scoring model that score_features() takes. Never an error.';
/*
 * 700_outbox.sql
 *		What wakes the workers when a transaction commits.
 */
CREATE FUNCTION cloudgreet.outbox_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_outbox_handoff';
COMMENT ON FUNCTION cloudgreet.outbox_handoff() IS
    'Trigger of the outbox: hands a new row to the dispatcher once the transaction has committed, and has that commit flushed. A transaction that enqueued cannot be prepared (0A000).';

CREATE FUNCTION cloudgreet.webhook_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_webhook_handoff';
COMMENT ON FUNCTION cloudgreet.webhook_handoff() IS
    'Trigger of the inbox: wakes the processor of webhooks once the transaction has committed.';

CREATE FUNCTION cloudgreet.wake_workers() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_wake_workers';
COMMENT ON FUNCTION cloudgreet.wake_workers() IS
    'Has the workers of the database look for what is due, once the transaction has committed.';
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
/*
 * 900_grants.sql
 *		Who may call the functions of the extension: all of it in one place.
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
    cloudgreet.normalize_phone_number(text, text), cloudgreet.normalize_email(text), cloudgreet.normalize_time_zone(text),
    cloudgreet.current_business_id(), cloudgreet.current_user_id(), cloudgreet.current_app_role(),
    cloudgreet.resolve_business(uuid), cloudgreet.is_operator(), cloudgreet.say_time(timestamptz, text)
    TO cloudgreet_owner, cloudgreet_app, anon, authenticated, service_role, authenticator;

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
    cloudgreet.touch_updated_at(), cloudgreet.enter_business(uuid), cloudgreet.schema_state(),
    cloudgreet.outbox_handoff(), cloudgreet.webhook_handoff(), cloudgreet.wake_workers(),
    cloudgreet.seal_secret(uuid, text, integer, text), cloudgreet.seal_jwt_key(text, text),
    cloudgreet.parse_webhook(bytea),
    cloudgreet.find_slots(uuid, timestamptz, timestamptz, uuid, text, integer, text, uuid),
    cloudgreet.judge_slot(uuid, timestamptz, uuid, text, uuid)
    TO cloudgreet_owner;
GRANT EXECUTE ON FUNCTION cloudgreet.verify_webhook(text, jsonb, bytea, text[], timestamptz) TO service_role;
GRANT EXECUTE ON FUNCTION cloudgreet.is_active(), cloudgreet.installation_status() TO cloudgreet_owner, service_role;

-- It judges tokens itself and takes the role that they give, so only the HTTP front
-- may call it.
GRANT EXECUTE ON FUNCTION cloudgreet.http(text, text, jsonb, bytea) TO cloudgreet_gate;
