/*
 * availability_oracle.sql
 *		For tests: what is bookable on a random calendar, by trying every quarter of an
 *		hour with SQL's own means, compared with what bookings are judged by, and with
 *		what is offered: whatever can be booked has an offer that begins less than its
 *		length before.
 *
 * The zones' changes of the clock are outside of the hours, for AT TIME ZONE reads a
 * repeated time otherwise.
 */
CREATE FUNCTION public.random_calendar(business uuid, service uuid, lead uuid, staff uuid, account uuid) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    connection uuid;
    base timestamptz := '2027-03-10Z';
BEGIN
    INSERT INTO cloudgreet.calendar_connections (business_id, staff_id, provider_account_id, calendar_id) VALUES (business, staff, account, 'c') RETURNING id INTO connection;
    INSERT INTO cloudgreet.working_hours (business_id, staff_id, weekday, starts, ends)
    SELECT business, staff, d, make_time(h, m, 0), make_time(h, m, 0) + make_interval(mins => 15 * (1 + floor(random() * room))::int)
      FROM (SELECT d, h, 5 * floor(random() * 6)::int AS m, room FROM generate_series(0, 6) d, (VALUES (6, 10), (9, 18), (14, 16)) v (h, room)) t WHERE random() < 0.7;
    INSERT INTO cloudgreet.schedule_overrides (business_id, staff_id, local_date, starts, ends)
    SELECT business, staff, '2027-03-10'::date + d, CASE WHEN random() < 2 THEN '08:00'::time END, '11:30' FROM generate_series(0, 9) d WHERE random() < 0.2;
    INSERT INTO cloudgreet.time_off (business_id, staff_id, starts_at, ends_at)
    SELECT business, staff, s, s + interval '3 hours' FROM (SELECT base + make_interval(mins => 15 * floor(random() * 900)::int) AS s FROM generate_series(1, 4)) t;
    PERFORM public.load_busy(business, service, lead, staff, connection, jsonb_build_object('start', s, 'end', s + interval '25 minutes',
                'status', (ARRAY['external', 'booked', 'pending'])[1 + i % 3], 'before', i % 20, 'after', i % 7), i)
       FROM (SELECT i, base + make_interval(mins => 5 * floor(random() * 2800)::int) AS s FROM generate_series(1, 60) i) b;
END
$$;

CREATE FUNCTION public.judge_all(business uuid, service uuid, starts timestamptz[]) RETURNS TABLE (start timestamptz, is_free boolean) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    PERFORM cloudgreet.enter_business(business);
    RETURN QUERY SELECT s, j.verdict = 'free' FROM unnest(starts) s, cloudgreet.judge_slot(service, s, NULL, NULL, NULL) j;
END
$$;

-- What is offered begins before the end of the time that is asked for.
-- A line for each start on which the two disagree, for each offered one that is not free, and for each free one that has no offer near.
CREATE FUNCTION public.compare_calendar(number int) RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
    zone text := (ARRAY['America/New_York', 'Europe/London', 'UTC', 'Asia/Kolkata', 'Australia/Lord_Howe'])[1 + number % 5];
    business uuid;
    service uuid;
    staff uuid;
    lead uuid := cloudgreet.uuid_v7();
    ahead interval := make_interval(mins => (number % 4) * 10);
    behind interval := make_interval(mins => (number % 3) * 5);
    length interval := make_interval(mins => 20 + 10 * (number % 5));
BEGIN
    PERFORM set_config('cloudgreet.clock', '2027-03-01Z', true);
    business := cloudgreet.create_business('Oracle', zone);
    service := cloudgreet.create_service('x', 20 + 10 * (number % 5), NULL, (number % 4) * 10, (number % 3) * 5, business_id => business);
    staff := cloudgreet.add_staff('r', zone, '{}', business_id => business);
    INSERT INTO cloudgreet.leads (business_id, id, name) VALUES (business, lead, 'Ann');
    PERFORM public.random_calendar(business, service, lead, staff, public.make_account(business));
    RETURN QUERY
    WITH tried AS (SELECT s AS start, tstzrange(s, s + length) AS own, (s AT TIME ZONE zone)::date AS day
                     FROM generate_series('2027-03-11Z'::timestamptz, '2027-03-18Z', '15 minutes') s),
         opened AS (SELECT d::date AS day, h.starts, h.ends FROM generate_series('2027-03-09'::date, '2027-03-20', '1 day') d
                    JOIN cloudgreet.working_hours h ON h.business_id = business AND h.weekday = extract(dow FROM d)
                   WHERE NOT EXISTS (SELECT FROM cloudgreet.schedule_overrides o WHERE o.business_id = business AND o.local_date = d)
                   UNION ALL SELECT o.local_date, o.starts, o.ends FROM cloudgreet.schedule_overrides o WHERE o.business_id = business),
         windows AS (SELECT range_agg(tstzrange((day + starts) AT TIME ZONE zone, (day + ends) AT TIME ZONE zone)) AS w FROM opened),
         off AS (SELECT coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}') AS t FROM cloudgreet.time_off WHERE business_id = business),
         oracle AS (SELECT t.start, t.own <@ (w.w - off.t)
                       AND NOT EXISTS (SELECT FROM cloudgreet.appointment_allocations a WHERE a.business_id = business AND a.blocks && tstzrange(t.start - ahead, upper(t.own) + behind))
                       AND NOT EXISTS (SELECT FROM cloudgreet.busy_blocks b WHERE b.business_id = business AND tstzrange(b.starts_at, b.ends_at) && tstzrange(t.start - ahead, upper(t.own) + behind)) AS is_free
                      FROM tried t, windows w, off),
         judged AS (SELECT * FROM public.judge_all(business, service, ARRAY(SELECT start FROM tried)))
    SELECT format('calendar %s: %s', number, start) FROM oracle FULL JOIN judged USING (start) WHERE coalesce(oracle.is_free, false) IS DISTINCT FROM judged.is_free
    UNION ALL
    SELECT format('calendar %s: %s is offered', number, j.start)
      FROM public.judge_all(business, service, ARRAY(SELECT s.starts_at FROM cloudgreet.check_availability(service, '2027-03-11Z', '2027-03-18Z', max_slots => 1000, business_id => business) s)) j
     WHERE NOT j.is_free
    UNION ALL
    SELECT format('calendar %s: nothing is offered near %s', number, j.start)
      FROM public.judge_all(business, service, ARRAY(SELECT s FROM generate_series('2027-03-11Z'::timestamptz, '2027-03-17 23:55Z', '5 minutes') s)) j
     WHERE j.is_free AND NOT EXISTS (
         SELECT FROM cloudgreet.check_availability(service, '2027-03-10Z', '2027-03-18Z', max_slots => 1000, business_id => business) s
          WHERE s.starts_at > j.start - length AND s.starts_at <= j.start);
END
$$;
