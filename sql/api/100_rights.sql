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

REVOKE ALL ON FUNCTION cloudgreet_private.require_admin(), cloudgreet_private.admin_business(uuid),
    cloudgreet_private.require_business(uuid) FROM PUBLIC;
