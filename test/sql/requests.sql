/*
 * requests.sql
 *		enqueue_request(): what is refused, what is kept and for how long, who sees it.  What
 *		is sent, and what comes of it, is in test/t/148_requests.pl.
 */
\set ECHO none
\set QUIET on
\o /dev/null
\i test/lib/ask.sql
\o
CREATE FUNCTION public.try(url text, headers jsonb DEFAULT '{}', body text DEFAULT NULL, method text DEFAULT 'POST', more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE format('SELECT cloudgreet.enqueue_request(%L, %L, %L, %L, business_id => %L%s)', method, url, headers, body, current_setting('test.b'), more);
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END
$$;
\pset footer off
SET test.b = :'business';
SET TimeZone = 'UTC';
SELECT cloudgreet.set_secret('http.crm', 'S3CR3T-VALUE', :'business') AS v \gset
SELECT cloudgreet.set_secret('http.other', 'S3CR3T-VALUE', :'business') AS v, cloudgreet.set_secret('telnyx', 'S3CR3T-VALUE', :'business') AS w \gset
\set ECHO all

-- Where a request may go: by https, to the usual port of what could be a public address.
SELECT u AS url, public.try(u) FROM unnest(ARRAY['https://crm.example.com/leads?x=1', 'https://93.184.215.14/', 'http://crm.example.com/', 'https://crm.example.com:8443/',
    'ftp://crm.example.com/', 'https://user:pw@crm.example.com/', 'https://127.0.0.1/', 'https://10.1.2.3/', 'https://169.254.169.254/latest/meta-data', 'https://[::1]/',
    'https://[::ffff:10.0.0.1]/', 'https://2130706433/', 'https://0x7f.1/', 'https://192.168.0.10.', 'https://crm.example.com.evil.1/', '/leads', '']) u;

-- Headers: whole ones, or such that end in one secret of the business.
SELECT h AS headers, public.try('https://crm.example.com/', h) FROM unnest(ARRAY['{"Content-Type": "application/json"}', '{"X-A": "a\r\nX-B: b"}', '{"X A": "a"}', '{"": "a"}',
    '{"Host": "elsewhere"}', '{"content-length": "5"}', '{"Transfer-Encoding": "chunked"}', '{"Connection": "close"}', '{"Keep-Alive": "1"}', '{"Proxy-Authorization": "x"}', '{"Upgrade": "x"}',
    '{"Authorization": {"secret": "http.crm", "prefix": "Bearer "}}', '{"Authorization": {"secret": "http.crm"}, "X-Key": {"secret": "http.crm"}}', '{"Authorization": {"secret": "http.crm"}, "X-Key": {"secret": "http.other"}}',
    '{"Authorization": {"secret": "http.none"}}', '{"Authorization": {"secret": "http.crm", "prefix": "a\nb"}}', '{"Authorization": {"prefix": "x"}}', '{"Authorization": {"secret": "http.crm", "value": "x"}}',
    '{"X-A": 1}', '{"X-A": {"secret": "telnyx"}}', '[]']::jsonb[]) h;
SELECT public.try('https://crm.example.com/', (SELECT jsonb_object_agg('X-' || n, 'a') FROM generate_series(1, 33) n)) AS "33 headers",
       public.try('https://crm.example.com/', jsonb_build_object('X', repeat('a', 16384))) AS "a long one", public.try('https://crm.example.com/', jsonb_build_object('X', repeat('\u20ac', 6000))) AS "long in bytes",
       public.try('https://crm.example.com/', '{}', repeat('a', 262145)) AS "a long body", public.try('https://crm.example.com/' || repeat('a', 2000)) AS "a long URL";
SELECT m AS method, public.try('https://crm.example.com/', '{}', CASE WHEN m = 'GET' THEN 'x' END, m) FROM unnest(ARRAY['PUT', 'HEAD', 'GET', 'CONNECT', 'post', 'GET /x', NULL]) m;
SELECT m AS more, public.try('https://crm.example.com/', '{}', NULL, 'POST', ', ' || m) FROM unnest(ARRAY['idempotency => ''window''', 'idempotency => ''twice''',
    'send_at => ''infinity''', 'deadline_at => ''2020-01-01''', 'deadline_at => now() + interval ''31 days''', 'lane => ''jobs''', 'lane => repeat(''a'', 101)']) m;
DELETE FROM cloudgreet_private.outbox WHERE business_id = :'business';

-- An account that is paused again, while what it held is taken up: there is no more to take up.
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'business') AS account, cloudgreet.add_phone_number('+12125550177', business_id => :'business') AS number \gset
SELECT cloudgreet.pause_account(:'account', :'business'), cloudgreet.resume_account(:'account', :'business');
SELECT count(*) AS to_release FROM cloudgreet_private.account_releases WHERE account_id = :'account';
SELECT cloudgreet.pause_account(:'account', :'business');
SELECT count(*) AS to_release FROM cloudgreet_private.account_releases WHERE account_id = :'account';
SELECT cloudgreet.resume_account(:'account', :'business');

-- Whatever number an account has for a rate, its texts can be claimed.
UPDATE cloudgreet.provider_accounts SET settings = '{"max_per_second": 1e400, "max_per_second_per_sender": 1e-400}' WHERE id = :'account';
SELECT cloudgreet.send_sms('+12125550199', 'hello', business_id => :'business') AS text \gset
SELECT verdict FROM cloudgreet_private.outbox o, LATERAL cloudgreet.outbox_claim(ARRAY[o.business_id], ARRAY[o.id]) WHERE o.subject_id = :'text';
DELETE FROM cloudgreet_private.outbox WHERE business_id = :'business';
DELETE FROM cloudgreet.sms_messages WHERE id = :'text';

-- What is kept: bytes, frozen, and the name of a secret; never its value.
SELECT cloudgreet.enqueue_request('POST', 'https://crm.example.com/leads', '{"Authorization": {"secret": "http.crm", "prefix": "Bearer "}, "Content-Type": "application/json"}', '{"name": "Ann"}',
    idempotency => 'native', send_at => '2099-01-01Z', business_id => :'business') AS id \gset
SELECT replace(target::text, :'id', 'ID') AS target, convert_from(body, 'UTF8') AS body, idempotency, provider, subject_type, subject_id = id AS is_itself, due_at, deadline_at
  FROM cloudgreet_private.outbox WHERE business_id = :'business';
SELECT count(*) AS values FROM cloudgreet_private.outbox o WHERE o::text ~ 'S3CR3T' OR convert_from(o.body, 'UTF8') ~ 'S3CR3T';
SELECT FROM unnest('{GET,PUT,DELETE,HEAD,POST,PATCH}'::text[]) m, LATERAL (SELECT cloudgreet.enqueue_request(m, 'https://crm.example.com/', business_id => :'business')) r;
SELECT idempotency, string_agg(target[1], ' ' ORDER BY id) AS methods FROM cloudgreet_private.outbox WHERE business_id = :'business' GROUP BY 1 ORDER BY 1;
-- One breaker and one set of lanes for a business and a host with its port.
SELECT FROM unnest(ARRAY['https://a.example/1', 'https://A.example/2', 'https://a.example.:443/3', 'https://b.example/1']) u, unnest(ARRAY[:'business', :'other']::uuid[]) b,
    LATERAL (SELECT cloudgreet.enqueue_request('POST', u, business_id => b)) r;
SELECT count(*) AS requests, count(DISTINCT account_id) AS accounts FROM cloudgreet_private.outbox o WHERE o.target[2] ~ '^https://[abA]' AND business_id IN (:'business', :'other');

-- The same key, the same request, for 30 days, wherever its row is; another one is refused.
SELECT cloudgreet.enqueue_request('POST', 'https://crm.example.com/once', '{}', 'one', 'key-1', business_id => :'business') AS once \gset
SELECT cloudgreet.enqueue_request('POST', 'https://crm.example.com/once', '{}', 'one', 'key-1', business_id => :'business') = :'once' AS is_same;
SELECT cloudgreet.cancel_delivery(:'once', :'business');
SELECT cloudgreet.enqueue_request('POST', 'https://crm.example.com/once', '{}', 'one', 'key-1', business_id => :'business') = :'once' AS is_same, (SELECT count(*) FROM cloudgreet_private.outbox WHERE id = :'once') AS open;
SELECT public.try('https://crm.example.com/once', '{}', 'two', 'POST', ', idempotency_key => ''key-1''');
SELECT cloudgreet.enqueue_request('POST', 'https://crm.example.com/once', '{}', 'one', 'key-1', business_id => :'other') = :'once' AS is_the_neighbours;

-- Who sees it, and who may: admins of the business, not its agents.
SELECT state, method, url, attempts, http_status, answer FROM cloudgreet.request_status(:'once', :'business');
SELECT a.status, a.body FROM (VALUES (1, 'admin', :'admin'), (2, 'agent', :'agent'), (3, 'neighbour', :'neighbour'), (4, 'anon', :'anon')) t (n, who, token)
 CROSS JOIN LATERAL public.ask('POST', '/rest/v1/rpc/request_status', token, json_build_object('request_id', :'once')::text) a ORDER BY n;
SELECT t.who, a.status FROM (VALUES (1, 'admin', :'admin'), (2, 'agent', :'agent'), (3, 'neighbour', :'neighbour'), (4, 'anon', :'anon')) t (n, who, token)
 CROSS JOIN LATERAL public.ask('POST', '/rest/v1/rpc/enqueue_request', token, '{"method": "POST", "url": "https://crm.example.com/"}') a ORDER BY n;
SELECT t.who, a.status FROM (VALUES (1, 'agent', :'agent'), (2, 'neighbour', :'neighbour')) t (n, who, token)
 CROSS JOIN LATERAL public.ask('POST', '/rest/v1/rpc/cancel_delivery', token, json_build_object('outbox_id', :'id')::text) a ORDER BY n;
SELECT operation, state_now, count(*) FROM cloudgreet.list_requests(business_id => :'business') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT a.status, jsonb_array_length(a.body::jsonb) AS requests FROM public.ask('POST', '/rest/v1/rpc/list_requests', :'neighbour', '{"state": "queued"}') a;
SELECT count(*) FROM cloudgreet.list_requests('queued', 3, business_id => :'business');
SELECT count(*) FROM cloudgreet.list_requests('finished', business_id => :'business');
SELECT string_agg(event_type, ' ' ORDER BY id) FROM cloudgreet.events WHERE subject_id = :'once';

-- Claimed and settled as any other; dead is final, and what is sent again names it.
SELECT cloudgreet.enqueue_request('PUT', 'https://crm.example.com/dead', '{"X-Key": {"secret": "http.crm"}}', 'body', business_id => :'business') AS id \gset
SELECT verdict FROM cloudgreet.outbox_claim(ARRAY[:'business']::uuid[], ARRAY[:'id']::uuid[]);
SELECT cloudgreet_private.outbox_settle_one(:'business', :'id', 1, 'dead', 422, 'refused', 10, NULL, 0, true, convert_to('{"error": "no name"}', 'UTF8'));
SELECT state, attempts, reason, http_status, answer FROM cloudgreet.request_status(:'id', :'business');
SELECT cloudgreet.retry_delivery(:'id', :'business');
SELECT r.state, r.id <> :'id' AS is_new, r.retry_of = :'id' AS names_it, r.target = h.target AND r.body = h.body AND h.state = 'dead' AS is_same
  FROM cloudgreet_private.requests r JOIN cloudgreet_private.outbox_history h ON h.id = :'id' WHERE r.subject_id = :'id' AND r.id <> :'id';
SELECT id AS again FROM cloudgreet.request_status(:'id', :'business') \gset
SELECT verdict FROM cloudgreet.outbox_claim(ARRAY[:'business']::uuid[], ARRAY[:'again']::uuid[]);
SELECT cloudgreet.outbox_settle(:'business', :'again', 1, 'done');
SELECT state, h.target, octet_length(h.body) AS bytes FROM cloudgreet_private.outbox_history h WHERE id = :'again';
SELECT string_agg(event_type, ' ' ORDER BY id) FROM cloudgreet.events WHERE subject_id = :'id';
SELECT * FROM cloudgreet_private.outbox_faults() f WHERE f.business_id IN (:'business', :'other');

-- The counters say what the tables hold, added up or not.
CREATE VIEW public.miscounted AS
SELECT c.provider, c.state, sum(c.counted) AS counted, sum(c.there) AS there
  FROM (SELECT k.business_id, k.provider, k.state, k.requests AS counted, 0::bigint AS there FROM cloudgreet_private.outbox_counts k
        UNION ALL SELECT n.business_id, n.provider, n.state, n.change, 0 FROM cloudgreet_private.outbox_changes n
        UNION ALL SELECT r.business_id, r.provider, CASE r.state WHEN 'sending' THEN 'queued' ELSE r.state END, 0, 1 FROM cloudgreet_private.requests r) c
  JOIN cloudgreet.businesses b ON b.id = c.business_id AND b.name IN ('Http Test', 'Neighbour')
 GROUP BY 1, 2 HAVING sum(c.counted) <> sum(c.there);
SELECT * FROM public.miscounted;
SELECT cloudgreet_private.outbox_hold(:'business', (SELECT r.id FROM cloudgreet.list_requests('queued', 1, business_id => :'business') r), 'by hand');
SELECT provider, state, requests, oldest_at IS NOT NULL AS has_oldest, next_at IS NOT NULL AS has_next, reason FROM cloudgreet.queue_status(:'business');
SELECT cloudgreet_private.add_up_counts(5) AS added, (SELECT count(*) FROM public.miscounted) AS miscounted;
SELECT cloudgreet_private.add_up_counts() > 0 AS added, cloudgreet_private.add_up_counts() AS "then";
SELECT * FROM public.miscounted;
SELECT provider, state, requests, reason FROM cloudgreet.queue_status(:'business');
-- It reads nothing else: without counters it knows of none.
BEGIN;
DELETE FROM cloudgreet_private.outbox_counts;
SELECT count(*) FROM cloudgreet.queue_status();
ROLLBACK;

\set ECHO none
DROP VIEW public.miscounted;
DROP FUNCTION public.try;
SELECT FROM cloudgreet.delete_business(:'business') a, cloudgreet.delete_business(:'other') b;
\set ECHO all
-- With a business its counters go, whatever it counted last.
SELECT cloudgreet_private.add_up_counts() > 0 AS added;
SELECT count(*) FROM (SELECT FROM cloudgreet_private.outbox_counts c WHERE c.business_id IN (:'business', :'other') AND c.requests <> 0) left_over;
\set ECHO none
\i test/lib/drop_ask.sql
