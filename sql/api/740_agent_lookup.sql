/*
 * 740_agent_lookup.sql
 *		Who is calling: Retell asks before it answers, and is told in the request.
 *
 * It only looks: Retell repeats the question, which has no id of its own.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.agent_is_open(business_id uuid, agent_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    days CONSTANT text[] := '{sun,mon,tue,wed,thu,fri,sat}';
    hours jsonb;
    zone text;
    local timestamp;
    blocks jsonb;
BEGIN
    SELECT a.config -> 'working_hours', coalesce(a.config #>> '{working_hours,time_zone}', b.time_zone) INTO hours, zone
      FROM cloudgreet.ai_agents a JOIN cloudgreet.businesses b ON b.id = a.business_id
     WHERE a.business_id = agent_is_open.business_id AND a.id = agent_is_open.agent_id AND a.is_active;
    IF NOT FOUND THEN
        RETURN false;
    ELSIF hours IS NULL THEN
        RETURN true;
    END IF;
    local := cloudgreet.clock() AT TIME ZONE zone;
    blocks := coalesce(hours #> ARRAY['exceptions', local::date::text], hours -> days[extract(dow FROM local)::integer + 1], '[]');
    RETURN EXISTS (SELECT FROM jsonb_array_elements(blocks) b
                    WHERE (b ->> 0)::time <= local::time AND local::time < (b ->> 1)::time);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.agent_is_open(uuid, uuid) IS
    'Whether an agent answers now: it is active, and within its working hours if it has any.';

CREATE OR REPLACE FUNCTION cloudgreet_private.next_opening(business_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    service uuid;
    said text;
BEGIN
    SELECT s.id INTO service FROM cloudgreet.services s
     WHERE s.business_id = next_opening.business_id AND s.is_active ORDER BY s.created_at, s.id LIMIT 1;
    IF service IS NOT NULL THEN
        SELECT f.local_text INTO said
          FROM cloudgreet.find_slots(service, cloudgreet.clock(), cloudgreet.clock() + interval '30 days', NULL, NULL, 1, NULL, NULL) f;
    END IF;
    RETURN coalesce(said, '');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.next_opening(uuid) IS
    'The first free time of the business''s first active service within 30 days, as one says it; empty when there is none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.answer_inbound(business_id uuid, contact jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := answer_inbound.business_id;
    rules jsonb;
    business_name text;
    lead cloudgreet.leads;
    is_open CONSTANT boolean := cloudgreet_private.agent_is_open(business, cloudgreet_private.number_agent(business, contact ->> 'to_number'));
    has_appointment boolean;
BEGIN
    SELECT b.name, coalesce(b.settings -> 'inbound', '{}') INTO business_name, rules FROM cloudgreet.businesses b WHERE b.id = business;
    SELECT l.* INTO lead FROM cloudgreet.leads l
     WHERE l.business_id = business AND l.id = cloudgreet_private.find_lead(business, contact ->> 'from_number');
    IF (lead.id IS NULL AND rules ->> 'unknown' = 'reject') OR (NOT is_open AND rules ->> 'closed' = 'reject') THEN
        RETURN '{"reject": true}';
    END IF;
    has_appointment := EXISTS (SELECT FROM cloudgreet.appointments a
                                WHERE a.business_id = business AND a.lead_id = lead.id AND a.status IN ('scheduled', 'confirmed')
                                  AND a.scheduled_date > cloudgreet.clock());
    -- Retell takes texts only.
    RETURN jsonb_build_object(
        'dynamic_variables', jsonb_build_object(
            'business_name', business_name,
            'caller_name', coalesce(lead.name, ''),
            'caller_first_name', split_part(btrim(coalesce(lead.name, '')), ' ', 1),
            'is_known', CASE WHEN lead.id IS NULL THEN 'no' ELSE 'yes' END,
            'is_open', CASE WHEN is_open THEN 'yes' ELSE 'no' END,
            'has_appointment', CASE WHEN has_appointment THEN 'yes' ELSE 'no' END,
            'next_opening', cloudgreet_private.next_opening(business)),
        'metadata', jsonb_build_object('cg_request_id', cloudgreet.uuid_v7()));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.answer_inbound(uuid, jsonb) IS
    'What Retell is told of an inbound call or chat: who calls, whether the business is open, the next free time; or to reject it, as the business''s setting inbound says.';

REVOKE ALL ON FUNCTION cloudgreet_private.agent_is_open(uuid, uuid), cloudgreet_private.next_opening(uuid),
    cloudgreet_private.answer_inbound(uuid, jsonb) FROM PUBLIC;
