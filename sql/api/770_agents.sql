/*
 * 770_agents.sql
 *		Agents switched on and off, and what they do today.
 */
CREATE OR REPLACE FUNCTION cloudgreet.agent_status(agent_id uuid DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('agent_status', agent_status.business_id);
    midnight timestamptz;
    agents jsonb;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    SELECT date_trunc('day', cloudgreet.clock() AT TIME ZONE b.time_zone) AT TIME ZONE b.time_zone INTO midnight
      FROM cloudgreet.businesses b WHERE b.id = business;
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'status', CASE WHEN a.is_active THEN 'running' ELSE 'stopped' END,
               'is_open', cloudgreet_private.agent_is_open(business, a.id), 'calls_today', c.today, 'calls_completed_today', c.completed,
               'calls_under_way', c.under_way, 'booked_today', c.booked) ORDER BY a.is_active DESC, a.created_at, a.id), '[]') INTO agents
      FROM cloudgreet.ai_agents a
      CROSS JOIN LATERAL (
          SELECT count(*) AS today, count(*) FILTER (WHERE c.status = 'completed') AS completed,
                 count(*) FILTER (WHERE c.status IN ('initiated', 'ringing', 'answered')) AS under_way,
                 count(*) FILTER (WHERE EXISTS (SELECT FROM cloudgreet.appointments p WHERE p.business_id = business AND p.call_id = c.id)) AS booked
            FROM cloudgreet.calls c
           WHERE c.business_id = business AND c.agent_id = a.id AND coalesce(c.started_at, c.created_at) >= midnight
             AND c.created_at >= midnight - interval '1 day') c
     WHERE a.business_id = business AND a.id = coalesce(agent_status.agent_id, a.id);
    IF agents = '[]' AND agent_status.agent_id IS NOT NULL THEN
        RAISE EXCEPTION 'agent "%" does not exist', agent_status.agent_id USING ERRCODE = 'no_data_found';
    END IF;
    RETURN jsonb_build_object('agents', agents);
END
$$;
COMMENT ON FUNCTION cloudgreet.agent_status(uuid, uuid) IS
    'The agents of the business, or one: {"agents": [{"id", "name", "status" (running or stopped), "is_open", "calls_today", "calls_completed_today", "calls_under_way", "booked_today"}]}; a day is one of the business''s zone. Error P0002 for an agent that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet_private.switch_agent(agent_id uuid, business_id uuid, active boolean) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for(
        CASE WHEN switch_agent.active THEN 'start_agent' ELSE 'stop_agent' END, switch_agent.business_id);
    target uuid := switch_agent.agent_id;
    changed boolean;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF target IS NULL THEN
        SELECT (array_agg(a.id))[1] INTO target FROM cloudgreet.ai_agents a WHERE a.business_id = business HAVING count(*) = 1;
        IF target IS NULL THEN
            RAISE EXCEPTION 'the business has no agent, or several' USING ERRCODE = 'invalid_parameter_value', HINT = 'Name one: agent_id.';
        END IF;
    END IF;
    SELECT a.is_active <> switch_agent.active INTO changed FROM cloudgreet.ai_agents a
     WHERE a.business_id = business AND a.id = target FOR UPDATE;
    IF changed IS NULL THEN
        RAISE EXCEPTION 'agent "%" does not exist', target USING ERRCODE = 'no_data_found';
    ELSIF changed THEN
        BEGIN
            UPDATE cloudgreet.ai_agents a SET is_active = switch_agent.active WHERE a.business_id = business AND a.id = target;
        EXCEPTION WHEN unique_violation THEN
            RAISE EXCEPTION 'an active agent of this name exists already' USING ERRCODE = 'unique_violation';
        END;
        PERFORM cloudgreet_private.record_event(business, CASE WHEN switch_agent.active THEN 'agent.started' ELSE 'agent.stopped' END, 'agent', target);
    END IF;
    RETURN cloudgreet.agent_status(target, business) #> '{agents,0}';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.switch_agent(uuid, uuid, boolean) IS 'For start_agent() and stop_agent(), which see.';

CREATE OR REPLACE FUNCTION cloudgreet.start_agent(agent_id uuid DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT cloudgreet_private.switch_agent(start_agent.agent_id, start_agent.business_id, true);
$$;
COMMENT ON FUNCTION cloudgreet.start_agent(uuid, uuid) IS
    'Has an agent answer calls (the only one if none is named), and returns its status; once more changes nothing. Admins, or operators naming the business. Errors: P0002 for an agent that does not exist, 22023 when it must be named, 23505 while another active one has its name.';

CREATE OR REPLACE FUNCTION cloudgreet.stop_agent(agent_id uuid DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT cloudgreet_private.switch_agent(stop_agent.agent_id, stop_agent.business_id, false);
$$;
COMMENT ON FUNCTION cloudgreet.stop_agent(uuid, uuid) IS
    'Has an agent answer no more calls: callers are told that the business is closed, or rejected, as its setting inbound says; calls under way go on. Otherwise as start_agent().';

REVOKE ALL ON FUNCTION cloudgreet.agent_status(uuid, uuid), cloudgreet_private.switch_agent(uuid, uuid, boolean),
    cloudgreet.start_agent(uuid, uuid), cloudgreet.stop_agent(uuid, uuid) FROM PUBLIC;
