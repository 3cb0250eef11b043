/*
 * context.sql
 *		Who the current_* functions say is asking, and who cannot make them lie.
 */
CREATE ROLE regress_cg_stranger LOGIN IN ROLE authenticated;
CREATE VIEW public.me AS
    SELECT cloudgreet.current_business_id() AS business, cloudgreet.current_user_id() AS "user", cloudgreet.current_app_role() AS role;
GRANT SELECT ON public.me TO PUBLIC;

-- Without a login there is nobody.
SELECT * FROM public.me;

-- A trusted authenticator (PostgREST) hands over the claims that it verified.
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', '{"sub": "aaaaaaaa-0000-7000-8000-000000000002", "business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "user"}', true) IS NOT NULL AS claims_set;
SELECT * FROM public.me;
-- So does Supabase, whose role is the database role.
SELECT set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"business_id": "bbbbbbbb-0000-7000-8000-000000000001", "role": "agent"}}', true) IS NOT NULL AS claims_set;
SELECT * FROM public.me;
-- The claims end with the transaction.
COMMIT;
SELECT * FROM public.me;
RESET SESSION AUTHORIZATION;

-- Malformed claims are nobody, never an error.
CREATE FUNCTION public.me_with(claims text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true);
    RETURN coalesce(cloudgreet.current_business_id()::text, 'nobody') || ' ' || coalesce(cloudgreet.current_app_role(), 'no role');
END
$$;
SET SESSION AUTHORIZATION authenticator;
SELECT left(claims, 60) AS claims, public.me_with(claims) FROM (VALUES
    (''), ('{}'), ('null'), ('[]'), ('"text"'), ('42'), ('not json'), ('{'), ('{"business_id"'),
    ('{"business_id": null}'), ('{"business_id": 7}'), ('{"business_id": {}}'), ('{"business_id": []}'),
    ('{"business_id": "not a uuid"}'), ('{"business_id": "aaaaaaaa-0000-7000-8000-00000000000"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001 "}'), ('{"business_id": "{aaaaaaaa-0000-7000-8000-000000000001}"}'),
    ('{"business_id": "aaaaaaaa00007000800000000000000a"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "business_id": "bbbbbbbb-0000-7000-8000-000000000001"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "owner"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "\u0061dmin"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "sub": "me"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "x": "\u0000"}'),
    ('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001"} trailing'),
    ('{"app_metadata.business_id": "aaaaaaaa-0000-7000-8000-000000000001"}'),
    ('{"x": ' || repeat('[', 33) || repeat(']', 33) || ', "business_id": "aaaaaaaa-0000-7000-8000-000000000001"}'),
    (repeat('[', 100000)),
    ('{"x": "' || repeat('x', 9000) || '", "business_id": "aaaaaaaa-0000-7000-8000-000000000001"}')
) AS t (claims);
RESET SESSION AUTHORIZATION;

-- Claims are believed from trusted authenticators only, not from whoever may set them.
SET SESSION AUTHORIZATION regress_cg_stranger;
SELECT public.me_with('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "admin"}');
RESET SESSION AUTHORIZATION;
SELECT public.me_with('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "admin"}') AS not_even_a_superuser;
SET cloudgreet.trusted_authenticators = 'someone, regress_cg_stranger';
SET SESSION AUTHORIZATION regress_cg_stranger;
SELECT public.me_with('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "role": "admin"}') AS once_trusted;
RESET SESSION AUTHORIZATION;
RESET cloudgreet.trusted_authenticators;
-- Where the claims stand is a setting.
SET cloudgreet.jwt_business_claims = 'tenant, business_id';
SET SESSION AUTHORIZATION authenticator;
SELECT public.me_with('{"business_id": "aaaaaaaa-0000-7000-8000-000000000001", "tenant": "bbbbbbbb-0000-7000-8000-000000000001"}') AS first_path_counts;
RESET SESSION AUTHORIZATION;
RESET cloudgreet.jwt_business_claims;

-- Nobody sets the verified context: no SET, no function setting, no role setting.
\set VERBOSITY sqlstate
SET cloudgreet.context = 'aaaaaaaa000070008000000000000001,-,admin,authenticated';
SELECT set_config('cloudgreet.context', 'aaaaaaaa000070008000000000000001,-,admin,authenticated', true);
ALTER ROLE regress_cg_stranger SET cloudgreet.context = 'aaaaaaaa000070008000000000000001,-,admin,authenticated';
CREATE FUNCTION public.liar() RETURNS uuid LANGUAGE sql SET cloudgreet.context = 'aaaaaaaa000070008000000000000001,-,admin,authenticated'
    AS 'SELECT cloudgreet.current_business_id()';
SET SESSION AUTHORIZATION regress_cg_stranger;
SET cloudgreet.context = '';
SET cloudgreet.trusted_authenticators = 'regress_cg_stranger';
SET cloudgreet.jwt_business_claims = 'x';
SELECT cloudgreet.enter_business('aaaaaaaa-0000-7000-8000-000000000001');
RESET SESSION AUTHORIZATION;
SELECT * FROM public.me;

-- enter_business() lasts until the function that called it returns.
CREATE FUNCTION public.visit(business uuid) RETURNS TABLE (before uuid, during uuid) LANGUAGE plpgsql SET search_path = pg_catalog AS
$$
BEGIN
    before := cloudgreet.current_business_id();
    PERFORM cloudgreet.enter_business(business);
    during := cloudgreet.current_business_id();
    RETURN NEXT;
END
$$;
BEGIN;
SELECT * FROM public.visit('aaaaaaaa-0000-7000-8000-000000000001');
SELECT cloudgreet.current_business_id() IS NULL AS nobody_after;
COMMIT;

DROP FUNCTION public.visit(uuid), public.me_with(text);
DROP VIEW public.me;
DROP ROLE regress_cg_stranger;
