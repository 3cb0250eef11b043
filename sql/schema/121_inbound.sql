/*
 * 121_inbound.sql
 *		The index by which businesses take turns at having their webhooks processed.
 */
CREATE INDEX webhook_inbox_turns ON cloudgreet_private.webhook_inbox (business_id, next_at, id) WHERE state = 'pending';
