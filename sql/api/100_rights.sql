/*
 * 100_rights.sql
 *		What the functions that enter a business have in common.  Who may call them stands
 *		in the permission matrix, 800_permissions.sql; business_for() of 810 asks it.
 */
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

REVOKE ALL ON FUNCTION cloudgreet_private.require_business(uuid) FROM PUBLIC;
