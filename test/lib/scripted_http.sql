/*
 * scripted_http.sql
 *		A cloudgreet.http() for testing the gate without the extension: what it
 *		does stands in the target.
 *
 *	/echo			the request as JSON, the body in hexadecimal digits
 *	/sleep/SECONDS	answers late
 *	/error/SQLSTATE	raises
 *	/status/NUMBER	answers with that status
 *	/size/BYTES		answers with that many bytes
 *	/headers		answers with the request's body as its head
 *	/null			answers nothing
 *	/quit			ends its own server process
 *	/deallocate		drops the session's prepared statements
 *	/state			answers with what earlier requests left in the session
 *	/rest/v1/rpc/leave	leaves all that a session can hold
 *	anything else	"hello"
 *
 * cloudgreet.http_caller() knows the tokens "Bearer NAME ..." as NAME's, but "Bearer forged ..."
 * as refused and "Bearer nobody ..." as nobody's, and the webhooks' paths that end in NAME; scripted.asked counts its calls.
 *
 * Sequence scripted.calls counts calls, also those that fail or are cancelled.
 */
CREATE SCHEMA cloudgreet;
CREATE SCHEMA scripted;
CREATE SEQUENCE scripted.calls;
CREATE SEQUENCE scripted.asked;

CREATE FUNCTION cloudgreet.http_caller(target text, headers jsonb) RETURNS text
    LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM nextval('scripted.asked');
    RETURN nullif(CASE WHEN split_part(headers ->> 'authorization', ' ', 2) = 'nobody' THEN ''
                       WHEN target = '' THEN split_part(coalesce(headers ->> 'authorization', headers ->> 'apikey'), ' ', 2)
                       ELSE regexp_replace(target, '^.*/', '') END, 'forged');
END
$$;

CREATE FUNCTION cloudgreet.http(text, text, jsonb, bytea, OUT status integer, OUT head text, OUT body bytea)
    LANGUAGE plpgsql STRICT AS $$
DECLARE
    path text[] := string_to_array(split_part($2, '?', 1), '/');
BEGIN
    PERFORM nextval('scripted.calls');
    status := 200;
    head := E'content-type: text/plain\r\n';
    body := 'hello';
    CASE path[2]
        WHEN 'echo' THEN
            head := E'Content-Type: application/json\r\n';
            body := convert_to(jsonb_build_object('method', $1, 'target', $2,
                'headers', $3, 'body', encode($4, 'hex'))::text, 'UTF8');
        WHEN 'sleep' THEN
            PERFORM pg_sleep(path[3]::float8);
        WHEN 'error' THEN
            RAISE EXCEPTION USING ERRCODE = path[3], MESSAGE = 'the text of an SQL error';
        WHEN 'status' THEN
            status := path[3]::integer;
        WHEN 'size' THEN
            body := convert_to(repeat('x', path[3]::integer), 'UTF8');
        WHEN 'headers' THEN
            head := convert_from($4, 'UTF8');
        WHEN 'null' THEN
            status := NULL;
        WHEN 'quit' THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(10);
        WHEN 'deallocate' THEN
            DEALLOCATE ALL;
        WHEN 'state' THEN
            body := convert_to(concat_ws(' ',
                (SELECT string_agg(relname, ',') FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'),
                (SELECT string_agg(name, ',') FROM pg_cursors WHERE is_holdable),
                (SELECT string_agg(objid::text, ',') FROM pg_locks WHERE locktype = 'advisory'),
                (SELECT string_agg(c, ',') FROM pg_listening_channels() c),
                (SELECT string_agg(name, ',') FROM pg_prepared_statements WHERE name <> 'cloudgreet_http'),
                nullif(current_setting('scripted.left', true), ''),
                current_setting('statement_timeout')), 'UTF8');
        WHEN 'rest' THEN
            CREATE TEMP TABLE left_table ();
            EXECUTE 'DECLARE left_cursor CURSOR WITH HOLD FOR SELECT 1';
            PERFORM pg_advisory_lock(42);
            LISTEN left_channel;
            NOTIFY left_channel;
            EXECUTE 'PREPARE left_statement AS SELECT 1';
            PERFORM set_config('scripted.left', 'left_setting', false);
            PERFORM set_config('statement_timeout', '1h', false);
        ELSE
            NULL;
    END CASE;
END
$$;
