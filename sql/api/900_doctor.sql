/*
 * 900_doctor.sql
 *		What is missing or unsafe in an installation, each with the line that mends it.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.setting_names(setting text, are_folded boolean) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT coalesce(array_agg(CASE WHEN name ~ '^"' THEN trim(BOTH '"' FROM name) WHEN are_folded THEN lower(name) ELSE name END), '{}')
      FROM regexp_split_to_table(current_setting(setting_names.setting, true), '\s*,\s*') AS name
     WHERE name <> ''
$$;
COMMENT ON FUNCTION cloudgreet_private.setting_names(text, boolean) IS 'The names that a setting lists, without their quotes; those without any in lower case if they are folded.';
REVOKE ALL ON FUNCTION cloudgreet_private.setting_names(text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_front()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH front AS (
        SELECT current_setting('cloudgreet.gate')::boolean AS is_wanted,
               current_setting('cloudgreet.gate_conninfo') <> '' AS has_conninfo,
               cloudgreet_private.setting_names('cloudgreet.databases', true) AS served,
               current_database() AS this,
               (SELECT regexp_match(query, '^HTTP front \d+ listens on port ([1-9]\d*)(.*)$') FROM pg_stat_activity
                 WHERE backend_type = 'cloudgreet supervisor') AS listens
          -- Without preload there is no supervisor, and nothing to say but that.
         WHERE cloudgreet_private.setting_names('shared_preload_libraries', false) && '{cloudgreet,$libdir/cloudgreet}'),
    session AS (
        SELECT datname FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate')
    SELECT 'warning', 'this database is not served: it has no dispatcher' || CASE WHEN has_conninfo THEN '' ELSE ' and no HTTP front' END,
           format('ALTER SYSTEM SET cloudgreet.databases = %L; SELECT pg_reload_conf();', quote_ident(this))
      FROM front WHERE served = '{}'
    UNION ALL
    SELECT 'note', format('this database is not served; %s is', array_to_string(served, ', ')),
           format('ALTER SYSTEM SET cloudgreet.databases = %L; SELECT pg_reload_conf();  -- adds a dispatcher here; the HTTP front stays with "%s"',
                  current_setting('cloudgreet.databases') || ', ' || quote_ident(this), served[1])
      FROM front WHERE served <> '{}' AND NOT this = ANY (served)
    UNION ALL
    SELECT 'note', 'there is no HTTP front: cloudgreet.gate is off', 'ALTER SYSTEM SET cloudgreet.gate = on; SELECT pg_reload_conf();'
      FROM front WHERE NOT is_wanted
    UNION ALL
    SELECT 'error', 'the HTTP front does not listen',
           'The server''s log says why; often cloudgreet.gate_port is taken. ALTER SYSTEM SET cloudgreet.gate_port = 8788; SELECT pg_reload_conf();'
      FROM front WHERE is_wanted AND (served <> '{}' OR has_conninfo) AND listens IS NULL
    UNION ALL
    SELECT 'error', format('the HTTP front still listens on port %s as before: cloudgreet.gate_port or cloudgreet.gate_listen_addresses cannot be used', listens[1]),
           'The server''s log says why; often the port is taken. Free it or choose another, then SELECT pg_reload_conf();'
      FROM front WHERE is_wanted AND listens[2] <> ''
    UNION ALL
    SELECT 'error', 'the HTTP front cannot connect to this database as role "cloudgreet_gate"',
           'With peer authentication add to pg_ident.conf "cloudgreet postgres cloudgreet_gate", and to pg_hba.conf, above the other lines, "local all cloudgreet_gate peer map=cloudgreet"; then SELECT pg_reload_conf();'
      FROM front WHERE is_wanted AND NOT has_conninfo AND this = served[1] AND listens IS NOT NULL AND NOT EXISTS (SELECT FROM session WHERE datname = this)
    UNION ALL
    SELECT 'error', 'the HTTP front cannot connect as cloudgreet.gate_conninfo says', 'The server''s log says why.'
      FROM front WHERE is_wanted AND has_conninfo AND listens IS NOT NULL AND NOT EXISTS (SELECT FROM session)
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_front() IS
    'The part of doctor() about who is served: whether the HTTP front runs, listens where it should, and reaches this database if it is the first.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_front() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_keys()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH file AS (
        SELECT s.*, quote_literal(f.name) AS name, f.name AS plain_name, f.data,
               format('in a shell, as root: (umask 077; openssl rand -hex 32 > %1$L) && chown --reference=%2$L %1$L', f.name, f.data) AS new_key,
               'Bring the right file back: a new key opens nothing of what is stored. If it is gone for good, docs/operations.md has "Lost master key".' AS old_key
          FROM (SELECT current_setting('cloudgreet.master_key_file', true) AS name, current_setting('data_directory') AS data) f,
               cloudgreet.master_key_status() s),
    used AS (
        SELECT key_id, kid, NULL AS secret FROM cloudgreet_private.jwt_keys WHERE is_active
        UNION ALL
        (SELECT DISTINCT ON (business_id, name) key_id, NULL, name FROM cloudgreet_private.secrets ORDER BY business_id, name, version DESC)),
    foreign_key AS (
        SELECT u.* FROM used u JOIN file f ON u.key_id <> f.key_id)
    SELECT 'error', 'there is no master key: secrets and token keys can be neither stored nor used',
           'ALTER SYSTEM SET cloudgreet.master_key_file = ''/etc/cloudgreet/master.key''; SELECT pg_reload_conf();'
      FROM file WHERE fault = 'unnamed'
    UNION ALL
    SELECT 'error', format('could not use master key file %s: %s', name, reason),
           CASE WHEN fault = 'owner' THEN format('in a shell, as root: chown --reference=%L %s', data, name)
                WHEN fault = 'mode' THEN format('in a shell, as root: chmod 600 %s', name)
                WHEN fault = 'unreadable' THEN format('Let the server''s user enter the directories of %s and read it.', name)
                WHEN EXISTS (SELECT FROM used) THEN old_key
                ELSE new_key END
      FROM file WHERE fault <> 'unnamed'
    UNION ALL
    SELECT 'error', format('%s token keys and %s secrets in use were sealed with another master key', count(kid), count(secret)),
           'Bring the old key file back. If it is lost: ' || concat_ws(' ',
               string_agg(format('SELECT cloudgreet.retire_jwt_key(%L);', kid), ' ' ORDER BY kid),
               CASE WHEN count(kid) > 0 THEN 'SELECT cloudgreet.add_jwt_key(''<new kid>'', ''<at least 32 bytes>'');' END,
               CASE WHEN count(secret) > 0 THEN 'SELECT cloudgreet.set_secret(''<name>'', ''<value>'', ''<business>'');  -- each' END)
      FROM foreign_key HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', 'the master key lies in the data directory and travels with every base backup',
           'Move it, for example to /etc/cloudgreet, and change cloudgreet.master_key_file.'
      FROM file WHERE fault IS DISTINCT FROM 'unnamed' AND (plain_name !~ '^/' OR starts_with(plain_name, data || '/'))
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_keys() IS
    'The part of doctor() about the master key, and what is in use that was sealed with another one.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_keys() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_sending()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT 'error', format('%s refuses the key of an account of business %s: its messages are kept', initcap(a.provider), a.business_id),
        'Store the right key by cloudgreet.set_secret(), then cloudgreet.connect_provider() with all that the account has.'
      FROM cloudgreet.provider_accounts a WHERE a.status = 'broken'
    UNION ALL
    SELECT 'warning', format('business %s has no sender for e-mails', a.business_id),
        'cloudgreet.connect_provider(''resend'', ..., ''{"from": "Acme <office@example.com>"}'')'
      FROM cloudgreet.provider_accounts a WHERE a.provider = 'resend' AND NOT coalesce(cloudgreet_private.is_sender(a.settings -> 'from'), false)
    UNION ALL
    SELECT 'warning', format('account %s of business %s has no webhook key: what %s reports is refused', a.name, a.business_id, initcap(a.provider)),
        'Store the key by cloudgreet.set_secret(), then cloudgreet.connect_provider() with "webhook_key".'
      FROM cloudgreet.provider_accounts a WHERE a.provider IN ('telnyx', 'resend') AND NOT a.secret_names ? 'webhook_key'
    UNION ALL
    SELECT 'warning', 'texts are sent without a URL for their reports: whether they arrive stays unknown',
        'ALTER SYSTEM SET cloudgreet.public_url = ''https://<your name>''; SELECT pg_reload_conf();'
     WHERE current_setting('cloudgreet.public_url', true) = '' AND EXISTS (SELECT FROM cloudgreet.provider_accounts a WHERE a.provider = 'telnyx');
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_sending() IS
    'The part of doctor() about accounts at providers and what is missing for messages.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_sending() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_templates()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH judged AS (
        SELECT t.business_id, t.name, t.channel, s.is_of_step, a.is_of_appointment, cloudgreet_private.template_fault(t.subject, t.content,
                   ARRAY(SELECT jsonb_object_keys(cloudgreet_private.sample_variables(t.business_id, a.is_of_appointment AND NOT s.is_of_step)))) AS fault
          FROM cloudgreet.message_templates t
          CROSS JOIN LATERAL (SELECT t.name = ANY (cloudgreet_private.appointment_templates()) AND (t.name <> 'declined' OR t.channel = 'sms') AS is_of_appointment) a
          CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM cloudgreet.sequence_steps s WHERE s.business_id = t.business_id AND s.template_id = t.id) AS is_of_step) s)
    SELECT 'error', format('template "%s" (%s) of business %s is not sent: %s', j.name, j.channel, j.business_id, j.fault),
           'Correct its content: UPDATE cloudgreet.message_templates ...'
      FROM judged j WHERE j.fault IS NOT NULL
    UNION ALL
    SELECT 'note', format('template "%s" (%s) of business %s is used by nothing', j.name, j.channel, j.business_id),
           'Name it in a step of a sequence, or delete it.'
      FROM judged j WHERE NOT j.is_of_appointment AND NOT j.is_of_step
       -- The e-mail of a step is for those who have no phone.
       AND NOT EXISTS (SELECT FROM cloudgreet.message_templates t JOIN cloudgreet.sequence_steps s ON s.business_id = t.business_id AND s.template_id = t.id
                        WHERE t.business_id = j.business_id AND t.name = j.name AND t.channel = 'sms')
    UNION ALL
    SELECT 'note', format('business %s follows up no calls: it has no active sequence "%s"', b.id, b.settings ->> 'follow_up_sequence'),
           'Correct its setting follow_up_sequence, or make the sequence by cloudgreet.create_follow_up().'
      FROM cloudgreet.businesses b
     WHERE b.settings ? 'follow_up_sequence' AND NOT EXISTS (
           SELECT FROM cloudgreet.sequences s WHERE s.business_id = b.id AND s.is_active AND s.name = b.settings ->> 'follow_up_sequence');
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_templates() IS
    'The part of doctor() about templates that are not sent, or that nothing sends.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_templates() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    preloaded CONSTANT text[] := cloudgreet_private.setting_names('shared_preload_libraries', false);
    found text;
BEGIN
    RETURN QUERY SELECT 'error', 'PostgreSQL ' || current_setting('server_version') || ' lacks fixes that row security needs',
        'Upgrade to the newest minor release (at least 15.14).'
     WHERE current_setting('server_version_num')::int BETWEEN 150000 AND 150013;

    RETURN QUERY SELECT 'error', 'the library is not preloaded: statements with secrets may be logged before it is there, and no HTTP front is started',
        -- Each by itself: one literal would be one name.
        format('ALTER SYSTEM SET shared_preload_libraries = %s;  -- then restart',
               (SELECT string_agg(quote_literal(name), ', ') FROM unnest(preloaded || '{cloudgreet}') AS name))
     WHERE NOT preloaded && '{cloudgreet,$libdir/cloudgreet}';

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_keys();

    RETURN QUERY SELECT 'error', 'there is no active token key: nobody can sign in',
        'SELECT cloudgreet.add_jwt_key(''main'', ''<at least 32 bytes>'');'
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.jwt_keys WHERE is_active);

    RETURN QUERY SELECT 'warning', 'this database sends nothing. ' || i.reason,
        'SELECT cloudgreet.activate();  -- if it is the one that may send'
      FROM cloudgreet.installation_status() i WHERE i.state <> 'active';

    RETURN QUERY SELECT 'error', 'cloudgreet.clock has a test value', 'ALTER SYSTEM RESET cloudgreet.clock; SELECT pg_reload_conf();'
     WHERE current_setting('cloudgreet.clock', true) <> '';

    RETURN QUERY SELECT 'error', 'role "cloudgreet_owner" is not safe as the owner of the tables',
        'ALTER ROLE cloudgreet_owner NOLOGIN NOSUPERUSER NOBYPASSRLS;  -- and revoke it from its members'
     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'cloudgreet_owner'
                      AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls
                           OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid)));
    RETURN QUERY SELECT 'error', format('role "%s" has rights of its own', r.rolname),
        format('ALTER ROLE %s NOSUPERUSER NOBYPASSRLS;  -- and revoke its memberships', r.rolname)
      FROM pg_roles r
     WHERE r.rolname IN ('cloudgreet_gate', 'cloudgreet_cron')
       AND (r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid));

    RETURN QUERY SELECT 'warning', 'the server''s log may show tokens and bodies of requests',
        'ALTER ROLE cloudgreet_gate SET log_parameter_max_length = 0; ALTER ROLE cloudgreet_gate SET log_parameter_max_length_on_error = 0;'
     WHERE NOT (SELECT coalesce(r.rolconfig, '{}') @> '{log_parameter_max_length=0,log_parameter_max_length_on_error=0}'
                  FROM pg_roles r WHERE r.rolname = 'cloudgreet_gate');

    RETURN QUERY SELECT 'error', format('table %s does not isolate tenants', c.oid::regclass), 'SELECT cloudgreet_private.apply_permissions();'
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'cloudgreet_owner'::regrole
       AND (NOT (c.relrowsecurity AND c.relforcerowsecurity)
            OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive));

    RETURN QUERY SELECT 'warning', format('table %s belongs to role "%s": row security does not hold for that role', c.oid::regclass, c.relowner::regrole),
        format('ALTER TABLE %s OWNER TO cloudgreet_owner; SELECT cloudgreet_private.apply_permissions();', c.oid::regclass)
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner <> 'cloudgreet_owner'::regrole;

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_front();
    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_sending();
    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_templates();

    RETURN QUERY SELECT 'error', format('reminders and follow-ups are late, %s of them: nothing calls tick()', w.late),
        'SELECT cloudgreet.schedule_jobs();  -- with pg_cron; if that was done, cron.job_run_details says why it fails, often because pg_hba.conf does not let cloudgreet_cron in; or have something else call cloudgreet.tick() every minute'
      FROM (SELECT count(*) AS late FROM cloudgreet_private.due_work d WHERE d.due_at < cloudgreet.clock() - interval '5 minutes') w
     WHERE w.late > 0 AND cloudgreet.is_active();

    RETURN QUERY SELECT 'error', format('history "%s" has partitions for %s more months only', h.relname, h.ahead),
        'SELECT cloudgreet_private.maintain_partitions();'
      FROM (SELECT c.relname, (SELECT count(*) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
                                WHERE i.inhparent = c.oid AND p.relname > c.relname || to_char(now() AT TIME ZONE 'UTC', '"_p"YYYY_MM')) AS ahead
              FROM pg_class c
             WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind = 'p') h
     WHERE h.ahead < 2;

    RETURN QUERY SELECT 'warning', format('setting %s is %s: a crash of the machine can lose or damage data', s.name, s.setting),
        format('ALTER SYSTEM RESET %s; SELECT pg_reload_conf();', s.name)
      FROM pg_settings s WHERE s.name IN ('fsync', 'full_page_writes') AND s.setting = 'off';

    SELECT string_agg(rolname, ', ' ORDER BY rolname) INTO found FROM pg_roles r
     WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> 'authenticator'
       AND pg_has_role(r.oid, 'service_role', 'MEMBER');
    RETURN QUERY SELECT 'note', format('login roles that can become service_role and so see every business: %s', found),
        'Give their passwords to trusted programs only.'
     WHERE found IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor() IS
    'The part of doctor() for a schema that fits the library.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor() FROM PUBLIC;
