/*
 * 300_first_use.sql
 *		The first steps of a business: itself and its people.
 *
 * The functions of 300 to 330 run as cloudgreet_owner, because what they keep in step
 * (routes, the timeline) is closed to tenants.  They ask for the role first, then enter
 * the business, and row security shows them nothing else.  The business is the one
 * signed in for; operators name it.  An error leaves nothing behind.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.insert_user(
    business uuid, email text, role text, name text, id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    address CONSTANT text := cloudgreet.normalize_email(coalesce(insert_user.email, ''));
    new_id uuid;
BEGIN
    IF insert_user.role IS NULL OR insert_user.role NOT IN ('admin', 'user', 'agent') THEN
        RAISE EXCEPTION 'role of a user must be admin, user or agent' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cloudgreet.users AS u (business_id, id, email, role, name)
    VALUES (insert_user.business, coalesce(insert_user.id, cloudgreet.uuid_v7()), address, insert_user.role,
            cloudgreet_private.check_optional_text(insert_user.name, 'name of the user', 200))
    ON CONFLICT DO NOTHING
    RETURNING u.id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'a user with this % exists already',
            CASE WHEN EXISTS (SELECT FROM cloudgreet.users u
                               WHERE u.business_id = insert_user.business AND u.email = address)
                 THEN 'e-mail address' ELSE 'id' END
            USING ERRCODE = 'unique_violation';
    END IF;
    PERFORM cloudgreet_private.record_event(
        insert_user.business, 'user.added', 'user', new_id, jsonb_build_object('role', insert_user.role));
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.insert_user(uuid, text, text, text, uuid) IS
    'Adds a user to the business that was entered. Errors ZG105, 22023, 23505.';

CREATE OR REPLACE FUNCTION cloudgreet.create_business(
    name text, time_zone text, owner_email text DEFAULT NULL, owner_name text DEFAULT NULL,
    locale text DEFAULT 'en-US', settings jsonb DEFAULT '{}') RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet.uuid_v7();
BEGIN
    IF NOT cloudgreet.is_operator() THEN
        RAISE EXCEPTION 'permission denied to create a business'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Only service_role and superusers may.';
    END IF;
    IF create_business.locale IS NULL OR create_business.locale !~ '^[a-z]{2,3}(-[A-Z]{2})?$' THEN
        RAISE EXCEPTION 'invalid locale' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use a language and country such as en-US.';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    INSERT INTO cloudgreet.businesses (id, name, time_zone, locale, settings)
    VALUES (business,
            cloudgreet_private.check_text(create_business.name, 'name of the business', 200),
            cloudgreet.normalize_time_zone(coalesce(create_business.time_zone, '')), create_business.locale,
            cloudgreet_private.check_object(create_business.settings, 'settings of the business'));
    PERFORM cloudgreet_private.record_event(business, 'business.created', 'business', business);
    IF create_business.owner_email IS NOT NULL THEN
        PERFORM cloudgreet_private.insert_user(
            business, create_business.owner_email, 'admin', create_business.owner_name, NULL);
    END IF;
    RETURN business;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_business(text, text, text, text, text, jsonb) IS
    'Creates a business and, if an address is given, its first admin; returns the business''s id. Operators only (42501). Errors: 22004 and 22023 for bad parameters, ZG106 for a bad time zone, ZG105 for a bad address.';

CREATE OR REPLACE FUNCTION cloudgreet.add_user(
    email text, role text DEFAULT 'user', name text DEFAULT NULL, id uuid DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('add_user', add_user.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    RETURN cloudgreet_private.insert_user(business, add_user.email, add_user.role, add_user.name, add_user.id);
END
$$;
COMMENT ON FUNCTION cloudgreet.add_user(text, text, text, uuid, uuid) IS
    'Adds a person who signs in; id is the claim sub of their tokens (made if not given). Admins, or operators naming the business. Errors: ZG105 for a bad address, 22023 for a role that does not exist, 23505 for an address or id in use.';

REVOKE ALL ON FUNCTION cloudgreet.create_business(text, text, text, text, text, jsonb),
    cloudgreet_private.insert_user(uuid, text, text, text, uuid),
    cloudgreet.add_user(text, text, text, uuid, uuid) FROM PUBLIC;
