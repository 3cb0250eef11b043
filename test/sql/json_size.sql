/*
 * json_size.sql
 *		Little JSON that prints to much: refused where it comes in, counted where it goes out.
 */
\set ECHO none
\i test/lib/ask.sql
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- The size is that of the text, for every kind of value.
SELECT bool_and(cloudgreet.json_size(v) = octet_length(v::text)), count(*) FROM unnest(ARRAY['{}', '[]', 'null', 'true', 'false', '0', '-0.0', '0.000', '"x"', '""', '[[]]', '[{}, [], {}]', '{"a": {}, "b": [1, [2, {"c": null}], "d"], "": 3}',
    '"\"\\\/\b\f\n\r\t\u0001\u007f\u00e9\ud83d\ude00"', '{"\n": "\u001f"}', '[1, 12, 123, 1234, 12345, 123456789012345678901234567890]', '-1.50', '1e20', '1e-20', '0.0001', '10000', '9999.00001', '-1234567.125e3', '1e131071', '-1e131071', '1e-16383']::jsonb[]) v;
SELECT bool_and(cloudgreet.json_size(d) = octet_length(d::text)) FROM (SELECT to_jsonb(c) AS d FROM pg_class c) d;
-- JSON that comes as a text: each number has an end, and all together.
\set VERBOSITY terse
SELECT cloudgreet.read_json('{"a": [1e999, -1e-997, 0.5]}') = '{"a": [1e999, -1e-997, 0.5]}'::jsonb, length(cloudgreet.read_json('[' || repeat('1e9,', 9999) || '1e9]')::text);
SELECT cloudgreet.read_json('[1, {"x": 1e1000}]');
SELECT cloudgreet.read_json('[-1e-1000]');
SELECT cloudgreet.read_json('1e131071');
SELECT cloudgreet.read_json('{"a": [' || repeat('1e900,', 50) || '0]}');
SELECT cloudgreet.read_json('[1');
-- Bodies: of functions, of tables, of /api, of nobody.
SELECT f, status, length(body), left(body, 120) FROM unnest(ARRAY['is_email', 'is_phone_number', 'is_time_zone', 'none']) f,
    public.ask('POST', '/rest/v1/rpc/' || f, NULL, '{"value": [' || repeat('2e130000,', 4000) || '2]}');
SELECT status, length(body), left(body, 100) FROM public.ask('POST', '/rest/v1/rpc/is_email', NULL, '{"value": [' || repeat('7e800,', 4000) || '7]}');
SELECT status, body FROM public.ask('POST', '/rest/v1/leads', :'admin', '{"name": "Ann", "custom_fields": {"n": [3e-9000]}}');
SELECT status, body FROM public.ask('PATCH', '/rest/v1/leads?name=eq.Ann', :'admin', '{"custom_fields": 5e4444}');
SELECT status, body FROM public.ask('POST', '/api/leads', :'admin', '{"custom_fields": [[[1e65535]]]}');
SELECT status, body FROM public.ask('POST', '/api/agent/start', :'admin', '{"agent_id": 1e65535}');
-- Values in URLs, and headers.
SELECT status, body FROM public.ask('GET', '/rest/v1/leads?custom_fields=eq.[8e100000]', :'admin');
SELECT status, body FROM public.ask('GET', '/rest/v1/leads?or=(custom_fields.in.("8e100000","{}"),name.is.null)', :'admin');
SELECT status, body FROM public.ask('GET', '/rest/v1/leads?select=name', :'admin', more => '{"x-number": 1e100000}');
-- Webhooks, and what a provider wrapped into a text once more.
SELECT cloudgreet.parse_webhook(convert_to('{"data": {"id": 1e20000}}', 'UTF8'));
SELECT cloudgreet.parse_webhook(convert_to('{"data": [' || repeat('1e555,', 500) || '1]}', 'UTF8'));
SELECT cloudgreet.parse_webhook(convert_to('{"data": {"cost": 0.00412, "at": 1717171717171}}', 'UTF8'));
SELECT cloudgreet_private.tool_args(jsonb_build_object('args', '{"date": [' || repeat('1e131071,', 100) || '1]}'));
-- A message says the beginning of what it quotes, in whole characters.
SELECT status, length(body), right(body, 40) FROM public.ask('GET', '/rest/v1/leads?id=eq.' || repeat('x', 7000), :'admin');
SELECT status, octet_length(body) < 1200, right(body, 8) FROM generate_series(0, 3) n, public.ask('GET', '/rest/v1/leads?id=eq.' || repeat('x', n) || repeat('%E2%82%AC', 700), :'admin');
SELECT status, length(body) FROM public.ask('POST', '/rest/v1/rpc/current_app_role', NULL, '{"x": ' || repeat('y', 90000) || '}');
-- What is stored already, by whatever way, makes no answer larger than an answer may be.
INSERT INTO cloudgreet.leads (business_id, name, custom_fields, tags) VALUES (:'business', 'Bomb', ('{"a": [' || repeat('1e131071,', 2000) || '1]}')::jsonb, '{}');
SELECT status, body FROM public.ask('GET', '/rest/v1/leads?name=eq.Bomb', :'admin');
SELECT status, body FROM public.ask('GET', '/rest/v1/leads?name=eq.Bomb&select=name', :'admin');
SELECT status, body::jsonb ->> 'code' FROM public.ask('GET', '/api/leads', :'admin');
SELECT status, body::jsonb ->> 'code' FROM public.ask('PATCH', '/rest/v1/leads?name=eq.Bomb', :'admin', '{"notes": "x"}', '{"prefer": "return=representation"}');
-- The parts of arrays and rows count as well, and print as PostgreSQL prints them.
CREATE TYPE cloudgreet.size_part AS (n numeric, texts text[]);
CREATE FUNCTION cloudgreet.size_parts(count int) RETURNS cloudgreet.size_part[] LANGUAGE sql AS $$SELECT array_agg(ROW(1e131071, NULL)::cloudgreet.size_part) FROM generate_series(1, count)$$;
CREATE FUNCTION cloudgreet.size_numbers(count int) RETURNS TABLE (a int[], b numeric[], c jsonb[], d cloudgreet.size_part, e cloudgreet.size_part[], f text[], g bytea, h interval, i float8, j "char", k boolean[]) LANGUAGE sql AS
    $$SELECT '[0:1][2:3][1:1]={{{1},{2}},{{NULL},{4}}}'::int[], array_agg(1e131071::numeric), '{"{\"x\": 1}",NULL}'::jsonb[], ROW(1.50, '{a,NULL,"b\"c"}')::cloudgreet.size_part, ARRAY[NULL, ROW('NaN', '{}')]::cloudgreet.size_part[], '{}'::text[], '\x00ff'::bytea, interval '1 day', 'Infinity'::float8, 'x'::"char", '{t,f}'::boolean[] FROM generate_series(1, count)$$;
-- http() prints intervals so, whatever the session has.
SET IntervalStyle = 'postgres';
SELECT status, replace(replace(body, repeat('0', 131071), '0...'), E',\n', ',') = (SELECT replace(to_json(array_agg(n))::text, repeat('0', 131071), '0...') FROM cloudgreet.size_numbers(2) n) FROM public.ask('POST', '/rest/v1/rpc/size_numbers', :'admin', '{"count": 2}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/size_numbers', :'admin', '{"count": 5000}');
SELECT status, body FROM public.ask('POST', '/rest/v1/rpc/size_parts', :'admin', '{"count": 5000}');
DROP FUNCTION cloudgreet.size_numbers(int), cloudgreet.size_parts(int);
DROP TYPE cloudgreet.size_part;
-- The settings' size is counted too: 64 kB of text, not of what is stored.
SELECT cloudgreet.create_business('x', 'UTC', settings => '{"a": 1e65536}');
SELECT cloudgreet_private.check_object('{"a": 1e131071}', 'x', '{b}');
SELECT cloudgreet_private.check_member_range('{"a": 1e131071}', 'a', 0, 1);
-- A number that says nothing is no rule.
SELECT cloudgreet.is_scoring_rules('[{"feature": "a", "at_least": 1e131071, "points": 1}]'), cloudgreet.is_scoring_model('{"bias": 1e131071, "terms": []}');

\set ECHO none
\i test/lib/drop_ask.sql
