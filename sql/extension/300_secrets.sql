/*
 * 300_secrets.sql
 *		Sealing, and a check; what is sealed is kept by sql/api/210_secrets.sql.
 */
CREATE FUNCTION cloudgreet.seal_secret(
    business_id uuid, name text, version integer, value text,
    OUT key_id text, OUT nonce bytea, OUT ciphertext bytea, OUT last_four text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_seal_secret';
COMMENT ON FUNCTION cloudgreet.seal_secret(uuid, text, integer, text) IS
    'For set_secret(): AES-256-GCM with the master key, bound to business, name and version. Errors ZG108, ZG109 without a usable key, 54000 above 64 KiB.';

CREATE FUNCTION cloudgreet.seal_jwt_key(
    kid text, value text,
    OUT key_id text, OUT nonce bytea, OUT ciphertext bytea, OUT last_four text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_seal_jwt_key';
COMMENT ON FUNCTION cloudgreet.seal_jwt_key(text, text) IS
    'For add_jwt_key(): as seal_secret(), bound to the key''s kid.';

CREATE FUNCTION cloudgreet.master_key_status(OUT key_id text, OUT fault text, OUT reason text)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_master_key_status';
COMMENT ON FUNCTION cloudgreet.master_key_status() IS
    'Which master key is in use, or why none is: fault is unnamed, missing, owner, mode, unreadable or content. Superusers only.';

CREATE FUNCTION cloudgreet.secret_opens(
    business_id uuid, name text, version integer, key_id text, nonce bytea, ciphertext bytea)
    RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_secret_opens';
COMMENT ON FUNCTION cloudgreet.secret_opens(uuid, text, integer, text, bytea, bytea) IS
    'Whether a row of cloudgreet_private.secrets can be opened with the configured master key: it was sealed with it, for this business, name and version, and is undamaged. Superusers only. Errors ZG108, ZG109 without a usable key.';

CREATE FUNCTION cloudgreet.jwt_key_fault(kid text, key_id text, nonce bytea, ciphertext bytea) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_jwt_key_fault';
COMMENT ON FUNCTION cloudgreet.jwt_key_fault(text, text, bytea, bytea) IS
    'For doctor(): why a row of cloudgreet_private.jwt_keys cannot be used (it does not open, it is shorter than 32 bytes), or NULL. Superusers only. Errors ZG108, ZG109 without a usable key.';
