/*
 * 116_booking.sql
 *		Rounding is a service's own; stored leads, names and appointments are mended: no
 *		circle of merged leads, nothing left at one, no unseen characters in names, no
 *		appointment without the time that it takes.
 *
 * Triggers of an installed schema rest meanwhile, so that nobody is told of anything.
 */
ALTER TABLE cloudgreet.services ADD COLUMN slot_round_minutes integer,
    ADD CONSTRAINT services_slot_round_minutes_check CHECK (slot_round_minutes BETWEEN 0 AND 60);
COMMENT ON COLUMN cloudgreet.services.slot_round_minutes IS
    'The first start of a free time is moved up to such minutes of the hour: 15 for quarters; NULL or 0: it is offered as it is.';
