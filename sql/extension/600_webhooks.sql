/*
 * 600_webhooks.sql
 *		Judging and reading what providers send; the rest is sql/api/400 to 490.
 */
CREATE FUNCTION cloudgreet.verify_webhook(provider text, headers jsonb, body bytea, keys text[], at timestamptz) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_verify_webhook';
COMMENT ON FUNCTION cloudgreet.verify_webhook(text, jsonb, bytea, text[], timestamptz) IS
    'Whether a webhook was signed by its provider (telnyx, retell, resend, google) with one of the keys, at most 5 minutes before or after a time. Headers: an object, names in any case. Keys: the public key in base64 (Telnyx), the API key (Retell), "whsec_" and base64 (Resend), the channel''s token, or its id, resource id and token with blanks between (Google). False for anything malformed or NULL; error 22023 for a provider that is not known.';

CREATE FUNCTION cloudgreet.parse_webhook(body bytea) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_parse_webhook';
COMMENT ON FUNCTION cloudgreet.parse_webhook(bytea) IS
    'For process_webhooks(): a body as JSON, with U+FFFD for escapes that stand for no character; NULL when it is no object in UTF-8. Error 22P02 for what is no JSON.';

CREATE FUNCTION cloudgreet.secret_fault(
    business_id uuid, name text, version integer, key_id text, nonce bytea, ciphertext bytea, provider text, use text)
    RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_secret_fault';
COMMENT ON FUNCTION cloudgreet.secret_fault(uuid, text, integer, text, bytea, bytea, text, text) IS
    'For doctor(): why a row of cloudgreet_private.secrets cannot be what a provider''s account uses it as (api_key, webhook_key), or NULL. It says nothing of the value. Superusers only. Errors ZG108, ZG109 without a usable key.';
