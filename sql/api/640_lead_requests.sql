/*
 * 640_lead_requests.sql
 *		POST /api/leads, around the row itself: what stands for nothing is left out, and a request that is sent again
 *		gets the lead it made.  Called by api_handlers.c, as the owner; test/sql/lead_requests.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.begin_lead(business_id uuid, key text, request jsonb, OUT earlier_id uuid, OUT body jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := coalesce(begin_lead.business_id, (begin_lead.request ->> 'business_id')::uuid);
BEGIN
    -- "N/A" is what forms and models write for nothing: no name, and no error for the number that it is not.
    body := begin_lead.request - ARRAY(
        SELECT m.key FROM jsonb_each(begin_lead.request) m
         WHERE m.key IN ('name', 'phone', 'email') AND (jsonb_typeof(m.value) = 'null'
            OR jsonb_typeof(m.value) = 'string' AND cloudgreet_private.meaningful(m.value #>> '{}') IS NULL));
    IF begin_lead.key IS NOT NULL AND business IS NOT NULL THEN
        PERFORM cloudgreet.enter_business(business);
        PERFORM cloudgreet_private.require_business(business);
        earlier_id := cloudgreet_private.claim_key(business, 'create_lead', begin_lead.key, body::text, cloudgreet.uuid_v7());
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.begin_lead(uuid, text, jsonb) IS
    'The members of a lead to be made, without placeholders; earlier_id is the lead that the same request made under the key before. Error ZG407 for a key of another request.';

CREATE OR REPLACE FUNCTION cloudgreet_private.finish_lead(business_id uuid, key text, lead_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(finish_lead.business_id);
    UPDATE cloudgreet_private.idempotency_keys k SET result_id = finish_lead.lead_id
     WHERE k.business_id = finish_lead.business_id AND k.operation = 'create_lead' AND k.key = btrim(finish_lead.key, E' \t\n\r');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.finish_lead(uuid, text, uuid) IS
    'Says which lead was made under the key that begin_lead() took.';

REVOKE ALL ON FUNCTION cloudgreet_private.begin_lead(uuid, text, jsonb), cloudgreet_private.finish_lead(uuid, text, uuid) FROM PUBLIC;
