/*
 * 840_worker_grants.sql
 *		What the role of the workers may do: what their statements need, column by column.
 *
 * cloudgreet_worker passes row security by, since a batch is of many businesses.  It cannot
 * log in, has no members, owns nothing and may call no function that runs with the rights
 * of another.  Its statements are the constants of src/outbound/statements.c, which join on
 * (business_id, id); test/sql/hygiene.sql takes each of these grants away and sees whether
 * one of them fails.
 */
GRANT SELECT, DELETE, UPDATE (state, waits, attempts, failures, next_at, reason, first_sent_at) ON cloudgreet_private.outbox TO cloudgreet_worker;
GRANT INSERT (business_id, id, account_id, provider, operation, idempotency, channel, contact, subject_type, subject_id, state, attempts, deadline_at,
              first_sent_at, retry_of, created_at, finished_at, http_status, provider_id, target, response) ON cloudgreet_private.outbox_history TO cloudgreet_worker;
GRANT INSERT (business_id, outbox_id, attempt, outcome, http_status, error_code, duration_ms, response) ON cloudgreet_private.outbox_attempts TO cloudgreet_worker;
GRANT SELECT (business_id, id, status, settings, secret_names) ON cloudgreet.provider_accounts TO cloudgreet_worker;
GRANT SELECT ON cloudgreet_private.secrets TO cloudgreet_worker;
GRANT SELECT (business_id, contact, channel) ON cloudgreet.suppressions TO cloudgreet_worker;
GRANT SELECT (business_id, message_id, revoked_at, reminder_id) ON cloudgreet_private.message_causes TO cloudgreet_worker;
GRANT SELECT (business_id, id, status), UPDATE (status, sent_at) ON cloudgreet.appointment_reminders TO cloudgreet_worker;
GRANT SELECT (business_id, id, lead_id, status, status_at, error_code, provider, provider_message_id, sent_at),
      UPDATE (status, status_at, error_code, provider, provider_message_id, sent_at) ON cloudgreet.sms_messages TO cloudgreet_worker;
GRANT SELECT (business_id, id, lead_id, status, status_at, error_code, provider, provider_email_id, sent_at),
      UPDATE (status, status_at, error_code, provider, provider_email_id, sent_at) ON cloudgreet.emails TO cloudgreet_worker;
-- What upkeep takes away; a lock on a row needs the right to write something of it.
GRANT SELECT (business_id, operation, key, created_at), DELETE, UPDATE (created_at) ON cloudgreet_private.idempotency_keys TO cloudgreet_worker;
GRANT SELECT (cause_id), DELETE, UPDATE (revoked_at) ON cloudgreet_private.message_causes TO cloudgreet_worker;
GRANT SELECT (business_id, id, scheduled_date) ON cloudgreet.appointments TO cloudgreet_worker;
GRANT SELECT (business_id, id, state, ends_at), DELETE, UPDATE (expires_at) ON cloudgreet.appointment_allocations TO cloudgreet_worker;
GRANT INSERT (business_id, event_type, subject_type, subject_id, lead_id, data) ON cloudgreet.events TO cloudgreet_worker;
