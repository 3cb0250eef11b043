/*
 * secrets.sql
 *		Secrets go in, are bound to their place, and never come out in SQL.
 */
\set ECHO none
\i test/lib/master_key.sql
\set ECHO all
SELECT cloudgreet.create_business('Secret Test', 'America/New_York') AS business \gset
SELECT cloudgreet.create_business('Other', 'America/New_York') AS other \gset

-- An operator stores secrets; each writing of a name is a new version.
SELECT cloudgreet.set_secret('telnyx.api_key', 'KEY-0123456789-abcd', :'business');
SELECT cloudgreet.set_secret('telnyx.api_key', 'KEY-0123456789-wxyz', :'business');
SELECT cloudgreet.set_secret('short', 'abc', business_id => :'business');
SELECT cloudgreet.set_secret('telnyx.api_key', 'KEY-0123456789-wxyz', :'other');
SELECT name, version, last_four FROM cloudgreet.list_secrets(:'business');
-- The same text is sealed differently each time.
SELECT count(*) AS rows, count(DISTINCT ciphertext) AS ciphertexts, count(DISTINCT nonce) AS nonces, count(DISTINCT key_id) AS keys
  FROM cloudgreet_private.secrets WHERE business_id IN (:'business', :'other');
-- Three versions later the first is gone; one earlier version stays for the overlap.
SELECT cloudgreet.set_secret('telnyx.api_key', 'KEY-0123456789-last', :'business');
SELECT version FROM cloudgreet_private.secrets WHERE business_id = :'business' AND name = 'telnyx.api_key' ORDER BY version;

-- Each row opens with the key, in its place only: not under another business, name,
-- version or key's name, not damaged or cut short, and not with another key.
CREATE VIEW pg_temp.opening AS
SELECT s.business_id = :'business' AS ours, s.name, s.version,
       cloudgreet.secret_opens(s.business_id, s.name, s.version, s.key_id, s.nonce, s.ciphertext) AS opens
  FROM cloudgreet_private.secrets s WHERE s.business_id IN (:'business', :'other');
SELECT * FROM pg_temp.opening ORDER BY ours, name, version;
SELECT m.what, cloudgreet.secret_opens(m.business_id, m.name, m.version, m.key_id, m.nonce, m.ciphertext) AS opens
  FROM cloudgreet_private.secrets s
 CROSS JOIN LATERAL (VALUES
    (1, 'as it is', s.business_id, s.name, s.version, s.key_id, s.nonce, s.ciphertext),
    (2, 'another business', :'other'::uuid, s.name, s.version, s.key_id, s.nonce, s.ciphertext),
    (3, 'another name', s.business_id, 'retell.api_key', s.version, s.key_id, s.nonce, s.ciphertext),
    (4, 'another version', s.business_id, s.name, s.version + 1, s.key_id, s.nonce, s.ciphertext),
    (5, 'another key', s.business_id, s.name, s.version, '00000000', s.nonce, s.ciphertext),
    (6, 'another nonce', s.business_id, s.name, s.version, s.key_id, substr(s.nonce, 2) || '\x00', s.ciphertext),
    (7, 'a short nonce', s.business_id, s.name, s.version, s.key_id, substr(s.nonce, 2), s.ciphertext),
    (8, 'a damaged text', s.business_id, s.name, s.version, s.key_id, s.nonce, set_byte(s.ciphertext, 0, get_byte(s.ciphertext, 0) # 1)),
    (9, 'a damaged tag', s.business_id, s.name, s.version, s.key_id, s.nonce, set_byte(s.ciphertext, length(s.ciphertext) - 1, get_byte(s.ciphertext, length(s.ciphertext) - 1) # 1)),
    (10, 'without its tag', s.business_id, s.name, s.version, s.key_id, s.nonce, substr(s.ciphertext, 1, length(s.ciphertext) - 16)),
    (11, 'nothing', s.business_id, s.name, s.version, s.key_id, s.nonce, '')
 ) m (n, what, business_id, name, version, key_id, nonce, ciphertext)
 WHERE s.business_id = :'business' AND s.name = 'short' ORDER BY m.n;
-- Exchanged between two businesses, neither row opens; put back, both do.
BEGIN;
UPDATE cloudgreet_private.secrets s SET nonce = o.nonce, ciphertext = o.ciphertext
  FROM cloudgreet_private.secrets o
 WHERE s.name = 'telnyx.api_key' AND o.name = s.name
   AND (s.business_id, s.version, o.business_id, o.version)
       IN ((:'business', 3, :'other', 1), (:'other', 1, :'business', 3));
SELECT * FROM pg_temp.opening WHERE name = 'telnyx.api_key' ORDER BY ours, version;
ROLLBACK;
SELECT count(*) AS opening FROM pg_temp.opening WHERE opens;
COPY (SELECT repeat('fedcba9876543210', 4)) TO PROGRAM 'umask 077; cat > cloudgreet_other.key';
SET cloudgreet.master_key_file = 'cloudgreet_other.key';
SELECT count(*) AS opening FROM pg_temp.opening WHERE opens;
COPY (SELECT WHERE false) TO PROGRAM 'rm cloudgreet_other.key';
SET cloudgreet.master_key_file = 'cloudgreet_regress.key';
SELECT cloudgreet.delete_secret('short', :'business');
SELECT name FROM cloudgreet.list_secrets(:'business');

-- A business's admin may, its users may not; nobody reads the table.
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SET LOCAL ROLE authenticated;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'business', 'role', 'admin')::text, true) IS NOT NULL AS as_admin;
SELECT cloudgreet.set_secret('retell.api_key', 'key_0123456789abcdef');
SELECT name, version, last_four FROM cloudgreet.list_secrets();
\set VERBOSITY sqlstate
SAVEPOINT s;
SELECT cloudgreet.set_secret('x', 'y', :'other');
ROLLBACK TO s;
SELECT * FROM cloudgreet_private.secrets;
ROLLBACK TO s;
SELECT * FROM cloudgreet.seal_secret(:'business', 'x', 1, 'y');
ROLLBACK TO s;
SELECT cloudgreet.secret_opens(:'business', 'x', 1, '00000000', '', '');
ROLLBACK TO s;
SELECT cloudgreet.add_jwt_key('mine', repeat('x', 32));
ROLLBACK TO s;
SELECT cloudgreet.retire_jwt_key('mine');
ROLLBACK TO s;
SELECT set_config('request.jwt.claims', json_build_object('business_id', :'business', 'role', 'user')::text, true) IS NOT NULL AS as_user;
SAVEPOINT s;
SELECT cloudgreet.set_secret('x', 'y');
ROLLBACK TO s;
SELECT * FROM cloudgreet.list_secrets();
ROLLBACK TO s;
SHOW cloudgreet.master_key_file;
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- Bad names, empty values, a business that does not exist, too long a value.
SELECT cloudgreet.set_secret('', 'value', :'business');
SELECT cloudgreet.set_secret('with blank', 'value', :'business');
SELECT cloudgreet.set_secret(repeat('x', 101), 'value', :'business');
SELECT cloudgreet.set_secret(NULL, 'value', :'business');
SELECT cloudgreet.set_secret('name', '', :'business');
SELECT cloudgreet.set_secret('name', NULL, :'business');
SELECT cloudgreet.set_secret('name', repeat('x', 65537), :'business');
SELECT cloudgreet.set_secret('name', 'value', 'cccccccc-0000-7000-8000-000000000001');
SELECT cloudgreet.set_secret('name', 'value');
SELECT cloudgreet.delete_secret('unknown', :'business');

-- What is wrong with a master key is said, and nothing is stored.
SELECT set_config('cloudgreet.master_key_file', file, false) IS NOT NULL AS set FROM (VALUES ('')) t (file);
SELECT cloudgreet.set_secret('name', 'value', :'business');
SET cloudgreet.master_key_file = 'no_such_file';
SELECT cloudgreet.set_secret('name', 'value', :'business');
SET cloudgreet.master_key_file = '.';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT repeat('0123456789abcdef', 4)) TO PROGRAM 'cat > cloudgreet_bad.key; chmod 640 cloudgreet_bad.key';
SET cloudgreet.master_key_file = 'cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT WHERE false) TO PROGRAM 'chmod 644 cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
-- The file and what is wrong with it are for sessions of superusers and the log.
\set VERBOSITY terse
SELECT cloudgreet.set_secret('name', 'value', :'business');
SET SESSION AUTHORIZATION authenticator; SET ROLE service_role;
SELECT cloudgreet.set_secret('name', 'value', :'business');
RESET ROLE; RESET SESSION AUTHORIZATION;
SELECT cloudgreet.secret_opens(:'business', 'x', 1, '00000000', '', '');
\set VERBOSITY sqlstate
COPY (SELECT 'too short') TO PROGRAM 'cat > cloudgreet_bad.key; chmod 600 cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT repeat('0123456789abcdeX', 4)) TO PROGRAM 'cat > cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT repeat('0123456789abcdef', 5)) TO PROGRAM 'cat > cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT WHERE false) TO PROGRAM 'rm cloudgreet_bad.key; mkfifo -m 600 cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT WHERE false) TO PROGRAM 'rm cloudgreet_bad.key';
SELECT count(*) AS stored FROM cloudgreet_private.secrets WHERE name = 'name';

-- A key of 32 bytes works as well, one with a line's end, and one behind a symbolic link.
COPY (SELECT WHERE false) TO PROGRAM 'umask 077; head -c 32 /dev/zero > cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT WHERE false) TO PROGRAM 'ln -sf cloudgreet_regress.key cloudgreet_bad.key';
SELECT cloudgreet.set_secret('name', 'value', :'business');
COPY (SELECT WHERE false) TO PROGRAM 'rm cloudgreet_bad.key';

-- Secrets go with their business.
DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
SELECT count(*) AS left_over FROM cloudgreet_private.secrets WHERE business_id IN (:'business', :'other');

\set ECHO none
\i test/lib/drop_master_key.sql
