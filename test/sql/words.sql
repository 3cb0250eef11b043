/*
 * words.sql
 *		What says nothing is nothing, and what is not seen goes; names stay whole.
 */
\pset tuples_only on
\pset format unaligned
-- Placeholders, whatever their case, dots and blanks.
SELECT t AS "taken for words" FROM unnest(ARRAY[
    '', '  ', '-', '--', '.', '...', '?', '???', 'n/a', 'N/A', 'N.A.', ' n / a ', 'NA', 'none', 'None.', 'NONE', 'null', 'NULL', '<null>', 'nil', 'undefined', 'NaN',
    'unknown', 'Unknown.', ' UNKNOWN ', '[unknown]', '(unknown)', '"unknown"', 'unknown unknown', 'not provided', 'Not Provided', 'not_provided', 'notProvided', 'not-given',
    'None provided', 'none given', 'not available', 'not applicable', 'not specified', 'not yet known', 'tbd', 'T.B.D.', 'TBA', 'to be determined', 'no name', 'No Name.', 'noname', 'no name given',
    'no email', 'no e-mail', 'No email provided', 'no phone number', 'email not provided', 'name unknown', 'unknown name', 'anonymous', 'missing', 'blank', 'Not provided by the caller',
    'The caller did not provide a name', 'caller didn''t say', 'declined to give', 'don''t know', '{{user_name}}', '{{ email }}', '<name>', '${name}', 'xxx', 'string',
    'desconocido', 'Desconocida', 'ninguno', 'NINGUNA', 'ningún', 'no tiene', 'No tiene correo', 'sin nombre', 'no proporcionado', 'no disponible', 'no especificado', 'no aplica', 'no lo sé',
    'Anónimo', 'nada', 'none@none.com', 'unknown@unknown.com', 'noemail@example.com', 'not-provided@email.com', E'N/A\u200b', E'\u200bunknown', E'un\u00adknown', E'\u00a0', E'not\u00a0provided']) t
 WHERE cloudgreet_private.meaningful(t) IS NOT NULL;
-- Words.
SELECT t AS "taken for nothing" FROM unnest(ARRAY[
    'Ann', 'Nana', 'Noah Null', 'Nona', 'Anna', 'Nadia', 'Bo', 'O', 'Tbilisi', 'None Smith', 'No', 'yes', '0', '12', 'Nilsson', 'Unknown Pleasures Ltd', 'no parking available', 'not available on Mondays',
    'no name plate at the door', 'The phone is not set up', 'name of the dog: Rex', 'unknown leak in the roof', 'none of the taps work', 'Anonymous Coffee', 'customer', 'caller',
    'no tiene llave la puerta', 'ann@example.com', 'none@acme.example', E'\u0645\u062d\u0645\u062f', E'\u4e0d\u660e\u5b50', '👍', 'Ünal', 'Zoë N''Dour', 'string quartet', 'blank wall', 'not known to bite', repeat('n/a ', 40)]) t
 WHERE cloudgreet_private.meaningful(t) IS DISTINCT FROM btrim(t);
-- Of a name, whom the model speaks with is none.
SELECT t AS "taken for a name" FROM unnest(ARRAY['caller', 'The Caller', 'customer', 'Customer.', 'valued customer', 'Unknown Caller', 'the user', 'Guest', 'el cliente', 'N/A', '12', '+1 312 555 0100', 'ann@example.com', '??']) t
 WHERE cloudgreet_private.meaningful_name(t) IS NOT NULL;
SELECT t AS "no name" FROM unnest(ARRAY['Guest Robert', 'Lea Caller', 'J.', 'X Æ A-12', 'Mr. Customer Smith', '李', E'\u0645\u062d\u0645\u062f']) t WHERE cloudgreet_private.meaningful_name(t) IS DISTINCT FROM t;

-- Every character of these ranges goes, at the beginning, within, and at the end.
SELECT to_hex(c) AS "still there" FROM unnest(ARRAY[int4range(1, 32), int4range(127, 161), int4range(173, 174), int4range(8203, 8208), int4range(8232, 8240), int4range(8288, 8304),
        int4range(57344, 63744), int4range(64976, 65008), int4range(65024, 65040), int4range(65279, 65280), int4range(65520, 65534), int4range(917505, 917632), int4range(917760, 918000), int4range(1114109, 1114112)]) r,
    generate_series(lower(r), upper(r) - 1) c
 WHERE cloudgreet_private.visible(chr(c) || 'Ann' || chr(c) || 'Lee' || chr(c)) NOT IN ('AnnLee', 'Ann Lee');
-- Names of many scripts, joined emoji and their selectors stay whole.
SELECT t AS "not whole" FROM unnest(ARRAY['Ann Lee', E'\u0645\u062d\u0645\u062f', E'\u05d3\u05d5\u05d3', E'\u0915\u094d\u200d\u0937', E'\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', E'\u4e2d\u6587',
    E'\U0001F469\u200d\U0001F469\u200d\U0001F467', E'Ann \u2764\ufe0f', E'\U0001F3F3\ufe0f\u200d\U0001F308', E'1\ufe0f\u20e3', E'Bj\u00f6rn', E'Bjo\u0308rn', E'O\u2019Neil', '김']) t
 WHERE cloudgreet_private.visible(t) IS DISTINCT FROM t;
SELECT cloudgreet_private.visible(NULL) IS NULL, cloudgreet_private.meaningful(NULL) IS NULL, cloudgreet_private.meaningful_name(NULL) IS NULL,
       length(cloudgreet_private.meaningful(repeat('x', 100000)));
