/*
 * ask.sql
 *		For tests of cloudgreet.http(): two businesses, tokens, and ask(), which gives
 *		an answer without ids and times.  drop_ask.sql takes all of it away.
 */
\i test/lib/mint.sql
\i test/lib/master_key.sql
SELECT cloudgreet.create_business('Http Test', 'America/New_York') AS business \gset
SELECT cloudgreet.create_business('Neighbour', 'America/New_York') AS other \gset
\set secret 'a-secret-of-at-least-thirty-two-bytes'
SELECT cloudgreet.add_jwt_key('http', :'secret');
SELECT public.mint(public.claims(:'business', 'admin'), :'secret') AS admin,
       public.mint(public.claims(:'business', 'agent'), :'secret') AS agent,
       public.mint(public.claims(:'other', 'admin'), :'secret') AS neighbour,
       public.mint(public.claims(:'business', 'admin', '{"exp": 1}'), :'secret') AS expired,
       public.mint('{"role": "anon", "exp": 99999999999}', :'secret') AS anon \gset
-- Status and body of an answer, with ids and times taken out.
CREATE FUNCTION public.ask(method text, target text, token text DEFAULT NULL, body text DEFAULT '', more jsonb DEFAULT '{}')
    RETURNS TABLE (status int, range_or_allow text, body text) LANGUAGE sql AS
$$
    SELECT r.status, substring(r.head FROM '(?:Content-Range|Allow): ([^\r]*)'),
           regexp_replace(regexp_replace(convert_from(r.body, 'UTF8'), '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID', 'g'),
                          '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]+', 'TIME', 'g')
      FROM cloudgreet.http(method, target, more || CASE WHEN token IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('authorization', 'Bearer ' || token) END,
                           convert_to(body, 'UTF8')) r
$$;
