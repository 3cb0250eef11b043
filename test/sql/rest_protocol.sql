/*
 * rest_protocol.sql
 *		What /rest/v1 understands beyond single filters, and that it names the rest.
 */
\set ECHO none
\i test/lib/ask.sql
INSERT INTO cloudgreet.leads (business_id, name, notes, email, tags)
SELECT :'business', 'Lead ' || n, CASE WHEN n % 2 = 0 THEN 'even, (yes)' END, 'l' || n || '@example.com', ARRAY['t' || n] FROM generate_series(1, 6) n;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- or, and, not, nested and quoted.
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&or=(name.eq.Lead 1,name.eq."Lead 2")', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&or=(name.in.("Lead 1",Lead 3),and(notes.eq."even, (yes)",name.not.like.*2))', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&not.or=(notes.is.null,name.gte.Lead 5)&and=(name.neq.Lead 2)', :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&or=(not.and(name.gt.Lead 1,name.lt.Lead 6),name.eq.none)', :'admin');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?select=name&or=(name.eq.Lead 1,name.eq.Lead 9)', :'admin', '{"notes": null}', '{"prefer": "return=representation"}');
SELECT status FROM unnest(ARRAY['or=', 'or=()', 'or=(', 'or=(a', 'or=(name.eq.x', 'or=(name.eq.x))', 'or=(name.eq.x,)', 'or=(name.eq."x)', 'or=(name.eq."x"y)', 'or=(name.eq."x\',
    'or=(and)', 'or=(and())', 'or=(name)', 'or=(.eq.x)', 'and=(name.almost.x)', 'or=(nope.eq.x)', 'or=((name.eq.x))']) q, public.ask('GET', '/rest/v1/leads?' || q, :'admin');
SELECT * FROM public.ask('GET', '/rest/v1/leads?or=' || repeat('(and', 3000) || repeat(')', 3000), :'admin');
-- Counting.
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name&limit=2&offset=1', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&name=eq.Lead 1', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?name=eq.none', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('HEAD', '/rest/v1/leads?or=(name.eq.Lead 1,name.eq.Lead 2)', :'admin', more => '{"prefer": "count=exact"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=like.Lead*', :'admin', '{"source": "web"}', '{"prefer": "count=exact"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '[{"name": "Seven"}, {"name": "Eight"}]', '{"prefer": "return=minimal, count=exact"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=in.(Seven,Eight)', :'admin', more => '{"prefer": "count=exact"}');
-- A page by Range.
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => '{"range": "items=1-2"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => '{"range": "5-", "range-unit": "items"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&order=name', :'admin', more => '{"range": "items=0-0", "prefer": "count=exact"}');
SELECT status, body FROM unnest(ARRAY['items=3-1', 'items=-1', 'items=x', '1', '', '1-2,4-5', '0-9223372036854775807', '9223372036854775808-']) r,
    public.ask('GET', '/rest/v1/leads?select=name', :'admin', more => jsonb_build_object('range', r));
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&limit=1', :'admin', more => '{"range": "items=0-1"}');
SELECT status FROM public.ask('GET', '/rest/v1/leads?select=name&limit=1', :'admin', more => '{"range": "bytes=0-1"}');
-- What is answered, and from which schema.
SELECT accept, status, left(body, 90) FROM unnest(ARRAY['text/csv', 'application/geo+json', 'application/vnd.pgrst.plan+json; for="application/json"', 'application/vnd.pgrst.array+json;nulls=stripped',
    'application/vnd.pgrst.object+json;nulls=stripped', 'text/html,application/xhtml+xml,*/*;q=0.8', 'application/json, text/plain', 'application/jsonp', '*/*']) accept,
    public.ask('GET', '/rest/v1/leads?select=name&name=eq.Lead 1', :'admin', more => jsonb_build_object('accept', accept));
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name&name=eq.Lead 1', :'admin', more => '{"accept-profile": "cloudgreet"}');
SELECT * FROM public.ask('GET', '/rest/v1/leads', :'admin', more => '{"accept-profile": "api"}');
SELECT * FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "x"}', '{"content-profile": "cloudgreet_private", "accept-profile": "public"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/current_app_role', :'admin', '{}', '{"content-profile": "api"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/current_app_role', :'admin', '{}', '{"accept": "text/csv"}');
-- What is not there yet says so.
SELECT q, status, body::jsonb ->> 'code' AS code, body::jsonb ->> 'message' AS message FROM unnest(ARRAY['tags=cs.{a}', 'tags=cd.{a}', 'tags=ov.{a}', 'name=fts.x', 'name=wfts(english).x', 'name=not.plfts.x',
    'name=match.^L', 'name=like(any).{a,b}', 'custom_fields->a=eq.1', 'custom_fields->>a=eq.1', 'or=(custom_fields->>a.eq.1)', 'select=custom_fields->a', 'select=a:custom_fields->>a', 'order=custom_fields->a.desc',
    'select=name,appointments(id)', 'select=name::text', 'select=count()', 'appointments.limit=3', 'business.name=eq.x', 'order=business(name)']) q, public.ask('GET', '/rest/v1/leads?' || q, :'admin');
SELECT prefer, status, body::jsonb ->> 'code' AS code, body::jsonb ->> 'message' AS message FROM unnest(ARRAY['count=planned', 'count=estimated']) prefer,
    public.ask('GET', '/rest/v1/leads', :'admin', more => jsonb_build_object('prefer', prefer));
SELECT prefer, status, body::jsonb ->> 'code' AS code, body::jsonb ->> 'message' AS message
  FROM unnest(ARRAY['resolution=merge-duplicates', 'return=minimal,resolution=ignore-duplicates', 'missing=default', 'tx=rollback', 'handling=strict, max-affected=1', 'return=headers-only']) prefer,
    public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "x"}', jsonb_build_object('prefer', prefer));
SELECT * FROM public.ask('POST', '/rest/v1/leads?on_conflict=phone', :'admin', '{"name": "x"}');
SELECT * FROM public.ask('PATCH', '/rest/v1/leads?name=eq.R2&limit=1', :'admin', '{"notes": "one"}');
SELECT * FROM public.ask('DELETE', '/rest/v1/leads?name=eq.R2&order=name', :'admin');
SELECT * FROM public.ask('POST', '/rest/v1/leads?name=eq.R2', :'admin', '{"name": "R6"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/current_app_role?limit=1', :'admin', '{}');
SELECT status FROM public.ask('POST', '/rest/v1/rpc/current_app_role?select=*', :'admin', '{}');
SELECT * FROM public.ask('GET', '/rest/v1/leads?limit=1&limit=2', :'admin');
SELECT count(*) FROM cloudgreet.leads WHERE business_id = :'business';

\set ECHO none
\i test/lib/drop_ask.sql
