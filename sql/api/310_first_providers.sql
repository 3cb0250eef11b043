/*
 * 310_first_providers.sql
 *		The first steps of a business, continued: its accounts at providers.
 *
 * An account names its secrets; set_secret() stores them, and nothing reads them in SQL.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.check_secret_names(provider text, secret_names jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    use text;
BEGIN
    IF check_secret_names.provider IS NULL OR check_secret_names.provider NOT IN ('telnyx', 'retell', 'resend', 'google') THEN
        RAISE EXCEPTION 'provider must be telnyx, retell, resend or google' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.check_object(check_secret_names.secret_names, 'secret_names', CASE check_secret_names.provider
        WHEN 'google' THEN ARRAY['client_id', 'client_secret', 'refresh_token', 'service_account', 'webhook_key']
        ELSE ARRAY['api_key', 'webhook_key'] END);
    IF NOT check_secret_names.secret_names ?| (CASE check_secret_names.provider
        WHEN 'google' THEN ARRAY['refresh_token', 'service_account'] ELSE ARRAY['api_key'] END) THEN
        RAISE EXCEPTION 'secret_names must have %', CASE check_secret_names.provider
            WHEN 'google' THEN '"refresh_token" or "service_account"' ELSE '"api_key"' END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example {"api_key": "telnyx.api_key"}, a secret stored before by cloudgreet.set_secret().';
    END IF;
    SELECT s.key INTO use FROM jsonb_each(check_secret_names.secret_names) s
     WHERE jsonb_typeof(s.value) <> 'string' ORDER BY s.key LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" must be the name of a secret', use USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_secret_names(text, jsonb) IS
    'Error 22023 unless the provider is known and is given the names of the secrets that it needs, and of no others.';

CREATE OR REPLACE FUNCTION cloudgreet.connect_provider(
    provider text, secret_names jsonb, settings jsonb DEFAULT '{}', name text DEFAULT 'main', business_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('connect_provider', connect_provider.business_id);
    missing text;
    account uuid;
BEGIN
    PERFORM cloudgreet_private.check_secret_names(connect_provider.provider, connect_provider.secret_names);
    PERFORM cloudgreet_private.check_object(connect_provider.settings, 'settings of the account');
    -- Settings can be read by the business's admins and by replicas of all kinds.
    -- Only a key has '": ' behind it (a quote in a value is escaped); a path expression would copy what is below each key.
    IF connect_provider.settings::text ~* '(secret|password|token|api_?key|private_?key)": ' THEN
        RAISE EXCEPTION 'settings of the account must not hold secrets' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Store the value with cloudgreet.set_secret() and give its name in secret_names.';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);

    SELECT s.value INTO missing FROM jsonb_each_text(connect_provider.secret_names) s
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.secrets k WHERE k.business_id = business AND k.name = s.value)
     ORDER BY s.key LIMIT 1;
    IF FOUND THEN
        -- What is no name of a secret may be the secret itself, put there by mistake.
        RAISE EXCEPTION '% does not exist', CASE WHEN missing ~ '^[a-z][a-z0-9_.-]{0,39}$' THEN format('secret "%s"', missing)
                                                 ELSE 'a secret named in secret_names' END
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
    'Connects an account at telnyx, retell, resend or google by the names of secrets, for example {"api_key": "telnyx.api_key"}; called again with the same name it replaces them. Admins, or operators naming the business. Errors: 22004 and 22023 for bad parameters, ZG111 for a secret that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet_private.switch_account(business_id uuid, account_id uuid, present text, wanted text, event text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    provider text;
    is_status text;
BEGIN
    PERFORM cloudgreet.enter_business(switch_account.business_id);
    SELECT a.provider, a.status INTO provider, is_status FROM cloudgreet.provider_accounts a
     WHERE a.business_id = switch_account.business_id AND a.id = switch_account.account_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the business has no such provider account' USING ERRCODE = 'no_data_found';
    ELSIF is_status = switch_account.wanted THEN
        RETURN;
    ELSIF is_status <> switch_account.present THEN
        -- A key that the provider refuses is not mended by a word; who connects anew has one that works.
        RAISE EXCEPTION 'the provider account is %', is_status USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Call connect_provider() with a key that the provider takes.';
    END IF;
    UPDATE cloudgreet.provider_accounts a SET status = switch_account.wanted
     WHERE a.business_id = switch_account.business_id AND a.id = switch_account.account_id;
    PERFORM cloudgreet_private.record_event(switch_account.business_id, switch_account.event, 'provider_account', switch_account.account_id,
        jsonb_build_object('provider', provider));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.switch_account(uuid, uuid, text, text, text) IS
    'active -> paused, or back, with an event; nothing when it is so already. Errors P0002 for an account that the business does not have, 55000 for one in another state.';

CREATE OR REPLACE FUNCTION cloudgreet.pause_account(account_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.switch_account(cloudgreet_private.business_for('pause_account', pause_account.business_id),
        pause_account.account_id, 'active', 'paused', 'provider.paused');
END
$$;
COMMENT ON FUNCTION cloudgreet.pause_account(uuid, uuid) IS
    'Sends nothing more by an account at a provider until resume_account(): what is due meanwhile is held. A request that is under way ends as it does. Admins, or operators naming the business. Errors: P0002 for an account that the business does not have, 55000 for one that is broken.';

CREATE OR REPLACE FUNCTION cloudgreet.resume_account(account_id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.switch_account(cloudgreet_private.business_for('resume_account', resume_account.business_id),
        resume_account.account_id, 'paused', 'active', 'provider.resumed');
END
$$;
COMMENT ON FUNCTION cloudgreet.resume_account(uuid, uuid) IS
    'Takes up again what pause_account() held, unless its deadline has passed. Admins, or operators naming the business. Errors: P0002 for an account that the business does not have, 55000 for one that is broken.';

REVOKE ALL ON FUNCTION cloudgreet_private.check_secret_names(text, jsonb),
    cloudgreet_private.switch_account(uuid, uuid, text, text, text), cloudgreet.pause_account(uuid, uuid), cloudgreet.resume_account(uuid, uuid),
    cloudgreet.connect_provider(text, jsonb, jsonb, text, uuid) FROM PUBLIC;
