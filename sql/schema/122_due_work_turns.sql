/*
 * 122_due_work_turns.sql
 *		What is due, taken in turn by business, and left for a while where it is locked.
 */
ALTER TABLE cloudgreet_private.due_work
    ADD COLUMN blocked integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT due_work_blocked_check CHECK (blocked >= 0),
    SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX due_work_turns ON cloudgreet_private.due_work (business_id, due_at);
COMMENT ON COLUMN cloudgreet_private.due_work.blocked IS 'How often in a row another session held what it needs: the pauses grow with it.';
