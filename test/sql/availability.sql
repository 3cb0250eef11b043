/*
 * availability.sql
 *		Free times, bookings, holds, moves and cancellations, as SQL and HTTP see them.
 */
\set ECHO none
\i test/lib/mint.sql
\i test/lib/master_key.sql
\set VERBOSITY sqlstate
SET cloudgreet.clock = '2026-11-25 12:00Z';
SET TimeZone = 'Asia/Tokyo';
SELECT cloudgreet.create_business('Acme', 'America/New_York') AS business \gset
SELECT cloudgreet.create_business('Neighbour', 'UTC') AS other \gset
SELECT cloudgreet.create_service('Inspection', 60, slot_step_minutes => 60, business_id => :'business') AS service \gset
SELECT cloudgreet.add_staff('Bob', working_hours => '{"sun": [["00:00", "04:00"]], "tue": [["09:00", "12:00"]]}', business_id => :'business') AS bob \gset
INSERT INTO cloudgreet.leads (business_id, id, name) VALUES
    (:'business', 'a1a1a1a1-0000-7000-8000-000000000001', 'Ann'), (:'business', 'a1a1a1a1-0000-7000-8000-000000000002', 'Ben');
CREATE FUNCTION public.utc(at timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') $$;
-- The code of a call and its hint.
CREATE FUNCTION public.outcome(call text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    hint text;
BEGIN
    EXECUTE 'SELECT cloudgreet.' || call;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || hint;
END
$$;
\set ann a1a1a1a1-0000-7000-8000-000000000001
\set ben a1a1a1a1-0000-7000-8000-000000000002
\set ECHO all
\pset format unaligned
\pset tuples_only on
-- Working hours of a Tuesday, in the zone of staff, whatever the session's zone is.
SELECT public.utc(starts_at), public.utc(ends_at), local_text FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
-- Said in another zone, and of another year.
SELECT local_text FROM cloudgreet.check_availability(:'service', '2027-01-05Z', '2027-01-06Z', time_zone => 'europe/paris', max_slots => 1, business_id => :'business');
-- Spring: the hour from 2 to 3 is not there.  Fall: the hour from 1 to 2 comes twice, and is told apart.
SELECT public.utc(starts_at), local_text FROM cloudgreet.check_availability(:'service', '2027-03-14Z', '2027-03-15Z', business_id => :'business');
SELECT public.utc(starts_at), local_text FROM cloudgreet.check_availability(:'service', '2027-11-07Z', '2027-11-08Z', business_id => :'business');
-- An override replaces the hours of its date, or closes it; time off beats both.
INSERT INTO cloudgreet.schedule_overrides (business_id, staff_id, local_date, starts, ends) VALUES
    (:'business', :'bob', '2026-12-08', '14:00', '17:00'), (:'business', :'bob', '2026-12-15', NULL, NULL);
INSERT INTO cloudgreet.time_off (business_id, staff_id, starts_at, ends_at) VALUES (:'business', :'bob', '2026-12-08 20:00Z', '2026-12-08 21:00Z');
SELECT public.utc(starts_at) FROM cloudgreet.check_availability(:'service', '2026-12-07Z', '2026-12-16Z', business_id => :'business') WHERE starts_at NOT BETWEEN '2026-12-13Z' AND '2026-12-14Z';
-- A booking takes its time; the same request again is the same booking.
SELECT id AS first_id FROM cloudgreet.book_appointment(:'service', '2026-12-01 15:00Z', :'ann', business_id => :'business') \gset
SELECT id = :'first_id' AS same FROM cloudgreet.book_appointment(:'service', '2026-12-01 15:00Z', :'ann', idempotency_key => 'k1', business_id => :'business');
SELECT id = :'first_id' AS same FROM cloudgreet.book_appointment(:'service', '2026-12-01 15:00Z', :'ann', idempotency_key => 'k1', business_id => :'business');
SELECT public.utc(starts_at) FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
-- What is refused, and what is free instead.
SELECT start, public.outcome(format('book_appointment(%L, %L, %L, business_id => %L)', :'service', start, :'ben', :'business'))
  FROM unnest('{2026-12-01 15:30Z, 2026-12-01 18:00Z, 2026-11-24 15:00Z, infinity}'::text[]) start;
SELECT public.outcome(format('book_appointment(%L, %L, %L, idempotency_key => %L, business_id => %L)', :'service', '2026-12-01 14:00Z', :'ben', 'k1', :'business'));
SELECT what, public.outcome(format('book_appointment(%s, %s, %s, %s, business_id => %L)', service, start, lead, staff, :'business'))
  FROM (VALUES ('no service', 'NULL', '''2026-12-01 14:00Z''', quote_literal(:'ann'), 'NULL'), ('no start', quote_literal(:'service'), 'NULL', quote_literal(:'ann'), 'NULL'),
               ('no lead', quote_literal(:'service'), '''2026-12-01 14:00Z''', 'NULL', 'NULL'), ('unknown lead', quote_literal(:'service'), '''2026-12-01 14:00Z''', quote_literal(:'bob'), 'NULL'),
               ('unknown staff', quote_literal(:'service'), '''2026-12-01 14:00Z''', quote_literal(:'ann'), quote_literal(:'ann'))) v (what, service, start, lead, staff);
-- Limits of the question.
SELECT public.outcome(format('check_availability(%L, %s, business_id => %L)', :'service', rest, :'business'))
  FROM unnest(ARRAY['NULL, ''2026-12-02Z''', '''2026-12-02Z'', ''2026-12-01Z''', '''2026-12-02Z'', ''infinity''', '''2026-12-01Z'', ''2028-01-01Z''',
                    '''2026-12-01Z'', ''2026-12-02Z'', max_slots => 0', '''2026-12-01Z'', ''2026-12-02Z'', time_zone => ''EST5EDT''']) rest;
SELECT public.outcome(format('check_availability(%L, now(), now() + interval ''1 day'', business_id => %L)', :'service', :'other')) AS service_of_another;
SELECT public.outcome(format('cancel_appointment(%L, business_id => %L)', :'first_id', :'other')) AS appointment_of_another;
-- Buffers of both sides are added; a calendar's event has none of its own.
SELECT cloudgreet.create_service('Repair', 30, NULL, 15, 15, business_id => :'business') AS repair \gset
SELECT public.utc(starts_at) FROM cloudgreet.check_availability(:'repair', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
-- A hold blocks all but its holder, until it expires; confirmed, it is an appointment.
SELECT hold_id, public.utc(starts_at), public.utc(expires_at) FROM cloudgreet.hold_slot(:'service', '2026-12-01 16:00Z', 'call-1', seconds => 120, business_id => :'business') \gset h_
SELECT count(*) AS for_others FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
SELECT count(*) AS for_the_holder FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', holder => 'call-1', business_id => :'business');
SELECT left(public.outcome(format('book_appointment(%L, %L, %L, business_id => %L)', :'service', '2026-12-01 16:00Z', :'ben', :'business')), 5);
SET cloudgreet.clock = '2026-11-25 12:03Z';
SELECT count(*) AS once_expired FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
SELECT left(public.outcome(format('confirm_hold(%L, %L, business_id => %L)', :'h_hold_id', :'ben', :'business')), 5);
SELECT hold_id FROM cloudgreet.hold_slot(:'service', '2026-12-01 16:00Z', 'call-2', business_id => :'business') \gset h_
SELECT status, public.utc(scheduled_date) FROM cloudgreet.confirm_hold(:'h_hold_id', :'ben', business_id => :'business');
-- Two of staff: a time is offered until nobody is free.
SELECT cloudgreet.add_staff('Cleo', working_hours => '{"tue": [["09:00", "12:00"]]}', business_id => :'business') AS cleo \gset
SELECT public.utc(starts_at), staff_id = :'bob' AS bob FROM cloudgreet.check_availability(:'service', '2026-12-01Z', '2026-12-02Z', business_id => :'business');
SELECT staff_id = :'cleo' AS cleo FROM cloudgreet.book_appointment(:'service', '2026-12-01 15:00Z', :'ben', business_id => :'business');
-- Moved: the old time is free at once, and overlapping its own time is no conflict.
SELECT status, public.utc(scheduled_date) FROM cloudgreet.reschedule_appointment(:'first_id', '2026-12-01 14:30Z', business_id => :'business');
SELECT public.utc(lower(blocks)), state FROM cloudgreet.appointment_allocations WHERE appointment_id = :'first_id' ORDER BY id;
-- Statuses only go forward; canceling twice is canceling once.
SELECT status FROM cloudgreet.set_appointment_status(:'first_id', 'confirmed', business_id => :'business');
SELECT public.outcome(format('set_appointment_status(%L, %L, business_id => %L)', :'first_id', s, :'business')) FROM unnest('{scheduled,completed,lost}'::text[]) s;
SELECT status, cancel_reason FROM cloudgreet.cancel_appointment(:'first_id', 'sick', business_id => :'business');
SELECT status, cancel_reason FROM cloudgreet.cancel_appointment(:'first_id', 'other', business_id => :'business');
SELECT public.outcome(format('reschedule_appointment(%L, %L, business_id => %L)', :'first_id', '2026-12-01 14:00Z', :'business'));
SELECT event_type, count(*) FROM cloudgreet.events WHERE business_id = :'business' AND subject_type = 'appointment' GROUP BY 1 ORDER BY 1;
-- A class of two seats takes two parties and no third.
SELECT cloudgreet.create_service('Class', 60, seats => 2, business_id => :'business') AS class \gset
SELECT left(public.outcome(format('book_appointment(%L, %L, %L, %L, business_id => %L)', :'class', '2026-12-22 15:00Z', lead, :'bob', :'business')), 5)
  FROM unnest(ARRAY[:'ann', :'ben']) lead;
INSERT INTO cloudgreet.leads (business_id, id, name) VALUES (:'business', 'a1a1a1a1-0000-7000-8000-000000000003', 'Cy');
SELECT left(public.outcome(format('book_appointment(%L, %L, %L, %L, business_id => %L)', :'class', '2026-12-22 15:00Z', 'a1a1a1a1-0000-7000-8000-000000000003', :'bob', :'business')), 5);

-- The same by HTTP.
SELECT cloudgreet.add_jwt_key('avail', 'a-secret-of-at-least-thirty-two-bytes') IS NULL AS bad;
SELECT jsonb_build_object('iat', floor(extract(epoch FROM cloudgreet.clock())), 'exp', floor(extract(epoch FROM cloudgreet.clock())) + 3600) AS around \gset
SELECT public.mint(public.claims(:'business', 'agent', :'around'), 'a-secret-of-at-least-thirty-two-bytes') AS agent, public.mint(public.claims(:'other', 'admin', :'around'), 'a-secret-of-at-least-thirty-two-bytes') AS neighbour \gset
CREATE FUNCTION public.ask(method text, target text, token text, body text DEFAULT '') RETURNS TABLE (status int, answer jsonb) LANGUAGE sql AS
$$ SELECT r.status, nullif(convert_from(r.body, 'UTF8'), '')::jsonb FROM cloudgreet.http(method, target, jsonb_build_object('authorization', 'Bearer ' || token), convert_to(body, 'UTF8')) r $$;
SELECT status, answer ->> 'id' AS http_id FROM public.ask('POST', '/api/appointments', :'agent', jsonb_build_object('service_id', :'service', 'scheduled_date', '2026-12-29T15:00:00Z', 'lead_id', :'ann')::text) \gset r_
\echo :r_status
SELECT status, answer ->> 'code', jsonb_array_length(answer -> 'next_slots'), answer -> 'next_slots' -> 0 ->> 'local_text'
  FROM public.ask('POST', '/api/appointments', :'agent', jsonb_build_object('service_id', :'service', 'starts_at', '2026-12-29T15:30:00Z', 'lead_id', :'ben', 'staff_id', :'bob')::text);
SELECT status, answer ->> 'code', answer ->> 'message' FROM public.ask('POST', '/api/appointments', :'agent', '{"colour": "red"}');
SELECT status, answer ->> 'message' FROM public.ask('POST', '/api/appointments', :'agent', '{}');
SELECT a.status, a.answer ->> 'code', a.answer ->> 'message'
  FROM unnest('{"\"2026-12-29T15:00:00\"","\"2026-12-29\"","\"tomorrow\"","\"2026-12-29T15:00x\"",20261229,"[\"2026-12-29T15:00\"]"}'::jsonb[]) t,
       public.ask('POST', '/api/appointments', :'agent', jsonb_build_object('service_id', :'service', 'starts_at', t, 'lead_id', :'ben')::text) a;
SELECT status, answer ->> 'code' FROM public.ask('POST', '/api/appointments', :'agent', '[]');
SELECT status, answer ->> 'status' FROM public.ask('PUT', '/api/appointments/' || :'r_http_id', :'agent', '{"starts_at": "2026-12-29T16:00:00Z", "status": "confirmed"}');
SELECT status, answer ->> 'code' FROM public.ask('PUT', '/api/appointments/' || :'r_http_id', :'neighbour', '{"status": "confirmed"}');
SELECT status FROM public.ask('DELETE', '/api/appointments/' || :'r_http_id', :'neighbour');
SELECT status FROM public.ask('DELETE', '/api/appointments/' || :'r_http_id', :'agent'), generate_series(1, 2);
SELECT status, answer ->> 'code' FROM public.ask('DELETE', '/api/appointments/x', :'agent');
SELECT status, jsonb_array_length(answer) FROM public.ask('POST', '/rest/v1/rpc/check_availability', :'agent', jsonb_build_object('service_id', :'service', 'range_start', '2026-12-29Z', 'range_end', '2026-12-30Z')::text);

\set VERBOSITY default
-- A free hour is offered as it is, at whichever minute it begins, unless the service rounds; today's go on in their steps, and the last one that is left is offered.
CREATE FUNCTION public.offers(minutes int, opens time, closes time, rounding int, step int, at time DEFAULT '00:00') RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    b uuid := cloudgreet.create_business('Offers', 'America/Chicago');
    service uuid := cloudgreet.create_service('x', minutes, slot_step_minutes => step, slot_round_minutes => rounding, business_id => b);
    staff uuid := cloudgreet.add_staff('Bob', working_hours => jsonb_build_object('wed', jsonb_build_array(jsonb_build_array(to_char(opens, 'HH24:MI'), to_char(closes, 'HH24:MI')))), business_id => b);
    offered text;
BEGIN
    PERFORM set_config('cloudgreet.clock', '2026-07-01T' || to_char(at, 'HH24:MI:SS') || '-05:00', true);
    SELECT string_agg(to_char(s.starts_at AT TIME ZONE 'America/Chicago', 'HH24:MI'), ' ' ORDER BY s.starts_at) INTO offered
      FROM cloudgreet.check_availability(service, '2026-07-01 00:00-05', '2026-07-02 00:00-05', business_id => b) s;
    DELETE FROM cloudgreet.businesses WHERE id = b;
    RETURN offered;
END
$$;
SELECT public.offers(60, '09:15', '10:15', NULL, NULL), public.offers(60, '09:20', '11:25', 0, NULL), public.offers(45, '08:10', '10:30', NULL, 30), public.offers(7, '09:01', '09:23', NULL, NULL);
SELECT public.offers(60, '09:15', '11:30', 15, NULL), public.offers(60, '09:20', '12:00', 30, NULL), public.offers(60, '09:20', '12:00', 60, NULL), public.offers(60, '09:15', '10:15', 60, NULL);
SELECT public.offers(60, '09:00', '13:00', NULL, NULL, '09:07:23'), public.offers(60, '09:00', '10:15', NULL, NULL, '09:07:23'), public.offers(60, '09:00', '10:15', NULL, NULL, '09:15:01');
\set VERBOSITY sqlstate
SELECT public.offers(60, '09:00', '10:15', 61, NULL);
SELECT public.offers(60, '09:00', '10:15', -1, NULL);
\set VERBOSITY default
DROP FUNCTION public.offers(int, time, time, int, int, time);

\set ECHO none
DROP FUNCTION public.utc(timestamptz), public.outcome(text), public.ask(text, text, text, text), public.mint(text, text, text), public.claims(uuid, text, jsonb), public.hmac_sha256(bytea, bytea), public.base64url(bytea);
DELETE FROM cloudgreet_private.jwt_keys;
DELETE FROM cloudgreet.appointment_allocations WHERE business_id IN (:'business', :'other');
DELETE FROM cloudgreet.appointments WHERE business_id IN (:'business', :'other');
DELETE FROM cloudgreet.businesses WHERE id IN (:'business', :'other');
\i test/lib/drop_master_key.sql
