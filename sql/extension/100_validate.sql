/*
 * 100_validate.sql
 *		Judging and normalizing phone numbers, e-mail addresses and time zones.
 */
CREATE FUNCTION cloudgreet.is_phone_number(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_phone_number';
COMMENT ON FUNCTION cloudgreet.is_phone_number(text) IS
    'Whether a text is an E.164 phone number: "+" and 8 to 15 digits; a number of +1 must be one of the North American Numbering Plan.';

CREATE FUNCTION cloudgreet.is_email(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_email';
COMMENT ON FUNCTION cloudgreet.is_email(text) IS
    'Whether a text is an e-mail address that mail can be sent to (the HTML standard''s rule, a domain with a dot, RFC 5321''s lengths).';

CREATE FUNCTION cloudgreet.is_time_zone(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_time_zone';
COMMENT ON FUNCTION cloudgreet.is_time_zone(text) IS
    'Whether a text is a place''s name in the IANA time zone database, or UTC; no abbreviations and no POSIX specifications.';

CREATE FUNCTION cloudgreet.normalize_phone_number(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_phone_number';
COMMENT ON FUNCTION cloudgreet.normalize_phone_number(text) IS
    'The E.164 form of a phone number as people in North America write it, or of any number with its country code. Error ZG104, which does not repeat the number.';

CREATE FUNCTION cloudgreet.normalize_email(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_email';
COMMENT ON FUNCTION cloudgreet.normalize_email(text) IS
    'An e-mail address without white space around it, its case kept. Error ZG105.';

CREATE FUNCTION cloudgreet.check_time_zone(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_check_time_zone';
COMMENT ON FUNCTION cloudgreet.check_time_zone(text) IS
    'The name of a time zone as given. Error ZG106 when there is none of that name.';

REVOKE ALL ON FUNCTION cloudgreet.is_phone_number(text), cloudgreet.is_email(text), cloudgreet.is_time_zone(text),
    cloudgreet.normalize_phone_number(text), cloudgreet.normalize_email(text), cloudgreet.check_time_zone(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cloudgreet.is_phone_number(text), cloudgreet.is_email(text), cloudgreet.is_time_zone(text),
    cloudgreet.normalize_phone_number(text), cloudgreet.normalize_email(text), cloudgreet.check_time_zone(text)
    TO cloudgreet_owner, anon, authenticated, service_role, authenticator;
