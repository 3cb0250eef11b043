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

-- What is not seen is in no name that is stored, however it is written.
SELECT * FROM public.ask('POST', '/rest/v1/leads?select=name', :'admin', '[{"name": "z\u200bMia\u202e Cole"}]', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.zMia%20Cole&select=name', :'admin', '{"name": "zAda\u2066 Cole\ufeff"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/services?select=name', :'admin', '{"name": "Cut\u200e and\u00ad color", "duration_minutes": 30}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/staff?select=name', :'admin', '{"name": "\u202aBob", "time_zone": "UTC"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/businesses?name=eq.Http%20Test&select=name', :'admin', '{"name": "Http\u2060 Test\u202c"}', '{"prefer": "return=representation"}');
-- Leads are merged by writing merged_into_id, one or many at a time: what they have follows. m1 to m6 are leads, n one of the neighbour.
\set ECHO none
SELECT 'cccccccc-0000-7000-8000-000000000001' AS m1, 'cccccccc-0000-7000-8000-000000000004' AS m4, 'cccccccc-0000-7000-8000-000000000005' AS m5,
       'cccccccc-0000-7000-8000-000000000006' AS m6, 'cccccccc-0000-7000-8000-000000000007' AS n \gset
INSERT INTO cloudgreet.leads (business_id, id, name, phone)
SELECT CASE WHEN n = 7 THEN :'other' ELSE :'business' END::uuid, format('cccccccc-0000-7000-8000-00000000000%s', n)::uuid, 'm' || n, '+1312555015' || n FROM generate_series(1, 7) n;
INSERT INTO cloudgreet.calls (business_id, lead_id, direction) SELECT l.business_id, l.id, 'inbound' FROM cloudgreet.leads l WHERE l.name ~ '^m[1-6]$';
CREATE VIEW public.merged AS
    SELECT l.name || coalesce('>' || m.name, '') || ' ' || (SELECT count(*) FROM cloudgreet.calls c WHERE c.lead_id = l.id) AS lead
      FROM cloudgreet.leads l LEFT JOIN cloudgreet.leads m ON m.id = l.merged_into_id WHERE l.name ~ '^m[1-6]$' ORDER BY l.name;
\set ECHO all
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.m1', :'admin', format('{"merged_into_id": "%s"}', :'m4'));
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=in.(m2,m3,m4)&select=name', :'admin', format('{"merged_into_id": "%s"}', :'m5'), '{"prefer": "return=representation"}');
SELECT string_agg(lead, ', ') FROM public.merged;
-- A circle, of one among others too, what is merged already, and a lead of another business: nothing is written.
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.m5', :'admin', format('{"merged_into_id": "%s"}', :'m1'));
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=in.(m5,m6)', :'admin', format('{"merged_into_id": "%s"}', :'m6'));
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.m1', :'admin', '{"merged_into_id": null}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.m6', :'admin', format('{"merged_into_id": "%s"}', :'n'));
SELECT string_agg(lead, ', ') FROM public.merged;

\set ECHO none
DROP VIEW public.merged;
\i test/lib/drop_ask.sql
