/*
 * login.sql
 *		What login() accepts, what it gives, and the tokens that it refuses.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
\set ECHO all
\set secret 'a-secret-of-at-least-thirty-two-bytes'
SELECT cloudgreet.create_business('Login Test', 'America/New_York') AS business \gset
SELECT cloudgreet.add_jwt_key('main', :'secret');
CREATE ROLE regress_cg_app LOGIN IN ROLE cloudgreet_app;
GRANT USAGE ON SCHEMA public TO regress_cg_app;
CREATE VIEW public.me AS
    SELECT current_user AS db_role, cloudgreet.current_business_id() IS NOT NULL AS has_business,
           cloudgreet.current_user_id() IS NOT NULL AS has_user, cloudgreet.current_app_role() AS app_role;
GRANT SELECT ON public.me TO PUBLIC;
SELECT public.mint(public.claims(:'business'), :'secret') AS token \gset

-- The documented path: connect, BEGIN, login, query.
SET SESSION AUTHORIZATION regress_cg_app;
BEGIN;
SELECT cloudgreet.login(:'token');
SELECT * FROM public.me;
INSERT INTO cloudgreet.leads (name) VALUES ('Ann') RETURNING name, business_id = :'business' AS in_own_business;
COMMIT;
-- After the transaction there is nobody, and the login role sees no table.
SELECT * FROM public.me;
SELECT count(*) FROM cloudgreet.leads;
-- A savepoint that is rolled back takes its login along; the outer one stays.
BEGIN;
SAVEPOINT before_login;
SELECT cloudgreet.login(:'token');
SELECT * FROM public.me;
ROLLBACK TO before_login;
SELECT * FROM public.me;
SELECT cloudgreet.login(:'token');
SAVEPOINT after_login;
ROLLBACK TO after_login;
SELECT * FROM public.me;
-- RESET ROLE gives the login role back, which has no rights of its own.
RESET ROLE;
SELECT count(*) FROM cloudgreet.leads;
ROLLBACK;
BEGIN;
SELECT cloudgreet.login(:'token');
-- RESET ALL takes the context away: no rows are left.
RESET ALL;
SELECT count(*) FROM cloudgreet.leads;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- An operator that the caller plants in its search_path is not run with the owner's rights.
CREATE SCHEMA planted AUTHORIZATION regress_cg_app;
SET SESSION AUTHORIZATION regress_cg_app;
GRANT USAGE ON SCHEMA planted TO PUBLIC;
CREATE FUNCTION planted.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE OPERATOR planted.= (FUNCTION = planted.spring, LEFTARG = text, RIGHTARG = text);
SET search_path = planted, pg_catalog;
BEGIN; SELECT cloudgreet.login(:'token'); SELECT cloudgreet.current_app_role(); ROLLBACK;
BEGIN; SELECT cloudgreet.login('x.x.x'); ROLLBACK;
RESET search_path;
RESET SESSION AUTHORIZATION;
DROP SCHEMA planted CASCADE;

-- Other shapes of tokens: Supabase's, anon, service_role.
SELECT public.mint(jsonb_build_object('sub', gen_random_uuid(), 'role', 'authenticated', 'exp', 99999999999,
    'app_metadata', jsonb_build_object('business_id', :'business', 'role', 'agent'))::text, :'secret') AS supabase_token,
       public.mint('{"role": "anon", "exp": 99999999999}', :'secret') AS anon_token,
       public.mint('{"role": "service_role", "exp": 99999999999}', :'secret') AS service_token,
       public.mint(public.claims(:'business', 'admin', '{"exp": 99999999999.5, "iat": 1.5e9}'), :'secret', '{"alg":"HS256","kid":"main"}') AS kid_token \gset
SET SESSION AUTHORIZATION regress_cg_app;
BEGIN; SELECT cloudgreet.login(:'supabase_token'); SELECT * FROM public.me; COMMIT;
BEGIN; SELECT cloudgreet.login(:'anon_token'); SELECT * FROM public.me; COMMIT;
-- A member of cloudgreet_app never becomes service_role, whatever its token says; authenticator does.
BEGIN; SELECT cloudgreet.login(:'service_token'); ROLLBACK;
SET ROLE service_role;
BEGIN; SELECT cloudgreet.login(:'kid_token'); SELECT * FROM public.me; COMMIT;
SET SESSION AUTHORIZATION authenticator;
BEGIN; SELECT cloudgreet.login(:'service_token'); SELECT * FROM public.me; COMMIT;
RESET SESSION AUTHORIZATION;
-- service_role passes row security, so a token of it that names a business would not be held to it: it is refused, in each shape.
SELECT public.mint(jsonb_build_object('role', 'service_role', 'business_id', :'business', 'exp', 99999999999)::text, :'secret') AS bound_token,
       public.mint(jsonb_build_object('role', 'service_role', 'exp', 99999999999, 'app_metadata', jsonb_build_object('business_id', :'business', 'role', 'admin'))::text, :'secret') AS bound_supabase_token \gset
SELECT cloudgreet.explain_token(:'bound_token'), cloudgreet.explain_token(:'bound_supabase_token') = cloudgreet.explain_token(:'bound_token') AS the_same;
SET SESSION AUTHORIZATION authenticator;
BEGIN; SELECT cloudgreet.login(:'bound_token'); ROLLBACK;
BEGIN; SELECT cloudgreet.login(:'bound_supabase_token'); ROLLBACK;
RESET SESSION AUTHORIZATION;

-- The database knows better than the token: demotion, deactivation, revocation.
SELECT cloudgreet.add_user('ann@example.com', 'admin', business_id => :'business') AS ann \gset
SELECT public.mint(public.claims(:'business', 'admin', jsonb_build_object('sub', :'ann')), :'secret') AS ann_token,
       public.mint(public.claims(:'business', 'agent', jsonb_build_object('sub', :'ann')), :'secret') AS ann_agent_token \gset
BEGIN; SELECT cloudgreet.login(:'ann_token'); SELECT app_role AS admin FROM public.me; COMMIT;
BEGIN; SELECT cloudgreet.login(:'ann_agent_token'); SELECT app_role AS less_than_she_could FROM public.me; COMMIT;
-- The lesser of the two roles counts, and no role is none.
SELECT public.mint((public.claims(:'business', 'agent', jsonb_build_object('sub', :'ann'))::jsonb - 'role')::text, :'secret') AS ann_no_role \gset
BEGIN; SELECT cloudgreet.login(:'ann_no_role'); SELECT app_role AS none FROM public.me; COMMIT;
UPDATE cloudgreet.users SET role = 'user' WHERE id = :'ann';
BEGIN; SELECT cloudgreet.login(:'ann_agent_token'); SELECT app_role AS still_agent FROM public.me; COMMIT;
BEGIN; SELECT cloudgreet.login(:'ann_token'); SELECT app_role AS demoted FROM public.me; COMMIT;
\set VERBOSITY sqlstate
UPDATE cloudgreet.users SET tokens_valid_after = now() + interval '1 minute' WHERE id = :'ann';
BEGIN; SELECT cloudgreet.login(:'ann_token'); ROLLBACK;
UPDATE cloudgreet.users SET tokens_valid_after = NULL, is_active = false WHERE id = :'ann';
BEGIN; SELECT cloudgreet.login(:'ann_token'); ROLLBACK;

-- Outside a transaction block login() is refused, and so is a null token.
SELECT cloudgreet.login(:'token');
BEGIN; SELECT cloudgreet.login(NULL); ROLLBACK;
-- A role that may not become authenticated cannot log in.
CREATE ROLE regress_cg_stranger LOGIN;
GRANT USAGE ON SCHEMA cloudgreet TO regress_cg_stranger;
GRANT EXECUTE ON FUNCTION cloudgreet.login(text) TO regress_cg_stranger;
SET SESSION AUTHORIZATION regress_cg_stranger;
BEGIN; SELECT cloudgreet.login(:'token'); ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_cg_stranger;
DROP ROLE regress_cg_stranger;

-- Times are judged by the clock, with a leeway of 30 seconds.
\set VERBOSITY default
SELECT public.mint(public.claims(:'business', 'admin', '{"iat": 1772000000, "nbf": 1772000000, "exp": 1772003600}'), :'secret') AS timed \gset
CREATE FUNCTION public.accepts(token text) RETURNS boolean LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM cloudgreet.login(token);
    RESET ROLE;
    RETURN true;
EXCEPTION WHEN SQLSTATE 'ZG103' THEN
    RETURN false;
END
$$;
BEGIN;
SELECT shift, accepted FROM (VALUES (-31), (-30), (0), (3600), (3629), (3630)) AS t (shift),
    LATERAL (SELECT set_config('cloudgreet.clock', (to_timestamp(1772000000 + shift) AT TIME ZONE 'UTC')::text || '+00', true)) AS c (clock),
    LATERAL (SELECT public.accepts(CASE WHEN clock IS NOT NULL THEN :'timed' END)) AS a (accepted);
ROLLBACK;
-- Issuer and audience, where the settings ask for them.
BEGIN;
SET LOCAL cloudgreet.jwt_issuer = 'https://auth.example.com';
SET LOCAL cloudgreet.jwt_audience = 'cloudgreet';
SELECT more, public.accepts(public.mint(public.claims(:'business', 'admin', more::jsonb), :'secret')) FROM (VALUES
    ('{}'), ('{"iss": "https://auth.example.com"}'), ('{"aud": "cloudgreet"}'),
    ('{"iss": "https://auth.example.com", "aud": "cloudgreet"}'), ('{"iss": "https://auth.example.com", "aud": ["x", "cloudgreet"]}'),
    ('{"iss": "https://auth.example.com/", "aud": "cloudgreet"}'), ('{"iss": "https://auth.example.com", "aud": ["cloudgreet2"]}')) AS t (more);
ROLLBACK;

-- Every way to bend a token is refused.
\set ECHO none
CREATE TABLE public.mutants AS
WITH good AS (SELECT public.claims(:'business') AS payload, :'secret' AS secret, :'token' AS token),
parts AS (SELECT split_part(token, '.', 1) AS h, split_part(token, '.', 2) AS p, split_part(token, '.', 3) AS s, payload, secret, token FROM good)
-- one character of a part replaced
SELECT 'character ' || n AS kind, overlay(token PLACING CASE substr(token, n, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM n) AS token
  FROM parts, generate_series(1, length(token), 3) n WHERE substr(token, n, 1) <> '.'
-- cut short, and lengthened
UNION ALL SELECT 'cut ' || n, left(token, -n) FROM parts, generate_series(1, 40) n
UNION ALL SELECT 'suffix ' || x, token || x FROM parts, unnest(ARRAY['A', '=', '==', '.', ' ', E'\n', '.x', '%', 'AA', 'AAAA']) x
UNION ALL SELECT 'prefix ' || x, x || token FROM parts, unnest(ARRAY['A', ' ', '.', 'Bearer ']) x
UNION ALL SELECT 'shape ' || x, x FROM parts, unnest(ARRAY['', '.', '..', '...', 'a.b.c', h, h || '.' || p, h || '.' || p || '.', h || '..' || s, '.' || p || '.' || s,
    h || '.' || p || '.' || s || '.' || s, p || '.' || h || '.' || s, repeat('a', 9000), repeat('.', 100)]) x
-- other algorithms and headers, signed with the right key
UNION ALL SELECT 'header ' || x, public.mint(payload, secret, x) FROM parts, unnest(ARRAY[
    '{"alg":"none"}', '{"alg":"None"}', '{"alg":""}', '{"alg":null}', '{"alg":"hs256"}', '{"alg":"HS384"}', '{"alg":"HS512"}', '{"alg":"RS256"}', '{"alg":"ES256"}',
    '{}', '[]', '"HS256"', 'null', '', '{', '{"typ":"JWT"}', '{"alg":["HS256"]}', '{"alg":{"x":"HS256"}}', '{"alg":"HS256","alg":"HS256"}', '{"alg":"HS256","alg":"none"}',
    '{"alg":"HS256","crit":["exp"]}', '{"alg":"HS256","crit":[]}', '{"alg":"HS256","crit":"exp"}', '{"alg":"HS256","kid":"other"}', '{"alg":"HS256","kid":7}',
    '{"alg":"HS256","kid":"main'' OR true --"}', '{"alg":"HS256","kid":"../main"}', '{"alg":"HS256","kid":["main"]}', '{"alg":"HS256"} x', '{"alg":"HS256 "}']) x
UNION ALL SELECT 'unsigned none', public.base64url('{"alg":"none"}') || '.' || p || '.' FROM parts
-- other keys
UNION ALL SELECT 'key ' || x, public.mint(payload, x) FROM parts, unnest(ARRAY['', ' ', secret || ' ', upper(secret), left(secret, -1), 'main', repeat('0', 32)]) x
-- claims that must not pass, signed with the right key
UNION ALL SELECT 'claims ' || x, public.mint((payload::jsonb || x::jsonb)::text, secret) FROM parts, unnest(ARRAY[
    '{"exp":1}', '{"exp":0}', '{"exp":-1}', '{"exp":"99999999999"}', '{"exp":null}', '{"exp":true}', '{"exp":[99999999999]}', '{"exp":{}}', '{"exp":1e300}', '{"exp":1e16}',
    '{"nbf":99999999999}', '{"nbf":"1"}', '{"nbf":null}', '{"iat":99999999999}', '{"iat":"1"}', '{"iat":null}', '{"iat":-1e300}',
    '{"sub":"ann"}', '{"sub":7}', '{"sub":null}', '{"sub":""}', '{"business_id":"x"}', '{"business_id":7}', '{"business_id":null}', '{"business_id":[]}',
    '{"business_id":"00000000-0000-0000-0000-000000000000"}', '{"business_id":"cccccccc-0000-7000-8000-000000000001"}', '{"iss":7}', '{"aud":7}']) x
UNION ALL SELECT 'no exp', public.mint((payload::jsonb - 'exp')::text, secret) FROM parts
UNION ALL SELECT 'payload ' || x, public.mint(x, secret) FROM parts, unnest(ARRAY['', '{}', '[]', 'null', '42', '"x"', '{"exp":99999999999', payload || ' x',
    replace(payload, '"exp"', '"exp": 99999999999, "exp"'), repeat('[', 4000), '{"exp":99999999999,"x":' || repeat('[', 40) || repeat(']', 40) || '}',
    '{"exp":99999999999,"x":"\u0000"}', '{"exp":99999999999,"x":"\ud800"}']) x
-- padding and the other alphabet
UNION ALL SELECT 'padded', h || '=.' || p || '=.' || s || '=' FROM parts
UNION ALL SELECT 'white space', h || '. ' || p || '.' || s FROM parts;
\set ECHO all
SELECT count(*) >= 150 AS enough_mutants, count(DISTINCT token) >= 150 AS different FROM public.mutants;
BEGIN;
SELECT kind AS accepted_mutant FROM public.mutants WHERE public.accepts(token);
-- ... while the token itself is accepted.
SELECT public.accepts(:'token');
ROLLBACK;

-- Keys: a second one may be active; a retired one is refused.
SELECT cloudgreet.add_jwt_key('next', 'another-secret-of-thirty-two-bytes!!');
SELECT public.mint(public.claims(:'business'), 'another-secret-of-thirty-two-bytes!!') AS next_token \gset
BEGIN;
SELECT public.accepts(:'token') AS first_key, public.accepts(:'next_token') AS second_key;
ROLLBACK;
SELECT cloudgreet.retire_jwt_key('main');
BEGIN;
SELECT public.accepts(:'token') AS retired_key, public.accepts(:'next_token') AS second_key;
ROLLBACK;
\set VERBOSITY sqlstate
SELECT cloudgreet.add_jwt_key('short', 'thirty-one-bytes-are-not-enough');
SELECT cloudgreet.add_jwt_key('next', 'another-secret-of-thirty-two-bytes!!');
SELECT cloudgreet.add_jwt_key('bad kid', 'another-secret-of-thirty-two-bytes!!');
SELECT cloudgreet.add_jwt_key('rs', 'another-secret-of-thirty-two-bytes!!', 'RS256');
SELECT cloudgreet.retire_jwt_key('unknown');
-- Without the master key no token can be judged: an error of its own.
SET cloudgreet.master_key_file = '';
BEGIN; SELECT cloudgreet.login(:'next_token'); ROLLBACK;

\set ECHO none
DROP TABLE public.mutants;
DROP VIEW public.me;
DROP FUNCTION public.accepts(text), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet.businesses WHERE id = :'business';
REVOKE USAGE ON SCHEMA public FROM regress_cg_app;
DROP ROLE regress_cg_app;
\i test/lib/drop_master_key.sql
