/*
 * 117_ticks.sql
 *		When tick() was last called, so that doctor() can say that nothing calls it before a
 *		reminder is late.
 */
CREATE TABLE cloudgreet_private.ticks (
    is_single   boolean NOT NULL DEFAULT true,
    last_at     timestamptz,
    CONSTRAINT ticks_pkey PRIMARY KEY (is_single),
    CONSTRAINT ticks_is_single_check CHECK (is_single)
) WITH (fillfactor = 10);
COMMENT ON TABLE cloudgreet_private.ticks IS 'One row: the last call of tick() in this database.';
COMMENT ON COLUMN cloudgreet_private.ticks.last_at IS 'By the real time, not by cloudgreet.clock(); NULL when it was never called.';
INSERT INTO cloudgreet_private.ticks DEFAULT VALUES;
