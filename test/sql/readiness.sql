/*
 * readiness.sql
 *		/api/health?ready=1: what keeps a server from serving, and what it serves without effect.
 */
\set ECHO none
\i test/lib/ask.sql
SELECT public.mint(public.claims(:'business', 'admin'), :'secret') AS token \gset
CREATE FUNCTION public.ready() RETURNS TABLE (status int, body text) LANGUAGE sql AS $$ SELECT a.status, a.body FROM public.ask('GET', '/api/health?ready=1') a $$;
COPY (SELECT repeat('fedcba9876543210', 4)) TO PROGRAM 'umask 077; cat > cloudgreet_other.key';
\set ECHO all
\pset format unaligned
\pset tuples_only on
SELECT * FROM public.ready();
-- A master key that is none, or another one: nothing that is sealed can be opened, and no token judged.
SET cloudgreet.master_key_file = '/nonexistent';
SELECT * FROM public.ready();
SET cloudgreet.master_key_file = 'cloudgreet_other.key';
SELECT * FROM public.ready();
SELECT status FROM public.ask('GET', '/api/leads', :'token');
SET cloudgreet.master_key_file = 'cloudgreet_regress.key';
-- What is served without effect is said, and keeps nobody away: a copy or a paused database sends nothing, and nobody does what is due.
BEGIN;
SELECT cloudgreet.pause();
SELECT * FROM public.ready();
UPDATE cloudgreet_private.installation SET is_paused = false, database_oid = 1;
SELECT * FROM public.ready();
ROLLBACK;
BEGIN;
INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at) VALUES (:'business', 'reminder', gen_random_uuid(), cloudgreet.clock() - interval '9 minutes');
SELECT * FROM public.ready();
UPDATE cloudgreet_private.due_work SET due_at = due_at - interval '2 minutes' WHERE business_id = :'business';
SELECT * FROM public.ready();
ROLLBACK;

\set ECHO none
DROP FUNCTION public.ready;
COPY (SELECT 1) TO PROGRAM 'rm cloudgreet_other.key';
\i test/lib/drop_ask.sql
