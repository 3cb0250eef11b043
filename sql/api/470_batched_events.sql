/*
 * 470_batched_events.sql
 *		What became of messages, many events at a time.
 *
 * Called by process_business() (490), in the business, with ids of its inbox.  Most events
 * only move a text or an e-mail that has its id at the provider already: these are taken
 * by one statement, with the outcome that 430 and 460 would give one after another.  What
 * else an event may mean (a row to be made or to become one with another, a failure, a
 * bounce, a request that is open still) is left to them; so is a message of which one
 * event is left, and one that another session has locked.
 *
 * Locks:		texts or e-mails, FOR NO KEY UPDATE SKIP LOCKED, in a statement before the one
 *				that looks at them, which so sees what the last holder committed.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.take_receipts(business_id uuid, due uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := take_receipts.business_id;
    -- Bounds of one partition, as a rule: an array of ids alone would be looked for in all.
    first CONSTANT uuid := (SELECT min(i.id::text)::uuid FROM unnest(take_receipts.due) AS i (id));
    last CONSTANT uuid := (SELECT max(i.id::text)::uuid FROM unnest(take_receipts.due) AS i (id));
    receipts uuid[];
    keys text[];
    locked uuid[];
    taken uuid[];
BEGIN
    receipts := ARRAY(SELECT i.id FROM cloudgreet_private.webhook_inbox i
                       WHERE i.business_id = business AND i.id = ANY (take_receipts.due) AND i.id BETWEEN first AND last AND i.provider = 'telnyx'
                         AND i.event_type IN ('message.sent', 'message.finalized'));
    IF receipts = '{}' THEN
        RETURN '{}';
    END IF;
    keys := ARRAY(SELECT DISTINCT i.entity_key FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business AND i.id = ANY (receipts) AND i.id BETWEEN first AND last);
    locked := ARRAY(SELECT m.id FROM cloudgreet.sms_messages m
                     WHERE m.business_id = business AND m.provider = 'telnyx' AND m.provider_message_id = ANY (keys)
                       FOR NO KEY UPDATE SKIP LOCKED);
    IF locked = '{}' THEN
        RETURN '{}';
    END IF;
    -- Both sides are read once, by their keys, and joined in memory.
    WITH items AS MATERIALIZED (
        SELECT i.id, i.outbox_id, i.entity_key, i.body FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business AND i.id = ANY (receipts) AND i.id BETWEEN first AND last),
    texts AS MATERIALIZED (
        SELECT m.id, m.provider_message_id, m.lead_id, m.status, m.status_at FROM cloudgreet.sms_messages m WHERE m.business_id = business AND m.id = ANY (locked)),
    told AS MATERIALIZED (
        SELECT i.id, i.outbox_id, m.id AS message_id, m.lead_id, m.status AS old_status, e.event, e.event #> '{data,payload}' AS message
          FROM items i JOIN texts m ON m.provider_message_id = i.entity_key
         CROSS JOIN LATERAL (SELECT cloudgreet.parse_webhook(i.body) OFFSET 0) AS e (event)),
    read AS MATERIALIZED (
        SELECT t.id, t.message_id, t.lead_id, t.old_status, s.status, t.outbox_id,
               cloudgreet_private.webhook_time(t.event #>> '{data,occurred_at}') AS at,
               CASE WHEN t.message #>> '{to,0,status}' = 'delivery_unconfirmed' THEN 'delivery_unconfirmed' END AS error_code,
               cloudgreet_private.webhook_time(t.message ->> 'sent_at') AS sent_at,
               CASE WHEN s.status = 'delivered' THEN cloudgreet_private.webhook_time(t.message ->> 'completed_at') END AS delivered_at,
               CASE WHEN t.message ->> 'parts' ~ '^[1-9][0-9]{0,3}$' THEN (t.message ->> 'parts')::integer END AS segments
          FROM told t CROSS JOIN LATERAL (SELECT cloudgreet_private.telnyx_message_status(t.message #>> '{to,0,status}')) AS s (status)),
    judged AS MATERIALIZED (
        SELECT r.*, bool_and(coalesce(r.status IN ('queued', 'sending', 'sent', 'delivered'), false)
                 AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.subject_id = r.message_id)
                 AND (r.outbox_id IS NULL
                      OR NOT EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.id = r.outbox_id)
                         AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox_history h WHERE h.business_id = business AND h.id = r.outbox_id
                                            AND h.subject_type = 'sms_message' AND h.subject_id <> r.message_id)))
               OVER (PARTITION BY r.message_id) AS is_plain
          FROM read r),
    best AS (
        SELECT DISTINCT ON (j.message_id) j.message_id, j.status, j.at, j.error_code,
               min(j.sent_at) OVER whole AS sent_at, min(j.delivered_at) OVER whole AS delivered_at, min(j.segments) OVER whole AS segments
          FROM judged j WHERE j.is_plain
        WINDOW whole AS (PARTITION BY j.message_id)
         ORDER BY j.message_id, cloudgreet_private.sms_rank(j.status) DESC, coalesce(j.at, '-infinity') DESC, j.status COLLATE "C" DESC),
    moved AS (
        UPDATE cloudgreet.sms_messages m
           SET status = CASE WHEN w.wins THEN w.status ELSE m.status END, status_at = CASE WHEN w.wins THEN w.at ELSE m.status_at END,
               error_code = CASE WHEN w.wins THEN w.error_code ELSE m.error_code END, sent_at = least(m.sent_at, w.sent_at),
               delivered_at = least(m.delivered_at, w.delivered_at), segments = coalesce(m.segments, w.segments)
          FROM (SELECT b.*, (cloudgreet_private.sms_rank(b.status), coalesce(b.at, '-infinity'), b.status COLLATE "C")
                          > (cloudgreet_private.sms_rank(o.status), coalesce(o.status_at, '-infinity'), o.status COLLATE "C") AS wins
                  FROM best b JOIN texts o ON o.id = b.message_id) w
         WHERE m.business_id = business AND m.id = w.message_id),
    noted AS (
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
        SELECT DISTINCT business, 'sms.' || j.status, 'sms_message', j.message_id, j.lead_id, cloudgreet.current_user_id(), '{}'::jsonb
          FROM judged j
         WHERE j.is_plain AND j.status IN ('sent', 'delivered')
           -- What goes beyond all that was known cannot have been told; a look into all partitions takes its time.
           AND (cloudgreet_private.sms_rank(j.status) > cloudgreet_private.sms_rank(j.old_status)
                OR NOT EXISTS (SELECT FROM cloudgreet.events e
                                WHERE e.business_id = business AND e.subject_id = j.message_id AND e.event_type = 'sms.' || j.status))),
    ended AS (
        UPDATE cloudgreet_private.webhook_inbox i SET state = 'processed', reason = NULL, attempts = i.attempts + 1, processed_at = cloudgreet.clock()
          FROM judged j WHERE j.is_plain AND i.business_id = business AND i.id = j.id AND i.id BETWEEN first AND last RETURNING i.id)
    SELECT coalesce(array_agg(e.id), '{}') INTO taken FROM ended e;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.take_receipts(uuid, uuid[]) IS
    'Of these webhooks takes Telnyx''s receipts that only move a text forward, all in one statement; returns which it took.';

CREATE OR REPLACE FUNCTION cloudgreet_private.take_mail_events(business_id uuid, due uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := take_mail_events.business_id;
    -- Bounds of one partition, as a rule: an array of ids alone would be looked for in all.
    first CONSTANT uuid := (SELECT min(i.id::text)::uuid FROM unnest(take_mail_events.due) AS i (id));
    last CONSTANT uuid := (SELECT max(i.id::text)::uuid FROM unnest(take_mail_events.due) AS i (id));
    told_of uuid[];
    keys text[];
    locked uuid[];
    taken uuid[];
BEGIN
    told_of := ARRAY(SELECT i.id FROM cloudgreet_private.webhook_inbox i
                      WHERE i.business_id = business AND i.id = ANY (take_mail_events.due) AND i.id BETWEEN first AND last AND i.provider = 'resend' AND i.event_type ~ '^email[.]');
    IF told_of = '{}' THEN
        RETURN '{}';
    END IF;
    keys := ARRAY(SELECT DISTINCT i.entity_key FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business AND i.id = ANY (told_of) AND i.id BETWEEN first AND last);
    locked := ARRAY(SELECT m.id FROM cloudgreet.emails m
                     WHERE m.business_id = business AND m.provider = 'resend' AND m.provider_email_id = ANY (keys)
                       FOR NO KEY UPDATE SKIP LOCKED);
    IF locked = '{}' THEN
        RETURN '{}';
    END IF;
    -- Both sides are read once, by their keys, and joined in memory.
    WITH items AS MATERIALIZED (
        SELECT i.id, i.event_type, i.entity_key, i.body FROM cloudgreet_private.webhook_inbox i WHERE i.business_id = business AND i.id = ANY (told_of) AND i.id BETWEEN first AND last),
    mails AS MATERIALIZED (
        SELECT m.id, m.provider_email_id, m.lead_id, m.status, m.status_at FROM cloudgreet.emails m WHERE m.business_id = business AND m.id = ANY (locked)),
    told AS MATERIALIZED (
        SELECT i.id, m.id AS email_id, m.lead_id, m.status AS old_status, substr(i.event_type, 7) AS kind, e.event,
               cloudgreet_private.read_uuid(e.event #>> '{data,tags,cg_request}') AS request
          FROM items i JOIN mails m ON m.provider_email_id = i.entity_key
         CROSS JOIN LATERAL (SELECT cloudgreet.parse_webhook(i.body) OFFSET 0) AS e (event)),
    judged AS MATERIALIZED (
        SELECT t.id, t.email_id, t.lead_id, t.old_status, t.kind, CASE t.kind WHEN 'delivery_delayed' THEN 'sent' ELSE t.kind END AS status,
               cloudgreet_private.webhook_time(t.event ->> 'created_at') AS at,
               bool_and(t.kind IN ('sent', 'delivered', 'delivery_delayed')
                 AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.subject_id = t.email_id)
                 AND (t.request IS NULL
                      OR NOT EXISTS (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.id = t.request)
                         AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox_history h WHERE h.business_id = business AND h.id = t.request
                                            AND h.subject_type = 'email' AND h.subject_id <> t.email_id)))
               OVER (PARTITION BY t.email_id) AS is_plain
          FROM told t),
    best AS (
        SELECT DISTINCT ON (j.email_id) j.email_id, j.status, j.at,
               min(j.at) FILTER (WHERE j.kind = 'sent') OVER whole AS sent_at, min(j.at) FILTER (WHERE j.kind = 'delivered') OVER whole AS delivered_at
          FROM judged j WHERE j.is_plain
        WINDOW whole AS (PARTITION BY j.email_id)
         ORDER BY j.email_id, cloudgreet_private.email_rank(j.status) DESC, coalesce(j.at, '-infinity') DESC, j.status COLLATE "C" DESC),
    moved AS (
        UPDATE cloudgreet.emails m
           SET status = CASE WHEN w.wins THEN w.status ELSE m.status END, status_at = CASE WHEN w.wins THEN w.at ELSE m.status_at END,
               error_code = CASE WHEN w.wins THEN NULL ELSE m.error_code END,
               sent_at = least(m.sent_at, w.sent_at), delivered_at = least(m.delivered_at, w.delivered_at)
          FROM (SELECT b.*, (cloudgreet_private.email_rank(b.status), coalesce(b.at, '-infinity'), b.status COLLATE "C")
                          > (cloudgreet_private.email_rank(o.status), coalesce(o.status_at, '-infinity'), o.status COLLATE "C") AS wins
                  FROM best b JOIN mails o ON o.id = b.email_id) w
         WHERE m.business_id = business AND m.id = w.email_id),
    noted AS (
        INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, actor_id, data)
        SELECT DISTINCT business, 'email.' || j.kind, 'email', j.email_id, j.lead_id, cloudgreet.current_user_id(), '{}'::jsonb
          FROM judged j
         WHERE j.is_plain
           -- What goes beyond all that was known cannot have been told; a look into all partitions takes its time.
           AND (cloudgreet_private.email_rank(j.status) > cloudgreet_private.email_rank(j.old_status)
                OR NOT EXISTS (SELECT FROM cloudgreet.events e
                                WHERE e.business_id = business AND e.subject_id = j.email_id AND e.event_type = 'email.' || j.kind))),
    ended AS (
        UPDATE cloudgreet_private.webhook_inbox i SET state = 'processed', reason = NULL, attempts = i.attempts + 1, processed_at = cloudgreet.clock()
          FROM judged j WHERE j.is_plain AND i.business_id = business AND i.id = j.id AND i.id BETWEEN first AND last RETURNING i.id)
    SELECT coalesce(array_agg(e.id), '{}') INTO taken FROM ended e;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.take_mail_events(uuid, uuid[]) IS
    'Of these webhooks takes Resend''s that only move an e-mail forward, all in one statement; returns which it took.';

REVOKE ALL ON FUNCTION cloudgreet_private.take_receipts(uuid, uuid[]), cloudgreet_private.take_mail_events(uuid, uuid[]) FROM PUBLIC;
