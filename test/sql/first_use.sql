/*
 * first_use.sql
 *		The first steps of a business, by an operator and then by its admin; and who may
 *		not take them.
 */
\set ECHO none
\i test/lib/master_key.sql
\set ECHO all
-- An operator creates the business with its first admin.
SELECT cloudgreet.create_business('  Acme Roofing ', 'america/new_york', owner_email => ' Ann@Acme.Example ', owner_name => 'Ann Lee') AS business \gset
SELECT name, time_zone, locale, settings FROM cloudgreet.businesses WHERE id = :'business';
SELECT email, name, role, is_active FROM cloudgreet.users WHERE business_id = :'business';
SELECT id AS ann FROM cloudgreet.users WHERE business_id = :'business' \gset

-- The admin does the rest; the business is the one signed in for.
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', json_build_object('sub', :'ann', 'business_id', :'business', 'role', 'admin')::text, true) IS NOT NULL AS signed_in;
SELECT cloudgreet.add_user('bob@acme.example', 'user', 'Bob') AS bob \gset
SELECT cloudgreet.add_user('cleo@acme.example', id => '0198c0de-0000-7000-8000-000000000001') AS id_as_given;
SELECT cloudgreet.create_service('Roof inspection', 60, E'We look at the roof.\nTakes an hour.', buffer_after_minutes => 30, price_cents => 9900) AS service \gset
SELECT cloudgreet.add_staff('Bob', working_hours => '{"mon": [["09:00", "12:00"], ["13:00", "17:30"]], "sat": [["20:00:00", "24:00"]], "sun": []}', service_ids => ARRAY[:'service', :'service']::uuid[], user_id => :'bob') AS staff \gset
SELECT cloudgreet.create_agent('Front desk', '{"voice_id": "11labs-Adrian", "speed": 1.1, "pitch": 1}',
    '{"personality": "warm", "conversation_style": "brief", "escalation_triggers": ["emergency"]}',
    '{"mon": [["08:00", "18:00"]], "time_zone": "america/chicago", "exceptions": {"2028-02-29": [], "2026-12-24": [["08:00", "12:00"]]}}') AS agent \gset
SELECT cloudgreet.set_secret('telnyx.api_key', 'KEY-0123456789-abcd');
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx.api_key"}', '{"messaging_profile_id": "mp_1", "public_key": "x"}') AS account \gset
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx.api_key"}', '{"messaging_profile_id": "mp_2"}') = :'account' AS same_account_again;
SELECT cloudgreet.add_phone_number('(212) 555-0150', 'Main line', :'agent', :'account') IS NOT NULL AS number_added;
-- What came of it.
SELECT email, role, name FROM cloudgreet.users ORDER BY email;
SELECT phone_number, label, is_active, agent_id = :'agent' AS agent_answers FROM cloudgreet.phone_numbers;
SELECT name, description, duration_minutes, buffer_after_minutes, price_cents, currency FROM cloudgreet.services;
SELECT s.name, s.time_zone, s.user_id = :'bob' AS is_bob, h.weekday, h.starts, h.ends
  FROM cloudgreet.staff s JOIN cloudgreet.working_hours h ON h.staff_id = s.id ORDER BY h.weekday, h.starts;
SELECT count(*) AS services_of_bob FROM cloudgreet.service_staff WHERE staff_id = :'staff';
SELECT name, jsonb_pretty(config) AS config, is_active FROM cloudgreet.ai_agents;
SELECT provider, name, secret_names, settings, status FROM cloudgreet.provider_accounts;
-- Each step is on the timeline, with who did it and nothing about people.
SELECT event_type, subject_type, data, CASE actor_id WHEN :'ann' THEN 'ann' END AS actor FROM cloudgreet.events ORDER BY id;
-- Staff without hours get Monday to Friday, 9 to 17, in the business's zone.
SELECT cloudgreet.add_staff('Cleo') AS cleo \gset
SELECT time_zone, string_agg(weekday::text, '' ORDER BY weekday) AS days, min(starts) AS starts, max(ends) AS ends
  FROM cloudgreet.staff s JOIN cloudgreet.working_hours h ON h.staff_id = s.id WHERE s.id = :'cleo' GROUP BY 1;
-- Naming the own business is allowed; the name of a retired service is free again.
SELECT cloudgreet.create_service('Repair', 30, business_id => :'business') IS NOT NULL AS created;
UPDATE cloudgreet.services SET is_active = false WHERE name = 'Repair';
SELECT cloudgreet.create_service('repair', 45) IS NOT NULL AS created_again;
COMMIT;

-- Each function, for those who try it below.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.first_use_call (call text);
INSERT INTO public.first_use_call VALUES
    ($$create_business('Other', 'UTC')$$), ($$add_user('eve@acme.example', 'admin')$$), ($$create_service('x', 30)$$), ($$add_staff('x')$$),
    ($$create_agent('x')$$), ($$add_phone_number('+12125550151')$$), ($$remove_phone_number('+12125550150')$$),
    ($$connect_provider('telnyx', '{"api_key": "telnyx.api_key"}')$$);
CREATE FUNCTION public.code_of(call text, claims text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true) WHERE claims IS NOT NULL;
    EXECUTE 'SELECT cloudgreet.' || call;
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
GRANT SELECT ON public.first_use_call TO PUBLIC;

-- Users, agents, tokens without a role or business, and the signed out may not; nor anon.
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT split_part(call, '(', 1) AS function,
       public.code_of(call, json_build_object('business_id', :'business', 'role', 'user')::text) AS as_user,
       public.code_of(call, json_build_object('business_id', :'business', 'role', 'agent')::text) AS as_agent,
       public.code_of(call, json_build_object('business_id', :'business')::text) AS no_role,
       public.code_of(call, '{"role": "admin"}') AS no_business,
       public.code_of(call, '') AS nobody
  FROM public.first_use_call ORDER BY call;
-- A business named without a token is not chosen.
SELECT public.code_of(format('create_service(%L, 30, business_id => %L)', 'x', :'business'), '') AS named;
ROLLBACK;
BEGIN;
SET LOCAL ROLE anon;
SELECT DISTINCT public.code_of(call) AS code_for_anon FROM public.first_use_call;
ROLLBACK;

-- The admin's number is a claim until an operator confirms it.
RESET SESSION AUTHORIZATION;
SELECT count(*) AS routes FROM cloudgreet_private.phone_routes WHERE business_id = :'business';
SELECT cloudgreet.confirm_phone_number('+12125550150', :'business') IS NOT NULL AS confirmed;
SELECT n.is_active, r.phone_number FROM cloudgreet.phone_numbers n JOIN cloudgreet_private.phone_routes r USING (business_id, phone_number) WHERE business_id = :'business';

-- An admin cannot reach another business, nor take its number, nor see that it has it: it claims it as any other.
RESET SESSION AUTHORIZATION;
SELECT cloudgreet.create_business('Zenith HVAC', 'America/Chicago') AS zenith \gset
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'zenith', 'role', 'admin')::text, true) IS NOT NULL AS signed_in;
SELECT public.code_of(format('create_service(%L, 30, business_id => %L)', 'x', :'business')) AS other_business;
SELECT public.code_of('remove_phone_number(''+12125550150'')') AS not_ours;
SELECT public.code_of('add_phone_number(''+12125550150'')') AS claimed, public.code_of('add_phone_number(''+12125550159'')') AS claimed_of_nobody;
SELECT public.code_of(format('add_phone_number(%L, agent_id => %L)', '+12125550152', :'agent')) AS foreign_agent;
SELECT public.code_of(format('add_phone_number(%L, provider_account_id => %L)', '+12125550152', :'account')) AS foreign_account;
SELECT public.code_of(format('add_staff(%L, service_ids => ARRAY[%L]::uuid[])', 'x', :'service')) AS foreign_service;
SELECT public.code_of(format('add_staff(%L, user_id => %L)', 'x', :'bob')) AS foreign_user;
SELECT public.code_of('connect_provider(''telnyx'', ''{"api_key": "telnyx.api_key"}'')') AS foreign_secret;
-- The same names, addresses and ids are free in another business.
SELECT cloudgreet.add_user('bob@acme.example', id => :'bob') = :'bob' AS same_person,
       cloudgreet.create_service('Roof inspection', 60) IS NOT NULL AS same_service,
       cloudgreet.create_agent('Front desk') IS NOT NULL AS same_agent;
COMMIT;

-- A service_role token acts for any business, which it names.
BEGIN;
SET LOCAL ROLE service_role;
SELECT set_config('request.jwt.claims', '{"role": "service_role"}', true) IS NOT NULL AS signed_in;
SELECT public.code_of('add_staff(''x'')') AS no_business_named;
SELECT cloudgreet.create_business('Third', 'UTC') IS NOT NULL AS created,
       cloudgreet.add_staff('Dan', business_id => :'zenith') IS NOT NULL AS added;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- A number that is given back is free again, for anyone.
SELECT cloudgreet.remove_phone_number('+12125550150', :'business');
SELECT cloudgreet.add_phone_number('+12125550150', business_id => :'zenith') IS NOT NULL AS added_elsewhere;
SELECT r.business_id = :'zenith' AS routed FROM cloudgreet_private.phone_routes r WHERE r.phone_number = '+12125550150';
SELECT event_type FROM cloudgreet.events WHERE business_id = :'business' AND subject_type = 'phone_number' ORDER BY id;

\set ECHO none
DROP TABLE public.first_use_call;
DROP FUNCTION public.code_of(text, text);
\i test/lib/drop_master_key.sql
