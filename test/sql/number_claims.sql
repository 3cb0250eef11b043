/*
 * number_claims.sql
 *		A number leads to the business that an operator gave it to; what tenants claim
 *		leads nowhere, is in nobody's way and tells nothing.  Routes follow the numbers,
 *		whoever writes them, and however.
 */
\set ECHO none
\i test/lib/ask.sql
SELECT public.mint(json_build_object('role', 'service_role', 'exp', 99999999999)::text, :'secret') AS service \gset
\set ECHO all
-- Numbers with what they lead to; both sides at once, so that a drift would show.
CREATE VIEW public.numbers AS
    SELECT b.name AS business, coalesce(n.phone_number, r.phone_number) AS phone_number, n.is_active, n.confirmed_at IS NOT NULL AS confirmed, r.phone_number IS NOT NULL AS routed
      FROM cloudgreet.phone_numbers n FULL JOIN cloudgreet_private.phone_routes r USING (business_id, phone_number)
      JOIN cloudgreet.businesses b ON b.id = business_id
     WHERE business_id IN (SELECT id FROM cloudgreet.businesses WHERE name IN ('Http Test', 'Neighbour'));
CREATE FUNCTION public.code_of(call text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE 'SELECT FROM ' || call;
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- Two admins claim one number, one of them a number that is another's: each is told the same, and nothing happens.
SELECT cloudgreet.add_phone_number('+14155550111', business_id => :'business') IS NOT NULL AS given;
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/add_phone_number', :'neighbour', '{"phone_number": "+14155550111"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/add_phone_number', :'neighbour', '{"phone_number": "(415) 555-0112", "label": "Ours"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/add_phone_number', :'admin', '{"phone_number": "+1 415 555 0112"}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/add_phone_number', :'admin', '{"phone_number": "+14155550112"}');
SELECT * FROM public.numbers ORDER BY 1, 2;
SELECT event_type FROM cloudgreet.events WHERE business_id IN (:'business', :'other') AND subject_type = 'phone_number' ORDER BY id;
-- Nobody confirms but operators; nothing is sent from a claim.
SELECT a.status FROM unnest(ARRAY[:'admin', :'agent', NULL]) token, public.ask('POST', '/rest/v1/rpc/confirm_phone_number', token, jsonb_build_object('phone_number', '+14155550112', 'business_id', :'business')::text) a;
SELECT a.status FROM unnest(ARRAY['{"is_active": true}', '{"confirmed_at": "2026-01-01Z"}']) body, public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550112', :'admin', body) a;
SELECT a.status, a.body::jsonb ->> 'hint' AS hint FROM public.ask('POST', '/rest/v1/rpc/send_sms', :'neighbour', '{"to_number": "+14155550113", "content": "Hi"}') a;
SELECT a.status, a.body::jsonb ->> 'hint' AS hint FROM public.ask('POST', '/rest/v1/rpc/send_sms', :'admin', '{"to_number": "+14155550113", "content": "Hi", "from_number": "+14155550112"}') a;
-- The operator takes one claim; the other stays one. Once more changes nothing, and what is another's is told to operators.
SELECT cloudgreet.confirm_phone_number('415-555-0112', :'other') = cloudgreet.confirm_phone_number('+14155550112', :'other') AS confirmed;
SELECT public.code_of(format('cloudgreet.%s', c)) FROM (VALUES
    (1, format('confirm_phone_number(%L, %L)', '+14155550112', :'business')), (2, format('add_phone_number(%L, business_id => %L)', '+14155550112', :'business')),
    (3, format('confirm_phone_number(%L, %L)', '+14155550119', :'business')), (4, format('confirm_phone_number(%L, NULL)', '+14155550112')),
    (5, format('add_phone_number(%L, business_id => %L)', '+14155550112', :'other'))) v (n, c) ORDER BY n;
-- What an operator adds is good at once, also in the place of a claim, which keeps what it said.
SELECT cloudgreet.remove_phone_number('+14155550112', :'other'), cloudgreet.add_phone_number('+14155550112', agent_id => NULL, business_id => :'business') IS NOT NULL AS claim_made_good;
SELECT * FROM public.numbers ORDER BY 1, 2;

-- service_role writes the table itself: insert, switch off and on, renumber, move to another business, delete.
SELECT status FROM public.ask('POST', '/rest/v1/phone_numbers', :'service', jsonb_build_object('business_id', :'other', 'phone_number', '+14155550114')::text);
SELECT * FROM public.numbers WHERE phone_number = '+14155550114';
SELECT status, body FROM public.ask('POST', '/rest/v1/phone_numbers', :'service', jsonb_build_object('business_id', :'business', 'phone_number', '+14155550114')::text);
SELECT status FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550114', :'service', '{"is_active": false}');
SELECT * FROM public.numbers WHERE phone_number = '+14155550114';
SELECT status FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550114', :'service', '{"phone_number": "+14155550115"}');
SELECT status FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550115', :'service', '{"is_active": true, "label": "On"}');
SELECT status FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550115', :'service', '{"phone_number": "+14155550116"}');
SELECT status, body FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550116', :'service', '{"phone_number": "+14155550112"}');
SELECT * FROM public.numbers ORDER BY 1, 2;
SELECT status FROM public.ask('PATCH', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550116', :'service', jsonb_build_object('business_id', :'business')::text);
SELECT * FROM public.numbers WHERE phone_number = '+14155550116';
SELECT status FROM public.ask('DELETE', '/rest/v1/phone_numbers?phone_number=eq.%2B14155550116', :'service');
SELECT * FROM public.numbers ORDER BY 1, 2;
-- A claim is not switched on past its confirmation, and a route without its number cannot be.
SELECT status, body::jsonb ->> 'code' AS code FROM public.ask('PATCH', '/rest/v1/phone_numbers?confirmed_at=is.null', :'service', '{"is_active": true}');
\set VERBOSITY sqlstate
BEGIN;
INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES ('+14155550118', :'business');
COMMIT;
\set VERBOSITY default
DELETE FROM cloudgreet.businesses WHERE id = :'business';
SELECT * FROM public.numbers ORDER BY 1, 2;
DROP VIEW public.numbers;
DROP FUNCTION public.code_of(text);

\set ECHO none
\i test/lib/drop_ask.sql
