/*
 * 300_first_use.sql
 *		The first steps of a business: itself, its people, its numbers and providers.
 *
 * All run as cloudgreet_owner, enter the business and then see nothing else.  The
 * business is the one signed in for; operators name it.
 */
CREATE OR REPLACE FUNCTION cloudgreet.create_business(
    name text, time_zone text, owner_email text DEFAULT NULL, locale text DEFAULT 'en-US', settings jsonb DEFAULT '{}')
    RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet.uuid_v7();
BEGIN
    IF NOT cloudgreet.is_operator() THEN
        RAISE EXCEPTION 'permission denied to create a business'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Only service_role and superusers may.';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    INSERT INTO cloudgreet.businesses (id, name, time_zone, locale, settings)
    VALUES (business,
            cloudgreet_private.check_text(create_business.name, 'name of the business', 200),
            cloudgreet.check_time_zone(coalesce(create_business.time_zone, '')),
            create_business.locale, create_business.settings);
    PERFORM cloudgreet_private.record_event(business, 'business.created', 'business', business);
    IF create_business.owner_email IS NOT NULL THEN
        PERFORM cloudgreet_private.insert_user(business, create_business.owner_email, 'admin', NULL, NULL);
    END IF;
    RETURN business;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_business(text, text, text, text, jsonb) IS
    'Creates a business and, if an address is given, its first admin; returns the business''s id. Operators only (42501). Errors: 22023 for a bad name, ZG106 for a bad time zone, ZG105 for a bad address.';

CREATE OR REPLACE FUNCTION cloudgreet_private.insert_user(
    business uuid, email text, role text, name text, id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    new_id CONSTANT uuid := coalesce(insert_user.id, cloudgreet.uuid_v7());
BEGIN
    IF insert_user.role IS NULL OR insert_user.role NOT IN ('admin', 'user', 'agent') THEN
        RAISE EXCEPTION 'role "%" does not exist', left(insert_user.role, 60)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Roles are admin, user and agent.';
    END IF;
    INSERT INTO cloudgreet.users (business_id, id, email, role, name)
    VALUES (insert_user.business, new_id, cloudgreet.normalize_email(coalesce(insert_user.email, '')), insert_user.role, insert_user.name);
    PERFORM cloudgreet_private.record_event(
        insert_user.business, 'user.added', 'user', new_id, jsonb_build_object('role', insert_user.role));
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.insert_user(uuid, text, text, text, uuid) IS
    'Adds a user to the business that was entered. Errors ZG105, 22023, 23505.';

CREATE OR REPLACE FUNCTION cloudgreet.add_user(
    email text, role text DEFAULT 'user', name text DEFAULT NULL, id uuid DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(add_user.business_id);
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
    business CONSTANT uuid := cloudgreet_private.admin_business(add_phone_number.business_id);
    number CONSTANT text := cloudgreet.normalize_phone_number(coalesce(add_phone_number.phone_number, ''));
    new_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES (number, business)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the phone number belongs to a business already' USING ERRCODE = 'ZG107';
    END IF;
    INSERT INTO cloudgreet.phone_numbers (business_id, phone_number, label, agent_id, provider_account_id)
    VALUES (business, number, add_phone_number.label, add_phone_number.agent_id, add_phone_number.provider_account_id)
    RETURNING id INTO new_id;
    PERFORM cloudgreet_private.record_event(business, 'phone_number.added', 'phone_number', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_phone_number(text, text, uuid, uuid, uuid) IS
    'Leads calls and texts of a number to the business. Admins, or operators naming the business. Errors: ZG104 for a bad number, ZG107 for one that belongs to a business already.';

CREATE OR REPLACE FUNCTION cloudgreet.remove_phone_number(phone_number text, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(remove_phone_number.business_id);
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
    'Takes a number from the business, so that another may have it. Admins, or operators naming the business. Error P0002 when the business has no such number.';

CREATE OR REPLACE FUNCTION cloudgreet.connect_provider(
    provider text, secret_names jsonb, settings jsonb DEFAULT '{}', name text DEFAULT 'main', business_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.admin_business(connect_provider.business_id);
    missing text;
    account uuid;
BEGIN
    IF connect_provider.provider IS NULL OR connect_provider.provider NOT IN ('telnyx', 'retell', 'resend', 'google') THEN
        RAISE EXCEPTION 'provider "%" is not supported', left(connect_provider.provider, 60)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Providers are telnyx, retell, resend and google.';
    END IF;
    PERFORM cloudgreet_private.check_object(connect_provider.secret_names, 'secret_names',
        ARRAY['api_key', 'webhook_key', 'client_id', 'client_secret', 'refresh_token', 'service_account']);
    IF connect_provider.secret_names = '{}' THEN
        RAISE EXCEPTION 'secret_names must name at least one secret' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example {"api_key": "telnyx.api_key"}, stored before by set_secret().';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);

    SELECT s.value INTO missing FROM jsonb_each_text(connect_provider.secret_names) s
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.secrets k WHERE k.business_id = business AND k.name = s.value)
     ORDER BY s.key LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'secret "%" does not exist', left(missing, 100)
            USING ERRCODE = 'ZG111', HINT = 'Store it with cloudgreet.set_secret() first.';
    END IF;

    INSERT INTO cloudgreet.provider_accounts AS a (business_id, provider, name, secret_names, settings)
    VALUES (business, connect_provider.provider, cloudgreet_private.check_text(connect_provider.name, 'name of the account', 200),
            connect_provider.secret_names, connect_provider.settings)
    ON CONFLICT ON CONSTRAINT provider_accounts_business_id_provider_name_key DO UPDATE
       SET secret_names = excluded.secret_names, settings = excluded.settings, status = 'active'
    RETURNING a.id INTO account;
    PERFORM cloudgreet_private.record_event(business, 'provider.connected', 'provider_account', account,
        jsonb_build_object('provider', connect_provider.provider));
    RETURN account;
END
$$;
COMMENT ON FUNCTION cloudgreet.connect_provider(text, jsonb, jsonb, text, uuid) IS
    'Connects an account at telnyx, retell, resend or google by the names of secrets, for example {"api_key": "telnyx.api_key"}; called again with the same name it replaces them. Admins, or operators naming the business. Errors: 22023 for bad parameters, ZG111 for a secret that does not exist.';

REVOKE ALL ON FUNCTION cloudgreet.create_business(text, text, text, text, jsonb),
    cloudgreet_private.insert_user(uuid, text, text, text, uuid),
    cloudgreet.add_user(text, text, text, uuid, uuid),
    cloudgreet.add_phone_number(text, text, uuid, uuid, uuid), cloudgreet.remove_phone_number(text, uuid),
    cloudgreet.connect_provider(text, jsonb, jsonb, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cloudgreet.create_business(text, text, text, text, jsonb) TO service_role;
GRANT EXECUTE ON FUNCTION cloudgreet.add_user(text, text, text, uuid, uuid),
    cloudgreet.add_phone_number(text, text, uuid, uuid, uuid), cloudgreet.remove_phone_number(text, uuid),
    cloudgreet.connect_provider(text, jsonb, jsonb, text, uuid) TO authenticated, service_role;
