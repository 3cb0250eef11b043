/*
 * 001_bookkeeping.sql
 *		What migrate() remembers about itself.
 */
CREATE TABLE cloudgreet_private.schema_migrations (
    version     integer NOT NULL,
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE cloudgreet_private.schema_migrations IS
    'Schema steps that cloudgreet.migrate() has run in this database, each once, in the order of version.';
COMMENT ON COLUMN cloudgreet_private.schema_migrations.checksum IS
    'SHA-256 (hexadecimal) of the file as it was run; a file that changed afterwards is refused.';

CREATE TABLE cloudgreet_private.api_state (
    is_single   boolean NOT NULL DEFAULT true,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT api_state_pkey PRIMARY KEY (is_single),
    CONSTRAINT api_state_is_single_check CHECK (is_single)
);
COMMENT ON TABLE cloudgreet_private.api_state IS
    'One row: the replaceable objects (functions, views, policies, grants) that cloudgreet.migrate() ran last.';
COMMENT ON COLUMN cloudgreet_private.api_state.checksum IS
    'SHA-256 (hexadecimal) over all files; any difference makes migrate() run all of them again.';
