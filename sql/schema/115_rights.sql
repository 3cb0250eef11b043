/*
 * 115_rights.sql
 *		Rights of functions.
 */
CREATE TABLE cloudgreet_private.function_permissions (
    function_name text NOT NULL,
    role_name   text NOT NULL,
    CONSTRAINT function_permissions_pkey PRIMARY KEY (function_name, role_name),
    CONSTRAINT function_permissions_role_name_check CHECK (role_name IN ('admin', 'user', 'agent', 'authenticated', 'service_role',
        'anon', 'authenticator', 'cloudgreet_app', 'cloudgreet_gate', 'cloudgreet_cron'))
);
COMMENT ON TABLE cloudgreet_private.function_permissions IS
    'Who may call a function of schema cloudgreet. Grants, the checks in the functions and their tests are generated from it.';
COMMENT ON COLUMN cloudgreet_private.function_permissions.role_name IS
    'admin, user, agent: the application role of a token that names a business; authenticated: any token; otherwise a database role.';
