/*
 * load_case.sql
 *		For tests: makes a business of a case of availability, and runs it.
 */
CREATE FUNCTION public.make_account(business uuid) RETURNS uuid LANGUAGE sql AS
$$
    INSERT INTO cloudgreet.provider_accounts (business_id, provider, name) VALUES (business, 'google', 'main') RETURNING id;
$$;

-- What a case needs that is not there; NULL for one that can run.
CREATE FUNCTION public.case_lacks(spec jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS
$$
    SELECT string_agg(what, ', ') FROM (VALUES
        (spec ? 'optimize', 'optimize'), (spec ? 'limits', 'limits'), (spec ? 'restrict', 'restrict'),
        (coalesce((spec ->> 'offset')::int, 0) <> 0, 'offset'),
        (spec ->> 'mode' = 'collective', 'collective'),
        (spec ->> 'mode' = 'round_robin' AND (spec -> 'resources' @> '[{"fixed": true}]'
            OR (SELECT count(DISTINCT r ->> 'group') > 1 FROM jsonb_array_elements(spec -> 'resources') r)), 'groups'),
        (spec #>> '{horizon,type}' <> 'rolling' OR spec #> '{horizon,business_days}' = 'true', 'horizon of this kind'),
        (jsonb_path_exists(spec, '$.resources[*].travel'), 'travel'),
        (jsonb_path_exists(spec, '$.resources[*].busy[*].rrule'), 'recurring events')) v (lacks, what) WHERE lacks;
$$;

CREATE FUNCTION public.load_busy(business uuid, service uuid, lead uuid, staff uuid, connection uuid, busy jsonb, seat int) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    starts timestamptz := coalesce((busy ->> 'start')::timestamptz, (busy ->> 'date')::timestamp AT TIME ZONE coalesce(busy ->> 'tz', 'UTC'));
    ends timestamptz := coalesce((busy ->> 'end')::timestamptz,
        (coalesce(busy ->> 'to_date', busy ->> 'date')::timestamp + interval '1 day') AT TIME ZONE coalesce(busy ->> 'tz', 'UTC'));
    status text := coalesce(busy ->> 'status', 'booked');
    appointment uuid := cloudgreet.uuid_v7();
BEGIN
    IF status IN ('pending', 'rejected', 'cancelled') OR starts >= ends THEN
        RETURN;
    ELSIF status = 'external' THEN
        INSERT INTO cloudgreet.busy_blocks (business_id, staff_id, calendar_connection_id, external_event_id, starts_at, ends_at)
        VALUES (business, staff, connection, seat::text, starts, ends);
        RETURN;
    END IF;
    INSERT INTO cloudgreet.appointments (business_id, id, lead_id, scheduled_date, ends_at, time_zone, external_event_id)
    VALUES (business, appointment, lead, starts, ends, 'UTC', busy ->> 'id');
    INSERT INTO cloudgreet.appointment_allocations (business_id, appointment_id, service_id, staff_id, lane, starts_at, ends_at, blocks, state, holder, expires_at)
    SELECT business, appointment, CASE WHEN busy ->> 'same_service' = 'true' THEN service END, staff, seat * 100 + party, starts, ends,
           tstzrange(starts - make_interval(mins => coalesce((busy ->> 'before')::int, 0)), ends + make_interval(mins => coalesce((busy ->> 'after')::int, 0))),
           CASE status WHEN 'held' THEN 'held' ELSE 'booked' END, busy ->> 'holder', (busy ->> 'expires_at')::timestamptz
      FROM generate_series(1, coalesce((busy ->> 'attendees')::int, 1)) party;
END
$$;

CREATE FUNCTION public.load_resource(business uuid, service uuid, lead uuid, account uuid, spec jsonb) RETURNS uuid LANGUAGE plpgsql AS
$$
DECLARE
    staff uuid := cloudgreet.add_staff(coalesce(spec ->> 'id', 'r'), spec ->> 'tz', '{}', ARRAY[service], business_id => business);
    connection uuid;
BEGIN
    INSERT INTO cloudgreet.calendar_connections (business_id, staff_id, provider_account_id, calendar_id)
    VALUES (business, staff, account, 'c') RETURNING id INTO connection;
    INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends, valid_from, valid_to)
    -- Hours that overlap are one here, as they are for the engine.
    SELECT business, staff, m.day, '00:00'::time + make_interval(mins => lower(r)), CASE upper(r) WHEN 1440 THEN '24:00' ELSE '00:00'::time + make_interval(mins => upper(r)) END, m.valid_from, m.valid_to
      FROM (SELECT d::int AS day, (h ->> 'valid_from')::date AS valid_from, (h ->> 'valid_to')::date AS valid_to,
                   range_agg(int4range(split_part(h ->> 'start', ':', 1)::int * 60 + split_part(h ->> 'start', ':', 2)::int,
                                       split_part(h ->> 'end', ':', 1)::int * 60 + split_part(h ->> 'end', ':', 2)::int)) AS hours
              FROM jsonb_array_elements(spec -> 'hours') h, jsonb_array_elements_text(h -> 'days') d GROUP BY 1, 2, 3) m, unnest(m.hours) r;
    INSERT INTO cloudgreet.schedule_overrides (business_id, staff_id, local_date, starts, ends)
    SELECT business, staff, (o ->> 'date')::date, (o ->> 'start')::time, (o ->> 'end')::time
      FROM jsonb_array_elements(coalesce(spec -> 'overrides', '[]')) o
     WHERE (o ->> 'start')::time < (o ->> 'end')::time OR NOT o ? 'start';
    INSERT INTO cloudgreet.time_off (business_id, staff_id, starts_at, ends_at)
    SELECT business, staff, coalesce((t ->> 'start')::timestamptz, (t ->> 'from_date')::timestamp AT TIME ZONE (spec ->> 'tz')),
           coalesce((t ->> 'end')::timestamptz, ((t ->> 'to_date')::timestamp + interval '1 day') AT TIME ZONE (spec ->> 'tz'))
      FROM jsonb_array_elements(coalesce(spec -> 'time_off', '[]')) t;
    PERFORM public.load_busy(business, service, lead, staff, connection, b.value, b.ordinality::int)
       FROM jsonb_array_elements(coalesce(spec -> 'busy', '[]')) WITH ORDINALITY b;
    RETURN staff;
END
$$;

CREATE FUNCTION public.ignored_slots(business uuid, service uuid, from_time timestamptz, to_time timestamptz, zone text, ignored uuid)
    RETURNS SETOF timestamptz LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(business);
    RETURN QUERY SELECT f.starts_at FROM cloudgreet.find_slots(service, from_time, to_time, NULL, zone, 1000, NULL, ignored) f;
END
$$;

-- The starts that a case gets, as its expect has them.
CREATE FUNCTION public.run_case(spec jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$
DECLARE
    business uuid;
    service uuid;
    lead uuid := cloudgreet.uuid_v7();
    account uuid;
    result jsonb;
    zone text := coalesce(spec ->> 'view_tz', spec #>> '{resources,0,tz}');
BEGIN
    PERFORM set_config('cloudgreet.clock', spec ->> 'now', true);
    business := cloudgreet.create_business('Case', 'UTC');
    UPDATE cloudgreet.businesses SET settings = jsonb_build_object('booking_horizon_days', spec #> '{horizon,days}')
     WHERE id = business AND spec ? 'horizon';
    service := cloudgreet.create_service('x', (spec ->> 'duration')::int, NULL, coalesce((spec ->> 'buffer_before')::int, 0), coalesce((spec ->> 'buffer_after')::int, 0),
        minimum_notice_minutes => coalesce((spec ->> 'notice')::int, 0), slot_step_minutes => (spec ->> 'step')::int, seats => coalesce((spec ->> 'seats')::int, 1), slot_round_minutes => (spec ->> 'round_to')::int, business_id => business);
    INSERT INTO cloudgreet.leads (business_id, id, name) VALUES (business, lead, 'Ann');
    account := public.make_account(business);
    PERFORM public.load_resource(business, service, lead, account, r) FROM jsonb_array_elements(spec -> 'resources') r;
    IF spec ? 'reschedule_of' THEN
        SELECT jsonb_agg(to_char(s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') ORDER BY s) INTO result
          FROM public.ignored_slots(business, service, (spec #>> '{range,from}')::timestamptz, (spec #>> '{range,to}')::timestamptz, zone,
              (SELECT a.id FROM cloudgreet.appointments a WHERE a.business_id = business AND a.external_event_id = spec ->> 'reschedule_of')) s;
    ELSE
        SELECT jsonb_agg(to_char(s.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') ORDER BY s.starts_at) INTO result
          FROM cloudgreet.check_availability(service, (spec #>> '{range,from}')::timestamptz, (spec #>> '{range,to}')::timestamptz, NULL, zone, 1000,
              spec ->> 'holder', business) s;
    END IF;
    RETURN coalesce(result, '[]');
END
$$;
