/*
 * 890_readiness.sql
 *		Facts about whether what is due is done, for /api/health?ready=1 (src/inbound/health.c) and for doctor().
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.lateness(OUT due_work interval, OUT webhooks interval)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    due_work := cloudgreet.clock() - (SELECT w.due_at FROM cloudgreet_private.due_work w ORDER BY w.due_at LIMIT 1);
    webhooks := cloudgreet.clock() - (SELECT w.next_at FROM cloudgreet_private.webhook_inbox w WHERE w.state = 'pending' ORDER BY w.next_at LIMIT 1);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.lateness() IS
    'For how long the oldest of what tick() does, and of the webhooks that wait to be processed, has been due; NULL when nothing waits, negative for what is not due yet. More than some minutes means that nobody calls tick(), or that the processor does not run.';
REVOKE ALL ON FUNCTION cloudgreet_private.lateness() FROM PUBLIC;
