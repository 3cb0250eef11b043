/*
 * 835_replication.sql
 *		Notices that this database is filled by another one.
 *
 * The judging is src/core/instance.c's.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.note_replication() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.installation i SET is_replica = true WHERE NOT i.is_replica;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.note_replication() IS
    'Trigger of businesses, for rows that come by replication (session_replication_role = replica) only: the database is a copy from then on, until activate().';
REVOKE ALL ON FUNCTION cloudgreet_private.note_replication() FROM PUBLIC;
CREATE OR REPLACE TRIGGER businesses_replicated AFTER INSERT ON cloudgreet.businesses
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.note_replication();
DO $$
BEGIN
    -- It waits for all who write, so it is done once.
    IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = 'cloudgreet.businesses'::regclass AND t.tgname = 'businesses_replicated' AND t.tgenabled <> 'R') THEN
        ALTER TABLE cloudgreet.businesses ENABLE REPLICA TRIGGER businesses_replicated;
    END IF;
END
$$;
