/*
 * rest_values.sql
 *		Values against a rule: which column, what is wrong, how it should be.
 */
\set ECHO none
\i test/lib/ask.sql
INSERT INTO cloudgreet.leads (business_id, name) VALUES (:'business', 'Ann');
SELECT id AS ann FROM cloudgreet.leads WHERE business_id = :'business' \gset
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- /api takes values as people write them.
SELECT status, body::jsonb ->> 'phone', body::jsonb ->> 'email', body::jsonb ->> 'time_zone' FROM public.ask('POST', '/api/leads', :'admin', '{"name": "Bob", "phone": "(212) 555-0188", "email": " Bob@EXAMPLE.com", "time_zone": "america/new_york"}');
SELECT status, body::jsonb ->> 'phone' FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', '{"phone": "212.555.0189"}');
SELECT status, body::jsonb ->> 'phone' FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', '{"phone": null, "notes": "none"}');
SELECT status, body::jsonb -> 'data' -> 0 ->> 'name' FROM public.ask('GET', '/api/leads?phone=(212)%20555-0188', :'admin');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"phone": "555"}');
SELECT * FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', '{"phone": "call me"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"email": "nobody"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"time_zone": "Mars/Olympus"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"phone": 5}');
-- /rest/v1 does the same, and says the same of what it cannot store.
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"phone": "(212) 555-0187"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"email": "nobody"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.Ann', :'admin', '{"time_zone": "Mars/Olympus"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"source": "The Web"}');
SELECT * FROM public.ask('POST', '/rest/v1/services', :'admin', '{"name": null, "duration_minutes": 60}');
-- What identifies a row is not written.
SELECT * FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', json_build_object('id', :'other')::text);
SELECT * FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', json_build_object('business_id', :'other', 'name', 'x')::text);
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"name": "x", "created_at": "2020-01-01"}');
-- Parameters.
SELECT q, status, body::jsonb ->> 'message' FROM unnest(ARRAY['limit=0', 'limit=1001', 'limit=1&limit=2', 'cursor=a&cursor=b', 'phone=555']) q, public.ask('GET', '/api/leads?' || q, :'admin');

\set ECHO none
\i test/lib/drop_ask.sql
