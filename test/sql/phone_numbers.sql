/*
 * phone_numbers.sql
 *		Numbers of some 70 countries as people and trunks write them, held to what
 *		libphonenumber answers; what callers who withhold their number are told by; kinds.
 */
\set ECHO none
CREATE TEMPORARY TABLE oracle (value text, country text, e164 text, region text, kind text);
\i test/lib/phone_oracle.sql
-- Where ours are other answers, and why.
CREATE FUNCTION pg_temp.deviates(e164 text, region text, kind text) RETURNS text LANGUAGE sql AS
$$
    SELECT CASE WHEN length(e164) > 16 THEN 'E.164 has 15 digits at most'
                WHEN length(e164) < 9 THEN 'a number that can be called from abroad has 8 digits at least'
                WHEN e164 ~ '^\+1([01]|...[01]|.11)' THEN 'area codes and exchanges of North America begin with 2 to 9'
                WHEN region IS NULL AND kind = 'unknown' THEN 'a range that is not in use is of the country that would open it' END;
$$;
CREATE FUNCTION pg_temp.read(value text, country text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN cloudgreet.normalize_phone_number(value, country); EXCEPTION WHEN SQLSTATE 'ZG104' THEN RETURN NULL; END $$;
\set ECHO all
SELECT count(*) > 800 AS many, count(DISTINCT substring(e164 FROM '^\+(1|7|[2-689].)')) > 30 AS of_many_codes, count(DISTINCT region) > 60 AS of_many_countries FROM oracle;
-- Each answer is libphonenumber's, or deviates for a reason.
CREATE TEMPORARY TABLE answer AS
SELECT o.*, pg_temp.read(o.value, o.country) AS got, k.country AS got_region, k.kind AS got_kind FROM oracle o LEFT JOIN cloudgreet.phone_number_kind(o.e164) k ON true;
SELECT value, country, e164, got FROM answer
 WHERE got IS DISTINCT FROM e164 AND (got IS NOT NULL OR pg_temp.deviates(e164, region, kind) IS NULL);
SELECT e164, region, kind, got_region, got_kind FROM answer
 WHERE e164 IS NOT NULL AND (got_kind <> kind OR got_region IS DISTINCT FROM region)
   AND pg_temp.deviates(e164, region, kind) IS NULL;
SELECT pg_temp.deviates(e164, region, kind) AS deviates_because, count(*) > 0 AS seen FROM answer
 WHERE got IS DISTINCT FROM e164 OR got_region IS DISTINCT FROM region GROUP BY 1 ORDER BY 1;
SELECT kind, count(*) > 0 AS seen FROM answer WHERE got_kind = kind GROUP BY kind ORDER BY kind;
-- What is stored is its own canonical form.
SELECT count(*) AS changed FROM answer WHERE got IS NOT NULL AND (got <> cloudgreet.normalize_phone_number(got) OR got <> cloudgreet.phone_party(got));

-- Zeros and codes that are dialled at home, URIs, signs of other scripts.
SELECT country, value, cloudgreet.normalize_phone_number(value, country) AS normalized FROM (VALUES
    ('US', '+33 (0)1 42 68 53 00'), ('US', '+353 01 234 5678'), ('US', '+31 (0) 20 624 1111'), ('US', '+39 02 3661 8300'), ('US', '+1 (1) 312 555 0142'),
    ('FR', '33 6 12 34 56 78'), ('NL', '31 20 624 1111'), ('AU', '61 2 9374 4000'), ('BR', '0 21 11 98765 4321'),
    ('US', '+52 1 33 1234 5678'), ('MX', '044 55 1234 5678'), ('US', '+54 11 15 2345 6789'), ('AR', '011 15 2345-6789'),
    ('US', 'tel:+1-312-555-0142'), ('US', 'sip:+13125550142@trunk.example.com;user=phone'), ('US', '"Ann Lee" <sip:+13125550142@example.com>'),
    ('GB', 'tel:2079460958;phone-context=+44'), ('US', 'sips:%2B442079460958:secret@example.com?subject=x'),
    ('US', '＋１３１２５５５０１４２'), ('DE', 'callto:+49 30 123456')) AS t (country, value);
-- Refused, each for what is wrong.
SELECT cloudgreet.normalize_phone_number('+1 312 555 0142 ext. 7');
SELECT cloudgreet.normalize_phone_number('tel:+1-312-555-0142;ext=7');
SELECT cloudgreet.normalize_phone_number('312-555-0142 x7');
SELECT cloudgreet.normalize_phone_number('+210 555 0142');
SELECT cloudgreet.normalize_phone_number('+44 20 7946');
SELECT cloudgreet.normalize_phone_number('+266 696 687');
SELECT cloudgreet.normalize_phone_number('+1 312 555 0142, +1 312 555 0143');

-- Who withholds the number is nobody, in all the ways in which networks say it.
SELECT w AS not_withheld FROM unnest(ARRAY[
    '', ' ', '0', '000', 'anonymous', 'ANONYMOUS', 'Anonymous Caller', 'restricted', 'Private', 'Private Number', 'unknown', 'Unavailable', 'WITHHELD', 'No Caller ID',
    'blocked', 'out of area', 'sip:anonymous@anonymous.invalid', 'sip:+13125550142@anonymous.invalid', '"Anonymous" <sip:+13125550142@example.com>',
    'Anonymous <sip:c8oqz84zk7z@privacy.example>', 'sip:Restricted@10.0.0.1', 'sip:266696687@10.0.0.1', '266696687', '00266696687', '+266 696-687', 'tel:+266696687', '+7378742833', '86282452253',
    '+86282452253', '+2562533', '+8656696', '+7748283', '+94844353', '+10000000000', '+1 000 000 0000', '+440000000000']) w
 WHERE cloudgreet.phone_party(w) <> 'anonymous';
-- Trunks write numbers in full without "+", or as at home: whichever is in use.
SELECT country, value, cloudgreet.phone_party(value, country) AS party FROM (VALUES
    ('US', '13125550142'), ('US', '3125550142'), ('US', '442079460958'), ('US', '34945945945'), ('GB', '13125550142'), ('GB', '02079460958'), ('GB', '447400123456'),
    ('US', '6591234567'), ('DE', '4915112345678'), ('US', '72727'), ('US', 'CLEO-SPA'), ('US', '911'), ('US', 'alice'), ('US', '+1 312 555 0142 x7'),
    ('US', '"Unknown" <sip:+13125550142@example.com>')) AS t (country, value);
SELECT length(cloudgreet.phone_party(repeat('é', 10000))) AS cut, cloudgreet.phone_party(NULL) IS NULL AS nothing;

-- What nothing should be sent to is told apart.
SELECT n, k.* FROM unnest(ARRAY['+13125550142', '+19002345678', '+18004117246', '+447700900853', '+449098790000', '+882130000000', '+979123456789', '+2101234567', '+17872345678', '72727', '']) n,
       cloudgreet.phone_number_kind(n) k;
SELECT cloudgreet.phone_number_kind(NULL) IS NULL AS nothing;
