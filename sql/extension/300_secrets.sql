/*
 * 300_secrets.sql
 *		Sealing; what is sealed is kept by sql/api/210_secrets.sql.
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
