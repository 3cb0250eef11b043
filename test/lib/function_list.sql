/*
 * function_list.sql
 *		The table of docs/sql-api.md: each function of schema cloudgreet, in order, with who
 *		may call it by the permission matrix and what its COMMENT says.  The functions left
 *		out are parts of others.  090_readme.pl compares, docs/developing.md says how to
 *		write it anew.
 */
SELECT format('| `%s(%s)` → %s | %s | %s |', p.proname,
              regexp_replace(replace(pg_get_function_arguments(p.oid), 'timestamp with time zone', 'timestamptz'), $$(DEFAULT (NULL|'[^']*'))::[a-z]+(\[\])?$$, '\1', 'g'),
              regexp_replace(replace(replace(pg_get_function_result(p.oid), 'timestamp with time zone', 'timestamptz'), 'cloudgreet.', ''), '^TABLE\(', 'rows ('),
              coalesce(w.said, r.roles, 'superuser'), obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p
  LEFT JOIN LATERAL (
       SELECT string_agg(f.role_name, ', ' ORDER BY f.role_name) AS roles
         FROM cloudgreet_private.function_permissions f WHERE f.function_name = p.proname) r ON true
  LEFT JOIN (VALUES
       ('admin, service_role', 'admin'),
       ('admin, service_role, user', 'user'),
       ('admin, agent, service_role, user', 'tenant'),
       ('service_role', 'operator'),
       ('authenticated, service_role', 'signed in'),
       ('anon, authenticated, authenticator, cloudgreet_app, service_role', 'everyone')) AS w (roles, said) USING (roles)
 WHERE p.pronamespace = 'cloudgreet'::regnamespace AND p.prorettype <> 'trigger'::regtype
   AND p.proname NOT IN ('seal_secret', 'seal_jwt_key', 'enter_business', 'resolve_business', 'parse_webhook', 'wake_workers', 'find_slots', 'judge_slot', 'fill_template', 'is_plain_template')
 ORDER BY p.proname COLLATE "C";
