/*
 * 345_delete_business.sql
 *		Taking a business away, with all that it has in any table.
 *
 * Locks:		workers and clients lock a row of a business first and the business later (a
 *				foreign key does), and they go on while it is deleted.  So this never waits
 *				for a lock while it holds another: it takes the business, then each of its
 *				rows without waiting, and when one is taken it gives all back and begins
 *				anew.  Once it holds them all nothing is left to wait for.
 *				Tested by test/t/140_outbox.pl, with a dispatcher at work.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.tables_of_businesses() RETURNS SETOF regclass
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- The queues first: what workers begin with.
    SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'business_id'
     WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace)
       AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relowner = 'cloudgreet_owner'::regrole
     ORDER BY c.relnamespace = 'cloudgreet'::regnamespace, c.relname;
$$;
COMMENT ON FUNCTION cloudgreet_private.tables_of_businesses() IS 'The tables with a column business_id, of both schemas.';

CREATE OR REPLACE FUNCTION cloudgreet_private.hold_business(business uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target regclass;
BEGIN
    PERFORM FROM cloudgreet.businesses b WHERE b.id = hold_business.business FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- From here on nobody adds a row that has it as a foreign key.
    FOR target IN SELECT t FROM cloudgreet_private.tables_of_businesses() t LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s t WHERE t.business_id = $1 FOR UPDATE NOWAIT) held', target) USING hold_business.business;
    END LOOP;
    PERFORM FROM cloudgreet_private.webhook_seen s
      WHERE s.account_id IN (SELECT r.account_id FROM cloudgreet_private.account_routes r WHERE r.business_id = hold_business.business)
        FOR UPDATE NOWAIT;
    PERFORM FROM cloudgreet_private.webhook_refusals s
      WHERE s.account_id IN (SELECT r.account_id FROM cloudgreet_private.account_routes r WHERE r.business_id = hold_business.business)
        FOR UPDATE NOWAIT;
    RETURN true;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.hold_business(uuid) IS
    'Locks a business that was entered and all its rows; false when there is none. It waits for the business alone; error 55P03 when a row is locked by another.';

CREATE OR REPLACE FUNCTION cloudgreet_private.delete_rest() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target regclass;
BEGIN
    PERFORM cloudgreet.enter_business(old.id);
    FOR target IN SELECT t FROM cloudgreet_private.tables_of_businesses() t LOOP
        EXECUTE format('DELETE FROM %s t WHERE t.business_id = $1', target) USING old.id;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.delete_rest() IS
    'Takes away with a business what no foreign key takes: histories, queues. Its name comes after those of foreign keys'' triggers, so it runs after them.';
CREATE OR REPLACE TRIGGER businesses_delete_rest AFTER DELETE ON cloudgreet.businesses
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.delete_rest();

CREATE OR REPLACE FUNCTION cloudgreet.delete_business(business_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('delete_business', delete_business.business_id);
    gives_up_at CONSTANT timestamptz := clock_timestamp() + interval '30 seconds';
BEGIN
    PERFORM cloudgreet.enter_business(business);
    LOOP
        BEGIN
            IF NOT cloudgreet_private.hold_business(business) THEN
                RAISE EXCEPTION 'business "%" does not exist', business USING ERRCODE = 'no_data_found';
            END IF;
            DELETE FROM cloudgreet.businesses b WHERE b.id = business;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            -- All locks of this attempt are given back here: whoever waited for them goes on.
            IF clock_timestamp() > gives_up_at THEN
                RAISE EXCEPTION 'the business is at work: others hold rows of it' USING ERRCODE = 'lock_not_available',
                    HINT = 'Try again, or see pg_stat_activity for a session idle in a transaction.';
            END IF;
        END;
        PERFORM pg_sleep(0.01 + random() * 0.02);
    END LOOP;
END
$$;
COMMENT ON FUNCTION cloudgreet.delete_business(uuid) IS
    'Deletes a business with all that it has, in every table: people, leads, messages, histories, secrets, numbers. What is queued is not sent; what is being sent right now may arrive, and nothing is kept of it. Not to be undone. Operators only, in a transaction that holds nothing else. Errors: P0002 when there is no such business, 55P03 when others keep rows of it locked for 30 seconds.';

REVOKE ALL ON FUNCTION cloudgreet_private.tables_of_businesses(), cloudgreet_private.hold_business(uuid),
    cloudgreet_private.delete_rest(), cloudgreet.delete_business(uuid) FROM PUBLIC;
