/*
 * 002_private.sql
 *		Secrets, token keys, and what this installation is.
 */
CREATE TABLE cloudgreet_private.secrets (
    business_id uuid NOT NULL,
    name        text NOT NULL,
    version     integer NOT NULL,
    key_id      text NOT NULL,
    nonce       bytea NOT NULL,
    ciphertext  bytea NOT NULL,
    last_four   text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT secrets_pkey PRIMARY KEY (business_id, name, version),
    CONSTRAINT secrets_version_check CHECK (version > 0)
);
COMMENT ON TABLE cloudgreet_private.secrets IS
    'Provider keys, tokens and webhook keys of businesses, sealed with AES-256-GCM. The highest version of a name is in use. Written by set_secret(), opened in C only.';
COMMENT ON COLUMN cloudgreet_private.secrets.key_id IS 'Which master key sealed it: the first 8 hexadecimal digits of its SHA-256.';
COMMENT ON COLUMN cloudgreet_private.secrets.ciphertext IS 'Followed by the tag of 16 bytes; authenticated with business, name and version.';
COMMENT ON COLUMN cloudgreet_private.secrets.last_four IS 'The end of the secret, to tell two apart; empty for a short one.';

CREATE TABLE cloudgreet_private.jwt_keys (
    kid         text NOT NULL,
    algorithm   text NOT NULL,
    key_id      text NOT NULL,
    nonce       bytea NOT NULL,
    ciphertext  bytea NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT jwt_keys_pkey PRIMARY KEY (kid),
    CONSTRAINT jwt_keys_algorithm_check CHECK (algorithm IN ('HS256'))
);
COMMENT ON TABLE cloudgreet_private.jwt_keys IS
    'Keys that tokens are signed with, sealed like secrets. A key knows its algorithm; a token that names another is refused.';

CREATE TABLE cloudgreet_private.installation (
    is_single         boolean NOT NULL DEFAULT true,
    system_identifier bigint NOT NULL,
    database_oid      oid NOT NULL,
    instance_token    uuid NOT NULL,
    is_paused         boolean NOT NULL DEFAULT false,
    activated_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT installation_pkey PRIMARY KEY (is_single),
    CONSTRAINT installation_is_single_check CHECK (is_single)
);
COMMENT ON TABLE cloudgreet_private.installation IS
    'One row: the server and database that may send. Anything else that holds this row is a copy and sends nothing until activate().';
COMMENT ON COLUMN cloudgreet_private.installation.instance_token IS
    'Stands in a file beside the data directory too, where a physical copy does not carry it.';

-- Internals have no grants; secrets are bound to their business as well.
ALTER TABLE cloudgreet_private.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY secrets_owner_all ON cloudgreet_private.secrets TO cloudgreet_owner
    USING (business_id = cloudgreet.current_business_id())
    WITH CHECK (business_id = cloudgreet.current_business_id());
