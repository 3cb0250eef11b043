/*
 * 116_booking.sql
 *		Rounding is a service's own; stored leads, names and appointments are mended: no
 *		circle of merged leads, nothing left at one, no unseen characters in names, no
 *		appointment without the time that it takes.
 *
 * Triggers of an installed schema rest meanwhile, so that nobody is told of anything.
 */
ALTER TABLE cloudgreet.services ADD COLUMN slot_round_minutes integer,
    ADD CONSTRAINT services_slot_round_minutes_check CHECK (slot_round_minutes BETWEEN 0 AND 60);
COMMENT ON COLUMN cloudgreet.services.slot_round_minutes IS
    'The first start of a free time is moved up to such minutes of the hour: 15 for quarters; NULL or 0: it is offered as it is.';

DO $mend$
DECLARE
    touched CONSTANT text[] := '{alerts,businesses,leads,services,staff,ai_agents,appointments,appointment_allocations,calls,agent_conversations,sms_messages,emails,consents,lead_qualification,lead_outcomes,sequence_enrollments,events}';
    children CONSTANT text[] := '{appointments,calls,agent_conversations,sms_messages,emails,consents,lead_qualification,lead_outcomes,sequence_enrollments,events}';
    child text;
    booking record;
BEGIN
    FOREACH child IN ARRAY touched LOOP
        EXECUTE format('ALTER TABLE cloudgreet.%I NO FORCE ROW LEVEL SECURITY', child);
        EXECUTE format('ALTER TABLE cloudgreet.%I DISABLE TRIGGER USER', child);
    END LOOP;

    -- A circle of merged leads opens at its oldest, which goes to the lead that has its number by now, if there is one.
    WITH RECURSIVE walk (business_id, start, at) AS (
        SELECT l.business_id, l.id, l.merged_into_id FROM cloudgreet.leads l WHERE l.merged_into_id IS NOT NULL
        UNION
        SELECT w.business_id, w.start, l.merged_into_id
          FROM walk w JOIN cloudgreet.leads l ON l.business_id = w.business_id AND l.id = w.at
         WHERE l.merged_into_id IS NOT NULL)
    UPDATE cloudgreet.leads l
       SET merged_into_id = (SELECT o.id FROM cloudgreet.leads o
                              WHERE o.business_id = l.business_id AND o.phone = l.phone AND o.merged_into_id IS NULL)
      FROM walk c
     WHERE c.at = c.start AND l.business_id = c.business_id AND l.id = c.start
       AND NOT EXISTS (SELECT FROM walk s WHERE s.business_id = c.business_id AND s.start = c.start AND s.at < c.start);

    -- What merged leads have is the surviving one's; nobody is in one sequence twice.
    CREATE TEMPORARY TABLE merged ON COMMIT DROP AS
    WITH RECURSIVE walk (business_id, lead_id, at) AS (
        SELECT l.business_id, l.id, l.merged_into_id FROM cloudgreet.leads l WHERE l.merged_into_id IS NOT NULL
        UNION
        SELECT w.business_id, w.lead_id, l.merged_into_id
          FROM walk w JOIN cloudgreet.leads l ON l.business_id = w.business_id AND l.id = w.at
         WHERE l.merged_into_id IS NOT NULL)
    SELECT w.business_id, w.lead_id, w.at AS target_id
      FROM walk w JOIN cloudgreet.leads l ON l.business_id = w.business_id AND l.id = w.at AND l.merged_into_id IS NULL;
    WITH twice AS (
        UPDATE cloudgreet.sequence_enrollments e SET status = 'stopped', ended_reason = 'merged', next_due_at = NULL
          FROM (SELECT n.business_id, n.id, row_number() OVER (PARTITION BY n.business_id, n.sequence_id, coalesce(m.target_id, n.lead_id) ORDER BY n.id) AS place
                  FROM cloudgreet.sequence_enrollments n LEFT JOIN merged m ON m.business_id = n.business_id AND m.lead_id = n.lead_id
                 WHERE n.status = 'active') p
         WHERE p.place > 1 AND e.business_id = p.business_id AND e.id = p.id
        RETURNING e.business_id, e.id)
    DELETE FROM cloudgreet_private.due_work w USING twice t
     WHERE w.business_id = t.business_id AND w.kind = 'enrollment' AND w.subject_id = t.id;
    FOREACH child IN ARRAY children LOOP
        EXECUTE format('UPDATE cloudgreet.%I c SET lead_id = m.target_id FROM merged m WHERE c.business_id = m.business_id AND c.lead_id = m.lead_id', child);
    END LOOP;
    DROP TABLE merged;

    -- The marks that were seen in names; all that are not seen are kept out from now on.
    FOREACH child IN ARRAY '{businesses,leads,services,staff}'::text[] LOOP
        EXECUTE format($sql$UPDATE cloudgreet.%I t SET name = clean.name
              FROM (SELECT u.id, btrim(regexp_replace(regexp_replace(u.name, '[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]', '', 'g'),
                                                      '[\u0001-\u001f\u007f-\u00a0\u2028\u2029\u202f]', ' ', 'g')) AS name
                      FROM cloudgreet.%I u WHERE u.name ~ '[^\u0020-\u007e]') clean
             WHERE t.id = clean.id AND t.name <> clean.name AND clean.name <> ''$sql$, child, child);
    END LOOP;

    UPDATE cloudgreet.ai_agents a
       SET config = jsonb_set(a.config, ARRAY['voice_settings', k.name], to_jsonb(least(greatest((a.config #>> ARRAY['voice_settings', k.name])::numeric, 0.5), 2)))
      FROM (VALUES ('speed'), ('pitch')) k (name)
     WHERE CASE WHEN jsonb_typeof(a.config #> ARRAY['voice_settings', k.name]) = 'number'
                THEN (a.config #>> ARRAY['voice_settings', k.name])::numeric NOT BETWEEN 0.5 AND 2 END;

    -- Appointments to come take their time; of two at one time a person decides.
    FOR booking IN
        SELECT a.business_id, a.id, a.service_id, a.staff_id, a.scheduled_date, a.ends_at,
               tstzrange(a.scheduled_date - make_interval(mins => coalesce(s.buffer_before_minutes, 0)),
                         a.ends_at + make_interval(mins => coalesce(s.buffer_after_minutes, 0))) AS blocks
          FROM cloudgreet.appointments a LEFT JOIN cloudgreet.services s ON s.business_id = a.business_id AND s.id = a.service_id
         WHERE a.status IN ('held', 'scheduled', 'confirmed') AND a.staff_id IS NOT NULL AND a.ends_at > cloudgreet.clock()
           AND NOT EXISTS (SELECT FROM cloudgreet.appointment_allocations l
                            WHERE l.business_id = a.business_id AND l.appointment_id = a.id AND l.state <> 'released')
         ORDER BY a.created_at, a.id
    LOOP
        INSERT INTO cloudgreet.appointment_allocations (business_id, appointment_id, service_id, staff_id, starts_at, ends_at, blocks, state)
        VALUES (booking.business_id, booking.id, booking.service_id, booking.staff_id, booking.scheduled_date, booking.ends_at, booking.blocks, 'booked')
        ON CONFLICT DO NOTHING;
        CONTINUE WHEN FOUND;
        INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
        VALUES (booking.business_id, 'appointments_overlap', 'Some appointments were sold for the same time. Please move one of each; those without a row in appointment_allocations are the later ones.')
        ON CONFLICT DO NOTHING;
    END LOOP;

    FOREACH child IN ARRAY touched LOOP
        EXECUTE format('ALTER TABLE cloudgreet.%I ENABLE TRIGGER USER', child);
        EXECUTE format('ALTER TABLE cloudgreet.%I FORCE ROW LEVEL SECURITY', child);
    END LOOP;
END
$mend$;
