/*
 * rest_rights.sql
 *		A role that may not do something hears so, and a request without a business too.
 */
\set ECHO none
\i test/lib/ask.sql
INSERT INTO cloudgreet.leads (business_id, name) VALUES (:'business', 'Ann');
SELECT id AS ann FROM cloudgreet.leads WHERE business_id = :'business' \gset
SELECT public.mint(json_build_object('role', 'service_role', 'exp', 99999999999)::text, :'secret') AS service \gset
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Row security alone would answer these with no rows.
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.Ann', :'agent');
SELECT * FROM public.ask('PATCH', '/rest/v1/businesses?id=eq.' || :'business', :'agent', '{"name": "Mine"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/businesses?id=eq.' || :'business', :'agent', '{"name": "Mine"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/services', :'agent', '{"name": "Roof", "duration_minutes": 60}');
SELECT * FROM public.ask('GET', '/rest/v1/audit_log', :'agent');
SELECT * FROM public.ask('GET', '/rest/v1/audit_log', :'agent', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/events?event_type=eq.none', :'admin');
-- No row of their own is no refusal.
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.nobody', :'admin');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.nobody', :'agent', '{"notes": "n"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=eq.nobody', :'agent');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.nobody', :'service');
SELECT * FROM public.ask('PUT', '/api/leads/' || :'business', :'agent', '{"notes": "n"}');
-- Without a business.
SELECT * FROM public.ask('GET', '/rest/v1/leads');
SELECT * FROM public.ask('GET', '/rest/v1/leads', :'anon');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.Ann');
SELECT * FROM public.ask('GET', '/rest/v1/no_such_table');
SELECT * FROM public.ask('GET', '/api/leads');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/normalize_phone_number', body => '{"value": "(212) 555-0188"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/create_service', body => '{"name": "Roof", "duration_minutes": 60}');
-- The matrix is what is asked.
INSERT INTO cloudgreet_private.permissions VALUES ('leads', 'agent', 'delete');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.nobody', :'agent');
DELETE FROM cloudgreet_private.permissions WHERE table_name = 'leads' AND app_role = 'agent' AND verb = 'delete';
SELECT name FROM cloudgreet.leads WHERE business_id = :'business';

\set ECHO none
\i test/lib/drop_ask.sql
