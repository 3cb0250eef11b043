/*
 * 115_contacts.sql
 *		Who people and numbers are: the one form of a contact, at every boundary.
 *
 * Tables keep it by the trigger keep_canonical(), whoever writes.  What providers send is
 * brought into it once, before anything looks at it: canonical_event().
 */
CREATE OR REPLACE FUNCTION cloudgreet.business_country(business_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN (SELECT coalesce(
        (SELECT k.country FROM cloudgreet.phone_numbers n, cloudgreet.phone_number_kind(n.phone_number) k
          WHERE n.business_id = b.id AND n.is_active AND k.country <> '001' ORDER BY n.created_at, n.id LIMIT 1),
        cloudgreet.time_zone_country(b.time_zone), substring(b.locale FROM '-([A-Z]{2})$'), 'US')
      FROM cloudgreet.businesses b WHERE b.id = business_country.business_id);
END
$$;
COMMENT ON FUNCTION cloudgreet.business_country(uuid) IS
    'The country (ISO 3166 code) in which a business is: that of its first number, of its time zone, or of its locale. Numbers without a country code are of it. NULL for a business that the caller cannot see.';
REVOKE ALL ON FUNCTION cloudgreet.business_country(uuid) FROM PUBLIC;

-- Called before other triggers, whose names come later in the alphabet.
CREATE OR REPLACE TRIGGER businesses_canonical BEFORE INSERT OR UPDATE OF time_zone ON cloudgreet.businesses
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('time_zone', 'time_zone');
CREATE OR REPLACE TRIGGER users_canonical BEFORE INSERT OR UPDATE OF email ON cloudgreet.users
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('email', 'email');
CREATE OR REPLACE TRIGGER phone_numbers_canonical BEFORE INSERT OR UPDATE OF phone_number ON cloudgreet.phone_numbers
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('phone_number', 'phone');
CREATE OR REPLACE TRIGGER phone_routes_canonical BEFORE INSERT OR UPDATE OF phone_number ON cloudgreet_private.phone_routes
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('phone_number', 'phone');
CREATE OR REPLACE TRIGGER leads_canonical BEFORE INSERT OR UPDATE OF phone, email, time_zone ON cloudgreet.leads
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('phone', 'phone', 'email', 'email', 'time_zone', 'time_zone');
CREATE OR REPLACE TRIGGER calls_canonical BEFORE INSERT OR UPDATE OF from_number, to_number ON cloudgreet.calls
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('from_number', 'party', 'to_number', 'party');
CREATE OR REPLACE TRIGGER sms_messages_canonical BEFORE INSERT OR UPDATE OF from_number, to_number ON cloudgreet.sms_messages
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('from_number', 'party', 'to_number', 'party');
CREATE OR REPLACE TRIGGER emails_canonical BEFORE INSERT OR UPDATE OF to_address ON cloudgreet.emails
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('to_address', 'email');
CREATE OR REPLACE TRIGGER staff_canonical BEFORE INSERT OR UPDATE OF time_zone ON cloudgreet.staff
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('time_zone', 'time_zone');
CREATE OR REPLACE TRIGGER appointments_canonical BEFORE INSERT OR UPDATE OF time_zone ON cloudgreet.appointments
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('time_zone', 'time_zone');
CREATE OR REPLACE TRIGGER consents_canonical BEFORE INSERT OR UPDATE OF contact ON cloudgreet.consents
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('contact', 'contact');
CREATE OR REPLACE TRIGGER suppressions_canonical BEFORE INSERT OR UPDATE OF contact ON cloudgreet.suppressions
    FOR EACH ROW EXECUTE FUNCTION cloudgreet.keep_canonical('contact', 'contact');

-- ---- What providers send ------------------------------------------------------------

CREATE OR REPLACE FUNCTION cloudgreet_private.own_number(business_id uuid, written text, country text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    number CONSTANT text := cloudgreet.phone_party(own_number.written, own_number.country);
BEGIN
    IF number IS NULL OR cloudgreet_private.is_own_number(own_number.business_id, number) THEN
        RETURN number;
    END IF;
    -- Written as at home, in the country of another number of the business.
    RETURN (SELECT r.phone_number FROM cloudgreet_private.phone_routes r, cloudgreet.phone_number_kind(r.phone_number) k
             WHERE r.business_id = own_number.business_id AND strpos(own_number.written, '+') = 0 AND k.country <> '001'
               AND cloudgreet.phone_party(own_number.written, k.country) = r.phone_number ORDER BY r.phone_number LIMIT 1);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.own_number(uuid, text, text) IS
    'The number of the business that is written, however it is; NULL for any other.';

CREATE OR REPLACE FUNCTION cloudgreet_private.canonical_parties(business_id uuid, INOUT from_number text, INOUT to_number text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    home CONSTANT text := coalesce(cloudgreet.business_country(canonical_parties.business_id), 'US');
    called CONSTANT text := cloudgreet_private.own_number(canonical_parties.business_id, to_number, home);
    calling CONSTANT text := cloudgreet_private.own_number(canonical_parties.business_id, from_number, home);
    -- Who writes without a country code means the country of the number that is called.
    country CONSTANT text := coalesce(nullif((cloudgreet.phone_number_kind(coalesce(called, calling))).country, '001'), home);
BEGIN
    from_number := coalesce(calling, cloudgreet.phone_party(from_number, country));
    to_number := coalesce(called, cloudgreet.phone_party(to_number, country));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.canonical_parties(uuid, text, text) IS
    'Two sides of a call or text as phone_party() has them; numbers without a country code are of the country of the business''s number that takes part, else of the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.canonical_members(business_id uuid, item jsonb, from_path text[], to_path text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    result jsonb := item;
    parties record;
    -- Where a provider sends anything but a text there is no number.
    caller CONSTANT text := CASE WHEN jsonb_typeof(item #> from_path) = 'string' THEN item #>> from_path END;
    called CONSTANT text := CASE WHEN jsonb_typeof(item #> to_path) = 'string' THEN item #>> to_path END;
BEGIN
    parties := cloudgreet_private.canonical_parties(canonical_members.business_id, caller, called);
    -- Most are in that form already, and an event with a transcript is dear to copy.
    IF parties.from_number <> caller THEN
        result := jsonb_set(result, from_path, to_jsonb(parties.from_number), false);
    END IF;
    IF parties.to_number <> called THEN
        result := jsonb_set(result, to_path, to_jsonb(parties.to_number), false);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.canonical_members(uuid, jsonb, text[], text[]) IS
    'An object with the numbers at two paths in their canonical form.';

CREATE OR REPLACE FUNCTION cloudgreet_private.canonical_event(business_id uuid, provider text, event jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    message CONSTANT jsonb := canonical_event.event #> '{data,payload}';
    parties jsonb;
    about text;
BEGIN
    IF canonical_event.provider = 'telnyx' AND jsonb_typeof(message -> 'to') = 'array' THEN
        -- A text to many names them all; the business's number is among the first, and the others go.
        parties := jsonb_build_object('from', message -> 'from', 'to', jsonb_path_query_array(message, 'lax $.to[0 to 49]'));
        FOR n IN 0 .. jsonb_array_length(parties -> 'to') - 1 LOOP
            parties := cloudgreet_private.canonical_members(canonical_event.business_id, parties,
                '{from,phone_number}', ARRAY['to', n::text, 'phone_number']);
        END LOOP;
        event := jsonb_set(jsonb_set(event, '{data,payload,to}', parties -> 'to'), '{data,payload,from}', parties -> 'from', false);
    ELSIF canonical_event.provider = 'telnyx' THEN
        event := cloudgreet_private.canonical_members(canonical_event.business_id, event, '{data,payload,from}', '{data,payload,to}');
    ELSIF canonical_event.provider = 'retell' THEN
        FOREACH about IN ARRAY '{call,chat,call_inbound,chat_inbound}'::text[] LOOP
            IF jsonb_typeof(event -> about) = 'object' THEN
                event := cloudgreet_private.canonical_members(canonical_event.business_id, event,
                    ARRAY[about, 'from_number'], ARRAY[about, 'to_number']);
            END IF;
        END LOOP;
    END IF;
    RETURN event;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.canonical_event(uuid, text, jsonb) IS
    'An event of Telnyx or Retell with its numbers in the form in which they are stored; a withheld one is "anonymous", which is nobody.';

-- ---- Time zones that the server lacks -----------------------------------------------

CREATE OR REPLACE FUNCTION cloudgreet_private.unknown_time_zones()
    RETURNS TABLE (time_zone text, used_in text, row_count bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT z.time_zone, z.used_in, z.row_count
      FROM (SELECT b.time_zone, 'businesses', count(*) FROM cloudgreet.businesses b GROUP BY 1
            UNION ALL SELECT s.time_zone, 'staff', count(*) FROM cloudgreet.staff s GROUP BY 1
            UNION ALL SELECT l.time_zone, 'leads', count(*) FROM cloudgreet.leads l GROUP BY 1
            UNION ALL SELECT a.time_zone, 'appointments', count(*) FROM cloudgreet.appointments a GROUP BY 1
            UNION ALL SELECT g.config #>> '{working_hours,time_zone}', 'ai_agents', count(*) FROM cloudgreet.ai_agents g GROUP BY 1) z (time_zone, used_in, row_count)
     WHERE NOT cloudgreet.is_time_zone(z.time_zone) ORDER BY 1, 2;
$$;
COMMENT ON FUNCTION cloudgreet_private.unknown_time_zones() IS
    'Time zones of rows that this server''s zone files do not have, as after a restore on another system; what needs such a zone raises ZG106 or 22023, naming it.';

REVOKE ALL ON FUNCTION cloudgreet_private.own_number(uuid, text, text), cloudgreet_private.canonical_parties(uuid, text, text),
    cloudgreet_private.canonical_members(uuid, jsonb, text[], text[]), cloudgreet_private.canonical_event(uuid, text, jsonb),
    cloudgreet_private.unknown_time_zones() FROM PUBLIC;
