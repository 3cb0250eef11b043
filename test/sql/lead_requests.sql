/*
 * lead_requests.sql
 *		POST /api/leads: nobody is no lead, and a request that is sent again makes no second one.
 */
\set ECHO none
\i test/lib/ask.sql
CREATE FUNCTION public.lead(token text, body jsonb, key text DEFAULT NULL) RETURNS TABLE (status int, said text) LANGUAGE sql AS
$$ SELECT a.status, CASE WHEN a.status = 201 THEN concat_ws('|', a.body::jsonb ->> 'name', a.body::jsonb ->> 'phone', a.body::jsonb ->> 'email', a.body::jsonb ->> 'notes') ELSE a.body::jsonb ->> 'code' || ' ' || (a.body::jsonb ->> 'message') END
     FROM public.ask('POST', '/api/leads', token, body::text, CASE WHEN key IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('idempotency-key', key) END) a $$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- A lead of nobody is refused; what stands for nothing is left out of the others.
SELECT body, l.* FROM unnest(ARRAY['{}', '{"name": "", "email": " "}', '{"name": null, "notes": "called"}', '{"source": "web", "status": "new"}', '{"name": "N/A", "phone": "unknown", "email": "-"}', '{"name": "{{name}}"}', '[]',
    '{"name": "Nan Oke", "phone": "n/a", "email": "none"}', '{"name": "Unknown", "phone": "(212) 555-0170"}', '{"name": "-", "email": "Nan@Example.com"}', '{"name": 7}']) body, public.lead(:'admin', body::jsonb) l;
SELECT count(*) FROM cloudgreet.leads WHERE business_id = :'business';
-- The same key and request: the same lead, as it is by now.  Another request under the key is refused, another key or business is another request.
SELECT l.* FROM generate_series(1, 3) n, public.lead(:'admin', '{"name": "Once", "notes": "first"}', 'key-1' || left(n::text, 0)) l;
SELECT l.* FROM public.lead(:'admin', '{"notes": "first", "name": "Once", "email": null}', ' key-1 ') l;
SELECT l.* FROM public.lead(:'admin', '{"name": "Twice"}', 'key-1') l;
SELECT l.* FROM public.lead(:'admin', '{"name": "Once", "notes": "first"}', 'key-2') l;
SELECT l.* FROM public.lead(:'neighbour', '{"name": "Once", "notes": "first"}', 'key-1') l;
UPDATE cloudgreet.leads SET notes = 'changed' WHERE business_id = :'business' AND name = 'Once' AND notes = 'first';
SELECT l.* FROM public.lead(:'admin', '{"name": "Once", "notes": "first"}', 'key-1') l;
-- What failed leaves the key free; a key that is none is refused; without one each request makes a lead.
SELECT l.* FROM public.lead(:'admin', '{"name": "Later", "status": "odd"}', 'key-3') l;
SELECT l.* FROM public.lead(:'admin', '{"name": "Later"}', 'key-3') l;
SELECT l.* FROM public.lead(:'admin', '{"name": "Later"}', '') l;
SELECT l.* FROM public.lead(:'admin', '{"name": "Later"}', repeat('k', 256)) l;
SELECT l.* FROM generate_series(1, 2) n, public.lead(:'admin', ('{"name": "Each"}' || left(n::text, 0))::jsonb) l;
SELECT name, count(*) FROM cloudgreet.leads WHERE business_id IN (:'business', :'other') GROUP BY name ORDER BY name COLLATE "C";
-- The lead is gone: so it is said.
DELETE FROM cloudgreet.leads WHERE business_id = :'business' AND notes = 'changed';
SELECT l.* FROM public.lead(:'admin', '{"name": "Once", "notes": "first"}', 'key-1') l;

\set ECHO none
DROP FUNCTION public.lead;
\i test/lib/drop_ask.sql
