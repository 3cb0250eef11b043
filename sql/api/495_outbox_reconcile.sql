/*
 * 495_outbox_reconcile.sql
 *		What a webhook proves about a request whose answer was lost.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_reconcile(business_id uuid, outbox_id uuid, provider_id text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    UPDATE cloudgreet_private.outbox o
       SET state = 'done', finished_at = cloudgreet.clock(), reason = 'a webhook shows that it was sent'
     WHERE o.business_id = outbox_reconcile.business_id AND o.id = outbox_reconcile.outbox_id AND o.state IN ('unknown', 'held');
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_reconcile(uuid, uuid, text) IS
    'Finishes a request whose answer was lost: an event of the provider shows that it was sent.';
REVOKE ALL ON FUNCTION cloudgreet_private.outbox_reconcile(uuid, uuid, text) FROM PUBLIC;
