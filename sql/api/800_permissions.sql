/*
 * 800_permissions.sql
 *		The permission matrix: what each role may do in each table, and which functions
 *		it may call.  Policies, grants, the checks in the functions and the tests are
 *		generated from it.
 *
 * s, i, u, d: select, insert, update, delete.  A table without a letter for a role is
 * closed to it.  What must keep several rows in step (appointments and the time they
 * take, numbers and their routes, messages and their sending) is written by functions
 * only.  Histories are never rewritten, by service_role neither: the timeline and the
 * audit log are written by the system, the others only grow.
 */
DELETE FROM cloudgreet_private.permissions WHERE true;
INSERT INTO cloudgreet_private.permissions (table_name, app_role, verb)
SELECT m.table_name, r.app_role,
       CASE letter WHEN 's' THEN 'select' WHEN 'i' THEN 'insert' WHEN 'u' THEN 'update' WHEN 'd' THEN 'delete' END
  FROM (VALUES
    -- table                    admin   user    agent   service_role
    ('businesses',              'su',   's',    's',    'siu'),  -- delete_business() deletes
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

/*
 * Who may call a function of schema cloudgreet: all functions of that name.
 *
 * admin, user, agent: the application role of a token that names its business, which the
 * function asks by business_for(); authenticated: any token, for what asks nothing.
 * service_role: operators.  The others are database roles.  A function without a row is
 * for superusers, or for other functions, only.
 */
DELETE FROM cloudgreet_private.function_permissions WHERE true;
INSERT INTO cloudgreet_private.function_permissions (function_name, role_name)
SELECT m.function_name, role_name
  FROM (VALUES
    -- Installing a business and its people; what it is reached by.
    ('create_business',        '                 service_role'),
    ('delete_business',        '                 service_role'),
    ('add_user',               'admin            service_role'),
    ('add_phone_number',       'admin            service_role'),
    ('confirm_phone_number',   '                 service_role'),
    ('remove_phone_number',    'admin            service_role'),
    ('connect_provider',       'admin            service_role'),
    ('pause_account',          'admin            service_role'),
    ('resume_account',         'admin            service_role'),
    ('set_secret',             'admin            service_role'),
    ('delete_secret',          'admin            service_role'),
    ('list_secrets',           'admin            service_role'),
    ('create_service',         'admin            service_role'),
    ('add_staff',              'admin            service_role'),
    ('create_agent',           'admin            service_role'),
    ('start_agent',            'admin            service_role'),
    ('stop_agent',             'admin            service_role'),
    ('agent_status',           'admin user agent service_role'),
    -- Appointments: an agent does for callers what they may ask for.
    ('check_availability',     'admin user agent service_role'),
    ('next_slots',             'admin user agent service_role'),
    ('hold_slot',              'admin user agent service_role'),
    ('confirm_hold',           'admin user agent service_role'),
    ('release_hold',           'admin user agent service_role'),
    ('book_appointment',       'admin user agent service_role'),
    ('reschedule_appointment', 'admin user agent service_role'),
    ('cancel_appointment',     'admin user agent service_role'),
    ('set_appointment_status', 'admin user agent service_role'),
    -- Messages cost money and reach anybody: not for agents.
    ('send_sms',               'admin user       service_role'),
    ('send_email',             'admin user       service_role'),
    ('enroll_in_sequence',     'admin user       service_role'),
    ('create_follow_up',       'admin            service_role'),
    ('lift_opt_out',           'admin            service_role'),
    ('queue_status',           'admin user agent service_role'),
    ('list_requests',          'admin user       service_role'),
    -- It reaches any host with any secret of the business.
    ('enqueue_request',        'admin            service_role'),
    ('request_status',         'admin            service_role'),
    ('retry_delivery',         'admin            service_role'),
    ('cancel_delivery',        'admin            service_role'),
    ('replay_webhook',         'admin            service_role'),
    -- Scores.
    ('score_lead',             'admin user agent service_role'),
    ('simulate_score',         'admin user agent service_role'),
    ('explain_score',          'admin user agent service_role'),
    ('set_scoring_rules',      'admin            service_role'),
    ('business_country',       'authenticated    service_role'),
    ('check_write_rows',       'authenticated    service_role'),
    ('score_features',         'authenticated    service_role'),
    ('default_scoring_rules',  'authenticated    service_role'),
    ('default_scoring_model',  'authenticated    service_role'),
    ('is_scoring_rules',       'authenticated    service_role'),
    ('is_scoring_model',       'authenticated    service_role'),
    -- Of use to everyone, and harmless.
    ('uuid_v7',                'anon authenticated service_role authenticator cloudgreet_app'),
    ('uuid_v7_floor',          'anon authenticated service_role authenticator cloudgreet_app'),
    ('uuid_v7_time',           'anon authenticated service_role authenticator cloudgreet_app'),
    ('clock',                  'anon authenticated service_role authenticator cloudgreet_app'),
    ('say_time',               'anon authenticated service_role authenticator cloudgreet_app'),
    ('is_phone_number',        'anon authenticated service_role authenticator cloudgreet_app'),
    ('is_email',               'anon authenticated service_role authenticator cloudgreet_app'),
    ('is_time_zone',           'anon authenticated service_role authenticator cloudgreet_app'),
    ('normalize_phone_number', 'anon authenticated service_role authenticator cloudgreet_app'),
    ('phone_party',            'anon authenticated service_role authenticator cloudgreet_app'),
    ('phone_number_kind',      'anon authenticated service_role authenticator cloudgreet_app'),
    ('normalize_email',        'anon authenticated service_role authenticator cloudgreet_app'),
    ('read_email',             'anon authenticated service_role authenticator cloudgreet_app'),
    ('normalize_contact',      'anon authenticated service_role authenticator cloudgreet_app'),
    ('normalize_time_zone',    'anon authenticated service_role authenticator cloudgreet_app'),
    ('time_zone_country',      'anon authenticated service_role authenticator cloudgreet_app'),
    ('sms_segments',           'anon authenticated service_role authenticator cloudgreet_app'),
    ('current_business_id',    'anon authenticated service_role authenticator cloudgreet_app'),
    ('current_user_id',        'anon authenticated service_role authenticator cloudgreet_app'),
    ('current_app_role',       'anon authenticated service_role authenticator cloudgreet_app'),
    ('is_operator',            'anon authenticated service_role authenticator cloudgreet_app'),
    ('resolve_business',       'anon admin user agent service_role authenticator cloudgreet_app'),
    -- For operators and for what runs by itself.
    ('verify_webhook',         'service_role'),
    ('is_active',              'service_role'),
    ('installation_status',    'service_role'),
    ('login',                  'authenticator cloudgreet_app'),
    ('http',                   'cloudgreet_gate'),
    ('http_caller',            'cloudgreet_gate'),
    ('tick',                   'cloudgreet_cron')
  ) AS m (function_name, roles)
 CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(pg_catalog.btrim(m.roles), ' +') AS role_name;
