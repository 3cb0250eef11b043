/*
 * 420_webhook_facts.sql
 *		What the events of all providers have in common: leads, numbers, times, and
 *		merges that give the same result in whatever order events come.
 *
 * The functions of 420 to 460 run as cloudgreet_owner in the business of the event.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.webhook_time(value text) RETURNS timestamptz
    LANGUAGE sql STABLE
    -- Days that there are, leap years and all: what is no time must not raise.
    RETURN CASE WHEN webhook_time.value ~ ('^([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
                    '|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29)'
                    'T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,30})?(Z|[+-](0[0-9]|1[0-5]):?[0-5][0-9])$')
                THEN webhook_time.value::timestamptz END;
COMMENT ON FUNCTION cloudgreet_private.webhook_time(text) IS 'A time in ISO 8601; NULL for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.webhook_milliseconds(value jsonb) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN jsonb_typeof(webhook_milliseconds.value) = 'number'
                THEN (CASE WHEN webhook_milliseconds.value::numeric BETWEEN 0 AND 32503680000000
                           THEN timestamptz '1970-01-01 00:00Z'
                                + make_interval(secs => (round(webhook_milliseconds.value::numeric, 3) / 1000)::double precision) END) END;
COMMENT ON FUNCTION cloudgreet_private.webhook_milliseconds(jsonb) IS 'A time in milliseconds since 1970; NULL for anything else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.call_seconds(began timestamptz, ended timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN floor(extract(epoch FROM least(greatest(call_seconds.ended - call_seconds.began, interval '0'), interval '10 days')))::integer;
COMMENT ON FUNCTION cloudgreet_private.call_seconds(timestamptz, timestamptz) IS 'How long a call took, ten days at most; 0 when its ends are not both known or not in order.';

CREATE OR REPLACE FUNCTION cloudgreet_private.merge_facts(known jsonb, new jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}')
      FROM (SELECT e.key, min(e.value COLLATE "C") AS value
              FROM (SELECT * FROM jsonb_each_text(merge_facts.known) UNION ALL SELECT * FROM jsonb_each_text(merge_facts.new)) e
             WHERE e.value IS NOT NULL GROUP BY e.key) f);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.merge_facts(jsonb, jsonb) IS
    'The members of two objects of texts; of two that differ the smaller, so that the order of merging does not matter.';

CREATE OR REPLACE FUNCTION cloudgreet_private.is_own_number(business_id uuid, phone_number text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT EXISTS (SELECT FROM cloudgreet_private.phone_routes r
                    WHERE r.phone_number = is_own_number.phone_number AND r.business_id = is_own_number.business_id));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.is_own_number(uuid, text) IS 'Whether a number leads to the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.find_lead(business_id uuid, phone text) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead uuid;
    merged_into uuid;
BEGIN
    -- One that was merged into another leads to that one, unless the number is a lead's own by now.
    SELECT l.id, l.merged_into_id INTO lead, merged_into FROM cloudgreet.leads l
     WHERE l.business_id = find_lead.business_id AND l.phone = find_lead.phone
     ORDER BY l.merged_into_id IS NOT NULL, l.id LIMIT 1;
    RETURN CASE WHEN merged_into IS NULL THEN lead ELSE cloudgreet_private.surviving_lead(find_lead.business_id, merged_into) END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.find_lead(uuid, text) IS 'The lead of a phone number, or NULL.';

CREATE OR REPLACE FUNCTION cloudgreet_private.ensure_lead(business_id uuid, phone text, source text) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lead uuid := cloudgreet_private.find_lead(ensure_lead.business_id, ensure_lead.phone);
BEGIN
    IF lead IS NOT NULL OR NOT coalesce(cloudgreet.is_phone_number(ensure_lead.phone), false)
       OR cloudgreet_private.is_own_number(ensure_lead.business_id, ensure_lead.phone) THEN
        RETURN lead;
    END IF;
    INSERT INTO cloudgreet.leads AS l (business_id, phone, source)
    VALUES (ensure_lead.business_id, ensure_lead.phone, ensure_lead.source)
    ON CONFLICT DO NOTHING
    RETURNING l.id INTO lead;
    IF lead IS NULL THEN -- made by someone else meanwhile
        RETURN cloudgreet_private.find_lead(ensure_lead.business_id, ensure_lead.phone);
    END IF;
    PERFORM cloudgreet_private.record_event(ensure_lead.business_id, 'lead.created', 'lead', lead,
        jsonb_build_object('source', ensure_lead.source), lead);
    RETURN lead;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.ensure_lead(uuid, text, text) IS
    'The lead of a phone number, made if there is none; NULL for a number that nobody can be called on, or of the business''s own.';

CREATE OR REPLACE FUNCTION cloudgreet_private.record_all_once(
    business_id uuid, event_types text[], subject_type text, subject_id uuid, data jsonb, lead_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- What is told of a subject is not older than it; so one or two partitions are looked into, not all.
    since CONSTANT uuid := coalesce(cloudgreet.uuid_v7_floor(cloudgreet.uuid_v7_time(record_all_once.subject_id) - interval '1 hour'),
                                    '00000000-0000-0000-0000-000000000000');
    until CONSTANT uuid := cloudgreet.uuid_v7_floor(clock_timestamp() + interval '1 hour');
BEGIN
    -- In PL/pgSQL its plan is kept; to plan a look into all partitions takes longer than the look.
    INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
    SELECT record_all_once.business_id, k.event_type, record_all_once.subject_type, record_all_once.subject_id, record_all_once.lead_id,
           cloudgreet.current_user_id(), record_all_once.data
      FROM unnest(record_all_once.event_types) AS k (event_type)
     WHERE NOT EXISTS (SELECT FROM cloudgreet.events e
                        WHERE e.business_id = record_all_once.business_id AND e.subject_id = record_all_once.subject_id
                          AND e.event_type = k.event_type AND e.id BETWEEN since AND until);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.record_all_once(uuid, text[], text, uuid, jsonb, uuid) IS
    'Adds rows of some types, each named once, to the timeline, except those that the subject has already. The caller holds a lock on the subject.';

CREATE OR REPLACE FUNCTION cloudgreet_private.record_once(
    business_id uuid, event_type text, subject_type text, subject_id uuid, data jsonb, lead_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.record_all_once(record_once.business_id, ARRAY[record_once.event_type], record_once.subject_type,
        record_once.subject_id, record_once.data, record_once.lead_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.record_once(uuid, text, text, uuid, jsonb, uuid) IS
    'Adds a row to the timeline unless the subject has one of that type. The caller holds a lock on the subject.';

CREATE OR REPLACE FUNCTION cloudgreet_private.move_history(business_id uuid, old_id uuid, new_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- The one change that the timeline knows: two rows turn out to be the same thing.
    UPDATE cloudgreet.events e SET subject_id = move_history.new_id
     WHERE e.business_id = move_history.business_id AND e.subject_id = move_history.old_id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.move_history(uuid, uuid, uuid) IS
    'Gives the timeline of a row that goes to the row that it turned out to be.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_entity(business_id uuid, entity_key text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A row and no advisory lock: that anybody who may connect could see and take.
    LOOP
        PERFORM FROM cloudgreet_private.entity_locks e
          WHERE e.business_id = lock_entity.business_id AND e.entity_key = lock_entity.entity_key FOR UPDATE;
        EXIT WHEN FOUND;
        -- Who is the second to make it waits here for the first; a row that was pruned meanwhile is made anew.
        INSERT INTO cloudgreet_private.entity_locks (business_id, entity_key)
        VALUES (lock_entity.business_id, lock_entity.entity_key) ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND; -- nobody else can have a row that is not committed
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_entity(uuid, text) IS
    'Processes events of one call or message one after another, also while it has no row yet, by a lock that is held to the end of the transaction.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lock_contact(business_id uuid, contact text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet_private.lock_entity(lock_contact.business_id, 'contact ' || lock_contact.contact);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lock_contact(uuid, text) IS
    'Lets what contacts say about being sent something be settled one after another for each.';

CREATE OR REPLACE FUNCTION cloudgreet_private.prune_locks(max_rows integer DEFAULT NULL) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH gone AS (
        DELETE FROM cloudgreet_private.entity_locks e
         USING (SELECT l.business_id, l.entity_key FROM cloudgreet_private.entity_locks l
                 WHERE l.made_at < cloudgreet.clock() - interval '1 day' LIMIT prune_locks.max_rows FOR UPDATE SKIP LOCKED) AS old
         WHERE e.business_id = old.business_id AND e.entity_key = old.entity_key RETURNING 1)
    SELECT count(*) FROM gone;
$$;
COMMENT ON FUNCTION cloudgreet_private.prune_locks(integer) IS 'Removes up to max_rows rows of entity_locks that are a day old and that nobody holds; returns how many.';

CREATE OR REPLACE FUNCTION cloudgreet_private.read_uuid(value text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN read_uuid.value ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN read_uuid.value::uuid END;
COMMENT ON FUNCTION cloudgreet_private.read_uuid(text) IS 'An id; NULL for anything else.';

REVOKE ALL ON FUNCTION cloudgreet_private.webhook_time(text), cloudgreet_private.webhook_milliseconds(jsonb), cloudgreet_private.call_seconds(timestamptz, timestamptz),
    cloudgreet_private.merge_facts(jsonb, jsonb), cloudgreet_private.is_own_number(uuid, text),
    cloudgreet_private.find_lead(uuid, text), cloudgreet_private.ensure_lead(uuid, text, text),
    cloudgreet_private.record_all_once(uuid, text[], text, uuid, jsonb, uuid),
    cloudgreet_private.record_once(uuid, text, text, uuid, jsonb, uuid), cloudgreet_private.move_history(uuid, uuid, uuid),
    cloudgreet_private.lock_entity(uuid, text), cloudgreet_private.lock_contact(uuid, text), cloudgreet_private.prune_locks(integer),
    cloudgreet_private.read_uuid(text) FROM PUBLIC;
