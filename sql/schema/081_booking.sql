/*
 * 081_booking.sql
 *		What the booking functions answer with, and requests that may come twice and must
 *		count once.
 */
CREATE TYPE cloudgreet.free_slot AS (
    starts_at   timestamptz,
    ends_at     timestamptz,
    staff_id    uuid,
    local_text  text
);
COMMENT ON TYPE cloudgreet.free_slot IS
    'A time that is free: when, whose, and how one says it. No table has a column of it.';

CREATE TYPE cloudgreet.slot_hold AS (
    hold_id     uuid,
    starts_at   timestamptz,
    ends_at     timestamptz,
    staff_id    uuid,
    expires_at  timestamptz
);
COMMENT ON TYPE cloudgreet.slot_hold IS 'A time that is held for someone until it is confirmed or expires.';

CREATE TABLE cloudgreet_private.idempotency_keys (
    business_id uuid NOT NULL,
    operation   text NOT NULL,
    key         text NOT NULL,
    request_hash bytea NOT NULL,
    result_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (business_id, operation, key),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255)
);
COMMENT ON TABLE cloudgreet_private.idempotency_keys IS
    'Keys under which callers asked for something, written in the transaction that does it: a request that failed leaves none.';
COMMENT ON COLUMN cloudgreet_private.idempotency_keys.request_hash IS 'SHA-256 of what was asked; another request under the same key is refused.';
COMMENT ON COLUMN cloudgreet_private.idempotency_keys.result_id IS 'What the operation made, for example an appointment.';

ALTER TABLE cloudgreet_private.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_owner_all ON cloudgreet_private.idempotency_keys TO cloudgreet_owner
    USING (business_id = cloudgreet.current_business_id())
    WITH CHECK (business_id = cloudgreet.current_business_id());
