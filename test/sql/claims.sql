/*
 * claims.sql
 *		How tokens and claims may be spelled: names, numbers and JSON at its limits,
 *		base64url, and what a key is good for.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
\set ECHO all
\set secret 'a-secret-of-at-least-thirty-two-bytes'
\set a 'aaaaaaaa-0000-7000-8000-000000000001'
\set b 'bbbbbbbb-0000-7000-8000-000000000001'
SELECT cloudgreet.add_jwt_key('main', :'secret');
SELECT cloudgreet.create_business('Claims Test', 'America/New_York') AS business \gset
CREATE FUNCTION public.reads(claims text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true);
    RETURN coalesce(left(cloudgreet.current_business_id()::text, 1), '-') || ' ' || coalesce(cloudgreet.current_app_role(), '-');
END
$$;
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

-- The order of members means nothing, and one bad business spoils the token.
SET SESSION AUTHORIZATION authenticator;
SELECT claims, public.reads(format(claims, :'a', :'b')) FROM (VALUES
    (1, '{"business_id": "%1$s", "app_metadata": {"business_id": "%2$s"}}'),
    (2, '{"app_metadata": {"business_id": "%2$s"}, "business_id": "%1$s"}'),
    (3, '{"business_id": "%1$s", "app_metadata": {"business_id": "bad"}}'),
    (4, '{"app_metadata": {"business_id": "bad"}, "business_id": "%1$s"}'),
    (5, '{"business_id": "%1$s", "role": "user", "app_metadata": {"role": "agent"}}'),
    (6, '{"app_metadata": {"role": "agent"}, "role": "user", "business_id": "%1$s"}'),
    -- A name with a dot is no path.
    (7, '{"app_metadata.business_id": "%1$s"}'),
    (8, '{"app_metadata.business_id": "%1$s", "app_metadata": {"business_id": "%2$s"}}'),
    (9, '{"app_metadata": {"business_id": "%2$s"}, "app_metadata.business_id": "%1$s"}'),
    (10, '{"business_id": "%1$s", "app_metadata": {"role": "user"}, "app_metadata.role": "admin"}'),
    -- Not what the claims are about: other places, other types, other cases.
    (11, '{"user_metadata": {"business_id": "%1$s", "role": "admin"}}'),
    (12, '{"x": {"business_id": "%1$s"}}'), (13, '{"Business_Id": "%1$s"}'), (14, '{"x": [{"business_id": "%1$s"}]}'),
    (15, '{"app_metadata": [{"business_id": "%1$s"}]}'), (16, '{"business_id": ["%1$s"]}'),
    (17, '{"business_id": "%1$s", "role": "Admin"}'), (18, '{"business_id": "%1$s", "role": ["admin"]}'),
    (19, '{"business_id": "%1$s", "role": "postgres"}'), (20, '{"business\u005fid": "%1$s"}')) AS t (n, claims)
 ORDER BY n;

-- Limits: 32 levels, 8 KiB; numbers within 2^53.
SELECT what, public.reads(replace(claims, '@', :'a')) FROM (VALUES
    (1, '32 levels', '{"business_id": "@", "x": ' || repeat('[', 31) || repeat(']', 31) || '}'),
    (2, '33 levels', '{"business_id": "@", "x": ' || repeat('[', 32) || repeat(']', 32) || '}'),
    (3, 'brackets in a string', '{"business_id": "@", "x": "' || repeat('[', 99) || '\"' || repeat('{', 99) || '"}'),
    (4, '8192 bytes', rpad('{"business_id": "@", "x": "', 8192 - 36 + 1 - 2, 'x') || '"}'),
    (5, '8193 bytes', rpad('{"business_id": "@", "x": "', 8193 - 36 + 1 - 2, 'x') || '"}'),
    (6, 'exp 2^53', '{"business_id": "@", "exp": 9007199254740992}'),
    (7, 'exp over 2^53', '{"business_id": "@", "exp": 9007199254740994}'),
    (8, 'exp -2^53', '{"business_id": "@", "exp": -9007199254740992}'),
    (9, 'exp 1e400', '{"business_id": "@", "exp": 1e400}'),
    (10, 'exp with a leading zero', '{"business_id": "@", "exp": 01}'),
    (11, 'exp in hexadecimal', '{"business_id": "@", "exp": 0x10}'),
    (12, 'exp NaN', '{"business_id": "@", "exp": NaN}'),
    (13, 'iat as a string', '{"business_id": "@", "iat": "1"}'),
    (14, 'nine hundred names', '{"business_id": "@"' || (SELECT string_agg(format(',"%s":1', n), '') FROM generate_series(1, 900) n) || '}')) AS t (n, what, claims)
 ORDER BY n;
-- Arbitrary damage is nobody or somebody, but never an error.
SELECT count(*) AS damaged, count(public.reads(overlay(claims PLACING x FROM n FOR cut))) AS survived
  FROM (SELECT format('{"sub": "%s", "app_metadata": {"business_id": "%s", "role": "user"}, "aud": ["x"], "exp": 1.5e9}', :'a', :'b')) AS t (claims),
       unnest(ARRAY['"', '\', '{', '}', '[', ']', ',', ':', E'\x01', 'é', '\u', '\ud800', '0', '.', '-', 'e', '']) AS x,
       generate_series(1, 160) AS n, unnest(ARRAY[0, 1, 40]) AS cut;
RESET SESSION AUTHORIZATION;

-- The claims are read anew when the settings say other places, and not believed
-- from a role that has lost the trusted name, even in a session that is open.
SET SESSION AUTHORIZATION authenticator;
SELECT set_config('request.jwt.claims', format('{"business_id": "%s", "tenant": "%s", "kind": "agent", "role": "user"}', :'a', :'b'), false) IS NOT NULL AS claims_set;
SELECT left(cloudgreet.current_business_id()::text, 1) AS business, cloudgreet.current_app_role() AS role;
RESET SESSION AUTHORIZATION;
SET cloudgreet.jwt_business_claims = 'tenant';
SET cloudgreet.jwt_role_claims = 'kind';
SET SESSION AUTHORIZATION authenticator;
SELECT left(cloudgreet.current_business_id()::text, 1) AS business, cloudgreet.current_app_role() AS role;
RESET SESSION AUTHORIZATION;
RESET cloudgreet.jwt_business_claims;
RESET cloudgreet.jwt_role_claims;
BEGIN;
ALTER ROLE authenticator RENAME TO regress_cg_former;
SET LOCAL SESSION AUTHORIZATION regress_cg_former;
SELECT cloudgreet.current_business_id() IS NULL AS not_believed;
ROLLBACK;
SET SESSION AUTHORIZATION authenticator;
SELECT left(cloudgreet.current_business_id()::text, 1) AS believed_again;
RESET request.jwt.claims;
RESET SESSION AUTHORIZATION;

-- A signature over text that is not canonical base64url does not help.
\set ECHO none
CREATE TABLE public.spellings AS
WITH parts AS (SELECT public.base64url(convert_to('{"alg":"HS256"}', 'UTF8')) AS h, public.base64url(convert_to(payload, 'UTF8')) AS p
                 FROM (SELECT rpad(public.claims(:'business'), 250) AS payload) AS c)
SELECT spelled.kind, signed || '.' || signature || tail AS token
  FROM parts, LATERAL (VALUES
    ('as it should be', h || '.' || p, ''), ('header padded', h || '=.' || p, ''), ('payload padded', h || '.' || p || '==', ''),
    ('white space in the payload', h || '.' || overlay(p PLACING E'\n' FROM 8 FOR 0), ''), ('space before', ' ' || h || '.' || p, ''),
    ('bits left over in the payload', h || '.' || left(p, -1) || chr(ascii(right(p, 1)) + 1), ''),
    ('one character too many', h || '.' || p || 'AAA', ''), ('a plus sign', h || '.' || overlay(p PLACING '+' FROM 8 FOR 1), ''),
    ('a slash', h || '.' || overlay(p PLACING '/' FROM 8 FOR 1), ''), ('a part more', h || '.' || p || '.' || p, ''),
    ('signature padded', h || '.' || p, '='), ('signature with a tail', h || '.' || p, 'A')) AS spelled (kind, signed, tail),
    LATERAL (SELECT public.base64url(public.hmac_sha256(convert_to(:'secret', 'UTF8'), convert_to(signed, 'UTF8')))) AS s (signature);
\set ECHO all
BEGIN;
SELECT kind, public.accepts(token) FROM public.spellings ORDER BY kind COLLATE "C";
-- The last character of a signature has two bits to spare: they must be zero.
SELECT count(*) AS spare_bits, count(*) FILTER (WHERE public.accepts(left(token, -1) || chr(ascii(right(token, 1)) + n))) AS accepted
  FROM public.spellings, generate_series(1, 3) AS n WHERE kind = 'as it should be';
-- kid names a key or is not there.
SELECT header, public.accepts(public.mint(public.claims(:'business'), :'secret', header)) FROM (VALUES
    ('{"alg":"HS256","kid":"main"}'), ('{"alg":"HS256"}'), ('{"alg":"HS256","kid":""}'), ('{"alg":"HS256","kid":"MAIN"}'),
    ('{"alg":"HS256","kid":null}'), ('{"alg":"HS256","x":{"kid":"other","alg":"none"}}')) AS t (header);
ROLLBACK;
-- A key serves its own algorithm only, whatever a token says.
BEGIN;
ALTER TABLE cloudgreet_private.jwt_keys DROP CONSTRAINT jwt_keys_algorithm_check;
UPDATE cloudgreet_private.jwt_keys SET algorithm = 'RS256';
SELECT header, public.accepts(public.mint(public.claims(:'business'), :'secret', header)) FROM (VALUES
    ('{"alg":"HS256"}'), ('{"alg":"HS256","kid":"main"}'), ('{"alg":"RS256"}'), ('{"alg":"none"}')) AS t (header);
ROLLBACK;

\set ECHO none
DROP TABLE public.spellings;
DROP FUNCTION public.reads(text), public.accepts(text), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet.businesses WHERE id = :'business';
\i test/lib/drop_master_key.sql
