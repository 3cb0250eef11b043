/*
 * 305_phone_numbers.sql
 *		Which business a phone number leads to.
 *
 * Nothing proves yet that a tenant owns a number, so only operators give them: what an
 * admin adds is a claim, a row that is not active and has no confirmed_at.  It routes
 * nothing, and as several businesses may claim a number, it tells nothing of the others.
 *
 * Invariant:	phone_routes has a row for each active number and no other, whoever writes:
 *				a trigger adds and takes away, a foreign key takes what lost its number.
 *				Tested by test/sql/number_claims.sql.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.keep_phone_route() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (old.business_id, old.phone_number, old.is_active) = (new.business_id, new.phone_number, new.is_active) THEN
            RETURN NULL;
        END IF;
        DELETE FROM cloudgreet_private.phone_routes r WHERE r.phone_number = old.phone_number AND r.business_id = old.business_id;
    END IF;
    IF new.is_active THEN
        INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES (new.phone_number, new.business_id)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the phone number belongs to a business already' USING ERRCODE = 'ZG107',
                HINT = 'Remove it there first.';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_phone_route() IS
    'Keeps phone_routes in step with phone_numbers. Error ZG107 for a number that leads to another business, which only operators can come upon.';
CREATE OR REPLACE TRIGGER phone_numbers_keep_route AFTER INSERT OR UPDATE OF business_id, phone_number, is_active ON cloudgreet.phone_numbers
    FOR EACH ROW EXECUTE FUNCTION cloudgreet_private.keep_phone_route();

CREATE OR REPLACE FUNCTION cloudgreet.add_phone_number(
    phone_number text, label text DEFAULT NULL, agent_id uuid DEFAULT NULL, provider_account_id uuid DEFAULT NULL,
    business_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('add_phone_number', add_phone_number.business_id);
    is_given CONSTANT boolean := cloudgreet.is_operator();
    number text;
    new_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    -- In the country of the business, but for one that is no more.
    number := cloudgreet.normalize_phone_number(coalesce(add_phone_number.phone_number, ''), coalesce(cloudgreet.business_country(business), 'US'));
    PERFORM cloudgreet_private.require_business(business);
    IF add_phone_number.agent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.ai_agents a WHERE a.business_id = business AND a.id = add_phone_number.agent_id) THEN
        RAISE EXCEPTION 'agent "%" does not exist', add_phone_number.agent_id USING ERRCODE = 'foreign_key_violation';
    ELSIF add_phone_number.provider_account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cloudgreet.provider_accounts a
         WHERE a.business_id = business AND a.id = add_phone_number.provider_account_id) THEN
        RAISE EXCEPTION 'provider account "%" does not exist', add_phone_number.provider_account_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;

    -- An operator who gives a number that the business has claimed confirms the claim.
    INSERT INTO cloudgreet.phone_numbers AS n (business_id, phone_number, label, agent_id, provider_account_id, is_active, confirmed_at)
    VALUES (business, number, cloudgreet_private.check_optional_text(add_phone_number.label, 'label of the phone number', 200),
            add_phone_number.agent_id, add_phone_number.provider_account_id, is_given, CASE WHEN is_given THEN cloudgreet.clock() END)
    ON CONFLICT ON CONSTRAINT phone_numbers_business_id_phone_number_key DO UPDATE
       SET label = coalesce(excluded.label, n.label), agent_id = coalesce(excluded.agent_id, n.agent_id),
           provider_account_id = coalesce(excluded.provider_account_id, n.provider_account_id),
           is_active = true, confirmed_at = excluded.confirmed_at
     WHERE n.confirmed_at IS NULL AND excluded.is_active
    RETURNING n.id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION 'the business has the phone number already' USING ERRCODE = 'ZG107';
    END IF;
    PERFORM cloudgreet_private.record_event(
        business, CASE WHEN is_given THEN 'phone_number.added' ELSE 'phone_number.claimed' END, 'phone_number', new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION cloudgreet.add_phone_number(text, text, uuid, uuid, uuid) IS
    'Leads calls and texts of a number to the business, when an operator calls it, naming the business; the only active agent answers if none is named. An admin''s call makes a claim: a row that is not active until an operator calls this or confirm_phone_number(), and says nothing of other businesses. Errors: ZG104 for a bad number, ZG107 for one that the business has, or, told to operators, that leads to another, 23503 for an agent or account that does not exist.';

CREATE OR REPLACE FUNCTION cloudgreet.confirm_phone_number(phone_number text, business_id uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('confirm_phone_number', confirm_phone_number.business_id);
    number text;
    claim cloudgreet.phone_numbers;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    number := cloudgreet.normalize_phone_number(coalesce(confirm_phone_number.phone_number, ''), coalesce(cloudgreet.business_country(business), 'US'));
    SELECT n.* INTO claim FROM cloudgreet.phone_numbers n WHERE n.business_id = business AND n.phone_number = number FOR UPDATE;
    IF claim.id IS NULL THEN
        RAISE EXCEPTION 'the business has no such phone number' USING ERRCODE = 'no_data_found';
    ELSIF claim.confirmed_at IS NULL THEN
        UPDATE cloudgreet.phone_numbers n SET is_active = true, confirmed_at = cloudgreet.clock()
         WHERE n.business_id = business AND n.id = claim.id;
        PERFORM cloudgreet_private.record_event(business, 'phone_number.confirmed', 'phone_number', claim.id);
    END IF;
    RETURN claim.id;
END
$$;
COMMENT ON FUNCTION cloudgreet.confirm_phone_number(text, uuid) IS
    'Makes a business''s claim to a number good: from now on it leads there. Once more changes nothing; claims of others stay claims. Operators only. Errors: ZG104 for a bad number, P0002 when the business did not claim it, ZG107 when it leads to another business.';

CREATE OR REPLACE FUNCTION cloudgreet.remove_phone_number(phone_number text, business_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('remove_phone_number', remove_phone_number.business_id);
    number text;
    old_id uuid;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    number := cloudgreet.normalize_phone_number(coalesce(remove_phone_number.phone_number, ''), coalesce(cloudgreet.business_country(business), 'US'));
    DELETE FROM cloudgreet.phone_numbers n WHERE n.business_id = business AND n.phone_number = number RETURNING n.id INTO old_id;
    IF old_id IS NULL THEN
        RAISE EXCEPTION 'the business has no such phone number' USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM cloudgreet_private.record_event(business, 'phone_number.removed', 'phone_number', old_id);
END
$$;
COMMENT ON FUNCTION cloudgreet.remove_phone_number(text, uuid) IS
    'Takes a number from the business, so that another may have it. Admins, or operators naming the business. Errors: ZG104 for a bad number, P0002 when the business has no such number.';

REVOKE ALL ON FUNCTION cloudgreet_private.keep_phone_route(), cloudgreet.add_phone_number(text, text, uuid, uuid, uuid),
    cloudgreet.confirm_phone_number(text, uuid), cloudgreet.remove_phone_number(text, uuid) FROM PUBLIC;
