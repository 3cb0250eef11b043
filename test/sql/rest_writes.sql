/*
 * rest_writes.sql
 *		Writing by /rest/v1 and /api: nothing is lost, hit or passed over in silence.
 */
\set ECHO none
\i test/lib/ask.sql
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- The objects of a body have the same keys, unless "columns" says what is written.
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "R2"}, {"name": "R3", "notes": "n"}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "R2", "notes": "n"}, {"name": "R3", "email": null}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "H3"}, {"name": "H4", "nope": "n"}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "H3"}, 4]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"notes": "n", "name": "R2"}, {"name": "R3", "notes": {"name": "inner"}}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads?columns="name","notes"&select=name,notes', :'admin', '[{"name": "R4"}, {"name": "R5", "notes": "n"}]', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads?columns="name","nope"', :'admin', '[{"name": "H4", "nope": "n"}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "H4", "nope": "n"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.R2', :'admin', '{"nope": "n"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.R2', :'admin', '[{"notes": "n"}]');
-- A body that is no JSON has one code, whatever is wrong with it.
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{bad');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"name": "a\u0000b"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', 'null');
-- A change without a filter would hit every row.
SELECT * FROM public.ask('PATCH', '/rest/v1/leads', :'admin', '{"notes": "all"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?select=name', :'admin', '{"notes": "all"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads', :'admin');
-- A function without arguments needs no body.
SELECT * FROM public.ask('POST', '/rest/v1/rpc/current_app_role', :'agent');
SELECT name, notes FROM cloudgreet.leads WHERE business_id = :'business' ORDER BY name;

\set ECHO none
\i test/lib/drop_ask.sql
