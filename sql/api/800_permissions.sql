/*
 * 800_permissions.sql
 *		The permission matrix: what each role may do in each table.
 *
 * s, i, u, d: select, insert, update, delete.  A table without a letter for a role is
 * closed to it.  What must keep several rows in step (appointments and the time they
 * take, numbers and their routes, messages and their sending) is written by functions
 * only.  Histories are never rewritten, by service_role neither: the timeline and the
 * audit log are written by the system, the others only grow.
 */
TRUNCATE cloudgreet_private.permissions;
INSERT INTO cloudgreet_private.permissions (table_name, app_role, verb)
SELECT m.table_name, r.app_role,
       CASE letter WHEN 's' THEN 'select' WHEN 'i' THEN 'insert' WHEN 'u' THEN 'update' WHEN 'd' THEN 'delete' END
  FROM (VALUES
    -- table                    admin   user    agent   service_role
    ('businesses',              'su',   's',    's',    'siud'),
    ('users',                   'siu',  's',    's',    'siud'), -- deactivated, not deleted: a token would outlive the row
    ('provider_accounts',       's',    '',     '',     'siud'),
    ('phone_numbers',           's',    's',    's',    'siud'),
    ('api_keys',                's',    '',     '',     'siud'),
    ('feature_flags',           'siud', 's',    's',    'siud'),
    ('ai_agents',               'siud', 's',    's',    'siud'),
    ('leads',                   'siud', 'siu',  'siu',  'siud'),
    ('calls',                   's',    's',    's',    'siud'),
    ('agent_conversations',     's',    's',    's',    'siud'),
    ('sms_messages',            's',    's',    's',    'siud'),
    ('emails',                  's',    's',    's',    'siud'),
    ('services',                'siud', 's',    's',    'siud'),
    ('staff',                   'siud', 's',    's',    'siud'),
    ('service_staff',           'sid',  's',    's',    'siud'),
    ('working_hours',           'siud', 's',    's',    'siud'),
    ('schedule_overrides',      'siud', 's',    's',    'siud'),
    ('time_off',                'siud', 'siud', 's',    'siud'),
    ('appointments',            's',    's',    's',    'siud'),
    ('appointment_allocations', 's',    's',    's',    'siud'),
    ('appointment_reminders',   's',    's',    's',    'siud'),
    ('calendar_connections',    'sd',   's',    '',     'siud'),
    ('busy_blocks',             's',    's',    's',    'siud'),
    ('message_templates',       'siud', 's',    's',    'siud'),
    ('sequences',               'siud', 's',    's',    'siud'),
    ('sequence_steps',          'siud', 's',    's',    'siud'),
    ('sequence_enrollments',    's',    's',    's',    'siud'),
    ('consents',                'si',   'si',   'si',   'si'),
    ('suppressions',            'sid',  'si',   'si',   'siud'),
    ('scoring_models',          's',    's',    's',    'si'),
    ('scoring_rules',           'si',   's',    's',    'si'),
    ('lead_qualification',      's',    's',    's',    'si'),
    ('lead_outcomes',           'si',   'si',   's',    'si'),
    ('events',                  's',    's',    's',    's'),
    ('audit_log',               's',    '',     '',     's'),
    ('alerts',                  'su',   'su',   '',     'siud')
  ) AS m (table_name, admin, "user", agent, service_role)
 CROSS JOIN LATERAL (VALUES ('admin', m.admin), ('user', m."user"), ('agent', m.agent),
                            ('service_role', m.service_role)) AS r (app_role, letters)
 CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(r.letters, '') AS letter
 WHERE letter <> '';
