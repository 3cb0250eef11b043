/*
 * 410_opt_words.sql
 *		What a text says about being texted: the words of the FCC's rule (47 CFR
 *		64.1200(a)(10)) and of CTIA's, and, with care, words of people's own.
 *
 * A text is folded (case, width, accents), rid of what its writer did not write
 * (quotations, reactions to our text, signatures), and cut into lines of plain words, one
 * a sentence, with " , " between clauses and " ?" at the end of a question.  These are
 * held against a few phrases.  All patterns are without back references, and so take a
 * time that grows with the length of the text only; no more than 10,000 characters are read.
 *
 * Shown by test/sql/opt_words.sql and opt_corpus.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.plain_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- Letters lose their accents and their width, so that only ASCII is left to look at.
    SELECT btrim(regexp_replace(
        regexp_replace(lower(normalize(left(value, 2000), NFKD) COLLATE "C"), '[\u0300-\u036f\u200b-\u200f\u2060\ufeff''\u2019\u2018`]', '', 'g'),
        '[^a-z0-9]+', ' ', 'g'));
$$;
COMMENT ON FUNCTION cloudgreet_private.plain_words(text) IS
    'The words of a text in lower case, without accents and punctuation, one blank between.';

CREATE OR REPLACE FUNCTION cloudgreet_private.opt_keyword() RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT '(?:s+t+[o0]+p+|stpo|sotp|stop ?all|quit|unsub|unsubs?c?ri?b(?:e|ed|ing)|optout|opt out|remove|revoke|cease|arret|arretez'
           '|alto|parar|pare|paren|detener|detengan?(?:se)?|basta|baja|dar de baja|de(?:n?me) de baja|darme de baja|suspender|des(?:us|ins)cribir(?:me)?)';
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_keyword() IS
    'A pattern of the words that opt out wherever they stand as a sentence of their own. Not end, cancel and the like: what else is said tells whether these are about an appointment.';

CREATE OR REPLACE FUNCTION cloudgreet_private.fold_marks(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t text := regexp_replace(normalize(left(fold_marks.value, 10000), NFKD),
        '[\u00ad\u0300-\u036f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g');
BEGIN
    t := translate(t, '{}「」『』《》', E'  \u007b\u007d\u007b\u007d\u007b\u007d');
    -- The same mark opens in one language and closes in another.
    t := CASE WHEN strpos(t, '„') > 0 THEN translate(t, '„“”', '{}}')
              WHEN strpos(t, '“') > 0 THEN translate(t, '“‟”', '{{}') ELSE translate(t, '”', '"') END;
    t := CASE WHEN strpos(t, '»') > 0 AND strpos(t, '»') < strpos(t || '«', '«') THEN translate(t, '»«›‹', '{}{}') ELSE translate(t, '«»‹›', '{}{}') END;
    IF strpos(t, '"') > 0 THEN
        t := regexp_replace(t, '(^|\s)"\s([^"]*)\s"(?=\s|$)', '\1{\2}', 'g');
        t := regexp_replace(t, '(^|[\s({:])"(?=\S)', '\1{', 'g');
    END IF;
    t := regexp_replace(t, '(^|[\s(:])[''‘]([^''‘’\n]+)[''’](?=$|[\s.,;:!?)])', '\1{\2}', 'g');
    RETURN replace(t, '"', '}');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.fold_marks(text) IS
    'A text without accents, width and what nobody sees, and with braces for quotation marks of all kinds.';

CREATE OR REPLACE FUNCTION cloudgreet_private.drop_ours(folded text, ours text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    min_length CONSTANT integer := 20;
    t text := drop_ours.folded;
    own text;
    at integer;
    low integer;
    high integer;
    is_found boolean := false;
BEGIN
    IF cardinality(drop_ours.ours) > 0 THEN
        t := regexp_replace(t, '\s+', ' ', 'g');
    END IF;
    FOREACH own IN ARRAY drop_ours.ours LOOP
        own := regexp_replace(cloudgreet_private.fold_marks(own), '\s+', ' ', 'g');
        at := CASE WHEN length(own) >= min_length THEN strpos(t, left(own, min_length)) ELSE 0 END;
        CONTINUE WHEN at = 0;
        -- A phone cuts off what it quotes: as much of ours goes as is there.
        low := min_length;
        high := length(own);
        WHILE low < high LOOP
            IF starts_with(substr(t, at), left(own, (low + high + 1) / 2)) THEN
                low := (low + high + 1) / 2;
            ELSE
                high := (low + high + 1) / 2 - 1;
            END IF;
        END LOOP;
        t := left(t, at - 1) || E'\n' || substr(t, at + low);
        is_found := true;
    END LOOP;
    RETURN CASE WHEN is_found THEN t ELSE drop_ours.folded END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.drop_ours(text, text[]) IS
    'A folded text without what it repeats of the texts that we sent, from their beginning on.';

CREATE OR REPLACE FUNCTION cloudgreet_private.cut_off(t text, at integer) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- A line with nothing but such a word is never part of a quotation that somebody means.
    SELECT left(cut_off.t, cut_off.at - 1) || E'\n' || coalesce(string_agg(m[1], E'\n'), '')
      FROM regexp_matches(substr(cut_off.t, cut_off.at), '(?n)^\W*(' || cloudgreet_private.opt_keyword() || ')\W*$', 'gi') m;
$$;
COMMENT ON FUNCTION cloudgreet_private.cut_off(text, integer) IS
    'A text up to a place, and of the rest the lines that are nothing but a word that opts out.';

CREATE OR REPLACE FUNCTION cloudgreet_private.drop_quotations(folded text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_depth CONSTANT integer := 8;
    -- "Liked", "Removed a heart from", an emoji and "to", and the same in other languages.
    reaction CONSTANT text := '^[^a-z0-9{]*(?:liked?|loved?|disliked?|laughed at|emphasi[sz]ed|questioned|removed [^{]{1,24} from|reacted [^{]{1,24} to|to'
        '|(?:a [^{]{1,30} )?(?:no )?(?:le|les|te|me) (?:gusto|encanto|gusta|encanta|dio risa)|se rio (?:de|con)|(?:le )?enfatizo|dudo(?: de)?|cuestiono|pregunto(?: por)?'
        '|reacciono [^{]{1,24} a|(?:quito|elimino) [^{]{1,30} de|a (?:bien )?(?:aime|adore|ri de)|gefallt|hat [^{]{1,30}|curtiu|adorou|riu de|gostou de|reagiu [^{]{1,24} a|ha reagito [^{]{1,24} a|mi piace)[^a-z0-9{]*\{';
    own_saying CONSTANT text := '\m(?:i|we|yo|ya|le|les) (?:have |already |just |ya )*(?:said|say|told (?:you|u|yall)(?: guys| already)?|wrote|texted(?: you)?|replied|repeat|mean'
        '|asked(?: you)?|answered|sent(?: you)?|typed|dije|digo|escribi|respondi)(?: to)?[ ,:]*\{([^{}]*)\}';
    is_reaction CONSTANT boolean := drop_quotations.folded ~* reaction;
    t text := drop_quotations.folded;
    inside text;
    before integer;
BEGIN
    IF is_reaction THEN
        t := regexp_replace(t, reaction, '{', 'i');
    ELSE
        -- What people say of themselves in marks is theirs: I said "stop".
        t := regexp_replace(t, own_saying, E'\n\\1\n', 'gi');
        t := regexp_replace(t, '\{\W*(' || cloudgreet_private.opt_keyword() || ')\W*\}', ' \1 ', 'gi');
    END IF;
    inside := t;
    FOR depth IN 1 .. max_depth LOOP
        before := length(t);
        t := regexp_replace(t, '\{[^{}]*\}', E'\n', 'g');
        EXIT WHEN length(t) = before;
    END LOOP;
    IF NOT is_reaction AND t !~ '[[:alnum:]]' THEN
        t := inside; -- nothing but a quotation: so it is what they say
    ELSIF NOT is_reaction AND t ~ '^[^[:alnum:]{]*\{' THEN
        t := overlay(t PLACING ' ' FROM strpos(t, '{') FOR 1); -- a stray mark
    END IF;
    t := replace(t, '}', ' ');
    -- A quotation that does not end goes to the end of the text.
    IF strpos(t, '{') > 0 AND t <> replace(inside, '}', ' ') THEN
        RETURN cloudgreet_private.cut_off(t, strpos(t, '{'));
    END IF;
    RETURN replace(t, '{', ' ');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.drop_quotations(text) IS
    'A folded text without quotations and reactions to a text. Marks around a word that opts out, around all, or around what the writer tells of themselves are no quotation.';

CREATE OR REPLACE FUNCTION cloudgreet_private.drop_quoted(folded text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    below_answer CONSTANT text := '(?n)^\s*(?:--+|__+)\s*$|^(?:on .*\d.* wrote:|el .*\d.* escribio:|\W*original message\W*|\W*mensaje original\W*|begin forwarded message:)\s*$';
    t text := drop_quoted.folded;
    at integer;
BEGIN
    IF strpos(t, '>') > 0 THEN
        t := regexp_replace(t, '(?n)^\s*>.*$', '', 'g');
    END IF;
    IF strpos(t, '{') > 0 THEN
        t := cloudgreet_private.drop_quotations(t);
    END IF;
    t := replace(t, '}', ' ');
    at := regexp_instr(t, below_answer, 1, 1, 0, 'i');
    IF at > 0 AND left(t, at - 1) ~ '[[:alnum:]]' THEN
        t := cloudgreet_private.cut_off(t, at);
    END IF;
    t := regexp_replace(t, '(?n)^\W*(?:sent (?:from|via|with|using) |get outlook|yahoo mail|enviado (?:desde|con) |obten(?:er)? outlook).*$', '', 'gi');
    -- A name after a dash, unless it is none.
    RETURN regexp_replace(t, '(?n)^\s*[-–—~]+ ?(?!.*(?:' || cloudgreet_private.opt_keyword() || '|end|cancel|text|message|contact|no ))[[:alpha:]]+(?: [[:alpha:]]+){0,2}\.?\s*$', '', 'gi');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.drop_quoted(text) IS
    'A folded text without quotations, reactions to a text, what mail programs put below an answer, and signatures.';

CREATE OR REPLACE FUNCTION cloudgreet_private.word_lines(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    has_small CONSTANT boolean := word_lines.t ~ '[a-z]';
    r text := replace(translate(word_lines.t, '''’‘`´', ''), '#', ' number ');
BEGIN
    r := regexp_replace(r, '\ms[ ._*-]{1,2}t[ ._*-]{1,2}o[ ._*-]{1,2}p\M', ' stop ', 'gi');
    r := regexp_replace(r, '\?+', E' ?\n', 'g');
    r := regexp_replace(r, '[!¡¿;\r\v\f\u2028\u2029]|\.{2,}|\.(?=\s|$|[A-Z])', E'\n', 'g');
    r := regexp_replace(r, '[^\u0001-\u007f]+|[,:()\[\]/|~]|--+|\s-(?=\s|\S)', ' , ', 'g');
    IF has_small THEN
        -- In capitals among others: "Not for us STOP".
        r := regexp_replace(r, '\m(STOP|STOPALL|UNSUBSCRIBE|UNSUB|QUIT|OPTOUT|REMOVE|END|CANCEL|ALTO|PARAR|BAJA|CANCELAR|FIN)\M', '!\1', 'g');
    END IF;
    r := regexp_replace(lower(r COLLATE "C"), '[^a-z0-9!?,\n]+', ' ', 'g');
    r := regexp_replace(r, ' ?(?:,[ ,]*)+', ' , ', 'g');
    RETURN btrim(regexp_replace(r, '[ ,]*\n[ ,\n]*', E'\n', 'g'), E' ,\n');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.word_lines(text) IS
    'A text as lines of plain words, one a sentence: " , " between clauses, " ?" at the end of a question, "!" before a word that opts out in capitals among small letters.';
