/*
 * 720_sequences.sql
 *		Follow-ups: leads enrolled, steps released, and what makes a lead leave.
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

CREATE OR REPLACE FUNCTION cloudgreet_private.send_step(business_id uuid, enrollment_id uuid, lead_id uuid, step_id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := send_step.business_id;
    variables CONSTANT jsonb := cloudgreet_private.message_variables(business, send_step.lead_id);
    has_phone CONSTANT boolean := (SELECT l.phone IS NOT NULL FROM cloudgreet.leads l WHERE l.business_id = business AND l.id = send_step.lead_id);
    step record;
BEGIN
    SELECT s.channel, t.name, t.subject, t.content INTO step FROM cloudgreet.sequence_steps s
      LEFT JOIN cloudgreet.message_templates t ON t.business_id = s.business_id AND t.id = s.template_id
     WHERE s.business_id = business AND s.id = send_step.step_id;
    -- Who has no phone gets the e-mail of the same name, if there is one.
    IF step.channel = 'sms' AND NOT has_phone THEN
        RETURN cloudgreet_private.send_template(business, send_step.lead_id, 'email', step.name, variables, 'enrollment', send_step.enrollment_id);
    END IF;
    RETURN cloudgreet_private.send_rendered(business, send_step.lead_id, step.channel, step.subject, step.content,
        variables, 'enrollment', send_step.enrollment_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.send_step(uuid, uuid, uuid, uuid) IS
    'Sends the message of a step to one lead; NULL when it cannot be.';

CREATE OR REPLACE FUNCTION cloudgreet_private.due_steps(
    business_id uuid, enrollment_ids uuid[], OUT ids uuid[], OUT leads uuid[], OUT overs text[], OUT steps uuid[], OUT positions integer[],
    OUT next_positions integer[], OUT next_dues timestamptz[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS
$$
BEGIN
    SELECT array_agg(d.id), array_agg(d.lead_id), array_agg(d.over), array_agg(d.step_id), array_agg(d.position), array_agg(d.next_position), array_agg(d.next_due)
      INTO ids, leads, overs, steps, positions, next_positions, next_dues
      FROM (SELECT e.id, e.lead_id, st.id AS step_id, st.position, coalesce(nx.position, st.position + 1, e.next_position) AS next_position,
                   cloudgreet.clock() + make_interval(mins => nx.delay_minutes) AS next_due,
                   CASE WHEN NOT q.is_active THEN 'sequence_inactive'
                        -- What was committed at the same time did not see the enrollment.
                        WHEN 'booking' = ANY (q.stop_on) AND EXISTS (
                            SELECT FROM cloudgreet.appointments a
                             WHERE a.business_id = due_steps.business_id AND a.lead_id = e.lead_id AND a.created_at >= e.anchor_at
                               AND a.status IN ('scheduled', 'confirmed') AND a.scheduled_date > cloudgreet.clock()) THEN 'booking'
                        WHEN 'reply' = ANY (q.stop_on) AND EXISTS (
                            SELECT FROM cloudgreet.sms_messages m
                             WHERE m.business_id = due_steps.business_id AND m.lead_id = e.lead_id AND m.direction = 'inbound'
                               AND m.status_at >= e.anchor_at) THEN 'reply' END AS over
              FROM unnest(due_steps.enrollment_ids) WITH ORDINALITY AS w (id, n)
             CROSS JOIN LATERAL (SELECT t.* FROM cloudgreet.sequence_enrollments t
                                  WHERE t.business_id = due_steps.business_id AND t.id = w.id AND t.status = 'active' OFFSET 0) e
             CROSS JOIN LATERAL (SELECT t.is_active, t.stop_on FROM cloudgreet.sequences t
                                  WHERE t.business_id = due_steps.business_id AND t.id = e.sequence_id OFFSET 0) q
              LEFT JOIN LATERAL (SELECT t.id, t.position FROM cloudgreet.sequence_steps t
                                  WHERE t.business_id = due_steps.business_id AND t.sequence_id = e.sequence_id AND t.position >= e.next_position
                                  ORDER BY t.position LIMIT 1) st ON true
              LEFT JOIN LATERAL (SELECT t.position, t.delay_minutes FROM cloudgreet.sequence_steps t
                                  WHERE t.business_id = due_steps.business_id AND t.sequence_id = e.sequence_id AND t.position > st.position
                                  ORDER BY t.position LIMIT 1) nx ON true
             ORDER BY w.n) d;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.due_steps(uuid, uuid[]) IS
    'Of the enrollments that are active: their lead, what ended them (NULL: they go on), the step that is due, and the position and time of the one behind it. NULL when none is.';

CREATE OR REPLACE FUNCTION cloudgreet_private.send_steps(business_id uuid, ids uuid[], leads uuid[], steps uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := send_steps.business_id;
    sent uuid[] := '{}';
    texts record;
    alone record;
BEGIN
    -- All who get the same text by one statement a table.
    FOR texts IN
        SELECT t.content, array_agg(w.id ORDER BY w.n) AS ids, array_agg(w.lead_id ORDER BY w.n) AS leads
          FROM unnest(send_steps.ids, send_steps.leads, send_steps.steps) WITH ORDINALITY AS w (id, lead_id, step_id, n)
          JOIN cloudgreet.sequence_steps s ON s.business_id = business AND s.id = w.step_id AND s.channel = 'sms'
          JOIN cloudgreet.message_templates t ON t.business_id = business AND t.id = s.template_id
         GROUP BY s.id, t.content ORDER BY min(w.n)
    LOOP
        sent := sent || ARRAY(SELECT m.id FROM unnest(texts.ids, cloudgreet_private.queue_texts(business, 'enrollment', texts.ids, texts.leads, NULL, texts.content)) AS m (id, message_id)
                               WHERE m.message_id IS NOT NULL);
    END LOOP;
    -- E-mails, and what something speaks against.
    FOR alone IN
        SELECT w.* FROM unnest(send_steps.ids, send_steps.leads, send_steps.steps) WITH ORDINALITY AS w (id, lead_id, step_id, n)
         WHERE w.step_id IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(sent) s WHERE s = w.id) ORDER BY w.n
    LOOP
        IF cloudgreet_private.send_step(business, alone.id, alone.lead_id, alone.step_id) IS NOT NULL THEN
            sent := sent || alone.id;
        END IF;
    END LOOP;
    RETURN sent;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.send_steps(uuid, uuid[], uuid[], uuid[]) IS
    'Sends steps to leads, those of one template together; returns the enrollments whose message was queued.';

CREATE OR REPLACE FUNCTION cloudgreet_private.release_steps(business_id uuid, enrollment_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := release_steps.business_id;
    locked CONSTANT uuid[] := ARRAY(
        SELECT e.id FROM cloudgreet.sequence_enrollments e
          JOIN cloudgreet.leads l ON l.business_id = e.business_id AND l.id = e.lead_id
         WHERE e.business_id = business AND e.id = ANY (release_steps.enrollment_ids)
           FOR UPDATE OF e SKIP LOCKED FOR KEY SHARE OF l SKIP LOCKED);
    due CONSTANT record := cloudgreet_private.due_steps(business,
        ARRAY(SELECT t.id FROM unnest(release_steps.enrollment_ids) WITH ORDINALITY AS t (id, n) JOIN unnest(locked) AS k (id) ON k.id = t.id ORDER BY t.n));
    sent uuid[] := '{}';
BEGIN
    IF due.ids IS NOT NULL THEN
        sent := (SELECT cloudgreet_private.send_steps(business, array_agg(d.id ORDER BY d.n), array_agg(d.lead_id ORDER BY d.n), array_agg(d.step_id ORDER BY d.n))
                   FROM unnest(due.ids, due.leads, due.overs, due.steps) WITH ORDINALITY AS d (id, lead_id, over, step_id, n)
                  WHERE d.over IS NULL HAVING count(*) > 0);
    END IF;

    WITH items AS (
        SELECT d.*, d.next_due IS NOT NULL AND d.over IS NULL AS goes_on, s.id IS NOT NULL AS is_sent
          FROM unnest(due.ids, due.leads, due.overs, due.steps, due.positions, due.next_positions, due.next_dues)
               WITH ORDINALITY AS d (id, lead_id, over, step_id, position, next_position, next_due, n)
          LEFT JOIN unnest(sent) AS s (id) ON s.id = d.id),
    moved AS (
        UPDATE cloudgreet.sequence_enrollments e
           SET status = CASE WHEN i.over IS NOT NULL THEN 'stopped' WHEN i.goes_on THEN 'active' ELSE 'completed' END,
               ended_reason = coalesce(i.over, e.ended_reason), next_due_at = CASE WHEN i.goes_on THEN i.next_due END,
               next_position = CASE WHEN i.over IS NULL THEN i.next_position ELSE e.next_position END
          FROM items i WHERE e.business_id = business AND e.id = i.id),
    told AS (
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
        SELECT business, CASE WHEN i.over IS NOT NULL THEN 'sequence.stopped' WHEN i.is_sent THEN 'sequence.advanced' ELSE 'sequence.skipped' END,
               'sequence_enrollment', i.id, i.lead_id, cloudgreet.current_user_id(),
               CASE WHEN i.over IS NOT NULL THEN jsonb_build_object('reason', i.over) ELSE jsonb_build_object('position', i.position) END
          FROM items i WHERE i.over IS NOT NULL OR i.step_id IS NOT NULL ORDER BY i.n),
    later AS (
        UPDATE cloudgreet_private.due_work w SET due_at = i.next_due, attempts = 0, blocked = 0
          FROM items i WHERE i.goes_on AND w.business_id = business AND w.kind = 'enrollment' AND w.subject_id = i.id)
    DELETE FROM cloudgreet_private.due_work w
     WHERE w.business_id = business AND w.kind = 'enrollment' AND w.subject_id = ANY (release_steps.enrollment_ids)
       AND NOT EXISTS (SELECT FROM items i WHERE i.goes_on AND i.id = w.subject_id)
       AND (w.subject_id = ANY (locked)
            OR NOT EXISTS (SELECT FROM cloudgreet.sequence_enrollments e WHERE e.business_id = business AND e.id = w.subject_id));
    RETURN ARRAY(SELECT e.id FROM cloudgreet.sequence_enrollments e
                  WHERE e.business_id = business AND e.id = ANY (release_steps.enrollment_ids) AND e.id <> ALL (locked));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_steps(uuid, uuid[]) IS
    'active -> active | completed | stopped: sends the steps whose time has come and sets the times of the next. Returns those that another session holds. The caller holds their rows of due_work.';
DROP FUNCTION IF EXISTS cloudgreet_private.release_step(uuid, uuid), cloudgreet_private.why_over(cloudgreet.sequence_enrollments),
    cloudgreet_private.send_step(cloudgreet.sequence_enrollments, cloudgreet.sequence_steps);

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
    cloudgreet_private.send_step(uuid, uuid, uuid, uuid), cloudgreet_private.due_steps(uuid, uuid[]),
    cloudgreet_private.send_steps(uuid, uuid[], uuid[], uuid[]), cloudgreet_private.release_steps(uuid, uuid[]), cloudgreet_private.leave_on_suppression() FROM PUBLIC;
