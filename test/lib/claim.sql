-- Does by hand what the dispatcher does with what is due: claims the open requests of a
-- business, or one of them, in their order, and ends those that must not be sent.
CREATE OR REPLACE FUNCTION public.claim(business uuid, only_id uuid DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
    request uuid;
    says text;
BEGIN
    FOR request IN SELECT o.id FROM cloudgreet_private.outbox o WHERE o.business_id = business AND o.id = coalesce(only_id, o.id) ORDER BY o.id LOOP
        SELECT c.verdict INTO says FROM cloudgreet.outbox_claim(ARRAY[business], ARRAY[request]) c;
        RETURN NEXT says;
        IF says = 'refuse' THEN
            PERFORM cloudgreet_private.outbox_refuse(business, request);
        END IF;
    END LOOP;
END
$$;
