/*
 * bad_input.sql
 *		What the first-use functions are told when the input is bad: the code of each.
 */
\set ECHO none
\set VERBOSITY sqlstate
SELECT cloudgreet.create_business('Bad Input Inc', 'UTC', 'ann@bad.example') AS business \gset
SELECT id AS ann FROM cloudgreet.users WHERE business_id = :'business' \gset
INSERT INTO cloudgreet_private.secrets (business_id, name, version, key_id, nonce, ciphertext, last_four)
VALUES (:'business', 'k', 1, '00000000', '\x00', '\x00', '');
SELECT cloudgreet.create_service('Painting', 60, business_id => :'business') AS service \gset
SELECT cloudgreet.create_agent('Desk', business_id => :'business') AS agent \gset
SELECT cloudgreet.add_phone_number('+12125550160', business_id => :'business') AS number \gset
CREATE TABLE public.call (n integer GENERATED ALWAYS AS IDENTITY, call text);
-- B stands for the business, A for its first user, L for 10,000 characters.
CREATE FUNCTION public.code_of(call text, business uuid, ann uuid) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    call := regexp_replace(call, '\mB\M', quote_literal(business), 'g');
    call := regexp_replace(call, '\mA\M', quote_literal(ann), 'g');
    EXECUTE 'SELECT cloudgreet.' || regexp_replace(call, '\mL\M', 'repeat(''ü'', 10000)', 'g');
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
\set ECHO all
-- Businesses.
INSERT INTO public.call (call) VALUES
    ($$create_business(NULL, 'UTC')$$), ($$create_business('', 'UTC')$$), ($$create_business(E' \t', 'UTC')$$), ($$create_business(E'\u200b\u00a0', 'UTC')$$),
    ($$create_business(E'a\nb', 'UTC')$$), ($$create_business(E'a\u009bb', 'UTC')$$), ($$create_business(repeat('x', 201), 'UTC')$$), ($$create_business(L, 'UTC')$$),
    ($$create_business('x', NULL)$$), ($$create_business('x', '')$$), ($$create_business('x', 'Mars/Olympus')$$), ($$create_business('x', 'EST5EDT')$$), ($$create_business('x', '+05:00')$$), ($$create_business('x', L)$$),
    ($$create_business('x', 'UTC', '')$$), ($$create_business('x', 'UTC', 'nobody')$$), ($$create_business('x', 'UTC', L)$$), ($$create_business('x', 'UTC', 'a@b.co', L)$$),
    ($$create_business('x', 'UTC', locale => NULL)$$), ($$create_business('x', 'UTC', locale => 'english')$$), ($$create_business('x', 'UTC', locale => L)$$),
    ($$create_business('x', 'UTC', settings => NULL)$$), ($$create_business('x', 'UTC', settings => '[]')$$), ($$create_business('x', 'UTC', settings => 'null')$$), ($$create_business('x', 'UTC', settings => jsonb_build_object('x', repeat('x', 70000)))$$);
-- Users.
INSERT INTO public.call (call) VALUES
    ($$add_user(NULL, business_id => B)$$), ($$add_user('', business_id => B)$$), ($$add_user('nobody', business_id => B)$$), ($$add_user(L, business_id => B)$$), ($$add_user(E'x@example.com\nBcc: y@example.com', business_id => B)$$),
    ($$add_user('x@example.com', NULL, business_id => B)$$), ($$add_user('x@example.com', 'owner', business_id => B)$$), ($$add_user('x@example.com', 'Admin', business_id => B)$$), ($$add_user('x@example.com', L, business_id => B)$$),
    ($$add_user('x@example.com', name => L, business_id => B)$$), ($$add_user('x@example.com', name => E'a\rb', business_id => B)$$),
    ($$add_user(' ANN@bad.EXAMPLE ', business_id => B)$$), ($$add_user('x@example.com', id => A, business_id => B)$$),
    ($$add_user('x@example.com')$$), ($$add_user('x@example.com', business_id => A)$$);
-- Phone numbers.
INSERT INTO public.call (call) VALUES
    ($$add_phone_number(NULL, business_id => B)$$), ($$add_phone_number('', business_id => B)$$), ($$add_phone_number('555-0123', business_id => B)$$), ($$add_phone_number('911', business_id => B)$$), ($$add_phone_number('(911) 555-0123', business_id => B)$$),
    ($$add_phone_number('+1 212 555 0123 ext 4', business_id => B)$$), ($$add_phone_number(E'+12125550\n161', business_id => B)$$), ($$add_phone_number(L, business_id => B)$$), ($$add_phone_number(repeat('1', 10000), business_id => B)$$),
    ($$add_phone_number('+12125550161', L, business_id => B)$$), ($$add_phone_number('+12125550161', agent_id => A, business_id => B)$$), ($$add_phone_number('+12125550161', provider_account_id => A, business_id => B)$$),
    ($$add_phone_number('212-555-0160', business_id => B)$$), ($$add_phone_number('+12125550161')$$), ($$add_phone_number('+12125550161', business_id => A)$$),
    ($$remove_phone_number(NULL, B)$$), ($$remove_phone_number('555', B)$$), ($$remove_phone_number('+12125550161', B)$$);
-- Providers.
INSERT INTO public.call (call) VALUES
    ($$connect_provider(NULL, '{"api_key": "k"}', business_id => B)$$), ($$connect_provider('', '{"api_key": "k"}', business_id => B)$$), ($$connect_provider('twilio', '{"api_key": "k"}', business_id => B)$$), ($$connect_provider('Telnyx', '{"api_key": "k"}', business_id => B)$$), ($$connect_provider(L, '{"api_key": "k"}', business_id => B)$$),
    ($$connect_provider('telnyx', NULL, business_id => B)$$), ($$connect_provider('telnyx', '{}', business_id => B)$$), ($$connect_provider('telnyx', '"k"', business_id => B)$$), ($$connect_provider('telnyx', '{"password": "k"}', business_id => B)$$), ($$connect_provider('telnyx', '{"webhook_key": "k"}', business_id => B)$$),
    ($$connect_provider('telnyx', '{"api_key": null}', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": {"name": "k"}}', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": ""}', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "unknown"}', business_id => B)$$), ($$connect_provider('telnyx', jsonb_build_object('api_key', L), business_id => B)$$),
    ($$connect_provider('google', '{"api_key": "k"}', business_id => B)$$), ($$connect_provider('google', '{"client_secret": "k"}', business_id => B)$$),
    ($$connect_provider('telnyx', '{"api_key": "k"}', NULL, business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "k"}', '[]', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "k"}', '{"api_key": "KEY1"}', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "k"}', '{"a": [{"clientSecret": "x"}]}', business_id => B)$$),
    ($$connect_provider('telnyx', '{"api_key": "k"}', name => NULL, business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "k"}', name => '', business_id => B)$$), ($$connect_provider('telnyx', '{"api_key": "k"}', name => L, business_id => B)$$);
-- Services.
INSERT INTO public.call (call) VALUES
    ($$create_service(NULL, 30, business_id => B)$$), ($$create_service(' ', 30, business_id => B)$$), ($$create_service(L, 30, business_id => B)$$), ($$create_service('pAINTING ', 30, business_id => B)$$),
    ($$create_service('x', NULL, business_id => B)$$), ($$create_service('x', 0, business_id => B)$$), ($$create_service('x', -1, business_id => B)$$), ($$create_service('x', 2147483647, business_id => B)$$),
    ($$create_service('x', 30, L, business_id => B)$$), ($$create_service('x', 30, E'a\bb', business_id => B)$$), ($$create_service('x', 30, buffer_before_minutes => 5000, business_id => B)$$), ($$create_service('x', 30, buffer_after_minutes => NULL, business_id => B)$$),
    ($$create_service('x', 30, price_cents => -1, business_id => B)$$), ($$create_service('x', 30, currency => 'usd', business_id => B)$$), ($$create_service('x', 30, currency => NULL, business_id => B)$$), ($$create_service('x', 30, minimum_notice_minutes => -1, business_id => B)$$),
    ($$create_service('x', 30, slot_step_minutes => 0, business_id => B)$$), ($$create_service('x', 30, seats => 0, business_id => B)$$), ($$create_service('x', 30, seats => NULL, business_id => B)$$);
-- Staff.
INSERT INTO public.call (call) VALUES
    ($$add_staff(NULL, business_id => B)$$), ($$add_staff('', business_id => B)$$), ($$add_staff(L, business_id => B)$$), ($$add_staff('x', '', business_id => B)$$), ($$add_staff('x', 'EST5EDT', business_id => B)$$),
    ($$add_staff('x', working_hours => '[]', business_id => B)$$), ($$add_staff('x', working_hours => 'null', business_id => B)$$), ($$add_staff('x', working_hours => '{"monday": []}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": null}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": "09:00"}', business_id => B)$$),
    ($$add_staff('x', working_hours => '{"mon": ["09:00", "17:00"]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [[null, null]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:00", "17:00", "18:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [{"0": "09:00"}]}', business_id => B)$$),
    ($$add_staff('x', working_hours => '{"mon": [["9:00", "17:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:00", "25:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:60", "17:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["24:00", "24:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:00", "now"]]}', business_id => B)$$),
    ($$add_staff('x', working_hours => '{"mon": [["17:00", "09:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["09:00", "09:00"]]}', business_id => B)$$), ($$add_staff('x', working_hours => '{"mon": [["13:00", "17:00"], ["09:00", "13:01"]]}', business_id => B)$$),
    ($$add_staff('x', working_hours => jsonb_build_object('mon', (SELECT jsonb_agg('["09:00", "17:00"]'::jsonb) FROM generate_series(1, 1000))), business_id => B)$$),
    ($$add_staff('x', service_ids => ARRAY[A]::uuid[], business_id => B)$$), ($$add_staff('x', service_ids => ARRAY[NULL]::uuid[], business_id => B)$$), ($$add_staff('x', service_ids => ARRAY[A, NULL]::uuid[], business_id => B)$$), ($$add_staff('x', user_id => B, business_id => B)$$);
-- Agents.
INSERT INTO public.call (call) VALUES
    ($$create_agent(NULL, business_id => B)$$), ($$create_agent('', business_id => B)$$), ($$create_agent(repeat('x', 121), business_id => B)$$), ($$create_agent('dESK', business_id => B)$$),
    ($$create_agent('x', NULL, business_id => B)$$), ($$create_agent('x', '[]', business_id => B)$$), ($$create_agent('x', '{"volume": 1}', business_id => B)$$), ($$create_agent('x', '{"voice_id": ""}', business_id => B)$$), ($$create_agent('x', '{"voice_id": 1}', business_id => B)$$), ($$create_agent('x', jsonb_build_object('voice_id', L), business_id => B)$$),
    ($$create_agent('x', '{"speed": 0.49}', business_id => B)$$), ($$create_agent('x', '{"speed": 2.01}', business_id => B)$$), ($$create_agent('x', '{"speed": "1"}', business_id => B)$$), ($$create_agent('x', '{"speed": null}', business_id => B)$$), ($$create_agent('x', '{"speed": 1e400}', business_id => B)$$), ($$create_agent('x', '{"pitch": true}', business_id => B)$$),
    ($$create_agent('x', '{}', NULL, business_id => B)$$), ($$create_agent('x', '{}', '7', business_id => B)$$), ($$create_agent('x', '{}', '{"mood": "x"}', business_id => B)$$), ($$create_agent('x', '{}', '{"personality": " "}', business_id => B)$$), ($$create_agent('x', '{}', jsonb_build_object('conversation_style', L), business_id => B)$$), ($$create_agent('x', '{}', '{"personality": "a\u0007b"}', business_id => B)$$),
    ($$create_agent('x', '{}', '{"escalation_triggers": "fire"}', business_id => B)$$), ($$create_agent('x', '{}', '{"escalation_triggers": null}', business_id => B)$$), ($$create_agent('x', '{}', '{"escalation_triggers": [1]}', business_id => B)$$), ($$create_agent('x', '{}', '{"escalation_triggers": [["fire"]]}', business_id => B)$$), ($$create_agent('x', '{}', '{"escalation_triggers": [""]}', business_id => B)$$),
    ($$create_agent('x', '{}', jsonb_build_object('escalation_triggers', (SELECT jsonb_agg('x'::text) FROM generate_series(1, 101))), business_id => B)$$),
    ($$create_agent('x', '{}', '{}', '[]', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"mon": 7}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"time_zone": "Mars/Olympus"}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"time_zone": 5}', business_id => B)$$),
    ($$create_agent('x', '{}', '{}', '{"exceptions": []}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"exceptions": {"christmas": []}}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"exceptions": {"2026-02-29": []}}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"exceptions": {"2026-13-01": []}}', business_id => B)$$), ($$create_agent('x', '{}', '{}', '{"exceptions": {"2026-12-25": null}}', business_id => B)$$);
SELECT n, left(call, 90) AS call, public.code_of(call, :'business', :'ann') AS code FROM public.call ORDER BY n;
-- None of them was accepted, and nothing half done is left.
SELECT (SELECT count(*) FROM cloudgreet.businesses WHERE name = 'x') AS businesses,
       (SELECT count(*) FROM cloudgreet.users WHERE business_id = :'business') AS users,
       (SELECT count(*) FROM cloudgreet.staff WHERE business_id = :'business') AS staff,
       (SELECT count(*) FROM cloudgreet.ai_agents WHERE business_id = :'business') AS agents,
       (SELECT count(*) FROM cloudgreet.services WHERE business_id = :'business') AS services,
       (SELECT count(*) FROM cloudgreet_private.phone_routes WHERE business_id = :'business') AS routes,
       (SELECT count(*) FROM cloudgreet.events WHERE business_id = :'business') AS events;

-- What people are told: a value about a person or a secret is not repeated.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT cloudgreet.add_user('ann@bad.example', business_id => :'business');
SELECT cloudgreet.add_phone_number('+12125550160', business_id => :'business');
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "KEY0123456789ABCDEF_secret"}', business_id => :'business');
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "k"}', '{"api_key": "KEY0123456789ABCDEF_secret"}', business_id => :'business');
SELECT cloudgreet.add_staff('x', working_hours => '{"mon": [["22:00", "06:00"]]}', business_id => :'business');
SELECT cloudgreet.create_agent('x', '{"volume": 1}', business_id => :'business');
-- Hours that are written to the table are looked at as well; NULL ones are none.
UPDATE cloudgreet.ai_agents SET config = '{"working_hours": {"mon": [["9am", "5pm"]]}}' WHERE id = :'agent';
UPDATE cloudgreet.ai_agents SET config = '{"working_hours": {"time_zone": "Mars/Olympus"}}' WHERE id = :'agent';
UPDATE cloudgreet.ai_agents SET config = '{"greeting": "Hi", "working_hours": null}' WHERE id = :'agent' RETURNING config;
-- So is all else that a function would have refused, in many rows at once too; the error says where the fault lies.
UPDATE cloudgreet.ai_agents SET config = '{"voice_settings": {"speed": 99}}' WHERE business_id = :'business';
UPDATE cloudgreet.ai_agents SET config = config || '{"voice_settings": {"pitch": "high"}}' WHERE business_id = :'business';
UPDATE cloudgreet.ai_agents SET config = '{"voice_settings": {"volume": 1}}' WHERE id = :'agent';
UPDATE cloudgreet.ai_agents SET config = '{"behavior_settings": {"escalation_triggers": [1]}}' WHERE id = :'agent';
UPDATE cloudgreet.ai_agents SET config = '{"behavior_settings": {"personality": 5}}' WHERE id = :'agent';
INSERT INTO cloudgreet.ai_agents (business_id, name, config) VALUES (:'business', 'y', '{"voice_settings": null}');
UPDATE cloudgreet.businesses SET settings = '{"booking_horizon_days": "soon"}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"booking_horizon_days": -1}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"inbound": {"closed": "voicemail"}}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"inbound": {"open": "answer"}}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"replies": "cancel"}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"follow_up_sequence": 7}' WHERE id = :'business';
UPDATE cloudgreet.businesses SET settings = '{"booking_horizon_days": 60, "inbound": {"unknown": "reject"}, "replies": {"no": "cancel"}, "colour": "red"}' WHERE id = :'business' RETURNING settings;
SELECT cloudgreet.add_staff('Someone', working_hours => '{}', business_id => :'business') AS someone \gset
INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends) VALUES (:'business', :'someone', 1, '09:00', '12:00'), (:'business', :'someone', 1, '11:59', '13:00');
INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends, valid_from, valid_to) VALUES (:'business', :'someone', 1, '09:00', '12:00', NULL, '2026-12-31'),
    (:'business', :'someone', 1, '12:00', '13:00', NULL, NULL), (:'business', :'someone', 2, '09:00', '13:00', NULL, NULL), (:'business', :'someone', 1, '09:00', '12:00', '2027-01-01', NULL);
UPDATE cloudgreet.working_hours SET ends = '12:30' WHERE staff_id = :'someone' AND starts = '09:00' AND weekday = 1;
UPDATE cloudgreet.working_hours SET weekday = 1 WHERE staff_id = :'someone' AND weekday = 2;
UPDATE cloudgreet.working_hours SET valid_to = '2027-01-01' WHERE staff_id = :'someone' AND valid_to = '2026-12-31';
WITH s AS (INSERT INTO cloudgreet.sequences (business_id, name) VALUES (:'business', 'z') RETURNING id),
     t AS (INSERT INTO cloudgreet.message_templates (business_id, name, channel, subject, content) VALUES (:'business', 'z', 'email', 'Hi', 'Hi') RETURNING id)
INSERT INTO cloudgreet.sequence_steps (business_id, sequence_id, position, delay_minutes, channel, template_id) SELECT :'business', s.id, 1, 5, 'sms', t.id FROM s, t;

\set ECHO none
DROP TABLE public.call;
DROP FUNCTION public.code_of(text, uuid, uuid);
