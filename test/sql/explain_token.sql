/*
 * explain_token.sql
 *		A superuser is told why a token is refused: by which key, claim, time or user.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
SELECT cloudgreet.create_business('Explain Test', 'America/New_York') AS business \gset
\set secret 'a-secret-of-at-least-thirty-two-bytes'
\set legacy 'a-legacy-secret-of-another-issuer-here'
INSERT INTO cloudgreet.users (business_id, id, name, email, is_active) VALUES (:'business', '00000000-0000-7000-8000-00000000000a', 'Ann', 'ann@example.com', false);
CREATE FUNCTION public.explained(more jsonb, secret text, header text DEFAULT '{"alg":"HS256"}') RETURNS text LANGUAGE sql AS
$$ SELECT cloudgreet.explain_token(public.mint(public.claims((SELECT id FROM cloudgreet.businesses WHERE name = 'Explain Test'), 'admin', more), secret, header)) $$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Without any key; then with one, which a token may name, and with one that is retired.
SELECT public.explained('{}', :'secret');
SELECT cloudgreet.add_jwt_key('here', :'secret');
SELECT cloudgreet.add_jwt_key('gone', 'a-secret-that-nobody-uses-any-more-now');
SELECT cloudgreet.retire_jwt_key('gone');
SELECT header, public.explained('{}', secret, header) FROM (VALUES ('{"alg":"HS256"}', :'secret'), ('{"alg":"HS256","kid":"here"}', :'secret'), ('{"alg":"HS256"}', :'legacy'), ('{"alg":"HS256","kid":"here"}', :'legacy'),
    ('{"alg":"HS256","kid":"gone"}', :'secret'), ('{"alg":"HS256","kid":"0b5bB/Legacy+kid="}', :'secret'), ('{"alg":"HS256","kid":""}', :'secret'), ('{"alg":"RS256","kid":"here"}', :'secret'), ('{"alg":"none"}', :'secret'),
    ('{"kid":"here"}', :'secret'), ('{"alg":"HS256","kid":7}', :'secret'), ('{"alg":"HS256","crit":["exp"]}', :'secret'), ('[]', :'secret')) v (header, secret);
-- Added under the kid that its issuer gives it, a token of another issuer is accepted.
SELECT cloudgreet.add_jwt_key('legacy-1', :'legacy');
SELECT public.explained('{}', :'legacy', '{"alg":"HS256","kid":"legacy-1","typ":"JWT"}');
SELECT public.explained('{}', 'a-secret-that-is-none-of-the-two-keys');
-- Shape, claims, times, user.
SELECT left(token, 12), cloudgreet.explain_token(token) FROM unnest(ARRAY['', 'x', 'a.b', 'a.b.c', repeat('a', 9000)]) token;
SELECT more, public.explained(more::jsonb, :'secret') FROM unnest(ARRAY['{"exp": 1}', '{"exp": "soon"}', '{"nbf": 99999999999}', '{"iat": 99999999999}', '{"iat": null}', '{"sub": "ann"}', '{"business_id": 7}', '{"app_metadata": {"business_id": "x"}}', '{"aud": 7}', '{"iss": [1]}',
    '{"business_id": "00000000-0000-7000-8000-000000000001"}', '{"sub": "00000000-0000-7000-8000-00000000000a"}', '{"role": "owner"}', '{"role": "service_role"}']) more;
SELECT cloudgreet.explain_token(public.mint(payload, :'secret')) FROM unnest(ARRAY['[]', '{"role": "admin"}', '{"exp": 99999999999, "exp": 1}', '{"exp": 99999999999, "role": "authenticated"}']) payload;
SET cloudgreet.jwt_issuer = 'https://issuer.example.com';
SELECT public.explained('{"iss": "https://other.example.com"}', :'secret');
SET cloudgreet.jwt_audience = 'authenticated';
SELECT public.explained('{"iss": "https://issuer.example.com", "aud": ["others"]}', :'secret');
SELECT public.explained('{"iss": "https://issuer.example.com", "aud": ["others", "authenticated"]}', :'secret');
RESET cloudgreet.jwt_issuer;
RESET cloudgreet.jwt_audience;

\set ECHO none
DROP FUNCTION public.explained(jsonb, text, text), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet.businesses WHERE id = :'business';
\i test/lib/drop_master_key.sql
