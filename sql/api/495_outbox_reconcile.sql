/*
 * 495_outbox_reconcile.sql
 *		What a webhook proves about a request whose answer is not known.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.outbox_reconcile(business_id uuid, outbox_id uuid, provider_id text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE cloudgreet_private.outbox o
       SET state = 'done', finished_at = cloudgreet.clock(), reason = 'an event shows that it was sent'
     WHERE o.business_id = outbox_reconcile.business_id AND o.id = outbox_reconcile.outbox_id
       AND o.state IN ('queued', 'sending', 'unknown', 'held') AND o.first_sent_at IS NOT NULL
       AND (o.state <> 'queued' OR o.attempts > 0);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.outbox_reconcile(uuid, uuid, text) IS
    'queued (to be repeated), sending, unknown, held -> done: an event of the provider shows that the request was sent. An attempt under way finds it done and leaves it.';
REVOKE ALL ON FUNCTION cloudgreet_private.outbox_reconcile(uuid, uuid, text) FROM PUBLIC;
