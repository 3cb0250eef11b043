/*
 * 712_release_reminders.sql
 *		Texts by a template, many at a time: reminders whose time has come, steps of
 *		sequences, and what a booking says at once.
 *
 * What is the same for all of a business is looked up once, and the rows of all are written
 * by one statement.  A text that anything speaks against is left to send_template(), which
 * says what that is.  Shown by test/sql/automation.sql and test/sql/due_work.sql.
 *
 * Locks:		the caller holds the rows of due_work.  Reminders and their leads are locked
 *				by SKIP LOCKED: one that another session holds is left, and nobody waits.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.queue_texts(
    business_id uuid, cause text, cause_ids uuid[], lead_ids uuid[], name text, template text, reminder_ids uuid[] DEFAULT NULL) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS
$$
-- Planning a statement takes several times as long as running it: plans are kept, and go by keys.
DECLARE
    business CONSTANT uuid := queue_texts.business_id;
    asked CONSTANT integer := cardinality(queue_texts.lead_ids);
    is_visit CONSTANT boolean := queue_texts.cause = 'appointment';
    public_url CONSTANT text := nullif(current_setting('cloudgreet.public_url'), '');
    most_parts CONSTANT integer := cloudgreet_private.most_segments();
    max_open CONSTANT integer := current_setting('cloudgreet.outbox_max_per_contact')::integer;
    now_at CONSTANT timestamptz := cloudgreet.clock();
    sender cloudgreet.phone_numbers;
    account cloudgreet.provider_accounts;
    allowed text[];
    facts record;
    fit record;
BEGIN
    sender := cloudgreet_private.sending_number(business, NULL, false);
    account := cloudgreet_private.sending_account(business, 'telnyx', sender.provider_account_id, false);
    IF sender.id IS NULL OR account.id IS NULL THEN
        RETURN array_fill(NULL::uuid, ARRAY[asked]);
    END IF;
    facts := cloudgreet_private.message_facts(business, queue_texts.lead_ids,
        CASE WHEN is_visit THEN queue_texts.cause_ids ELSE array_fill(NULL::uuid, ARRAY[asked]) END);
    IF cloudgreet_private.template_fault(NULL, queue_texts.template, CASE WHEN is_visit THEN facts.names ELSE facts.names[:3] END) IS NOT NULL THEN
        RETURN array_fill(NULL::uuid, ARRAY[asked]);
    END IF;
    allowed := cloudgreet_private.destination_countries(business, sender.phone_number);

    SELECT array_agg(f.n) AS places, array_agg(f.lead_id) AS leads, array_agg(f.cause_id) AS causes, array_agg(f.reminder_id) AS reminders,
           array_agg(f.phone) AS phones, array_agg(f.words) AS words, array_agg(f.segments) AS parts, array_agg(f.starts_at) AS starts,
           array_agg(cloudgreet.uuid_v7()) AS messages, array_agg(cloudgreet.uuid_v7()) AS requests INTO fit
      FROM (SELECT w.*, s.segments
              -- Of a person's texts one at a time: what waits for a contact is counted before.
              FROM (SELECT DISTINCT ON (t.phone) t.*
                      FROM unnest(queue_texts.lead_ids, queue_texts.cause_ids, queue_texts.reminder_ids, facts.phones, facts.starts,
                                  cloudgreet.fill_template(queue_texts.template, facts.names, facts.vals))
                           WITH ORDINALITY AS t (lead_id, cause_id, reminder_id, phone, starts_at, words, n)
                     WHERE t.phone <> sender.phone_number ORDER BY t.phone, t.n) w
             CROSS JOIN LATERAL cloudgreet.sms_segments(w.words) s
             WHERE s.segments <= most_parts AND length(w.words) <= 1600
               -- Of the letters of ASCII there is nothing that is not seen.
               AND CASE WHEN w.words ~ '^[\u000a\u0020-\u007e]+$' THEN true ELSE cloudgreet_private.text_fault(w.words, 1600, true) IS NULL END
               AND cloudgreet_private.destination_fault(w.phone, allowed) IS NULL
               AND NOT EXISTS (SELECT FROM cloudgreet.suppressions p
                                WHERE p.business_id = business AND p.contact = w.phone AND p.channel IN ('sms', 'all') OFFSET 0)
               AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox o
                                WHERE o.business_id = business AND o.channel = 'sms' AND o.contact = w.phone AND o.state IN ('queued', 'sending')
                               OFFSET max_open - 1 LIMIT 1)
             ORDER BY w.n) f;
    IF fit.places IS NULL THEN
        RETURN array_fill(NULL::uuid, ARRAY[asked]);
    END IF;

    INSERT INTO cloudgreet.sms_messages (business_id, id, lead_id, direction, from_number, to_number, content, segments)
    SELECT business, f.message_id, f.lead_id, 'outbound', sender.phone_number, f.phone, f.words, f.parts
      FROM unnest(fit.messages, fit.leads, fit.phones, fit.words, fit.parts) AS f (message_id, lead_id, phone, words, parts);
    INSERT INTO cloudgreet_private.outbox
        (business_id, id, account_id, lane, provider, operation, idempotency, channel, contact, subject_type, subject_id, body,
         due_at, next_at, deadline_at)
    SELECT business, f.request_id, account.id, hashtextextended(sender.phone_number, 0), 'telnyx', 'send_sms', 'none', 'sms', f.phone,
           'sms_message', f.message_id,
           convert_to(cloudgreet_private.text_request(account, f.request_id, sender.phone_number, f.phone, f.words, public_url)::text, 'UTF8'),
           now_at, now_at, least(now_at + interval '1 day', f.starts_at)
      FROM unnest(fit.requests, fit.messages, fit.phones, fit.words, fit.starts) AS f (request_id, message_id, phone, words, starts_at);
    INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id)
    SELECT business, 'sms.queued', 'sms_message', f.message_id, f.lead_id, cloudgreet.current_user_id()
      FROM unnest(fit.messages, fit.leads) AS f (message_id, lead_id);
    INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id, name, reminder_id)
    SELECT business, f.message_id, queue_texts.cause, f.cause_id, queue_texts.name, f.reminder_id
      FROM unnest(fit.messages, fit.causes, fit.reminders) AS f (message_id, cause_id, reminder_id);
    IF cardinality(fit.places) = asked THEN
        RETURN fit.messages;
    END IF;
    RETURN ARRAY(SELECT m.id FROM generate_series(1, asked) g LEFT JOIN unnest(fit.places, fit.messages) AS m (n, id) ON m.n = g ORDER BY g);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.queue_texts(uuid, text, uuid[], uuid[], text, text, uuid[]) IS
    'Sends leads a text by a template, about an appointment each or for a step of a sequence (the cause), as send_sms() would; returns the ids of the messages, NULL where something speaks against it.';
DROP FUNCTION IF EXISTS cloudgreet_private.queue_texts(uuid, text, uuid[], uuid[], uuid[]);

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
        messages := cloudgreet_private.queue_texts(business, 'appointment', ready.appointments, ready.leads, 'reminder',
            (cloudgreet_private.find_template(business, 'reminder', 'sms')).content, ready.text_ids);
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

REVOKE ALL ON FUNCTION cloudgreet_private.queue_texts(uuid, text, uuid[], uuid[], text, text, uuid[]),
    cloudgreet_private.release_reminders(uuid, uuid[]) FROM PUBLIC;
