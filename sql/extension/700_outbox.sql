/*
 * 700_outbox.sql
 *		What texts are counted by, and what wakes the workers when a transaction commits.
 */
CREATE FUNCTION cloudgreet.sms_segments(content text, OUT encoding text, OUT units integer, OUT segments integer)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_sms_segments';
COMMENT ON FUNCTION cloudgreet.sms_segments(text) IS
    'The parts that a text is sent in: encoding GSM-7 (160 units, or 153 in each of several parts; the extension table counts twice) or UCS-2 (70, or 67; what is beyond U+FFFF counts twice), units in all, and segments. Pairs are not split between parts.';

CREATE FUNCTION cloudgreet.outbox_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_outbox_handoff';
COMMENT ON FUNCTION cloudgreet.outbox_handoff() IS
    'Trigger of the outbox: hands a new row to the dispatcher once the transaction has committed, and has that commit flushed. A transaction that enqueued cannot be prepared (0A000).';

CREATE FUNCTION cloudgreet.webhook_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_webhook_handoff';
COMMENT ON FUNCTION cloudgreet.webhook_handoff() IS
    'Trigger of the inbox: wakes the processor of webhooks once the transaction has committed.';

CREATE FUNCTION cloudgreet.wake_workers() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_wake_workers';
COMMENT ON FUNCTION cloudgreet.wake_workers() IS
    'Has the workers of the database look for what is due, once the transaction has committed.';
