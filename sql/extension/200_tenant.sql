/*
 * 200_tenant.sql
 *		Who is asking: login and the functions that policies call.
 */
CREATE FUNCTION cloudgreet.current_business_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_business_id';
COMMENT ON FUNCTION cloudgreet.current_business_id() IS
    'The business of the verified context, or NULL. Every tenant policy compares with it. Never an error.';

CREATE FUNCTION cloudgreet.current_user_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_user_id';
COMMENT ON FUNCTION cloudgreet.current_user_id() IS
    'The user (claim sub) of the verified context, or NULL. Never an error.';

CREATE FUNCTION cloudgreet.current_app_role() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_current_app_role';
COMMENT ON FUNCTION cloudgreet.current_app_role() IS
    'The application role of the verified context: admin, user or agent, or NULL. Never an error.';

CREATE FUNCTION cloudgreet.login(jwt text) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cg_sql_login';
COMMENT ON FUNCTION cloudgreet.login(text) IS
    'Verifies a token (HS256) and makes the rest of the transaction act for it, in the database role authenticated (or anon, service_role if the token says so). Errors: ZG103 for every refused token, 25P01 outside a transaction block.';

CREATE FUNCTION cloudgreet.explain_token(jwt text) RETURNS text
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_explain_token';
COMMENT ON FUNCTION cloudgreet.explain_token(text) IS
    'Why a token is refused, which login() tells nobody, or that it is accepted. Superusers only.';

CREATE FUNCTION cloudgreet.resolve_business(business_id uuid, app_roles text[] DEFAULT NULL) RETURNS uuid
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_resolve_business';
COMMENT ON FUNCTION cloudgreet.resolve_business(uuid, text[]) IS
    'The business that a function with an optional business works on: the one signed in for, by a token with one of the application roles (NULL: admin, user or agent), or the one an operator names. Errors: ZG101 when there is none, ZG102 when the caller may not choose it, 42501 for another application role or none.';

CREATE FUNCTION cloudgreet.is_operator() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'cg_sql_is_operator';
COMMENT ON FUNCTION cloudgreet.is_operator() IS
    'Whether the caller may act for any business: a service_role token that names none, or, without a token, a role with the rights of service_role.';

CREATE FUNCTION cloudgreet.enter_business(business_id uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_enter_business';
COMMENT ON FUNCTION cloudgreet.enter_business(uuid) IS
    'For SECURITY DEFINER functions of cloudgreet_owner with a SET search_path clause: puts a business into the context until that function returns.';

CREATE FUNCTION cloudgreet.follow_merge() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_follow_merge';
COMMENT ON FUNCTION cloudgreet.follow_merge() IS
    'BEFORE INSERT OR UPDATE trigger of what belongs to a lead: a row that names a merged lead is the surviving one''s.';
