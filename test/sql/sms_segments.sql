/*
 * sms_segments.sql
 *		The parts that a text is sent in, and that one with too many is refused when it is
 *		asked for, never cut.
 */
\set ECHO none
\set QUIET on
\i test/lib/master_key.sql
SELECT cloudgreet.create_business('Parts', 'America/Chicago') AS b \gset
SELECT cloudgreet.set_secret('telnyx', 'x', :'b') AS a, cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => :'b') AS c,
       cloudgreet.add_phone_number('+13125557110', business_id => :'b') AS d \gset
CREATE FUNCTION public.accepts(content text, business uuid) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM cloudgreet.send_sms('+13125557111', content, business_id => business);
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN RETURN sqlstate;
END
$$;
\pset footer off
\set ECHO all

-- One part holds 160 septets or 70 units, each of several 153 or 67.
SELECT t.what, (cloudgreet.sms_segments(t.content)).* FROM (VALUES
    (1, 'nothing', ''), (2, '160 letters', repeat('a', 160)), (3, '161 letters', repeat('a', 161)), (4, '306 letters', repeat('a', 306)), (5, '307 letters', repeat('a', 307)),
    (6, 'signs of the alphabet', 'Price: 5 £, "naïve" no; Ångström, ÑANDÚ no'), (7, 'the same without ï and Ú', E'Price: 5 £, Ångström, à è é ù ì ò Ç Ø ø ß ä ö ñ ü Δ Φ Ω § ¿ ¡\r\n'),
    (8, 'all letters with ç', 'façade'), (9, 'grave accent alone', '`'), (10, 'a tab', E'a\tb'),
    (11, 'euros', repeat('€', 80)), (12, 'euros and one letter', repeat('€', 80) || 'a'), (13, 'the extension table', E'^{}\\[~]|€\f'),
    (14, '70 Cyrillic', repeat('Ж', 70)), (15, '71 Cyrillic', repeat('Ж', 71)), (16, '35 emojis', repeat('😀', 35)), (17, '36 emojis', repeat('😀', 36)), (18, 'letters and an emoji', repeat('a', 69) || '😀')
  ) AS t (n, what, content) ORDER BY t.n;

-- A pair is not split: 153 - 1 = 152, so the 77th pair begins the second part, whatever stood before.
SELECT t.what, s.units, s.segments FROM (VALUES
    (1, '76 pairs and a letter twice', repeat('[', 76) || 'a' || repeat(']', 76) || 'a'), (2, '77 + 76 pairs', repeat('[', 153)), (3, 'a letter first, then pairs', 'a' || repeat('[', 152)),
    (4, '33 emojis and a letter, twice', repeat('😀', 33) || 'Ж' || repeat('😀', 33) || 'Ж'), (5, '67 emojis', repeat('😀', 67))
  ) AS t (n, what, content), cloudgreet.sms_segments(t.content) s ORDER BY t.n;

-- Ten parts are sent, eleven are refused.
SELECT t.what, public.accepts(t.content, :'b') FROM (VALUES
    (1, '1530 letters', repeat('x', 1530)), (2, '1531 letters', repeat('x', 1531)), (3, '1700 letters', repeat('x', 1700)), (4, '760 euros', repeat('€', 760)), (5, '761 euros', repeat('€', 761)),
    (6, '670 Cyrillic', repeat('Ж', 670)), (7, '671 Cyrillic', repeat('Ж', 671)), (8, '330 emojis', repeat('🎉', 330)), (9, '331 emojis', repeat('🎉', 331)), (10, '900 letters and a curly quote', repeat('x', 900) || '’')
  ) AS t (n, what, content) ORDER BY t.n;
\set VERBOSITY terse
SELECT cloudgreet.send_sms('+13125557111', repeat('x', 1531), business_id => :'b');
-- The row tells the parts from the beginning.
SELECT length(m.content), m.segments FROM cloudgreet.sms_messages m WHERE m.business_id = :'b' ORDER BY m.id;
\set ECHO none
DROP FUNCTION public.accepts(text, uuid);
\i test/lib/drop_master_key.sql
