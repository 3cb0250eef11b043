/*
 * 300_first_use.sql
 *		The first steps of a business: itself, its people and its numbers.
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
                               WHERE u.business_id = insert_user.business AND lower(u.email) = lower(address))
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

CREATE OR REPLACE FUNCTION cloudgreet.add_phone_number(
    phone_number text, label text DEFAULT NULL, agent_id uuid DEFAULT NULL, provider_account_id uuid DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('add_phone_number', add_phone_number.business_id);
    number CONSTANT text := cloudgreet.normalize_phone_number(coalesce(add_phone_number.phone_number, ''));
    new_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF add_phone_number.agent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.ai_agents a WHERE a.business_id = business AND a.id = add_phone_number.agent_id) THEN
        RAISE EXCEPTION 'agent "%" does not exist', add_phone_number.agent_id USING ERRCODE = 'foreign_key_violation';
    ELSIF add_phone_number.provider_account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.provider_accounts a
         WHERE a.business_id = business AND a.id = add_phone_number.provider_account_id) THEN
        RAISE EXCEPTION 'provider account "%" does not exist', add_phone_number.provider_account_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;

    INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES (number, business)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the phone number belongs to a business already' USING ERRCODE = 'ZG107';
    END IF;
    INSERT INTO cloudgreet.phone_numbers (business_id, phone_number, label, agent_id, provider_account_id)
    VALUES (business, number, cloudgreet_private.check_optional_text(add_phone_number.label, 'label of the phone number', 200),
            add_phone_number.agent_id, add_phone_number.provider_account_id)
    RETURNING id INTO new_id;
    PERFORM cloudgreet_private.record_event(business, 'phone_number.added', 'phone_number', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_phone_number(text, text, uuid, uuid, uuid) IS
    'Leads calls and texts of a number to the business; the only active agent answers if none is named. Admins, or operators naming the business. Errors: ZG104 for a bad number, ZG107 for one that belongs to a business already, 23503 for an agent or account that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet.remove_phone_number(phone_number text, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('remove_phone_number', remove_phone_number.business_id);
    number CONSTANT text := cloudgreet.normalize_phone_number(coalesce(remove_phone_number.phone_number, ''));
    old_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    DELETE FROM cloudgreet.phone_numbers n WHERE n.business_id = business AND n.phone_number = number RETURNING n.id INTO old_id;
    IF old_id IS NULL THEN
        RAISE EXCEPTION 'the business has no such phone number' USING ERRCODE = 'no_data_found';
    END IF;
    DELETE FROM cloudgreet_private.phone_routes r WHERE r.phone_number = number AND r.business_id = business;
    PERFORM cloudgreet_private.record_event(business, 'phone_number.removed', 'phone_number', old_id);
END
$$;
COMMENT ON FUNCTION cloudgreet.remove_phone_number(text, uuid) IS
    'Takes a number from the business, so that another may have it. Admins, or operators naming the business. Errors: ZG104 for a bad number, P0002 when the business has no such number.';

REVOKE ALL ON FUNCTION cloudgreet.create_business(text, text, text, text, text, jsonb),
    cloudgreet_private.insert_user(uuid, text, text, text, uuid),
    cloudgreet.add_user(text, text, text, uuid, uuid),
    cloudgreet.add_phone_number(text, text, uuid, uuid, uuid), cloudgreet.remove_phone_number(text, uuid) FROM PUBLIC;
