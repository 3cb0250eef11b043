/*
 * 400_webhooks.sql
 *		Taking webhooks in: routes of accounts, what is a duplicate, what was refused.
 *
 * Called by the receiver in C, as cloudgreet_owner, once the signature was found good.
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

CREATE OR REPLACE FUNCTION cloudgreet_private.describe_webhook(
    provider text, headers jsonb, body bytea, payload jsonb,
    OUT event_type text, OUT dedup_key text, OUT entity_key text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    about jsonb;
BEGIN
    CASE provider
    WHEN 'telnyx' THEN
        about := payload #> '{data,payload}';
        event_type := payload #>> '{data,event_type}';
        dedup_key := payload #>> '{data,id}';
        entity_key := coalesce(about ->> 'call_session_id', about ->> 'id');
    WHEN 'retell' THEN
        event_type := payload ->> 'event';
        entity_key := coalesce(payload #>> '{call,call_id}', payload #>> '{chat,chat_id}');
        -- Retell's events have no id.  What may happen twice in a call is told apart by its text.
        dedup_key := entity_key || '|' || event_type
            || CASE WHEN event_type IN ('call_started', 'call_ended', 'call_analyzed') THEN ''
                    ELSE '|' || encode(sha256(body), 'hex') END;
        dedup_key := coalesce(dedup_key, event_type || '|' || encode(sha256(body), 'hex'));
    WHEN 'resend' THEN
        event_type := payload ->> 'type';
        dedup_key := headers ->> 'svix-id';
        entity_key := payload #>> '{data,email_id}';
    WHEN 'google' THEN
        event_type := headers ->> 'x-goog-resource-state';
        entity_key := headers ->> 'x-goog-channel-id';
        dedup_key := entity_key || '|' || (headers ->> 'x-goog-message-number');
    END CASE;
    IF event_type = '' OR dedup_key = '' THEN
        event_type := NULL;
    END IF;
    event_type := left(event_type, 200);
    IF length(dedup_key) > 300 THEN
        dedup_key := encode(sha256(convert_to(dedup_key, 'UTF8')), 'hex');
    END IF;
    entity_key := left(entity_key, 300);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.describe_webhook(text, jsonb, bytea, jsonb) IS
    'What kind of event a webhook is, what makes a second delivery of it the same, and what it is about; NULL event_type or dedup_key: it is no event of the provider.';

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

CREATE OR REPLACE FUNCTION cloudgreet_private.accept_webhook(
    business_id uuid, account_id uuid, provider text, headers jsonb, body bytea, payload jsonb, outbox_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    event record;
    answer CONSTANT jsonb := cloudgreet_private.answer_now(accept_webhook.business_id, accept_webhook.provider, accept_webhook.payload);
BEGIN
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    event := cloudgreet_private.describe_webhook(accept_webhook.provider, accept_webhook.headers, accept_webhook.body, accept_webhook.payload);
    IF event.event_type IS NULL OR event.dedup_key IS NULL THEN
        RETURN NULL;
    END IF;
    -- Another delivery under way is waited for here, so that a 2xx always means stored.
    WITH new AS (
        INSERT INTO cloudgreet_private.webhook_seen (account_id, dedup_key) VALUES (accept_webhook.account_id, event.dedup_key)
        ON CONFLICT DO NOTHING RETURNING webhook_seen.dedup_key)
    INSERT INTO cloudgreet_private.webhook_inbox
        (business_id, account_id, provider, event_type, dedup_key, entity_key, outbox_id, headers, body)
    SELECT accept_webhook.business_id, accept_webhook.account_id, accept_webhook.provider, event.event_type, n.dedup_key,
           event.entity_key, accept_webhook.outbox_id,
           (SELECT coalesce(jsonb_object_agg(h.key, h.value), '{}') FROM jsonb_each(accept_webhook.headers) h
             WHERE h.key ~ '^(telnyx|svix|x-retell|x-goog)-' AND h.key <> 'x-goog-channel-token'),
           accept_webhook.body
      FROM new n;
    RETURN '{"received": true}';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.accept_webhook(uuid, uuid, text, jsonb, bytea, jsonb, uuid) IS
    'Stores a verified webhook unless it came before, and returns what to answer; NULL when it is no event of the provider.';

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
    cloudgreet_private.describe_webhook(text, jsonb, bytea, jsonb), cloudgreet_private.answer_now(uuid, text, jsonb),
    cloudgreet_private.accept_webhook(uuid, uuid, text, jsonb, bytea, jsonb, uuid),
    cloudgreet_private.prune_webhooks(interval, integer) FROM PUBLIC;
