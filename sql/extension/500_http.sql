/*
 * 500_http.sql
 *		The HTTP surface as one function.
 */
CREATE FUNCTION cloudgreet.check_write_rows(found bigint) RETURNS boolean
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cg_sql_check_write_rows';
COMMENT ON FUNCTION cloudgreet.check_write_rows(bigint) IS
    'For statements of http(): true, or error 54000 for more rows than cloudgreet.rest_max_write_rows.';

CREATE FUNCTION cloudgreet.http(method text, target text, headers jsonb, body bytea,
    OUT status integer, OUT head text, OUT body bytea)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_http';
COMMENT ON FUNCTION cloudgreet.http(text, text, jsonb, bytea) IS
    'Answers one HTTP request: method, target as sent, headers as an object of lower-case names, body. The answer has its status, its headers as they are sent (lines of name, colon, blank and value, each ended by CR LF) and its body. It verifies the token itself and acts as anon, authenticated or service_role only. Errors become JSON; cancelling is passed on.';

CREATE FUNCTION cloudgreet.http_caller(target text, headers jsonb) RETURNS text
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'cg_sql_http_caller';
COMMENT ON FUNCTION cloudgreet.http_caller(text, jsonb) IS
    'Whose a request is, for the HTTP gate to serve businesses in turn: the business of a webhook''s path or, with an empty target, of the headers'' token; service_role for such a token without one, an empty text for another; NULL for what is refused.';
