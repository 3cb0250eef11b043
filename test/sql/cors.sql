/*
 * cors.sql
 *		OPTIONS tells the methods of a path, and origins that are named may read answers.
 */
\set ECHO none
CREATE FUNCTION public.cors(method text, origin text) RETURNS TABLE (status int, name text, value text) LANGUAGE sql AS
$$
    SELECT r.status, h.key, h.value
      FROM cloudgreet.http(method, '/rest/v1/leads', jsonb_build_object('origin', origin, 'access-control-request-method', 'PATCH'), '') r
      LEFT JOIN LATERAL (SELECT l[1], l[2] FROM regexp_matches(r.head, '([^:\r\n]+): ([^\r]*)\r\n', 'g') l WHERE l[1] ~ '^(Access|Allow|Vary)') h (key, value) ON true ORDER BY h.key COLLATE "C"
$$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- No origin is named: a proxy, or nobody, adds the headers.
SELECT * FROM public.cors('OPTIONS', 'https://app.example.com');
SET cloudgreet.cors_origins = 'https://app.example.com, http://localhost:3000';
SELECT * FROM public.cors('OPTIONS', 'https://app.example.com');
SELECT * FROM public.cors('GET', 'http://localhost:3000');
SELECT * FROM public.cors('OPTIONS', 'https://app.example.co');
SET cloudgreet.cors_origins = '*';
SELECT * FROM public.cors('GET', 'https://any.example.com');
SELECT status FROM cloudgreet.http('OPTIONS', '/nowhere', '{}', '');
RESET cloudgreet.cors_origins;

\set ECHO none
DROP FUNCTION public.cors(text, text);
