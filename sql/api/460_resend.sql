/*
 * 460_resend.sql
 *		What becomes of e-mails.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.email_rank(status text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE email_rank.status WHEN 'queued' THEN 1 WHEN 'canceled' THEN 1 WHEN 'sending' THEN 2 WHEN 'unknown' THEN 2
                                  WHEN 'sent' THEN 3 WHEN 'complained' THEN 5 ELSE 4 END;
COMMENT ON FUNCTION cloudgreet_private.email_rank(text) IS 'How far an e-mail has come; a status of a lower rank never replaces one of a higher.';

CREATE OR REPLACE FUNCTION cloudgreet_private.bounce_rank(bounce_type text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN CASE bounce_rank.bounce_type WHEN 'Permanent' THEN 3 WHEN 'Undetermined' THEN 2 WHEN 'Transient' THEN 1 ELSE 0 END;
COMMENT ON FUNCTION cloudgreet_private.bounce_rank(text) IS 'How bad a bounce is; of several the worst is kept.';

CREATE OR REPLACE FUNCTION cloudgreet_private.suppress_email(business_id uuid, address text, reason text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason)
    VALUES (suppress_email.business_id, suppress_email.address, 'email', suppress_email.reason)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.suppress_email(uuid, text, text) IS 'Sends nothing more to an address; one row for each reason.';

CREATE OR REPLACE FUNCTION cloudgreet_private.resend_receivers(data jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT coalesce(array_agg(r.address ORDER BY r.n), '{}')
      FROM (SELECT cloudgreet.read_email(a.value #>> '{}') AS address, min(a.n) AS n
              FROM (SELECT t.value, t.n FROM jsonb_path_query(data, 'lax $.to[0 to 49]') WITH ORDINALITY AS t (value, n)
                    UNION ALL
                    SELECT c.value, 50 + c.n
                      FROM jsonb_path_query(jsonb_build_array(data -> 'cc', data -> 'bcc'), 'lax $[*][0 to 49]') WITH ORDINALITY AS c (value, n)) a
             WHERE jsonb_typeof(a.value) = 'string' GROUP BY 1) r
     WHERE r.address IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.resend_receivers(jsonb) IS 'Whom an e-mail went to, in canonical form: the first hundred, those of "to" first.';

CREATE OR REPLACE FUNCTION cloudgreet_private.resend_concerned(data jsonb, kind text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- Of several that one which the event names in its own words; two that it names leave it open.
    RETURN (SELECT CASE WHEN cardinality(r.all_receivers) = 1 THEN r.all_receivers[1] ELSE (
        SELECT min(n.address)
          FROM (SELECT DISTINCT cloudgreet.read_email(rtrim(w.word[1], '.')) AS address
                  FROM jsonb_path_query(jsonb_build_array(data #> ARRAY[kind, 'message'], data #> ARRAY[kind, 'diagnosticCode']),
                                        'lax $[*][0 to 19]') said,
                       regexp_matches(left(said #>> '{}', 2000), '[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+', 'g') AS w (word)) n
         WHERE n.address = ANY (r.all_receivers) HAVING count(*) = 1) END
      FROM (SELECT cloudgreet_private.resend_receivers(data)) r (all_receivers));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.resend_concerned(jsonb, text) IS
    'Whose the bounce or complaint is (kind: the member that describes it): the only receiver, or the only one that it names; NULL when it is not told.';

CREATE OR REPLACE FUNCTION cloudgreet_private.adopt_email(business_id uuid, email_id uuid, provider text, provider_email_id text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    other cloudgreet.emails;
BEGIN
    -- A webhook that was here before the answer has made a row of its own.
    DELETE FROM cloudgreet.emails m
     WHERE m.business_id = adopt_email.business_id AND m.provider = adopt_email.provider
       AND m.provider_email_id = adopt_email.provider_email_id AND m.id <> adopt_email.email_id
    RETURNING m.* INTO other;
    UPDATE cloudgreet.emails m SET provider = adopt_email.provider, provider_email_id = adopt_email.provider_email_id
     WHERE m.business_id = adopt_email.business_id AND m.id = adopt_email.email_id
       -- Sent anew it has a new id; else the first one stays.
       AND (m.provider_email_id IS NULL OR m.status IN ('queued', 'sending', 'unknown'));
    IF other.id IS NOT NULL THEN
        PERFORM cloudgreet_private.move_history(adopt_email.business_id, other.id, adopt_email.email_id);
        PERFORM cloudgreet_private.advance_email(adopt_email.business_id, adopt_email.email_id, other.status, other.status_at,
            other.error_code, other.bounce_type, other.sent_at, other.delivered_at);
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.adopt_email(uuid, uuid, text, text) IS
    'Gives an e-mail its id at the provider, and what a row of that id has learned already, which goes.';

CREATE OR REPLACE FUNCTION cloudgreet_private.advance_email(
    business_id uuid, email_id uuid, status text, at timestamptz, error_code text, bounce_type text,
    sent_at timestamptz, delivered_at timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    WITH judged AS (
        SELECT m.id, (cloudgreet_private.email_rank(advance_email.status), coalesce(advance_email.at, '-infinity'), advance_email.status COLLATE "C")
                     > (cloudgreet_private.email_rank(m.status), coalesce(m.status_at, '-infinity'), m.status COLLATE "C") AS wins
          FROM cloudgreet.emails m
         WHERE m.business_id = advance_email.business_id AND m.id = advance_email.email_id FOR UPDATE)
    UPDATE cloudgreet.emails m
       SET status = CASE WHEN j.wins THEN advance_email.status ELSE m.status END,
           status_at = CASE WHEN j.wins THEN advance_email.at ELSE m.status_at END,
           error_code = CASE WHEN j.wins THEN advance_email.error_code ELSE m.error_code END,
           bounce_type = CASE WHEN cloudgreet_private.bounce_rank(advance_email.bounce_type) > cloudgreet_private.bounce_rank(m.bounce_type)
                              THEN advance_email.bounce_type ELSE m.bounce_type END,
           sent_at = least(m.sent_at, advance_email.sent_at), delivered_at = least(m.delivered_at, advance_email.delivered_at)
      FROM judged j
     WHERE m.business_id = advance_email.business_id AND m.id = j.id;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.advance_email(uuid, uuid, text, timestamptz, text, text, timestamptz, timestamptz) IS
    'Moves an e-mail forward, by rank of the status and then by the provider''s time; times are the earliest that were told.';

CREATE OR REPLACE FUNCTION cloudgreet_private.resend_find_email(
    item cloudgreet_private.webhook_inbox, data jsonb) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    match uuid := cloudgreet_private.outbox_subject(business, cloudgreet_private.read_uuid(data #>> '{tags,cg_request}'), 'email');
    address CONSTANT text := (cloudgreet_private.resend_receivers(data))[1];
BEGIN
    IF match IS NOT NULL THEN
        PERFORM cloudgreet_private.adopt_email(business, match, 'resend', item.entity_key);
        RETURN match;
    END IF;
    SELECT m.id INTO match FROM cloudgreet.emails m
     WHERE m.business_id = business AND m.provider = 'resend' AND m.provider_email_id = item.entity_key;
    IF match IS NULL AND address IS NOT NULL THEN
        INSERT INTO cloudgreet.emails AS m (business_id, from_address, to_address, subject, content, provider, provider_email_id)
        VALUES (business, left(data ->> 'from', 400), address, left(regexp_replace(coalesce(data ->> 'subject', ''), '[\r\n]+', ' ', 'g'), 998),
                '', 'resend', item.entity_key)
        RETURNING m.id INTO match;
    END IF;
    RETURN match;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.resend_find_email(cloudgreet_private.webhook_inbox, jsonb) IS
    'The row of an e-mail: by the request that its tag cg_request names, by its id at Resend, or made now.';

CREATE OR REPLACE FUNCTION cloudgreet_private.resend_email(
    item cloudgreet_private.webhook_inbox, event jsonb, OUT state text, OUT reason text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := item.business_id;
    data CONSTANT jsonb := event -> 'data';
    at CONSTANT timestamptz := cloudgreet_private.webhook_time(event ->> 'created_at');
    kind CONSTANT text := substr(item.event_type, 7);
    status CONSTANT text := CASE kind WHEN 'suppressed' THEN 'failed' WHEN 'delivery_delayed' THEN 'sent' ELSE kind END;
    bounce CONSTANT text := data #>> '{bounce,type}';
    target_id uuid;
    lead uuid;
    concerned text;
    why CONSTANT text := left(CASE kind WHEN 'bounced' THEN data #>> '{bounce,subType}' WHEN 'failed' THEN data #>> '{failed,reason}'
                                        WHEN 'suppressed' THEN data #>> '{suppressed,type}' END, 200);
BEGIN
    IF item.entity_key IS NULL THEN
        state := 'ignored';
        reason := 'it names no e-mail';
        RETURN;
    END IF;
    PERFORM cloudgreet_private.lock_entity(business, item.entity_key);
    target_id := cloudgreet_private.resend_find_email(item, data);
    IF target_id IS NULL THEN
        state := 'unmatched';
        reason := 'it names no address';
        RETURN;
    END IF;
    PERFORM cloudgreet_private.advance_email(business, target_id, status, at, why,
        CASE WHEN kind = 'bounced' AND bounce IN ('Permanent', 'Transient', 'Undetermined') THEN bounce END,
        CASE kind WHEN 'sent' THEN at END, CASE kind WHEN 'delivered' THEN at END);
    IF kind = 'complained' OR (kind = 'bounced' AND bounce = 'Permanent') THEN
        concerned := cloudgreet_private.resend_concerned(data, CASE kind WHEN 'complained' THEN 'complaint' ELSE 'bounce' END);
        IF concerned IS NULL AND cloudgreet_private.resend_receivers(data) = '{}' THEN
            SELECT m.to_address INTO concerned FROM cloudgreet.emails m WHERE m.business_id = business AND m.id = target_id;
        END IF;
        IF concerned IS NOT NULL THEN
            PERFORM cloudgreet_private.suppress_email(business, concerned, CASE kind WHEN 'complained' THEN 'complaint' ELSE 'bounce' END);
        ELSE
            reason := 'it went to several and does not say whose it is: nobody is suppressed';
            INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
            VALUES (business, 'email_receiver_unclear', 'An e-mail to several addresses bounced or was complained about, and it was not told by whom. Nobody was suppressed; please look who it was.')
            ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    PERFORM cloudgreet_private.settle_outbox(business, 'email', target_id, item.entity_key);
    SELECT m.lead_id INTO lead FROM cloudgreet.emails m WHERE m.business_id = business AND m.id = target_id;
    PERFORM cloudgreet_private.record_once(business, 'email.' || kind, 'email', target_id,
        -- Of several bounces the row tells the worst; which of them came first is chance.
        jsonb_strip_nulls(jsonb_build_object('note', reason, 'reason', CASE WHEN status = 'failed' THEN why END)), lead);
    IF status = 'failed' OR (kind = 'bounced' AND bounce IS DISTINCT FROM 'Transient') THEN
        PERFORM cloudgreet_private.alert_failed_delivery(business);
    END IF;
    state := 'processed';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.resend_email(cloudgreet_private.webhook_inbox, jsonb) IS
    'What became of an e-mail. A permanent bounce and a complaint suppress the address that they are about, if that is told.';

REVOKE ALL ON FUNCTION cloudgreet_private.email_rank(text), cloudgreet_private.bounce_rank(text),
    cloudgreet_private.suppress_email(uuid, text, text), cloudgreet_private.resend_receivers(jsonb),
    cloudgreet_private.resend_concerned(jsonb, text), cloudgreet_private.adopt_email(uuid, uuid, text, text),
    cloudgreet_private.advance_email(uuid, uuid, text, timestamptz, text, text, timestamptz, timestamptz),
    cloudgreet_private.resend_find_email(cloudgreet_private.webhook_inbox, jsonb),
    cloudgreet_private.resend_email(cloudgreet_private.webhook_inbox, jsonb) FROM PUBLIC;
