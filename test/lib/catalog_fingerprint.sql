/*
 * catalog_fingerprint.sql
 *		One line for every object of the application schema with all that matters of
 *		it, so that two databases can be compared by text.
 */
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;
WITH namespaces AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('cloudgreet', 'cloudgreet_private')),
relations AS (SELECT c.* FROM pg_class c JOIN namespaces n ON n.oid = c.relnamespace),
acls AS (
    SELECT 'schema ' || nspname AS object, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM namespaces
    UNION ALL SELECT 'relation ' || oid::regclass, coalesce(relacl, acldefault('r', relowner)) FROM relations WHERE relkind NOT IN ('i', 'I', 't')
    UNION ALL SELECT 'function ' || oid::regprocedure, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc WHERE pronamespace IN (SELECT oid FROM namespaces)
    UNION ALL SELECT 'column ' || attrelid::regclass || '.' || attname, attacl FROM pg_attribute
               WHERE attrelid IN (SELECT oid FROM relations) AND attacl IS NOT NULL
),
lines AS (
    SELECT 'schema ' || nspname || ' ' || pg_get_userbyid(nspowner) AS line FROM namespaces
    UNION ALL
    SELECT 'relation ' || oid::regclass || ' ' || relkind::text || ' ' || pg_get_userbyid(relowner) || ' rls=' || relrowsecurity
           || ' force=' || relforcerowsecurity || ' bound=' || coalesce(pg_get_expr(relpartbound, oid), '')
           || ' options=' || coalesce(reloptions::text, '')
      FROM relations WHERE relkind NOT IN ('i', 'I', 't')
    UNION ALL
    -- Not the position: a column added later stands last in an updated schema.
    SELECT 'column ' || a.attrelid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || ' notnull=' || a.attnotnull || ' default=' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
           || ' generated=' || a.attgenerated::text || ' identity=' || a.attidentity::text
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid IN (SELECT oid FROM relations WHERE relkind NOT IN ('i', 'I', 't')) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(indexrelid) || ' valid=' || indisvalid FROM pg_index WHERE indrelid IN (SELECT oid FROM relations)
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' validated=' || convalidated
      FROM pg_constraint WHERE connamespace IN (SELECT oid FROM namespaces)
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(oid) || ' ' || tgenabled::text
      FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relations)
    UNION ALL
    SELECT 'policy ' || polrelid::regclass || ' ' || polname || ' ' || polcmd::text || ' ' || polpermissive || ' '
           || (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',' ORDER BY r) FROM unnest(polroles) r)
           || ' using ' || coalesce(pg_get_expr(polqual, polrelid), '') || ' check ' || coalesce(pg_get_expr(polwithcheck, polrelid), '')
      FROM pg_policy WHERE polrelid IN (SELECT oid FROM relations)
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ' ' || pg_get_userbyid(p.proowner) || ' ' || md5(pg_get_functiondef(p.oid))
      FROM pg_proc p WHERE p.pronamespace IN (SELECT oid FROM namespaces)
    UNION ALL
    SELECT 'view ' || oid::regclass || ' ' || md5(pg_get_viewdef(oid)) FROM relations WHERE relkind = 'v'
    UNION ALL
    SELECT 'comment ' || pg_describe_object(classoid, objoid, objsubid) || ' ' || md5(description)
      FROM pg_description
     WHERE (classoid = 'pg_class'::regclass AND objoid IN (SELECT oid FROM relations))
        OR (classoid = 'pg_proc'::regclass AND objoid IN (SELECT oid FROM pg_proc WHERE pronamespace IN (SELECT oid FROM namespaces)))
        OR (classoid = 'pg_namespace'::regclass AND objoid IN (SELECT oid FROM namespaces WHERE nspname = 'cloudgreet_private'))
    UNION ALL
    SELECT 'acl ' || object || ' ' || CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END
           || ' ' || a.privilege_type || ' grantable=' || a.is_grantable
      FROM acls, aclexplode(acls.acl) a
    UNION ALL
    SELECT 'member ' || pg_describe_object(d.classid, d.objid, d.objsubid)
      FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
     WHERE e.extname = 'cloudgreet' AND d.deptype = 'e'
)
SELECT line FROM lines ORDER BY line COLLATE "C";
