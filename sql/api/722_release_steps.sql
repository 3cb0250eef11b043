/*
 * 722_release_steps.sql
 *		Steps of sequences whose time has come, many at a time.
 *
 * What is due is read by one statement, all who get the same text are sent it by one
 * statement a table (queue_texts), and one statement moves the enrollments and their work
 * forward.  Called by do_chunk() (730_tick.sql).  Shown by test/sql/sequence_steps.sql and
 * test/sql/automation.sql.
 *
 * Locks:		the caller holds the rows of due_work.  Enrollments and their leads are locked
 *				by SKIP LOCKED: one that another session holds is left, and nobody waits.
 */
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

REVOKE ALL ON FUNCTION cloudgreet_private.send_step(uuid, uuid, uuid, uuid), cloudgreet_private.due_steps(uuid, uuid[]),
    cloudgreet_private.send_steps(uuid, uuid[], uuid[], uuid[]), cloudgreet_private.release_steps(uuid, uuid[]) FROM PUBLIC;
