/*
 * 535_requests.sql
 *		Requests that applications and adapters in SQL make themselves: into the outbox, and
 *		what became of them.
 *
 * They go the way of texts and e-mails: the same table, statements, retries, history.  What
 * they name is not trusted (src/outbound/http.c).  Shown by test/sql/requests.sql and
 * test/t/148_requests.pl.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.request_headers(
    business_id uuid, headers jsonb, OUT secret text, OUT lines text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    name text;
    value jsonb;
BEGIN
    lines := '{}';
    secret := '';
    FOR name, value IN SELECT h.key, h.value FROM jsonb_each(cloudgreet_private.check_object(request_headers.headers, 'headers')) h LOOP
        IF jsonb_typeof(value) = 'string' THEN
            lines := lines || format('=%s: %s', name, value #>> '{}');
            CONTINUE;
        ELSIF jsonb_typeof(value) <> 'object' THEN
            RAISE EXCEPTION 'header "%" must be a text, or an object that names a secret', left(name, 100) USING ERRCODE = 'invalid_parameter_value';
        END IF;
        value := cloudgreet_private.check_object(value, format('header "%s"', left(name, 100)), '{secret,prefix}');
        PERFORM cloudgreet_private.check_secret_name(value ->> 'secret', 'name of the secret');
        -- Those of providers may be the operator's: whoever sends one to a host of his own has read it.
        IF value ->> 'secret' !~ '^http[.]' THEN
            RAISE EXCEPTION 'secret "%" is not for requests', left(value ->> 'secret', 100) USING ERRCODE = 'invalid_parameter_value',
                HINT = 'The names of those that headers may end in begin with "http.".';
        ELSIF secret NOT IN ('', value ->> 'secret') THEN
            RAISE EXCEPTION 'headers must name one secret only' USING ERRCODE = 'invalid_parameter_value';
        ELSIF jsonb_typeof(coalesce(value -> 'prefix', '""')) <> 'string' THEN
            RAISE EXCEPTION '"prefix" must be a text' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        secret := value ->> 'secret';
        lines := lines || format('+%s: %s', name, coalesce(value ->> 'prefix', ''));
    END LOOP;
    IF cardinality(lines) > 32 OR octet_length(array_to_string(lines, '')) > 16384 THEN
        RAISE EXCEPTION 'too many headers' USING ERRCODE = 'program_limit_exceeded', DETAIL = 'At most 32 of 16 kB together are sent.';
    ELSIF secret <> '' AND NOT EXISTS (SELECT FROM cloudgreet_private.secrets s
                                        WHERE s.business_id = request_headers.business_id AND s.name = request_headers.secret) THEN
        RAISE EXCEPTION 'secret "%" does not exist', secret USING ERRCODE = 'ZG111', HINT = 'Store it with cloudgreet.set_secret().';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.request_headers(uuid, jsonb) IS
    'The headers of a request as outbox.target has them, and the secret that some of them end in. Errors: 22023, 54000, ZG111.';

CREATE OR REPLACE FUNCTION cloudgreet.enqueue_request(
    method text, url text, headers jsonb DEFAULT '{}', body text DEFAULT NULL, idempotency_key text DEFAULT NULL,
    idempotency text DEFAULT NULL, send_at timestamptz DEFAULT NULL, deadline_at timestamptz DEFAULT NULL, lane text DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('enqueue_request', enqueue_request.business_id);
    request_id CONSTANT uuid := cloudgreet.uuid_v7();
    address CONSTANT text := cloudgreet_private.check_text(enqueue_request.url, 'url', 2000);
    -- RFC 9110, section 9.2.2: what these methods do twice is done once.
    class CONSTANT text := coalesce(enqueue_request.idempotency,
        CASE WHEN enqueue_request.method IN ('GET', 'HEAD', 'PUT', 'DELETE') THEN 'meaning' ELSE 'none' END);
    due CONSTANT timestamptz := greatest(enqueue_request.send_at, cloudgreet.clock());
    until CONSTANT timestamptz := coalesce(enqueue_request.deadline_at, due + interval '1 day');
    parts record;
    destination text;
    earlier_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF enqueue_request.method IS NULL OR enqueue_request.method NOT IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE') THEN
        RAISE EXCEPTION 'method must be GET, HEAD, POST, PUT, PATCH or DELETE' USING ERRCODE = 'invalid_parameter_value';
    ELSIF class NOT IN ('native', 'natural', 'window', 'meaning', 'none') THEN
        RAISE EXCEPTION 'idempotency must be native, natural, window, meaning or none' USING ERRCODE = 'invalid_parameter_value';
    ELSIF enqueue_request.body IS NOT NULL AND enqueue_request.method IN ('GET', 'HEAD') THEN
        RAISE EXCEPTION 'a request of GET or HEAD has no body' USING ERRCODE = 'invalid_parameter_value';
    ELSIF octet_length(enqueue_request.body) > 262144 THEN
        RAISE EXCEPTION 'body of the request has more than 256 kB' USING ERRCODE = 'program_limit_exceeded';
    ELSIF until <= due OR until > due + interval '30 days' THEN
        RAISE EXCEPTION 'deadline_at must come after send_at, by 30 days at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM cloudgreet_private.require_finite(enqueue_request.send_at);
    PERFORM cloudgreet_private.check_optional_text(enqueue_request.lane, 'lane', 100);
    IF enqueue_request.idempotency_key IS NOT NULL THEN
        earlier_id := cloudgreet_private.claim_key(business, 'enqueue_request', enqueue_request.idempotency_key,
            jsonb_build_array(enqueue_request.method, address, enqueue_request.headers, enqueue_request.body, class, enqueue_request.send_at,
                enqueue_request.deadline_at, enqueue_request.lane)::text, request_id);
        IF earlier_id IS NOT NULL THEN
            RETURN earlier_id;
        END IF;
    END IF;
    parts := cloudgreet_private.request_headers(business, coalesce(enqueue_request.headers, '{}'));
    destination := cloudgreet.request_destination(address, ARRAY(SELECT substr(l, 2) FROM unnest(parts.lines) l));
    -- The key by which the other side knows a repeated request is frozen with it.
    IF class = 'native' AND NOT EXISTS (SELECT FROM unnest(parts.lines) l WHERE l ~* '^.idempotency-key:') THEN
        parts.lines := parts.lines || ('=Idempotency-Key: ' || request_id);
    END IF;
    IF NOT EXISTS (SELECT FROM unnest(parts.lines) l WHERE l ~* '^.user-agent:') THEN
        parts.lines := parts.lines || '=User-Agent: cloudgreet'::text;
    END IF;
    INSERT INTO cloudgreet_private.outbox
        (business_id, id, account_id, lane, provider, operation, idempotency, subject_type, subject_id, body, due_at, next_at, deadline_at, target)
    VALUES (business, request_id, cloudgreet_private.request_account(business, destination), hashtextextended(coalesce(enqueue_request.lane, ''), 0),
            'http', 'request', class, 'request', request_id, convert_to(coalesce(enqueue_request.body, ''), 'UTF8'), due, due, until,
            ARRAY[enqueue_request.method, address, parts.secret] || parts.lines);
    PERFORM cloudgreet_private.record_event(business, 'request.queued', 'request', request_id);
    RETURN request_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.enqueue_request(text, text, jsonb, text, text, text, timestamptz, timestamptz, text, uuid) IS
    'Sends an HTTP request, once this transaction commits and send_at has come; returns its id, for request_status(), cancel_delivery() and retry_delivery(). Headers are texts, or {"secret": NAME, "prefix": TEXT} for one that ends in a secret of set_secret(), whose name must begin with "http.": an admin could send it anywhere. idempotency says what makes repeating it harmless (native: an Idempotency-Key is added; natural, meaning; window and none: never repeated once it may have arrived); GET, HEAD, PUT and DELETE are meaning without it, others none. It goes by https, to port 443 of a public address, and follows no redirect. Tried again until deadline_at, a day if not said. Requests of one lane to a host take turns with its other lanes. The same idempotency_key gets the same request, for 30 days. Admins, or operators naming the business. Errors: 22004 and 22023 for what is never sent, 54000 for a body over 256 kB or too many headers, ZG111 for a secret that does not exist, ZG407 for a key used before for something else.';

CREATE OR REPLACE FUNCTION cloudgreet_private.request_account(business_id uuid, destination text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    RETURN md5(request_account.business_id::text || ' ' || request_account.destination)::uuid;
COMMENT ON FUNCTION cloudgreet_private.request_account(uuid, text) IS
    'What stands for the account of requests that have none: breaker, pauses and lanes hold for a business and a host with its port.';

CREATE OR REPLACE FUNCTION cloudgreet_private.printable(bytes bytea) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN convert_from(printable.bytes, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    -- Cut within a character, or no text at all.
    RETURN encode(printable.bytes, 'escape');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.printable(bytea) IS 'Bytes as the text that they are in UTF-8, or else with escapes.';

CREATE OR REPLACE FUNCTION cloudgreet.request_status(request_id uuid, business_id uuid DEFAULT NULL)
    RETURNS TABLE (id uuid, state text, method text, url text, attempts integer, reason text, created_at timestamptz, next_at timestamptz,
                   deadline_at timestamptz, finished_at timestamptz, http_status integer, answer text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('request_status', request_status.business_id);
BEGIN
    PERFORM cloudgreet.enter_business(business);
    RETURN QUERY
    SELECT r.id, r.state, r.target[1], r.target[2], r.attempts, r.reason, r.created_at, r.next_at, r.deadline_at, r.finished_at,
           coalesce(r.http_status, last.http_status), cloudgreet_private.printable(coalesce(r.response, last.response))
      FROM cloudgreet_private.requests r
      LEFT JOIN LATERAL (SELECT a.http_status, a.response FROM cloudgreet_private.outbox_attempts a
                          WHERE a.business_id = r.business_id AND a.outbox_id = r.id ORDER BY a.attempt DESC LIMIT 1) last ON true
     WHERE r.business_id = business AND r.subject_id = request_status.request_id AND r.subject_type = 'request'
     -- The newest is what was sent again.
     ORDER BY r.id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'request "%" does not exist', request_status.request_id USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet.request_status(uuid, uuid) IS
    'What became of a request of enqueue_request(): its state (queued, sending, unknown, held, done, dead, cancelled), and the status and the beginning of the body (16 kB) of the last answer, kept for cloudgreet.history_months; what is not UTF-8 comes with escapes. Of one that was sent again, the newest. Admins, or operators naming the business. Error P0002 when there is none.';

CREATE OR REPLACE FUNCTION cloudgreet.list_requests(
    state text DEFAULT NULL, max_rows integer DEFAULT 100, before uuid DEFAULT NULL, business_id uuid DEFAULT NULL)
    RETURNS TABLE (id uuid, provider text, operation text, state_now text, subject_type text, subject_id uuid, attempts integer, reason text,
                   created_at timestamptz, next_at timestamptz, deadline_at timestamptz, finished_at timestamptz, http_status integer, retry_of uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('list_requests', list_requests.business_id);
    most CONSTANT integer := cloudgreet_private.check_range(list_requests.max_rows, 'max_rows', 1, 1000);
    until CONSTANT uuid := coalesce(list_requests.before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
BEGIN
    PERFORM cloudgreet.enter_business(business);
    IF list_requests.state NOT IN ('queued', 'sending', 'unknown', 'held', 'done', 'dead', 'cancelled') THEN
        RAISE EXCEPTION 'unknown state of a request' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use queued, sending, unknown, held, done, dead or cancelled.';
    END IF;
    RETURN QUERY
    SELECT r.id, r.provider, r.operation, r.state, r.subject_type, r.subject_id, r.attempts, r.reason, r.created_at, r.next_at, r.deadline_at,
           r.finished_at, r.http_status, r.retry_of
      FROM cloudgreet_private.requests r
     WHERE r.business_id = business AND r.id < until AND r.state = coalesce(list_requests.state, r.state)
     ORDER BY r.id DESC LIMIT most;
END
$$;
COMMENT ON FUNCTION cloudgreet.list_requests(text, integer, uuid, uuid) IS
    'Requests of the business to providers and hosts, open and finished, newest first, those in a state or all; the next page begins before the last id. Texts and e-mails are named by subject_id. Admins and users, or operators naming the business. Error 22023 for a state that is none, and unless max_rows is from 1 to 1000.';

REVOKE ALL ON FUNCTION cloudgreet_private.request_headers(uuid, jsonb), cloudgreet_private.request_account(uuid, text),
    cloudgreet_private.printable(bytea), cloudgreet.enqueue_request(text, text, jsonb, text, text, text, timestamptz, timestamptz, text, uuid),
    cloudgreet.request_status(uuid, uuid), cloudgreet.list_requests(text, integer, uuid, uuid) FROM PUBLIC;
