/*
 * 110_checks.sql
 *		What functions demand of their parameters, each with a message of its own.
 *
 * what is the name of the parameter for people.  No check repeats a value that may be
 * about a person.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.text_fault(value text, max_length integer, is_multiline boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN CASE
        WHEN value IS NULL THEN 'must not be null'
        WHEN length(value) > max_length THEN format('is longer than %s characters', max_length)
        -- Neither blanks nor what nobody sees make a text.
        WHEN cloudgreet_private.visible(value) = '' THEN 'must not be empty'
        WHEN translate(value, CASE WHEN is_multiline THEN E'\t\n\r' ELSE '' END, '')
             ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' THEN 'has control characters' END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.text_fault(text, integer, boolean) IS 'What is wrong with a text, for check_text(); NULL when nothing is.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_text(
    value text, what text, max_length integer, is_multiline boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    fault CONSTANT text := cloudgreet_private.text_fault(value, max_length, is_multiline);
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '% %', what, fault
            USING ERRCODE = CASE WHEN value IS NULL THEN 'null_value_not_allowed' ELSE 'invalid_parameter_value' END;
    END IF;
    RETURN btrim(value, E' \t\n\r');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_text(text, text, integer, boolean) IS
    'A text without blanks around it. Errors: 22004 for NULL, 22023 when it is empty, too long, or has control characters (tab and line breaks are none in a text of several lines).';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_optional_text(
    value text, what text, max_length integer, is_multiline boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN CASE WHEN value <> '' THEN cloudgreet_private.check_text(value, what, max_length, is_multiline) END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_optional_text(text, text, integer, boolean) IS
    'As check_text(), but NULL for NULL and for the empty text.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_range(value integer, what text, low integer, high integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION '% must not be null', what USING ERRCODE = 'null_value_not_allowed';
    ELSIF value NOT BETWEEN low AND high THEN
        RAISE EXCEPTION '% must be from % to %', what, low, high USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_range(integer, text, integer, integer) IS
    'A number of the range. Errors: 22004 for NULL, 22023 outside of it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_object(value jsonb, what text, allowed text[] DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    unknown text;
BEGIN
    IF value IS NULL THEN
        RAISE EXCEPTION '% must not be null', what USING ERRCODE = 'null_value_not_allowed';
    ELSIF jsonb_typeof(value) <> 'object' THEN
        RAISE EXCEPTION '% must be a JSON object', what USING ERRCODE = 'invalid_parameter_value';
    ELSIF cloudgreet.json_size(value) > 65536 THEN
        RAISE EXCEPTION '% is larger than 64 kB', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(value) k WHERE k <> ALL (allowed) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% cannot have a member "%"', what, left(unknown, 60)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Allowed are %s.', array_to_string(allowed, ', '));
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_object(jsonb, text, text[]) IS
    'A JSON object of at most 64 kB, with no other members than those allowed (NULL: any). Errors: 22004 for NULL, 22023.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_member_range(
    value jsonb, member text, low numeric, high numeric, within text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Two steps: the order in which a condition is evaluated is not given.
    IF NOT value ? member THEN
        RETURN;
    ELSIF jsonb_typeof(value -> member) = 'number' THEN
        IF (value -> member)::numeric BETWEEN low AND high THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION '"%" must be a number from % to %', concat_ws('.', within, member), low, high USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_member_range(jsonb, text, numeric, numeric, text) IS
    'Error 22023 when an object has the member and it is not a number of the range. within: where the object stands, for people.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_member_text(
    value jsonb, member text, max_length integer, within text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT value ? member THEN
        RETURN;
    ELSIF jsonb_typeof(value -> member) <> 'string' THEN
        RAISE EXCEPTION '"%" must be a text', concat_ws('.', within, member) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.check_text(value ->> member, format('"%s"', concat_ws('.', within, member)), max_length, true);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_member_text(jsonb, text, integer, text) IS
    'Error 22023 when an object has the member and it is not a text of the length.';

REVOKE ALL ON FUNCTION cloudgreet_private.text_fault(text, integer, boolean), cloudgreet_private.check_text(text, text, integer, boolean),
    cloudgreet_private.check_optional_text(text, text, integer, boolean),
    cloudgreet_private.check_range(integer, text, integer, integer),
    cloudgreet_private.check_object(jsonb, text, text[]),
    cloudgreet_private.check_member_range(jsonb, text, numeric, numeric, text),
    cloudgreet_private.check_member_text(jsonb, text, integer, text) FROM PUBLIC;
