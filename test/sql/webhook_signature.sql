/*
 * webhook_signature.sql
 *		verify_webhook(): what counts as signed, and every kind of tampering.
 *
 * Telnyx's signatures are fixed: made with the key pair of RFC 8032, section 7.1, test 1.
 * The others are made here, by the HMAC of mint.sql.  All times are around
 * 2026-09-21 14:13:20Z, which is 1790000000.
 */
\set ECHO none
\i test/lib/mint.sql
\set now '2026-09-21 14:13:20Z'
CREATE TEMP TABLE cases (n int GENERATED ALWAYS AS IDENTITY, said text, provider text, headers jsonb, body text, keys text[], at timestamptz);
-- Headers of the three that sign; times are texts, as they are sent.
CREATE FUNCTION pg_temp.telnyx(stamp text, signature text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('telnyx-timestamp', stamp, 'telnyx-signature-ed25519', signature) $$;
CREATE FUNCTION pg_temp.retell(stamp text, body text, key text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('x-retell-signature', format('v=%s,d=%s', stamp, encode(public.hmac_sha256(convert_to(key, 'UTF8'), convert_to(body || stamp, 'UTF8')), 'hex'))) $$;
CREATE FUNCTION pg_temp.svix(id text, stamp text, body text, key text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('svix-id', id, 'svix-timestamp', stamp, 'svix-signature',
           'v1,' || encode(public.hmac_sha256(decode(key, 'base64'), convert_to(id || '.' || stamp || '.' || body, 'UTF8')), 'base64')) $$;
CREATE FUNCTION pg_temp.google(token text) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('x-goog-channel-id', 'channel-1', 'x-goog-resource-id', 'resource-1', 'x-goog-channel-token', token, 'x-goog-resource-state', 'exists') $$;
\set telnyx_key '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='
\set telnyx_other 'iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w='
\set telnyx_body '{"data":{"event_type":"call.answered","id":"e1"}}'
\set telnyx_signature '0j1521PGlhEX9i0kzgAhhpf7MlHPgA63rniBRj3X7H9kjXNf1gi5ZpD5OGlh2QfHNRsk0jJEjqjtRzyzlhAgCQ=='
\set retell_key 'key_of_the_tests'
\set retell_body '{"event":"call_ended","call":{"call_id":"c1"}}'
\set svix_key 'c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5'
\set svix_body '{"type":"email.sent","data":{"email_id":"m1"}}'
INSERT INTO cases (said, provider, headers, body, keys, at) VALUES
    ('good', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('good: names in another case', 'telnyx', jsonb_build_object('Telnyx-Timestamp', '1790000000', 'TELNYX-SIGNATURE-ED25519', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('good: 300 s behind', 'telnyx', pg_temp.telnyx('1789999700', 'BzqjVJLixN1vadSmX7cuzaPsPABsXImjn3PXD+nuBOiFHRtajNNTNLukpvonPtG85BUrlGwTu3t7aoJp2eK6Cg=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('good: 300 s ahead', 'telnyx', pg_temp.telnyx('1790000300', 'ESjLwm9+JzXZuJ5NLAXHNzW7jlxjnklA5Bm8pHfywAvg7O0Wp9Tu0/ZSKeGHgVOU3L0oIC+mUmRZH1PPSWxbAQ=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('good: a leading zero, signed as sent', 'telnyx', pg_temp.telnyx('01790000000', 'qkogAPkHmHid93F9beB9wpJOQda8DXG9I4r/c7pivdutoWynsJzWMOaWGN5ShchDgeNtzs0hw+ZzrrCrI4MuBw=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('good: signed with the second key', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_other', NULL, 'rubbish', :'telnyx_key'], :'now'),
    ('good: an empty body', 'telnyx', pg_temp.telnyx('1790000000', 'D7mjXpiaoCdYfgHYqCE1ck1NXSyhoMi78nBt0zYqmqoT6OqgjzBio0+uveg3KXHUXXVZ5P6IqoGjBTAbvLy9Bw=='), '', ARRAY[:'telnyx_key'], :'now'),
    ('301 s behind', 'telnyx', pg_temp.telnyx('1789999699', '+hri1D9jLZ/SbwTO32W198+Ak9cJZtgrgCUYSpHMXVeTuzyv1F/Iie08MkAhgdvFQNOwJ9v2D2MoYebrrxbZCQ=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('301 s ahead', 'telnyx', pg_temp.telnyx('1790000301', 'M/V9wk5fxC7ZS7nxhypdof4MCZWvlwLwFyNgGYQMmrcHCzWMbhn8PtnEoC4H8N62EQS0qcZNIH8+Put3FiCfBA=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('a later time than was signed', 'telnyx', pg_temp.telnyx('1790000001', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('a byte of the body changed', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), replace(:'telnyx_body', 'e1', 'e2'), ARRAY[:'telnyx_key'], :'now'),
    ('a byte added to the body', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body' || ' ', ARRAY[:'telnyx_key'], :'now'),
    ('the body cut', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), left(:'telnyx_body', -1), ARRAY[:'telnyx_key'], :'now'),
    ('no body', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), '', ARRAY[:'telnyx_key'], :'now'),
    ('another key', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_other'], :'now'),
    ('no keys', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', '{}', :'now'),
    ('an empty key', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', '{""}', :'now'),
    ('a key with a byte missing', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[left(:'telnyx_key', -4)], :'now'),
    ('a key in hexadecimal digits', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[encode(decode(:'telnyx_key', 'base64'), 'hex')], :'now'),
    ('a key for which anyone can sign, 1', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='], :'now'),
    ('a key for which anyone can sign, 2', 'telnyx', pg_temp.telnyx('1790000000', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='], :'now'),
    ('a key for which anyone can sign, 3', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU='], :'now'),
    ('a key for which anyone can sign, 4', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o='], :'now'),
    ('a key for which anyone can sign, 5', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['7P///////////////////////////////////////38='], :'now'),
    ('a key for which anyone can sign, 6', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['7f///////////////////////////////////////38='], :'now'),
    ('a key for which anyone can sign, 7', 'telnyx', pg_temp.telnyx('1790000000', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['7v///////////////////////////////////////38='], :'now'),
    ('a key for which anyone can sign, 8', 'telnyx', pg_temp.telnyx('1790000000', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA='], :'now'),
    ('a key for which anyone can sign, 9', 'telnyx', pg_temp.telnyx('1790000000', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='), :'telnyx_body', ARRAY['AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA='], :'now'),
    ('the signature without padding', 'telnyx', pg_temp.telnyx('1790000000', rtrim(:'telnyx_signature', '=')), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature with bits left over', 'telnyx', pg_temp.telnyx('1790000000', '0j1521PGlhEX9i0kzgAhhpf7MlHPgA63rniBRj3X7H9kjXNf1gi5ZpD5OGlh2QfHNRsk0jJEjqjtRzyzlhAgCR=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature plus the order of the curve', 'telnyx', pg_temp.telnyx('1790000000', '0j1521PGlhEX9i0kzgAhhpf7MlHPgA63rniBRj3X7H9RYWm88GvLvmaWMAxA0+bbNRsk0jJEjqjtRzyzlhAgGQ=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature with a line break', 'telnyx', pg_temp.telnyx('1790000000', left(:'telnyx_signature', 44) || E'\n' || substr(:'telnyx_signature', 45)), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature with a blank before', 'telnyx', pg_temp.telnyx('1790000000', ' ' || :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature twice', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature' || ', ' || :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature cut', 'telnyx', pg_temp.telnyx('1790000000', left(:'telnyx_signature', 84)), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature is empty', 'telnyx', pg_temp.telnyx('1790000000', ''), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the signature is missing', 'telnyx', jsonb_build_object('telnyx-timestamp', '1790000000'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time is missing', 'telnyx', jsonb_build_object('telnyx-signature-ed25519', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time with a blank before', 'telnyx', pg_temp.telnyx(' 1790000000', 'tjL+TfO9vqCJ/Po3eNsrQNSVclLlUU3vHb2eTIO9B0AK8yS8GTtbtJxXQZit7uHDf1qORIjye14DJWJq9K0ZCg=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time with a sign', 'telnyx', pg_temp.telnyx('+1790000000', 'zREz7yKBtb5tkBAABYbG6+lyYd8sN6cqGcYt4ebhoqJe/mesMlrE8wEun2Jrbziw8dKgwmzUdZuFe/mqVeeSDQ=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time with a fraction', 'telnyx', pg_temp.telnyx('1790000000.0', 'yXzWeYH0wkmBU+Pt5ckMtxoxDgxnKh0AKGSWjCjy3SXv05fTdM/ZURXWl210ldbSx7hIELe2edKcvypgsqn7Aw=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time too long', 'telnyx', pg_temp.telnyx('17900000000000000', 'xyShBvs9JktBkeYBkOntqln/E+yttfoo0nAWQ+oJcwvQQo1XUc7+t56Fb1Xn8R2pr4V6qOh5tKGvAKLN3LaYAw=='), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the time is no text', 'telnyx', jsonb_build_object('telnyx-timestamp', 1790000000, 'telnyx-signature-ed25519', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('a header twice, in two cases', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature') || '{"Telnyx-Timestamp": "1790000000"}', :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('headers that are a list', 'telnyx', jsonb_build_array('telnyx-timestamp', '1790000000', 'telnyx-signature-ed25519', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('headers inside of others', 'telnyx', jsonb_build_object('headers', pg_temp.telnyx('1790000000', :'telnyx_signature')), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('a header of 5000 characters', 'telnyx', pg_temp.telnyx('1790000000', repeat('A', 5000)), :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('headers are NULL', 'telnyx', NULL, :'telnyx_body', ARRAY[:'telnyx_key'], :'now'),
    ('the body is NULL', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), NULL, ARRAY[:'telnyx_key'], :'now'),
    ('keys are NULL', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', NULL, :'now'),
    ('the time of now is NULL', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], NULL),
    ('the time of now is infinity', 'telnyx', pg_temp.telnyx('1790000000', :'telnyx_signature'), :'telnyx_body', ARRAY[:'telnyx_key'], 'infinity');
INSERT INTO cases (said, provider, headers, body, keys, at) VALUES
    ('good', 'retell', pg_temp.retell('1790000000000', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('good: upper-case digits', 'retell', (SELECT jsonb_build_object('x-retell-signature', 'v=1790000000000,d=' || upper(split_part(h, 'd=', 2))) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('good: 300000 ms behind', 'retell', pg_temp.retell('1789999700000', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('good: 300000 ms ahead', 'retell', pg_temp.retell('1790000300000', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('good: signed with the second key', 'retell', pg_temp.retell('1790000000000', :'retell_body', :'retell_key'), :'retell_body', ARRAY['other', :'retell_key'], :'now'),
    ('good: an empty body, as of GET', 'retell', pg_temp.retell('1790000000000', '', :'retell_key'), '', ARRAY[:'retell_key'], :'now'),
    ('300001 ms behind', 'retell', pg_temp.retell('1789999699999', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('300001 ms ahead', 'retell', pg_temp.retell('1790000300001', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('seconds for milliseconds', 'retell', pg_temp.retell('1790000000', :'retell_body', :'retell_key'), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('another time than was signed', 'retell', (SELECT jsonb_build_object('x-retell-signature', replace(h, 'v=1790000000000', 'v=1790000000001')) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('a byte of the body changed', 'retell', pg_temp.retell('1790000000000', :'retell_body', :'retell_key'), replace(:'retell_body', 'c1', 'c2'), ARRAY[:'retell_key'], :'now'),
    ('a digit moved from the time to the body', 'retell', (SELECT jsonb_build_object('x-retell-signature', replace(h, 'v=1790000000000', 'v=790000000000')) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body' || '1', ARRAY[:'retell_key'], :'now'),
    ('another key', 'retell', pg_temp.retell('1790000000000', :'retell_body', :'retell_key'), :'retell_body', '{other}', :'now'),
    ('an empty key', 'retell', pg_temp.retell('1790000000000', :'retell_body', ''), :'retell_body', '{""}', :'now'),
    ('parts swapped', 'retell', (SELECT jsonb_build_object('x-retell-signature', 'd=' || split_part(h, 'd=', 2) || ',v=1790000000000') FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('something before', 'retell', (SELECT jsonb_build_object('x-retell-signature', ' ' || h) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('something behind', 'retell', (SELECT jsonb_build_object('x-retell-signature', h || ' ') FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('a blank between', 'retell', (SELECT jsonb_build_object('x-retell-signature', replace(h, ',', ', ')) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('twice', 'retell', (SELECT jsonb_build_object('x-retell-signature', h || ',' || h) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('a digit missing', 'retell', (SELECT jsonb_build_object('x-retell-signature', left(h, -1)) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('a digit more', 'retell', (SELECT jsonb_build_object('x-retell-signature', h || '0') FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('a letter that is no digit', 'retell', (SELECT jsonb_build_object('x-retell-signature', left(h, -1) || 'g') FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('base64 for hexadecimal digits', 'retell', (SELECT jsonb_build_object('x-retell-signature', 'v=1790000000000,d=' || encode(decode(split_part(h, 'd=', 2), 'hex'), 'base64')) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('no time', 'retell', (SELECT jsonb_build_object('x-retell-signature', replace(h, '1790000000000', '')) FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('empty', 'retell', (SELECT jsonb_build_object('x-retell-signature', '') FROM (SELECT pg_temp.retell('1790000000000', :'retell_body', :'retell_key') ->> 'x-retell-signature') g (h)), :'retell_body', ARRAY[:'retell_key'], :'now'),
    ('missing', 'retell', '{}', :'retell_body', ARRAY[:'retell_key'], :'now');
INSERT INTO cases (said, provider, headers, body, keys, at) VALUES
    ('good', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('good: the key without its prefix', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY[:'svix_key'], :'now'),
    ('good: 300 s behind', 'resend', pg_temp.svix('msg_1', '1789999700', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('good: 300 s ahead', 'resend', pg_temp.svix('msg_1', '1790000300', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('good: second in a list, among other versions', 'resend', (SELECT h || jsonb_build_object('svix-signature', 'v1,AAAA v1a,xyz v2,' || substr((h ->> 'svix-signature'), 4) || ' ' || (h ->> 'svix-signature')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('good: signed with the second key', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_AAAA', 'whsec_' || :'svix_key'], :'now'),
    ('good: a leading zero, which is not signed', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') || '{"svix-timestamp": "01790000000"}', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('301 s behind', 'resend', pg_temp.svix('msg_1', '1789999699', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('301 s ahead', 'resend', pg_temp.svix('msg_1', '1790000301', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('milliseconds for seconds', 'resend', pg_temp.svix('msg_1', '1790000000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('another time than was signed', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') || '{"svix-timestamp": "1790000001"}', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('another id than was signed', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') || '{"svix-id": "msg_2"}', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('a byte of the body changed', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), replace(:'svix_body', 'm1', 'm2'), ARRAY['whsec_' || :'svix_key'], :'now'),
    ('a part of the body moved into the id', 'resend', pg_temp.svix('msg_1', '1790000000', 'x.1790000000.{}', :'svix_key') || '{"svix-id": "msg_1.1790000000.x"}', '{}', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('an id with a blank', 'resend', pg_temp.svix('msg 1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('an empty id', 'resend', pg_temp.svix('', '1790000000', :'svix_body', :'svix_key'), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('another key', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', '{whsec_AAAA}', :'now'),
    ('a prefix without a key', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', ''), :'svix_body', '{whsec_}', :'now'),
    ('a key that is not base64', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key'), :'svix_body', '{whsec_!!!!}', :'now'),
    ('under v2', 'resend', (SELECT h || jsonb_build_object('svix-signature', replace((h ->> 'svix-signature'), 'v1,', 'v2,')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('under v1a', 'resend', (SELECT h || jsonb_build_object('svix-signature', replace((h ->> 'svix-signature'), 'v1,', 'v1a,')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('under V1', 'resend', (SELECT h || jsonb_build_object('svix-signature', replace((h ->> 'svix-signature'), 'v1,', 'V1,')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('without a version', 'resend', (SELECT h || jsonb_build_object('svix-signature', substr((h ->> 'svix-signature'), 4)) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('without padding', 'resend', (SELECT h || jsonb_build_object('svix-signature', rtrim((h ->> 'svix-signature'), '=')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('commas for blanks in the list', 'resend', (SELECT h || jsonb_build_object('svix-signature', 'v1,AAAA,' || (h ->> 'svix-signature')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('cut', 'resend', (SELECT h || jsonb_build_object('svix-signature', left((h ->> 'svix-signature'), 20)) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('empty', 'resend', (SELECT h || jsonb_build_object('svix-signature', '') FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('in hexadecimal digits', 'resend', (SELECT h || jsonb_build_object('svix-signature', 'v1,' || encode(decode(substr((h ->> 'svix-signature'), 4), 'base64'), 'hex')) FROM (SELECT pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key')) g (h)), :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('the signature is missing', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') - 'svix-signature', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('the id is missing', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') - 'svix-id', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now'),
    ('the time is missing', 'resend', pg_temp.svix('msg_1', '1790000000', :'svix_body', :'svix_key') - 'svix-timestamp', :'svix_body', ARRAY['whsec_' || :'svix_key'], :'now');
INSERT INTO cases (said, provider, headers, body, keys, at) VALUES
    ('good', 'google', pg_temp.google('a-token'), '', '{a-token}', :'now'),
    ('good: the second token', 'google', pg_temp.google('a-token'), '', '{other,a-token}', :'now'),
    ('good: with channel and resource', 'google', pg_temp.google('a-token'), '', '{channel-1 resource-1 a-token}', :'now'),
    ('another token', 'google', pg_temp.google('a-token'), '', '{b-token}', :'now'),
    ('a longer token', 'google', pg_temp.google('a-token'), '', '{a-token-1}', :'now'),
    ('a shorter token', 'google', pg_temp.google('a-token'), '', '{a-toke}', :'now'),
    ('the token in another case', 'google', pg_temp.google('A-token'), '', '{a-token}', :'now'),
    ('an empty token', 'google', pg_temp.google(''), '', '{""}', :'now'),
    ('the token is missing', 'google', pg_temp.google('a-token') - 'x-goog-channel-token', '', '{a-token}', :'now'),
    ('the channel is missing', 'google', pg_temp.google('a-token') - 'x-goog-channel-id', '', '{a-token}', :'now'),
    ('the resource is missing', 'google', pg_temp.google('a-token') - 'x-goog-resource-id', '', '{a-token}', :'now'),
    ('another channel', 'google', pg_temp.google('a-token'), '', '{channel-2 resource-1 a-token}', :'now'),
    ('another resource', 'google', pg_temp.google('a-token'), '', '{channel-1 resource-2 a-token}', :'now'),
    ('another token of the channel', 'google', pg_temp.google('a-token'), '', '{channel-1 resource-1 b-token}', :'now');
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- What is called good is accepted, and nothing else is.
SELECT provider, said, cloudgreet.verify_webhook(provider, headers, convert_to(body, 'UTF8'), keys, at) AS is_accepted FROM cases ORDER BY n;
SELECT count(*) AS judged_wrong FROM cases
 WHERE cloudgreet.verify_webhook(provider, headers, convert_to(body, 'UTF8'), keys, at) IS DISTINCT FROM (said ~ '^good');
-- Bytes are judged, not texts: they need not be UTF-8.
SELECT cloudgreet.verify_webhook('retell', jsonb_build_object('x-retell-signature', 'v=1790000000000,d=' || encode(public.hmac_sha256('key', '\x00ff80'::bytea || '1790000000000'), 'hex')), '\x00ff80', '{key}', :'now');
-- A signature of one provider is none of another.
SELECT p.provider, count(*) FILTER (WHERE cloudgreet.verify_webhook(p.provider, c.headers, convert_to(c.body, 'UTF8'), c.keys, c.at)) AS accepted
  FROM cases c, (VALUES ('telnyx'), ('retell'), ('resend'), ('google')) p (provider) WHERE c.provider <> p.provider GROUP BY 1 ORDER BY 1;
-- Hostile bytes are refused, never an error.
SELECT bool_or(cloudgreet.verify_webhook(c.provider, (SELECT jsonb_object_agg(h.key, left(h.value, at_byte) || chr(127 + at_byte) || substr(h.value, at_byte + 2)) FROM jsonb_each_text(c.headers) h),
                                         convert_to(c.body, 'UTF8'), c.keys, c.at)) AS is_accepted
  FROM cases c, generate_series(0, 40) AS place (at_byte) WHERE jsonb_typeof(c.headers) = 'object' AND NOT c.headers ? 'headers';
-- A provider that is not known is the caller's mistake.
\set VERBOSITY sqlstate
SELECT cloudgreet.verify_webhook('twilio', '{}', '', '{key}', :'now');
SELECT cloudgreet.verify_webhook(NULL, '{}', '', '{key}', :'now');
-- Bodies: escapes that stand for no character are mended, everything else is jsonb's.
SELECT body, cloudgreet.parse_webhook(convert_to(body, 'UTF8')) FROM (VALUES
    ('{"a": "\u0000 \ud83d\udc4d \ud83d. \udc4d \ud83d\ud83d\udc4d"}'), ('{"a": "\\u0000 \\\u0000"}'), ('[1]'), ('7'), ('')) t (body);
SELECT cloudgreet.parse_webhook('\xff') IS NULL AS is_no_text;
SELECT cloudgreet.parse_webhook('{"a": "\u00');
SELECT cloudgreet.parse_webhook('{"a": 1} trailing');
SELECT cloudgreet.parse_webhook('\x5c');
\set ECHO none
DROP FUNCTION public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
