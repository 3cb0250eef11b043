/*
 * 540_send.sql
 *		Texts and e-mails that applications send.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.sending_account(business_id uuid, provider text, preferred_id uuid DEFAULT NULL, is_required boolean DEFAULT true)
    RETURNS cloudgreet.provider_accounts
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    account cloudgreet.provider_accounts;
BEGIN
    -- A broken account takes requests too: they wait until it is mended.
    SELECT a.* INTO account FROM cloudgreet.provider_accounts a
     WHERE a.business_id = sending_account.business_id AND a.provider = sending_account.provider
       AND a.id = coalesce(sending_account.preferred_id, a.id)
     ORDER BY a.status = 'active' DESC, a.created_at, a.id LIMIT 1;
    IF account.id IS NULL AND sending_account.is_required THEN
        RAISE EXCEPTION 'the business has no account at %', initcap(sending_account.provider)
            USING ERRCODE = 'ZG301', HINT = 'Connect one with cloudgreet.connect_provider().';
    END IF;
    RETURN account;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.sending_account(uuid, text, uuid, boolean) IS
    'The account that the business sends by, active ones first. Without any error ZG301, or NULL when none is required.';
DROP FUNCTION IF EXISTS cloudgreet_private.sending_account(uuid, text, uuid);

CREATE OR REPLACE FUNCTION cloudgreet_private.require_unsuppressed(business_id uuid, contact text, channel text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF EXISTS (SELECT FROM cloudgreet.suppressions s
                WHERE s.business_id = require_unsuppressed.business_id AND s.contact = require_unsuppressed.contact
                  AND s.channel IN (require_unsuppressed.channel, 'all')) THEN
        RAISE EXCEPTION 'the contact is suppressed: it opted out, or cannot be reached'
            USING ERRCODE = 'ZG302', HINT = 'Nothing is sent to it on this channel; see the table suppressions.';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_unsuppressed(uuid, text, text) IS
    'Error ZG302 when nothing may be sent to the contact.';

CREATE OR REPLACE FUNCTION cloudgreet_private.sending_number(business_id uuid, from_number text, is_required boolean DEFAULT true) RETURNS cloudgreet.phone_numbers
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    number cloudgreet.phone_numbers;
BEGIN
    SELECT n.* INTO number FROM cloudgreet.phone_numbers n
     WHERE n.business_id = sending_number.business_id AND n.is_active
       AND n.phone_number = coalesce(sending_number.from_number, n.phone_number)
     ORDER BY n.created_at, n.id LIMIT 1;
    IF number.id IS NULL AND sending_number.is_required THEN
        RAISE EXCEPTION 'the business has no % to send from', CASE WHEN sending_number.from_number IS NULL THEN 'phone number' ELSE 'such phone number' END
            USING ERRCODE = 'ZG301', HINT = CASE WHEN EXISTS (
                SELECT FROM cloudgreet.phone_numbers n WHERE n.business_id = sending_number.business_id AND n.confirmed_at IS NULL
                   AND n.phone_number = coalesce(sending_number.from_number, n.phone_number))
            THEN 'It is claimed only: an operator has to confirm it.' ELSE 'Add one with cloudgreet.add_phone_number().' END;
    END IF;
    RETURN number;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.sending_number(uuid, text, boolean) IS
    'The number that a text is sent from: the one named, or the first of the business. Without any error ZG301, or NULL when none is required.';
DROP FUNCTION IF EXISTS cloudgreet_private.sending_number(uuid, text);

CREATE OR REPLACE FUNCTION cloudgreet_private.require_lead(business_id uuid, lead_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF require_lead.lead_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.leads l WHERE l.business_id = require_lead.business_id AND l.id = require_lead.lead_id) THEN
        RAISE EXCEPTION 'lead "%" does not exist', require_lead.lead_id USING ERRCODE = 'foreign_key_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_lead(uuid, uuid) IS 'Error 23503 unless the lead is NULL or one of the business.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_finite(send_at timestamptz) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- A request that is never due would keep the partition that it lies in for ever.
    IF require_finite.send_at = 'infinity' THEN
        RAISE EXCEPTION 'send_at must not be infinity' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_finite(timestamptz) IS 'Error 22023 for a time that never comes.';

CREATE OR REPLACE FUNCTION cloudgreet_private.most_segments() RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT 10; -- what Telnyx takes
$$;
COMMENT ON FUNCTION cloudgreet_private.most_segments() IS 'How many parts a text may have.';

CREATE OR REPLACE FUNCTION cloudgreet_private.count_segments(content text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    most CONSTANT integer := cloudgreet_private.most_segments();
    parts CONSTANT integer := (cloudgreet.sms_segments(count_segments.content)).segments;
BEGIN
    IF parts > most THEN
        RAISE EXCEPTION 'the text takes % parts, and at most % are sent', parts, most USING ERRCODE = 'ZG303',
            HINT = 'A part holds 153 characters, or 67 if one of the text is not of the alphabet GSM 03.38 (emojis, curly quotes and many letters); []{}^~|\€ count twice.';
    END IF;
    RETURN parts;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.count_segments(text) IS 'The parts of a text that may be sent. Error ZG303 when there are more than 10.';

CREATE OR REPLACE FUNCTION cloudgreet_private.destination_countries(business_id uuid, own_number text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    -- Calls and texts within these are domestic; other countries of +1 are not, and dear.
    north_america CONSTANT text[] := '{US,CA,PR,VI,GU,AS,MP}';
    home CONSTANT text := (cloudgreet.phone_number_kind(destination_countries.own_number)).country;
BEGIN
    RETURN (SELECT CASE WHEN b.settings ? 'texting_countries' THEN ARRAY(SELECT jsonb_array_elements_text(b.settings -> 'texting_countries'))
                        WHEN home = ANY (north_america) THEN north_america ELSE ARRAY[home] END
              FROM cloudgreet.businesses b WHERE b.id = destination_countries.business_id);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.destination_countries(uuid, text) IS
    'The countries that the business texts: its setting texting_countries, or without one the country of its own number (in North America the United States with their territories, and Canada).';

CREATE OR REPLACE FUNCTION cloudgreet_private.destination_fault(contact text, allowed text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    target CONSTANT record := cloudgreet.phone_number_kind(destination_fault.contact);
BEGIN
    -- Exchange 976 is pay-per-call in every area of the North American plan.
    IF target.kind IN ('premium_rate', 'shared_cost', 'personal_number', 'pager', 'uan', 'voicemail') OR destination_fault.contact ~ '^[+]1...976' THEN
        RETURN format('the number is of a kind that nothing is sent to: %s', CASE WHEN target.kind ~ '^(fixed|mobile)' THEN 'premium_rate' ELSE target.kind END);
    -- 001 is no country but satellites and networks of the world.
    ELSIF target.country IS NULL OR target.country = '001' OR target.country = ANY (destination_fault.allowed) IS NOT TRUE THEN
        RETURN format('the business does not text numbers of %s', CASE target.country WHEN '001' THEN 'international networks' ELSE coalesce(target.country, 'unknown countries') END);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.destination_fault(text, text[]) IS
    'Why a number is not texted by a business that texts those countries: another country, premium and the like, satellites. NULL when it is.';

CREATE OR REPLACE FUNCTION cloudgreet_private.require_destination(business_id uuid, own_number text, contact text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    allowed CONSTANT text[] := cloudgreet_private.destination_countries(require_destination.business_id, require_destination.own_number);
    fault CONSTANT text := cloudgreet_private.destination_fault(require_destination.contact, allowed);
BEGIN
    IF fault ~ '^the number is of a kind' THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'ZG304';
    ELSIF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault
            USING ERRCODE = 'ZG304', HINT = format('It texts %s. Admins change that by the business''s setting texting_countries, such as {"texting_countries": ["US", "MX"]}.',
                                                   coalesce(nullif(array_to_string(allowed, ', '), ''), 'none'));
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.require_destination(uuid, text, text) IS
    'Error ZG304 unless the business may text, or call, a number: see destination_fault().';

CREATE OR REPLACE FUNCTION cloudgreet_private.text_request(
    account cloudgreet.provider_accounts, request_id uuid, sender text, receiver text, words text, public_url text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('from', sender, 'to', receiver, 'text', words, 'type', 'SMS',
        'messaging_profile_id', account.settings ->> 'messaging_profile_id',
        -- Events of this message come to a path that names the request: they tell what became of it
        -- even when Telnyx's answer was lost.
        'webhook_url', public_url || '/api/sms/webhook/' || account.id || '/' || request_id));
END
$$;
COMMENT ON FUNCTION cloudgreet_private.text_request(cloudgreet.provider_accounts, uuid, text, text, text, text) IS
    'The body of a request to Telnyx for a text.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_texting_countries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    countries CONSTANT jsonb := new.settings -> 'texting_countries';
    country text;
    is_known boolean;
BEGIN
    IF jsonb_typeof(countries) <> 'array' OR jsonb_path_exists(countries, 'strict $[*] ? (@.type() != "string")') THEN
        RAISE EXCEPTION '"texting_countries" must be a list of countries' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use ISO 3166 codes, for example ["US", "CA"].';
    ELSIF jsonb_array_length(countries) > 300 THEN
        RAISE EXCEPTION '"texting_countries" has more than 300 entries' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR country IN SELECT jsonb_array_elements_text(countries) LOOP
        BEGIN
            is_known := country ~ '^[A-Z]{2}$' AND cloudgreet.phone_party('', country) IS NOT NULL; -- the numbering plans know which there are
        EXCEPTION WHEN invalid_parameter_value THEN
            is_known := false;
        END;
        IF NOT is_known THEN
            RAISE EXCEPTION '"texting_countries" has "%", which is no country', left(country, 20) USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Use ISO 3166 codes, for example ["US", "CA"].';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_texting_countries() IS
    'Trigger of businesses: error 22023 unless the setting texting_countries is a list of countries.';
CREATE OR REPLACE TRIGGER businesses_check_texting_countries AFTER INSERT OR UPDATE OF settings ON cloudgreet.businesses
    FOR EACH ROW WHEN (new.settings ? 'texting_countries') EXECUTE FUNCTION cloudgreet_private.check_texting_countries();

CREATE OR REPLACE FUNCTION cloudgreet.send_sms(
    to_number text, content text, from_number text DEFAULT NULL, lead_id uuid DEFAULT NULL, send_at timestamptz DEFAULT NULL,
    idempotency_key text DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('send_sms', send_sms.business_id);
    receiver text;
    -- What nobody sees goes: it makes a text of other letters, and turns the order of what is read.
    words CONSTANT text := cloudgreet_private.visible_lines(cloudgreet_private.check_text(send_sms.content, 'content of the text', 1600, true));
    parts CONSTANT integer := cloudgreet_private.count_segments(words);
    sender cloudgreet.phone_numbers;
    account cloudgreet.provider_accounts;
    message_id CONSTANT uuid := cloudgreet.uuid_v7();
    request_id CONSTANT uuid := cloudgreet.uuid_v7();
    public_url CONSTANT text := nullif(current_setting('cloudgreet.public_url'), '');
    lead uuid;
    earlier_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    receiver := cloudgreet.normalize_phone_number(coalesce(send_sms.to_number, ''), cloudgreet.business_country(business));
    IF send_sms.idempotency_key IS NOT NULL THEN
        earlier_id := cloudgreet_private.claim_key(business, 'send_sms', send_sms.idempotency_key,
            jsonb_build_array(receiver, words, send_sms.from_number, send_sms.lead_id, send_sms.send_at)::text, message_id);
        IF earlier_id IS NOT NULL THEN
            RETURN earlier_id;
        END IF;
    END IF;
    PERFORM cloudgreet_private.require_lead(business, send_sms.lead_id);
    PERFORM cloudgreet_private.require_finite(send_sms.send_at);
    sender := cloudgreet_private.sending_number(business, cloudgreet.normalize_phone_number(send_sms.from_number, cloudgreet.business_country(business)));
    IF receiver = sender.phone_number THEN
        RAISE EXCEPTION 'a number cannot text itself' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    account := cloudgreet_private.sending_account(business, 'telnyx', sender.provider_account_id);
    -- First who does not want it: that is what its caller has to know.
    PERFORM cloudgreet_private.require_unsuppressed(business, receiver, 'sms');
    PERFORM cloudgreet_private.require_destination(business, sender.phone_number, receiver);
    lead := coalesce(send_sms.lead_id, cloudgreet_private.find_lead(business, receiver));

    INSERT INTO cloudgreet.sms_messages (business_id, id, lead_id, direction, from_number, to_number, content, segments)
    VALUES (business, message_id, lead, 'outbound', sender.phone_number, receiver, words, parts);
    PERFORM cloudgreet_private.enqueue(business, request_id, account.id, 'telnyx', 'send_sms', 'none', 'sms', receiver,
        'sms_message', message_id,
        cloudgreet_private.text_request(account, request_id, sender.phone_number, receiver, words, public_url),
        interval '1 day', greatest(send_sms.send_at, cloudgreet.clock()));
    PERFORM cloudgreet_private.record_event(business, 'sms.queued', 'sms_message', message_id, '{}', lead);
    RETURN message_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.send_sms(text, text, text, uuid, timestamptz, text, uuid) IS
    'Sends a text of at most 10 parts (see sms_segments()) from a number of the business, once this transaction commits and send_at has come; returns the id of its row in sms_messages. Whether it may be sent is looked at again when it is due: a STOP meanwhile cancels it. Never sent twice: without an answer its status is unknown until an event tells. The same idempotency_key gets the same text. Errors: ZG104 for a bad number, 22004 and 22023 for bad content or an infinite time, ZG301 without a number or account to send from, ZG302 for a contact that is suppressed, ZG303 for a text of more parts, ZG304 for a country or kind of number that the business does not text, ZG407 for a key used before for something else, 23503 for a lead that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet_private.is_sender(value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT jsonb_typeof(is_sender.value) = 'string' AND length(is_sender.value #>> '{}') <= 320
       AND is_sender.value #>> '{}' !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]'
       AND cloudgreet.read_email(is_sender.value #>> '{}') IS NOT NULL;
$$;
COMMENT ON FUNCTION cloudgreet_private.is_sender(jsonb) IS
    'Whether a setting is what an e-mail can come from: a text of one line with one address, such as Acme <office@acme.example>.';

CREATE OR REPLACE FUNCTION cloudgreet_private.check_sender() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF NOT cloudgreet_private.is_sender(new.settings -> 'from') THEN
        RAISE EXCEPTION '"from" must be a sender of e-mails: one line with one address'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example "Acme <office@acme.example>".';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.check_sender() IS 'Trigger of provider_accounts: error 22023 for a sender that no e-mail can come from.';
CREATE OR REPLACE TRIGGER provider_accounts_check_sender AFTER INSERT OR UPDATE OF settings, provider ON cloudgreet.provider_accounts
    FOR EACH ROW WHEN (new.provider = 'resend' AND new.settings ? 'from') EXECUTE FUNCTION cloudgreet_private.check_sender();

CREATE OR REPLACE FUNCTION cloudgreet.send_email(
    to_address text, subject text, content text, lead_id uuid DEFAULT NULL, reply_to text DEFAULT NULL, send_at timestamptz DEFAULT NULL,
    idempotency_key text DEFAULT NULL, business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('send_email', send_email.business_id);
    receiver CONSTANT text := cloudgreet.normalize_email(coalesce(send_email.to_address, ''));
    title CONSTANT text := cloudgreet_private.check_text(send_email.subject, 'subject of the e-mail', 300);
    words CONSTANT text := cloudgreet_private.check_text(send_email.content, 'content of the e-mail', 100000, true);
    answers_to CONSTANT text := CASE WHEN send_email.reply_to <> '' THEN cloudgreet.normalize_email(send_email.reply_to) END;
    account cloudgreet.provider_accounts;
    sender text;
    email_id CONSTANT uuid := cloudgreet.uuid_v7();
    request_id CONSTANT uuid := cloudgreet.uuid_v7();
    earlier_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF send_email.idempotency_key IS NOT NULL THEN
        earlier_id := cloudgreet_private.claim_key(business, 'send_email', send_email.idempotency_key,
            jsonb_build_array(receiver, title, words, send_email.lead_id, answers_to, send_email.send_at)::text, email_id);
        IF earlier_id IS NOT NULL THEN
            RETURN earlier_id;
        END IF;
    END IF;
    PERFORM cloudgreet_private.require_lead(business, send_email.lead_id);
    PERFORM cloudgreet_private.require_finite(send_email.send_at);
    account := cloudgreet_private.sending_account(business, 'resend');
    sender := account.settings ->> 'from';
    IF NOT coalesce(cloudgreet_private.is_sender(account.settings -> 'from'), false) THEN
        RAISE EXCEPTION 'the account at Resend has no sender'
            USING ERRCODE = 'ZG301', HINT = 'Connect it with settings such as {"from": "Acme <office@acme.example>"}.';
    END IF;
    PERFORM cloudgreet_private.require_unsuppressed(business, receiver, 'email');

    INSERT INTO cloudgreet.emails (business_id, id, lead_id, from_address, to_address, subject, content)
    VALUES (business, email_id, send_email.lead_id, sender, receiver, title, words);
    PERFORM cloudgreet_private.enqueue(business, request_id, account.id, 'resend', 'send_email', 'native', 'email', receiver,
        'email', email_id,
        jsonb_strip_nulls(jsonb_build_object('from', sender, 'to', jsonb_build_array(receiver), 'subject', title, 'text', words,
            'reply_to', answers_to,
            'tags', jsonb_build_array(jsonb_build_object('name', 'cg_request', 'value', request_id)))),
        -- Resend knows the key for 24 hours.
        interval '23 hours', greatest(send_email.send_at, cloudgreet.clock()));
    PERFORM cloudgreet_private.record_event(business, 'email.queued', 'email', email_id, '{}', send_email.lead_id);
    RETURN email_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.send_email(text, text, text, uuid, text, timestamptz, text, uuid) IS
    'Sends an e-mail of plain text, once this transaction commits and send_at has come; returns the id of its row in emails. Sent once, even when the answer is lost. The same idempotency_key gets the same e-mail. Errors: ZG105 for a bad address, 22004 and 22023 for bad texts or an infinite time, ZG301 without an account or sender, ZG302 for an address that is suppressed, ZG407 for a key used before for something else, 23503 for a lead that does not exist.';

REVOKE ALL ON FUNCTION cloudgreet_private.sending_account(uuid, text, uuid, boolean), cloudgreet_private.require_unsuppressed(uuid, text, text),
    cloudgreet_private.sending_number(uuid, text, boolean), cloudgreet_private.require_lead(uuid, uuid),
    cloudgreet_private.require_finite(timestamptz), cloudgreet_private.is_sender(jsonb), cloudgreet_private.check_sender(),
    cloudgreet_private.most_segments(), cloudgreet_private.count_segments(text),
    cloudgreet_private.destination_countries(uuid, text), cloudgreet_private.destination_fault(text, text[]),
    cloudgreet_private.require_destination(uuid, text, text), cloudgreet_private.check_texting_countries(),
    cloudgreet_private.text_request(cloudgreet.provider_accounts, uuid, text, text, text, text),
    cloudgreet.send_sms(text, text, text, uuid, timestamptz, text, uuid),
    cloudgreet.send_email(text, text, text, uuid, text, timestamptz, text, uuid) FROM PUBLIC;
