/*
 * 113_contacts.sql
 *		Contacts and time zones that are stored in another form than the canonical one are
 *		brought into it.
 *
 * Leads that turn out to have one number are merged into the one that had its canonical
 * form already, else into the oldest; of suppressions of one contact the strictest stays.
 * What cannot be mended (a number that its country does not know) stays as it is.  A
 * business whose leads were touched is told by an alert.
 *
 * Triggers of an installed schema rest meanwhile, so that nobody is told of anything else.
 */
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{businesses,users,ai_agents,phone_numbers,leads,calls,sms_messages,emails,staff,appointments,consents,suppressions,alerts}'::text[] LOOP
        EXECUTE format('ALTER TABLE cloudgreet.%I DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END
$$;

-- ---- Time zones: a name is judged when it is written, for zone files differ ----------
ALTER TABLE cloudgreet.businesses DROP CONSTRAINT businesses_time_zone_check,
    ADD CONSTRAINT businesses_time_zone_check CHECK (time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$');
ALTER TABLE cloudgreet.staff DROP CONSTRAINT staff_time_zone_check,
    ADD CONSTRAINT staff_time_zone_check CHECK (time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$');
ALTER TABLE cloudgreet.leads DROP CONSTRAINT leads_time_zone_check,
    ADD CONSTRAINT leads_time_zone_check CHECK (time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$');
ALTER TABLE cloudgreet.appointments DROP CONSTRAINT appointments_time_zone_check,
    ADD CONSTRAINT appointments_time_zone_check CHECK (time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$');

DO $$
DECLARE
    old_name text;
    new_name text;
BEGIN
    FOR old_name IN SELECT time_zone FROM cloudgreet.businesses UNION SELECT time_zone FROM cloudgreet.staff
                    UNION SELECT time_zone FROM cloudgreet.leads UNION SELECT time_zone FROM cloudgreet.appointments
                    UNION SELECT config #>> '{working_hours,time_zone}' FROM cloudgreet.ai_agents LOOP
        BEGIN
            new_name := cloudgreet.normalize_time_zone(old_name);
        EXCEPTION WHEN SQLSTATE 'ZG106' THEN
            new_name := old_name; -- doctor() names it
        END;
        IF new_name <> old_name THEN
            UPDATE cloudgreet.businesses b SET time_zone = new_name WHERE b.time_zone = old_name;
            UPDATE cloudgreet.staff s SET time_zone = new_name WHERE s.time_zone = old_name;
            UPDATE cloudgreet.leads l SET time_zone = new_name WHERE l.time_zone = old_name;
            UPDATE cloudgreet.appointments a SET time_zone = new_name WHERE a.time_zone = old_name;
            UPDATE cloudgreet.ai_agents g SET config = jsonb_set(g.config, '{working_hours,time_zone}', to_jsonb(new_name))
             WHERE g.config #>> '{working_hours,time_zone}' = old_name;
        END IF;
    END LOOP;
END
$$;

-- ---- E-mail addresses ----------------------------------------------------------------
UPDATE cloudgreet.users u SET email = cloudgreet.read_email(u.email) WHERE u.email <> cloudgreet.read_email(u.email);
UPDATE cloudgreet.leads l SET email = cloudgreet.read_email(l.email) WHERE l.email <> cloudgreet.read_email(l.email);
UPDATE cloudgreet.emails e SET to_address = cloudgreet.read_email(e.to_address) WHERE e.to_address <> cloudgreet.read_email(e.to_address);

-- ---- Numbers of businesses: one that another has already stays ------------------------
WITH mended AS (
    UPDATE cloudgreet_private.phone_routes r SET phone_number = cloudgreet.phone_party(r.phone_number)
     WHERE r.phone_number <> cloudgreet.phone_party(r.phone_number) AND cloudgreet.is_phone_number(cloudgreet.phone_party(r.phone_number))
       AND NOT EXISTS (SELECT FROM cloudgreet_private.phone_routes o
                        WHERE o.phone_number <> r.phone_number
                          AND cloudgreet.phone_party(o.phone_number) = cloudgreet.phone_party(r.phone_number))
    RETURNING r.business_id, r.phone_number)
UPDATE cloudgreet.phone_numbers n SET phone_number = m.phone_number
  FROM mended m WHERE n.business_id = m.business_id AND cloudgreet.phone_party(n.phone_number) = m.phone_number;

-- ---- Leads ---------------------------------------------------------------------------
-- A pseudo-number is nobody's; who was taken for one person cannot be told apart any more.
WITH nobody AS (
    UPDATE cloudgreet.leads l SET phone = NULL WHERE cloudgreet.phone_party(l.phone) = 'anonymous'
    RETURNING l.business_id)
INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
SELECT DISTINCT n.business_id, 'lead_of_withheld_number',
       'A lead had a number that carriers send for callers who withhold theirs, so it may stand for several people. It has no number any more; please look at its appointments.'
  FROM nobody n ON CONFLICT DO NOTHING;

WITH numbered AS (
    SELECT l.business_id, l.id, cloudgreet.phone_party(l.phone) AS phone, l.merged_into_id,
           first_value(l.id) OVER (PARTITION BY l.business_id, cloudgreet.phone_party(l.phone)
                                   ORDER BY l.merged_into_id IS NOT NULL, l.phone <> cloudgreet.phone_party(l.phone), l.created_at, l.id) AS keeper
      FROM cloudgreet.leads l WHERE cloudgreet.is_phone_number(cloudgreet.phone_party(l.phone))),
merged AS (
    UPDATE cloudgreet.leads l SET merged_into_id = n.keeper
      FROM numbered n
     WHERE l.business_id = n.business_id AND l.id = n.id AND n.id <> n.keeper AND n.merged_into_id IS NULL
    RETURNING l.business_id)
INSERT INTO cloudgreet.alerts (business_id, alert_type, message)
SELECT DISTINCT m.business_id, 'leads_of_one_number',
       'Leads that had one number in two spellings were merged. Please look at leads with merged_into_id.'
  FROM merged m ON CONFLICT DO NOTHING;
UPDATE cloudgreet.leads l SET phone = cloudgreet.phone_party(l.phone)
 WHERE l.phone <> cloudgreet.phone_party(l.phone) AND cloudgreet.is_phone_number(cloudgreet.phone_party(l.phone));

-- ---- Calls and texts: by them it is told who stopped what -----------------------------
UPDATE cloudgreet.calls c SET from_number = cloudgreet.phone_party(c.from_number), to_number = cloudgreet.phone_party(c.to_number)
 WHERE c.from_number <> cloudgreet.phone_party(c.from_number) OR c.to_number <> cloudgreet.phone_party(c.to_number);
UPDATE cloudgreet.sms_messages m SET from_number = cloudgreet.phone_party(m.from_number), to_number = cloudgreet.phone_party(m.to_number)
 WHERE m.from_number <> cloudgreet.phone_party(m.from_number) OR m.to_number <> cloudgreet.phone_party(m.to_number);

-- ---- What people agreed to, and contacts that are sent nothing ------------------------
UPDATE cloudgreet.consents c SET contact = coalesce(cloudgreet.read_email(c.contact), cloudgreet.phone_party(c.contact))
 WHERE c.contact <> coalesce(cloudgreet.read_email(c.contact), cloudgreet.phone_party(c.contact)) AND cloudgreet.phone_party(c.contact) <> 'anonymous';

-- One row a contact, or one for each reason, as the table's key has it.
WITH ranked AS (
    SELECT s.business_id, s.id,
           row_number() OVER (PARTITION BY s.business_id, coalesce(cloudgreet.read_email(s.contact), cloudgreet.phone_party(s.contact)), s.channel,
                                  CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint k
                                                     WHERE k.conrelid = 'cloudgreet.suppressions'::regclass
                                                       AND k.conname = 'suppressions_business_id_contact_channel_reason_key') THEN s.reason END
                              ORDER BY array_position('{opt_out,complaint,bounce,manual}', s.reason), s.created_at, s.id) AS place
      FROM cloudgreet.suppressions s)
DELETE FROM cloudgreet.suppressions s USING ranked r WHERE s.business_id = r.business_id AND s.id = r.id AND r.place > 1;
UPDATE cloudgreet.suppressions s SET contact = coalesce(cloudgreet.read_email(s.contact), cloudgreet.phone_party(s.contact))
 WHERE s.contact <> coalesce(cloudgreet.read_email(s.contact), cloudgreet.phone_party(s.contact)) AND cloudgreet.phone_party(s.contact) <> 'anonymous';

-- What waits to be sent is held up by a suppression of the same form.
UPDATE cloudgreet_private.outbox o SET contact = coalesce(cloudgreet.read_email(o.contact), cloudgreet.phone_party(o.contact))
 WHERE o.state IN ('queued', 'sending', 'unknown', 'held')
   AND o.contact <> coalesce(cloudgreet.read_email(o.contact), cloudgreet.phone_party(o.contact));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{businesses,users,ai_agents,phone_numbers,leads,calls,sms_messages,emails,staff,appointments,consents,suppressions,alerts}'::text[] LOOP
        EXECUTE format('ALTER TABLE cloudgreet.%I ENABLE TRIGGER USER, FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END
$$;
