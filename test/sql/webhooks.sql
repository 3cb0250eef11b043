/*
 * webhooks.sql
 *		Webhooks from the request to the rows: accounts, signatures, duplicates,
 *		processing, failures.  Every order of events is tried in test/t/131_webhook_events.pl.
 *
 * The time is 2026-09-21 14:13:20Z, which is 1790000000.  Telnyx's bodies are signed with
 * the key pair of RFC 8032, section 7.1, test 1; the others are signed here.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
SET cloudgreet.clock = '2026-09-21 14:13:20Z';
\set QUIET on
\set telnyx_key '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='
CREATE TEMP TABLE telnyx_events (name text, body text, signature text);
INSERT INTO telnyx_events VALUES
    ('text', '{"data":{"event_type":"message.received","id":"ev-1","occurred_at":"2026-09-21T14:10:00.000+00:00","payload":{"id":"sms-1","direction":"inbound","from":{"phone_number":"+12125550171"},"to":[{"phone_number":"+12125550170"}],"text":"Is Tuesday ok?","parts":1,"received_at":"2026-09-21T14:10:00.000+00:00"}}}',
     'OKAyfSRdxxq4fx8tHLpMs8a0xe3q6ex+QNuLUOQeZSL161L2zh/hB1JKXRw4TbebBd9kczyCVwcGkXoZK/WfCw=='),
    ('stop', '{"data":{"event_type":"message.received","id":"ev-2","occurred_at":"2026-09-21T14:11:00.000+00:00","payload":{"id":"sms-2","direction":"inbound","from":{"phone_number":"+12125550171"},"to":[{"phone_number":"+12125550170"}],"text":"Stop!","parts":1,"received_at":"2026-09-21T14:11:00.000+00:00"}}}',
     '+O32DtpvCZIHEBDD6685kRnLN8LkDOamf3GsuuLcLVTMe/+HnjY6chwy1OTXyUyv4H3etNCod8/0+cYbvlHIDA=='),
    ('start', '{"data":{"event_type":"message.received","id":"ev-3","occurred_at":"2026-09-21T14:12:00.000+00:00","payload":{"id":"sms-3","direction":"inbound","from":{"phone_number":"+12125550171"},"to":[{"phone_number":"+12125550170"}],"text":"START","parts":1,"received_at":"2026-09-21T14:12:00.000+00:00"}}}',
     '8Wa6wuTyushm2OZEFfZcgJWSDYMXBgMcvDqTKR2506ZKKROqQAEAgJdgGjmVWIeCdglImFGi17EA2dOOi/JXBg=='),
    ('stranger', '{"data":{"event_type":"message.received","id":"ev-4","occurred_at":"2026-09-21T14:12:00.000+00:00","payload":{"id":"sms-4","direction":"inbound","from":{"phone_number":"+12125550171"},"to":[{"phone_number":"+12125550199"}],"text":"hello","parts":1,"received_at":"2026-09-21T14:12:00.000+00:00"}}}',
     'NOEcOq5b7Fu01H+y61PC4PV5+45U0bh7UY080ECC3yWvff0V+zlxGWZZTLDfdbeHvAqdiHXzOpx7NdX4liNMCQ=='),
    ('unhappy', '{"data":{"event_type":"message.received","id":"ev-5","occurred_at":"2026-09-21T14:12:30.000+00:00","payload":{"id":"sms-5","direction":"inbound","from":{"phone_number":"+12125550172"},"to":[{"phone_number":"+12125550170"}],"text":"please leave me alone","parts":1,"received_at":"2026-09-21T14:12:30.000+00:00"}}}',
     'LR/+mvaKezf427Iubt2Syt6el25tYG5egDjujm0/vfaxtkS1RzPVnHstnmx4CTmB/mL1cfJESDR2Vz9o3X50AA==');

-- Accounts that other tests have left are put aside: the bare path needs to be alone.
CREATE TEMP TABLE others AS SELECT * FROM cloudgreet_private.account_routes;
DELETE FROM cloudgreet_private.account_routes;
SELECT cloudgreet.create_business('Hook Test', 'America/New_York') AS business, cloudgreet.create_business('Neighbour', 'America/New_York') AS other \gset
SELECT cloudgreet.add_jwt_key('hooks', 'a-secret-of-at-least-thirty-two-bytes') AS done,
       cloudgreet.add_phone_number('+12125550170', business_id => :'business') AS number,
       cloudgreet.create_agent('Front desk', business_id => :'business') AS agent,
       cloudgreet.set_secret('telnyx.key', 'x', :'business') AS a, cloudgreet.set_secret('telnyx.public', :'telnyx_key', :'business') AS b,
       cloudgreet.set_secret('retell.key', 'retell-1', :'business') AS c, cloudgreet.set_secret('resend.key', 'x', :'business') AS d,
       cloudgreet.set_secret('resend.hook', 'whsec_c2VjcmV0LTE=', :'business') AS e, cloudgreet.set_secret('google.token', 'x', :'business') AS f,
       cloudgreet.set_secret('google.channel', 'a-token', :'business') AS g \gset
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx.key", "webhook_key": "telnyx.public"}', business_id => :'business') AS telnyx,
       cloudgreet.connect_provider('retell', '{"api_key": "retell.key"}', business_id => :'business') AS retell,
       cloudgreet.connect_provider('resend', '{"api_key": "resend.key", "webhook_key": "resend.hook"}', business_id => :'business') AS resend,
       cloudgreet.connect_provider('google', '{"refresh_token": "google.token", "webhook_key": "google.channel"}', business_id => :'business') AS google \gset
-- Status and body of the answer to a webhook, ids taken out.
CREATE FUNCTION public.post(path text, headers jsonb, body text) RETURNS TABLE (status int, body text) LANGUAGE sql AS
$$
    SELECT r.status, regexp_replace(convert_from(r.body, 'UTF8'), '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID', 'g')
      FROM cloudgreet.http('POST', path, headers, convert_to(post.body, 'UTF8')) r
$$;
CREATE FUNCTION public.telnyx(name text, path text DEFAULT '/api/sms/webhook') RETURNS TABLE (status int, body text) LANGUAGE sql AS
$$
    SELECT p.* FROM telnyx_events e, public.post(path, jsonb_build_object('telnyx-timestamp', '1790000000', 'telnyx-signature-ed25519', e.signature), e.body) p
     WHERE e.name = telnyx.name
$$;
CREATE FUNCTION public.retell(body text, path text DEFAULT '/api/retell/webhook', key text DEFAULT 'retell-1', stamp text DEFAULT '1790000000000') RETURNS TABLE (status int, body text) LANGUAGE sql AS
$$
    SELECT * FROM public.post(path, jsonb_build_object('x-retell-signature', format('v=%s,d=%s', stamp, encode(public.hmac_sha256(convert_to(key, 'UTF8'), convert_to(retell.body || stamp, 'UTF8')), 'hex'))), retell.body)
$$;
CREATE FUNCTION public.resend(id text, type text, more jsonb DEFAULT '{}', at text DEFAULT '2026-09-21T14:13:00Z') RETURNS TABLE (status int, body text) LANGUAGE sql AS
$$
    SELECT p.* FROM (SELECT jsonb_build_object('type', type, 'created_at', at, 'data', '{"email_id": "mail-1", "to": ["ann@example.com"], "from": "us@example.com", "subject": "Hello"}'::jsonb || more)::text) b (body),
        public.post('/api/resend/webhook', jsonb_build_object('svix-id', id, 'svix-timestamp', '1790000000', 'svix-signature',
            'v1,' || encode(public.hmac_sha256('secret-1', convert_to(id || '.1790000000.' || b.body, 'UTF8')), 'base64')), b.body) p
$$;
\pset format unaligned
\pset tuples_only on
\set QUIET off
\set ECHO all
-- Taken in, by the bare path and by the account's; the same event once.
SELECT * FROM public.telnyx('text');
SELECT * FROM public.telnyx('text', '/api/sms/webhook/' || :'telnyx');
SELECT * FROM public.telnyx('text', '/api/sms/webhook/' || :'telnyx' || '/' || gen_random_uuid());
SELECT * FROM public.telnyx('text', '/api/webrtc/webhook/' || :'telnyx');
SELECT provider, event_type, dedup_key, entity_key, state, attempts, octet_length(body) > 100 AS has_body FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business';
-- Refused: unsigned, tampered, with another key, old.  Each is counted, and nothing is stored.
SELECT * FROM public.post('/api/retell/webhook', '{}', '{"event": "call_ended", "call": {"call_id": "c"}}');
SELECT * FROM public.retell('{"event": "call_ended", "call": {"call_id": "c"}}', key => 'retell-2');
SELECT * FROM public.retell('{"event": "call_ended", "call": {"call_id": "c"}}', key => 'retell-3');
SELECT * FROM public.retell('{"event": "call_ended", "call": {"call_id": "c"}}', stamp => '1789999000000');
SELECT reason, refused, day, last_at AT TIME ZONE 'UTC' FROM cloudgreet_private.webhook_refusals WHERE account_id = :'retell' ORDER BY 1;
SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business';
-- A key that is replaced is good until the next one is.
SELECT cloudgreet.set_secret('retell.key', 'retell-2', :'business');
SELECT status FROM public.retell('{"event": "new_kind", "call": {"call_id": "c1"}}', key => 'retell-1');
SELECT status FROM public.retell('{"event": "new_kind", "call": {"call_id": "c1"}}', key => 'retell-2');
SELECT cloudgreet.set_secret('retell.key', 'retell-3', :'business');
SELECT status FROM public.retell('{"event": "new_kind", "call": {"call_id": "c1"}}', key => 'retell-1');
-- Good signatures over what is no event.
SELECT status, body::jsonb ->> 'code' FROM public.retell('{"event": ', key => 'retell-3');
SELECT * FROM public.retell('[]', key => 'retell-3');
SELECT * FROM public.retell('{"name": "x"}', key => 'retell-3');
SELECT * FROM public.retell('', key => 'retell-3');
-- Answered at once, and not stored: an inbound call waits.
SELECT * FROM public.retell('{"event": "call_inbound", "call_inbound": {"from_number": "+12125550171", "to_number": "+12125550170"}}', key => 'retell-3');
-- Accounts: unknown ones, what is no id, another provider's path, two where one is meant.
-- Whose they are, the gate may ask by their path.
SELECT cloudgreet.http_caller('/api/' || path, '{}') = :'business' AS is_of_it FROM unnest(ARRAY['sms/webhook/' || :'telnyx', 'webrtc/webhook/' || :'telnyx' || '/x', 'retell/webhook/' || :'retell', 'sms/webhook', 'sms/webhook/' || :'retell', 'sms/nothing/' || :'telnyx']) path;
SELECT * FROM public.telnyx('text', '/api/sms/webhook/' || gen_random_uuid());
SELECT status FROM public.telnyx('text', '/api/sms/webhook/x');
SELECT status FROM public.telnyx('text', '/api/sms/webhook/' || :'retell');
SELECT status FROM public.post('/api/resend/webhook/' || :'telnyx', '{}', '{}');
SELECT status, substring(head FROM 'Allow: ([^\r]*)') FROM cloudgreet.http('GET', '/api/google/webhook', '{}', '');
SELECT cloudgreet.set_secret('telnyx.key', 'x', :'other') AS a, cloudgreet.set_secret('telnyx.public', 'rubbish', :'other') AS b;
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx.key", "webhook_key": "telnyx.public"}', business_id => :'other') AS neighbour \gset
SELECT * FROM public.telnyx('text');
SELECT status FROM public.telnyx('text', '/api/sms/webhook/' || :'telnyx');
-- One's own key does not open another's path.
SELECT * FROM public.telnyx('text', '/api/sms/webhook/' || :'neighbour');
-- An account goes with its route; one without a webhook key takes nothing.
UPDATE cloudgreet.provider_accounts SET secret_names = '{"api_key": "telnyx.key"}' WHERE id = :'neighbour';
SELECT status FROM public.telnyx('text', '/api/sms/webhook/' || :'neighbour');
SELECT reason, refused FROM cloudgreet_private.webhook_refusals WHERE account_id = :'neighbour' ORDER BY 1;
DELETE FROM cloudgreet.provider_accounts WHERE id = :'neighbour';
SELECT status FROM public.telnyx('text', '/api/sms/webhook/' || :'neighbour');
SELECT status FROM public.telnyx('text');
-- Sizes.
SELECT * FROM public.post('/api/sms/webhook', '{}', repeat('x', 256 * 1024 + 1));
SELECT status FROM public.post('/api/retell/webhook', '{}', repeat('x', 8 * 1024 * 1024 + 1));
SELECT status FROM public.post('/api/retell/webhook', '{}', repeat('x', 1024 * 1024));
-- Google's have no body; their token is not kept.
SELECT * FROM public.post('/api/google/webhook', '{"x-goog-channel-id": "ch", "x-goog-resource-id": "r", "x-goog-channel-token": "a-token", "x-goog-resource-state": "exists", "x-goog-message-number": "7", "authorization": "x"}', '');
SELECT status FROM public.post('/api/google/webhook', '{"x-goog-channel-id": "ch", "x-goog-resource-id": "r", "x-goog-channel-token": "b-token", "x-goog-resource-state": "exists", "x-goog-message-number": "8"}', '');
SELECT event_type, dedup_key, headers FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' AND provider = 'google';

-- Texts: a lead, the text, its place on the timeline; STOP, START, and words of one's own.
SELECT name, status FROM (VALUES ('stop'), ('start'), ('stranger'), ('unhappy')) n (name), public.telnyx(name);
SELECT cloudgreet_private.webhooks_due();
SELECT cloudgreet_private.process_webhooks();
SELECT cloudgreet_private.webhooks_due();
SELECT event_type, entity_key, state, reason, attempts FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' ORDER BY id;
SELECT l.phone, l.source, m.status, m.content, m.opt_word, m.status_at AT TIME ZONE 'UTC' FROM cloudgreet.sms_messages m JOIN cloudgreet.leads l ON l.id = m.lead_id WHERE m.business_id = :'business' ORDER BY m.status_at;
SELECT contact, channel, kind, is_granted, source, evidence, recorded_at AT TIME ZONE 'UTC' FROM cloudgreet.consents WHERE business_id = :'business' ORDER BY recorded_at, kind;
SELECT contact, channel, reason FROM cloudgreet.suppressions WHERE business_id = :'business' ORDER BY 1;
SELECT alert_type, status FROM cloudgreet.alerts WHERE business_id = :'business';
SELECT event_type, subject_type, data FROM cloudgreet.events WHERE business_id = :'business' AND event_type ~ '^(lead|sms)\.' ORDER BY id;
-- A call and its conversation.
SELECT status FROM public.retell('{"event": "call_started", "call": {"call_id": "c9", "call_type": "phone_call", "agent_id": "agent_x", "direction": "inbound", "from_number": "+12125550171", "to_number": "+12125550170", "call_status": "ongoing", "start_timestamp": 1790000000000}}', key => 'retell-3');
SELECT status FROM public.retell('{"event": "call_analyzed", "call": {"call_id": "c9", "call_type": "phone_call", "agent_id": "agent_x", "direction": "inbound", "from_number": "+12125550171", "to_number": "+12125550170", "call_status": "ended", "start_timestamp": 1790000000000, "end_timestamp": 1790000090500, "duration_ms": 90500, "disconnection_reason": "user_hangup", "recording_url": "https://example.com/r.wav", "transcript_object": [{"role": "agent", "content": "Hello \ud83d", "words": []}], "call_analysis": {"call_summary": "A leak.", "user_sentiment": "Positive", "custom_analysis_data": {"urgency": "high"}}}}', key => 'retell-3');
SELECT cloudgreet_private.process_webhooks();
SELECT c.direction, c.status, c.duration, c.disconnection_reason, c.recording_url, l.phone, v.transcript, v.summary, v.sentiment, v.analysis -> 'custom_analysis_data', a.name
  FROM cloudgreet.calls c JOIN cloudgreet.leads l ON l.id = c.lead_id JOIN cloudgreet.agent_conversations v ON v.call_id = c.id JOIN cloudgreet.ai_agents a ON a.id = v.agent_id
 WHERE c.business_id = :'business';
-- E-mails: an unknown one is made, a permanent bounce suppresses, and so does a complaint beside it.
SELECT status FROM public.resend('msg_1', 'email.bounced', '{"bounce": {"type": "Permanent", "subType": "General"}}');
SELECT status FROM public.resend('msg_2', 'email.delivered');
SELECT status FROM public.resend('msg_3', 'email.sent', at => '2026-09-21T14:12:00Z');
SELECT cloudgreet_private.process_webhooks();
SELECT to_address, subject, status, bounce_type, error_code, sent_at AT TIME ZONE 'UTC', delivered_at AT TIME ZONE 'UTC' FROM cloudgreet.emails WHERE business_id = :'business';
SELECT contact, reason FROM cloudgreet.suppressions WHERE business_id = :'business' AND channel = 'email';
SELECT status FROM public.resend('msg_4', 'email.complained', '{"to": ["ann@example.com", "not an address", 7]}');
SELECT cloudgreet_private.process_webhooks();
SELECT m.status, s.reason FROM cloudgreet.emails m, cloudgreet.suppressions s WHERE m.business_id = :'business' AND s.business_id = m.business_id AND s.channel = 'email' ORDER BY 2;
-- One that raises is tried again, then given up; those behind it are processed.
SELECT status FROM public.resend('msg_bad', 'email.sent', at => '2026-13-21T14:12:00Z');
SELECT status FROM public.resend('msg_good', 'email.opened');
SELECT cloudgreet_private.process_webhooks();
SELECT dedup_key, state, attempts, left(reason, 6), next_at AT TIME ZONE 'UTC' FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' AND dedup_key ~ '^msg_(bad|good)' ORDER BY 1;
SELECT cloudgreet_private.process_webhooks();
SET cloudgreet.clock = '2026-09-21 14:13:30Z'; SELECT cloudgreet_private.process_webhooks();
SET cloudgreet.clock = '2026-09-21 14:14:10Z'; SELECT cloudgreet_private.process_webhooks();
SET cloudgreet.clock = '2026-09-21 15:00:00Z'; SELECT cloudgreet_private.process_webhooks();
SET cloudgreet.clock = '2026-09-21 16:00:00Z'; SELECT cloudgreet_private.process_webhooks();
SELECT state, attempts, left(reason, 6) FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' AND dedup_key = 'msg_bad';
-- Admins have it processed again, also one that was not matched; replaying all changes nothing.
SELECT id AS stranger FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' AND state = 'unmatched' \gset
SELECT cloudgreet.add_phone_number('+12125550199', business_id => :'business') IS NOT NULL;
CREATE FUNCTION public.ask(name text, role text, business uuid, arguments jsonb) RETURNS TABLE (status int, body text) LANGUAGE sql AS
$$
    SELECT r.status, convert_from(r.body, 'UTF8')::jsonb ->> 'code' FROM cloudgreet.http('POST', '/rest/v1/rpc/' || name,
        jsonb_build_object('authorization', 'Bearer ' || public.mint(public.claims(business, role, '{"iat": 1790006400, "exp": 1790009999}'), 'a-secret-of-at-least-thirty-two-bytes')),
        convert_to(arguments::text, 'UTF8')) r WHERE r.status <> 204
$$;
SELECT * FROM public.ask('replay_webhook', 'agent', :'business', jsonb_build_object('id', :'stranger'));
SELECT * FROM public.ask('replay_webhook', 'admin', :'other', jsonb_build_object('id', :'stranger'));
SELECT * FROM public.ask('replay_webhook', 'admin', :'business', jsonb_build_object('id', :'other'));
SELECT * FROM public.ask('replay_webhook', 'admin', :'business', jsonb_build_object('id', :'stranger'));
SELECT cloudgreet_private.process_webhooks();
SELECT state FROM cloudgreet_private.webhook_inbox WHERE id = :'stranger';
SELECT md5(string_agg(t::text, '' ORDER BY t::text)) AS before FROM (SELECT to_jsonb(m) - 'updated_at' FROM cloudgreet.sms_messages m UNION ALL SELECT to_jsonb(c) - 'updated_at' FROM cloudgreet.calls c
    UNION ALL SELECT to_jsonb(e) - 'updated_at' FROM cloudgreet.emails e UNION ALL SELECT to_jsonb(e) FROM cloudgreet.events e UNION ALL SELECT to_jsonb(c) FROM cloudgreet.consents c UNION ALL SELECT to_jsonb(s) FROM cloudgreet.suppressions s) x (t) \gset
SELECT count(cloudgreet.replay_webhook(id, business_id)) > 10 AS replayed FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business';
SELECT cloudgreet_private.process_webhooks() > 10 AS processed;
SELECT md5(string_agg(t::text, '' ORDER BY t::text)) = :'before' AS is_same FROM (SELECT to_jsonb(m) - 'updated_at' FROM cloudgreet.sms_messages m UNION ALL SELECT to_jsonb(c) - 'updated_at' FROM cloudgreet.calls c
    UNION ALL SELECT to_jsonb(e) - 'updated_at' FROM cloudgreet.emails e UNION ALL SELECT to_jsonb(e) FROM cloudgreet.events e UNION ALL SELECT to_jsonb(c) FROM cloudgreet.consents c UNION ALL SELECT to_jsonb(s) FROM cloudgreet.suppressions s) x (t);
-- Whatever a provider writes, or somebody who has its key: what is no time, or too long, is not kept, and raises nothing.
CREATE TEMP TABLE odd (place text[], value jsonb);
INSERT INTO odd SELECT p.place::text[], to_jsonb(v.value)
  FROM unnest('{"{data,occurred_at}","{data,payload,start_time}","{data,payload,end_time}","{created_at}","{data,payload,sent_at}","{data,payload,received_at}"}'::text[]) AS p (place),
       unnest(ARRAY['2026-19-09T15:00:00Z', '2026-02-29T15:00:00Z', '2028-02-29T15:00:00Z', '2026-04-31T15:00:00Z', '2026-06-00T15:00:00Z', '2026-06-09T25:00:00Z', '2026-06-09T15:00:61Z',
                    '2026-06-09T15:00:00+99:99', '2026-06-09T15:00:00.' || repeat('1', 300) || 'Z', '1000-01-01T00:00:00Z', '2999-12-31T23:59:59Z']) AS v (value);
INSERT INTO odd SELECT ARRAY['data', 'payload', k.name], to_jsonb((SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n))
  FROM unnest('{call_control_id,call_leg_id,from,to,hangup_cause}'::text[]) AS k (name);
INSERT INTO odd SELECT ARRAY['call', k.name], v.value::jsonb
  FROM unnest('{start_timestamp,end_timestamp,duration_ms}'::text[]) AS k (name), unnest('{0,-1,1e-400,1e400,32503680000000,99999999999999999999,"\"x\""}'::text[]) AS v (value);
INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body)
SELECT :'business', CASE e.provider WHEN 'telnyx' THEN :'telnyx'::uuid WHEN 'retell' THEN :'retell'::uuid ELSE :'resend'::uuid END, e.provider, e.type,
       'odd ' || e.type || row_number() OVER (), 'odd ' || row_number() OVER (), '{}', convert_to(jsonb_set(e.event, o.place, o.value)::text, 'UTF8')
  FROM odd o JOIN (VALUES
       ('telnyx', 'call.answered', '{"data": {"event_type": "call.answered", "occurred_at": "2026-06-09T15:02:11Z", "payload": {"call_control_id": "c", "call_leg_id": "l", "from": "+12125550171", "to": "+12125550170", "direction": "incoming"}}}'::jsonb),
       ('telnyx', 'call.hangup', '{"data": {"event_type": "call.hangup", "occurred_at": "2026-06-09T15:02:11Z", "payload": {"call_control_id": "c", "call_leg_id": "l", "from": "+12125550171", "to": "+12125550170", "direction": "incoming", "hangup_cause": "x"}}}'),
       ('telnyx', 'message.received', '{"data": {"event_type": "message.received", "occurred_at": "2026-06-09T15:02:11Z", "payload": {"text": "odd", "from": {"phone_number": "+12125550171"}, "to": [{"phone_number": "+12125550170"}]}}}'),
       ('telnyx', 'message.finalized', '{"data": {"event_type": "message.finalized", "occurred_at": "2026-06-09T15:02:11Z", "payload": {"from": {"phone_number": "+12125550170"}, "to": [{"phone_number": "+12125550171", "status": "delivered"}]}}}'),
       ('retell', 'call_analyzed', '{"event": "call_analyzed", "call": {"direction": "inbound", "from_number": "+12125550171", "to_number": "+12125550170", "start_timestamp": 1781020000000, "end_timestamp": 1781020060000}}'),
       ('resend', 'email.delivered', '{"type": "email.delivered", "created_at": "2026-06-09T15:02:11Z", "data": {"email_id": "odd", "from": "us@example.com", "to": ["ann@example.com"], "subject": "x"}}')) AS e (provider, type, event)
    ON e.event #> o.place[: cardinality(o.place) - 1] IS NOT NULL;
SELECT cloudgreet_private.process_webhooks(1000) > 100 AS processed;
SELECT provider, state, reason, count(*) > 10 AS many FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business' AND dedup_key ~ '^odd' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT min(duration) AS shortest, max(duration) AS longest, max(length(provider_state::text)) < 1500 AS is_short FROM cloudgreet.calls WHERE business_id = :'business';
-- What is known of old ones goes.
SET cloudgreet.clock = '2026-12-01Z'; SELECT cloudgreet_private.prune_webhooks() > 10 AS pruned;

\set ECHO none
\set QUIET on
DROP FUNCTION public.ask(text, text, uuid, jsonb), public.post(text, jsonb, text), public.telnyx(text, text), public.retell(text, text, text, text), public.resend(text, text, jsonb, text);
DROP FUNCTION public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet_private.webhook_inbox WHERE business_id = :'business';
DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
INSERT INTO cloudgreet_private.account_routes SELECT * FROM others;
RESET cloudgreet.clock;
\i test/lib/drop_master_key.sql
