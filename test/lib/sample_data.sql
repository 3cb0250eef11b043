/*
 * sample_data.sql
 *		Two businesses, A and B, with at least one row in every table.
 *
 * Run by a superuser after migrate().  All ids of A begin with aaaaaaaa, of B with
 * bbbbbbbb; every text of A holds CANARY-A, of B CANARY-B, where the column lets it.
 */
DO $sample$
DECLARE
    letter text;
    b uuid;
    i uuid; -- the id of every row: one a table, so that rows can refer to each other
    canary text;
    phone text;
    mail text;
BEGIN
    FOREACH letter IN ARRAY ARRAY['a', 'b'] LOOP
        b := (repeat(letter, 8) || '-0000-7000-8000-000000000001')::uuid;
        i := (repeat(letter, 8) || '-0000-7000-8000-000000000002')::uuid;
        canary := 'CANARY-' || upper(letter);
        phone := CASE letter WHEN 'a' THEN '+12125550101' ELSE '+12125550102' END;
        mail := 'canary-' || letter || '@example.com';

        INSERT INTO cloudgreet.businesses (id, name, time_zone) VALUES (b, canary, 'America/New_York');
        INSERT INTO cloudgreet.users (business_id, id, email, name, role) VALUES (b, i, mail, canary, 'admin');
        INSERT INTO cloudgreet.provider_accounts (business_id, id, provider, name) VALUES (b, i, 'telnyx', canary);
        INSERT INTO cloudgreet.ai_agents (business_id, id, name) VALUES (b, i, canary);
        INSERT INTO cloudgreet.phone_numbers (business_id, id, phone_number, label, provider_account_id, agent_id) VALUES (b, i, phone, canary, i, i);
        INSERT INTO cloudgreet.api_keys (business_id, id, name, key_hash, last_four) VALUES (b, i, canary, sha256(letter::bytea), letter);
        INSERT INTO cloudgreet_private.api_key_routes (key_hash, business_id) VALUES (sha256(letter::bytea), b);
        INSERT INTO cloudgreet.feature_flags (business_id, id, name, is_enabled) VALUES (b, i, 'new_thing', true);
        INSERT INTO cloudgreet.leads (business_id, id, phone, name, email, source, notes, owner_id) VALUES (b, i, phone, canary, mail, 'call', canary, i);
        INSERT INTO cloudgreet.calls (business_id, id, lead_id, agent_id, direction, from_number, to_number, provider, provider_call_id) VALUES (b, i, i, i, 'inbound', phone, phone, 'retell', canary);
        INSERT INTO cloudgreet.agent_conversations (business_id, id, agent_id, lead_id, call_id, summary) VALUES (b, i, i, i, i, canary);
        INSERT INTO cloudgreet.sms_messages (business_id, id, lead_id, direction, content) VALUES (b, i, i, 'inbound', canary);
        INSERT INTO cloudgreet.emails (business_id, id, lead_id, to_address, subject, content) VALUES (b, i, i, mail, canary, canary);
        INSERT INTO cloudgreet.services (business_id, id, name, duration_minutes) VALUES (b, i, canary, 60);
        INSERT INTO cloudgreet.staff (business_id, id, user_id, name, time_zone) VALUES (b, i, i, canary, 'America/New_York');
        INSERT INTO cloudgreet.service_staff (business_id, service_id, staff_id) VALUES (b, i, i);
        INSERT INTO cloudgreet.working_hours (business_id, id, staff_id, weekday, starts, ends) VALUES (b, i, i, 1, '09:00', '17:00');
        INSERT INTO cloudgreet.schedule_overrides (business_id, id, staff_id, local_date) VALUES (b, i, i, '2026-12-25');
        INSERT INTO cloudgreet.time_off (business_id, id, staff_id, starts_at, ends_at, reason) VALUES (b, i, i, '2026-12-28Z', '2026-12-29Z', canary);
        INSERT INTO cloudgreet.appointments (business_id, id, lead_id, service_id, staff_id, call_id, scheduled_date, ends_at, time_zone, status, notes) VALUES (b, i, i, i, i, i, '2026-12-01 15:00Z', '2026-12-01 16:00Z', 'America/New_York', 'completed', canary);
        INSERT INTO cloudgreet.appointment_allocations (business_id, id, appointment_id, staff_id, starts_at, ends_at, blocks, state) VALUES (b, i, i, i, '2026-12-01 15:00Z', '2026-12-01 16:00Z', '[2026-12-01 15:00Z, 2026-12-01 16:00Z)', 'booked');
        INSERT INTO cloudgreet.appointment_reminders (business_id, id, appointment_id, type, channel, due_at) VALUES (b, i, i, '24h', 'sms', '2026-11-30 15:00Z');
        INSERT INTO cloudgreet.calendar_connections (business_id, id, staff_id, provider_account_id, calendar_id) VALUES (b, i, i, i, canary);
        INSERT INTO cloudgreet.busy_blocks (business_id, id, staff_id, calendar_connection_id, external_event_id, starts_at, ends_at) VALUES (b, i, i, i, canary, '2026-12-02Z', '2026-12-03Z');
        INSERT INTO cloudgreet.message_templates (business_id, id, name, channel, content) VALUES (b, i, 'follow_up', 'sms', canary);
        INSERT INTO cloudgreet.sequences (business_id, id, name) VALUES (b, i, canary);
        INSERT INTO cloudgreet.sequence_steps (business_id, id, sequence_id, position, delay_minutes, channel, template_id) VALUES (b, i, i, 1, 60, 'sms', i);
        INSERT INTO cloudgreet.sequence_enrollments (business_id, id, sequence_id, lead_id, next_due_at) VALUES (b, i, i, i, '2026-12-05Z');
        INSERT INTO cloudgreet.consents (business_id, id, lead_id, contact, channel, kind, is_granted, source) VALUES (b, i, i, phone, 'sms', 'transactional', true, canary);
        INSERT INTO cloudgreet.suppressions (business_id, id, contact, channel, reason) VALUES (b, i, mail, 'email', 'bounce');
        INSERT INTO cloudgreet.scoring_models (business_id, id, version, weights) VALUES (b, i, 1, jsonb_build_object('terms', jsonb_build_array(jsonb_build_object('feature', canary, 'weight', 1))));
        INSERT INTO cloudgreet.scoring_rules (business_id, id, version, rules) VALUES (b, i, 1, jsonb_build_array(jsonb_build_object('feature', canary, 'known', true, 'points', 1)));
        INSERT INTO cloudgreet.lead_qualification (business_id, id, lead_id, score, grade, notes, model_id, rules_id) VALUES (b, i, i, 80, 'A', canary, i, i);
        INSERT INTO cloudgreet.lead_outcomes (business_id, id, lead_id, outcome) VALUES (b, i, i, 'booked');
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, data) VALUES (b, 'lead.created', 'lead', i, i, jsonb_build_object('note', canary));
        INSERT INTO cloudgreet.audit_log (business_id, action, subject_type, data) VALUES (b, 'user.added', 'user', jsonb_build_object('note', canary));
        INSERT INTO cloudgreet.alerts (business_id, id, alert_type, message) VALUES (b, i, 'provider_broken', canary);
        INSERT INTO cloudgreet_private.secrets (business_id, name, version, key_id, nonce, ciphertext, last_four) VALUES (b, canary, 1, '00000000', '\x00', '\x00', '');
        INSERT INTO cloudgreet_private.idempotency_keys (business_id, operation, key, request_hash, result_id) VALUES (b, 'send_sms', canary, '\x00', i);
        INSERT INTO cloudgreet_private.outbox (business_id, account_id, provider, operation, idempotency, subject_type, subject_id, body, state, deadline_at)
        VALUES (b, i, 'telnyx', 'send_sms', 'none', 'sms_message', i, canary::bytea, 'held', '2026-12-01Z');
        INSERT INTO cloudgreet_private.outbox_history (business_id, id, account_id, provider, operation, idempotency, subject_type, subject_id, state, attempts, deadline_at, created_at, finished_at, reason)
        VALUES (b, cloudgreet.uuid_v7(), i, 'telnyx', 'send_sms', 'none', 'sms_message', i, 'done', 1, '2026-12-01Z', '2026-12-01Z', '2026-12-01Z', canary);
        INSERT INTO cloudgreet_private.account_releases (business_id, account_id) VALUES (b, i);
        INSERT INTO cloudgreet_private.outbox_changes (business_id, account_id, provider, state, hour, change) VALUES (b, i, 'telnyx', canary, '-infinity', 1);
        INSERT INTO cloudgreet_private.outbox_counts (business_id, account_id, provider, state, hour, requests) VALUES (b, i, 'telnyx', canary, '-infinity', 1);
        INSERT INTO cloudgreet_private.outbox_attempts (business_id, outbox_id, attempt, outcome, duration_ms) VALUES (b, i, 1, 'done', 1);
        INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at) VALUES (b, 'enrollment', i, '2099-12-01Z');
        INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id) VALUES (b, i, 'appointment', i);
        INSERT INTO cloudgreet_private.opt_lifts (business_id, contact, channel, lifted_at) VALUES (b, phone, 'sms', '2026-12-01Z');
        INSERT INTO cloudgreet_private.entity_locks (business_id, entity_key) VALUES (b, canary);
        INSERT INTO cloudgreet_private.webhook_seen (account_id, dedup_key) VALUES (i, canary);
        INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, headers, body) VALUES (b, i, 'telnyx', 'message.received', canary, '{}', canary::bytea);
        INSERT INTO cloudgreet_private.webhook_refusals (account_id, day, reason, refused, last_at) VALUES (i, '2026-12-01', 'stale', 1, '2026-12-01Z');
    END LOOP;
END
$sample$;
