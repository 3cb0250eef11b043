/*
 * 100_due_work.sql
 *		What is to be done at a time, and which message was sent for what.
 *
 * No row security on due_work: the tick looks across businesses and then enters each.
 * No API role has a grant here.
 *
 * Locks:		who changes what a row of due_work is about takes that row first, and the
 *				reminder or enrollment after it.
 */
CREATE TABLE cloudgreet_private.due_work (
    business_id uuid NOT NULL,
    kind        text NOT NULL,
    subject_id  uuid NOT NULL,
    due_at      timestamptz NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    CONSTRAINT due_work_pkey PRIMARY KEY (business_id, kind, subject_id),
    CONSTRAINT due_work_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT due_work_kind_check CHECK (kind IN ('reminder', 'enrollment')),
    CONSTRAINT due_work_attempts_check CHECK (attempts >= 0)
);
CREATE INDEX due_work_due_at ON cloudgreet_private.due_work (due_at);
COMMENT ON TABLE cloudgreet_private.due_work IS 'What tick() does once its time has come; a row goes when it is done.';
COMMENT ON COLUMN cloudgreet_private.due_work.subject_id IS 'A row of appointment_reminders or sequence_enrollments.';
COMMENT ON COLUMN cloudgreet_private.due_work.due_at IS 'Not done before, compared with cloudgreet.clock().';

CREATE TABLE cloudgreet_private.message_causes (
    business_id uuid NOT NULL,
    message_id  uuid NOT NULL,
    cause       text NOT NULL,
    cause_id    uuid NOT NULL,
    name        text,
    reminder_id uuid,
    revoked_at  timestamptz,
    CONSTRAINT message_causes_pkey PRIMARY KEY (business_id, message_id),
    CONSTRAINT message_causes_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE,
    CONSTRAINT message_causes_cause_check CHECK (cause IN ('appointment', 'enrollment'))
);
CREATE INDEX message_causes_cause_id ON cloudgreet_private.message_causes (business_id, cause_id);
COMMENT ON TABLE cloudgreet_private.message_causes IS 'The appointment or enrollment that a text or e-mail was sent for, so that what waits can be taken back.';
COMMENT ON COLUMN cloudgreet_private.message_causes.message_id IS 'A row of sms_messages or emails.';
COMMENT ON COLUMN cloudgreet_private.message_causes.name IS 'The name of its template, by which a reply is understood; NULL for a step of a sequence.';
COMMENT ON COLUMN cloudgreet_private.message_causes.reminder_id IS 'The row of appointment_reminders, if it is one.';
COMMENT ON COLUMN cloudgreet_private.message_causes.revoked_at IS 'Since when it is not true any more: an attempt that failed is not repeated.';

ALTER TABLE cloudgreet_private.message_causes ENABLE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.message_causes FORCE ROW LEVEL SECURITY;
CREATE POLICY message_causes_owner_all ON cloudgreet_private.message_causes TO cloudgreet_owner
    USING (business_id = cloudgreet.current_business_id())
    WITH CHECK (business_id = cloudgreet.current_business_id());

ALTER TABLE cloudgreet.sequence_enrollments ADD COLUMN anchor_at timestamptz NOT NULL DEFAULT cloudgreet.clock();
COMMENT ON COLUMN cloudgreet.sequence_enrollments.anchor_at IS 'What it counts from, for example the end of a call: what the lead wrote before does not end it.';
