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
-- A token of service_role that names a business reads and writes no other, nor its own: it is refused.
SELECT t.n, a.status, c.method, split_part(c.target, '?', 1) AS path
  FROM (VALUES (1, json_build_object('role', 'service_role', 'business_id', :'business', 'exp', 99999999999)),
               (2, json_build_object('role', 'service_role', 'app_metadata', json_build_object('business_id', :'business', 'role', 'admin'), 'exp', 99999999999))) t (n, claims),
       (VALUES ('GET', '/rest/v1/leads', ''), ('POST', '/rest/v1/leads', json_build_object('business_id', :'other', 'name', 'Planted')::text),
               ('PATCH', '/rest/v1/leads?name=eq.Ann', '{"name": "Stolen"}'), ('DELETE', '/rest/v1/leads?name=eq.Ann', ''), ('GET', '/api/leads', ''),
               ('POST', '/rest/v1/rpc/queue_status', '{}'), ('POST', '/rest/v1/rpc/create_service', json_build_object('business_id', :'other', 'name', 'x', 'duration_minutes', 30)::text),
               ('POST', '/rest/v1/rpc/create_business', '{"name": "x", "time_zone": "UTC"}')) c (method, target, body),
       public.ask(c.method, c.target, public.mint(t.claims::text, :'secret'), c.body) a ORDER BY 1, 3, 4;
-- A token with a business and no application role reads no rows and calls no function.
SELECT r, a.status, b.status AS of_a_function, b.body::jsonb ->> 'code' AS code
  FROM unnest('{owner,ADMIN,"",none}'::text[]) r,
       public.mint((public.claims(:'business', 'x')::jsonb || jsonb_build_object('role', r))::text, :'secret') token,
       public.ask('GET', '/rest/v1/leads', token) a, public.ask('POST', '/rest/v1/rpc/send_sms', token, '{"to_number": "+12125550144", "content": "x"}') b;
-- The matrix is what is asked.
INSERT INTO cloudgreet_private.permissions VALUES ('leads', 'agent', 'delete');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.nobody', :'agent');
DELETE FROM cloudgreet_private.permissions WHERE table_name = 'leads' AND app_role = 'agent' AND verb = 'delete';
SELECT name FROM cloudgreet.leads WHERE business_id = :'business';

\set ECHO none
\i test/lib/drop_ask.sql
