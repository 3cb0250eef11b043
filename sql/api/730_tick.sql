/*
 * 730_tick.sql
 *		Doing what is due, every minute.
 *
 * Locks:		webhooks first, then the rows of due_work, which others skip: what is held
 *				when a row of due_work is waited for is never waited for here.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.do_due(item cloudgreet_private.due_work) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(item.business_id);
    IF item.kind = 'reminder' THEN
        PERFORM cloudgreet_private.release_reminder(item.business_id, item.subject_id);
    ELSE
        PERFORM cloudgreet_private.release_step(item.business_id, item.subject_id);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.do_due(cloudgreet_private.due_work) IS 'Does one thing that is due, in its business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.put_off(item cloudgreet_private.due_work, code text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_attempts CONSTANT integer := 6;
    is_last CONSTANT boolean := item.attempts + 1 >= max_attempts AND code NOT IN ('40P01', '40001', '55P03');
BEGIN
    PERFORM cloudgreet.enter_business(item.business_id);
    IF NOT is_last THEN
        UPDATE cloudgreet_private.due_work w
           SET attempts = w.attempts + CASE WHEN code IN ('40P01', '40001', '55P03') THEN 0 ELSE 1 END,
               due_at = cloudgreet.clock() + CASE WHEN code IN ('40P01', '40001', '55P03') THEN interval '1 second'
                                                  ELSE interval '1 minute' * power(2, w.attempts) END
         WHERE w.business_id = item.business_id AND w.kind = item.kind AND w.subject_id = item.subject_id;
        RETURN;
    END IF;
    DELETE FROM cloudgreet_private.due_work w
     WHERE w.business_id = item.business_id AND w.kind = item.kind AND w.subject_id = item.subject_id;
    UPDATE cloudgreet.appointment_reminders r SET status = 'failed'
     WHERE item.kind = 'reminder' AND r.business_id = item.business_id AND r.id = item.subject_id AND r.status = 'scheduled';
    UPDATE cloudgreet.sequence_enrollments e SET status = 'stopped', ended_reason = 'failed', next_due_at = NULL
     WHERE item.kind = 'enrollment' AND e.business_id = item.business_id AND e.id = item.subject_id AND e.status = 'active';
    PERFORM cloudgreet_private.raise_alert(item.business_id, 'automation_failed',
        format('An automatic message (%s) could not be made after %s attempts: %s.', item.kind, max_attempts, code));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.put_off(cloudgreet_private.due_work, text) IS
    'Has what raised an error tried again after 1 minute, then 2, 4 and so on; after 6 attempts it is given up with an alert.';

CREATE OR REPLACE FUNCTION cloudgreet.tick(max_rows integer DEFAULT 500) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.due_work;
    code text;
    done integer := 0;
BEGIN
    -- A copy must not use up what the original is to send.
    IF NOT cloudgreet.is_active() THEN
        RETURN 0;
    END IF;
    done := cloudgreet_private.process_webhooks(tick.max_rows);
    FOR item IN
        SELECT w.* FROM cloudgreet_private.due_work w
         WHERE w.due_at <= cloudgreet.clock()
         ORDER BY w.due_at, w.business_id, w.subject_id LIMIT tick.max_rows FOR UPDATE SKIP LOCKED
    LOOP
        BEGIN
            PERFORM cloudgreet_private.do_due(item);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
            PERFORM cloudgreet_private.put_off(item, code);
        END;
        done := done + 1;
    END LOOP;
    -- For doctor(). Of several sessions at a time one tells it, and no other waits.
    PERFORM FROM cloudgreet_private.ticks t WHERE t.is_single FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE cloudgreet_private.ticks t SET last_at = now() WHERE t.is_single;
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION cloudgreet.tick(integer) IS
    'Releases reminders and steps of sequences that are due by clock(), and processes webhooks that wait, at most so many of each; returns how many. Several sessions may do it at a time; what raises is tried again later and stops nobody else. In a database that is not active nothing is done. Run every minute by schedule_jobs().';

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

REVOKE ALL ON FUNCTION cloudgreet_private.do_due(cloudgreet_private.due_work),
    cloudgreet_private.put_off(cloudgreet_private.due_work, text), cloudgreet.tick(integer),
    cloudgreet_private.require_cron(), cloudgreet.schedule_jobs(), cloudgreet.unschedule_jobs() FROM PUBLIC;
