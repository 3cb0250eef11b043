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
    'The e-mail address in a text in lower case: without blanks, a display name and <> around it, comments, or mailto:. Error ZG105, which does not repeat the address, also for several addresses and for letters outside of ASCII.';

CREATE FUNCTION cloudgreet.read_email(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_read_email';
COMMENT ON FUNCTION cloudgreet.read_email(text) IS
    'As normalize_email(), but NULL for what is no address. Never an error.';

CREATE FUNCTION cloudgreet.normalize_contact(value text, default_country text DEFAULT 'US') RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_contact';
COMMENT ON FUNCTION cloudgreet.normalize_contact(text, text) IS
    'The form in which suppressions and consents keep a contact: normalize_email() of what has an "@" (and is no sip: or tel: URI), else normalize_phone_number(). Errors as of those.';

CREATE FUNCTION cloudgreet.normalize_time_zone(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_normalize_time_zone';
COMMENT ON FUNCTION cloudgreet.normalize_time_zone(text) IS
    'The name by which a time zone is stored: that of the IANA database, and its present one for a former one (America/New_York for US/Eastern). Case and white space around it do not matter. Error ZG106 when the server knows none of that name.';

CREATE FUNCTION cloudgreet.time_zone_country(time_zone text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_time_zone_country';
COMMENT ON FUNCTION cloudgreet.time_zone_country(text) IS
    'The country (ISO 3166 code) of a time zone by its canonical name; NULL for zones of no country.';

CREATE FUNCTION cloudgreet.keep_canonical() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'cg_sql_keep_canonical';
COMMENT ON FUNCTION cloudgreet.keep_canonical() IS
    'BEFORE INSERT OR UPDATE trigger that brings columns into the form that is stored, however they are written; its arguments are pairs of a column and a kind: phone, email, contact, party, time_zone. Errors: ZG104, ZG105, ZG106.';

CREATE FUNCTION cloudgreet.nearest_name(name text, names text[]) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cg_sql_nearest_name';
COMMENT ON FUNCTION cloudgreet.nearest_name(text, text[]) IS
    'The one of several names that differs from a name by at most two letters, the least of them; NULL when none does. For names of at most 255 bytes.';
