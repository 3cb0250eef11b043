/*
 * 715_replies.sql
 *		What a lead answers to a text about an appointment: Y confirms it, N declines.
 *
 * Only an answer to the last text that was sent counts, for "yes" answers many a
 * question.  Which text that was is judged by the time of the answer, so that it does
 * not matter when it is processed.  An answer to a time that is not the appointment's
 * any more, since it was moved meanwhile, is none.
 *
 * Locks:		the appointment's row, by the functions that change it.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.reply_word(value text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT CASE
        WHEN w.words IN ('y', 'yes', 'yes please', 'yep', 'yeah', 'yup', 'ok', 'okay', 'confirm', 'confirmed', 'i confirm', 'si') THEN 'yes'
        WHEN w.words IN ('n', 'no', 'nope', 'no sorry', 'sorry no', 'cant make it', 'i cant make it', 'cannot make it', 'i cannot make it',
                         'reschedule', 'change') THEN 'no' END
      FROM (SELECT cloudgreet_private.plain_words(reply_word.value) AS words) w;
$$;
COMMENT ON FUNCTION cloudgreet_private.reply_word(text) IS
    'Whether a text is a plain yes or no, whatever its case and punctuation; NULL for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.answered_appointment(message cloudgreet.sms_messages) RETURNS cloudgreet.appointments
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT a.*
      FROM (SELECT m.id FROM cloudgreet.sms_messages m
             WHERE m.business_id = message.business_id AND m.lead_id = message.lead_id AND m.direction = 'outbound'
               AND m.to_number = message.from_number AND m.created_at <= message.status_at AND m.status NOT IN ('canceled', 'failed')
             ORDER BY m.created_at DESC, m.id DESC LIMIT 1) last
      JOIN cloudgreet_private.message_causes c
        ON c.business_id = message.business_id AND c.message_id = last.id AND c.cause = 'appointment'
       AND c.name IN ('confirmation', 'rescheduled', 'reminder') AND c.revoked_at IS NULL
      JOIN cloudgreet.appointments a ON a.business_id = c.business_id AND a.id = c.cause_id
     WHERE a.status IN ('scheduled', 'confirmed') AND a.scheduled_date > message.status_at;
$$;
COMMENT ON FUNCTION cloudgreet_private.answered_appointment(cloudgreet.sms_messages) IS
    'The appointment that the last text before this one was about, if that asked for an answer, is still true, and it is still to come.';

CREATE OR REPLACE FUNCTION cloudgreet_private.decline_appointment(appointment cloudgreet.appointments) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := appointment.business_id;
BEGIN
    IF (SELECT b.settings #>> '{replies,no}' FROM cloudgreet.businesses b WHERE b.id = business) = 'cancel' THEN
        PERFORM cloudgreet.cancel_appointment(appointment.id, 'declined by text', business);
        RETURN;
    END IF;
    PERFORM cloudgreet_private.record_event(business, 'appointment.declined', 'appointment', appointment.id,
        jsonb_build_object('starts_at', appointment.scheduled_date), appointment.lead_id);
    PERFORM cloudgreet_private.raise_alert(business, 'appointment_declined',
        'Someone answered N to a text about an appointment and was asked for another time; please see to it. Events appointment.declined say which.');
    PERFORM cloudgreet_private.send_template(business, appointment.lead_id, 'sms', 'declined',
        cloudgreet_private.message_variables(business, appointment.lead_id, appointment.id), 'appointment', appointment.id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.decline_appointment(cloudgreet.appointments) IS
    'What N does: the lead is asked for another time and the business told; or, by the business''s setting {"replies": {"no": "cancel"}}, the appointment is canceled.';

CREATE OR REPLACE FUNCTION cloudgreet_private.take_reply(message cloudgreet.sms_messages) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    word CONSTANT text := cloudgreet_private.reply_word(message.content);
    appointment cloudgreet.appointments;
BEGIN
    IF word IS NULL THEN
        RETURN;
    END IF;
    appointment := cloudgreet_private.answered_appointment(message);
    IF word = 'no' AND appointment.id IS NOT NULL THEN
        PERFORM cloudgreet_private.decline_appointment(appointment);
    ELSIF appointment.status = 'scheduled' THEN
        PERFORM cloudgreet.set_appointment_status(appointment.id, 'confirmed', business_id => appointment.business_id);
    END IF;
EXCEPTION WHEN SQLSTATE 'ZG406' THEN
    NULL; -- it was canceled meanwhile
END
$$;
COMMENT ON FUNCTION cloudgreet_private.take_reply(cloudgreet.sms_messages) IS
    'Does what a text that came in says about the appointment that it answers; nothing for any other text.';

REVOKE ALL ON FUNCTION cloudgreet_private.reply_word(text), cloudgreet_private.answered_appointment(cloudgreet.sms_messages),
    cloudgreet_private.decline_appointment(cloudgreet.appointments), cloudgreet_private.take_reply(cloudgreet.sms_messages) FROM PUBLIC;
