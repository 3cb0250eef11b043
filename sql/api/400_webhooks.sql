/*
 * 400_webhooks.sql
 *		Taking webhooks in: routes of accounts, what is answered at once, what was refused.
 *
 * Called by the receiver (src/inbound/receive.c), as cloudgreet_owner; what is stored it
 * stores itself.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.keep_account_route() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet_private.account_routes AS r (account_id, business_id, provider)
    VALUES (new.id, new.business_id, new.provider)
    ON CONFLICT (account_id) DO UPDATE SET provider = excluded.provider WHERE r.business_id = excluded.business_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a provider account with this id exists already' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_account_route() IS
    'Keeps account_routes in step with provider_accounts. Error 23505 for an id that another business has.';
CREATE OR REPLACE TRIGGER provider_accounts_keep_route AFTER INSERT OR UPDATE OF provider ON cloudgreet.provider_accounts
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.keep_account_route();

CREATE OR REPLACE FUNCTION cloudgreet_private.count_refusal(account_id uuid, reason text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    INSERT INTO cloudgreet_private.webhook_refusals AS r (account_id, day, reason, refused, last_at)
    VALUES (count_refusal.account_id, (cloudgreet.clock() AT TIME ZONE 'UTC')::date, count_refusal.reason, 1, cloudgreet.clock())
    ON CONFLICT ON CONSTRAINT webhook_refusals_pkey DO UPDATE SET refused = r.refused + 1, last_at = excluded.last_at;
$$;
COMMENT ON FUNCTION cloudgreet_private.count_refusal(uuid, text) IS 'Counts a webhook that was refused.';

CREATE OR REPLACE FUNCTION cloudgreet_private.answer_now(business_id uuid, provider text, payload jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    asked CONSTANT text := payload ->> 'event';
    event jsonb;
BEGIN
    -- Most webhooks only tell; what they tell is brought into its form when they are processed.
    IF answer_now.provider <> 'retell'
       OR NOT coalesce(asked IN ('call_inbound', 'chat_inbound'), payload ? 'name' AND jsonb_typeof(payload -> 'call') = 'object', false) THEN
        RETURN NULL;
    END IF;
    event := cloudgreet_private.canonical_event(answer_now.business_id, answer_now.provider, payload);
    RETURN CASE WHEN asked IS NULL THEN cloudgreet_private.answer_tool(answer_now.business_id, event)
                ELSE jsonb_build_object(asked, cloudgreet_private.answer_inbound(answer_now.business_id, event -> asked)) END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.answer_now(uuid, text, jsonb) IS
    'The answer to a webhook that asks for something: an inbound call, or a function that the agent calls. NULL for one that only tells.';

CREATE OR REPLACE FUNCTION cloudgreet_private.prune_webhooks(max_age interval DEFAULT '30 days', max_rows integer DEFAULT NULL) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    WITH seen AS (
        DELETE FROM cloudgreet_private.webhook_seen s
         USING (SELECT o.account_id, o.dedup_key FROM cloudgreet_private.webhook_seen o
                 WHERE o.received_at < cloudgreet.clock() - greatest(prune_webhooks.max_age, interval '3 days')
                 ORDER BY o.received_at LIMIT prune_webhooks.max_rows FOR UPDATE SKIP LOCKED) old
         WHERE s.account_id = old.account_id AND s.dedup_key = old.dedup_key RETURNING 1),
    refusals AS (
        DELETE FROM cloudgreet_private.webhook_refusals r
         WHERE r.last_at < cloudgreet.clock() - greatest(prune_webhooks.max_age, interval '3 days') RETURNING 1)
    SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM refusals);
$$;
COMMENT ON FUNCTION cloudgreet_private.prune_webhooks(interval, integer) IS
    'Deletes what is known of webhooks older than an age, max_rows of them or all, but never of the last 3 days, in which providers repeat; returns how many rows. Bodies go with their partitions.';

REVOKE ALL ON FUNCTION cloudgreet_private.keep_account_route(), cloudgreet_private.count_refusal(uuid, text),
    cloudgreet_private.answer_now(uuid, text, jsonb),
    cloudgreet_private.prune_webhooks(interval, integer) FROM PUBLIC;
