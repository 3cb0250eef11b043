/*
 * 705_template_checks.sql
 *		What a template, or a step that names one, must be when it is stored.
 *
 * Checked by triggers, so on every way of writing, after row security has let the row
 * in.  Rows that were stored before there were these checks stay; they are not sent
 * (send_rendered()), and doctor() names them.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.appointment_templates() RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT '{confirmation,rescheduled,canceled,reminder,declined}'::text[];
$$;
COMMENT ON FUNCTION cloudgreet_private.appointment_templates() IS
    'The names that are looked for when something is told of an appointment. Any other name is for steps of sequences.';

CREATE OR REPLACE FUNCTION cloudgreet_private.sample_variables(business_id uuid, is_of_appointment boolean) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- The longest that the business has; the lead's name is left out when a text is too long with it.
    SELECT jsonb_build_object('business_name', b.name, 'first_name', cloudgreet_private.any_name(), 'opt_out', 'Reply STOP to opt out.')
        || CASE WHEN NOT sample_variables.is_of_appointment THEN '{}' ELSE jsonb_build_object(
            'service', s.name, 'time', 'Wednesday, September 30, 2026 at 12:30 PM', 'staff', st.name, 'with_staff', ', with ' || st.name,
            'reply_hint', 'Reply Y to confirm, N to change, STOP to opt out.') END
      FROM cloudgreet.businesses b
      CROSS JOIN LATERAL (SELECT coalesce((SELECT n.name FROM cloudgreet.services n WHERE n.business_id = b.id ORDER BY length(n.name) DESC LIMIT 1), 'your appointment') AS name) s
      CROSS JOIN LATERAL (SELECT coalesce((SELECT n.name FROM cloudgreet.staff n WHERE n.business_id = b.id ORDER BY length(n.name) DESC LIMIT 1), '') AS name) st
     WHERE b.id = sample_variables.business_id;
$$;
COMMENT ON FUNCTION cloudgreet_private.sample_variables(uuid, boolean) IS
    'The variables of message_variables() with the longest values that the business has, to judge a template by.';

CREATE OR REPLACE FUNCTION cloudgreet_private.template_fault(subject text, content text, allowed text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    words CONSTANT text := concat_ws(E'\n', template_fault.subject, template_fault.content);
    variable CONSTANT text := '\{\{\s*[a-z_]+\s*\}\}'; -- as render_template() reads it
    odd text;
BEGIN
    IF template_fault.content IS NULL THEN
        RETURN 'there is no template of the name for the channel';
    ELSIF cloudgreet.is_plain_template(words, template_fault.allowed) THEN
        RETURN NULL;
    END IF;
    SELECT v.name INTO odd FROM (SELECT btrim(m[1], E' \t\r\n') AS name FROM regexp_matches(words, '\{\{([^{}]*)\}\}', 'g') m) v
     WHERE v.name <> ALL (template_fault.allowed) LIMIT 1;
    IF odd IS NOT NULL THEN
        RETURN format('the template names a variable "%s", which there is not', left(odd, 60));
    END IF;
    -- What is left of braces, and how other systems write variables.
    odd := substring(regexp_replace(words, variable, ' ', 'g') FROM
        '[$#]?[{}]{1,2}[^{}\n]{0,40}[{}]{0,2}|%[[:alpha:]_][[:alnum:]_.]*%|\[\[[^]\n]*\]\]|<<[^>\n]*>>|<%[^%\n]*%>|[*][|][^|\n]*[|][*]|[[<][[:alpha:]]+_[[:alpha:]_]+[]>]');
    IF odd IS NOT NULL THEN
        RETURN format('"%s" is no variable: variables are written {{first_name}}', left(btrim(odd), 60));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.template_fault(text, text, text[]) IS
    'Why a template cannot be sent whose variables may be those; NULL when it can be. Braces reach nobody.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_template(template cloudgreet.message_templates) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- A step has no appointment to tell of, whatever its template is called.
    sample CONSTANT jsonb := cloudgreet_private.sample_variables(template.business_id,
        template.name = ANY (cloudgreet_private.appointment_templates()) AND NOT EXISTS (
            SELECT FROM cloudgreet.sequence_steps s WHERE s.business_id = template.business_id AND s.template_id = template.id));
    allowed CONSTANT text[] := ARRAY(SELECT k FROM jsonb_object_keys(sample) k ORDER BY k);
    fault CONSTANT text := cloudgreet_private.template_fault(template.subject, template.content, allowed);
BEGIN
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'ZG305',
            HINT = format('A template "%s" may name {{%s}}.', template.name, array_to_string(allowed, '}}, {{'));
    END IF;
    -- As they will be when they are sent, but for values that are longer by then.
    IF template.channel = 'sms' THEN
        PERFORM cloudgreet_private.count_segments(cloudgreet_private.check_text(
            cloudgreet_private.render_template(template.content, sample), 'content of the template', 20000, true));
    ELSE
        PERFORM cloudgreet_private.check_text(cloudgreet_private.render_template(template.subject, sample), 'subject of the template', 300),
                cloudgreet_private.check_text(cloudgreet_private.render_template(template.content, sample), 'content of the template', 100000, true);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_template(cloudgreet.message_templates) IS
    'Errors: ZG305 for a template with variables that there are not for its use, 22023 for one that is empty or too long with the names of the business in it, ZG303 for a text of too many parts.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_template() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    meant text;
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    -- Nothing would look for "confirmaton", nor for "cancelled"; numbered names are for steps.
    IF new.name <> ALL (cloudgreet_private.appointment_templates()) AND new.name !~ '[0-9]$' THEN
        meant := cloudgreet.nearest_name(new.name, cloudgreet_private.appointment_templates());
        IF meant IS NOT NULL THEN
            RAISE EXCEPTION 'there is no message "%"', new.name USING ERRCODE = 'ZG305',
                HINT = format('"%s" is meant? A name of your own, for steps of sequences, must differ by more than two letters.', meant);
        END IF;
    END IF;
    IF new.locale !~ '^[a-z]{2,3}(-[A-Z]{2})?$' THEN
        RAISE EXCEPTION 'locale "%" is none', left(new.locale, 20) USING ERRCODE = 'ZG305', HINT = 'Use a form such as en-US or es.';
    END IF;
    IF EXISTS (SELECT FROM cloudgreet.sequence_steps s
                WHERE s.business_id = new.business_id AND s.template_id = new.id AND s.channel <> new.channel) THEN
        RAISE EXCEPTION 'steps of sequences send this template by another channel' USING ERRCODE = 'ZG305';
    END IF;
    PERFORM cloudgreet_private.require_template(new);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_template() IS
    'Trigger of message_templates: errors ZG305, 22023 and ZG303 for a name, locale, channel, variable or length with which it would not be sent.';
CREATE OR REPLACE TRIGGER message_templates_check AFTER INSERT OR UPDATE OF name, channel, locale, subject, content ON cloudgreet.message_templates
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.check_template();

CREATE OR REPLACE FUNCTION cloudgreet_private.check_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    template cloudgreet.message_templates;
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    SELECT t.* INTO template FROM cloudgreet.message_templates t WHERE t.business_id = new.business_id AND t.id = new.template_id;
    IF template.channel <> new.channel THEN
        RAISE EXCEPTION 'the template is for channel "%"', template.channel USING ERRCODE = 'ZG305';
    ELSIF template.id IS NOT NULL THEN
        PERFORM cloudgreet_private.require_template(template);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_step() IS
    'Trigger of sequence_steps: error ZG305 for a template of another channel, or one that tells of an appointment.';
CREATE OR REPLACE TRIGGER sequence_steps_check AFTER INSERT OR UPDATE OF channel, template_id ON cloudgreet.sequence_steps
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.check_step();

REVOKE ALL ON FUNCTION cloudgreet_private.appointment_templates(), cloudgreet_private.sample_variables(uuid, boolean),
    cloudgreet_private.template_fault(text, text, text[]), cloudgreet_private.require_template(cloudgreet.message_templates),
    cloudgreet_private.check_template(), cloudgreet_private.check_step() FROM PUBLIC;
