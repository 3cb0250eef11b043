/*
 * 720_sequences.sql
 *		Follow-ups: leads enrolled, and what makes a lead leave.
 *
 * A lead leaves when it replies, books or opts out.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.stop_enrollment(business_id uuid, enrollment_id uuid, reason text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead uuid;
BEGIN
    -- The work first: the tick takes them in this order.
    DELETE FROM cloudgreet_private.due_work w
     WHERE w.business_id = stop_enrollment.business_id AND w.kind = 'enrollment' AND w.subject_id = stop_enrollment.enrollment_id;
    UPDATE cloudgreet.sequence_enrollments e SET status = 'stopped', ended_reason = stop_enrollment.reason, next_due_at = NULL
     WHERE e.business_id = stop_enrollment.business_id AND e.id = stop_enrollment.enrollment_id AND e.status = 'active'
    RETURNING e.lead_id INTO lead;
    IF lead IS NULL THEN
        RETURN false;
    END IF;
    PERFORM cloudgreet_private.cancel_messages(stop_enrollment.business_id, stop_enrollment.enrollment_id, 'the follow-up was stopped: ' || stop_enrollment.reason);
    PERFORM cloudgreet_private.record_event(stop_enrollment.business_id, 'sequence.stopped', 'sequence_enrollment', stop_enrollment.enrollment_id,
        jsonb_build_object('reason', stop_enrollment.reason), lead);
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.stop_enrollment(uuid, uuid, text) IS
    'active -> stopped: takes a lead out of a sequence, with what waits to be sent; whether it was in it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.stop_enrollments(
    business_id uuid, lead_id uuid, reason text, said_at timestamptz DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    enrollment uuid;
    n integer := 0;
BEGIN
    FOR enrollment IN
        SELECT e.id FROM cloudgreet.sequence_enrollments e
          JOIN cloudgreet.sequences s ON s.business_id = e.business_id AND s.id = e.sequence_id
         WHERE e.business_id = stop_enrollments.business_id AND e.lead_id = stop_enrollments.lead_id AND e.status = 'active'
           AND (stop_enrollments.reason = 'opt_out' OR stop_enrollments.reason = ANY (s.stop_on))
           AND (stop_enrollments.said_at IS NULL OR e.anchor_at <= stop_enrollments.said_at)
         ORDER BY e.id
    LOOP
        IF cloudgreet_private.stop_enrollment(stop_enrollments.business_id, enrollment, stop_enrollments.reason) THEN
            n := n + 1;
        END IF;
    END LOOP;
    RETURN n;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.stop_enrollments(uuid, uuid, text, timestamptz) IS
    'active -> stopped: takes a lead out of the sequences that reply, booking or opt_out stops, with what waits to be sent; returns how many. said_at: only out of those that count from before.';

CREATE OR REPLACE FUNCTION cloudgreet_private.next_step(business_id uuid, sequence_id uuid, from_position integer)
    RETURNS cloudgreet.sequence_steps
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT s.* FROM cloudgreet.sequence_steps s
     WHERE s.business_id = next_step.business_id AND s.sequence_id = next_step.sequence_id AND s.position >= next_step.from_position
     ORDER BY s.position LIMIT 1;
$$;
COMMENT ON FUNCTION cloudgreet_private.next_step(uuid, uuid, integer) IS 'The first step of a sequence from a position on.';

CREATE OR REPLACE FUNCTION cloudgreet_private.enroll(
    business_id uuid, sequence_id uuid, lead_id uuid, anchor_at timestamptz DEFAULT cloudgreet.clock()) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    step CONSTANT cloudgreet.sequence_steps := cloudgreet_private.next_step(enroll.business_id, enroll.sequence_id, 1);
    new_id uuid;
    due CONSTANT timestamptz := greatest(enroll.anchor_at + make_interval(mins => step.delay_minutes), cloudgreet.clock());
BEGIN
    INSERT INTO cloudgreet.sequence_enrollments AS e (business_id, sequence_id, lead_id, next_position, next_due_at, anchor_at)
    VALUES (enroll.business_id, enroll.sequence_id, enroll.lead_id, step.position, due, enroll.anchor_at)
    ON CONFLICT DO NOTHING
    RETURNING e.id INTO new_id;
    IF new_id IS NULL THEN -- it is under way
        SELECT e.id INTO new_id FROM cloudgreet.sequence_enrollments e
         WHERE e.business_id = enroll.business_id AND e.sequence_id = enroll.sequence_id AND e.lead_id = enroll.lead_id AND e.status = 'active';
        RETURN new_id;
    END IF;
    INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at) VALUES (enroll.business_id, 'enrollment', new_id, due);
    PERFORM cloudgreet_private.record_event(enroll.business_id, 'sequence.enrolled', 'sequence_enrollment', new_id, '{}', enroll.lead_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.enroll(uuid, uuid, uuid, timestamptz) IS
    'Enrolls a lead in a sequence that has a step, or finds the enrollment under way.';

CREATE OR REPLACE FUNCTION cloudgreet.enroll_in_sequence(sequence text, lead_id uuid, business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('enroll_in_sequence', enroll_in_sequence.business_id);
    target uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    PERFORM cloudgreet_private.require_booking_lead(business, enroll_in_sequence.lead_id);
    SELECT s.id INTO target FROM cloudgreet.sequences s
     WHERE s.business_id = business AND s.name = enroll_in_sequence.sequence AND s.is_active;
    IF target IS NULL THEN
        RAISE EXCEPTION 'the business has no such sequence' USING ERRCODE = 'no_data_found',
            HINT = 'Make the usual one with cloudgreet.create_follow_up().';
    ELSIF cloudgreet_private.next_step(business, target, 1) IS NULL THEN
        RAISE EXCEPTION 'the sequence has no steps' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.require_unsuppressed(business, l.phone, 'sms') FROM cloudgreet.leads l
      WHERE l.business_id = business AND l.id = enroll_in_sequence.lead_id;
    RETURN cloudgreet_private.enroll(business, target, enroll_in_sequence.lead_id);
END
$$;
COMMENT ON FUNCTION cloudgreet.enroll_in_sequence(text, uuid, uuid) IS
    'Enrolls a lead in a sequence of messages by the sequence''s name, and returns the id of the enrollment; one that is under way already is returned as it is. A reply, a booking or STOP ends it. Errors: P0002 when there is no active sequence of the name, 22023 for one without steps, 22004 and 23503 for a lead that is missing or does not exist, ZG302 for one that opted out.';

CREATE OR REPLACE FUNCTION cloudgreet.create_follow_up(
    name text DEFAULT 'follow_up', delays_minutes integer[] DEFAULT '{10,2880}', business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('create_follow_up', create_follow_up.business_id);
    new_id uuid;
    template uuid;
BEGIN
    IF cardinality(create_follow_up.delays_minutes) IS DISTINCT FROM 2 OR array_position(create_follow_up.delays_minutes, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'delays_minutes must have two members' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Minutes after the call, and minutes after the first message.';
    END IF;
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    INSERT INTO cloudgreet.sequences AS s (business_id, name)
    VALUES (business, cloudgreet_private.check_text(create_follow_up.name, 'name of the sequence', 200))
    ON CONFLICT DO NOTHING
    RETURNING s.id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'a sequence of this name exists already' USING ERRCODE = 'unique_violation';
    END IF;
    FOR n IN 1 .. 2 LOOP
        INSERT INTO cloudgreet.message_templates AS t (business_id, name, channel, content)
        SELECT business, 'follow_up_' || n, 'sms', b.content FROM cloudgreet_private.builtin_template('follow_up_' || n, 'sms') b
        ON CONFLICT DO NOTHING;
        SELECT t.id INTO STRICT template FROM cloudgreet.message_templates t
         WHERE t.business_id = business AND t.name = 'follow_up_' || n AND t.channel = 'sms' AND t.locale = 'en-US';
        INSERT INTO cloudgreet.sequence_steps (business_id, sequence_id, position, delay_minutes, channel, template_id)
        VALUES (business, new_id, n, create_follow_up.delays_minutes[n], 'sms', template);
    END LOOP;
    PERFORM cloudgreet_private.record_event(business, 'sequence.created', 'sequence', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.create_follow_up(text, integer[], uuid) IS
    'Makes a sequence of two texts, 10 minutes and 2 days after by default, with templates follow_up_1 and follow_up_2 that can be rewritten. Callers who did not book are enrolled in the one named follow_up, or as the business''s setting follow_up_sequence says. Admins, or operators naming the business. Errors: 22004, 22023 and 23514 for bad parameters, 23505 for a name in use.';

CREATE OR REPLACE FUNCTION cloudgreet_private.leave_on_suppression() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    -- Who was merged into another is that one, in whichever way it is suppressed.
    PERFORM cloudgreet_private.stop_enrollments(new.business_id, cloudgreet_private.surviving_lead(new.business_id, l.id), 'opt_out') FROM cloudgreet.leads l
      WHERE l.business_id = new.business_id
        AND (l.phone = new.contact AND new.channel IN ('sms', 'all')
             OR lower(l.email) = lower(new.contact) AND l.phone IS NULL AND new.channel IN ('email', 'all'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.leave_on_suppression() IS 'Trigger of suppressions: who is suppressed is in no sequence.';
CREATE OR REPLACE TRIGGER suppressions_leave_sequences AFTER INSERT ON cloudgreet.suppressions
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.leave_on_suppression();

REVOKE ALL ON FUNCTION cloudgreet_private.stop_enrollment(uuid, uuid, text), cloudgreet_private.stop_enrollments(uuid, uuid, text, timestamptz),
    cloudgreet_private.next_step(uuid, uuid, integer), cloudgreet_private.enroll(uuid, uuid, uuid, timestamptz),
    cloudgreet.enroll_in_sequence(text, uuid, uuid), cloudgreet.create_follow_up(text, integer[], uuid),
    cloudgreet_private.leave_on_suppression() FROM PUBLIC;
