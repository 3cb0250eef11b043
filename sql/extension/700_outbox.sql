/*
 * 700_outbox.sql
 *		What texts are counted by, what wakes the workers when a transaction commits, and the
 *		dispatcher's statements by themselves.
 */
CREATE FUNCTION cloudgreet.sms_segments(content text, OUT encoding text, OUT units integer, OUT segments integer)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_sms_segments';
COMMENT ON FUNCTION cloudgreet.sms_segments(text) IS
    'The parts that a text is sent in: encoding GSM-7 (160 units, or 153 in each of several parts; the extension table counts twice) or UCS-2 (70, or 67; what is beyond U+FFFF counts twice), units in all, and segments. Pairs are not split between parts.';

CREATE FUNCTION cloudgreet.fill_template(template text, names text[], vals text[]) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_fill_template';
COMMENT ON FUNCTION cloudgreet.fill_template(text, text[], text[]) IS
    'A template with its {{variables}} put in, once for each group of as many values as there are names, without blanks around it; a variable that is not among the names, or is NULL, becomes nothing. Errors: 22023 for a group that is not whole, 54000 for more than 1000 texts.';

CREATE FUNCTION cloudgreet.is_plain_template(template text, names text[]) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_plain_template';
COMMENT ON FUNCTION cloudgreet.is_plain_template(text, text[]) IS
    'Whether a template has no variable but of the names, and else no sign with which any system writes variables.';

CREATE FUNCTION cloudgreet.request_destination(url text, headers text[]) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_request_destination';
COMMENT ON FUNCTION cloudgreet.request_destination(text, text[]) IS
    'The host and port that a request of enqueue_request() goes to. Error 22023 for a URL that none goes to, and for headers that are malformed or belong to the client.';

CREATE FUNCTION cloudgreet.outbox_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_outbox_handoff';
COMMENT ON FUNCTION cloudgreet.outbox_handoff() IS
    'Trigger of the outbox: hands a new row to the dispatcher once the transaction has committed, and has that commit flushed. A transaction that enqueued cannot be prepared (0A000).';

CREATE FUNCTION cloudgreet.due_work_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_due_work_handoff';
COMMENT ON FUNCTION cloudgreet.due_work_handoff() IS
    'Trigger of due_work: wakes the processor once the transaction has committed, when it planned something earlier than what that waits for.';

CREATE FUNCTION cloudgreet.webhook_handoff() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_webhook_handoff';
COMMENT ON FUNCTION cloudgreet.webhook_handoff() IS
    'Trigger of the inbox: wakes the processor of webhooks once the transaction has committed.';

CREATE FUNCTION cloudgreet.wake_workers() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_wake_workers';
COMMENT ON FUNCTION cloudgreet.wake_workers() IS
    'Has the workers of the database look for what is due, once the transaction has committed.';

CREATE FUNCTION cloudgreet.outbox_claim(business_ids uuid[], ids uuid[]) RETURNS TABLE (id uuid, verdict text)
    LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'cg_sql_outbox_claim';
COMMENT ON FUNCTION cloudgreet.outbox_claim(uuid[], uuid[]) IS
    'Claims requests by the statement of the dispatcher, sends nothing, and returns what it says of each: send, hold, wait, locked, refuse; none for one that is not due or is locked. For superusers, and tests.';

CREATE FUNCTION cloudgreet.outbox_settle(business_id uuid, id uuid, attempt integer, outcome text, provider_id text DEFAULT '') RETURNS boolean
    LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'cg_sql_outbox_settle';
COMMENT ON FUNCTION cloudgreet.outbox_settle(uuid, uuid, integer, text, text) IS
    'Records an answer (done, retry, unknown, dead) by the statement of the dispatcher: true when that is done, false while another has locked what it is about, NULL when it is for outbox_settle_one(). For superusers, and tests.';

CREATE FUNCTION cloudgreet.outbox_statements() RETURNS TABLE (name text, statement text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_outbox_statements';
COMMENT ON FUNCTION cloudgreet.outbox_statements() IS
    'The statements that workers run as cloudgreet_worker, for the rights of which that role is granted its own. For superusers.';
