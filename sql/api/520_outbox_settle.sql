/*
 * 520_outbox_settle.sql
 *		What came of an attempt, where that is rare: given up, an account that is broken, an
 *		id of the provider that another row has.
 *
 * What is common is recorded for a whole batch by a statement of the dispatcher
 * (src/outbound/statements.c), which names the rows that it leaves to this file.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.has_newer_key(business_id uuid, account_id uuid, since timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT EXISTS (SELECT FROM cloudgreet.provider_accounts a
                     JOIN cloudgreet_private.secrets s ON s.business_id = a.business_id AND s.name = a.secret_names ->> 'api_key'
                    WHERE a.business_id = has_newer_key.business_id AND a.id = has_newer_key.account_id AND s.created_at >= has_newer_key.since);
$$;
COMMENT ON FUNCTION cloudgreet_private.has_newer_key(uuid, uuid, timestamptz) IS
    'Whether the account was given another key since then: what an attempt says of the key before is no fault of the account.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_settle_one(
    business_id uuid, outbox_id uuid, attempt integer, outcome text, http_status integer, error_code text,
    duration_ms integer, provider_id text, delay_ms bigint, is_fault boolean, response bytea) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    next_state text;
    next_reason text := left(concat_ws(' ', outbox_settle_one.http_status, outbox_settle_one.error_code), 200);
    again_at timestamptz := cloudgreet.clock() + outbox_settle_one.delay_ms * interval '1 millisecond';
BEGIN
    PERFORM cloudgreet.enter_business(outbox_settle_one.business_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_settle_one.business_id AND o.id = outbox_settle_one.outbox_id;
    IF FOUND AND NOT cloudgreet_private.lock_subject(item) THEN
        RETURN false;
    END IF;
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_settle_one.business_id AND o.id = outbox_settle_one.outbox_id
       AND o.state = 'sending' AND o.attempts = outbox_settle_one.attempt FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true; -- an event was here before, or another attempt
    END IF;
    item.failures := item.failures + CASE WHEN outbox_settle_one.is_fault THEN 1 ELSE 0 END;
    next_state := CASE
        WHEN outbox_settle_one.outcome = 'retry' THEN 'queued'
        WHEN outbox_settle_one.outcome <> 'account_broken' THEN outbox_settle_one.outcome
        WHEN cloudgreet_private.has_newer_key(item.business_id, item.account_id,
                 cloudgreet.clock() - outbox_settle_one.duration_ms * interval '1 millisecond') THEN 'queued'
        ELSE 'held' END;
    IF next_state = 'queued' AND (again_at > item.deadline_at OR item.failures >= current_setting('cloudgreet.outbox_max_attempts')::integer) THEN
        next_state := 'dead';
        next_reason := left(format('given up after %s attempts: %s', item.attempts, next_reason), 200);
    ELSIF next_state = 'unknown' THEN
        again_at := cloudgreet.clock() + current_setting('cloudgreet.outbox_unknown_timeout')::interval;
    ELSIF next_state = 'held' THEN
        next_reason := 'the provider account is broken';
    END IF;
    IF next_state <> 'done' THEN
        INSERT INTO cloudgreet_private.outbox_attempts
            (business_id, outbox_id, attempt, outcome, http_status, error_code, duration_ms, response)
        VALUES (item.business_id, item.id, outbox_settle_one.attempt, outbox_settle_one.outcome, outbox_settle_one.http_status,
                left(outbox_settle_one.error_code, 200), outbox_settle_one.duration_ms, outbox_settle_one.response);
    END IF;
    IF next_state IN ('done', 'dead') THEN
        PERFORM cloudgreet_private.outbox_finish(item, next_state, CASE next_state WHEN 'dead' THEN next_reason END,
            outbox_settle_one.http_status, outbox_settle_one.provider_id);
    ELSE
        UPDATE cloudgreet_private.outbox o
           SET state = next_state, reason = next_reason, failures = item.failures,
               next_at = CASE WHEN next_state IN ('queued', 'unknown') THEN again_at ELSE o.next_at END
         WHERE o.business_id = item.business_id AND o.id = item.id;
    END IF;
    CASE next_state
    WHEN 'done' THEN
        PERFORM cloudgreet_private.tell_subject(item, 'sent', NULL, outbox_settle_one.provider_id);
    WHEN 'unknown' THEN
        PERFORM cloudgreet_private.tell_subject(item, 'unknown');
    WHEN 'dead' THEN
        PERFORM cloudgreet_private.tell_subject(item, 'failed', left(outbox_settle_one.error_code, 200));
        PERFORM cloudgreet_private.alert_failed_delivery(item.business_id);
    WHEN 'held' THEN
        UPDATE cloudgreet.provider_accounts a SET status = 'broken'
         WHERE a.business_id = item.business_id AND a.id = item.account_id AND a.status = 'active';
        PERFORM cloudgreet_private.raise_alert(item.business_id, 'provider_account_broken',
            format('%s refuses the account''s key. Messages are kept; connect_provider() with a new key sends them.', initcap(item.provider)));
    ELSE
        NULL; -- queued: another attempt
    END CASE;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_settle_one(uuid, uuid, integer, text, integer, text, integer, text, bigint, boolean, bytea) IS
    'sending -> done, queued, unknown, dead or held, by the outcome of that attempt (done, retry after delay_ms, unknown, dead, account_broken); is_fault: it counts as a failure of the request''s own. False, and nothing done, while another has locked the text or e-mail.';

CREATE OR REPLACE FUNCTION cloudgreet_private.release_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- The dispatcher releases them, a piece at a time: there may be many.
    INSERT INTO cloudgreet_private.account_releases (business_id, account_id) VALUES (new.business_id, new.id) ON CONFLICT DO NOTHING;
    UPDATE cloudgreet.alerts a SET status = 'resolved', resolved_at = cloudgreet.clock()
     WHERE a.business_id = new.business_id AND a.alert_type = 'provider_account_broken' AND a.status <> 'resolved'
       AND NOT EXISTS (SELECT FROM cloudgreet.provider_accounts p WHERE p.business_id = new.business_id AND p.status = 'broken');
    PERFORM cloudgreet.wake_workers();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_account() IS
    'Has the dispatcher take up what is held for an account that is active again. The alert of broken accounts is resolved with the last of them.';
CREATE OR REPLACE TRIGGER provider_accounts_release AFTER UPDATE OF status ON cloudgreet.provider_accounts
    FOR EACH ROW WHEN (new.status = 'active' AND old.status <> 'active') EXECUTE FUNCTION cloudgreet_private.release_account();

CREATE OR REPLACE FUNCTION cloudgreet_private.keep_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    DELETE FROM cloudgreet_private.account_releases r WHERE r.business_id = old.business_id AND r.account_id = old.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_account() IS
    'What is held for an account that is not active any more stays so, or it would be taken up and held without end.';
CREATE OR REPLACE TRIGGER provider_accounts_keep AFTER UPDATE OF status ON cloudgreet.provider_accounts
    FOR EACH ROW WHEN (new.status <> 'active' AND old.status = 'active') EXECUTE FUNCTION cloudgreet_private.keep_account();

CREATE OR REPLACE FUNCTION cloudgreet_private.release_held(max_rows integer) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    release cloudgreet_private.account_releases;
    released integer;
BEGIN
    SELECT r.* INTO release FROM cloudgreet_private.account_releases r ORDER BY r.created_at, r.account_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    UPDATE cloudgreet_private.outbox o SET state = 'queued', reason = NULL, next_at = cloudgreet.clock()
      FROM (SELECT h.business_id, h.id FROM cloudgreet_private.outbox h
             WHERE h.account_id = release.account_id AND h.state = 'held' AND h.reason ~ '^the provider account is '
             ORDER BY h.id LIMIT release_held.max_rows FOR UPDATE SKIP LOCKED) w
     WHERE o.business_id = w.business_id AND o.id = w.id;
    GET DIAGNOSTICS released = ROW_COUNT;
    -- What another session has locked is taken up at the next look; meanwhile it is the others' turn.
    IF released = 0 AND EXISTS (SELECT FROM cloudgreet_private.outbox h
                                 WHERE h.account_id = release.account_id AND h.state = 'held' AND h.reason ~ '^the provider account is ') THEN
        UPDATE cloudgreet_private.account_releases r SET created_at = cloudgreet.clock()
         WHERE r.business_id = release.business_id AND r.account_id = release.account_id;
        RETURN 0;
    ELSIF released = 0 THEN
        DELETE FROM cloudgreet_private.account_releases r WHERE r.business_id = release.business_id AND r.account_id = release.account_id;
        RETURN 1;
    END IF;
    RETURN released;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_held(integer) IS
    'held -> queued: up to max_rows of what waited for an account that is active again. Returns 0 when nothing is left that nobody else has locked.';

REVOKE ALL ON FUNCTION cloudgreet_private.has_newer_key(uuid, uuid, timestamptz),
    cloudgreet_private.outbox_settle_one(uuid, uuid, integer, text, integer, text, integer, text, bigint, boolean, bytea),
    cloudgreet_private.release_account(), cloudgreet_private.keep_account(), cloudgreet_private.release_held(integer) FROM PUBLIC;
