/*
 * 100_rights.sql
 *		What the functions for administrators have in common.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.require_admin() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF cloudgreet.current_app_role() IS DISTINCT FROM 'admin' AND NOT cloudgreet.is_operator() THEN
        RAISE EXCEPTION 'permission denied: only an admin of the business may do this'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_admin() IS
    'Error 42501 unless the caller is an admin of the business signed in for, or an operator.';

CREATE OR REPLACE FUNCTION cloudgreet_private.admin_business(business_id uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet.resolve_business(admin_business.business_id);
BEGIN
    PERFORM cloudgreet_private.require_admin();
    RETURN business;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.admin_business(uuid) IS
    'The business that a function for administrators works on. Errors ZG101, ZG102, 42501.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_business(business_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Row security leaves only the business that was entered.
    IF NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = require_business.business_id) THEN
        RAISE EXCEPTION 'business "%" does not exist', require_business.business_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_business(uuid) IS
    'Error 23503 unless the business that was entered exists.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_text(value text, what text, max_length integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF value IS NULL OR value !~ '[^[:space:]]' THEN
        RAISE EXCEPTION '% must not be empty', what USING ERRCODE = 'invalid_parameter_value';
    ELSIF length(value) > max_length THEN
        RAISE EXCEPTION '% is longer than % characters', what, max_length USING ERRCODE = 'invalid_parameter_value';
    ELSIF value ~ '[\u0001-\u001f\u007f]' THEN
        RAISE EXCEPTION '% has control characters', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN btrim(value);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_text(text, text, integer) IS
    'A one-line text without blanks around it. Error 22023 when it is empty, too long, or has control characters.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_object(value jsonb, what text, allowed text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    unknown text;
BEGIN
    IF value IS NULL OR jsonb_typeof(value) <> 'object' THEN
        RAISE EXCEPTION '% must be a JSON object', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(value) k WHERE k <> ALL (allowed) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has no member "%"', what, left(unknown, 60)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Allowed are ' || array_to_string(allowed, ', ') || '.';
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_object(jsonb, text, text[]) IS
    'A JSON object with known members only. Error 22023 otherwise.';

REVOKE ALL ON FUNCTION cloudgreet_private.require_admin(), cloudgreet_private.admin_business(uuid),
    cloudgreet_private.require_business(uuid), cloudgreet_private.check_text(text, text, integer),
    cloudgreet_private.check_object(jsonb, text, text[]) FROM PUBLIC;
