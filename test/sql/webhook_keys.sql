/*
 * webhook_keys.sql
 *		What is kept of a webhook: its type, what makes a second delivery of it the same, what
 *		it is about, and the provider's headers.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
SET cloudgreet.clock = '2026-09-21 14:13:20Z';
\set QUIET on
SELECT cloudgreet.create_business('Keys Test', 'America/New_York') AS business \gset
SELECT cloudgreet.set_secret('retell', 'retell-1', :'business') AS a, cloudgreet.set_secret('resend', 'x', :'business') AS b, cloudgreet.set_secret('hook', 'whsec_c2VjcmV0LTE=', :'business') AS c,
       cloudgreet.set_secret('google', 'x', :'business') AS d, cloudgreet.set_secret('channel', 'a-token', :'business') AS e \gset
SELECT cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => :'business') AS retell,
       cloudgreet.connect_provider('resend', '{"api_key": "resend", "webhook_key": "hook"}', business_id => :'business') AS resend,
       cloudgreet.connect_provider('google', '{"refresh_token": "google", "webhook_key": "channel"}', business_id => :'business') AS google \gset
SELECT set_config('test.' || k, v, false) FROM (VALUES ('business', :'business'), ('retell', :'retell'), ('resend', :'resend'), ('google', :'google')) a (k, v) \g /dev/null
CREATE FUNCTION public.post(provider text, headers jsonb, body text) RETURNS int LANGUAGE sql AS
$$
    SELECT r.status FROM cloudgreet.http('POST', '/api/' || provider || '/webhook/' || current_setting('test.' || provider), headers, convert_to(post.body, 'UTF8')) r
$$;
CREATE FUNCTION public.retell(body text) RETURNS int LANGUAGE sql AS
$$
    SELECT public.post('retell', jsonb_build_object('x-retell-signature', 'v=1790000000000,d=' || encode(public.hmac_sha256('retell-1', convert_to(body || '1790000000000', 'UTF8')), 'hex'), 'x-other', 'y'), body)
$$;
CREATE FUNCTION public.resend(id text, body text) RETURNS int LANGUAGE sql AS
$$
    SELECT public.post('resend', jsonb_build_object('svix-id', id, 'svix-timestamp', '1790000000', 'user-agent', 'svix', 'svix-signature',
               'v1,' || encode(public.hmac_sha256('secret-1', convert_to(id || '.1790000000.' || body, 'UTF8')), 'base64')), body)
$$;
CREATE FUNCTION public.google(more jsonb) RETURNS int LANGUAGE sql AS
$$
    SELECT public.post('google', '{"x-goog-channel-token": "a-token", "x-goog-resource-id": "r", "authorization": "x"}'::jsonb || more, '')
$$;
-- What was stored since it was asked last; long ones by their lengths.
CREATE FUNCTION public.stored() RETURNS TABLE (type text, key text, entity text, headers text) LANGUAGE sql AS
$$
    WITH gone AS (DELETE FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = current_setting('test.business')::uuid RETURNING i.*)
    SELECT CASE WHEN length(g.event_type) > 100 THEN length(g.event_type)::text ELSE g.event_type END,
           regexp_replace(g.dedup_key, '[0-9a-f]{64}', 'HASH'), CASE WHEN length(g.entity_key) > 100 THEN length(g.entity_key)::text ELSE g.entity_key END,
           (SELECT string_agg(h, ' ' ORDER BY h) FROM jsonb_object_keys(g.headers) h)
      FROM gone g ORDER BY g.id
$$;
\pset format unaligned
\pset tuples_only on
\pset null NULL
\set QUIET off
\set ECHO all
-- What happens once in a call is one event, whatever it says; anything else is told apart by its bytes.
SELECT public.retell('{"event": "call_started", "call": {"call_id": "c1"}}'), public.retell('{"event": "call_started", "call": {"call_id": "c1", "more": 1}}');
SELECT public.retell('{"event": "updated", "call": {"call_id": "c1"}}'), public.retell('{"event": "updated", "call": {"call_id": "c1", "more": 1}}'), public.retell('{"event": "updated", "call": {"call_id": "c1"}}');
SELECT * FROM public.stored();
-- A chat, nothing that is named, names that are no texts, and what is empty.
SELECT public.retell('{"event": "chat_ended", "chat": {"chat_id": "h1"}}'), public.retell('{"event": "call_ended"}'), public.retell('{"event": "call_ended", "call": "c1"}'),
       public.retell('{"event": 7, "call": {"call_id": {"a": [1, "b"]}}}'), public.retell('{"event": true, "call": {"call_id": null}, "chat": {"chat_id": 1.50}}'),
       public.retell('{"event": "call_ended", "call": {"call_id": ""}}'), public.retell('{"event": "", "call": {"call_id": "c1"}}'), public.retell('{"event": null}'), public.retell('{"call": {"call_id": "c1"}}');
SELECT * FROM public.stored();
-- Long ones are cut by characters, and a long key is its hash; halves of characters are read as U+FFFD.
SELECT public.retell(format('{"event": "%s", "call": {"call_id": "%s"}}', repeat('ä', 250), repeat('é', 400))), public.retell('{"event": "call_ended", "call": {"call_id": "c\ud800\u0000"}}');
SELECT * FROM public.stored();
-- Resend's id stands in a header.
SELECT public.resend('msg_1', '{"type": "email.sent", "data": {"email_id": "m1"}}'), public.resend('msg_1', '{"type": "email.sent", "data": {"email_id": "m2"}}'), public.resend(repeat('i', 200), '{"type": "email.sent"}');
SELECT * FROM public.stored();
-- Google sends headers alone; the token is not kept.
SELECT public.google('{"x-goog-resource-state": "exists", "x-goog-channel-id": "ch", "x-goog-message-number": "7"}'), public.google('{"x-goog-resource-state": "exists", "x-goog-channel-id": "ch", "x-goog-message-number": "7"}'),
       public.google('{"x-goog-resource-state": "exists", "x-goog-channel-id": "ch"}'), public.google('{"x-goog-channel-id": "ch", "x-goog-message-number": "8"}');
SELECT * FROM public.stored();
\set ECHO none
\set QUIET on
DROP FUNCTION public.post, public.retell, public.resend, public.google, public.stored, public.mint, public.claims, public.hmac_sha256, public.base64url;
SELECT cloudgreet.delete_business(:'business') \g /dev/null
DELETE FROM cloudgreet.businesses WHERE id = :'business';
RESET cloudgreet.clock;
\i test/lib/drop_master_key.sql
