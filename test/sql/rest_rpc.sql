/*
 * rest_rpc.sql
 *		Functions of the installation's own: what they return, and what they may not leave
 *		behind in a session that many tenants share.
 */
\set ECHO none
\i test/lib/ask.sql
CREATE FUNCTION cloudgreet.test_words(f text, args integer) RETURNS SETOF text LANGUAGE sql AS $$ SELECT f || n FROM generate_series(1, args) n $$;
CREATE FUNCTION cloudgreet.test_pairs() RETURNS TABLE (a int, b text) LANGUAGE sql AS $$ VALUES (1, 'x'), (2, 'y') $$;
CREATE FUNCTION cloudgreet.test_set(name text, value text) RETURNS text LANGUAGE sql AS $$ SELECT set_config(name, value, false) $$;
CREATE FUNCTION cloudgreet.test_slow() RETURNS void LANGUAGE sql AS $$ SELECT set_config('app.secret', 'x', false); SELECT pg_sleep(60) $$;
CREATE FUNCTION cloudgreet.test_large(size integer) RETURNS text LANGUAGE sql AS $$ SELECT repeat('x', size) $$;
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- A set of values is a list of values, a set of rows a list of objects; names of arguments are the function's own affair.
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_words', :'admin', '{"f": "w", "args": 3}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_words', :'admin', '{"f": "w", "args": 0}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_pairs', :'admin');
-- What a function SETs is gone when its request ends.
SET statement_timeout = '7s';
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_set', :'admin', '{"name": "statement_timeout", "value": "0"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_set', :'admin', '{"name": "app.secret", "value": "of tenant one"}');
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_set', :'admin', '{"name": "default_transaction_read_only", "value": "on"}');
SELECT current_setting('statement_timeout'), current_setting('app.secret', true), current_setting('default_transaction_read_only');
RESET statement_timeout;
-- A request that is cut off is an error of the session, which is whole afterwards: nothing is left open or changed.
SET statement_timeout = '100ms';
SELECT * FROM public.ask('POST', '/rest/v1/rpc/test_slow', :'admin');
RESET statement_timeout;
SELECT current_user = session_user, cloudgreet.current_business_id() IS NULL, current_setting('search_path'), current_setting('app.secret', true);
SELECT status FROM public.ask('GET', '/rest/v1/leads', :'admin');
-- What a row's state does not allow is told as a conflict, not as a fault of the server.
INSERT INTO cloudgreet.provider_accounts (business_id, provider, name, status) VALUES (:'business', 'telnyx', 'main', 'broken') RETURNING id AS account \gset
SELECT * FROM public.ask('POST', '/rest/v1/rpc/pause_account', :'admin', format('{"account_id": "%s"}', :'account'));
-- An answer has an end.
SET cloudgreet.response_bytes = '10kB';
SELECT status, length(body) FROM public.ask('POST', '/rest/v1/rpc/test_large', :'admin', '{"size": 9000}');
INSERT INTO cloudgreet.leads (business_id, name, notes) SELECT :'business', 'Lead ' || n, repeat('n', 1000) FROM generate_series(1, 20) n;
SELECT * FROM public.ask('GET', '/rest/v1/leads?select=name,notes', :'admin');
SELECT status FROM public.ask('GET', '/rest/v1/leads?select=name', :'admin');
RESET cloudgreet.response_bytes;

\set ECHO none
DROP FUNCTION cloudgreet.test_words, cloudgreet.test_pairs, cloudgreet.test_set, cloudgreet.test_slow, cloudgreet.test_large;
\i test/lib/drop_ask.sql
