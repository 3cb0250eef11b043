/*
 * 900_doctor.sql
 *		What is missing or unsafe in an installation, each with the line that mends it.
 *
 * A line is SQL that runs as it is printed, up to a comment, or it is prose: then it has no
 * statement in it, only names of functions.  test/t/080_doctor.pl runs each for planted faults.
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

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_gate()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    WITH gate AS (
        SELECT current_setting('cloudgreet.gate')::boolean AS is_wanted,
               current_setting('cloudgreet.gate_conninfo') <> '' AS has_conninfo,
               cloudgreet_private.setting_names('cloudgreet.databases', true) AS served,
               current_database() AS this,
               (SELECT regexp_match(query, '^HTTP gate \d+ listens on port ([1-9]\d*)(.*)$') FROM pg_stat_activity
                 WHERE backend_type = 'cloudgreet supervisor') AS listens
          -- Without preload there is no supervisor, and nothing to say but that.
         WHERE cloudgreet_private.setting_names('shared_preload_libraries', false) && '{cloudgreet,$libdir/cloudgreet}'),
    session AS (
        SELECT datname FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate')
    SELECT 'warning', 'this database is not served: it has no dispatcher' || CASE WHEN has_conninfo THEN '' ELSE ' and no HTTP gate' END,
           format('ALTER SYSTEM SET cloudgreet.databases = %L; SELECT pg_reload_conf();', quote_ident(this))
      FROM gate WHERE served = '{}'
    UNION ALL
    SELECT 'note', format('this database is not served; %s is', array_to_string(served, ', ')),
           format('ALTER SYSTEM SET cloudgreet.databases = %L; SELECT pg_reload_conf();  -- adds a dispatcher here; the HTTP gate stays with "%s"',
                  current_setting('cloudgreet.databases') || ', ' || quote_ident(this), served[1])
      FROM gate WHERE served <> '{}' AND NOT this = ANY (served)
    UNION ALL
    SELECT 'note', 'there is no HTTP gate: cloudgreet.gate is off', 'ALTER SYSTEM SET cloudgreet.gate = on; SELECT pg_reload_conf();'
      FROM gate WHERE NOT is_wanted
    UNION ALL
    SELECT 'error', 'the HTTP gate does not listen',
           'The server''s log says why; often cloudgreet.gate_port is taken. ALTER SYSTEM SET cloudgreet.gate_port = 8788; SELECT pg_reload_conf();'
      FROM gate WHERE is_wanted AND (served <> '{}' OR has_conninfo) AND listens IS NULL
    UNION ALL
    SELECT 'error', format('the HTTP gate still listens on port %s as before: cloudgreet.gate_port or cloudgreet.gate_listen_addresses cannot be used', listens[1]),
           'The server''s log says why; often the port is taken. Free it or choose another, then SELECT pg_reload_conf();'
      FROM gate WHERE is_wanted AND listens[2] <> ''
    UNION ALL
    SELECT 'error', 'the HTTP gate cannot connect to this database as role "cloudgreet_gate"',
           'With peer authentication add to pg_ident.conf "cloudgreet postgres cloudgreet_gate", and to pg_hba.conf, above the other lines, "local all cloudgreet_gate peer map=cloudgreet"; then SELECT pg_reload_conf();'
      FROM gate WHERE is_wanted AND NOT has_conninfo AND this = served[1] AND listens IS NOT NULL AND NOT EXISTS (SELECT FROM session WHERE datname = this)
    UNION ALL
    SELECT 'error', 'the HTTP gate cannot connect as cloudgreet.gate_conninfo says', 'The server''s log says why.'
      FROM gate WHERE is_wanted AND has_conninfo AND listens IS NOT NULL AND NOT EXISTS (SELECT FROM session)
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_gate() IS
    'The part of doctor() about who is served: whether the HTTP gate runs, listens where it should, and reaches this database if it is the first.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_gate() FROM PUBLIC;

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
           'ALTER SYSTEM SET cloudgreet.master_key_file = ''/etc/cloudgreet/master.key''; SELECT pg_reload_conf();  -- a file made as docs/install.md says'
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
               string_agg(format('SELECT cloudgreet.retire_jwt_key(%L);', kid), ' ' ORDER BY kid) FILTER (WHERE kid IS NOT NULL),
               CASE WHEN count(kid) > 0 THEN '-- then add_jwt_key() with a new kid and at least 32 bytes' END,
               CASE WHEN count(secret) > 0 THEN '-- and set_secret() for each name of list_secrets()' END)
      FROM foreign_key HAVING count(*) > 0
    UNION ALL
    -- Only rows that the key in use should open: the others are counted above.
    SELECT 'error', format('token key "%s" cannot be used: %s', kid, fault),
           format('SELECT cloudgreet.retire_jwt_key(%L);  -- then add_jwt_key() with a new kid and at least 32 bytes', kid)
      FROM (SELECT k.kid, CASE WHEN f.fault IS NULL AND f.key_id = k.key_id
                               THEN cloudgreet.jwt_key_fault(k.kid, k.key_id, k.nonce, k.ciphertext) END AS fault
              FROM cloudgreet_private.jwt_keys k, file f WHERE k.is_active) k
     WHERE k.fault IS NOT NULL
    UNION ALL
    SELECT 'error', format('secret "%s" of business %s is damaged: the master key does not open it', name, business_id),
           'Store it again by cloudgreet.set_secret().'
      FROM (SELECT DISTINCT ON (s.business_id, s.name) s.business_id, s.name,
                   CASE WHEN f.fault IS NULL AND f.key_id = s.key_id
                        THEN cloudgreet.secret_opens(s.business_id, s.name, s.version, s.key_id, s.nonce, s.ciphertext) END AS opens
              FROM cloudgreet_private.secrets s, file f
             ORDER BY s.business_id, s.name, s.version DESC) s
     WHERE NOT s.opens
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
    SELECT 'warning', format('account %s of business %s at %s is paused: %s messages are kept', a.name, a.business_id, initcap(a.provider), h.messages),
        format('SELECT cloudgreet.resume_account(%L, %L);  -- or cancel_delivery() of each', a.id, a.business_id)
      FROM cloudgreet.provider_accounts a,
           LATERAL (SELECT count(*) AS messages FROM cloudgreet_private.outbox o WHERE o.account_id = a.id AND o.state = 'held') h
     WHERE a.status = 'paused' AND h.messages > 0
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
        'Set cloudgreet.public_url to the URL of the proxy before the gate (ALTER SYSTEM, then reload).'
     WHERE current_setting('cloudgreet.public_url', true) = '' AND EXISTS (SELECT FROM cloudgreet.provider_accounts a WHERE a.provider = 'telnyx')
    UNION ALL
    SELECT 'error', format('account %s of business %s names secret "%s" as its %s, which is not stored', a.name, a.business_id, used.value, used.key),
        'Store it by cloudgreet.set_secret().'
      FROM cloudgreet.provider_accounts a, jsonb_each_text(a.secret_names) used
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.secrets s WHERE s.business_id = a.business_id AND s.name = used.value)
    UNION ALL
    SELECT 'error', format('the %s of account %s of business %s cannot be one of %s: %s', k.use, k.account, k.business_id, initcap(k.provider), k.fault),
        'Store the right one by cloudgreet.set_secret(), as the provider shows it.'
      FROM (SELECT a.business_id, a.provider, a.name AS account, used.key AS use,
                   CASE WHEN m.fault IS NULL AND s.key_id = m.key_id
                        THEN cloudgreet.secret_fault(s.business_id, s.name, s.version, s.key_id, s.nonce, s.ciphertext, a.provider, used.key) END AS fault
              FROM cloudgreet.master_key_status() m, cloudgreet.provider_accounts a, jsonb_each_text(a.secret_names) used,
                   LATERAL (SELECT v.* FROM cloudgreet_private.secrets v
                             WHERE v.business_id = a.business_id AND v.name = used.value ORDER BY v.version DESC LIMIT 1) s
             WHERE used.key IN ('api_key', 'webhook_key')) k
     -- What does not open at all is said by doctor_keys().
     WHERE k.fault IS NOT NULL AND k.fault !~ 'master key'
    UNION ALL
    SELECT 'note', format('%s phone numbers are claimed and lead nowhere until an operator gives them', count(*)),
        'SELECT n.business_id, n.phone_number, n.created_at FROM cloudgreet.phone_numbers n WHERE n.confirmed_at IS NULL;  -- confirm_phone_number() or remove_phone_number() of each'
      FROM cloudgreet.phone_numbers n WHERE n.confirmed_at IS NULL HAVING count(*) > 0
    UNION ALL
    SELECT 'warning', format('business %s has a calendar of Google, which nothing reads yet: what stands in it takes no time', g.business_id),
        'Enter what takes time by rows of time_off until it is read.'
      FROM (SELECT c.business_id FROM cloudgreet.calendar_connections c
            UNION SELECT a.business_id FROM cloudgreet.provider_accounts a WHERE a.provider = 'google') g;
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
           'Correct its subject or content in the table message_templates.'
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

CREATE OR REPLACE FUNCTION cloudgreet_private.is_tenant_table(target oid) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT is_tenant_table.target = 'cloudgreet.businesses'::regclass
        OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = is_tenant_table.target AND a.attname = 'business_id' AND NOT a.attisdropped)
$$;
COMMENT ON FUNCTION cloudgreet_private.is_tenant_table(oid) IS 'Whether rows of the table belong to a business, so that policies can be made for it.';
REVOKE ALL ON FUNCTION cloudgreet_private.is_tenant_table(oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor_findings()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    preloaded CONSTANT text[] := cloudgreet_private.setting_names('shared_preload_libraries', false);
    is_standby CONSTANT boolean := pg_is_in_recovery();
BEGIN
    RETURN QUERY SELECT 'error', 'PostgreSQL ' || current_setting('server_version') || ' lacks fixes that row security needs',
        'Upgrade to the newest minor release (at least 15.14, 16.10 or 17.6).'
     WHERE current_setting('server_version_num')::int BETWEEN 150000 AND 150013
        OR current_setting('server_version_num')::int BETWEEN 160000 AND 160009
        OR current_setting('server_version_num')::int BETWEEN 170000 AND 170005;

    RETURN QUERY SELECT 'error', 'the library is not preloaded: statements with secrets may be logged before it is there, and no HTTP gate is started',
        -- Each by itself: one literal would be one name.
        format('ALTER SYSTEM SET shared_preload_libraries = %s;  -- then restart',
               (SELECT string_agg(quote_literal(name), ', ') FROM unnest(preloaded || '{cloudgreet}') AS name))
     WHERE NOT preloaded && '{cloudgreet,$libdir/cloudgreet}';

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_keys();

    RETURN QUERY SELECT 'error', 'there is no active token key: nobody can sign in',
        'Add one by cloudgreet.add_jwt_key(), with a kid that is new and a secret of at least 32 bytes.'
     WHERE NOT EXISTS (SELECT FROM cloudgreet_private.jwt_keys WHERE is_active);

    -- A standby sends nothing, as it should.
    RETURN QUERY SELECT CASE WHEN w.waiting > 0 THEN 'error' ELSE 'warning' END,
        'this database sends nothing. ' || i.reason
            || CASE WHEN i.state = 'copy' AND w.timeline > 1 THEN format(' The server was promoted (timeline %s).', w.timeline) ELSE '' END
            || CASE WHEN w.waiting > 0 THEN format(' Requests that wait: %s.', w.waiting) ELSE '' END,
        -- What a subscription brings, another database sends about: activate() refuses until it is gone.
        CASE WHEN s.lines IS NOT NULL THEN s.lines || '  -- once the other database is stopped, if this one is to take over; then activate()'
             ELSE 'SELECT cloudgreet.activate();  -- if it is the one that may send' END
            || CASE WHEN i.state = 'copy' AND w.timeline > 1 THEN ', and the old primary is certain to be down' ELSE '' END
      FROM cloudgreet.installation_status() i,
           (SELECT CASE WHEN NOT is_standby THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline,
                   (SELECT count(*) FROM cloudgreet_private.outbox o WHERE o.state = 'queued' AND o.deadline_at > cloudgreet.clock()) AS waiting) w,
           (SELECT string_agg(format('DROP SUBSCRIPTION %I;', u.subname), ' ' ORDER BY u.subname) AS lines FROM pg_subscription u
             WHERE EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
                            WHERE r.srsubid = u.oid AND c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace))) s
     WHERE i.state <> 'active' AND NOT is_standby;

    RETURN QUERY SELECT 'error', 'cloudgreet.clock has a test value', 'ALTER SYSTEM RESET cloudgreet.clock; SELECT pg_reload_conf();'
     WHERE current_setting('cloudgreet.clock', true) <> '';

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_roles();

    RETURN QUERY SELECT 'warning', 'the server''s log may show tokens and bodies of requests',
        'ALTER ROLE cloudgreet_gate SET log_parameter_max_length = 0; ALTER ROLE cloudgreet_gate SET log_parameter_max_length_on_error = 0;'
     WHERE NOT (SELECT coalesce(r.rolconfig, '{}') @> '{log_parameter_max_length=0,log_parameter_max_length_on_error=0}'
                  FROM pg_roles r WHERE r.rolname = 'cloudgreet_gate');

    RETURN QUERY SELECT 'error', format('table %s does not isolate tenants', c.oid::regclass),
        CASE WHEN cloudgreet_private.is_tenant_table(c.oid) THEN 'SELECT cloudgreet_private.apply_permissions();'
             ELSE format('ALTER TABLE %s SET SCHEMA public;  -- it has no business_id', c.oid::regclass) END
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner = 'cloudgreet_owner'::regrole
       AND (NOT (c.relrowsecurity AND c.relforcerowsecurity)
            OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive));

    RETURN QUERY SELECT 'warning', format('table %s belongs to role "%s": row security does not hold for that role', c.oid::regclass, c.relowner::regrole),
        CASE WHEN cloudgreet_private.is_tenant_table(c.oid)
             THEN format('ALTER TABLE %s OWNER TO cloudgreet_owner; SELECT cloudgreet_private.apply_permissions();', c.oid::regclass)
             ELSE format('ALTER TABLE %s SET SCHEMA public;  -- it has no business_id', c.oid::regclass) END
      FROM pg_class c
     WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p') AND c.relowner <> 'cloudgreet_owner'::regrole;

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_gate();
    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_sending();
    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_templates();

    RETURN QUERY SELECT * FROM cloudgreet_private.doctor_work() WHERE NOT is_standby;

    RETURN QUERY SELECT 'error', format('this system does not know the time zone "%s" of %s', z.time_zone, z.whose),
        'Install the names of old (on Debian 13 the package tzdata-legacy), or set a name that the system has, such as America/New_York.'
      FROM (SELECT u.time_zone, string_agg(format('%s rows of %s', u.row_count, u.used_in), ', ' ORDER BY u.used_in) AS whose
              FROM cloudgreet_private.unknown_time_zones() u GROUP BY u.time_zone) z;

    RETURN QUERY SELECT 'error', format('history "%s" has partitions for %s more months only', h.relname, h.ahead),
        'SELECT cloudgreet_private.maintain_partitions();'
      FROM (SELECT c.relname, (SELECT count(*) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
                                WHERE i.inhparent = c.oid AND p.relname > c.relname || to_char(now() AT TIME ZONE 'UTC', '"_p"YYYY_MM')) AS ahead
              FROM pg_class c
             WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind = 'p') h
     WHERE h.ahead < 1;

    RETURN QUERY SELECT 'warning', format('setting %s is %s: a crash of the machine can lose or damage data', s.name, s.setting),
        format('ALTER SYSTEM RESET %s; SELECT pg_reload_conf();', s.name)
      FROM pg_settings s WHERE s.name IN ('fsync', 'full_page_writes') AND s.setting = 'off';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor_findings() IS
    'The part of doctor() for a schema that fits the library, with the lines for a primary.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor_findings() FROM PUBLIC;

CREATE OR REPLACE FUNCTION cloudgreet_private.doctor()
    RETURNS TABLE (severity text, problem text, mend text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    is_preloaded CONSTANT boolean := cloudgreet_private.setting_names('shared_preload_libraries', false) && '{cloudgreet,$libdir/cloudgreet}';
BEGIN
    -- A standby takes settings, but nothing that writes; a session without the library knows
    -- none of its settings.
    RETURN QUERY SELECT f.severity, f.problem,
        CASE WHEN NOT is_preloaded AND f.mend ~ '^ALTER SYSTEM (SET|RESET) cloudgreet\.' THEN 'LOAD ''cloudgreet''; ' || f.mend
             WHEN pg_is_in_recovery() AND f.mend ~ '\m(SELECT cloudgreet|ALTER ROLE|ALTER TABLE|REVOKE|UPDATE) ?'
             THEN 'On the primary: ' || f.mend ELSE f.mend END
      FROM cloudgreet_private.doctor_findings() f;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.doctor() IS
    'The part of doctor() for a schema that fits the library; on a standby the lines that only its primary can run say so.';
REVOKE ALL ON FUNCTION cloudgreet_private.doctor() FROM PUBLIC;
