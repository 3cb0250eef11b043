/*
 * 425_merges.sql
 *		Leads that turned out to be one person: merged_into_id, and what follows from it.
 *
 * A lead is merged by writing merged_into_id, however it is written; a trigger gives all
 * that the lead had to the surviving one, which also takes over what it lacks of name,
 * number and address.  The merged row stays and leads there: by its number and its id.
 *
 * Invariant:	following merged_into_id ends at a lead that is not merged, in one
 *				statement of many rows and between sessions (merge_race.spec).
 * Locks:		lock_lead() is the one lock of a lead; bookings take it too.  A merge holds
 *				the row that it writes, and waits for a smaller id a fifth of a second at
 *				most: of two that are merged into each other one gives up, without a deadlock.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.surviving_lead(business_id uuid, lead_id uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead uuid := surviving_lead.lead_id;
    next uuid;
BEGIN
    LOOP
        SELECT l.merged_into_id INTO next FROM cloudgreet.leads l
         WHERE l.business_id = surviving_lead.business_id AND l.id = lead;
        EXIT WHEN next IS NULL;
        lead := next;
    END LOOP;
    RETURN lead;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.surviving_lead(uuid, uuid) IS
    'The lead that a lead was merged into in the end, or the lead itself.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_lead(business_id uuid, lead_id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead uuid := lock_lead.lead_id;
    next uuid;
BEGIN
    LOOP
        lead := cloudgreet_private.surviving_lead(lock_lead.business_id, lead);
        SELECT l.merged_into_id INTO next FROM cloudgreet.leads l
         WHERE l.business_id = lock_lead.business_id AND l.id = lead FOR NO KEY UPDATE;
        EXIT WHEN next IS NULL;
        lead := next; -- merged while this waited
    END LOOP;
    RETURN lead;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_lead(uuid, uuid) IS
    'Makes the rest of the transaction the only one that books for a lead or merges it, so that a request sent twice is seen as one; returns the surviving lead.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_merge_target(lead_id uuid, into_id uuid, business_id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    patience CONSTANT text := current_setting('lock_timeout');
    seen uuid[] := ARRAY[lock_merge_target.lead_id];
    target uuid := lock_merge_target.into_id;
    next uuid;
BEGIN
    LOOP
        IF target = ANY (seen) THEN
            RAISE EXCEPTION 'a lead cannot be merged into itself, nor in a circle' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'leads_merged_into_id_check', SCHEMA = 'cloudgreet', TABLE = 'leads';
        END IF;
        seen := seen || target;
        IF target < lock_merge_target.lead_id THEN
            PERFORM set_config('lock_timeout', '200ms', true);
        END IF;
        SELECT l.merged_into_id INTO next FROM cloudgreet.leads l
         WHERE l.business_id = lock_merge_target.business_id AND l.id = target FOR NO KEY UPDATE;
        PERFORM set_config('lock_timeout', patience, true);
        EXIT WHEN next IS NULL;
        target := next;
    END LOOP;
    RETURN target;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'another session is changing the lead to merge into' USING ERRCODE = 'serialization_failure', HINT = 'Try again.';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_merge_target(uuid, uuid, uuid) IS
    'The surviving lead of a merge that is written already, locked. Errors: 23514 for a circle, 40001 when another session holds it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.merge_lead(business_id uuid, lead_id uuid, into_id uuid) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := merge_lead.business_id;
    old CONSTANT uuid := merge_lead.lead_id;
    target CONSTANT uuid := cloudgreet_private.lock_merge_target(old, merge_lead.into_id, business);
    twice uuid;
BEGIN
    UPDATE cloudgreet.leads l
       SET name = coalesce(l.name, m.name), email = coalesce(l.email, m.email), time_zone = coalesce(l.time_zone, m.time_zone),
           phone = coalesce(l.phone, CASE WHEN NOT EXISTS (
               SELECT FROM cloudgreet.leads o WHERE o.business_id = business AND o.phone = m.phone AND o.merged_into_id IS NULL) THEN m.phone END)
      FROM cloudgreet.leads m
     WHERE l.business_id = business AND l.id = target AND m.business_id = business AND m.id = old
       -- Nothing to take over, nothing to write: of thousands that are merged at once each would add a version of the row.
       AND (l.name IS NULL AND m.name IS NOT NULL OR l.email IS NULL AND m.email IS NOT NULL
            OR l.phone IS NULL AND m.phone IS NOT NULL OR l.time_zone IS NULL AND m.time_zone IS NOT NULL);
    UPDATE cloudgreet.appointments c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.calls c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.agent_conversations c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.sms_messages c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.emails c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.lead_qualification c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.lead_outcomes c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.consents c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    -- Nobody is in one sequence twice: the surviving lead's own goes on.
    FOR twice IN
        SELECT e.id FROM cloudgreet.sequence_enrollments e
         WHERE e.business_id = business AND e.lead_id = old AND e.status = 'active'
           AND EXISTS (SELECT FROM cloudgreet.sequence_enrollments o
                        WHERE o.business_id = business AND o.lead_id = target AND o.sequence_id = e.sequence_id AND o.status = 'active')
         ORDER BY e.id
    LOOP
        PERFORM cloudgreet_private.stop_enrollment(business, twice, 'merged');
    END LOOP;
    UPDATE cloudgreet.sequence_enrollments c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    UPDATE cloudgreet.events c SET lead_id = target WHERE c.business_id = business AND c.lead_id = old;
    PERFORM cloudgreet_private.record_event(business, 'lead.merged', 'lead', old, jsonb_build_object('into', target), target);
    RETURN target;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.merge_lead(uuid, uuid, uuid) IS
    'Gives all that a lead has to the one that it was merged into in the end, and returns that one; the rows'' times and contacts stay. For the trigger of leads, which see.';

CREATE OR REPLACE FUNCTION cloudgreet_private.keep_merges() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(new.business_id);
    IF tg_op = 'UPDATE' AND old.merged_into_id IS NOT NULL THEN
        RAISE EXCEPTION 'a lead that was merged cannot be taken out again, nor merged into another' USING ERRCODE = 'feature_not_supported',
            HINT = 'What the two had is one history by now. Add a new lead, or merge the surviving one.';
    END IF;
    PERFORM cloudgreet_private.merge_lead(new.business_id, new.id, new.merged_into_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_merges() IS
    'Trigger of leads: a lead that is written as merged gives all that it has to the surviving one. Errors: 23514 for a circle, 0A000 for a merge that is taken back, 40001 when another session merges one of them.';
CREATE OR REPLACE TRIGGER leads_merge_new AFTER INSERT ON cloudgreet.leads
    FOR EACH ROW WHEN (new.merged_into_id IS NOT NULL) EXECUTE FUNCTION cloudgreet_private.keep_merges();
CREATE OR REPLACE TRIGGER leads_merge AFTER UPDATE OF merged_into_id ON cloudgreet.leads
    FOR EACH ROW WHEN (new.merged_into_id IS DISTINCT FROM old.merged_into_id) EXECUTE FUNCTION cloudgreet_private.keep_merges();

-- A row that names a merged lead is the surviving one's (src/tenant/follow_merge.c).
CREATE OR REPLACE TRIGGER appointments_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.appointments
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER calls_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.calls
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER agent_conversations_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.agent_conversations
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER sms_messages_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.sms_messages
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER emails_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.emails
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER consents_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.consents
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER lead_qualification_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.lead_qualification
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER lead_outcomes_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.lead_outcomes
    FOR EACH ROW WHEN (new.lead_id IS NOT NULL) EXECUTE FUNCTION cloudgreet.follow_merge();
CREATE OR REPLACE TRIGGER sequence_enrollments_follow_merge BEFORE INSERT OR UPDATE OF lead_id ON cloudgreet.sequence_enrollments
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.follow_merge();
DROP FUNCTION IF EXISTS cloudgreet_private.follow_merge();

REVOKE ALL ON FUNCTION cloudgreet_private.surviving_lead(uuid, uuid), cloudgreet_private.lock_lead(uuid, uuid),
    cloudgreet_private.lock_merge_target(uuid, uuid, uuid), cloudgreet_private.merge_lead(uuid, uuid, uuid),
    cloudgreet_private.keep_merges() FROM PUBLIC;
