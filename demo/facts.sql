/*
 * facts.sql
 *		What the database knows of the call that psql has in `call`, as JSON; what is not
 *		there (yet) is null.
 */
WITH c AS (
    SELECT c.* FROM cloudgreet.calls c WHERE c.provider = 'retell' AND c.provider_call_id = :'call'
), a AS (
    SELECT a.* FROM cloudgreet.appointments a JOIN c ON c.business_id = a.business_id AND c.id = a.call_id
), m AS (
    SELECT 'SMS' AS kind, s.to_number AS receiver, s.status, s.provider_message_id AS provider_id, s.id
      FROM cloudgreet.sms_messages s JOIN c ON c.business_id = s.business_id AND c.lead_id = s.lead_id
    UNION ALL
    SELECT 'e-mail', e.to_address, e.status, e.provider_email_id, e.id
      FROM cloudgreet.emails e JOIN c ON c.business_id = e.business_id AND c.lead_id = e.lead_id
)
SELECT jsonb_build_object(
    'call', (SELECT jsonb_build_object('from', c.from_number, 'status', c.status, 'seconds', c.duration) FROM c),
    'lead', (SELECT jsonb_build_object('name', l.name, 'phone', l.phone, 'email', l.email, 'status', l.status)
               FROM cloudgreet.leads l JOIN c ON c.business_id = l.business_id AND c.lead_id = l.id),
    'score', (SELECT jsonb_build_object('score', q.score, 'grade', q.grade, 'reasons',
                         (SELECT jsonb_agg(jsonb_build_object('points', r.points, 'reason', r.reason))
                            FROM cloudgreet.explain_score(q.id, q.business_id) r))
                FROM cloudgreet.lead_qualification q JOIN c ON c.business_id = q.business_id AND c.id = q.call_id),
    'appointment', (SELECT jsonb_build_object('time', cloudgreet.say_time(a.scheduled_date, a.time_zone), 'status', a.status,
                               'service', s.name, 'staff', f.name)
                      FROM a
                      JOIN cloudgreet.services s ON s.business_id = a.business_id AND s.id = a.service_id
                      JOIN cloudgreet.staff f ON f.business_id = a.business_id AND f.id = a.staff_id),
    'messages', (SELECT jsonb_agg(jsonb_build_object('kind', m.kind, 'to', m.receiver, 'status', m.status, 'provider_id', m.provider_id)
                            ORDER BY m.id) FROM m),
    'reminders', (SELECT jsonb_agg(jsonb_build_object('type', r.type, 'channel', r.channel, 'status', r.status,
                             'time', cloudgreet.say_time(r.due_at, a.time_zone)) ORDER BY r.due_at)
                    FROM cloudgreet.appointment_reminders r JOIN a ON a.business_id = r.business_id AND a.id = r.appointment_id),
    'job', (SELECT jsonb_build_object('schedule', j.schedule, 'command', j.command)
              FROM cron.job j WHERE j.command = 'SELECT cloudgreet.tick()' AND j.active));
