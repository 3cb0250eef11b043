/*
 * 800_permissions.sql
 *		The permission matrix: what each application role may do in each table.
 *
 * s, i, u, d: select, insert, update, delete.  A table without a letter for a role is
 * closed to it.  What must keep several rows in step (appointments and the time they
 * take, numbers and their routes, messages and their sending) is written by functions
 * only, and histories by the system only.
 */
TRUNCATE cloudgreet_private.permissions;
INSERT INTO cloudgreet_private.permissions (table_name, app_role, verb)
SELECT m.table_name, r.app_role,
       CASE letter WHEN 's' THEN 'select' WHEN 'i' THEN 'insert' WHEN 'u' THEN 'update' WHEN 'd' THEN 'delete' END
  FROM (VALUES
    -- table                    admin   user    agent
    ('businesses',              'su',   's',    's'),
    ('users',                   'siu',  's',    's'), -- deactivated, never deleted: a token would outlive the row
    ('provider_accounts',       's',    '',     ''),
    ('phone_numbers',           's',    's',    's'),
    ('api_keys',                's',    '',     ''),
    ('feature_flags',           'siud', 's',    's'),
    ('ai_agents',               'siud', 's',    's'),
    ('leads',                   'siud', 'siu',  'siu'),
    ('calls',                   's',    's',    's'),
    ('agent_conversations',     's',    's',    's'),
    ('sms_messages',            's',    's',    's'),
    ('emails',                  's',    's',    's'),
    ('services',                'siud', 's',    's'),
    ('staff',                   'siud', 's',    's'),
    ('service_staff',           'sid',  's',    's'),
    ('working_hours',           'siud', 's',    's'),
    ('schedule_overrides',      'siud', 's',    's'),
    ('time_off',                'siud', 'siud', 's'),
    ('appointments',            's',    's',    's'),
    ('appointment_allocations', 's',    's',    's'),
    ('appointment_reminders',   's',    's',    's'),
    ('calendar_connections',    'sd',   's',    ''),
    ('busy_blocks',             's',    's',    's'),
    ('message_templates',       'siud', 's',    's'),
    ('sequences',               'siud', 's',    's'),
    ('sequence_steps',          'siud', 's',    's'),
    ('sequence_enrollments',    's',    's',    's'),
    ('consents',                'si',   'si',   'si'),
    ('suppressions',            'sid',  'si',   'si'),
    ('scoring_models',          's',    's',    's'),
    ('scoring_rules',           'si',   's',    's'),
    ('lead_qualification',      's',    's',    's'),
    ('lead_outcomes',           'si',   'si',   's'),
    ('events',                  's',    's',    's'),
    ('audit_log',               's',    '',     ''),
    ('alerts',                  'su',   'su',   '')
  ) AS m (table_name, admin, "user", agent)
 CROSS JOIN LATERAL (VALUES ('admin', m.admin), ('user', m."user"), ('agent', m.agent)) AS r (app_role, letters)
 CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(r.letters, '') AS letter
 WHERE letter <> '';
