/*
 * 525_outbox_counts.sql
 *		How many requests are in which state, without looking at each of them.
 *
 * Who changes something adds a row to outbox_changes and waits for nobody; the processor adds
 * them up into outbox_counts every few seconds, and readers add what is left.  Both
 * are right in any snapshot.  Shown by test/sql/requests.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.count_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet_private.outbox_changes (business_id, account_id, provider, state, hour, change)
    SELECT n.business_id, n.account_id, n.provider, CASE n.state WHEN 'sending' THEN 'queued' ELSE n.state END, '-infinity', count(*)
      FROM added n GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.count_added() IS 'Trigger of the outbox: counts what is enqueued.';

CREATE OR REPLACE FUNCTION cloudgreet_private.count_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet_private.outbox_changes (business_id, account_id, provider, state, hour, change)
    SELECT g.business_id, g.account_id, g.provider, CASE g.state WHEN 'sending' THEN 'queued' ELSE g.state END, '-infinity', -count(*)
      FROM gone g GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.count_gone() IS 'Trigger of the outbox: counts what is open no more.';

CREATE OR REPLACE FUNCTION cloudgreet_private.count_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet_private.outbox_changes (business_id, account_id, provider, state, hour, change)
    VALUES (new.business_id, new.account_id, new.provider, CASE old.state WHEN 'sending' THEN 'queued' ELSE old.state END, '-infinity', -1),
           (new.business_id, new.account_id, new.provider, CASE new.state WHEN 'sending' THEN 'queued' ELSE new.state END, '-infinity', 1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.count_moved() IS 'Trigger of the outbox: counts what is held or not known the end of, or is so no more.';

CREATE OR REPLACE FUNCTION cloudgreet_private.count_finished() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet_private.outbox_changes (business_id, account_id, provider, state, hour, change)
    SELECT f.business_id, f.account_id, f.provider, f.state, date_trunc('hour', f.finished_at, 'UTC'), count(*)
      FROM finished f GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.count_finished() IS 'Trigger of outbox_history: counts what is finished, by the hour.';

CREATE OR REPLACE TRIGGER outbox_count_added AFTER INSERT ON cloudgreet_private.outbox
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.count_added();
CREATE OR REPLACE TRIGGER outbox_count_gone AFTER DELETE ON cloudgreet_private.outbox
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.count_gone();
-- The way of most requests, queued and sending, is not told here: both count as queued.
CREATE OR REPLACE TRIGGER outbox_count_moved AFTER UPDATE OF state ON cloudgreet_private.outbox
    FOR EACH ROW WHEN (old.state <> new.state AND (old.state IN ('held', 'unknown') OR new.state IN ('held', 'unknown')))
    EXECUTE FUNCTION cloudgreet_private.count_moved();
CREATE OR REPLACE TRIGGER outbox_history_count_finished AFTER INSERT ON cloudgreet_private.outbox_history
    REFERENCING NEW TABLE AS finished FOR EACH STATEMENT EXECUTE FUNCTION cloudgreet_private.count_finished();

CREATE OR REPLACE FUNCTION cloudgreet_private.add_up_counts(max_rows integer DEFAULT 20000) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    taken integer;
BEGIN
    WITH gone AS (
        DELETE FROM cloudgreet_private.outbox_changes c
         USING (SELECT n.business_id, n.id FROM cloudgreet_private.outbox_changes n LIMIT add_up_counts.max_rows FOR UPDATE SKIP LOCKED) t
         WHERE c.business_id = t.business_id AND c.id = t.id RETURNING c.*),
    added AS (
        INSERT INTO cloudgreet_private.outbox_counts AS k (business_id, account_id, provider, state, hour, requests)
        SELECT g.business_id, g.account_id, g.provider, g.state, g.hour, sum(g.change) FROM gone g
         GROUP BY 1, 2, 3, 4, 5 HAVING sum(g.change) <> 0 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (business_id, account_id, provider, state, hour) DO UPDATE SET requests = k.requests + excluded.requests)
    SELECT count(*) INTO taken FROM gone;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.add_up_counts(integer) IS
    'Brings the counters of the queue up to date by up to max_rows changes; returns how many there were. The processor does it.';

CREATE OR REPLACE FUNCTION cloudgreet_private.prune_counts(max_rows integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    -- What was finished a day ago is asked for no more; of a business that is gone nothing is left but zeros and these.
    WITH gone AS (
        DELETE FROM cloudgreet_private.outbox_counts c
         USING (SELECT o.ctid FROM cloudgreet_private.outbox_counts o
                 WHERE o.requests = 0 OR (o.hour > '-infinity' AND o.hour < cloudgreet.clock() - interval '25 hours')
                 LIMIT prune_counts.max_rows FOR UPDATE SKIP LOCKED) old
         WHERE c.ctid = old.ctid RETURNING 1)
    SELECT count(*) FROM gone;
$$;
COMMENT ON FUNCTION cloudgreet_private.prune_counts(integer) IS 'Removes up to max_rows counters that count nothing, or what is older than a day; returns how many.';

CREATE OR REPLACE FUNCTION cloudgreet_private.first_of_account(account_id uuid, state text)
    RETURNS TABLE (oldest_at timestamptz, next_at timestamptz, reason text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF first_of_account.state = 'queued' THEN
        -- One step in the index a lane, however many rows it has.
        RETURN QUERY
        WITH RECURSIVE head AS (
            (SELECT o.lane, o.created_at, o.next_at, o.reason FROM cloudgreet_private.outbox o
              WHERE o.account_id = first_of_account.account_id AND o.state = 'queued' AND NOT o.waits
              ORDER BY o.lane, o.next_at, o.id LIMIT 1)
            UNION ALL
            SELECT n.* FROM head h CROSS JOIN LATERAL (
                SELECT o.lane, o.created_at, o.next_at, o.reason FROM cloudgreet_private.outbox o
                 WHERE o.account_id = first_of_account.account_id AND o.state = 'queued' AND NOT o.waits AND o.lane > h.lane
                 ORDER BY o.lane, o.next_at, o.id LIMIT 1) n)
        SELECT h.created_at, h.next_at, h.reason FROM head h ORDER BY h.next_at LIMIT 1;
    ELSIF first_of_account.state = 'held' THEN
        RETURN QUERY SELECT o.created_at, NULL::timestamptz, o.reason FROM cloudgreet_private.outbox o
         WHERE o.account_id = first_of_account.account_id AND o.state = 'held' ORDER BY o.id LIMIT 1;
    ELSIF first_of_account.state = 'unknown' THEN
        -- They are few: after cloudgreet.outbox_unknown_timeout they are held.
        RETURN QUERY SELECT o.created_at, o.next_at, o.reason FROM cloudgreet_private.outbox o
         WHERE o.account_id = first_of_account.account_id AND o.state = 'unknown' ORDER BY o.next_at LIMIT 1;
    ELSIF first_of_account.state <> 'done' THEN
        RETURN QUERY SELECT h.created_at, NULL::timestamptz, h.reason FROM cloudgreet_private.outbox_history h
         WHERE h.account_id = first_of_account.account_id AND h.state = first_of_account.state AND h.state <> 'done'
           AND h.id >= cloudgreet.uuid_v7_floor(now() - interval '40 days') ORDER BY h.id DESC LIMIT 1;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.first_of_account(uuid, text) IS
    'Of an account''s requests in a state the one that is first in turn, or the newest of those that did not go well. Found by indexes, whatever their number.';

CREATE OR REPLACE FUNCTION cloudgreet.queue_status(business_id uuid DEFAULT NULL)
    RETURNS TABLE (provider text, state text, requests bigint, oldest_at timestamptz, next_at timestamptz, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Operators who name no business see all.
    business CONSTANT uuid := CASE WHEN queue_status.business_id IS NULL AND cloudgreet.is_operator() THEN NULL
                                   ELSE cloudgreet_private.business_for('queue_status', queue_status.business_id) END;
BEGIN
    RETURN QUERY
    WITH account AS (
        SELECT c.account_id, c.provider, c.state, sum(c.requests)::bigint AS requests
          FROM (SELECT k.business_id, k.account_id, k.provider, k.state, k.hour, k.requests FROM cloudgreet_private.outbox_counts k
                UNION ALL
                SELECT n.business_id, n.account_id, n.provider, n.state, n.hour, n.change FROM cloudgreet_private.outbox_changes n) c
         WHERE (business IS NULL OR c.business_id = business) AND (c.hour = '-infinity' OR c.hour >= cloudgreet.clock() - interval '1 day')
         GROUP BY c.account_id, c.provider, c.state HAVING sum(c.requests) > 0)
    SELECT a.provider, a.state, sum(a.requests)::bigint, min(f.oldest_at), min(f.next_at), max(f.reason)
      FROM account a LEFT JOIN LATERAL cloudgreet_private.first_of_account(a.account_id, a.state) f ON true
     GROUP BY a.provider, a.state ORDER BY a.provider, a.state;
END
$$;
COMMENT ON FUNCTION cloudgreet.queue_status(uuid) IS
    'Requests to providers by state, from counters: those that are open (what is being sent counts as queued) and those that were finished within a day; oldest_at, next_at and reason are those of the one that is first in turn, or of the newest that did not go well. Of the business; operators who name none see all.';

REVOKE ALL ON FUNCTION cloudgreet_private.count_added(), cloudgreet_private.count_gone(), cloudgreet_private.count_moved(),
    cloudgreet_private.count_finished(), cloudgreet_private.add_up_counts(integer), cloudgreet_private.prune_counts(integer),
    cloudgreet_private.first_of_account(uuid, text), cloudgreet.queue_status(uuid) FROM PUBLIC;
