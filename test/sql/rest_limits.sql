/*
 * rest_limits.sql
 *		How many rows /rest/v1 answers, and how many one request writes.
 */
\set ECHO none
\i test/lib/ask.sql
INSERT INTO cloudgreet.leads (business_id, name, notes) SELECT :'business', 'Lead ' || n, CASE WHEN n <= 3 THEN 'first' END FROM generate_series(1, 7) n;
INSERT INTO cloudgreet.leads (business_id, name) SELECT :'other', 'Theirs ' || n FROM generate_series(1, 5) n;
CREATE FUNCTION cloudgreet.some_rows(count int) RETURNS TABLE (n int, twice int) LANGUAGE sql AS $$SELECT g, 2 * g FROM generate_series(1, count) g$$;
CREATE FUNCTION cloudgreet.some_numbers(count int) RETURNS SETOF int LANGUAGE sql AS $$SELECT generate_series(1, count)$$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- No limit, unless one is set; then the rows are the first ones, and their place is told.
SELECT status, range_or_allow, json_array_length(body::json) FROM public.ask('GET', '/rest/v1/leads?select=name', :'admin');
SET cloudgreet.rest_max_rows = 3;
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&limit=5&offset=5', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&limit=2', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => '{"range": "1-5"}');
SELECT * FROM public.ask('HEAD', '/rest/v1/leads?select=name', :'admin', more => '{"prefer": "count=exact"}');
SELECT status FROM public.ask('GET', '/rest/v1/leads?select=name', :'admin', more => '{"accept": "application/vnd.pgrst.object+json"}');
-- Functions too, of rows and of values.
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_rows', :'admin', '{"count": 5}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_numbers', :'admin', '{"count": 5}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_numbers', :'admin', '{"count": 0}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_rows', :'admin', '{"count": 1}', '{"accept": "application/vnd.pgrst.object+json"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_rows', :'admin', '{"count": 2}', '{"accept": "application/vnd.pgrst.object+json"}');
-- The pages of /api are not cut, nor is what a change answers.
SELECT status, json_array_length(body::json -> 'data'), body::json ->> 'next_cursor' IS NULL FROM public.ask('GET', '/api/leads', :'admin');
SELECT status, json_array_length(body::json) FROM public.ask('PATCH', '/rest/v1/leads?name=like.Lead*', :'admin', '{"source": "web"}', '{"prefer": "return=representation"}');
RESET cloudgreet.rest_max_rows;
SELECT * FROM public.ask('POST', '/rest/v1/rpc/some_numbers', :'admin', '{"count": 4}');
-- A request writes so many rows, or none.
SET cloudgreet.rest_max_write_rows = 3;
SELECT status, range_or_allow FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "a"}, {"name": "b"}, {"name": "c"}]', '{"prefer": "count=exact"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "d"}, {"name": "e"}, {"name": "f"}, {"name": "g"}]');
SELECT status, range_or_allow FROM public.ask('PATCH', '/rest/v1/leads?notes=eq.first', :'admin', '{"source": "three"}', '{"prefer": "count=exact"}');
-- What a change is refused for is not even begun: no trigger runs, no row is locked.
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'lead %: %', lower(tg_op), old.name; RETURN coalesce(new, old); END$$;
CREATE TRIGGER tell BEFORE UPDATE OR DELETE ON cloudgreet.leads FOR EACH ROW EXECUTE FUNCTION public.tell();
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=like.Lead*', :'admin', '{"notes": "changed"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?or=(notes.eq.first,name.in.("Lead 5",a))&business_id=eq.' || :'business', :'admin', '{"notes": "changed"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=like.Lead*', :'admin');
SELECT status, body FROM public.ask('DELETE', '/rest/v1/leads?name=in.(a,b,"Lead 7")&select=name', :'admin', more => '{"prefer": "return=representation"}');
-- Rows of others do not count, as they are not changed.
SELECT status, range_or_allow FROM public.ask('PATCH', '/rest/v1/leads?notes=is.null&name=neq.c', :'admin', '{"source": "mine"}', '{"prefer": "count=exact"}');
SELECT status, range_or_allow FROM public.ask('PATCH', '/rest/v1/leads?name=eq.nobody', :'admin', '{"source": "none"}', '{"prefer": "count=exact"}');
DROP TRIGGER tell ON cloudgreet.leads;
DROP FUNCTION public.tell();
SELECT name, notes, source FROM cloudgreet.leads WHERE business_id = :'business' ORDER BY name;
RESET cloudgreet.rest_max_write_rows;

\set ECHO none
DROP FUNCTION cloudgreet.some_rows(int), cloudgreet.some_numbers(int);
\i test/lib/drop_ask.sql
