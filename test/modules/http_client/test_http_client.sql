/*
 * test_http_client.sql
 *		The functions of test_http_client.c; the psql variable lib is its path.
 */
CREATE SCHEMA http;
CREATE FUNCTION http.open(options jsonb) RETURNS void LANGUAGE c STRICT AS :'lib', 'test_http_open';
CREATE FUNCTION http.run(requests jsonb, in_flight int DEFAULT 64,
    OUT n int, OUT outcome text, OUT bytes_sent bool, OUT status int, OUT retry_after text,
    OUT rate_limit_reset text, OUT body bytea, OUT error text, OUT duration_ms int, OUT threads int)
    RETURNS SETOF record LANGUAGE c STRICT AS :'lib', 'test_http_run';
CREATE FUNCTION http.cancel(requests jsonb, ms int,
    OUT n int, OUT outcome text, OUT bytes_sent bool, OUT status int, OUT retry_after text,
    OUT rate_limit_reset text, OUT body bytea, OUT error text, OUT duration_ms int, OUT threads int)
    RETURNS SETOF record LANGUAGE c STRICT AS :'lib', 'test_http_cancel';
CREATE FUNCTION http.churn(options jsonb, requests jsonb, rounds int) RETURNS int LANGUAGE c STRICT AS :'lib', 'test_http_churn';
CREATE FUNCTION http.address_kind(address text) RETURNS text LANGUAGE c STRICT AS :'lib', 'test_address_kind';
