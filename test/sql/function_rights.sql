/*
 * function_rights.sql
 *		Every role calls every function of schema cloudgreet; who is let in is what the
 *		permission matrix says, and nobody else.
 */
\set ECHO none
SELECT cloudgreet.create_business('Rights', 'America/New_York') AS business, cloudgreet.create_business('Beside', 'America/New_York') AS other \gset
\set ECHO all
CREATE TABLE public.calls (who text, function_name text, outcome text);
GRANT INSERT ON public.calls TO PUBLIC;

-- Calls a function with nothing but nulls, in a subtransaction that is always rolled back: who may not is told so first.
CREATE FUNCTION public.call(target oid, claims text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM set_config('request.jwt.claims', call.claims, true);
    -- OFFSET 0: of constant nulls the planner would make another, without asking for the right.
    EXECUTE (SELECT format('SELECT cloudgreet.%I(%s) FROM (SELECT %s OFFSET 0) nulls', p.proname, string_agg('a' || n, ', ' ORDER BY n),
                           string_agg('NULL::' || format_type(t, NULL) || ' AS a' || n, ', ' ORDER BY n))
               FROM pg_proc p LEFT JOIN unnest(p.proargtypes) WITH ORDINALITY a (t, n) ON true WHERE p.oid = call.target GROUP BY p.proname);
    RAISE EXCEPTION SQLSTATE 'XX999';
EXCEPTION
    WHEN insufficient_privilege THEN RETURN 'denied';
    WHEN OTHERS THEN RETURN 'let in';
END
$$;
CREATE FUNCTION public.call_all(who text, claims jsonb DEFAULT NULL) RETURNS boolean LANGUAGE sql AS
$$
    WITH made AS (
        INSERT INTO public.calls
        SELECT call_all.who, p.proname, public.call(p.oid, coalesce(call_all.claims::text, '')) FROM pg_proc p
         WHERE p.pronamespace = 'cloudgreet'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
        RETURNING 1)
    SELECT count(*) > 60 FROM made;
$$;
CREATE FUNCTION public.claims_of(role text, business text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_strip_nulls(jsonb_build_object('business_id', claims_of.business, 'role', claims_of.role)) $$;

SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT public.call_all(who, public.claims_of(who, :'business')) FROM unnest('{admin,user,agent}'::text[]) who;
-- Tokens with a business whose application role is missing, unknown, in another case, a database role; and Supabase's shape.
SELECT bool_and(public.call_all('no role ' || n, claims)) AS tried FROM (VALUES
    (1, public.claims_of(NULL, :'business')), (2, public.claims_of('owner', :'business')), (3, public.claims_of('Admin', :'business')),
    (4, public.claims_of(' admin', :'business')), (5, public.claims_of('authenticated', :'business')),
    (6, jsonb_build_object('role', 'authenticated', 'app_metadata', jsonb_build_object('business_id', :'business', 'role', 'service_role'))),
    (7, jsonb_build_object('role', 'authenticated', 'app_metadata', jsonb_build_object('business_id', :'business', 'role', ARRAY['admin'])))) c (n, claims);
SET LOCAL ROLE service_role;
SELECT public.call_all('service_role', '{"role": "service_role"}');
SET LOCAL ROLE anon;
SELECT public.call_all('anon', '{"role": "anon"}');
RESET ROLE;
SELECT public.call_all('authenticator');
COMMIT;
SET SESSION AUTHORIZATION cloudgreet_app;
SELECT public.call_all('cloudgreet_app');
SET SESSION AUTHORIZATION cloudgreet_gate;
SELECT public.call_all('cloudgreet_gate');
SET SESSION AUTHORIZATION cloudgreet_cron;
SELECT public.call_all('cloudgreet_cron');
RESET SESSION AUTHORIZATION;

-- What happened otherwise than the matrix says: a function that is let in without a row, or does not ask
-- cloudgreet_private.business_for() for its own name first, or a row of sql/api/800_permissions.sql that is not kept.
SELECT c.who, c.function_name, c.outcome, m.allowed AS allowed_by_the_matrix
  FROM public.calls c
 CROSS JOIN LATERAL (
     SELECT EXISTS (SELECT FROM cloudgreet_private.function_permissions p
                     WHERE p.function_name = c.function_name
                       AND (p.role_name = c.who OR p.role_name = 'authenticated' AND (c.who IN ('admin', 'user', 'agent') OR c.who ~ '^no role'))) AS allowed) m
 WHERE (c.outcome = 'let in') <> m.allowed ORDER BY 2, 1;
-- Overloads count once; each role was let in somewhere.
SELECT who, count(DISTINCT function_name) FILTER (WHERE outcome = 'let in') > 0 AS somewhere FROM public.calls WHERE who !~ '^no role' GROUP BY 1 ORDER BY 1;

-- A service_role's claims that name a business make no operator: not another business, not all, not a new one.
CREATE FUNCTION public.code_of(call text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE 'SELECT FROM cloudgreet.' || call;
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE service_role;
SELECT set_config('request.jwt.claims', jsonb_build_object('role', 'service_role', 'app_metadata', jsonb_build_object('business_id', :'business', 'role', 'admin'))::text, true) IS NOT NULL AS bound;
SELECT cloudgreet.is_operator(), public.code_of('queue_status()') AS own_queue, public.code_of(format('queue_status(%L)', :'other')) AS other_queue,
       public.code_of('create_business(''x'', ''UTC'')') AS new_business, public.code_of(format('create_service(''x'', 30, business_id => %L)', :'other')) AS other_service,
       public.code_of('create_service(''x'', 30)') AS own_service;
SELECT set_config('request.jwt.claims', jsonb_build_object('role', 'service_role', 'business_id', :'business')::text, true) IS NOT NULL AS bound_without_a_role;
SELECT public.code_of('queue_status()') AS own_queue, public.code_of(format('queue_status(%L)', :'other')) AS other_queue;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- An agent sends no texts; but what a booking of its does is the booking's: the lead is told.
\set ECHO none
\i test/lib/master_key.sql
SELECT cloudgreet.set_secret('telnyx', 'x', :'business') AS secret, cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'business') AS account,
       cloudgreet.add_phone_number('+13125550411', business_id => :'business') AS number, cloudgreet.create_service('Visit', 60, business_id => :'business') AS service,
       cloudgreet.add_staff('Dana', working_hours => '{"wed": [["00:00", "24:00"]]}', business_id => :'business') AS staff \gset
INSERT INTO cloudgreet.leads (business_id, phone, name) VALUES (:'business', '+13125550412', 'Lea') RETURNING id AS lea \gset
\set ECHO all
SET cloudgreet.clock = '2026-06-08 16:00:00Z';
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', public.claims_of('agent', :'business')::text, true) IS NOT NULL AS signed_in;
SELECT status FROM cloudgreet.book_appointment(:'service', '2026-06-10 10:00-04', :'lea');
SELECT public.code_of('send_sms(''+13125550412'', ''Hi'')') AS text_of_its_own, public.code_of(format('enroll_in_sequence(''x'', %L)', :'lea')) AS enrollment;
COMMIT;
RESET SESSION AUTHORIZATION;
RESET cloudgreet.clock;
SELECT count(*) AS told FROM cloudgreet.sms_messages WHERE business_id = :'business';
-- A function without a row lets nobody in.
SELECT cloudgreet_private.roles_of('send_sms') AS may_text, cloudgreet_private.roles_of('no_such_function') AS nobody;
-- A row that goes is a right that goes.
BEGIN;
DELETE FROM cloudgreet_private.function_permissions WHERE function_name = 'agent_status' AND role_name IN ('user', 'agent');
SET LOCAL ROLE cloudgreet_owner;
SELECT cloudgreet_private.apply_permissions();
RESET ROLE;
SELECT set_config('request.jwt.claims', public.claims_of('agent', :'business')::text, true) IS NOT NULL AS signed_in;
SET SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE authenticated;
SELECT public.code_of('agent_status()');
ROLLBACK;

DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
DROP FUNCTION public.call_all(text, jsonb), public.call(oid, text), public.claims_of(text, text), public.code_of(text);
DROP TABLE public.calls;
\set ECHO none
\i test/lib/drop_master_key.sql
