/*
 * 920_doctor_work.sql
 *		The part of doctor() about what waits, fails or is late.
 *
 * It looks at the last hour of attempts and the last week of what was given up: older
 * faults are history, and "no rows" is to mean that all is well now.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_providers()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH attempts AS (
        SELECT o.provider, a.http_status < 500 AS is_answered, coalesce(a.error_code, a.http_status::text) AS how
          FROM cloudgreet_private.outbox_attempts a
          JOIN cloudgreet_private.requests o ON o.business_id = a.business_id AND o.id = a.outbox_id
         WHERE a.id >= cloudgreet.uuid_v7_floor(now() - interval '1 hour') AND o.id >= cloudgreet.uuid_v7_floor(now() - interval '40 days')
           -- Hosts that tenants name are for them to mend.
           AND o.provider <> 'http')
    SELECT 'error', format('%s cannot be reached: %s attempts of the last hour failed (%s) and none succeeded', initcap(a.provider), count(*),
               string_agg(DISTINCT a.how, ', ')),
           format('See whether the server reaches %s: names, routes, firewall, or the provider''s status page.', current_setting('cloudgreet.' || a.provider || '_url', true))
      FROM attempts a GROUP BY a.provider
    HAVING count(*) >= 3 AND NOT coalesce(bool_or(a.is_answered), false)
       -- What ends the matter is in the history, without an attempt.
       AND NOT EXISTS (SELECT FROM cloudgreet_private.outbox_history h
                        WHERE h.provider = a.provider AND h.http_status < 500 AND h.finished_at > cloudgreet.clock() - interval '1 hour'
                          AND h.id >= cloudgreet.uuid_v7_floor(now() - interval '40 days'))
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_providers() IS
    'The part of doctor() about providers that do not answer, or with errors of their own only, by what the last attempts saw.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_providers() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_work(up_since timestamptz DEFAULT pg_postmaster_start_time())
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Where nothing is to be sent, what waits is as it should be; that it is so is said elsewhere.
    is_active CONSTANT boolean := cloudgreet.is_active();
    patience CONSTANT interval := '5 minutes';
    -- What was down a moment ago has not had the time.
    is_settled CONSTANT boolean := doctor_work.up_since < now() - patience
        AND (SELECT i.activated_at < now() - patience FROM cloudgreet_private.installation i);
    late record;
BEGIN
    SELECT l.due_work, l.webhooks INTO late FROM cloudgreet_private.lateness() l;
    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_providers();

    RETURN QUERY SELECT 'error',
        CASE WHEN late.due_work > patience THEN format('reminders and follow-ups are late, the oldest by %s: nothing calls tick()', date_trunc('minute', late.due_work))
             ELSE format('nothing calls tick(), so %s reminders and follow-ups will not be sent', w.planned) END,
        CASE WHEN to_regproc('cron.schedule_in_database') IS NOT NULL
             THEN 'SELECT cloudgreet.schedule_jobs();  -- if that was done, cron.job_run_details says why it fails, often because pg_hba.conf does not let cloudgreet_cron in'
             ELSE 'Install pg_cron and run cloudgreet.schedule_jobs(), name the database in cloudgreet.databases, or have something else call cloudgreet.tick() every minute: docs/operations.md.' END
      FROM (SELECT count(*) AS planned FROM cloudgreet_private.due_work) w, cloudgreet_private.ticks t
     WHERE is_active AND (late.due_work > patience OR w.planned > 0 AND is_settled AND coalesce(t.last_at < now() - patience, true));

    RETURN QUERY SELECT 'error', format('webhooks wait, the oldest for %s: nothing processes them', date_trunc('minute', late.webhooks)),
        'SELECT cloudgreet.wake_workers();  -- the server''s log says why the processor does not'
     WHERE is_active AND late.webhooks > patience;
    RETURN QUERY SELECT 'warning', format('%s webhooks were given up in the last week (%s)', count(*), string_agg(DISTINCT i.provider, ', ')),
        'SELECT i.received_at, i.provider, i.event_type, i.reason FROM cloudgreet_private.webhook_inbox i WHERE i.state = ''failed'';  -- replay_webhook() takes one in again'
      FROM cloudgreet_private.webhook_inbox i
     WHERE i.state = 'failed' AND i.received_at > cloudgreet.clock() - interval '7 days' HAVING count(*) > 0;
    RETURN QUERY SELECT 'warning', format('every webhook of account %s (%s) is refused since a day: %s', r.account_id, a.provider, string_agg(DISTINCT r.reason, ', ')),
        'Store the webhook key that the provider shows by cloudgreet.set_secret().'
      FROM cloudgreet_private.webhook_refusals r JOIN cloudgreet_private.account_routes a ON a.account_id = r.account_id
     WHERE r.last_at > cloudgreet.clock() - interval '1 day' AND r.reason IN ('bad_signature', 'no_key')
       AND NOT EXISTS (SELECT FROM cloudgreet_private.webhook_seen s WHERE s.account_id = r.account_id AND s.received_at > cloudgreet.clock() - interval '1 day')
     GROUP BY r.account_id, a.provider;

    RETURN QUERY SELECT 'error', format('%s requests to %s should have been sent 15 minutes ago or earlier: nothing sends them', count(*), initcap(o.provider)),
        'SELECT cloudgreet.wake_workers();  -- the server''s log says why the dispatcher does not'
      FROM cloudgreet_private.outbox o
     WHERE o.state IN ('queued', 'sending') AND NOT o.waits AND o.next_at < cloudgreet.clock() - interval '15 minutes' AND is_active AND is_settled
       -- An account that has more than its rate lets through, or a provider that is down, is sent to all the same.
       AND o.account_id NOT IN (
           SELECT h.account_id FROM cloudgreet_private.outbox_history h
            WHERE h.id >= cloudgreet.uuid_v7_floor(now() - interval '40 days') AND h.finished_at > cloudgreet.clock() - interval '15 minutes'
            UNION ALL
           SELECT p.account_id FROM cloudgreet_private.outbox_attempts a
             JOIN cloudgreet_private.outbox p ON p.business_id = a.business_id AND p.id = a.outbox_id
            WHERE a.id >= cloudgreet.uuid_v7_floor(now() - interval '15 minutes'))
     GROUP BY o.provider;
    RETURN QUERY SELECT CASE WHEN h.state = 'held' THEN 'error' ELSE 'warning' END,
        format(CASE WHEN h.state = 'held' THEN '%s messages by %s are held: %s' ELSE '%s messages by %s were given up in the last day: %s' END,
               h.messages, initcap(h.provider), h.reason),
        format('SELECT o.business_id, o.id, o.subject_id FROM cloudgreet_private.requests o WHERE o.state = %L AND o.reason = %L;  -- retry_delivery() or cancel_delivery() of each', h.state, h.reason)
      FROM (SELECT o.state, o.provider, coalesce(o.reason, 'no reason') AS reason, count(*) AS messages FROM cloudgreet_private.requests o
             WHERE (o.state = 'held' OR o.state = 'dead' AND o.finished_at > cloudgreet.clock() - interval '1 day')
               -- doctor_sending() names the account that they wait for.
               AND coalesce(o.reason, '') NOT IN ('the provider account is broken', 'the provider account is paused')
             GROUP BY 1, 2, 3) h;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_work(timestamptz) IS
    'The part of doctor() about a missing tick, webhooks and requests that wait or were given up, and providers that do not answer, on a server that is up since then.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_work(timestamptz) FROM PUBLIC;
