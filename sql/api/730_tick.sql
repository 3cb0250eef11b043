/*
 * 730_tick.sql
 *		Doing what is due: in pieces, most urgent first, in turn by business.
 *
 * A piece is release_due(): the processor (src/server/due_work.c) runs one a transaction
 * until nothing is due, a call of tick() runs as many as its time allows.  A chunk of one
 * business is done as a whole; one that raises is halved until what raises stands alone.
 * Shown by test/sql/due_work.sql and test/t/163_due_work.pl.
 *
 * Locks:		webhooks first, then the rows of due_work, which others skip, then those that
 *				they are about, which are skipped as well.  What is waited for all the same is
 *				waited for 50 ms; then the business is left for a while.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.leave_blocked(business_id uuid, kind text, subject_ids uuid[], is_cause boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.due_work w
       SET blocked = w.blocked + leave_blocked.is_cause::integer,
           due_at = cloudgreet.clock() + make_interval(secs => CASE WHEN leave_blocked.is_cause THEN power(2, least(w.blocked, 6)) ELSE 1 END)
     WHERE w.business_id = leave_blocked.business_id AND w.kind = leave_blocked.kind AND w.subject_id = ANY (leave_blocked.subject_ids);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.leave_blocked(uuid, text, uuid[], boolean) IS
    'Has what another session held tried again after 1 second, then 2, and so on up to 64, as often as it takes; what only stood beside it after 1.';

CREATE OR REPLACE FUNCTION cloudgreet_private.put_off(business_id uuid, kind text, subject_id uuid, code text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_attempts CONSTANT integer := 6;
BEGIN
    UPDATE cloudgreet_private.due_work w
       SET attempts = w.attempts + 1, due_at = cloudgreet.clock() + interval '1 minute' * power(2, w.attempts)
     WHERE w.business_id = put_off.business_id AND w.kind = put_off.kind AND w.subject_id = put_off.subject_id AND w.attempts + 1 < max_attempts;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE cloudgreet.appointment_reminders r SET status = 'failed'
     WHERE put_off.kind = 'reminder' AND r.business_id = put_off.business_id AND r.id = put_off.subject_id AND r.status = 'scheduled';
    UPDATE cloudgreet.sequence_enrollments e SET status = 'stopped', ended_reason = 'failed', next_due_at = NULL
     WHERE put_off.kind = 'enrollment' AND e.business_id = put_off.business_id AND e.id = put_off.subject_id AND e.status = 'active';
    DELETE FROM cloudgreet_private.due_work w
     WHERE w.business_id = put_off.business_id AND w.kind = put_off.kind AND w.subject_id = put_off.subject_id;
    PERFORM cloudgreet_private.raise_alert(put_off.business_id, 'automation_failed',
        format('An automatic message (%s) could not be made after %s attempts: %s.', put_off.kind, max_attempts, put_off.code));
EXCEPTION WHEN lock_not_available THEN
    PERFORM cloudgreet_private.leave_blocked(put_off.business_id, put_off.kind, ARRAY[put_off.subject_id], true);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.put_off(uuid, text, uuid, text) IS
    'Has what raised an error tried again after 1 minute, then 2, 4 and so on; after 6 attempts it is given up with an alert.';

CREATE OR REPLACE FUNCTION cloudgreet_private.do_chunk(business_id uuid, kind text, subject_ids uuid[]) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    n CONSTANT integer := cardinality(do_chunk.subject_ids);
    held uuid[];
    code text;
    is_free boolean;
BEGIN
    BEGIN
        held := CASE do_chunk.kind WHEN 'reminder' THEN cloudgreet_private.release_reminders(do_chunk.business_id, do_chunk.subject_ids)
                                   ELSE cloudgreet_private.release_steps(do_chunk.business_id, do_chunk.subject_ids) END;
        IF cardinality(held) > 0 THEN
            PERFORM cloudgreet_private.leave_blocked(do_chunk.business_id, do_chunk.kind, held, true);
        END IF;
        RETURN true;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
    END;
    IF code IN ('40P01', '40001', '55P03') THEN
        PERFORM cloudgreet_private.leave_blocked(do_chunk.business_id, do_chunk.kind, do_chunk.subject_ids, true);
        RETURN false;
    ELSIF n = 1 THEN
        PERFORM cloudgreet_private.put_off(do_chunk.business_id, do_chunk.kind, do_chunk.subject_ids[1], code);
        RETURN true;
    END IF;
    -- In the second half too, whatever came of the first.
    is_free := cloudgreet_private.do_chunk(do_chunk.business_id, do_chunk.kind, do_chunk.subject_ids[: n / 2]);
    RETURN cloudgreet_private.do_chunk(do_chunk.business_id, do_chunk.kind, do_chunk.subject_ids[n / 2 + 1 :]) AND is_free;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.do_chunk(uuid, text, uuid[]) IS
    'Does what is due of a kind in the business that was entered; what raises is put off and stops no other. False when another session stood in the way of the whole.';

CREATE OR REPLACE FUNCTION cloudgreet_private.take_due(max_rows integer) RETURNS cloudgreet_private.due_work[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_turns CONSTANT integer := 20;
    now_at CONSTANT timestamptz := cloudgreet.clock();
    items cloudgreet_private.due_work[];
BEGIN
    items := ARRAY(SELECT w FROM cloudgreet_private.due_work w WHERE w.due_at <= now_at
                    ORDER BY w.due_at LIMIT take_due.max_rows FOR UPDATE SKIP LOCKED);
    IF cardinality(items) < take_due.max_rows THEN
        RETURN items;
    END IF;
    -- More is due than a piece holds: whoever is not among the first gets a share of it too.
    RETURN items || ARRAY(
        WITH RECURSIVE businesses AS (
            (SELECT w.business_id FROM cloudgreet_private.due_work w ORDER BY w.business_id LIMIT 1)
            UNION ALL
            SELECT (SELECT w.business_id FROM cloudgreet_private.due_work w WHERE w.business_id > b.business_id ORDER BY w.business_id LIMIT 1)
              FROM businesses b WHERE b.business_id IS NOT NULL),
        others AS (
            SELECT b.business_id, (SELECT w.due_at FROM cloudgreet_private.due_work w WHERE w.business_id = b.business_id ORDER BY w.due_at LIMIT 1) AS first_at
              FROM businesses b WHERE b.business_id IS NOT NULL AND b.business_id NOT IN (SELECT i.business_id FROM unnest(items) i))
        SELECT t.item
          FROM (SELECT o.business_id FROM others o WHERE o.first_at <= now_at ORDER BY o.first_at LIMIT max_turns) o
         CROSS JOIN LATERAL (SELECT w AS item FROM cloudgreet_private.due_work w WHERE w.business_id = o.business_id AND w.due_at <= now_at
                              ORDER BY w.due_at LIMIT greatest(take_due.max_rows / max_turns, 1) FOR UPDATE SKIP LOCKED) t);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.take_due(integer) IS
    'Locks what is due for the longest time, at most so many rows that nobody else holds; when that many are, as many again of businesses that have none among them.';

CREATE OR REPLACE FUNCTION cloudgreet_private.release_due(max_rows integer, until timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS
$$
DECLARE
    chunk_rows CONSTANT integer := 200;
    items CONSTANT cloudgreet_private.due_work[] := cloudgreet_private.take_due(release_due.max_rows);
    left_alone uuid[] := '{}';
    chunk record;
    done integer := 0;
BEGIN
    FOR chunk IN
        SELECT i.business_id, i.kind, array_agg(i.subject_id ORDER BY i.due_at, i.subject_id) AS ids
          FROM (SELECT w.*, (row_number() OVER (PARTITION BY w.business_id ORDER BY w.due_at) - 1) / chunk_rows AS turn FROM unnest(items) w) i
         -- What was in another session's way stands alone, behind the others of its business.
         GROUP BY i.business_id, i.kind, i.turn, i.blocked, CASE WHEN i.blocked > 0 THEN i.subject_id END
         ORDER BY i.turn, i.blocked, min(i.due_at), i.business_id
    LOOP
        EXIT WHEN done > 0 AND clock_timestamp() >= release_due.until;
        PERFORM cloudgreet.enter_business(chunk.business_id);
        IF chunk.business_id = ANY (left_alone) THEN
            PERFORM cloudgreet_private.leave_blocked(chunk.business_id, chunk.kind, chunk.ids, false);
        ELSIF NOT cloudgreet_private.do_chunk(chunk.business_id, chunk.kind, chunk.ids) THEN
            left_alone := left_alone || chunk.business_id;
        END IF;
        done := done + cardinality(chunk.ids);
    END LOOP;
    -- For doctor(). Of several sessions at a time one tells it, and no other waits.
    PERFORM FROM cloudgreet_private.ticks t
      WHERE t.is_single AND coalesce(t.last_at < now() - interval '30 seconds', true) FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE cloudgreet_private.ticks t SET last_at = now() WHERE t.is_single;
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_due(integer, timestamptz) IS
    'One piece of what is due: at most so many rows of the most urgent (as many again of other businesses), and no further chunk after that time; returns how many were done or put off. Several sessions may do it at a time.';

CREATE OR REPLACE FUNCTION cloudgreet_private.next_due() RETURNS timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT min(w.due_at) FROM cloudgreet_private.due_work w);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.next_due() IS 'When something is due next, for the processor; NULL when nothing is planned.';

-- A commit that plans something earlier than the processor waits for wakes it.
CREATE OR REPLACE TRIGGER due_work_handoff AFTER INSERT OR UPDATE OF due_at ON cloudgreet_private.due_work
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.due_work_handoff();

DROP FUNCTION IF EXISTS cloudgreet.tick(integer);
CREATE OR REPLACE FUNCTION cloudgreet.tick(max_rows integer DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    piece CONSTANT integer := 500;
    until timestamptz;
    released integer := 0;
    processed integer;
    n integer;
BEGIN
    -- Where no processor runs, as in a copy that a subscription fills, nobody else makes them.
    BEGIN
        PERFORM cloudgreet_private.maintain_partitions();
    EXCEPTION WHEN lock_not_available THEN
        NULL; -- the next call does it: there are two months left
    END;
    -- A copy must not use up what the original is to send.
    IF NOT cloudgreet.is_active() THEN
        RETURN 0;
    END IF;
    until := clock_timestamp() + current_setting('cloudgreet.tick_time_limit')::interval;
    processed := cloudgreet_private.process_webhooks(coalesce(tick.max_rows, piece));
    LOOP
        n := cloudgreet_private.release_due(least(tick.max_rows - released, 4 * piece), until);
        released := released + n;
        EXIT WHEN n = 0 OR released >= tick.max_rows OR clock_timestamp() >= until;
    END LOOP;
    RETURN processed + released;
END
$$;
COMMENT ON FUNCTION cloudgreet.tick(integer) IS
    'Releases reminders and steps of sequences that are due by clock(), and processes webhooks that wait, until nothing is due, max_rows of each are done or cloudgreet.tick_time_limit is over; returns how many. The next call goes on. Several sessions may do it at a time, beside the processor of a served database; what raises, or is locked, is tried again later and stops nobody else. In a database that is not active nothing is done. Run every minute by schedule_jobs().';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_cron() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied to schedule jobs' USING ERRCODE = 'insufficient_privilege',
            HINT = 'It must be done by a superuser.';
    ELSIF to_regproc('cron.schedule_in_database') IS NULL THEN
        RAISE EXCEPTION 'pg_cron is not installed in this database' USING ERRCODE = 'feature_not_supported',
            DETAIL = 'Reminders and follow-ups are released by cloudgreet.tick(), which something must call every minute.',
            HINT = format('Preload pg_cron and run CREATE EXTENSION pg_cron here; or, in the database that has it: SELECT cron.schedule_in_database(%L, ''* * * * *'', ''SELECT cloudgreet.tick()'', %L, ''cloudgreet_cron'');',
                          'cloudgreet ' || current_database(), current_database());
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_cron() IS 'Error 42501 unless a superuser asks, 0A000 when pg_cron is not in this database.';

CREATE OR REPLACE FUNCTION cloudgreet.schedule_jobs() RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    job bigint;
BEGIN
    PERFORM cloudgreet_private.require_cron();
    EXECUTE 'SELECT cron.schedule_in_database($1, $2, $3, $4, $5)' INTO job
      USING 'cloudgreet ' || current_database(), '* * * * *', 'SELECT cloudgreet.tick()', current_database()::text, 'cloudgreet_cron';
    RETURN job;
END
$$;
COMMENT ON FUNCTION cloudgreet.schedule_jobs() IS
    'Has pg_cron call tick() every minute, as role cloudgreet_cron; returns the job''s id. Once more changes nothing. Superusers only (42501). Error 0A000 when pg_cron is not in this database.';

CREATE OR REPLACE FUNCTION cloudgreet.unschedule_jobs() RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    removed integer;
BEGIN
    PERFORM cloudgreet_private.require_cron();
    EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j WHERE j.jobname = $1' INTO removed
      USING 'cloudgreet ' || current_database();
    RETURN removed;
END
$$;
COMMENT ON FUNCTION cloudgreet.unschedule_jobs() IS
    'Takes away what schedule_jobs() made; returns how many jobs that were. Superusers only (42501). Error 0A000 when pg_cron is not in this database.';

REVOKE ALL ON FUNCTION cloudgreet_private.leave_blocked(uuid, text, uuid[], boolean),
    cloudgreet_private.put_off(uuid, text, uuid, text), cloudgreet_private.do_chunk(uuid, text, uuid[]),
    cloudgreet_private.take_due(integer), cloudgreet_private.release_due(integer, timestamptz), cloudgreet_private.next_due(),
    cloudgreet.tick(integer),
    cloudgreet_private.require_cron(), cloudgreet.schedule_jobs(), cloudgreet.unschedule_jobs() FROM PUBLIC;
