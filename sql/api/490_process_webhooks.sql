/*
 * 490_process_webhooks.sql
 *		Processing what was taken in, in transactions of its own, in turn by business.
 *
 * Called by the processor (src/server/processor.c) piece by piece, and by tick() through
 * process_webhooks().  A turn of a business is a few events and a few milliseconds, so that
 * nobody's backlog delays another; what raises makes its turn be repeated event by event,
 * and is put off alone.
 *
 * Locks:		the rows of the inbox (others skip them), then the entity's row of
 *				entity_locks or the text or e-mail, then rows.  Two that process in different
 *				orders may deadlock: the one that is cancelled tries again.
 *
 * Shown by test/t/131_webhook_events.pl, test/t/133_webhook_fairness.pl and
 * test/sql/webhooks.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.due_webhooks(business_id uuid, max_rows integer) RETURNS SETOF uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN QUERY SELECT i.id FROM cloudgreet_private.webhook_inbox i
                  WHERE i.business_id = due_webhooks.business_id AND i.state = 'pending' AND i.next_at <= cloudgreet.clock()
                  ORDER BY i.next_at, i.id LIMIT due_webhooks.max_rows FOR UPDATE SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.due_webhooks(uuid, integer) IS
    'Webhooks of the business that are due, in the order in which they came, at most so many; locked. Those that another session processes are left out.';

CREATE OR REPLACE FUNCTION cloudgreet_private.events_together(business_id uuid, due uuid[]) RETURNS TABLE (ids uuid[])
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_bytes CONSTANT integer := 1048576; -- of what is read at once, beside one event that is larger
BEGIN
    RETURN QUERY
    SELECT array_agg(p.id ORDER BY p.n)
      FROM (SELECT e.*, sum(e.bytes) OVER (PARTITION BY e.subject ORDER BY e.n) / max_bytes AS part
              FROM (SELECT d.id, d.n, octet_length(i.body) AS bytes,
                           CASE WHEN cloudgreet_private.is_call_event(i.provider, i.event_type, i.entity_key)
                                THEN i.account_id::text || ' ' || i.entity_key ELSE i.id::text END AS subject
                      FROM unnest(events_together.due) WITH ORDINALITY AS d (id, n)
                      JOIN cloudgreet_private.webhook_inbox i ON i.business_id = events_together.business_id AND i.id = d.id) e) p
     GROUP BY p.subject, p.part ORDER BY min(p.n);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.events_together(uuid, uuid[]) IS
    'Webhooks of a business in the order in which they came; those of one call are one row, up to a megabyte of them.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_business(business_id uuid, max_rows integer) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- After this time the next business has its turn; one event, or those of one call, is the least.
    until CONSTANT timestamptz := clock_timestamp() + interval '20 milliseconds';
    business CONSTANT uuid := process_business.business_id;
    due CONSTANT uuid[] := ARRAY(SELECT cloudgreet_private.due_webhooks(business, process_business.max_rows));
    taken uuid[];
    together uuid[];
    result record;
    done uuid[] := '{}';
    states text[] := '{}';
    reasons text[] := '{}';
    count integer;
BEGIN
    IF due = '{}' THEN
        RETURN 0;
    END IF;
    PERFORM cloudgreet.enter_business(business);
    IF NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = business) THEN
        UPDATE cloudgreet_private.webhook_inbox i
           SET state = 'ignored', reason = 'the business is no more', attempts = i.attempts + 1, processed_at = cloudgreet.clock()
         WHERE i.business_id = business AND i.id = ANY (due);
        RETURN cardinality(due);
    END IF;
    taken := cloudgreet_private.take_receipts(business, due) || cloudgreet_private.take_mail_events(business, due);
    count := cardinality(taken);
    IF count < cardinality(due) THEN
        FOR together IN
            SELECT e.ids FROM cloudgreet_private.events_together(business,
                ARRAY(SELECT d.id FROM unnest(due) WITH ORDINALITY AS d (id, n) WHERE d.id <> ALL (taken) ORDER BY d.n)) e
        LOOP
            result := cloudgreet_private.process_together(business, together);
            done := done || result.done;
            states := states || result.states;
            reasons := reasons || result.reasons;
            count := count + cardinality(result.done);
            -- What is unmatched is looked for by the next events of its call, and so is written now.
            IF 'unmatched' = ANY (states) THEN
                PERFORM cloudgreet_private.finish_webhooks(business, done, states, reasons);
                done := '{}';
                states := '{}';
                reasons := '{}';
            END IF;
            EXIT WHEN clock_timestamp() > until;
        END LOOP;
        PERFORM cloudgreet_private.finish_webhooks(business, done, states, reasons);
    END IF;
    RETURN count;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_business(uuid, integer) IS
    'A turn of a business: processes its webhooks that are due, at most so many and for some 20 milliseconds; returns how many. What raises undoes the turn.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_businesses(businesses uuid[], max_rows integer, OUT turns integer, OUT processed integer)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    until CONSTANT timestamptz := clock_timestamp() + interval '40 milliseconds';
    business uuid;
BEGIN
    turns := 0;
    processed := 0;
    FOREACH business IN ARRAY process_businesses.businesses LOOP
        processed := processed + cloudgreet_private.process_business(business, process_businesses.max_rows);
        turns := turns + 1;
        EXIT WHEN clock_timestamp() > until;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_businesses(uuid[], integer) IS
    'A turn of each of these businesses in one transaction, until some 40 milliseconds are over: how many had one, and how many webhooks were processed.';

CREATE OR REPLACE FUNCTION cloudgreet_private.webhook_turns(after uuid, paused uuid[], max_businesses integer) RETURNS SETOF uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    start CONSTANT uuid := coalesce(webhook_turns.after, nobody);
    last uuid := start;
    first record;
    has_wrapped boolean := start = nobody;
    n integer := 0;
BEGIN
    -- From one business to the next by the index, never through the rows of one.
    LOOP
        SELECT i.business_id, i.next_at INTO first FROM cloudgreet_private.webhook_inbox i
         WHERE i.state = 'pending' AND i.business_id > last
         ORDER BY i.business_id, i.next_at, i.id LIMIT 1;
        IF NOT FOUND THEN
            EXIT WHEN has_wrapped;
            has_wrapped := true;
            last := nobody;
            CONTINUE;
        END IF;
        EXIT WHEN has_wrapped AND start <> nobody AND first.business_id > start;
        last := first.business_id;
        IF first.next_at <= cloudgreet.clock() AND first.business_id <> ALL (webhook_turns.paused) THEN
            n := n + 1;
            RETURN NEXT first.business_id;
            EXIT WHEN n >= webhook_turns.max_businesses;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.webhook_turns(uuid, uuid[], integer) IS
    'Businesses that have webhooks due, without those that pause, by id beginning after the one that had its turn last; at most so many.';

CREATE OR REPLACE FUNCTION cloudgreet_private.put_off_webhook(business_id uuid, id uuid, code text, message text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_attempts CONSTANT integer := 5;
    -- Locks, deadlocks and a server without room are no fault of the event.
    is_blocked CONSTANT boolean := code IN ('40P01', '40001', '55P03') OR left(code, 2) IN ('53', '58');
    item cloudgreet_private.webhook_inbox;
BEGIN
    UPDATE cloudgreet_private.webhook_inbox i
       SET state = CASE WHEN NOT is_blocked AND i.attempts + 1 >= max_attempts THEN 'failed' ELSE 'pending' END,
           processed_at = CASE WHEN NOT is_blocked AND i.attempts + 1 >= max_attempts THEN cloudgreet.clock() END,
           attempts = i.attempts + CASE WHEN is_blocked THEN 0 ELSE 1 END,
           next_at = cloudgreet.clock() + CASE WHEN is_blocked THEN interval '1 second' ELSE interval '10 seconds' * power(4, i.attempts) END,
           reason = left(code || ': ' || message, 200)
     WHERE i.business_id = put_off_webhook.business_id AND i.id = put_off_webhook.id AND i.state = 'pending'
    RETURNING i.* INTO item;
    IF item.state = 'failed' THEN
        PERFORM cloudgreet.enter_business(item.business_id);
        PERFORM cloudgreet_private.raise_alert(item.business_id, 'webhook_failed',
            format('What %s told (webhook %s) could not be taken in: %s. replay_webhook() tries again.', initcap(item.provider), item.id, item.reason));
    END IF;
    RETURN is_blocked;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.put_off_webhook(uuid, uuid, text, text) IS
    'Has a webhook that raised an error or ran out of time tried again after 10 seconds, then 40 and so on; after 5 attempts it is held as failed, with an alert. True, and a second, for one that another session''s lock stopped.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_apart(business_id uuid, max_rows integer, OUT processed integer, OUT is_blocked boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    one uuid;
    message text;
    code text;
BEGIN
    processed := 0;
    is_blocked := false;
    FOR one IN SELECT cloudgreet_private.due_webhooks(process_apart.business_id, process_apart.max_rows) LOOP
        processed := processed + 1;
        BEGIN
            PERFORM cloudgreet_private.process_alone(process_apart.business_id, one);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, code = RETURNED_SQLSTATE;
            is_blocked := cloudgreet_private.put_off_webhook(process_apart.business_id, one, code, message);
            EXIT WHEN is_blocked;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_apart(uuid, integer) IS
    'A turn of a business in which something raised: each webhook in a subtransaction, until one is stopped by a lock; how many, and whether one was.';

CREATE OR REPLACE FUNCTION cloudgreet_private.process_webhooks(max_rows integer DEFAULT 100) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS
$$
DECLARE
    max_turn CONSTANT integer := 20;
    business uuid;
    paused uuid[] := '{}';
    turn integer;
    processed integer := 0;
    before integer;
    apart record;
BEGIN
    LOOP
        before := processed;
        FOR business IN SELECT cloudgreet_private.webhook_turns(NULL, paused, process_webhooks.max_rows) LOOP
            turn := least(max_turn, process_webhooks.max_rows - processed);
            EXIT WHEN turn <= 0;
            BEGIN
                processed := processed + cloudgreet_private.process_business(business, turn);
            EXCEPTION WHEN OTHERS THEN
                apart := cloudgreet_private.process_apart(business, turn);
                processed := processed + apart.processed;
                -- Nobody waits for its locks more than once in a call.
                IF apart.is_blocked THEN
                    paused := paused || business;
                END IF;
            END;
        END LOOP;
        EXIT WHEN processed = before OR processed >= process_webhooks.max_rows;
    END LOOP;
    RETURN processed;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.process_webhooks(integer) IS
    'Processes webhooks that are due, in turn by business, at most so many, and returns how many; several sessions may do it at a time. One that raises is tried again later (put_off_webhook()). Waits for a lock 50 milliseconds at most, and leaves that business for the call.';

CREATE OR REPLACE TRIGGER webhook_inbox_handoff AFTER INSERT OR UPDATE OF attempts ON cloudgreet_private.webhook_inbox
    FOR EACH ROW WHEN (new.state = 'pending' AND new.attempts = 0) EXECUTE FUNCTION cloudgreet.webhook_handoff();

CREATE OR REPLACE FUNCTION cloudgreet_private.webhooks_due() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT EXISTS (SELECT FROM cloudgreet_private.webhook_inbox i WHERE i.state = 'pending' AND i.next_at <= cloudgreet.clock());
$$;
COMMENT ON FUNCTION cloudgreet_private.webhooks_due() IS 'Whether process_webhooks() has something to do; one look at a small index a month.';

CREATE OR REPLACE FUNCTION cloudgreet.replay_webhook(id uuid, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('replay_webhook', replay_webhook.business_id);
BEGIN
    UPDATE cloudgreet_private.webhook_inbox i
       SET state = 'pending', attempts = 0, next_at = cloudgreet.clock(), processed_at = NULL, reason = NULL
     WHERE i.business_id = business AND i.id = replay_webhook.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the business has no such webhook' USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.replay_webhook(uuid, uuid) IS
    'Has a webhook of the business processed again, for example one that failed, or that came before its phone number was added. What it told already does no harm. Admins, or operators naming the business. Error P0002 when there is none of that id.';

REVOKE ALL ON FUNCTION cloudgreet_private.due_webhooks(uuid, integer), cloudgreet_private.events_together(uuid, uuid[]),
    cloudgreet_private.process_business(uuid, integer), cloudgreet_private.process_businesses(uuid[], integer),
    cloudgreet_private.webhook_turns(uuid, uuid[], integer), cloudgreet_private.put_off_webhook(uuid, uuid, text, text),
    cloudgreet_private.process_apart(uuid, integer),
    cloudgreet_private.process_webhooks(integer), cloudgreet_private.webhooks_due(),
    cloudgreet.replay_webhook(uuid, uuid) FROM PUBLIC;
