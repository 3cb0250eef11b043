/*
 * inbound.sql
 *		For inbound.sh: two businesses, and functions that store events as if received.
 *		Prints the accounts at which the two are reached.
 */
SELECT cloudgreet.create_business('Flooding', 'America/Chicago') AS a, cloudgreet.create_business('Waiting', 'America/Chicago') AS b \gset
SELECT cloudgreet.add_phone_number('+13125550100', business_id => :'a'), cloudgreet.add_phone_number('+13125550150', business_id => :'b'),
       cloudgreet.create_agent('Front desk', business_id => :'a'), cloudgreet.create_agent('Front desk', business_id => :'b') \g /dev/null
SELECT cloudgreet.set_secret('telnyx', :'key', :'a'), cloudgreet.set_secret('retell', 'key_of_retell', :'a'),
       cloudgreet.set_secret('retell', 'key_of_retell', :'b'), cloudgreet.set_secret('resend', 'whsec_c2VjcmV0LW9mLXJlc2VuZA==', :'a') \g /dev/null
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx", "webhook_key": "telnyx"}', business_id => :'a') AS telnyx,
       cloudgreet.connect_provider('resend', '{"api_key": "resend", "webhook_key": "resend"}', business_id => :'a') AS resend,
       cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => :'a') AS retell,
       cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => :'b') AS retell_b \gset

CREATE TABLE public.accounts AS SELECT :'a'::uuid AS business, :'telnyx'::uuid AS telnyx, :'resend'::uuid AS resend, :'retell'::uuid AS retell;

CREATE FUNCTION public.store(name text, provider text, account uuid, type text, entity text, body jsonb) RETURNS void LANGUAGE sql AS
$$
    INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body, next_at)
    SELECT business, account, provider, type, name, entity, '{}', convert_to(body::text, 'UTF8'), now() + interval '1 hour' FROM public.accounts;
$$;

-- Half receipts of texts, half events of e-mails, of messages that were sent.
CREATE FUNCTION public.message_events(n integer) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO cloudgreet.sms_messages (business_id, direction, from_number, to_number, content, status, provider, provider_message_id)
    SELECT business, 'outbound', '+13125550100', '+13125550199', 'x', 'sent', 'telnyx', 'receipt-' || i FROM public.accounts, generate_series(1, n / 2) i;
    INSERT INTO cloudgreet.emails (business_id, from_address, to_address, subject, content, status, provider, provider_email_id)
    SELECT business, 'us@example.com', 'ann@example.org', 'x', 'x', 'sent', 'resend', 'mail-' || i FROM public.accounts, generate_series(1, n / 2) i;
    PERFORM public.store('message_events t' || i, 'telnyx', telnyx, 'message.finalized', 'receipt-' || i,
                jsonb_build_object('data', jsonb_build_object('event_type', 'message.finalized', 'id', i, 'occurred_at', '2026-06-09T15:00:00Z', 'payload',
                    jsonb_build_object('id', 'receipt-' || i, 'from', '{"phone_number": "+13125550100"}'::jsonb, 'parts', 1, 'text', 'Your appointment is on Tuesday.',
                        'to', '[{"phone_number": "+13125550199", "status": "delivered"}]'::jsonb, 'completed_at', '2026-06-09T15:00:00Z')))),
            public.store('message_events r' || i, 'resend', resend, 'email.delivered', 'mail-' || i,
                jsonb_build_object('type', 'email.delivered', 'created_at', '2026-06-09T15:00:00Z', 'data',
                    jsonb_build_object('email_id', 'mail-' || i, 'from', 'us@example.com', 'to', '["ann@example.org"]'::jsonb, 'subject', 'x')))
       FROM public.accounts, generate_series(1, n / 2) i;
END
$$;

-- Whole calls: four events of Telnyx, three of Retell with a transcript of forty turns.
CREATE FUNCTION public.call_events(n integer) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    said CONSTANT jsonb := (SELECT jsonb_agg(jsonb_build_object('role', CASE t % 2 WHEN 0 THEN 'agent' ELSE 'user' END, 'content', 'The roof leaks above the kitchen, number ' || t,
        'words', (SELECT jsonb_agg(jsonb_build_object('word', 'w' || w, 'start', w, 'end', w + 1)) FROM generate_series(1, 8) w))) FROM generate_series(1, 40) t);
    run CONSTANT text := pg_catalog.gen_random_uuid();
BEGIN
    PERFORM CASE WHEN e.i % 8 < 4 THEN
                public.store('call_events ' || run || e.i, 'telnyx', telnyx, kind, session,
                    jsonb_build_object('data', jsonb_build_object('event_type', kind, 'id', e.i, 'occurred_at', '2026-06-09T15:00:00Z', 'payload', jsonb_build_object(
                        'call_control_id', session, 'call_leg_id', 'leg ' || session, 'call_session_id', session, 'from', caller, 'to', '+13125550100', 'direction', 'incoming',
                        'start_time', '2026-06-09T15:00:00Z', 'hangup_cause', 'normal_clearing', 'recording_started_at', '2026-06-09T15:00:00Z', 'recording_urls', '{"mp3": "https://example.com/y.mp3"}'::jsonb))))
            ELSE
                public.store('call_events ' || run || e.i, 'retell', retell, kind, session, jsonb_build_object('event', kind, 'call', jsonb_build_object(
                    'call_id', session, 'call_type', 'phone_call', 'agent_id', 'agent_7', 'direction', 'inbound', 'from_number', caller, 'to_number', '+13125550100',
                    'start_timestamp', 1781017331104, 'end_timestamp', 1781017481009, 'duration_ms', 149905, 'disconnection_reason', 'user_hangup', 'call_status', 'ended')
                    || CASE WHEN kind <> 'call_started' THEN jsonb_build_object('transcript_object', said) ELSE '{}' END
                    || CASE WHEN kind = 'call_analyzed' THEN '{"call_analysis": {"call_summary": "A leak.", "user_sentiment": "Neutral", "custom_analysis_data": {"urgency": "high"}}}' ELSE '{}' END::jsonb))
            END
       FROM (SELECT i, run || '-' || i / 4 AS session, '+1415555' || (1000 + i / 8 % 9000) AS caller,
                    CASE WHEN i % 8 < 4 THEN (ARRAY['call.initiated', 'call.answered', 'call.hangup', 'call.recording.saved'])[i % 4 + 1]
                         ELSE (ARRAY['call_started', 'call_ended', 'call_analyzed', 'call_analyzed'])[i % 4 + 1] END AS kind
               FROM generate_series(1, n) i) e, public.accounts;
END
$$;
\echo telnyx :telnyx
\echo retell :retell_b
