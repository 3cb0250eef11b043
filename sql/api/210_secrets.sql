/*
 * 210_secrets.sql
 *		Storing secrets and token keys.  They go in and never come out in SQL.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.check_secret_name(name text, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF name IS NULL OR name !~ '^[A-Za-z0-9._-]{1,100}$' THEN
        RAISE EXCEPTION '% is invalid', what
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Use 1 to 100 letters, digits, dots, underscores and hyphens.';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_secret_name(text, text) IS
    'Error 22023 unless the name of a secret or key is made of letters, digits, dots, underscores and hyphens.';

CREATE OR REPLACE FUNCTION cloudgreet.set_secret(name text, value text, business_id uuid DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('set_secret', set_secret.business_id);
    new_version integer;
BEGIN
    PERFORM cloudgreet_private.check_secret_name(set_secret.name, 'name of the secret');
    IF coalesce(set_secret.value, '') = '' THEN
        RAISE EXCEPTION 'secret must not be empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet.enter_business(business);

    PERFORM cloudgreet_private.require_business(business);
    -- The business's row keeps two writers of one name apart.
    PERFORM FROM cloudgreet.businesses b WHERE b.id = business FOR NO KEY UPDATE;
    SELECT coalesce(max(s.version), 0) + 1 INTO new_version
      FROM cloudgreet_private.secrets s
     WHERE s.business_id = business AND s.name = set_secret.name;

    INSERT INTO cloudgreet_private.secrets (business_id, name, version, key_id, nonce, ciphertext, last_four)
    SELECT business, set_secret.name, new_version, sealed.key_id, sealed.nonce, sealed.ciphertext, sealed.last_four
      FROM cloudgreet.seal_secret(business, set_secret.name, new_version, set_secret.value) sealed;
    -- One earlier version stays for requests under way and for a rotation's overlap.
    DELETE FROM cloudgreet_private.secrets s
     WHERE s.business_id = business AND s.name = set_secret.name AND s.version < new_version - 1;
    RETURN new_version;
END
$$;
COMMENT ON FUNCTION cloudgreet.set_secret(text, text, uuid) IS
    'Stores a secret of a business, encrypted, and returns its version. Admins, or operators naming the business. It cannot be read back. Errors: 22023 for a bad name or an empty value, 54000 above 64 KiB, ZG108 and ZG109 without a usable master key.';

CREATE OR REPLACE FUNCTION cloudgreet.delete_secret(name text, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('delete_secret', delete_secret.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    DELETE FROM cloudgreet_private.secrets s WHERE s.business_id = business AND s.name = delete_secret.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'secret "%" does not exist', left(delete_secret.name, 100) USING ERRCODE = 'ZG111';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.delete_secret(text, uuid) IS
    'Deletes a secret with all its versions. Admins, or operators naming the business. Error ZG111 when there is none of that name.';

CREATE OR REPLACE FUNCTION cloudgreet.list_secrets(business_id uuid DEFAULT NULL)
    RETURNS TABLE (name text, version integer, last_four text, created_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('list_secrets', list_secrets.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    RETURN QUERY
        SELECT DISTINCT ON (s.name) s.name, s.version, s.last_four, s.created_at
          FROM cloudgreet_private.secrets s
         WHERE s.business_id = business
         ORDER BY s.name, s.version DESC;
END
$$;
COMMENT ON FUNCTION cloudgreet.list_secrets(uuid) IS
    'The names of a business''s secrets with version and last four characters (of long secrets only); never a value. Admins, or operators naming the business.';

CREATE OR REPLACE FUNCTION cloudgreet.add_jwt_key(kid text, secret text, algorithm text DEFAULT 'HS256') RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.check_secret_name(add_jwt_key.kid, 'kid of the key');
    IF add_jwt_key.algorithm IS DISTINCT FROM 'HS256' THEN
        -- It is not quoted: it may be the secret, given in the wrong place.
        RAISE EXCEPTION 'algorithm is not supported' USING ERRCODE = 'invalid_parameter_value', HINT = 'Use HS256.';
    END IF;
    -- RFC 7518 section 3.2: a key at least as long as the hash.
    IF coalesce(octet_length(add_jwt_key.secret), 0) < 32 THEN
        RAISE EXCEPTION 'secret of an HS256 key must have at least 32 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cloudgreet_private.jwt_keys (kid, algorithm, key_id, nonce, ciphertext)
    SELECT add_jwt_key.kid, add_jwt_key.algorithm, sealed.key_id, sealed.nonce, sealed.ciphertext
      FROM cloudgreet.seal_jwt_key(add_jwt_key.kid, add_jwt_key.secret) sealed;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_jwt_key(text, text, text) IS
    'Adds a key that tokens may be signed with; several may be active while keys are changed. Superusers only. Errors: 23505 for a kid in use, 22023 for a secret under 32 bytes.';

CREATE OR REPLACE FUNCTION cloudgreet.retire_jwt_key(kid text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.jwt_keys k SET is_active = false WHERE k.kid = retire_jwt_key.kid;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key "%" does not exist', left(retire_jwt_key.kid, 100) USING ERRCODE = 'ZG111';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.retire_jwt_key(text) IS
    'Refuses tokens of a key from now on. Superusers only. Error ZG111 when there is no such key.';

REVOKE ALL ON FUNCTION cloudgreet_private.check_secret_name(text, text),
    cloudgreet.set_secret(text, text, uuid), cloudgreet.delete_secret(text, uuid), cloudgreet.list_secrets(uuid),
    cloudgreet.add_jwt_key(text, text, text), cloudgreet.retire_jwt_key(text) FROM PUBLIC;
