/*
 * flow_state.sql
 *		For tests: all that a flow left behind in a business, one line a row, so that two runs
 *		can be compared.
 *
 * Left out is what may differ: ids (a reference is shown by what it leads to), when a row
 * was written, how many attempts were made and why.  Of the times of messages it counts
 * whether they are there.  The numbers of the business and of its customer become US and
 * THEM.
 */
CREATE FUNCTION public.flow_rows(business uuid) RETURNS TABLE (kind text, line jsonb) LANGUAGE sql AS
$$
    SELECT 'lead', to_jsonb(l) FROM cloudgreet.leads l WHERE l.business_id = business
    UNION ALL SELECT 'appointment', to_jsonb(a) || jsonb_build_object('call', c.provider_call_id, 'staff', s.name)
      FROM cloudgreet.appointments a LEFT JOIN cloudgreet.calls c ON c.id = a.call_id LEFT JOIN cloudgreet.staff s ON s.id = a.staff_id WHERE a.business_id = business
    UNION ALL SELECT 'time taken', to_jsonb(t) || jsonb_build_object('appointment', a.scheduled_date)
      FROM cloudgreet.appointment_allocations t LEFT JOIN cloudgreet.appointments a ON a.id = t.appointment_id WHERE t.business_id = business
    UNION ALL SELECT 'reminder', to_jsonb(r) || jsonb_build_object('appointment', a.scheduled_date)
      FROM cloudgreet.appointment_reminders r JOIN cloudgreet.appointments a ON a.id = r.appointment_id WHERE r.business_id = business
    UNION ALL SELECT 'call', to_jsonb(c) || jsonb_build_object('lead', l.phone, 'agent', g.name)
      FROM cloudgreet.calls c LEFT JOIN cloudgreet.leads l ON l.id = c.lead_id LEFT JOIN cloudgreet.ai_agents g ON g.id = c.agent_id WHERE c.business_id = business
    UNION ALL SELECT 'conversation', to_jsonb(v) || jsonb_build_object('call', c.provider_call_id, 'lead', l.phone)
      FROM cloudgreet.agent_conversations v LEFT JOIN cloudgreet.calls c ON c.id = v.call_id LEFT JOIN cloudgreet.leads l ON l.id = v.lead_id WHERE v.business_id = business
    UNION ALL SELECT 'score', to_jsonb(q) || jsonb_build_object('call', c.provider_call_id, 'lead', l.phone)
      FROM cloudgreet.lead_qualification q LEFT JOIN cloudgreet.calls c ON c.id = q.call_id LEFT JOIN cloudgreet.leads l ON l.id = q.lead_id WHERE q.business_id = business
    UNION ALL SELECT 'text', to_jsonb(m) || jsonb_build_object('lead', l.phone, 'known to the provider', m.provider_message_id IS NOT NULL)
      FROM cloudgreet.sms_messages m LEFT JOIN cloudgreet.leads l ON l.id = m.lead_id WHERE m.business_id = business
    UNION ALL SELECT 'e-mail', to_jsonb(m) || jsonb_build_object('lead', l.phone, 'known to the provider', m.provider_email_id IS NOT NULL)
      FROM cloudgreet.emails m LEFT JOIN cloudgreet.leads l ON l.id = m.lead_id WHERE m.business_id = business
    UNION ALL SELECT 'cause', jsonb_build_object('cause', c.cause, 'name', c.name, 'text', m.content, 'e-mail', e.subject, 'revoked', c.revoked_at IS NOT NULL)
      FROM cloudgreet_private.message_causes c LEFT JOIN cloudgreet.sms_messages m ON m.id = c.message_id LEFT JOIN cloudgreet.emails e ON e.id = c.message_id WHERE c.business_id = business
    UNION ALL SELECT 'enrollment', to_jsonb(e) || jsonb_build_object('sequence', s.name, 'lead', l.phone)
      FROM cloudgreet.sequence_enrollments e JOIN cloudgreet.sequences s ON s.id = e.sequence_id JOIN cloudgreet.leads l ON l.id = e.lead_id WHERE e.business_id = business
    UNION ALL SELECT 'consent', to_jsonb(c) FROM cloudgreet.consents c WHERE c.business_id = business
    UNION ALL SELECT 'suppression', to_jsonb(s) FROM cloudgreet.suppressions s WHERE s.business_id = business
    UNION ALL SELECT 'alert', to_jsonb(a) FROM cloudgreet.alerts a WHERE a.business_id = business
    UNION ALL SELECT 'event', jsonb_build_object('type', e.event_type, 'data', e.data, 'lead', l.phone)
      FROM cloudgreet.events e LEFT JOIN cloudgreet.leads l ON l.id = e.lead_id WHERE e.business_id = business
    UNION ALL SELECT 'request', jsonb_build_object('operation', o.operation, 'state', o.state, 'to', o.contact, 'finished', o.finished_at IS NOT NULL)
      FROM cloudgreet_private.requests o WHERE o.business_id = business
    UNION ALL SELECT 'due', jsonb_build_object('kind', w.kind, 'due_at', w.due_at) FROM cloudgreet_private.due_work w WHERE w.business_id = business
    UNION ALL SELECT 'webhook', jsonb_build_object('type', i.event_type, 'state', i.state, 'reason', i.reason)
      FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business
    UNION ALL SELECT 'key', jsonb_build_object('operation', k.operation) FROM cloudgreet_private.idempotency_keys k WHERE k.business_id = business;
$$;

CREATE FUNCTION public.flow_state(business uuid, us text, them text) RETURNS SETOF text LANGUAGE sql AS
$$
    SELECT s.line FROM (SELECT regexp_replace(replace(replace(r.kind || ' ' || (
               SELECT jsonb_object_agg(m.key, CASE WHEN m.key IN ('status_at', 'sent_at', 'delivered_at') THEN to_jsonb(m.value <> 'null') ELSE m.value END)
                 FROM jsonb_each(r.line) m
                WHERE m.key !~ '(^|_)id$' AND m.key NOT IN ('created_at', 'updated_at'))::text, us, 'US'), them, 'THEM'),
               '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'ID', 'g') AS line
      FROM public.flow_rows(business) r) s ORDER BY s.line COLLATE "C";
$$;

-- Whether nothing of a business is under way or about to be.  What is due is asked as well:
-- the processor may have it in a transaction that tick() did not wait for.
CREATE FUNCTION public.flow_is_quiet(business uuid) RETURNS boolean LANGUAGE sql AS
$$
    SELECT NOT EXISTS (SELECT FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business AND i.state = 'pending')
       AND NOT EXISTS (SELECT FROM cloudgreet_private.requests o
                        WHERE o.business_id = business AND o.state IN ('queued', 'sending') AND o.next_at <= cloudgreet.clock())
       AND NOT EXISTS (SELECT FROM cloudgreet_private.due_work w WHERE w.business_id = business AND w.due_at <= cloudgreet.clock());
$$;
