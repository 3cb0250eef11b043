/*
 * 030_scheduling.sql
 *		Who works when, what is offered, and what is booked.
 *
 * A slot cannot be sold twice: appointment_allocations holds the padded time of each
 * staff member and lane under an exclusion constraint.
 */
CREATE TABLE cloudgreet.services (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    name        text NOT NULL,
    description text,
    duration_minutes integer NOT NULL,
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    slot_step_minutes integer,
    minimum_notice_minutes integer NOT NULL DEFAULT 0,
    seats       integer NOT NULL DEFAULT 1,
    price_cents integer,
    currency    text NOT NULL DEFAULT 'USD',
    is_active   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT services_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT services_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT services_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT services_duration_minutes_check CHECK (duration_minutes BETWEEN 1 AND 10080),
    CONSTRAINT services_buffer_before_minutes_check CHECK (buffer_before_minutes BETWEEN 0 AND 1440),
    CONSTRAINT services_buffer_after_minutes_check CHECK (buffer_after_minutes BETWEEN 0 AND 1440),
    CONSTRAINT services_slot_step_minutes_check CHECK (slot_step_minutes BETWEEN 1 AND 1440),
    CONSTRAINT services_minimum_notice_minutes_check CHECK (minimum_notice_minutes BETWEEN 0 AND 525600),
    CONSTRAINT services_seats_check CHECK (seats BETWEEN 1 AND 1000),
    CONSTRAINT services_price_cents_check CHECK (price_cents >= 0),
    CONSTRAINT services_currency_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE UNIQUE INDEX services_business_id_name_key ON cloudgreet.services (business_id, lower(name)) WHERE is_active;
COMMENT ON TABLE cloudgreet.services IS 'What can be booked.';
COMMENT ON COLUMN cloudgreet.services.buffer_before_minutes IS 'Minutes kept free before an appointment, for example to drive there.';
COMMENT ON COLUMN cloudgreet.services.slot_step_minutes IS 'Distance of offered starts in minutes; NULL: the duration.';
COMMENT ON COLUMN cloudgreet.services.seats IS 'Parties that one slot takes.';
COMMENT ON INDEX cloudgreet.services_business_id_name_key IS 'Active services of a business have different names.';

CREATE TABLE cloudgreet.staff (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    user_id     uuid,
    name        text NOT NULL,
    time_zone   text NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT staff_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT staff_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT staff_user_id_fkey FOREIGN KEY (business_id, user_id) REFERENCES cloudgreet.users (business_id, id),
    CONSTRAINT staff_name_check CHECK (name ~ '[^[:space:]]' AND length(name) <= 200),
    CONSTRAINT staff_time_zone_check CHECK (cloudgreet.is_time_zone(time_zone))
);
CREATE INDEX staff_user_id ON cloudgreet.staff (business_id, user_id);
COMMENT ON TABLE cloudgreet.staff IS 'People and other resources that appointments are made with.';
COMMENT ON COLUMN cloudgreet.staff.time_zone IS 'IANA name; working hours are in it.';

CREATE TABLE cloudgreet.service_staff (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    service_id  uuid NOT NULL,
    staff_id    uuid NOT NULL,
    CONSTRAINT service_staff_pkey PRIMARY KEY (business_id, service_id, staff_id),
    CONSTRAINT service_staff_service_id_fkey FOREIGN KEY (business_id, service_id) REFERENCES cloudgreet.services (business_id, id) ON DELETE CASCADE,
    CONSTRAINT service_staff_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE
);
CREATE INDEX service_staff_staff_id ON cloudgreet.service_staff (business_id, staff_id);
COMMENT ON TABLE cloudgreet.service_staff IS 'Who does which service. A service without a row here is done by all active staff.';

CREATE TABLE cloudgreet.working_hours (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    staff_id    uuid NOT NULL,
    weekday     smallint NOT NULL,
    starts      time NOT NULL,
    ends        time NOT NULL,
    valid_from  date,
    valid_to    date,
    CONSTRAINT working_hours_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT working_hours_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE,
    CONSTRAINT working_hours_weekday_check CHECK (weekday BETWEEN 0 AND 6),
    CONSTRAINT working_hours_ends_check CHECK (starts < ends),
    CONSTRAINT working_hours_valid_to_check CHECK (valid_from <= valid_to)
);
CREATE INDEX working_hours_staff_id ON cloudgreet.working_hours (business_id, staff_id, weekday);
COMMENT ON TABLE cloudgreet.working_hours IS 'Weekly hours of staff, in their own time zone. Several rows a day make breaks; work over midnight is two rows.';
COMMENT ON COLUMN cloudgreet.working_hours.weekday IS '0 is Sunday, 6 Saturday.';
COMMENT ON COLUMN cloudgreet.working_hours.ends IS 'Local time, 24:00 allowed.';
COMMENT ON COLUMN cloudgreet.working_hours.valid_to IS 'Last local date on which the row counts; NULL: for ever.';

CREATE TABLE cloudgreet.schedule_overrides (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    staff_id    uuid NOT NULL,
    local_date  date NOT NULL,
    starts      time,
    ends        time,
    CONSTRAINT schedule_overrides_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT schedule_overrides_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE,
    CONSTRAINT schedule_overrides_ends_check CHECK ((starts IS NULL) = (ends IS NULL) AND starts < ends)
);
CREATE INDEX schedule_overrides_staff_id ON cloudgreet.schedule_overrides (business_id, staff_id, local_date);
COMMENT ON TABLE cloudgreet.schedule_overrides IS 'Hours of one local date that replace the weekly ones.';
COMMENT ON COLUMN cloudgreet.schedule_overrides.starts IS 'NULL: closed on that date.';

CREATE TABLE cloudgreet.time_off (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    staff_id    uuid NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason      text,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT time_off_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT time_off_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE,
    CONSTRAINT time_off_ends_at_check CHECK (starts_at < ends_at),
    CONSTRAINT time_off_reason_check CHECK (length(reason) <= 200)
);
CREATE INDEX time_off_staff_id ON cloudgreet.time_off (business_id, staff_id, starts_at);
COMMENT ON TABLE cloudgreet.time_off IS 'Absences; they beat hours and overrides.';

CREATE TABLE cloudgreet.appointments (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    lead_id     uuid NOT NULL,
    service_id  uuid,
    staff_id    uuid,
    scheduled_date timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    time_zone   text NOT NULL,
    status      text NOT NULL DEFAULT 'scheduled',
    notes       text,
    call_id     uuid,
    external_event_id text,
    canceled_at timestamptz,
    cancel_reason text,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT appointments_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT appointments_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT appointments_lead_id_fkey FOREIGN KEY (business_id, lead_id) REFERENCES cloudgreet.leads (business_id, id),
    CONSTRAINT appointments_service_id_fkey FOREIGN KEY (business_id, service_id) REFERENCES cloudgreet.services (business_id, id),
    CONSTRAINT appointments_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id),
    CONSTRAINT appointments_call_id_fkey FOREIGN KEY (business_id, call_id) REFERENCES cloudgreet.calls (business_id, id),
    CONSTRAINT appointments_ends_at_check CHECK (scheduled_date < ends_at AND isfinite(scheduled_date) AND isfinite(ends_at)),
    CONSTRAINT appointments_time_zone_check CHECK (cloudgreet.is_time_zone(time_zone)),
    CONSTRAINT appointments_status_check CHECK (status IN ('held', 'scheduled', 'confirmed', 'completed', 'canceled', 'no_show')),
    CONSTRAINT appointments_cancel_reason_check CHECK (length(cancel_reason) <= 500),
    CONSTRAINT appointments_notes_check CHECK (length(notes) <= 20000)
);
CREATE INDEX idx_appointments_business_id ON cloudgreet.appointments (business_id, status, scheduled_date);
CREATE INDEX idx_appointments_scheduled_date ON cloudgreet.appointments (business_id, scheduled_date, id);
CREATE INDEX appointments_lead_id ON cloudgreet.appointments (business_id, lead_id);
CREATE INDEX appointments_service_id ON cloudgreet.appointments (business_id, service_id);
CREATE INDEX appointments_staff_id ON cloudgreet.appointments (business_id, staff_id, scheduled_date);
CREATE INDEX appointments_call_id ON cloudgreet.appointments (business_id, call_id);
COMMENT ON TABLE cloudgreet.appointments IS 'Appointments; a canceled one stays as history.';
COMMENT ON COLUMN cloudgreet.appointments.scheduled_date IS 'The start.';
COMMENT ON COLUMN cloudgreet.appointments.time_zone IS 'The zone in which the lead was told the time.';
COMMENT ON COLUMN cloudgreet.appointments.external_event_id IS 'The event in the connected calendar.';

CREATE TABLE cloudgreet.appointment_allocations (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    appointment_id uuid,
    service_id  uuid,
    staff_id    uuid NOT NULL,
    lane        smallint NOT NULL DEFAULT 1,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    blocks      tstzrange NOT NULL,
    state       text NOT NULL,
    holder      text,
    expires_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT appointment_allocations_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT appointment_allocations_appointment_id_fkey FOREIGN KEY (business_id, appointment_id) REFERENCES cloudgreet.appointments (business_id, id) ON DELETE CASCADE,
    CONSTRAINT appointment_allocations_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id),
    CONSTRAINT appointment_allocations_appointment_id_check CHECK (appointment_id IS NOT NULL OR state <> 'booked'),
    CONSTRAINT appointment_allocations_lane_check CHECK (lane > 0),
    CONSTRAINT appointment_allocations_ends_at_check CHECK (starts_at < ends_at),
    CONSTRAINT appointment_allocations_blocks_check CHECK (
        NOT isempty(blocks) AND NOT lower_inf(blocks) AND NOT upper_inf(blocks)
        AND isfinite(lower(blocks)) AND isfinite(upper(blocks)) AND lower_inc(blocks) AND NOT upper_inc(blocks)
        AND lower(blocks) <= starts_at AND upper(blocks) >= ends_at),
    CONSTRAINT appointment_allocations_state_check CHECK (state IN ('held', 'booked', 'released')),
    CONSTRAINT appointment_allocations_expires_at_check CHECK ((state = 'held') = (expires_at IS NOT NULL)),
    CONSTRAINT appointment_allocations_blocks_excl EXCLUDE USING gist
        (business_id WITH =, staff_id WITH =, lane WITH =, blocks WITH &&) WHERE (state IN ('held', 'booked'))
);
CREATE INDEX appointment_allocations_appointment_id ON cloudgreet.appointment_allocations (business_id, appointment_id);
CREATE INDEX appointment_allocations_staff_id ON cloudgreet.appointment_allocations (business_id, staff_id, starts_at)
    INCLUDE (ends_at, state);
CREATE INDEX appointment_allocations_long ON cloudgreet.appointment_allocations (business_id, staff_id, starts_at)
    INCLUDE (ends_at) WHERE state IN ('held', 'booked') AND ends_at - starts_at > interval '24 hours';
COMMENT ON TABLE cloudgreet.appointment_allocations IS
    'The time that appointments and holds take of staff. Insert with ON CONFLICT DO NOTHING: no row means that the time is taken.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.appointment_id IS 'NULL: a hold without an appointment as yet.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.service_id IS 'What it is for: parties of one service with several seats share a time. No reference, for it only tells them apart.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.lane IS 'Seat, from 1: allocations of different lanes may overlap.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.blocks IS 'The time with its buffers, without its end, so that times may touch; two of one staff member and lane never overlap.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.state IS 'held until expires_at, booked, or released.';
COMMENT ON COLUMN cloudgreet.appointment_allocations.holder IS 'Who holds it, for example a call; the holder''s own hold does not block it.';
COMMENT ON INDEX cloudgreet.appointment_allocations_long IS 'Allocations over a day long, which the scan from a day before would miss.';

CREATE TABLE cloudgreet.appointment_reminders (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    appointment_id uuid NOT NULL,
    type        text NOT NULL,
    channel     text NOT NULL,
    due_at      timestamptz NOT NULL,
    status      text NOT NULL DEFAULT 'scheduled',
    sent_at     timestamptz,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT appointment_reminders_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT appointment_reminders_appointment_id_fkey FOREIGN KEY (business_id, appointment_id) REFERENCES cloudgreet.appointments (business_id, id) ON DELETE CASCADE,
    CONSTRAINT appointment_reminders_business_id_appointment_id_type_key UNIQUE (business_id, appointment_id, type, channel, due_at),
    CONSTRAINT appointment_reminders_type_check CHECK (type ~ '^[a-z0-9_]{1,40}$'),
    CONSTRAINT appointment_reminders_channel_check CHECK (channel IN ('sms', 'email')),
    CONSTRAINT appointment_reminders_status_check CHECK (status IN ('scheduled', 'queued', 'sent', 'failed', 'canceled', 'skipped'))
);
COMMENT ON TABLE cloudgreet.appointment_reminders IS 'Reminders of appointments, once each.';
COMMENT ON COLUMN cloudgreet.appointment_reminders.type IS 'Which reminder, for example 24h or 1h.';
COMMENT ON COLUMN cloudgreet.appointment_reminders.due_at IS 'When it is released, compared with cloudgreet.clock().';

CREATE TABLE cloudgreet.calendar_connections (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    staff_id    uuid NOT NULL,
    provider_account_id uuid NOT NULL,
    calendar_id text NOT NULL,
    sync_token  text,
    status      text NOT NULL DEFAULT 'active',
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    updated_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT calendar_connections_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT calendar_connections_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE,
    CONSTRAINT calendar_connections_provider_account_id_fkey FOREIGN KEY (business_id, provider_account_id) REFERENCES cloudgreet.provider_accounts (business_id, id),
    CONSTRAINT calendar_connections_business_id_staff_id_calendar_id_key UNIQUE (business_id, staff_id, calendar_id),
    CONSTRAINT calendar_connections_status_check CHECK (status IN ('active', 'paused', 'broken'))
);
CREATE INDEX calendar_connections_provider_account_id ON cloudgreet.calendar_connections (business_id, provider_account_id);
COMMENT ON TABLE cloudgreet.calendar_connections IS 'External calendars that are kept in step with a staff member''s time.';
COMMENT ON COLUMN cloudgreet.calendar_connections.sync_token IS 'Where the provider''s list of changes was read to; NULL: from the beginning.';

CREATE TABLE cloudgreet.busy_blocks (
    business_id uuid NOT NULL DEFAULT cloudgreet.current_business_id(),
    id          uuid NOT NULL DEFAULT cloudgreet.uuid_v7(),
    staff_id    uuid NOT NULL,
    calendar_connection_id uuid NOT NULL,
    external_event_id text NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT busy_blocks_pkey PRIMARY KEY (business_id, id),
    CONSTRAINT busy_blocks_staff_id_fkey FOREIGN KEY (business_id, staff_id) REFERENCES cloudgreet.staff (business_id, id) ON DELETE CASCADE,
    CONSTRAINT busy_blocks_calendar_connection_id_fkey FOREIGN KEY (business_id, calendar_connection_id) REFERENCES cloudgreet.calendar_connections (business_id, id) ON DELETE CASCADE,
    CONSTRAINT busy_blocks_business_id_external_event_key UNIQUE (business_id, calendar_connection_id, external_event_id, starts_at),
    CONSTRAINT busy_blocks_ends_at_check CHECK (starts_at <= ends_at)
);
CREATE INDEX busy_blocks_staff_id ON cloudgreet.busy_blocks (business_id, staff_id, starts_at) INCLUDE (ends_at);
COMMENT ON TABLE cloudgreet.busy_blocks IS 'Busy times from external calendars; they may overlap.';
