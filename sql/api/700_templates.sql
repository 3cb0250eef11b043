/*
 * 700_templates.sql
 *		The texts of automatic messages, and sending them.
 *
 * The functions of 700 to 750 run as cloudgreet_owner in the business that was entered.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.builtin_template(name text, channel text, OUT subject text, OUT content text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    SELECT t.subject, t.content INTO subject, content FROM (VALUES
        ('confirmation', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, you are booked: {{service}}, {{time}}{{with_staff}}. {{reply_hint}}'),
        ('confirmation', 'email', 'Your appointment on {{time}}',
         E'Hello {{first_name}},\n\nyou are booked: {{service}}, {{time}}{{with_staff}}.\n\nIf you cannot come, please let us know.\n\n{{business_name}}'),
        ('rescheduled', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, your appointment has moved: {{service}}, now {{time}}{{with_staff}}. {{reply_hint}}'),
        ('rescheduled', 'email', 'Your appointment has moved to {{time}}',
         E'Hello {{first_name}},\n\nyour appointment has moved: {{service}}, now {{time}}{{with_staff}}.\n\n{{business_name}}'),
        ('canceled', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, your appointment ({{service}}, {{time}}) is canceled. {{opt_out}}'),
        ('canceled', 'email', 'Your appointment on {{time}} is canceled',
         E'Hello {{first_name}},\n\nyour appointment ({{service}}, {{time}}) is canceled.\n\n{{business_name}}'),
        ('reminder', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, a reminder of your appointment: {{service}}, {{time}}{{with_staff}}. {{reply_hint}}'),
        ('reminder', 'email', 'A reminder of your appointment on {{time}}',
         E'Hello {{first_name}},\n\na reminder of your appointment: {{service}}, {{time}}{{with_staff}}.\n\n{{business_name}}'),
        ('declined', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, which time suits you better than {{time}}? Text us, or give us a call. {{opt_out}}'),
        ('follow_up_1', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, thank you for calling. Would you like to book a time? Just reply to this text. {{opt_out}}'),
        ('follow_up_1', 'email', 'Thank you for calling {{business_name}}',
         E'Hello {{first_name}},\n\nthank you for calling. Would you like to book a time? Just call us back.\n\n{{business_name}}'),
        ('follow_up_2', 'sms', NULL,
         '{{business_name}}: Hi {{first_name}}, can we still help you? Reply to this text and we will find a time. {{opt_out}}'),
        ('follow_up_2', 'email', 'Can we still help you?',
         E'Hello {{first_name}},\n\ncan we still help you? Call us and we will find a time.\n\n{{business_name}}')
      ) AS t (name, channel, subject, content)
     WHERE t.name = builtin_template.name AND t.channel = builtin_template.channel;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.builtin_template(text, text) IS
    'The English text of a message for businesses that have none of their own; NULL for a name that there is not.';

CREATE OR REPLACE FUNCTION cloudgreet_private.any_name() RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT 'there';
$$;
COMMENT ON FUNCTION cloudgreet_private.any_name() IS 'What stands for the first name of a lead that has none that could be said: "Hi there".';

CREATE OR REPLACE FUNCTION cloudgreet_private.find_template(
    business_id uuid, name text, channel text, OUT subject text, OUT content text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    builtin record;
BEGIN
    -- The business's own language first, then any that it wrote.
    SELECT t.subject, t.content INTO subject, content FROM cloudgreet.message_templates t
      JOIN cloudgreet.businesses b ON b.id = t.business_id
     WHERE t.business_id = find_template.business_id AND t.name = find_template.name AND t.channel = find_template.channel
     ORDER BY t.locale = b.locale DESC, t.locale = 'en-US' DESC, t.locale LIMIT 1;
    IF content IS NULL THEN
        builtin := cloudgreet_private.builtin_template(find_template.name, find_template.channel);
        subject := builtin.subject;
        content := builtin.content;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.find_template(uuid, text, text) IS
    'The text of a message: the business''s own row of message_templates, or the built-in one; NULL when there is neither.';

CREATE OR REPLACE FUNCTION cloudgreet_private.render_template(template text, variables jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    names CONSTANT text[] := ARRAY(SELECT k FROM jsonb_object_keys(render_template.variables) k ORDER BY k);
BEGIN
    RETURN (cloudgreet.fill_template(render_template.template, names, ARRAY(SELECT render_template.variables ->> n FROM unnest(names) n)))[1];
END
$$;
COMMENT ON FUNCTION cloudgreet_private.render_template(text, jsonb) IS
    'A template with its {{variables}} put in; one that is not known becomes nothing.';
DROP FUNCTION IF EXISTS cloudgreet_private.template_format(text, text[]);

CREATE OR REPLACE FUNCTION cloudgreet_private.render_text(template text, variables jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- A name in letters that are not of GSM 03.38 more than doubles the parts of a long text: rather no name than no text.
    SELECT CASE WHEN (cloudgreet.sms_segments(w.words)).segments <= cloudgreet_private.most_segments() THEN w.words
                ELSE cloudgreet_private.render_template(render_text.template,
                         render_text.variables || jsonb_build_object('first_name', cloudgreet_private.any_name())) END
      FROM (SELECT cloudgreet_private.render_template(render_text.template, render_text.variables) AS words) w;
$$;
COMMENT ON FUNCTION cloudgreet_private.render_text(text, jsonb) IS
    'As render_template(), for a text message: without the lead''s name when it would take too many parts with it. Nothing is cut.';

CREATE OR REPLACE FUNCTION cloudgreet_private.message_facts(
    business_id uuid, lead_ids uuid[], appointment_ids uuid[], OUT phones text[], OUT starts timestamptz[], OUT names text[], OUT vals text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
    nobody CONSTANT text := cloudgreet_private.any_name();
BEGIN
    names := '{business_name,first_name,opt_out,service,time,staff,with_staff,reply_hint}';
    SELECT array_agg(v.phone), array_agg(v.scheduled_date), array_agg(v.vals) INTO phones, starts, vals
      FROM (SELECT l.phone, a.scheduled_date, ARRAY[
                b.name,
                -- Callers say what they like, and of numbers that are not theirs: no link, number or line of their own is texted.
                coalesce(substring(btrim(l.name) FROM '^([^[:space:][:cntrl:][:digit:]./:@{}]{1,40}\.?)(?:[[:space:]]|$)'), nobody),
                'Reply STOP to opt out.',
                CASE WHEN a.scheduled_date IS NOT NULL THEN coalesce(s.name, 'your appointment') END,
                cloudgreet.say_time(a.scheduled_date, a.time_zone),
                CASE WHEN a.scheduled_date IS NOT NULL THEN coalesce(st.name, '') END,
                CASE WHEN a.scheduled_date IS NOT NULL THEN coalesce(', with ' || st.name, '') END,
                CASE WHEN a.scheduled_date IS NOT NULL THEN 'Reply Y to confirm, N to change, STOP to opt out.' END] AS vals
              FROM unnest(message_facts.lead_ids, message_facts.appointment_ids) WITH ORDINALITY AS w (lead_id, appointment_id, n)
              JOIN cloudgreet.businesses b ON b.id = message_facts.business_id
              -- By their keys, one after another: a plan that is kept knows not how few they are (OFFSET 0).
              LEFT JOIN LATERAL (SELECT t.name, t.phone FROM cloudgreet.leads t WHERE t.business_id = message_facts.business_id AND t.id = w.lead_id OFFSET 0) l ON true
              LEFT JOIN LATERAL (SELECT t.scheduled_date, t.time_zone, t.service_id, t.staff_id FROM cloudgreet.appointments t
                                  WHERE t.business_id = message_facts.business_id AND t.id = w.appointment_id OFFSET 0) a ON true
              LEFT JOIN LATERAL (SELECT t.name FROM cloudgreet.services t WHERE t.business_id = message_facts.business_id AND t.id = a.service_id OFFSET 0) s ON true
              LEFT JOIN LATERAL (SELECT t.name FROM cloudgreet.staff t WHERE t.business_id = message_facts.business_id AND t.id = a.staff_id OFFSET 0) st ON true
             ORDER BY w.n) v;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.message_facts(uuid, uuid[], uuid[]) IS
    'Of many leads, each with an appointment or none: their phones, when the appointments start, and what templates may name of each, a value for each of the names. Of no appointment service, time, staff, with_staff and reply_hint are NULL.';
DROP FUNCTION IF EXISTS cloudgreet_private.variables_of(uuid, uuid[], uuid[]);

CREATE OR REPLACE FUNCTION cloudgreet_private.message_variables(business_id uuid, lead_id uuid, appointment_id uuid DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT jsonb_strip_nulls(jsonb_object(f.names, ARRAY(SELECT unnest(f.vals))))
              FROM cloudgreet_private.message_facts(message_variables.business_id, ARRAY[message_variables.lead_id], ARRAY[message_variables.appointment_id]) f);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.message_variables(uuid, uuid, uuid) IS
    'What templates may name of one lead: business_name, first_name, opt_out and, of an appointment, service, time, staff, with_staff, reply_hint.';

CREATE OR REPLACE FUNCTION cloudgreet_private.note_unsent(
    business_id uuid, lead_id uuid, cause text, cause_id uuid, name text, channel text, code text, reason text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    other CONSTANT text := CASE note_unsent.channel WHEN 'sms' THEN 'resend' ELSE 'telnyx' END;
BEGIN
    PERFORM cloudgreet_private.record_event(note_unsent.business_id, 'message.skipped',
        CASE note_unsent.cause WHEN 'enrollment' THEN 'sequence_enrollment' ELSE note_unsent.cause END, note_unsent.cause_id,
        jsonb_strip_nulls(jsonb_build_object('name', note_unsent.name, 'channel', note_unsent.channel, 'code', note_unsent.code, 'reason', note_unsent.reason)),
        note_unsent.lead_id);
    -- Who opted out or has no address is no fault of the business; nor is one channel where it sends by another only.
    IF note_unsent.code IN ('ZG302', 'P0002') OR note_unsent.code = 'ZG301' AND EXISTS (
        SELECT FROM cloudgreet.provider_accounts a WHERE a.business_id = note_unsent.business_id AND a.provider = other) THEN
        RETURN;
    END IF;
    PERFORM cloudgreet_private.raise_alert(note_unsent.business_id,
        CASE note_unsent.code WHEN 'ZG301' THEN 'sender_missing' WHEN 'ZG303' THEN 'text_too_long' WHEN 'ZG304' THEN 'destination_not_allowed' WHEN 'ZG305' THEN 'template_invalid'
                              ELSE 'message_not_sent' END,
        format('A message (%s, %s) was not sent: %s. Events message.skipped say which.', coalesce(note_unsent.name, 'a follow-up'), note_unsent.channel, note_unsent.reason));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.note_unsent(uuid, uuid, text, uuid, text, text, text, text) IS
    'Writes to the timeline that an automatic message was not queued, and why (a SQLSTATE and words); opens an alert where a person can mend it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.send_rendered(
    business_id uuid, lead_id uuid, channel text, subject text, content text, variables jsonb,
    cause text, cause_id uuid, name text DEFAULT NULL, reminder_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := send_rendered.business_id;
    lead cloudgreet.leads;
    words text;
    message_id uuid;
    code text := 'ZG305';
    -- One that was stored before templates were checked is not sent with its braces.
    reason text := cloudgreet_private.template_fault(send_rendered.subject, send_rendered.content,
        ARRAY(SELECT jsonb_object_keys(send_rendered.variables)));
BEGIN
    SELECT l.* INTO lead FROM cloudgreet.leads l WHERE l.business_id = business AND l.id = send_rendered.lead_id;
    IF (CASE send_rendered.channel WHEN 'sms' THEN lead.phone ELSE lead.email END) IS NULL THEN
        code := 'P0002';
        reason := 'the lead has no such address';
    END IF;
    IF reason IS NULL THEN
        BEGIN
            IF send_rendered.channel = 'sms' THEN
                words := cloudgreet_private.render_text(send_rendered.content, send_rendered.variables);
                PERFORM cloudgreet_private.count_segments(words);
                message_id := cloudgreet.send_sms(lead.phone, words, lead_id => lead.id, business_id => business);
            ELSE
                message_id := cloudgreet.send_email(lead.email,
                    regexp_replace(cloudgreet_private.render_template(send_rendered.subject, send_rendered.variables), '[[:cntrl:]]+', ' ', 'g'),
                    cloudgreet_private.render_template(send_rendered.content, send_rendered.variables), lead_id => lead.id, business_id => business);
            END IF;
        EXCEPTION WHEN SQLSTATE 'ZG301' OR SQLSTATE 'ZG302' OR SQLSTATE 'ZG303' OR SQLSTATE 'ZG304' OR SQLSTATE 'ZG104' OR SQLSTATE 'ZG105'
                       OR invalid_parameter_value OR null_value_not_allowed THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, reason = MESSAGE_TEXT;
        END;
    END IF;
    IF message_id IS NULL THEN
        PERFORM cloudgreet_private.note_unsent(business, send_rendered.lead_id, send_rendered.cause, send_rendered.cause_id, send_rendered.name,
            send_rendered.channel, code, reason);
        RETURN NULL;
    END IF;
    INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id, name, reminder_id)
    VALUES (business, message_id, send_rendered.cause, send_rendered.cause_id, send_rendered.name, send_rendered.reminder_id);
    -- However late an account is mended: nobody is reminded of what is over.
    UPDATE cloudgreet_private.outbox o SET deadline_at = least(o.deadline_at, a.scheduled_date)
      FROM cloudgreet.appointments a
     WHERE send_rendered.cause = 'appointment' AND a.business_id = business AND a.id = send_rendered.cause_id
       AND o.business_id = business AND o.subject_id = message_id;
    RETURN message_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.send_rendered(uuid, uuid, text, text, text, jsonb, text, uuid, text, uuid) IS
    'Sends a text to a lead on a channel; NULL when it cannot be sent (no address, suppressed, nothing to send from, a destination or template that is not allowed, too long), which the timeline tells.';

CREATE OR REPLACE FUNCTION cloudgreet_private.send_template(
    business_id uuid, lead_id uuid, channel text, name text, variables jsonb, cause text, cause_id uuid, reminder_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    template record;
BEGIN
    SELECT t.subject, t.content INTO template FROM cloudgreet_private.find_template(send_template.business_id, send_template.name, send_template.channel) t;
    RETURN cloudgreet_private.send_rendered(send_template.business_id, send_template.lead_id, send_template.channel,
        template.subject, template.content, send_template.variables, send_template.cause, send_template.cause_id, send_template.name, send_template.reminder_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.send_template(uuid, uuid, text, text, jsonb, text, uuid, uuid) IS
    'Sends the message of a name; otherwise as send_rendered().';

CREATE OR REPLACE FUNCTION cloudgreet_private.cancel_messages(business_id uuid, cause_id uuid, why text) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    canceled integer := 0;
BEGIN
    -- One that is under way, or held, may come back to the queue.
    UPDATE cloudgreet_private.message_causes c SET revoked_at = cloudgreet.clock()
     WHERE c.business_id = cancel_messages.business_id AND c.cause_id = cancel_messages.cause_id AND c.revoked_at IS NULL;
    FOR item IN
        SELECT o.* FROM cloudgreet_private.message_causes c
          JOIN cloudgreet_private.outbox o ON o.business_id = c.business_id AND o.subject_id = c.message_id AND o.state = 'queued'
         WHERE c.business_id = cancel_messages.business_id AND c.cause_id = cancel_messages.cause_id
         ORDER BY o.id FOR UPDATE OF o
    LOOP
        PERFORM cloudgreet_private.outbox_finish(item, 'cancelled', cancel_messages.why);
        PERFORM cloudgreet_private.tell_subject(item, 'canceled');
        canceled := canceled + 1;
    END LOOP;
    RETURN canceled;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.cancel_messages(uuid, uuid, text) IS
    'queued -> cancelled: the messages of an appointment or enrollment that still wait; returns how many. One that is under way or held is not sent again.';

REVOKE ALL ON FUNCTION cloudgreet_private.builtin_template(text, text), cloudgreet_private.any_name(), cloudgreet_private.render_text(text, jsonb),
    cloudgreet_private.note_unsent(uuid, uuid, text, uuid, text, text, text, text),
    cloudgreet_private.find_template(uuid, text, text),
    cloudgreet_private.render_template(text, jsonb),
    cloudgreet_private.message_facts(uuid, uuid[], uuid[]), cloudgreet_private.message_variables(uuid, uuid, uuid),
    cloudgreet_private.send_rendered(uuid, uuid, text, text, text, jsonb, text, uuid, text, uuid),
    cloudgreet_private.send_template(uuid, uuid, text, text, jsonb, text, uuid, uuid),
    cloudgreet_private.cancel_messages(uuid, uuid, text) FROM PUBLIC;
