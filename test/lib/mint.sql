/*
 * mint.sql
 *		For tests: makes HS256 tokens in SQL (RFC 2104 by sha256(), RFC 7515).
 */
CREATE FUNCTION public.base64url(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=') $$;

CREATE FUNCTION public.hmac_sha256(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS
$$
DECLARE
    inner_pad bytea := '';
    outer_pad bytea := '';
BEGIN
    IF length(key) > 64 THEN
        key := sha256(key);
    END IF;
    key := key || decode(repeat('00', 64 - length(key)), 'hex');
    FOR i IN 0..63 LOOP
        inner_pad := inner_pad || set_byte('\x00', 0, get_byte(key, i) # 54);
        outer_pad := outer_pad || set_byte('\x00', 0, get_byte(key, i) # 92);
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$$;

CREATE FUNCTION public.mint(payload text, secret text, header text DEFAULT '{"alg":"HS256","typ":"JWT"}') RETURNS text LANGUAGE sql IMMUTABLE AS
$$
    SELECT signed || '.' || public.base64url(public.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(signed, 'UTF8')))
      FROM (SELECT public.base64url(convert_to(header, 'UTF8')) || '.' || public.base64url(convert_to(payload, 'UTF8')) AS signed) s
$$;

-- Claims of the specification, valid around the real time unless others are given.
CREATE FUNCTION public.claims(business uuid, role text DEFAULT 'admin', more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS
$$
    SELECT (jsonb_build_object('sub', gen_random_uuid(), 'business_id', business, 'role', role,
                'iat', floor(extract(epoch FROM now())), 'exp', floor(extract(epoch FROM now())) + 3600) || more)::text
$$;
