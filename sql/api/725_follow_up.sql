/*
 * 725_follow_up.sql
 *		Calls that led to nothing, followed up.
 *
 * The enrollment counts from the end of the call, so that it does not matter whether a
 * reply or the call's events are processed first.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.is_follow_up_call(target cloudgreet.calls) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A call that was spoken and analyzed, and led to nothing.
    IF target.direction <> 'inbound' OR NOT target.provider_state ? 'call_analyzed' OR target.status <> 'completed' OR target.lead_id IS NULL
       OR target.disconnection_reason IN ('voicemail_reached', 'machine_detected', 'scam_detected', 'marked_as_spam') THEN
        RETURN false;
    END IF;
    RETURN (SELECT NOT EXISTS (SELECT FROM cloudgreet.agent_conversations v
                        WHERE v.business_id = target.business_id AND v.call_id = target.id
                          AND (v.outcome IN ('voicemail', 'spam', 'booked') OR v.analysis -> 'in_voicemail' = 'true'
                               OR lower(v.analysis #>> '{custom_analysis_data,is_spam}') IN ('true', 'yes')
                               OR lower(v.analysis #>> '{custom_analysis_data,spam}') IN ('true', 'yes')))
       AND NOT EXISTS (SELECT FROM cloudgreet.appointments a
                        WHERE a.business_id = target.business_id
                          AND (a.call_id = target.id
                               OR a.lead_id = target.lead_id AND a.status IN ('scheduled', 'confirmed') AND a.scheduled_date > cloudgreet.clock())));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.is_follow_up_call(cloudgreet.calls) IS
    'Whether a call is one to follow up: of a caller, analyzed, neither spam nor voicemail, and its lead has no appointment.';

CREATE OR REPLACE FUNCTION cloudgreet_private.follow_up_call(target cloudgreet.calls) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := target.business_id;
    sequence_id uuid;
    number text;
    anchor timestamptz;
BEGIN
    IF NOT cloudgreet_private.is_follow_up_call(target) THEN
        RETURN;
    END IF;
    SELECT s.id INTO sequence_id FROM cloudgreet.sequences s JOIN cloudgreet.businesses b ON b.id = s.business_id
     WHERE s.business_id = business AND s.is_active AND s.name = coalesce(b.settings ->> 'follow_up_sequence', 'follow_up');
    IF sequence_id IS NULL THEN
        RETURN;
    END IF;
    SELECT l.phone INTO number FROM cloudgreet.leads l WHERE l.business_id = business AND l.id = target.lead_id;
    IF cloudgreet_private.next_step(business, sequence_id, 1) IS NULL
       OR EXISTS (SELECT FROM cloudgreet.suppressions s
                   WHERE s.business_id = business AND s.contact = number AND s.channel IN ('sms', 'all'))
       OR EXISTS (SELECT FROM cloudgreet.events e WHERE e.business_id = business AND e.subject_id = target.id AND e.event_type = 'call.followed_up') THEN
        RETURN;
    END IF;
    anchor := coalesce(target.ended_at, target.started_at, target.created_at);
    PERFORM cloudgreet_private.enroll(business, sequence_id, target.lead_id, anchor);
    PERFORM cloudgreet_private.record_event(business, 'call.followed_up', 'call', target.id, '{}', target.lead_id);
    -- A reply may have come before this was known.
    PERFORM cloudgreet_private.stop_enrollments(business, target.lead_id, 'reply', m.status_at)
       FROM (SELECT max(m.status_at) AS status_at FROM cloudgreet.sms_messages m
              WHERE m.business_id = business AND m.lead_id = target.lead_id AND m.direction = 'inbound' AND m.status_at >= anchor) m
      WHERE m.status_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.follow_up_call(cloudgreet.calls) IS
    'Enrolls the lead of a call in the business''s follow-up, once, if the call is one to follow up. The caller holds the call''s row.';

REVOKE ALL ON FUNCTION cloudgreet_private.is_follow_up_call(cloudgreet.calls), cloudgreet_private.follow_up_call(cloudgreet.calls) FROM PUBLIC;
