/*
 * 810_policies.sql
 *		Row security, grants and the checks of functions, generated from the permission
 *		matrix.
 *
 * Every policy calls a function of the extension, so that dropping the extension with
 * CASCADE takes all of them away and leaves row security on: access ends.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.replace_policy(
    target regclass, name text, verb text, role_name text, using_expression text, check_expression text, is_permissive boolean DEFAULT true)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    there record;
BEGIN
    SELECT CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END AS verb,
           p.polpermissive AS is_permissive, p.polroles = ARRAY[CASE replace_policy.role_name WHEN 'public' THEN 0 ELSE r.oid END] AS is_for_role,
           pg_get_expr(p.polqual, p.polrelid) AS using_expression, pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression
      INTO there
      FROM pg_policy p LEFT JOIN pg_roles r ON r.rolname = replace_policy.role_name
     WHERE p.polrelid = replace_policy.target AND p.polname = replace_policy.name;
    IF FOUND THEN
        -- Who makes a policy waits for all who read the table, and they wait for him: only where something differs.
        IF there.verb = replace_policy.verb AND there.is_permissive = replace_policy.is_permissive AND there.is_for_role
           AND there.using_expression IS NOT DISTINCT FROM replace_policy.using_expression
           AND there.check_expression IS NOT DISTINCT FROM replace_policy.check_expression THEN
            RETURN;
        END IF;
        EXECUTE format('DROP POLICY %I ON %s', replace_policy.name, replace_policy.target);
    END IF;
    EXECUTE format('CREATE POLICY %I ON %s AS %s FOR %s TO %s %s %s', replace_policy.name, replace_policy.target,
        CASE WHEN replace_policy.is_permissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, replace_policy.verb, replace_policy.role_name,
        'USING (' || replace_policy.using_expression || ')', 'WITH CHECK (' || replace_policy.check_expression || ')');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.replace_policy(regclass, text, text, text, text, text, boolean) IS
    'Makes a policy, in the place of one of that name, unless that is the same. All but the table are constants of the caller; the expressions as pg_get_expr() writes them.';

CREATE OR REPLACE FUNCTION cloudgreet_private.protect_table(target regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    table_name CONSTANT text := (SELECT relname FROM pg_class WHERE oid = target);
    own CONSTANT text := format('(%s = cloudgreet.current_business_id())', CASE table_name WHEN 'businesses' THEN 'id' ELSE 'business_id' END);
BEGIN
    IF NOT (SELECT c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c WHERE c.oid = target) THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', target);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, anon, authenticated, service_role', target);
    -- Whatever else is allowed, also to the owner: rows of the business only.
    PERFORM cloudgreet_private.replace_policy(target, table_name || '_tenant_all', 'all', 'public', own, own, false);
    PERFORM cloudgreet_private.replace_policy(target, table_name || '_owner_all', 'all', 'cloudgreet_owner',
        '(cloudgreet.current_business_id() IS NOT NULL)', NULL);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.protect_table(regclass) IS
    'Switches row security on for a table or partition, for its owner too, and takes all grants away.';

CREATE OR REPLACE FUNCTION cloudgreet_private.grant_table(target regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    name CONSTANT text := (SELECT relname FROM pg_class WHERE oid = target);
    stale text;
    role_name text;
    verb_name text;
    allowed text;
    columns text;
    insertable text;
BEGIN
    FOR stale IN SELECT p.polname FROM pg_policy p
                  WHERE p.polrelid = target AND p.polname ~ ('^' || name || '_(admin|user|agent)_(select|insert|update|delete)$')
                    AND NOT EXISTS (SELECT FROM cloudgreet_private.permissions m
                                     WHERE m.table_name = name AND p.polname = name || '_' || m.app_role || '_' || m.verb) LOOP
        EXECUTE format('DROP POLICY %I ON %s', stale, target);
    END LOOP;
    FOR role_name, verb_name IN SELECT p.app_role, p.verb FROM cloudgreet_private.permissions p
                                 WHERE p.table_name = name AND p.app_role <> 'service_role' ORDER BY 1, 2 LOOP
        -- As a bare comparison it would be taken to leave half a percent of the rows, and
        -- lists would be sorted instead of read from an index: 33 times slower with 5,000 leads.
        allowed := format('COALESCE((cloudgreet.current_app_role() = %L::text), false)', role_name);
        PERFORM cloudgreet_private.replace_policy(target, name || '_' || role_name || '_' || verb_name, verb_name, 'authenticated',
            CASE WHEN verb_name <> 'insert' THEN allowed END, CASE WHEN verb_name IN ('insert', 'update') THEN allowed END);
    END LOOP;

    -- Grants by verb; what identifies a row is not for tenants to change, nor when it was made.
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attname NOT IN ('business_id', 'id')),
           string_agg(quote_ident(attname), ', ' ORDER BY attnum)
      INTO STRICT columns, insertable FROM pg_attribute
     WHERE attrelid = target AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('created_at', 'updated_at');
    FOR role_name, verb_name IN
        SELECT DISTINCT CASE p.app_role WHEN 'service_role' THEN 'service_role' ELSE 'authenticated' END, p.verb
          FROM cloudgreet_private.permissions p WHERE p.table_name = name
    LOOP
        EXECUTE format('GRANT %s %s ON %s TO %I', verb_name,
            CASE WHEN role_name = 'service_role' THEN ''
                 WHEN verb_name = 'update' THEN '(' || columns || ')'
                 WHEN verb_name = 'insert' THEN '(' || insertable || ')' ELSE '' END,
            target, role_name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.grant_table(regclass) IS
    'Makes the policies and grants of a table that the permission matrix asks for. Policies of other names are left alone.';

CREATE OR REPLACE FUNCTION cloudgreet_private.grant_functions() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target regprocedure;
    grantees text;
BEGIN
    -- What the extension brings is the installer's; sql/extension/900_grants.sql grants it.
    FOR target, grantees IN
        SELECT p.oid,
               (SELECT string_agg(DISTINCT CASE WHEN m.role_name IN ('admin', 'user', 'agent') THEN 'authenticated' ELSE m.role_name END, ', ')
                  FROM cloudgreet_private.function_permissions m
                 WHERE m.function_name = p.proname AND p.pronamespace = 'cloudgreet'::regnamespace)
          FROM pg_proc p
         WHERE p.pronamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace)
           AND p.proowner = 'cloudgreet_owner'::regrole
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, anon, authenticated, service_role, authenticator, cloudgreet_app, cloudgreet_gate, cloudgreet_cron', target);
        IF grantees IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', target, grantees);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.grant_functions() IS
    'Makes the grants of functions that the permission matrix asks for, and takes all others from PUBLIC and the API roles.';

CREATE OR REPLACE FUNCTION cloudgreet_private.make_rights_function() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Immutable and without a look-up: in a plan the call is a constant.
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION cloudgreet_private.roles_of(function_name text) RETURNS text[] LANGUAGE sql IMMUTABLE RETURN CASE function_name %s ELSE ''{}''::text[] END',
        (SELECT string_agg(format('WHEN %L THEN %L::text[]', m.function_name, m.roles), ' ' ORDER BY m.function_name)
           FROM (SELECT p.function_name, array_agg(p.role_name ORDER BY p.role_name) AS roles FROM cloudgreet_private.function_permissions p
                  WHERE p.role_name IN ('admin', 'user', 'agent') GROUP BY 1) m));
    COMMENT ON FUNCTION cloudgreet_private.roles_of(text) IS
        'The application roles that may call a function; none for one without a row of the permission matrix, which this was generated from.';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.make_rights_function() IS
    'Writes roles_of(), by which functions ask who may call them, as the permission matrix is now.';

CREATE OR REPLACE FUNCTION cloudgreet_private.apply_permissions() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target regclass;
    is_partition boolean;
BEGIN
    IF cloudgreet.schema_state() = 'broken' THEN
        RAISE EXCEPTION 'the application schema is not whole'
            USING ERRCODE = 'ZG117', HINT = 'Policies alone would make it look so. Restore a backup, or move the rows into a new database.';
    END IF;
    FOR target, is_partition IN
        SELECT c.oid, c.relispartition FROM pg_class c
         WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relowner = 'cloudgreet_owner'::regrole
         ORDER BY c.relname
    LOOP
        PERFORM cloudgreet_private.protect_table(target);
        IF NOT is_partition THEN
            PERFORM cloudgreet_private.grant_table(target);
        END IF;
    END LOOP;
    PERFORM cloudgreet_private.make_rights_function();
    PERFORM cloudgreet_private.grant_functions();
END
$$;
COMMENT ON FUNCTION cloudgreet_private.apply_permissions() IS
    'Brings row security, policies and grants of all tables, and the grants and checks of all functions, to what the permission matrix says. Error ZG117 in a schema that is not whole.';

-- Must be there for business_for(), and follows the matrix from apply_permissions() on.
DO $$ BEGIN PERFORM cloudgreet_private.make_rights_function(); END $$;

CREATE OR REPLACE FUNCTION cloudgreet_private.business_for(function_name text, business_id uuid) RETURNS uuid
    LANGUAGE sql STABLE
    RETURN cloudgreet.resolve_business(business_for.business_id, cloudgreet_private.roles_of(business_for.function_name));
COMMENT ON FUNCTION cloudgreet_private.business_for(text, uuid) IS
    'The business that a function works on, once its caller was found to have the right: the first thing that a function for tenants calls, with its own name. Errors ZG101, ZG102, 42501.';

REVOKE ALL ON FUNCTION cloudgreet_private.replace_policy(regclass, text, text, text, text, text, boolean),
    cloudgreet_private.protect_table(regclass), cloudgreet_private.grant_table(regclass),
    cloudgreet_private.apply_permissions(), cloudgreet_private.grant_functions(),
    cloudgreet_private.make_rights_function() FROM PUBLIC;

DO $$ BEGIN PERFORM cloudgreet_private.apply_permissions(); END $$;
