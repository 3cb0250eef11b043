/*
 * http.sql
 *		cloudgreet.http(): routes, tokens, tables and errors, without a gate.
 */
\set ECHO none
\i test/lib/ask.sql
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Health needs no token; every answer has the security headers.
SELECT * FROM public.ask('GET', '/api/health');
SELECT * FROM public.ask('GET', '/api/health?ready=1');
SELECT h[1], h[2] FROM cloudgreet.http('GET', '/nowhere', '{}', ''), regexp_matches(head, '([^:\r\n]+): ([^\r]*)\r\n', 'g') h ORDER BY h[1] COLLATE "C";
-- Unknown paths, wrong methods, bad targets.
SELECT * FROM public.ask('GET', '/api');
SELECT * FROM public.ask('DELETE', '/api/leads/x', :'admin');
SELECT * FROM public.ask('BREW', '/api/health');
SELECT * FROM public.ask('GET', 'http://example.com/api/health');
SELECT * FROM public.ask('GET', '/api/leads/%zz', :'admin');
SELECT * FROM public.ask('GET', '/api/../api/health');
SELECT * FROM public.ask('GET', '/api/health?x=%00');
SELECT * FROM public.ask('GET', '/api/health?x=%ff');
-- Tokens: none, bad, expired, of no business.
SELECT * FROM public.ask('GET', '/api/leads');
SELECT * FROM public.ask('GET', '/api/leads', 'x.y.z');
SELECT * FROM public.ask('GET', '/api/leads', :'expired');
SELECT * FROM public.ask('GET', '/api/leads', :'anon');
SELECT * FROM public.ask('GET', '/rest/v1/leads');
SELECT * FROM public.ask('GET', '/rest/v1/leads', more => '{"authorization": "Basic eDp5"}');
-- Creating, listing, reading, changing a lead.
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"name": "Ann", "phone": "+12125550161", "email": "ann@example.com", "source": "web", "notes": "\"quoted\" \u00fc", "tags": ["a", "b"], "custom_fields": {"roof": 1}}');
SELECT * FROM public.ask('POST', '/api/leads', :'agent', '{"name": "Bob"}', '{"content-type": "application/json; charset=utf-8"}');
SELECT count(*), max(jsonb_array_length(body::jsonb -> 'data')) FROM public.ask('GET', '/api/leads', :'admin');
SELECT id AS ann FROM cloudgreet.leads WHERE business_id = :'business' AND name = 'Ann' \gset
SELECT * FROM public.ask('GET', '/api/leads/' || :'ann', :'admin');
SELECT status, body::jsonb ->> 'status' FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', '{"status": "qualified"}');
SELECT status, body::jsonb -> 'data' -> 0 ->> 'name' FROM public.ask('GET', '/api/leads?status=qualified', :'admin');
-- Pages: each lead once, in order, and the cursor of one business is no use to another.
SELECT count(*) FROM (SELECT public.ask('POST', '/api/leads', :'admin', json_build_object('name', 'Lead ' || n)::text) FROM generate_series(1, 23) n) made;
CREATE FUNCTION public.walk(token text) RETURNS TABLE (pages int, leads int, different int, in_order boolean) LANGUAGE plpgsql AS
$$
DECLARE
    page jsonb;
    cursor_text text;
    ids text[] := '{}';
BEGIN
    pages := 0;
    LOOP
        SELECT convert_from(r.body, 'UTF8')::jsonb INTO page
          FROM cloudgreet.http('GET', '/api/leads?limit=7' || coalesce('&cursor=' || cursor_text, ''), jsonb_build_object('authorization', 'Bearer ' || token), '') r;
        pages := pages + 1;
        ids := ids || ARRAY(SELECT e ->> 'id' FROM jsonb_array_elements(page -> 'data') e);
        cursor_text := page ->> 'next_cursor';
        EXIT WHEN cursor_text IS NULL OR pages > 10;
    END LOOP;
    leads := cardinality(ids);
    different := (SELECT count(DISTINCT i) FROM unnest(ids) i);
    in_order := ids = ARRAY(SELECT l.id::text FROM cloudgreet.leads l WHERE l.id::text = ANY (ids) ORDER BY l.created_at DESC, l.id DESC);
    RETURN NEXT;
END
$$;
SELECT * FROM public.walk(:'admin');
SELECT convert_from(body, 'UTF8')::jsonb ->> 'next_cursor' AS cursor FROM cloudgreet.http('GET', '/api/leads?limit=1', jsonb_build_object('authorization', 'Bearer ' || :'admin'), '') \gset
SELECT * FROM public.ask('GET', '/api/leads?cursor=' || :'cursor', :'neighbour');
SELECT * FROM public.ask('GET', '/api/leads?cursor=rubbish', :'admin');
SELECT * FROM public.ask('GET', '/api/leads?limit=0', :'admin');
SELECT * FROM public.ask('GET', '/api/leads?limit=100000', :'admin');
-- Another business's lead is an unknown one, and so is an id that is none.
SELECT * FROM public.ask('GET', '/api/leads/' || :'ann', :'neighbour');
SELECT * FROM public.ask('PUT', '/api/leads/' || :'ann', :'neighbour', '{"name": "stolen"}');
SELECT * FROM public.ask('GET', '/api/leads/cccccccc-0000-7000-8000-000000000001', :'admin');
SELECT * FROM public.ask('GET', '/api/leads/1', :'admin');
SELECT jsonb_array_length(body::jsonb -> 'data') FROM public.ask('GET', '/api/businesses', :'admin');
SELECT * FROM public.ask('GET', '/api/appointments', :'admin');
-- Bad bodies.
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '42');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '[]');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"name": "x"}', '{"content-type": "text/plain"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"no_such_column": 1}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"phone": "555"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', '{"phone": "+12125550161"}');
SELECT * FROM public.ask('POST', '/api/leads', :'admin', json_build_object('business_id', :'other', 'name', 'planted')::text);
SELECT * FROM public.ask('PUT', '/api/leads/' || :'ann', :'admin', '{}');
SELECT status, left(body, 60) FROM public.ask('POST', '/api/leads', :'admin', repeat('[', 100000));

-- Tables by the PostgREST protocol.
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name,mail:email&phone=eq.%2B12125550161', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&name=in.(Ann,"Lead 1",none)&order=name.desc.nullslast', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&name=like.Lead+2*&order=name&limit=2&offset=1', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&name=ilike.ann&email=not.is.null&created_at=gt.2020-01-01&created_at=lte.infinity&status=neq.new', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&phone=is.null&name=gte.Lead 8&name=lt.Lead 9', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=eq.nobody', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&id=eq.' || :'ann', :'admin', more => '{"accept": "application/vnd.pgrst.object+json"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name', :'admin', more => '{"accept": "application/vnd.pgrst.object+json"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads?select=name', :'admin', '[{"name": "R1"}, {"name": "R2"}]', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "R3"}', '{"prefer": "return=minimal"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads?columns="name"', :'admin', '[{"name": "R4", "ignored": 1}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[]', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{}]');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "x", "created_at": "infinity"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?select=name,notes&name=eq.R1', :'admin', '{"notes": "changed"}', '{"prefer": "return=representation"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.R2', :'admin', '{"notes": null}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=like.R*&select=name', :'admin', more => '{"prefer": "return=representation"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.Ann', :'agent');
SELECT status FROM public.ask('HEAD', '/rest/v1/leads', :'admin');
-- What is not there, not allowed, not well-formed.
SELECT * FROM public.ask('GET', '/rest/v1/no_such_table', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/pg_class', :'admin');
SELECT status FROM public.ask('GET', '/rest/v1/' || (SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass LIMIT 1), :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?no_such_column=eq.1', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=no_such_column', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?order=no_such_column', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=almost.Ann', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?id=eq.7', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=in.(a', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?limit=many', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name;DROP TABLE leads', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=eq.'' OR true --', :'admin');
SELECT * FROM public.ask('POST', '/rest/v1/events', :'admin', '{"event_type": "a.b"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.Ann', :'admin', '{"id": "cccccccc-0000-7000-8000-000000000001"}');
-- Functions.
SELECT * FROM public.ask('POST', '/rest/v1/rpc/create_service', :'admin', '{"name": "Roof", "duration_minutes": 60}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/create_service', :'agent', '{"name": "Roof 2", "duration_minutes": 60}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/create_service', :'admin', '{"name": "Roof 3"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/list_secrets', :'admin', '{}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/current_app_role', :'agent', '{}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/migrate', :'admin', '{}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/http', :'admin', '{"method": "GET", "target": "/api/health", "headers": {}, "body": ""}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/enter_business', :'admin', json_build_object('business_id', :'other')::text);
-- Whose a token is, the gate may ask, to serve businesses in turn: a business, a role, or nobody.
SELECT what, CASE cloudgreet.http_caller('', headers) WHEN :'business' THEN 'the business' WHEN :'other' THEN 'the other' ELSE cloudgreet.http_caller('', headers) END AS caller
  FROM (VALUES ('admin', jsonb_build_object('authorization', 'Bearer ' || :'admin')), ('agent', jsonb_build_object('authorization', 'bearer  ' || :'agent')), ('as apikey', jsonb_build_object('apikey', :'neighbour')),
               ('both', jsonb_build_object('authorization', 'Bearer ' || :'neighbour', 'apikey', :'admin')), ('anon', jsonb_build_object('authorization', 'Bearer ' || :'anon')), ('expired', jsonb_build_object('authorization', 'Bearer ' || :'expired')),
               ('forged', jsonb_build_object('authorization', 'Bearer ' || :'admin' || 'x')), ('forged beside a good one', jsonb_build_object('authorization', 'Bearer x', 'apikey', :'admin')), ('nothing', '{}'), ('two', jsonb_build_object('authorization', 'Bearer ' || :'admin' || ', Bearer ' || :'neighbour'))) v (what, headers);
SELECT target, cloudgreet.http_caller(target, jsonb_build_object('authorization', 'Bearer ' || :'admin')) AS caller FROM unnest(ARRAY['/', '/api/sms', '/api/sms/webhook', '/api/sms/webhook/x', '/rest/v1/leads', '/api/leads/webhook', '%', '/api/sms/webhook/00000000-0000-7000-8000-000000000000']) target;
-- Afterwards the session is what it was.
SELECT cloudgreet.current_business_id() IS NULL, current_setting('transaction_read_only'), current_setting('search_path'), current_user = session_user;
\set VERBOSITY sqlstate
SET ROLE authenticated;
SELECT * FROM cloudgreet.http('GET', '/api/health', '{}', '');
SELECT * FROM cloudgreet.http_caller('', '{}');
RESET ROLE;

\set ECHO none
DROP FUNCTION public.walk(text);
\i test/lib/drop_ask.sql
