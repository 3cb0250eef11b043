/*
 * 100_validate.sql
 *		Judging and normalizing phone numbers, e-mail addresses and time zones.
 */
CREATE FUNCTION cloudgreet.is_phone_number(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_phone_number';
COMMENT ON FUNCTION cloudgreet.is_phone_number(text) IS
    'Whether a text is an E.164 phone number: "+" and 8 to 15 digits; a number of +1 must be one of the North American Numbering Plan. Never an error.';

CREATE FUNCTION cloudgreet.is_email(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_email';
COMMENT ON FUNCTION cloudgreet.is_email(text) IS
    'Whether a text is an e-mail address that mail can be sent to (the HTML standard''s rule, a domain with a dot, RFC 5321''s lengths). Never an error.';

CREATE FUNCTION cloudgreet.is_time_zone(value text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_is_time_zone';
COMMENT ON FUNCTION cloudgreet.is_time_zone(text) IS
    'Whether a text is a name of the IANA time zone database, such as America/New_York, or UTC, in its own spelling; no abbreviations, no offsets in digits, no POSIX specifications. Never an error.';

CREATE FUNCTION cloudgreet.normalize_phone_number(value text, default_country text DEFAULT 'US') RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_phone_number';
COMMENT ON FUNCTION cloudgreet.normalize_phone_number(text, text) IS
    'The E.164 form of a phone number as people write it in a country (ISO 3166 code), or of any number with its country code; also from a URI (tel:, sip:). Errors: ZG104, which shows the last two digits only, for what is no number, has a length that its country does not know, an extension, or stands for a caller who withholds the number; 22023 for a country that does not exist.';

CREATE FUNCTION cloudgreet.phone_party(value text, default_country text DEFAULT 'US') RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_phone_party';
COMMENT ON FUNCTION cloudgreet.phone_party(text, text) IS
    'Who a network says takes part in a call or text: the E.164 form of a number, which may come without "+"; "anonymous" when it is withheld, however that is said; anything else (short codes, names) as it came, at most 100 characters. Only what is_phone_number() is a person. Never an error but 22023 for a country that does not exist.';

CREATE FUNCTION cloudgreet.phone_number_kind(phone_number text, OUT country text, OUT kind text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_phone_number_kind';
COMMENT ON FUNCTION cloudgreet.phone_number_kind(text) IS
    'The country (ISO 3166 code; 001 for numbers of no country; NULL when there is no such country code) and the kind of an E.164 number: fixed_line, mobile, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, personal_number, voip, pager, uan, voicemail, or unknown for a range that is not in use. Never an error.';

CREATE FUNCTION cloudgreet.normalize_email(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_email';
COMMENT ON FUNCTION cloudgreet.normalize_email(text) IS
    'An e-mail address without white space around it, its domain in lower case. Error ZG105, which does not repeat the address.';

CREATE FUNCTION cloudgreet.normalize_time_zone(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_time_zone';
COMMENT ON FUNCTION cloudgreet.normalize_time_zone(text) IS
    'The name of a time zone as the IANA database spells it; case and white space around it do not matter. Error ZG106 when there is none of that name.';

CREATE FUNCTION cloudgreet.nearest_name(name text, names text[]) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_nearest_name';
COMMENT ON FUNCTION cloudgreet.nearest_name(text, text[]) IS
    'The one of several names that differs from a name by at most two letters, the least of them; NULL when none does. For names of at most 255 bytes.';
