/*
 * 710_reminders.sql
 *		What a lead is told of an appointment: at once, and before it.
 *
 * A trigger does it, so that every way of booking, moving and canceling passes here.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.drop_reminders(business_id uuid, appointment_id uuid, keep boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- The work first: the tick takes them in this order.
    DELETE FROM cloudgreet_private.due_work w USING cloudgreet.appointment_reminders r
     WHERE r.business_id = drop_reminders.business_id AND r.appointment_id = drop_reminders.appointment_id AND r.status = 'scheduled'
       AND w.business_id = r.business_id AND w.kind = 'reminder' AND w.subject_id = r.id;
    IF drop_reminders.keep THEN
        UPDATE cloudgreet.appointment_reminders r SET status = 'canceled'
         WHERE r.business_id = drop_reminders.business_id AND r.appointment_id = drop_reminders.appointment_id AND r.status = 'scheduled';
    ELSE
        DELETE FROM cloudgreet.appointment_reminders r
         WHERE r.business_id = drop_reminders.business_id AND r.appointment_id = drop_reminders.appointment_id AND r.status = 'scheduled';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.drop_reminders(uuid, uuid, boolean) IS
    'Takes back the reminders of an appointment that are not released; keep: they stay as canceled.';

CREATE OR REPLACE FUNCTION cloudgreet_private.schedule_reminders(appointment cloudgreet.appointments) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    way CONSTANT text := (SELECT CASE WHEN l.phone IS NOT NULL THEN 'sms' WHEN l.email IS NOT NULL THEN 'email' END
                                FROM cloudgreet.leads l
                               WHERE l.business_id = appointment.business_id AND l.id = appointment.lead_id);
    scheduled integer;
BEGIN
    WITH reminders AS (
        INSERT INTO cloudgreet.appointment_reminders AS r (business_id, appointment_id, type, channel, due_at)
        SELECT appointment.business_id, appointment.id, k.type, way, appointment.scheduled_date - k.ahead
          FROM (VALUES ('24h', interval '24 hours'), ('1h', interval '1 hour')) AS k (type, ahead)
         WHERE way IS NOT NULL AND appointment.scheduled_date - k.ahead > cloudgreet.clock()
        ON CONFLICT ON CONSTRAINT appointment_reminders_business_id_appointment_id_type_key
            DO UPDATE SET status = 'scheduled', sent_at = NULL WHERE r.status = 'canceled'
        RETURNING r.id, r.due_at)
    INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at)
    SELECT appointment.business_id, 'reminder', r.id, r.due_at FROM reminders r;
    GET DIAGNOSTICS scheduled = ROW_COUNT;
    RETURN scheduled;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.schedule_reminders(cloudgreet.appointments) IS
    'Schedules the reminders of an appointment, 24 hours and 1 hour before, those that are still to come; returns how many. By text if the lead has a phone, else by e-mail.';

CREATE OR REPLACE FUNCTION cloudgreet_private.tell_lead(appointment cloudgreet.appointments, template text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := appointment.business_id;
    lead record;
    is_told boolean := false;
BEGIN
    SELECT l.phone, l.email INTO lead FROM cloudgreet.leads l WHERE l.business_id = business AND l.id = appointment.lead_id;
    IF lead.phone IS NOT NULL THEN
        is_told := (cloudgreet_private.queue_texts(business, 'appointment', ARRAY[appointment.id], ARRAY[appointment.lead_id], tell_lead.template,
                        (cloudgreet_private.find_template(business, tell_lead.template, 'sms')).content))[1] IS NOT NULL;
    END IF;
    -- What speaks against it is told in the timeline; of who can be reached by neither once.
    IF NOT is_told AND (lead.phone IS NOT NULL OR lead.email IS NULL) THEN
        PERFORM cloudgreet_private.send_template(business, appointment.lead_id, 'sms', tell_lead.template,
            cloudgreet_private.message_variables(business, appointment.lead_id, appointment.id), 'appointment', appointment.id);
    END IF;
    IF lead.email IS NOT NULL THEN
        PERFORM cloudgreet_private.send_template(business, appointment.lead_id, 'email', tell_lead.template,
            cloudgreet_private.message_variables(business, appointment.lead_id, appointment.id), 'appointment', appointment.id);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.tell_lead(cloudgreet.appointments, text) IS
    'Sends a message about an appointment on every channel that the lead can be reached on.';

CREATE OR REPLACE FUNCTION cloudgreet_private.greet_booking(appointment cloudgreet.appointments, is_import boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Nobody is told of what has begun.
    IF appointment.scheduled_date > cloudgreet.clock() THEN
        IF NOT greet_booking.is_import THEN
            PERFORM cloudgreet_private.tell_lead(appointment, 'confirmation');
        END IF;
        PERFORM cloudgreet_private.schedule_reminders(appointment);
        PERFORM cloudgreet_private.stop_enrollments(appointment.business_id, appointment.lead_id, 'booking');
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.greet_booking(cloudgreet.appointments, boolean) IS
    'What follows from an appointment that is booked: its confirmation (but of an import), its reminders, and that its lead leaves sequences.';

CREATE OR REPLACE FUNCTION cloudgreet_private.ask_again() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    new.status := 'scheduled';
    RETURN new;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.ask_again() IS
    'Trigger of appointments: who confirmed a time did not confirm another.';
CREATE OR REPLACE TRIGGER appointments_ask_again BEFORE UPDATE OF scheduled_date ON cloudgreet.appointments FOR EACH ROW
    WHEN (old.status = 'confirmed' AND new.status = 'confirmed' AND new.scheduled_date <> old.scheduled_date)
    EXECUTE FUNCTION cloudgreet_private.ask_again();

CREATE OR REPLACE FUNCTION cloudgreet_private.automate_appointment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    is_import CONSTANT boolean := tg_nargs > 0;
    was_booked boolean := false;
    is_other_person boolean := false;
    is_booked CONSTANT boolean := new.status IN ('scheduled', 'confirmed');
    is_ahead CONSTANT boolean := new.scheduled_date > cloudgreet.clock();
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    IF tg_op = 'UPDATE' THEN
        was_booked := old.status IN ('scheduled', 'confirmed');
        -- A lead that turned out to be another is told nothing of it.
        is_other_person := new.lead_id <> old.lead_id AND cloudgreet_private.surviving_lead(new.business_id, old.lead_id) <> new.lead_id;
    END IF;
    IF is_import THEN
        PERFORM cloudgreet_private.record_event(new.business_id, 'appointment.imported', 'appointment', new.id,
            jsonb_build_object('starts_at', new.scheduled_date, 'staff_id', new.staff_id, 'service_id', new.service_id), new.lead_id);
    END IF;
    IF is_booked AND NOT was_booked THEN
        PERFORM cloudgreet_private.greet_booking(new, is_import);
    ELSIF is_booked AND (new.scheduled_date <> old.scheduled_date OR is_other_person) THEN
        PERFORM cloudgreet_private.drop_reminders(new.business_id, new.id, false);
        PERFORM cloudgreet_private.cancel_messages(new.business_id, new.id, 'the appointment has moved');
        IF is_ahead THEN
            PERFORM cloudgreet_private.tell_lead(new, CASE WHEN is_other_person THEN 'confirmation' ELSE 'rescheduled' END);
            PERFORM cloudgreet_private.schedule_reminders(new);
        END IF;
    ELSIF was_booked AND NOT is_booked THEN
        PERFORM cloudgreet_private.drop_reminders(new.business_id, new.id, true);
        PERFORM cloudgreet_private.cancel_messages(new.business_id, new.id, 'the appointment is ' || new.status);
        IF new.status = 'canceled' AND is_ahead THEN
            PERFORM cloudgreet_private.tell_lead(new, 'canceled');
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.automate_appointment() IS
    'Trigger of appointments: confirms, moves or takes back what the lead is told, in the transaction of the booking. Never keeps one from booking. With an argument: the row was inserted by a role of the database rather than booked; nobody is told at once, and what is ahead has its reminders.';
-- Functions that book run as cloudgreet_owner, and do it themselves (insert_appointment); a row that another role inserts is an import.
CREATE OR REPLACE TRIGGER appointments_automate AFTER UPDATE OF status, scheduled_date, lead_id ON cloudgreet.appointments
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.automate_appointment();
DROP TRIGGER IF EXISTS appointments_automate_booking ON cloudgreet.appointments;
CREATE OR REPLACE TRIGGER appointments_automate_import AFTER INSERT ON cloudgreet.appointments
    FOR EACH ROW WHEN (current_user <> 'cloudgreet_owner') EXECUTE FUNCTION cloudgreet_private.automate_appointment('import');

CREATE OR REPLACE FUNCTION cloudgreet_private.forget_appointment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(old.business_id);
    -- With the business goes all that it has: its messages are nobody's to cancel any more.
    IF EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = old.business_id) THEN
        PERFORM cloudgreet_private.drop_reminders(old.business_id, old.id, false);
        PERFORM cloudgreet_private.cancel_messages(old.business_id, old.id, 'the appointment was deleted');
    END IF;
    RETURN old;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.forget_appointment() IS
    'Trigger of appointments: nobody is told of, or reminded of, one that is deleted.';
CREATE OR REPLACE TRIGGER appointments_forget BEFORE DELETE ON cloudgreet.appointments
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.forget_appointment();

CREATE OR REPLACE FUNCTION cloudgreet_private.settle_reminder() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    UPDATE cloudgreet.appointment_reminders r
       SET status = CASE WHEN new.status IN ('sent', 'delivered') THEN 'sent' WHEN new.status = 'canceled' THEN 'canceled' ELSE 'failed' END,
           sent_at = new.sent_at
      FROM cloudgreet_private.message_causes c
     WHERE c.business_id = new.business_id AND c.message_id = new.id
       AND r.business_id = c.business_id AND r.id = c.reminder_id AND r.status IN ('queued', 'sent');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.settle_reminder() IS
    'Trigger of sms_messages and emails: queued -> sent | failed | canceled, as the reminder''s message went.';
-- The dispatcher settles the reminders of a whole batch in its own statement.
CREATE OR REPLACE TRIGGER sms_messages_settle_reminder AFTER UPDATE OF status ON cloudgreet.sms_messages FOR EACH ROW
    WHEN (current_user <> 'cloudgreet_worker' AND new.direction = 'outbound' AND new.status IS DISTINCT FROM old.status AND new.status IN ('sent', 'delivered', 'undelivered', 'failed', 'canceled'))
    EXECUTE FUNCTION cloudgreet_private.settle_reminder();
CREATE OR REPLACE TRIGGER emails_settle_reminder AFTER UPDATE OF status ON cloudgreet.emails FOR EACH ROW
    WHEN (current_user <> 'cloudgreet_worker' AND new.direction = 'outbound' AND new.status IS DISTINCT FROM old.status AND new.status IN ('sent', 'delivered', 'bounced', 'failed', 'canceled'))
    EXECUTE FUNCTION cloudgreet_private.settle_reminder();

REVOKE ALL ON FUNCTION cloudgreet_private.drop_reminders(uuid, uuid, boolean),
    cloudgreet_private.schedule_reminders(cloudgreet.appointments), cloudgreet_private.tell_lead(cloudgreet.appointments, text),
    cloudgreet_private.greet_booking(cloudgreet.appointments, boolean), cloudgreet_private.automate_appointment(), cloudgreet_private.ask_again(), cloudgreet_private.forget_appointment(), cloudgreet_private.settle_reminder() FROM PUBLIC;
