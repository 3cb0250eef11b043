/*
 * drop_ask.sql
 *		Takes away what ask.sql made.
 */
DROP FUNCTION public.ask(text, text, text, text, jsonb), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
\i test/lib/drop_master_key.sql
