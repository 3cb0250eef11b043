/*
 * webhook_state.sql
 *		For tests: delivers webhooks from a table, and shows what they led to, without
 *		ids and times of our own, so that two orders of events can be compared.
 */
CREATE TABLE public.deliveries (name text PRIMARY KEY, target text, headers jsonb, body text);

CREATE FUNCTION public.deliver(name text) RETURNS integer LANGUAGE sql AS
$$
    SELECT r.status FROM public.deliveries d, cloudgreet.http('POST', d.target, d.headers, convert_to(d.body, 'UTF8')) r WHERE d.name = deliver.name;
$$;

CREATE FUNCTION public.state(business uuid) RETURNS jsonb LANGUAGE sql AS
$$
    SELECT jsonb_object_agg(kind, rows) FROM (
        SELECT kind, jsonb_agg(line ORDER BY line) AS rows FROM (
            SELECT 'calls', to_jsonb(c) || jsonb_build_object('lead', (SELECT l.phone FROM cloudgreet.leads l WHERE l.id = c.lead_id))
              FROM cloudgreet.calls c WHERE c.business_id = business
            UNION ALL SELECT 'conversations', to_jsonb(v) || jsonb_build_object('call', (SELECT c.provider_call_id FROM cloudgreet.calls c WHERE c.id = v.call_id),
                              'lead', (SELECT l.phone FROM cloudgreet.leads l WHERE l.id = v.lead_id))
              FROM cloudgreet.agent_conversations v WHERE v.business_id = business
            UNION ALL SELECT 'texts', to_jsonb(m) || jsonb_build_object('lead', (SELECT l.phone FROM cloudgreet.leads l WHERE l.id = m.lead_id))
              FROM cloudgreet.sms_messages m WHERE m.business_id = business
            UNION ALL SELECT 'emails', to_jsonb(m) FROM cloudgreet.emails m WHERE m.business_id = business
            UNION ALL SELECT 'leads', to_jsonb(l) FROM cloudgreet.leads l WHERE l.business_id = business
            UNION ALL SELECT 'qualifications', to_jsonb(q) || jsonb_build_object('call', (SELECT c.provider_call_id FROM cloudgreet.calls c WHERE c.id = q.call_id),
                              'lead', (SELECT l.phone FROM cloudgreet.leads l WHERE l.id = q.lead_id))
              FROM cloudgreet.lead_qualification q WHERE q.business_id = business
            UNION ALL SELECT 'consents', to_jsonb(c) FROM cloudgreet.consents c WHERE c.business_id = business
            UNION ALL SELECT 'suppressions', to_jsonb(s) FROM cloudgreet.suppressions s WHERE s.business_id = business
            UNION ALL SELECT 'alerts', to_jsonb(a) FROM cloudgreet.alerts a WHERE a.business_id = business
            UNION ALL SELECT 'outbox', jsonb_build_object('state', o.state, 'finished', o.finished_at IS NOT NULL) FROM cloudgreet_private.requests o WHERE o.business_id = business
            UNION ALL SELECT 'inbox', jsonb_build_object('key', i.dedup_key, 'state', i.state) FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business
            UNION ALL SELECT 'events', jsonb_build_object('type', e.event_type, 'data', e.data) FROM cloudgreet.events e
                       WHERE e.business_id = business AND e.event_type ~ '^(lead|call|sms|email)\.'
        ) r (kind, whole), LATERAL (SELECT r.whole - '{id,business_id,lead_id,agent_id,call_id,created_at,updated_at}'::text[]) l (line)
        GROUP BY kind) k;
$$;

-- What every order of some events leads to, with every event repeated; preparation is run
-- before each.  They are processed one by one, all at once, or half before and half after.
-- One row a different outcome: all is well when there is one.
CREATE FUNCTION public.outcomes(business uuid, names text[], preparation text DEFAULT 'SELECT', OUT orders integer, OUT outcome jsonb)
    RETURNS SETOF record LANGUAGE plpgsql AS
$$
DECLARE
    permutation text[];
    name text;
    seen_names text[];
    n integer;
    seen jsonb;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS found (outcome jsonb);
    TRUNCATE found;
    FOR permutation, n IN
        WITH RECURSIVE p (list, rest) AS (
            SELECT '{}'::text[], names
            UNION ALL SELECT list || r, array_remove(rest, r) FROM p, unnest(rest) r)
        SELECT list, row_number() OVER () FROM p WHERE rest = '{}'
    LOOP
        BEGIN
            EXECUTE preparation;
            seen_names := '{}';
            -- Three ways to repeat: right after, all over again, and in the opposite order.
            FOREACH name IN ARRAY CASE n % 3
                WHEN 0 THEN permutation || permutation
                WHEN 1 THEN permutation || (SELECT array_agg(t ORDER BY o DESC) FROM unnest(permutation) WITH ORDINALITY u (t, o))
                ELSE (SELECT array_agg(t ORDER BY o) FROM unnest(permutation || permutation) WITH ORDINALITY u (t, i), LATERAL (SELECT (i - 1) % cardinality(permutation)) v (o)) END
            LOOP
                IF public.deliver(name) <> 200 THEN
                    RAISE EXCEPTION 'not accepted: %', name;
                END IF;
                seen_names := seen_names || name;
                IF n / 3 % 3 = 0 OR n / 3 % 3 = 1 AND cardinality(seen_names) = cardinality(permutation) / 2 THEN
                    PERFORM cloudgreet_private.process_webhooks();
                END IF;
            END LOOP;
            -- What was taken already is told once more to the functions that take it.
            UPDATE cloudgreet_private.webhook_inbox i SET state = 'pending', attempts = 0, next_at = cloudgreet.clock(), processed_at = NULL
             WHERE i.business_id = business AND n % 2 = 0 AND i.state IN ('processed', 'ignored');
            PERFORM cloudgreet_private.process_webhooks();
            seen := public.state(business);
            RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
        EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
            NULL; -- all of it is undone
        END;
        INSERT INTO found VALUES (seen);
    END LOOP;
    RETURN QUERY SELECT count(*)::integer, f.outcome FROM found f GROUP BY f.outcome ORDER BY 1 DESC;
END
$$;
