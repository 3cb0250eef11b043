/*
 * 200_events.sql
 *		The timeline.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.record_event(
    business_id uuid, event_type text, subject_type text, subject_id uuid,
    data jsonb DEFAULT '{}', lead_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    new_id CONSTANT uuid := cloudgreet.uuid_v7();
BEGIN
    INSERT INTO cloudgreet.events (business_id, id, event_type, subject_type, subject_id, lead_id, actor_id, data)
    VALUES (record_event.business_id, new_id, record_event.event_type, record_event.subject_type, record_event.subject_id,
            record_event.lead_id, cloudgreet.current_user_id(), record_event.data);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.record_event(uuid, text, text, uuid, jsonb, uuid) IS
    'Adds a row to the timeline of the business that was entered, with the signed-in user as its actor.';
REVOKE ALL ON FUNCTION cloudgreet_private.record_event(uuid, text, text, uuid, jsonb, uuid) FROM PUBLIC;
