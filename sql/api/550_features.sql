/*
 * 550_features.sql
 *		What is known of a lead, as the flat object that is scored.
 *
 * lead.* is what is known when a call is scored, call.* the call itself.  What
 * is not known is left out.  An answer that the provider's analysis gives for the business
 * (custom_analysis_data) counts before the words of the lead.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.answer(answers jsonb, names text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT a.value
      FROM unnest(names) WITH ORDINALITY n (name, place), LATERAL (SELECT answers -> n.name) a (value)
     WHERE a.value IS NOT NULL
       AND (jsonb_typeof(a.value) IN ('boolean', 'number')
            OR jsonb_typeof(a.value) = 'string' AND length(a.value #>> '{}') <= 200 AND cloudgreet_private.meaningful(a.value #>> '{}') IS NOT NULL)
     ORDER BY n.place LIMIT 1);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.answer(jsonb, text[]) IS
    'The first of some members that holds an answer; NULL when none does.';

CREATE OR REPLACE FUNCTION cloudgreet_private.answer_truth(answers jsonb, names text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT CASE jsonb_typeof(a.value)
               WHEN 'boolean' THEN a.value = 'true'
               WHEN 'number' THEN a.value <> '0'
               ELSE lower(btrim(a.value #>> '{}')) NOT IN ('no', 'n', 'false', '0', 'low', 'normal', 'not urgent') END
      FROM cloudgreet_private.answer(answers, names) a (value)
     WHERE a.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.answer_truth(jsonb, text[]) IS
    'Whether the first answer of some members says yes, in whatever form; NULL when there is none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.own_features(value jsonb, prefix text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- In two steps: jsonb_each() is not for what is no object.
    RETURN (SELECT coalesce(jsonb_object_agg(prefix || f.key, f.value), '{}')
      FROM (SELECT e.key, e.value FROM jsonb_each(CASE WHEN jsonb_typeof(own_features.value) = 'object' THEN own_features.value ELSE '{}' END) e
             WHERE e.key ~ '^[A-Za-z0-9_]{1,60}$'
               AND (jsonb_typeof(e.value) IN ('boolean', 'number') OR (jsonb_typeof(e.value) = 'string' AND length(e.value #>> '{}') <= 200
                    AND cloudgreet_private.meaningful(e.value #>> '{}') IS NOT NULL))
             ORDER BY e.key LIMIT 100) f);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.own_features(jsonb, text) IS
    'Members that a business has of its own, as features for its own rules: scalars only, at most 100.';

CREATE OR REPLACE FUNCTION cloudgreet_private.lead_features(business_id uuid, lead_id uuid, call_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object(
               'lead.source', l.source, 'lead.name_known', coalesce(l.name ~ '[^[:space:]]', false), 'lead.email_known', l.email IS NOT NULL,
               'lead.calls', c.calls, 'lead.texts', m.texts,
               'lead.booked', a.booked, 'lead.completed', a.completed, 'lead.no_shows', a.no_shows,
               'lead.opted_out', EXISTS (SELECT FROM cloudgreet.suppressions s
                                          WHERE s.business_id = l.business_id AND s.contact IN (l.phone, l.email) AND s.reason IN ('opt_out', 'complaint'))))
           || cloudgreet_private.own_features(l.custom_fields, 'lead.field.')
      FROM cloudgreet.leads l,
           LATERAL (SELECT count(*) AS calls FROM cloudgreet.calls c
                     WHERE c.business_id = l.business_id AND c.lead_id = l.id AND c.direction = 'inbound'
                       AND c.id IS DISTINCT FROM lead_features.call_id) c,
           LATERAL (SELECT count(*) AS texts FROM cloudgreet.sms_messages m
                     WHERE m.business_id = l.business_id AND m.lead_id = l.id AND m.direction = 'inbound' AND m.opt_word IS NULL) m,
           LATERAL (SELECT coalesce(bool_or(a.status IN ('scheduled', 'confirmed')), false) AS booked,
                           count(*) FILTER (WHERE a.status = 'completed') AS completed, count(*) FILTER (WHERE a.status = 'no_show') AS no_shows
                      FROM cloudgreet.appointments a
                     WHERE a.business_id = l.business_id AND a.lead_id = l.id AND a.call_id IS DISTINCT FROM lead_features.call_id) a
     WHERE l.business_id = lead_features.business_id AND l.id = lead_features.lead_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lead_features(uuid, uuid, uuid) IS
    'What is known of a lead besides one call (NULL: none): its source, history, and fields of the business''s own.';

CREATE OR REPLACE FUNCTION cloudgreet_private.call_features(business_id uuid, call_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT jsonb_strip_nulls(jsonb_build_object(
               'call.direction', c.direction, 'call.seconds', c.duration, 'call.outcome', v.outcome,
               'call.sentiment', nullif(v.sentiment, 'unknown'),
               'call.voicemail', coalesce(v.analysis -> 'in_voicemail' = 'true' OR c.disconnection_reason = 'voicemail_reached', false),
               'call.booked', v.outcome = 'booked' OR EXISTS (
                   SELECT FROM cloudgreet.appointments a
                    WHERE a.business_id = c.business_id AND a.call_id = c.id AND a.status IN ('scheduled', 'confirmed', 'completed')),
               'call.urgent', coalesce(cloudgreet_private.answer_truth(a.answers, '{urgent,is_urgent,urgency,emergency,is_emergency}'),
                   nullif(w.words ~ '\m(urgent(ly)?|emergency|asap|as soon as possible|right away|immediately|flood(ed|ing)?|burst|no (heat|power|hot water)|leak(s|ing)?|gas smell)\M', false)),
               'call.service', coalesce(cloudgreet_private.answer(a.answers, '{service,service_requested,service_type,service_needed,job_type}'),
                   (SELECT to_jsonb(s.name) FROM cloudgreet.services s
                     WHERE s.business_id = c.business_id AND s.is_active AND strpos(w.words, lower(s.name)) > 0
                     ORDER BY length(s.name) DESC, s.name LIMIT 1)),
               'call.address', coalesce(cloudgreet_private.answer(a.answers, '{address,service_address,zip,zip_code,postal_code}') IS NOT NULL
                   OR w.words ~ '\m[0-9]{1,6} +([a-z]+ +){1,3}(street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|court|ct|way|place|pl)\M|\mzip( code)?( is)?:? +[0-9]{5}\M', false),
               'call.budget', cloudgreet_private.answer(a.answers, '{budget,budget_amount,price_range}'),
               'call.wants_appointment', coalesce(cloudgreet_private.answer_truth(a.answers, '{wants_appointment,appointment_requested,wants_to_book}'),
                   nullif(w.words ~ '\m(make|book|schedule|set up|get|need|want|like) (an?|the) ([a-z]+ )?(appointment|visit|estimate|quote|inspection)\M', false)),
               'call.callback', coalesce(cloudgreet_private.answer_truth(a.answers, '{callback_requested,wants_callback,callback}'),
                   nullif(v.outcome = 'callback' OR w.words ~ '\mcall me back\M', false)),
               'call.not_interested', coalesce(cloudgreet_private.answer_truth(a.answers, '{not_interested}'),
                   nullif(v.outcome = 'not_interested' OR w.words ~ '\mnot interested\M', false)),
               'call.wrong_number', coalesce(cloudgreet_private.answer_truth(a.answers, '{wrong_number,is_wrong_number}'),
                   nullif(v.outcome = 'wrong_number' OR w.words ~ '\mwrong number\M', false)),
               'call.spam', coalesce(cloudgreet_private.answer_truth(a.answers, '{spam,is_spam,spam_call,robocall}'), nullif(v.outcome = 'spam', false))))
           || cloudgreet_private.own_features(a.answers, 'call.answer.')
      FROM cloudgreet.calls c
      LEFT JOIN cloudgreet.agent_conversations v ON v.business_id = c.business_id AND v.call_id = c.id,
           LATERAL (SELECT coalesce(v.analysis -> 'custom_analysis_data', '{}')) a (answers),
           LATERAL (SELECT left(lower(string_agg(t.value ->> 'content', ' ' ORDER BY t.n)), 50000)
                      FROM jsonb_array_elements(coalesce(v.transcript, '[]')) WITH ORDINALITY t (value, n)
                     WHERE t.value ->> 'role' = 'user') w (words)
     WHERE c.business_id = call_features.business_id AND c.id = call_features.call_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.call_features(uuid, uuid) IS
    'What a call tells of its lead: by the analysis, by what the lead said, and by what came of it.';

REVOKE ALL ON FUNCTION cloudgreet_private.answer(jsonb, text[]), cloudgreet_private.answer_truth(jsonb, text[]),
    cloudgreet_private.own_features(jsonb, text), cloudgreet_private.lead_features(uuid, uuid, uuid),
    cloudgreet_private.call_features(uuid, uuid) FROM PUBLIC;
