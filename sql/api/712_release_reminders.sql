/*
 * 712_release_reminders.sql
 *		Texts about appointments, many at a time: reminders whose time has come, and what a
 *		booking says at once.
 *
 * What is the same for all of a business is looked up once, and the rows of all are written
 * by one statement.  A text that anything speaks against is left to send_template(), which
 * says what that is.  Shown by test/sql/automation.sql and test/sql/due_work.sql.
 *
 * Locks:		the caller holds the rows of due_work.  Reminders and their leads are locked
 *				by SKIP LOCKED: one that another session holds is left, and nobody waits.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.queue_texts(
    business_id uuid, name text, lead_ids uuid[], appointment_ids uuid[], reminder_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS
$$
-- Planning the statement takes several times as long as running it: its plan is kept, and goes by keys.
DECLARE
    business CONSTANT uuid := queue_texts.business_id;
    names CONSTANT text[] := '{business_name,first_name,opt_out,service,time,staff,with_staff,reply_hint}';
    public_url CONSTANT text := nullif(current_setting('cloudgreet.public_url'), '');
    most_parts CONSTANT integer := cloudgreet_private.most_segments();
    max_open CONSTANT integer := current_setting('cloudgreet.outbox_max_per_contact')::integer;
    actor CONSTANT uuid := cloudgreet.current_user_id();
    sender cloudgreet.phone_numbers;
    account cloudgreet.provider_accounts;
    allowed text[];
    template text;
    result uuid[];
BEGIN
    BEGIN
        sender := cloudgreet_private.sending_number(business, NULL);
        account := cloudgreet_private.sending_account(business, 'telnyx', sender.provider_account_id);
    EXCEPTION WHEN SQLSTATE 'ZG301' THEN
        RETURN array_fill(NULL::uuid, ARRAY[cardinality(queue_texts.lead_ids)]);
    END;
    SELECT t.content INTO template FROM cloudgreet_private.find_template(business, queue_texts.name, 'sms') t;
    IF cloudgreet_private.template_fault(NULL, template, names) IS NOT NULL THEN
        RETURN array_fill(NULL::uuid, ARRAY[cardinality(queue_texts.lead_ids)]);
    END IF;
    template := cloudgreet_private.template_format(template, names);
    allowed := cloudgreet_private.destination_countries(business, sender.phone_number);

    WITH said AS MATERIALIZED (
        SELECT w.n, w.lead_id, w.appointment_id, w.reminder_id, l.phone, a.scheduled_date,
               btrim(format(template, VARIADIC ARRAY(SELECT v.variables ->> u FROM unnest(names) u)), E' \n') AS words,
               row_number() OVER (PARTITION BY l.phone ORDER BY w.n) AS turn
          FROM unnest(queue_texts.lead_ids, queue_texts.appointment_ids, queue_texts.reminder_ids)
               WITH ORDINALITY AS w (lead_id, appointment_id, reminder_id, n)
          JOIN cloudgreet_private.variables_of(business, queue_texts.lead_ids, queue_texts.appointment_ids) v ON v.n = w.n
         CROSS JOIN LATERAL (SELECT t.phone FROM cloudgreet.leads t WHERE t.business_id = business AND t.id = w.lead_id OFFSET 0) l
         CROSS JOIN LATERAL (SELECT t.scheduled_date FROM cloudgreet.appointments t WHERE t.business_id = business AND t.id = w.appointment_id OFFSET 0) a
         WHERE l.phone IS NOT NULL AND l.phone <> sender.phone_number),
    parted AS MATERIALIZED (
        -- Of a person's texts one at a time: what waits for a contact is counted before.
        SELECT s.*, (cloudgreet.sms_segments(s.words)).segments AS parts FROM said s
         WHERE s.turn = 1 AND cloudgreet_private.text_fault(s.words, 1600, true) IS NULL
           AND cloudgreet_private.destination_fault(s.phone, allowed) IS NULL
           AND NOT EXISTS (SELECT FROM cloudgreet.suppressions p
                            WHERE p.business_id = business AND p.contact = s.phone AND p.channel IN ('sms', 'all'))
           AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox o
                            WHERE o.business_id = business AND o.channel = 'sms' AND o.contact = s.phone AND o.state IN ('queued', 'sending')
                           OFFSET max_open - 1 LIMIT 1)),
    fit AS MATERIALIZED (
        SELECT p.*, cloudgreet.uuid_v7() AS message_id, cloudgreet.uuid_v7() AS request_id FROM parted p WHERE p.parts <= most_parts ORDER BY p.n),
    messages AS (
        INSERT INTO cloudgreet.sms_messages (business_id, id, lead_id, direction, from_number, to_number, content, segments)
        SELECT business, f.message_id, f.lead_id, 'outbound', sender.phone_number, f.phone, f.words, f.parts FROM fit f ORDER BY f.n),
    requests AS (
        INSERT INTO cloudgreet_private.outbox
            (business_id, id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body,
             due_at, next_at, deadline_at)
        SELECT business, f.request_id, account.id, hashtextextended(sender.phone_number, 0), 'telnyx', 'send_sms', 'none', 'sms', f.phone,
               'sms_message', f.message_id,
               convert_to(cloudgreet_private.text_request(account, f.request_id, sender.phone_number, f.phone, f.words, public_url)::text, 'UTF8'),
               cloudgreet.clock(), cloudgreet.clock(), least(cloudgreet.clock() + interval '1 day', f.scheduled_date)
          FROM fit f ORDER BY f.n),
    told AS (
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id)
        SELECT business, 'sms.queued', 'sms_message', f.message_id, f.lead_id, actor FROM fit f ORDER BY f.n),
    causes AS (
        INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id, name, reminder_id)
        SELECT business, f.message_id, 'appointment', f.appointment_id, queue_texts.name, f.reminder_id FROM fit f)
    SELECT array_agg(f.message_id ORDER BY g.n) INTO result
      FROM generate_series(1, cardinality(queue_texts.lead_ids)) AS g (n) LEFT JOIN fit f ON f.n = g.n;
    RETURN result;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.queue_texts(uuid, text, uuid[], uuid[], uuid[]) IS
    'Sends leads the message of a name about their appointments, as send_sms() would; returns the ids of the messages, NULL where something speaks against it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.release_reminders(business_id uuid, reminder_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := release_reminders.business_id;
    locked uuid[];
    ready record;
    alone record;
    messages uuid[];
    message_id uuid;
BEGIN
    locked := ARRAY(SELECT r.id FROM cloudgreet.appointment_reminders r
                      JOIN cloudgreet.appointments a ON a.business_id = r.business_id AND a.id = r.appointment_id
                      JOIN cloudgreet.leads l ON l.business_id = a.business_id AND l.id = a.lead_id
                     WHERE r.business_id = business AND r.id = ANY (release_reminders.reminder_ids)
                       FOR UPDATE OF r SKIP LOCKED FOR KEY SHARE OF l SKIP LOCKED);
    -- One that is late is no reminder any more, nor one whose next is due as well.
    SELECT array_agg(s.id ORDER BY s.due_at, s.id) AS ids, array_agg(s.why ORDER BY s.due_at, s.id) AS reasons,
           coalesce(array_agg(s.id ORDER BY s.due_at, s.id) FILTER (WHERE s.is_text), '{}') AS text_ids,
           array_agg(s.lead_id ORDER BY s.due_at, s.id) FILTER (WHERE s.is_text) AS leads,
           array_agg(s.appointment_id ORDER BY s.due_at, s.id) FILTER (WHERE s.is_text) AS appointments INTO ready
      FROM (SELECT v.*, v.why IS NULL AND v.channel = 'sms' AS is_text FROM (
            SELECT r.id, r.due_at, r.channel, a.lead_id, r.appointment_id,
                   CASE WHEN a.status NOT IN ('scheduled', 'confirmed') THEN 'the appointment is ' || a.status
                        WHEN a.scheduled_date <= cloudgreet.clock() THEN 'too late: the appointment has begun'
                        WHEN EXISTS (SELECT FROM cloudgreet.appointment_reminders n
                                      WHERE n.business_id = r.business_id AND n.appointment_id = r.appointment_id
                                        AND n.due_at > r.due_at AND n.due_at <= cloudgreet.clock() AND n.status <> 'canceled')
                        THEN 'too late: the next one is due' END AS why
              FROM cloudgreet.appointment_reminders r
              JOIN cloudgreet.appointments a ON a.business_id = r.business_id AND a.id = r.appointment_id
             WHERE r.business_id = business AND r.id = ANY (locked) AND r.status = 'scheduled') v) s;
    IF cardinality(ready.text_ids) > 0 THEN
        messages := cloudgreet_private.queue_texts(business, 'reminder', ready.leads, ready.appointments, ready.text_ids);
    END IF;
    -- E-mails, and what something speaks against.
    FOR alone IN
        SELECT t.n, a.lead_id, r.appointment_id, r.channel, r.id FROM unnest(ready.ids, ready.reasons) WITH ORDINALITY AS t (id, why, n)
         CROSS JOIN LATERAL (SELECT n.id, n.appointment_id, n.channel FROM cloudgreet.appointment_reminders n WHERE n.business_id = business AND n.id = t.id OFFSET 0) r
         CROSS JOIN LATERAL (SELECT n.lead_id FROM cloudgreet.appointments n WHERE n.business_id = business AND n.id = r.appointment_id OFFSET 0) a
         WHERE t.why IS NULL AND NOT EXISTS (SELECT FROM unnest(ready.text_ids, messages) AS m (id, message_id) WHERE m.id = t.id AND m.message_id IS NOT NULL)
         ORDER BY t.n
    LOOP
        message_id := cloudgreet_private.send_template(business, alone.lead_id, alone.channel, 'reminder',
            cloudgreet_private.message_variables(business, alone.lead_id, alone.appointment_id), 'appointment', alone.appointment_id, alone.id);
        IF message_id IS NULL THEN
            ready.reasons[alone.n] := 'it could not be sent: see message.skipped';
        END IF;
    END LOOP;

    WITH moved AS (
        UPDATE cloudgreet.appointment_reminders r SET status = CASE WHEN t.why IS NULL THEN 'queued' ELSE 'skipped' END
          FROM unnest(ready.ids, ready.reasons) AS t (id, why)
         WHERE r.business_id = business AND r.id = t.id
        RETURNING r.appointment_id, r.type, r.channel, r.due_at, t.why),
    told AS (
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
        SELECT business, CASE WHEN m.why IS NULL THEN 'reminder.released' ELSE 'reminder.skipped' END, 'appointment', m.appointment_id, a.lead_id,
               cloudgreet.current_user_id(),
               jsonb_strip_nulls(jsonb_build_object('type', m.type, 'channel', m.channel, 'reason', m.why, 'late_seconds',
                   CASE WHEN m.due_at < cloudgreet.clock() - interval '1 minute' THEN extract(epoch FROM cloudgreet.clock() - m.due_at)::bigint END))
          FROM moved m JOIN cloudgreet.appointments a ON a.business_id = business AND a.id = m.appointment_id ORDER BY m.due_at)
    DELETE FROM cloudgreet_private.due_work w
     WHERE w.business_id = business AND w.kind = 'reminder' AND w.subject_id = ANY (release_reminders.reminder_ids)
       AND (w.subject_id = ANY (locked)
            OR NOT EXISTS (SELECT FROM cloudgreet.appointment_reminders r WHERE r.business_id = business AND r.id = w.subject_id));
    RETURN ARRAY(SELECT w.subject_id FROM cloudgreet_private.due_work w
                  WHERE w.business_id = business AND w.kind = 'reminder' AND w.subject_id = ANY (release_reminders.reminder_ids));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_reminders(uuid, uuid[]) IS
    'scheduled -> queued | skipped: sends reminders whose time has come, and tells the timeline what came too late. Returns those that another session holds. The caller holds their rows of due_work.';

REVOKE ALL ON FUNCTION cloudgreet_private.queue_texts(uuid, text, uuid[], uuid[], uuid[]),
    cloudgreet_private.release_reminders(uuid, uuid[]) FROM PUBLIC;
