/*
 * validate.sql
 *		Phone numbers, e-mail addresses and time zones: what is accepted, and what the
 *		forms that people write become.
 */
-- Each value stands with the verdict that it should get; only surprises are shown.
CREATE TEMPORARY TABLE vector (kind text, expected boolean, value text);
INSERT INTO vector SELECT 'phone', true, v FROM unnest(ARRAY[
    '+12125550123', '+19025550123', '+18004117246', '+442079460958', '+4930123456', '+61291234567', '+390669812345',
    '+20123456', '+999999999999999']) v;
INSERT INTO vector SELECT 'phone', false, v FROM unnest(ARRAY[
    '', '+', '12125550123', '0012125550123', '+0212555012', '+1', '+1212555012', '+121255501234', '+12345678', '+123456789012345',
    '+11125550123', '+10125550123', '+12120550123', '+12121550123', '+19115550123', '+14115550123', '+12125550',
    '+4930123', '+4412345678901234', '+44 2079460958', '+44-20-7946-0958', '+44(0)2079460958', '++442079460958',
    ' +442079460958', '+442079460958 ', E'+442079460958\n', E'+4420794609\n58', '+44２079460958', '+44207946095x',
    '+442079460958;ext=1', 'tel:+442079460958', '+٤٤٢٠٧٩٤٦٠٩٥٨', repeat('1', 10000), '+' || repeat('1', 10000)]) v;
INSERT INTO vector SELECT 'email', true, v FROM unnest(ARRAY[
    'ann@example.com', 'Ann.Lee+x@sub.example.co.uk', 'a@b.co', 'o''neil@example.com', 'x_y-z@ex-ample.com', '!#$%&*+/=?^_`{|}~@example.com',
    '1@1.example', 'a@xn--exmple-cua.com', repeat('a', 64) || '@example.com', 'a@' || repeat('b', 63) || '.com',
    repeat('a', 64) || '@' || repeat(repeat('b', 61) || '.', 3) || 'com']) v;
INSERT INTO vector SELECT 'email', false, v FROM unnest(ARRAY[
    '', '@', 'ann', 'ann@', '@example.com', 'ann@example', 'ann@@example.com', 'ann@ex@mple.com', 'ann@ex ample.com', 'ann @example.com',
    '.ann@example.com', 'ann.@example.com', 'a..b@example.com', 'ann@-example.com', 'ann@example-.com', 'ann@.com', 'ann@example..com',
    'ann@example.com.', 'ann@exämple.com', 'änn@example.com', 'ann@127.0.0.1', 'ann@[127.0.0.1]', 'ann@example.123', 'ann@ex_ample.com',
    '"ann lee"@example.com', 'ann(x)@example.com', 'Ann <ann@example.com>', '<ann@example.com>', 'mailto:ann@example.com', 'ann@example.com,bob@example.com',
    ' ann@example.com', E'ann@example.com\n', E'ann@example.com\nBcc: x@example.com', E'ann\t@example.com', E'ann\u00a0@example.com', E'ann\u200b@example.com',
    repeat('a', 65) || '@example.com', 'a@' || repeat('b', 64) || '.com', repeat('a', 64) || '@' || repeat(repeat('b', 62) || '.', 3) || 'com',
    repeat('a', 10000), 'a@' || repeat('b.', 5000) || 'com']) v;
INSERT INTO vector SELECT 'zone', true, v FROM unnest(ARRAY[
    'UTC', 'America/New_York', 'Europe/Berlin', 'Pacific/Apia', 'America/Argentina/Buenos_Aires', 'America/Port-au-Prince', 'Asia/Ho_Chi_Minh',
    'Antarctica/DumontDUrville', 'Arctic/Longyearbyen', 'Etc/UTC', 'Etc/GMT', 'Etc/GMT+5', 'Etc/GMT-14']) v;
INSERT INTO vector SELECT 'zone', false, v FROM unnest(ARRAY[
    '', '/', 'utc', 'america/new_york', 'AMERICA/NEW_YORK', 'America/New York', 'America/Nowhere', 'America', 'America/', 'America/Indiana', '/America/New_York',
    'America//New_York', 'America/New_York/', ' America/New_York', E'America/New_York\n', 'EST', 'EST5EDT', 'PST8PDT', 'GB', 'GMT', 'GMT+5', 'UTC+5', '+05:00', '-5', '<+05>-5',
    'FOO/BAR5', 'Foo/Bar5', 'A/B-5', 'Etc/GMT+77', 'ETC/GMT+77', 'Etc/GMT+5EDT', 'posix/America/New_York', 'right/America/New_York', 'posixrules', 'localtime', 'Factory',
    'zone.tab', 'tzdata.zi', '../etc/passwd', '/etc/localtime', 'America/../UTC', './UTC', 'Amérique/Paris', 'DEFAULT', 'LOCAL',
    repeat('A/', 127) || 'b', repeat('A/', 128), repeat('A/', 5000)]) v;
SELECT kind, count(*) FILTER (WHERE expected) AS good, count(*) FILTER (WHERE NOT expected) AS bad FROM vector GROUP BY kind ORDER BY kind;
SELECT kind, expected, left(value, 50) AS surprise FROM vector
 WHERE expected IS DISTINCT FROM CASE kind WHEN 'phone' THEN cloudgreet.is_phone_number(value)
                                           WHEN 'email' THEN cloudgreet.is_email(value) ELSE cloudgreet.is_time_zone(value) END;
-- NULL is unknown, as everywhere.
SELECT cloudgreet.is_phone_number(NULL) IS NULL AND cloudgreet.is_email(NULL) IS NULL AND cloudgreet.is_time_zone(NULL) IS NULL
       AND cloudgreet.normalize_phone_number(NULL) IS NULL AND cloudgreet.normalize_email(NULL) IS NULL
       AND cloudgreet.normalize_time_zone(NULL) IS NULL AS nulls;
-- All the server's zones of the form area/place are accepted, and nothing else but UTC.
SELECT count(*) AS missed FROM pg_timezone_names
 WHERE name ~ '/' AND name !~ '^(posix|right)/' AND NOT cloudgreet.is_time_zone(name);
SELECT name AS accepted FROM pg_timezone_names WHERE name !~ '/' AND cloudgreet.is_time_zone(name);

-- Phone numbers as people write them.
SELECT country, value, cloudgreet.normalize_phone_number(value, country) AS normalized FROM (VALUES
    ('US', '2125550123'), ('US', '(212) 555-0123'), ('US', '212.555.0123'), ('US', '1-212-555-0123'), ('US', '+1 (212) 555-0123'),
    ('US', '212/555-0123'), ('US', ' 212 555 0123 '), ('US', '1 (800) 411-7246'), ('CA', '902-555-0123'), ('PR', '787 555 0123'),
    ('US', '011 44 20 7946 0958'), ('US', '0044 20 7946 0958'), ('US', '+44 20 7946 0958'), ('US', '+44 (0)20 7946 0958'), ('US', '(+44) 20 7946 0958'),
    ('GB', '020 7946 0958'), ('GB', '(020) 7946 0958'), ('gb', '00 1 212 555 0123'), ('GB', '+1 212 555 0123'), ('DE', '030/123456'),
    ('AU', '(02) 9123 4567'), ('AU', '0011 1 212 555 0123'), ('IT', '06 698 12345'), ('DK', '32 12 34 56')) AS t (country, value);
-- Copied from a contact: marks of direction, no-break spaces and a no-break hyphen.
SELECT cloudgreet.normalize_phone_number(E'\u202a+1\u00a0(212)\u00a0555\u20110123\u202c') AS copied;
-- The form that is stored is its own normal form.
SELECT count(*) AS changed FROM vector WHERE expected AND value <> CASE kind
    WHEN 'phone' THEN cloudgreet.phone_party(value) WHEN 'email' THEN cloudgreet.normalize_email(value) ELSE cloudgreet.normalize_time_zone(value) END
   AND NOT (kind = 'email' AND lower(value) <> value OR kind = 'zone' AND value IN ('US/Eastern', 'Etc/UTC'));
SELECT cloudgreet.normalize_email(E'  Ann.Lee@Example.COM\r\n') AS email, cloudgreet.normalize_time_zone(E'\tamerica/new_york ') AS zone,
       cloudgreet.normalize_time_zone('utc') AS utc;

-- Addresses as people and mail programs write them; marks that nobody sees are blanks.
SELECT value, cloudgreet.normalize_email(value) AS normalized FROM (VALUES
    ('Dana Roe <Dana.Roe@Example.ORG>'), ('"Roe, Dana" <dana.roe@example.org>'), ('"Roe \"D\" <x@example.com>" <dana@example.org>'), ('<dana@example.org>'),
    ('dana@example.org (at home (or not))'), ('(office) Dana <dana@example.org> (noon)'), ('mailto:Dana@example.org?subject=Hi&cc=x@example.com'),
    ('<mailto:dana@example.org>'), ('dana@example.org <DANA@example.org>'), ('Dána <dana@EXAMPLE.org>'), (E'\u00a0dana@example.org\u200b'), ('dana@xn--Bcher-KVA.example')) v (value);
-- One address is wanted, of letters that mail can be sent to.
SELECT left(value, 50) AS value, cloudgreet.read_email(value) IS NULL AS refused FROM (VALUES
    ('a@example.org, b@example.org'), ('A <a@example.org>, B <b@example.org>'), ('a@example.org;b@example.org'), ('a@example.org <b@example.org> c@example.org'),
    ('Dana <dana@example.org'), ('dana@example.org>'), ('"Dana <dana@example.org>'), ('(dana@example.org'), ('Dana <>'), ('Dana <@relay.example:dana@example.org>'),
    (E'Dana\nBcc: x@example.com <dana@example.org>'), ('"dana roe"@example.org'), ('dana@bücher.example'), ('dána@example.org'), ('dana＠example.org'),
    ('mailto:'), ('mailto:?to=dana@example.org'), (repeat('(', 2000) || 'dana@example.org'), (repeat('x', 2000) || ' <dana@example.org>')) v (value) ORDER BY cloudgreet.read_email(value) IS NULL, value COLLATE "C";
SELECT cloudgreet.normalize_email('a@example.org, b@example.org');
SELECT cloudgreet.normalize_email('dana@bücher.example');
SELECT value, cloudgreet.normalize_contact(value) AS contact FROM (VALUES ('Dana <Dana@example.org>'), ('(312) 555-0142'), ('sip:+13125550142@trunk.example.com')) v (value);

-- A zone is stored by its present name, which the server has, also when it lacks former ones.
SELECT value, cloudgreet.normalize_time_zone(value) AS zone, cloudgreet.time_zone_country(cloudgreet.normalize_time_zone(value)) AS country
  FROM unnest('{US/Pacific,us/hawaii,Asia/Saigon,Asia/Rangoon,Europe/Kiev,Europe/Oslo,Europe/Amsterdam,America/Buenos_Aires,Etc/Zulu,UTC}'::text[]) value;
SELECT count(*) AS not_its_own FROM pg_timezone_names z
 WHERE cloudgreet.is_time_zone(z.name) AND cloudgreet.normalize_time_zone(cloudgreet.normalize_time_zone(z.name)) <> cloudgreet.normalize_time_zone(z.name);

-- What is refused is told apart, and not repeated.
SELECT cloudgreet.normalize_phone_number('555-0123');
SELECT cloudgreet.normalize_phone_number('+44 20 79');
SELECT cloudgreet.normalize_phone_number('1-800-FLOWERS');
SELECT cloudgreet.normalize_email('ann@@example.com');
SELECT cloudgreet.normalize_time_zone('EST5EDT');
SELECT cloudgreet.normalize_time_zone(E'UTC\nLOG:  forged');
SELECT cloudgreet.normalize_phone_number('2125550123', 'Narnia');
-- Every bad value of the table above has its code, also when it is long or of many bytes.
CREATE FUNCTION pg_temp.code_of(kind text, value text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    RETURN CASE kind WHEN 'phone' THEN cloudgreet.normalize_phone_number(value)
                     WHEN 'email' THEN cloudgreet.normalize_email(value) ELSE cloudgreet.normalize_time_zone(value) END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT kind, pg_temp.code_of(kind, value) AS result, count(*) FROM vector WHERE NOT expected GROUP BY 1, 2 ORDER BY 1, 2;
