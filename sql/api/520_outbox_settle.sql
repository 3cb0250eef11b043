/*
 * 520_outbox_settle.sql
 *		What came of an attempt.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_retry_delay(attempt integer, retry_after_ms bigint) RETURNS interval
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS
$$
    -- Exponential with full jitter, as the AWS Architecture Blog advises ("Exponential Backoff And Jitter", 2015).
    SELECT greatest(
        least(coalesce(outbox_retry_delay.retry_after_ms, 0), 86400000) * interval '1 millisecond',
        random() * least(current_setting('cloudgreet.outbox_retry_max')::interval,
                         current_setting('cloudgreet.outbox_retry_base')::interval * power(2, least(outbox_retry_delay.attempt, 30) - 1)));
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_retry_delay(integer, bigint) IS
    'How long to wait after a failed attempt: at random up to a bound that doubles, and never less than the provider asked for (a day at most).';

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
    duration_ms integer, provider_id text, retry_after_ms bigint, response bytea) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    item cloudgreet_private.outbox;
    next_state text;
    next_reason text := left(concat_ws(' ', outbox_settle_one.http_status, outbox_settle_one.error_code), 200);
    due_at timestamptz := cloudgreet.clock() + cloudgreet_private.outbox_retry_delay(outbox_settle_one.attempt, outbox_settle_one.retry_after_ms);
BEGIN
    PERFORM cloudgreet.enter_business(outbox_settle_one.business_id);
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_settle_one.business_id AND o.id = outbox_settle_one.outbox_id;
    IF FOUND AND NOT cloudgreet_private.lock_subject(item) THEN
        RETURN false;
    END IF;
    INSERT INTO cloudgreet_private.outbox_attempts
        (business_id, outbox_id, attempt, outcome, http_status, error_code, duration_ms, response)
    SELECT o.business_id, o.id, outbox_settle_one.attempt, outbox_settle_one.outcome,
           outbox_settle_one.http_status, left(outbox_settle_one.error_code, 200), outbox_settle_one.duration_ms, outbox_settle_one.response
      FROM cloudgreet_private.outbox o -- not of one that went with its business
     WHERE o.business_id = outbox_settle_one.business_id AND o.id = outbox_settle_one.outbox_id;
    SELECT o.* INTO item FROM cloudgreet_private.outbox o
     WHERE o.business_id = outbox_settle_one.business_id AND o.id = outbox_settle_one.outbox_id
       AND o.state = 'sending' AND o.attempts = outbox_settle_one.attempt FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true; -- an event was here before, or another attempt
    END IF;
    next_state := CASE
        WHEN outbox_settle_one.outcome = 'retry' THEN 'queued'
        WHEN outbox_settle_one.outcome <> 'account_broken' THEN outbox_settle_one.outcome
        WHEN cloudgreet_private.has_newer_key(item.business_id, item.account_id,
                 cloudgreet.clock() - outbox_settle_one.duration_ms * interval '1 millisecond') THEN 'queued'
        ELSE 'held' END;
    IF next_state = 'queued' AND (due_at > item.deadline_at OR item.attempts >= current_setting('cloudgreet.outbox_max_attempts')::integer) THEN
        next_state := 'dead';
        next_reason := left(format('given up after %s attempts: %s', item.attempts, next_reason), 200);
    ELSIF next_state = 'unknown' THEN
        due_at := cloudgreet.clock() + current_setting('cloudgreet.outbox_unknown_timeout')::interval;
    ELSIF next_state = 'held' THEN
        next_reason := 'the provider account is broken';
    END IF;
    UPDATE cloudgreet_private.outbox o
       SET state = next_state, reason = CASE WHEN next_state <> 'done' THEN next_reason END,
           next_at = CASE WHEN next_state IN ('queued', 'unknown') THEN due_at ELSE o.next_at END,
           finished_at = CASE WHEN next_state IN ('done', 'dead') THEN cloudgreet.clock() END
     WHERE o.business_id = item.business_id AND o.id = item.id;
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
COMMENT ON FUNCTION cloudgreet_private.outbox_settle_one(uuid, uuid, integer, text, integer, text, integer, text, bigint, bytea) IS
    'sending -> done, queued, unknown, dead or held, by the outcome of that attempt (done, retry, unknown, dead, account_broken), which is kept. False, and nothing done, while another has locked the text or e-mail.';

CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_settle(
    business_ids uuid[], ids uuid[], attempts integer[], outcomes text[], http_statuses integer[], error_codes text[],
    durations_ms integer[], provider_ids text[], retry_afters_ms bigint[], responses bytea[]) RETURNS SETOF boolean
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT cloudgreet_private.outbox_settle_one(r.business_id, r.id, r.attempt, r.outcome, r.http_status, r.error_code,
               r.duration_ms, r.provider_id, r.retry_after_ms, r.response)
      FROM unnest(outbox_settle.business_ids, outbox_settle.ids, outbox_settle.attempts, outbox_settle.outcomes,
                  outbox_settle.http_statuses, outbox_settle.error_codes, outbox_settle.durations_ms, outbox_settle.provider_ids,
                  outbox_settle.retry_afters_ms, outbox_settle.responses)
        AS r (business_id, id, attempt, outcome, http_status, error_code, duration_ms, provider_id, retry_after_ms, response);
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_settle(uuid[], uuid[], integer[], text[], integer[], text[], integer[], text[], bigint[], bytea[]) IS
    'Records the outcomes of several attempts, in one transaction; returns for each whether it was, in their order.';

CREATE OR REPLACE FUNCTION cloudgreet_private.release_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.outbox o SET state = 'queued', reason = NULL, next_at = cloudgreet.clock()
     WHERE o.business_id = new.business_id AND o.account_id = new.id AND o.state = 'held' AND o.reason ~ '^the provider account is ';
    UPDATE cloudgreet.alerts a SET status = 'resolved', resolved_at = cloudgreet.clock()
     WHERE a.business_id = new.business_id AND a.alert_type = 'provider_account_broken' AND a.status <> 'resolved'
       AND NOT EXISTS (SELECT FROM cloudgreet.provider_accounts p WHERE p.business_id = new.business_id AND p.status = 'broken');
    PERFORM cloudgreet.wake_workers();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.release_account() IS
    'held -> queued: what waited for an account that is active again. The alert of broken accounts is resolved with the last of them.';
CREATE OR REPLACE TRIGGER provider_accounts_release AFTER UPDATE OF status ON cloudgreet.provider_accounts
    FOR EACH ROW WHEN (new.status = 'active' AND old.status <> 'active') EXECUTE FUNCTION cloudgreet_private.release_account();

REVOKE ALL ON FUNCTION cloudgreet_private.outbox_retry_delay(integer, bigint), cloudgreet_private.has_newer_key(uuid, uuid, timestamptz),
    cloudgreet_private.outbox_settle_one(uuid, uuid, integer, text, integer, text, integer, text, bigint, bytea),
    cloudgreet_private.outbox_settle(uuid[], uuid[], integer[], text[], integer[], text[], integer[], text[], bigint[], bytea[]),
    cloudgreet_private.release_account() FROM PUBLIC;
