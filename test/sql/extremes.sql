/*
 * extremes.sql
 *		Each function of schema cloudgreet is asked for the extremes of its arguments, one at a
 *		time and those of a kind together: it answers or says a clear error, soon, and with
 *		little memory.  The functions come from pg_proc, so a new one is asked as well.
 */
\set ECHO none
\i test/lib/master_key.sql
SELECT cloudgreet.create_business('Extreme', 'UTC', 'ann@extreme.example') AS business \gset
SELECT cloudgreet.create_service('Roof', 60, business_id => :'business') AS service \gset
SELECT cloudgreet.add_staff('Bob', working_hours => '{"mon": [["09:00", "17:00"]], "tue": [["00:00", "24:00"]]}', business_id => :'business') AS staff \gset
SELECT cloudgreet.create_agent('Desk', business_id => :'business') AS agent \gset
SELECT cloudgreet.create_follow_up(business_id => :'business') AS follow_up \gset
SELECT set_secret AS secret FROM cloudgreet.set_secret('k', 'v', business_id => :'business') \gset
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "k"}', business_id => :'business') AS telnyx \gset
SELECT cloudgreet.connect_provider('resend', '{"api_key": "k"}', '{"from": "Desk <desk@extreme.example>"}', business_id => :'business') AS resend \gset
INSERT INTO cloudgreet.leads (business_id, name, phone, email) VALUES (:'business', 'Ann', '+13125559861', 'ann@extreme.example') RETURNING id AS lead \gset
SELECT cloudgreet.add_phone_number('+13125559860', business_id => :'business') AS number \gset
SELECT cloudgreet.send_sms('+13125559864', 'x', business_id => :'business') AS message \gset
SELECT id AS outbox FROM cloudgreet_private.outbox WHERE business_id = :'business' \gset
SELECT s.starts_at AS start FROM cloudgreet.next_slots(:'service', business_id => :'business') s LIMIT 1 \gset
SELECT (cloudgreet.book_appointment(:'service', :'start', :'lead', business_id => :'business')).id AS appointment \gset
SELECT (cloudgreet.hold_slot(:'service', :'start'::timestamptz + interval '2 hours', 'x', business_id => :'business')).hold_id AS hold \gset

CREATE SCHEMA extremes;
-- What an argument is when another one is asked about, by its name or else its type.
CREATE TABLE extremes.usual (what text PRIMARY KEY, value text);
INSERT INTO extremes.usual VALUES
    ('business_id', quote_literal(:'business')), ('service_id', quote_literal(:'service')), ('staff_id', quote_literal(:'staff')), ('lead_id', quote_literal(:'lead')), ('appointment_id', quote_literal(:'appointment')),
    ('agent_id', quote_literal(:'agent')), ('outbox_id', quote_literal(:'outbox')), ('hold_id', quote_literal(:'hold')), ('keys', '''{key_of_a_test}'''), ('jwt', '''x.y.z'''), ('ignored_appointment_id', 'NULL'), ('provider_account_id', 'NULL'), ('user_id', 'NULL'), ('starts_at', quote_literal(:'start'::timestamptz + interval '1 hour')), ('send_at', 'NULL'),
    ('range_end', '(cloudgreet.clock() + interval ''30 days'')'), ('time_zone', '''UTC'''), ('provider', '''telnyx'''), ('email', '''bob@extreme.example'''), ('owner_email', '''eve@extreme.example'''), ('to_address', '''eve@extreme.example'''), ('reply_to', 'NULL'),
    ('phone_number', '''+13125559862'''), ('to_number', '''+13125559863'''), ('from_number', 'NULL'), ('locale', '''en-US'''), ('currency', '''USD'''), ('role', '''user'''), ('status', '''confirmed'''), ('sequence', '''follow_up'''), ('idempotency_key', 'NULL'),
    ('secret', 'repeat(''s'', 32)'), ('algorithm', '''HS256'''), ('delays_minutes', '''{10,2880}'''), ('duration_minutes', '60'), ('seconds', '300'), ('secret_names', '''{"api_key": "k"}'''), ('working_hours', '''{"mon": [["09:00", "17:00"]]}'''),
    ('voice_settings', '''{"voice_id": "v", "speed": 1, "pitch": 1}'''), ('behavior_settings', '''{"personality": "p", "conversation_style": "c", "escalation_triggers": ["x"]}'''), ('features', '''{"intent": "buy", "urgency": 3}'''), ('settings', '''{"booking_horizon_days": "30"}'''),
    ('rules', 'cloudgreet.default_scoring_rules()'), ('model', 'cloudgreet.default_scoring_model()'), ('method', '''POST'''), ('target', '''/rest/v1/rpc/is_email'''), ('headers', '''{"content-type": "application/json"}'''), ('body', 'convert_to(''{"value": "x"}'', ''UTF8'')'),
    ('normalize_email.value', '''a@b.co'''), ('normalize_phone_number.value', '''212 555 0100'''), ('default_country', '''US'''), ('normalize_time_zone.value', '''utc'''), ('read_json.value', '''[1]'''), ('is_scoring_model.value', 'cloudgreet.default_scoring_model()'), ('retry_delivery.outbox_id', quote_literal(:'outbox')), ('delete_secret.name', '''k'''), ('remove_phone_number.phone_number', '''+13125559860'''), ('retire_jwt_key.kid', '''main'''),
    ('text', '''x'''), ('uuid', quote_literal(gen_random_uuid())), ('timestamp with time zone', '(cloudgreet.clock() + interval ''1 day'')'), ('integer', '1'), ('bigint', '1'), ('jsonb', '''{}'''), ('bytea', '''\x00'''), ('boolean', 'true'), ('text[]', '''{x}'''), ('uuid[]', '''{}'''), ('integer[]', '''{1}''');
-- The extremes, as expressions.
CREATE TABLE extremes.extreme (type text, value text);
INSERT INTO extremes.extreme SELECT t, 'NULL' FROM unnest(ARRAY['text', 'uuid', 'timestamp with time zone', 'integer', 'bigint', 'jsonb', 'bytea', 'boolean', 'text[]', 'uuid[]', 'integer[]']) t;
INSERT INTO extremes.extreme SELECT t, '''{}''' FROM unnest(ARRAY['text[]', 'uuid[]', 'integer[]']) t;
INSERT INTO extremes.extreme VALUES
    ('text', $$''$$), ('text', $$' '$$), ('text', $$repeat('x', 1000000)$$), ('text', $$repeat(U&'\+01F600', 200000)$$), ('text', $$U&'\FFFF\FDD0\+10FFFF'$$), ('text', $$E'\u0001\u200b\r\n'$$), ('text', $$'infinity'$$), ('text', $$'NaN'$$), ('text', $$'1e131071'$$),
    ('text', $$'-9223372036854775808'$$), ('text', $$repeat('a@', 100000) || 'b.co'$$), ('text', $$repeat('(', 100000)$$), ('text', $$repeat('{{x}}', 50000)$$), ('text', $$repeat('{"a":', 10000)$$), ('text', $$'%s%n%1$L'$$), ('text', $$repeat('9', 100000)$$), ('text', $$repeat('a.', 5000)$$), ('text', $$repeat('/a', 50000)$$),
    ('text', $$'/rest/v1/leads?id=eq.' || repeat('%F0%9F%98%80', 50000)$$), ('text', $$'/rest/v1/leads?' || repeat('a=eq.1&', 20000)$$),
    ('uuid', $$'00000000-0000-0000-0000-000000000000'$$), ('uuid', $$'ffffffff-ffff-ffff-ffff-ffffffffffff'$$),
    ('timestamp with time zone', $$'infinity'$$), ('timestamp with time zone', $$'-infinity'$$), ('timestamp with time zone', $$'4713-01-01 00:00Z BC'$$), ('timestamp with time zone', $$'294276-12-31 23:59:59.999999Z'$$), ('timestamp with time zone', $$'294270-01-01 00:00Z'$$), ('timestamp with time zone', $$'9999-12-31 23:59Z'$$),
    ('integer', '0'), ('integer', '-1'), ('integer', '2147483647'), ('integer', '(-2147483648)'), ('integer', '1000'), ('bigint', '9223372036854775807'), ('bigint', '(-9223372036854775808)'), ('boolean', 'false'),
    ('jsonb', $$'null'$$), ('jsonb', $$'[]'$$), ('jsonb', $$'"x"'$$), ('jsonb', $$'1e131071'$$), ('jsonb', $$('[' || repeat('1e131071,', 3000) || '1]')$$), ('jsonb', $$('{"a": [' || repeat('-1e-16000,', 3000) || '1]}')$$), ('jsonb', $$(repeat('[', 5000) || repeat(']', 5000))$$), ('jsonb', $$(repeat('{"a": ', 5000) || '1' || repeat('}', 5000))$$),
    ('jsonb', $$(SELECT jsonb_object_agg('k' || n, n) FROM generate_series(1, 20000) n)$$), ('jsonb', $$jsonb_build_object(repeat('k', 100000), repeat('v', 500000))$$), ('jsonb', $$(SELECT jsonb_agg('x'::text) FROM generate_series(1, 20000))$$),
    ('bytea', $$'\x'$$), ('bytea', $$decode(repeat('ff', 500000), 'hex')$$), ('bytea', $$convert_to('{"value": [' || repeat('1e131071,', 5000) || '1]}', 'UTF8')$$), ('bytea', $$convert_to(repeat('[', 100000), 'UTF8')$$), ('bytea', $$convert_to('"\udead"', 'UTF8')$$), ('bytea', $$decode(repeat('ed a0 80', 3), 'hex')$$),
    ('text[]', $$'{NULL}'$$), ('text[]', $$array_fill('x'::text, ARRAY[100000])$$), ('text[]', $$'{{a,b},{c,d}}'$$), ('text[]', $$ARRAY[repeat('x', 1000000)]$$), ('uuid[]', $$'{NULL}'$$), ('uuid[]', $$ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 20000))$$),
    ('integer[]', $$'{NULL,NULL}'$$), ('integer[]', $$'{2147483647,-2147483648}'$$), ('integer[]', $$array_fill(1, ARRAY[100000])$$), ('integer[]', $$'[-5:-4]={1,2}'$$);
-- The arguments of each function, and the calls: all usual but one, or all of a type.
CREATE VIEW extremes.argument AS
    SELECT p.oid AS function, p.proname, a.n, p.proargnames[a.n] AS name, format_type(a.type, NULL) AS type,
           (SELECT u.value FROM extremes.usual u WHERE u.what IN (p.proname || '.' || p.proargnames[a.n], p.proargnames[a.n], format_type(a.type, NULL))
             ORDER BY u.what = format_type(a.type, NULL), u.what = p.proargnames[a.n] LIMIT 1) AS usual
      FROM pg_proc p, unnest(p.proargtypes::oid[]) WITH ORDINALITY a(type, n)
     WHERE p.pronamespace = 'cloudgreet'::regnamespace AND p.prokind = 'f';
CREATE VIEW extremes.value AS -- of one argument; of JSON also its members
    SELECT a.*, e.value FROM extremes.argument a JOIN extremes.extreme e USING (type)
    UNION ALL
    SELECT a.*, format('jsonb_set(%s, %L, %s::jsonb)', a.usual, ARRAY[k], e.value) FROM extremes.argument a JOIN extremes.extreme e USING (type),
           LATERAL (SELECT jsonb_object_keys(v) FROM (SELECT trim('''' FROM a.usual)::jsonb AS v) j WHERE a.usual LIKE '''{%' AND jsonb_typeof(v) = 'object') m(k)
     WHERE a.type = 'jsonb' AND e.value <> 'NULL';
CREATE TABLE extremes.call AS
    SELECT a.proname, true AS is_usual, format('cloudgreet.%I(%s)', a.proname, string_agg(format('%I => %s::%s', a.name, a.usual, a.type), ', ' ORDER BY a.n)) AS call FROM extremes.argument a GROUP BY a.function, a.proname
    UNION ALL
    SELECT v.proname, false, format('cloudgreet.%I(%s)', v.proname, (SELECT string_agg(format('%I => %s::%s', a.name, CASE WHEN a.n = v.n THEN v.value ELSE a.usual END, a.type), ', ' ORDER BY a.n)
                                                       FROM extremes.argument a WHERE a.function = v.function)) AS call FROM extremes.value v
    UNION
    SELECT f.proname, false, format('cloudgreet.%I(%s)', f.proname, (SELECT string_agg(format('%I => %s::%s', a.name, CASE WHEN a.type = f.type THEN CASE WHEN a.n = f.first THEN f.value ELSE f.other END ELSE a.usual END, a.type), ', ' ORDER BY a.n)
                                                       FROM extremes.argument a WHERE a.function = f.function))
      FROM (SELECT a.function, a.proname, a.type, min(a.n) AS first, e.value, o.value AS other FROM extremes.argument a JOIN extremes.extreme e USING (type) JOIN extremes.extreme o USING (type)
             WHERE a.type IN ('timestamp with time zone', 'integer') GROUP BY 1, 2, 3, 5, 6 HAVING count(*) > 1) f
    UNION ALL
    SELECT p.proname, true, format('cloudgreet.%I()', p.proname) FROM pg_proc p WHERE p.pronamespace = 'cloudgreet'::regnamespace AND p.prokind = 'f' AND p.pronargs = 0 AND p.prorettype <> 'trigger'::regtype
       AND p.proname NOT IN ('migrate', 'uninstall', 'activate', 'pause', 'schedule_jobs', 'unschedule_jobs'); -- about the installation as a whole
-- The most that this backend ever held, in kB.
CREATE FUNCTION extremes.peak() RETURNS integer LANGUAGE sql AS $$SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+) kB'))[1]::integer$$;
-- Calls, takes back what was done, and says the code and what was too much of it.
CREATE FUNCTION extremes.try(call text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    began timestamptz := clock_timestamp();
    before integer := extremes.peak();
    code text := '00000';
    said text;
BEGIN
    BEGIN
        IF call ~ 'find_slots|judge_slot' THEN -- for functions that have entered the business
            PERFORM cloudgreet.enter_business((SELECT trim('''' FROM value)::uuid FROM extremes.usual WHERE what = 'business_id'));
        END IF;
        EXECUTE 'SELECT count(*), max(pg_column_size(f)) FROM ' || call || ' f';
        RAISE EXCEPTION USING ERRCODE = 'YYYYY';
    EXCEPTION WHEN query_canceled OR assert_failure THEN
        code := SQLSTATE;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
        code := SQLSTATE;
    END;
    RETURN concat_ws(' ', code, CASE WHEN clock_timestamp() - began > interval '3 seconds' THEN 'slow' END, CASE WHEN extremes.peak() - before > 40000 THEN 'large' END,
                     CASE WHEN octet_length(said) > 2000 THEN 'wordy' END, CASE WHEN code ~ '^(XX|53|42|P000|2F|HV|58)' AND code NOT IN ('42501', 'P0002') THEN left(said, 200) END);
END
$$;
SET statement_timeout = '20s';
CREATE TABLE extremes.answer (proname name, call text, answer text);
\set ECHO errors
SELECT format('INSERT INTO extremes.answer SELECT c.proname, c.call, extremes.try(c.call) FROM extremes.call c WHERE c.proname = %L', proname) FROM extremes.call GROUP BY proname ORDER BY proname \gexec
RESET statement_timeout;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Every argument has a usual value, and every type extremes.
SELECT DISTINCT type, name FROM extremes.argument a WHERE usual IS NULL OR NOT EXISTS (SELECT FROM extremes.extreme e WHERE e.type = a.type);
-- Every function was asked.
SELECT proname FROM extremes.call EXCEPT SELECT proname FROM extremes.answer ORDER BY 1;
-- The usual arguments are taken, where they need not name what a test cannot make here.
SELECT DISTINCT c.proname, a.answer FROM extremes.call c JOIN extremes.answer a USING (proname, call) WHERE c.is_usual AND a.answer <> 'YYYYY' ORDER BY 1;
-- What took long or much, or was told by the code of an internal fault: nothing.
SELECT left(call, 300), answer FROM extremes.answer WHERE answer !~ '^(YYYYY|ZG...|2[1235]...|42501|5400[01]|55...|0A000|P0002)$' ORDER BY 1, 2;

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA extremes CASCADE;
DELETE FROM cloudgreet.appointment_allocations WHERE business_id = :'business';
DELETE FROM cloudgreet.appointments WHERE business_id = :'business';
DELETE FROM cloudgreet.sequence_steps WHERE business_id = :'business';
DELETE FROM cloudgreet.businesses WHERE id = :'business';
\i test/lib/drop_master_key.sql
