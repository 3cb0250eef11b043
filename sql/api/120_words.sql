/*
 * 120_words.sql
 *		What people and models write that says nothing, and characters that nobody sees.
 *
 * Called by what takes in words of others: arguments of the agent's functions, facts of
 * webhooks, leads of forms; and by the triggers that keep names clean.
 *
 * Invariant:	a name in a script that joins its letters, and a sequence of emoji, stay
 *				as they are; test/sql/words.sql.
 * Errors:		none.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.visible(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- What a joiner or a variation selector may stand after: letters of scripts that join, symbols, emoji.
    base CONSTANT text := '\u0590-\u1fff\u2100-\ufaff\ufe0f\ufe70-\ufefe\uff01-\uffef\U00010000-\U0001faff\U00020000-\U000323af';
    clean text := visible.value;
BEGIN
    IF clean IS NULL OR clean !~ '[^\u0020-\u007e]' THEN
        RETURN btrim(clean);
    END IF;
    -- Blanks of every width, line and paragraph separators and controls are one blank each.
    clean := regexp_replace(clean, '[\u0001-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]', ' ', 'g');
    -- Marks of direction, what takes no room, fillers, tags, private use, and what is no character.
    clean := regexp_replace(clean, '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f'
        || '\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]', '', 'g');
    -- Joiners and selectors that have nothing to join or to vary.
    clean := regexp_replace(clean, '(?<![' || base || '])[\u200c\u200d]|[\u200c\u200d](?![' || base || '])', '', 'g');
    clean := regexp_replace(clean, '(?<![' || base || '#*0-9\u00a9\u00ae\u2010-\u2027\u2030-\u205e])[\ufe00-\ufe0f]', '', 'g');
    RETURN btrim(clean);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.visible(text) IS
    'A text in one line without characters that are not seen: marks of direction, zero-width and private characters, tags. Blanks of any kind become plain ones.';

CREATE OR REPLACE FUNCTION cloudgreet_private.visible_lines(value text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT CASE WHEN visible_lines.value !~ '[^\u0001-\u007e]' THEN visible_lines.value
                ELSE (SELECT string_agg(cloudgreet_private.visible(l.line), E'\n' ORDER BY l.n)
                        FROM regexp_split_to_table(visible_lines.value, E'\r?\n|\r') WITH ORDINALITY AS l (line, n)) END;
$$;
COMMENT ON FUNCTION cloudgreet_private.visible_lines(text) IS 'As visible(), of each line of a text.';

CREATE OR REPLACE FUNCTION cloudgreet_private.meaningful(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    clean CONSTANT text := cloudgreet_private.visible(meaningful.value);
    plain text;
    subject CONSTANT text := '(?:name|first name|last name|full name|e ?mail|e ?mail address|mail|phone|phone number|number|address|notes?|reason'
        || '|details?|information|info|service|company|answer|value|data|date|time|preference|nombre|correo|correo electronico|telefono|direccion|notas?|datos|informacion)';
    given CONSTANT text := '(?:provided|given|available|applicable|specified|stated|mentioned|supplied|known|shared|said|disclosed|set|found|captured|collected|recorded|determined|confirmed|asked|sure|entered)';
    teller CONSTANT text := '(?:the )?(?:caller|customer|client|user|lead|guest)';
BEGIN
    IF length(clean) > 100 THEN
        RETURN clean;
    ELSIF clean ~ '^\{\{[^{}]*\}\}$' OR clean ~ '^<[^<>]*>$' OR clean ~ '^\$\{[^{}]*\}$' THEN
        RETURN NULL; -- a variable that was not filled in
    END IF;
    -- Case, accents, signs and blanks make no difference.
    plain := translate(lower(clean), 'áéíóúñÁÉÍÓÚÑ''’', 'aeiounaeioun');
    plain := btrim(regexp_replace(plain, '[\u0020-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e\u00a1-\u00bf\u2010-\u205e\u3001-\u3003]+', ' ', 'g'));
    RETURN CASE WHEN plain = ''
          OR plain ~ ('^(?:' || subject || ' (?:is |was )?)?(?:(?:null|none|nil|undefined|unknown|nan|n ?a|t ?b ?[dac]|to be (?:determined|announced|confirmed|decided)'
                || '|blank|empty|missing|anonymous|void|xxx+|string|placeholder|withheld|unspecified|unavailable|unnamed'
                || '|not ?(?:yet )?' || given || '|no ?' || subject || '|no ?' || subject || ' (?:was )?' || given || '|none ' || given || '|nothing ' || given
                || '|unknown ' || subject || '|(?:dont|do not) know|not applicable'
                || '|desconocid[oa]|ningun[oa]?|nada|nulo|vacio|anonim[oa]|sin ' || subject || '|sin especificar|no (?:lo )?(?:tiene|tengo|sabe|se|aplica|disponible|dice|dijo|quiere'
                || '|proporcionad[oa]|proporciono|especificad[oa]|especifico|indicad[oa]|indico|dad[oa]|dio|definid[oa])(?: ' || subject || ')?)(?: |$))+(?:by ' || teller || '|yet)?$')
          OR plain ~ ('^(?:' || teller || ' )?(?:did ?n(?:o)?t|does ?n(?:o)?t|has ?n(?:o)?t|declined to|refused to|would ?n(?:o)?t|prefer(?:red|s)? not to) '
                || '(?:provided?|given?|gave|say|said|share[d]?|mention(?:ed)?|state[d]?|specif(?:y|ied)|disclosed?|have|tell|leave)(?: (?:a|an|any|the|their|his|her|it))?(?: ' || subject || ')?$')
          -- An address made of nothing: none@none.com.
          OR clean ~* '^(none|null|na|unknown|no-?e?mail|noname|not-?provided|anonymous|undefined)@(none|null|na|unknown|no-?e?mail|noname|not-?provided|anonymous|undefined|example|email|test)\.[a-z]+$'
        THEN NULL ELSE clean END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.meaningful(text) IS
    'A text without what is not seen around and in it, in one line; NULL for a placeholder: N/A, unknown, none, "-", not provided, desconocido, {{name}} and the like, whatever its case, dots and blanks.';

CREATE OR REPLACE FUNCTION cloudgreet_private.meaningful_name(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    clean CONSTANT text := cloudgreet_private.meaningful(meaningful_name.value);
BEGIN
    -- Whom the model speaks with is no name, nor is a number or an address.
    IF lower(clean) ~ '^[[:punct:] ]*(?:(?:the|our|new|valued|inbound|unknown|unnamed|current|phone|web|el|la|un|una) +)*(?:caller|customer|client|user|guest|lead|person|someone|somebody|cliente|usuario|persona|alguien|llamante)[[:punct:] ]*$'
       OR clean !~ '[^[:digit:][:punct:][:space:]]' OR clean ~ '[^@[:space:]]@[^@[:space:]]+\.' THEN
        RETURN NULL;
    END IF;
    RETURN clean;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.meaningful_name(text) IS
    'As meaningful(), of a person''s name: NULL for "the caller", "customer" and the like too, and for what has no letter.';

CREATE OR REPLACE FUNCTION cloudgreet_private.clean_name() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    new.name := nullif(cloudgreet_private.visible(new.name), '');
    RETURN new;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.clean_name() IS
    'Trigger of what has a name that is texted or spoken: what nobody sees does not come in, whichever way it is written.';
CREATE OR REPLACE TRIGGER leads_clean_name BEFORE INSERT OR UPDATE OF name ON cloudgreet.leads
    FOR EACH ROW WHEN (new.name ~ '[^\u0020-\u007e]') EXECUTE FUNCTION cloudgreet_private.clean_name();
CREATE OR REPLACE TRIGGER businesses_clean_name BEFORE INSERT OR UPDATE OF name ON cloudgreet.businesses
    FOR EACH ROW WHEN (new.name ~ '[^\u0020-\u007e]') EXECUTE FUNCTION cloudgreet_private.clean_name();
CREATE OR REPLACE TRIGGER services_clean_name BEFORE INSERT OR UPDATE OF name ON cloudgreet.services
    FOR EACH ROW WHEN (new.name ~ '[^\u0020-\u007e]') EXECUTE FUNCTION cloudgreet_private.clean_name();
CREATE OR REPLACE TRIGGER staff_clean_name BEFORE INSERT OR UPDATE OF name ON cloudgreet.staff
    FOR EACH ROW WHEN (new.name ~ '[^\u0020-\u007e]') EXECUTE FUNCTION cloudgreet_private.clean_name();

REVOKE ALL ON FUNCTION cloudgreet_private.visible(text), cloudgreet_private.visible_lines(text), cloudgreet_private.meaningful(text),
    cloudgreet_private.meaningful_name(text), cloudgreet_private.clean_name() FROM PUBLIC;
