/*
 * 010_tenants.sql
 *		Businesses, their people, and what connects them to providers.
 *
 * Every tenant table has business_id first in each key, so that no key can reach
 * into another business and uniqueness tells nothing about one.
 */
CREATE TABLE cloudgreet.businesses (
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    time_zone   text NOT NULL,
    locale      text NOT NULL DEFAULT 'en-US',
    settings    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT businesses_pkey PRIMARY KEY (id),
    CONSTRAINT businesses_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT businesses_time_zone_check CHECK (cloudgreet.is_time_zone(time_zone)),
    CONSTRAINT businesses_locale_check CHECK (locale ~ '^[a-z]{2,3}(-[A-Z]{2})?$'),
    CONSTRAINT businesses_settings_check CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE cloudgreet.businesses IS 'The tenants: service businesses. Their id is the business_id of every other table.';
COMMENT ON COLUMN cloudgreet.businesses.time_zone IS 'IANA name; the default of staff and the zone in which the business is spoken to.';
COMMENT ON COLUMN cloudgreet.businesses.settings IS 'What the business chose, as a JSON object.';

CREATE TABLE cloudgreet.users (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    email       text NOT NULL,
    name        text,
    role        text NOT NULL DEFAULT 'user',
    is_active   boolean NOT NULL DEFAULT true,
    tokens_valid_after timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT users_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT users_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT users_email_check CHECK (cloudgreet.is_email(email)),
    CONSTRAINT users_name_check CHECK (length(name) <= 200),
    CONSTRAINT users_role_check CHECK (role IN ('admin', 'user', 'agent'))
);
CREATE UNIQUE INDEX users_business_id_email_key ON cloudgreet.users (business_id, lower(email));
COMMENT ON TABLE cloudgreet.users IS 'People of a business who sign in. One person in two businesses has a row in each.';
COMMENT ON COLUMN cloudgreet.users.id IS 'The claim sub of the user''s tokens.';
COMMENT ON COLUMN cloudgreet.users.role IS 'admin, user or agent: what the permission matrix allows. A demotion takes effect at the next login(), whatever the token says.';
COMMENT ON COLUMN cloudgreet.users.tokens_valid_after IS 'Tokens issued before are refused; NULL: none is.';
COMMENT ON INDEX cloudgreet.users_business_id_email_key IS 'One user an address and business, whatever its case.';

CREATE TABLE cloudgreet.provider_accounts (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    provider    text NOT NULL,
    name        text NOT NULL,
    secret_names jsonb NOT NULL DEFAULT '{}',
    settings    jsonb NOT NULL DEFAULT '{}',
    status      text NOT NULL DEFAULT 'active',
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT provider_accounts_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT provider_accounts_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT provider_accounts_business_id_provider_name_key UNIQUE (business_id, provider, name),
    CONSTRAINT provider_accounts_provider_check CHECK (provider IN ('telnyx', 'retell', 'resend', 'google')),
    CONSTRAINT provider_accounts_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT provider_accounts_secret_names_check CHECK (jsonb_typeof(secret_names) = 'object'),
    CONSTRAINT provider_accounts_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT provider_accounts_status_check CHECK (status IN ('active', 'paused', 'broken'))
);
COMMENT ON TABLE cloudgreet.provider_accounts IS 'A business''s accounts at providers. Credentials are named here and kept as secrets.';
COMMENT ON COLUMN cloudgreet.provider_accounts.secret_names IS 'Use -> name of a secret, for example {"api_key": "telnyx.api_key"}; never a value.';
COMMENT ON COLUMN cloudgreet.provider_accounts.settings IS 'What is not secret: profile and application ids, sender addresses.';
COMMENT ON COLUMN cloudgreet.provider_accounts.status IS 'active; paused by the business; broken: the provider refuses the credentials.';

CREATE TABLE cloudgreet.phone_numbers (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    phone_number text NOT NULL,
    label       text,
    provider_account_id uuid,
    agent_id    uuid,
    is_active   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT phone_numbers_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT phone_numbers_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT phone_numbers_business_id_phone_number_key UNIQUE (business_id, phone_number),
    CONSTRAINT phone_numbers_provider_account_id_fkey FOREIGN KEY (business_id, provider_account_id) REFERENCES cloudgreet.provider_accounts (business_id, id),
    CONSTRAINT phone_numbers_phone_number_check CHECK (cloudgreet.is_phone_number(phone_number)),
    CONSTRAINT phone_numbers_label_check CHECK (length(label) <= 200)
);
CREATE INDEX phone_numbers_provider_account_id ON cloudgreet.phone_numbers (business_id, provider_account_id);
COMMENT ON TABLE cloudgreet.phone_numbers IS 'Numbers that a business is called and texted on. Which business a number leads to is kept in cloudgreet_private.phone_routes.';
COMMENT ON COLUMN cloudgreet.phone_numbers.phone_number IS 'E.164, for example +12125550123.';
COMMENT ON COLUMN cloudgreet.phone_numbers.agent_id IS 'The agent that answers; NULL: the only active one.';

CREATE TABLE cloudgreet.api_keys (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    role        text NOT NULL DEFAULT 'user',
    key_hash    bytea NOT NULL,
    last_four   text NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    last_used_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT api_keys_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT api_keys_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_business_id_key_hash_key UNIQUE (business_id, key_hash),
    CONSTRAINT api_keys_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT api_keys_role_check CHECK (role IN ('admin', 'user', 'agent')),
    CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32)
);
COMMENT ON TABLE cloudgreet.api_keys IS 'Keys of a business''s programs. Only a hash is kept.';
COMMENT ON COLUMN cloudgreet.api_keys.key_hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN cloudgreet.api_keys.last_four IS 'The end of the key, so that people can tell two apart.';

CREATE TABLE cloudgreet.feature_flags (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    is_enabled  boolean NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT feature_flags_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT feature_flags_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT feature_flags_business_id_name_key UNIQUE (business_id, name),
    CONSTRAINT feature_flags_name_check CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$')
);
COMMENT ON TABLE cloudgreet.feature_flags IS 'Features switched on or off for one business.';

-- Routers: the only tables that look across businesses, before one is known.
CREATE TABLE cloudgreet_private.phone_routes (
    phone_number text NOT NULL,
    business_id  uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT phone_routes_pkey PRIMARY KEY (phone_number),
    CONSTRAINT phone_routes_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE
);
CREATE INDEX phone_routes_business_id ON cloudgreet_private.phone_routes (business_id);
COMMENT ON TABLE cloudgreet_private.phone_routes IS 'Which business a called number belongs to. A number leads to one business.';

CREATE TABLE cloudgreet_private.api_key_routes (
    key_hash     bytea NOT NULL,
    business_id  uuid NOT NULL,
    CONSTRAINT api_key_routes_pkey PRIMARY KEY (key_hash),
    CONSTRAINT api_key_routes_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE
);
CREATE INDEX api_key_routes_business_id ON cloudgreet_private.api_key_routes (business_id);
COMMENT ON TABLE cloudgreet_private.api_key_routes IS 'Which business an API key belongs to, by the SHA-256 of the key.';
