/*
 * 415_opt_outs.sql
 *		Opt-outs: how they come about by texts, who may end them, and what is recorded.
 *
 * Invariant:	a suppression with reason opt_out or complaint ends by a later START of the
 *				person or by lift_opt_out(), never otherwise.
 * Locks:		lock_entity() of the contact, then its rows.
 *
 * Only texts opt out by themselves: neither an answer by e-mail nor what is said on the
 * telephone is understood; a person records these as a suppression.
 *
 * Shown by test/sql/opt_outs.sql, test/specs/opt_race.spec and test/t/131_webhook_events.pl.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.heard_opt(
    business_id uuid, lead_id uuid, contact text, words text, provider_word text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    max_messages CONSTANT integer := 50;
    shortest_quotation CONSTANT integer := 20;
    word text := cloudgreet_private.opt_word(heard_opt.words);
BEGIN
    -- Some telephones quote without marks.  Then what we wrote is looked for.
    IF word = 'review_stop' AND length(heard_opt.words) >= shortest_quotation THEN
        word := cloudgreet_private.opt_word(heard_opt.words, ARRAY(
            SELECT r.content
              FROM (SELECT m.content, m.direction, m.to_number FROM cloudgreet.sms_messages m
                     WHERE m.business_id = heard_opt.business_id AND m.lead_id = heard_opt.lead_id
                     ORDER BY m.created_at DESC LIMIT max_messages) r
             WHERE r.direction = 'outbound' AND r.to_number = heard_opt.contact));
    END IF;
    -- Telnyx has words of its own, and those that the account was set to.
    RETURN coalesce(word, CASE heard_opt.provider_word WHEN 'STOP' THEN 'stop' WHEN 'START' THEN 'start' WHEN 'HELP' THEN 'help' END);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.heard_opt(uuid, uuid, text, text, text) IS
    'What a text of a contact says about being texted, apart from what it repeats of ours: as opt_word(), or what the provider took it for.';

CREATE OR REPLACE FUNCTION cloudgreet_private.record_opt(
    business_id uuid, lead_id uuid, contact text, is_granted boolean, words text, at timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    INSERT INTO cloudgreet.consents (business_id, lead_id, contact, channel, kind, is_granted, source, evidence, recorded_at)
    SELECT record_opt.business_id, record_opt.lead_id, record_opt.contact, 'sms', k.kind, record_opt.is_granted, 'sms_reply',
           record_opt.words, record_opt.at
      FROM (VALUES ('transactional'), ('marketing')) AS k (kind)
     WHERE NOT EXISTS (SELECT FROM cloudgreet.consents c
                        WHERE c.business_id = record_opt.business_id AND c.contact = record_opt.contact AND c.channel = 'sms'
                          AND c.kind = k.kind AND c.recorded_at = record_opt.at AND c.source = 'sms_reply'
                          AND c.is_granted = record_opt.is_granted);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.record_opt(uuid, uuid, text, boolean, text, timestamptz) IS
    'Adds to the ledger of consents, once, what a text said about being texted.';

CREATE OR REPLACE FUNCTION cloudgreet_private.resolve_opt_review(business_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- One alert stands for all of them, so it is over with the last.  An hour: the alert may be a little younger than the text.
    UPDATE cloudgreet.alerts a SET status = 'resolved', resolved_at = cloudgreet.clock()
     WHERE a.business_id = resolve_opt_review.business_id AND a.alert_type = 'opt_out_review' AND a.status <> 'resolved'
       AND NOT EXISTS (SELECT FROM cloudgreet.sms_messages m
                         JOIN cloudgreet.suppressions s ON s.business_id = m.business_id AND s.contact = m.from_number AND s.channel = 'sms'
                                                       AND s.reason = 'opt_out' AND s.created_at <= m.status_at
                        WHERE m.business_id = a.business_id AND m.opt_word = 'review_stop' AND m.created_at >= a.created_at - interval '1 hour');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.resolve_opt_review(uuid) IS
    'Resolves the alert opt_out_review once none of the opt-outs that it was raised for stands any more.';

CREATE OR REPLACE FUNCTION cloudgreet_private.opt_neighbour(message cloudgreet.sms_messages, is_later boolean) RETURNS cloudgreet.sms_messages
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    neighbour cloudgreet.sms_messages;
BEGIN
    -- Of two of the same moment the STOP is the later one: so says the index sms_messages_opt_word.
    IF opt_neighbour.is_later THEN
        SELECT m.* INTO neighbour FROM cloudgreet.sms_messages m
         WHERE m.business_id = message.business_id AND m.from_number = message.from_number AND m.opt_word IN ('stop', 'start', 'review_stop')
           AND (m.status_at, m.opt_word <> 'start', m.provider_message_id) > (message.status_at, message.opt_word <> 'start', message.provider_message_id)
         ORDER BY m.status_at, m.opt_word <> 'start', m.provider_message_id LIMIT 1;
    ELSE
        SELECT m.* INTO neighbour FROM cloudgreet.sms_messages m
         WHERE m.business_id = message.business_id AND m.from_number = message.from_number AND m.opt_word IN ('stop', 'start', 'review_stop')
           AND (m.status_at, m.opt_word <> 'start', m.provider_message_id) < (message.status_at, message.opt_word <> 'start', message.provider_message_id)
         ORDER BY m.status_at DESC, m.opt_word <> 'start' DESC, m.provider_message_id DESC LIMIT 1;
    END IF;
    RETURN neighbour;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_neighbour(cloudgreet.sms_messages, boolean) IS
    'The STOP or START that its sender sent right after or right before a text; a row of NULLs when there is none.';

CREATE OR REPLACE FUNCTION cloudgreet_private.settle_opt(message cloudgreet.sms_messages) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := message.business_id;
    later cloudgreet.sms_messages;
    is_ended boolean;
BEGIN
    -- Texts come in any order and several at a time, so one after another for a contact, and of
    -- all that it said only the neighbours are looked at.
    PERFORM cloudgreet_private.lock_contact(business, message.from_number);
    later := cloudgreet_private.opt_neighbour(message, true);
    IF message.opt_word <> 'start' THEN
        PERFORM cloudgreet_private.record_opt(business, message.lead_id, message.from_number, false, message.content, message.status_at);
        IF later.id IS NULL AND NOT EXISTS (
            SELECT FROM cloudgreet_private.opt_lifts l
             WHERE l.business_id = business AND l.contact = message.from_number AND l.channel = 'sms' AND l.lifted_at >= message.status_at) THEN
            INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason, created_at)
            VALUES (business, message.from_number, 'sms', 'opt_out', message.status_at)
            ON CONFLICT DO NOTHING;
        ELSIF later.opt_word = 'start' THEN
            -- It was here before the STOP that it answers, and was not known to mean anything.
            PERFORM cloudgreet_private.record_opt(business, later.lead_id, later.from_number, true, later.content, later.status_at);
        END IF;
    ELSE
        -- What a person recorded after it stays; an earlier one ends with it.
        IF later.id IS NULL THEN
            DELETE FROM cloudgreet.suppressions s
             WHERE s.business_id = business AND s.contact = message.from_number AND s.channel = 'sms' AND s.reason = 'opt_out'
               AND s.created_at < message.status_at;
            is_ended := FOUND;
        END IF;
        -- Who was not stopped has nothing to join again: "yes" answers many a question.
        IF is_ended OR (cloudgreet_private.opt_neighbour(message, false)).opt_word <> 'start' THEN
            PERFORM cloudgreet_private.record_opt(business, message.lead_id, message.from_number, true, message.content, message.status_at);
        END IF;
    END IF;
    PERFORM cloudgreet_private.resolve_opt_review(business);
END
$$;
COMMENT ON FUNCTION cloudgreet_private.settle_opt(cloudgreet.sms_messages) IS
    'Brings consents and the suppression of its sender to what a STOP or START says, in the order in which these were sent, whatever the order in which they come.';

CREATE OR REPLACE FUNCTION cloudgreet_private.keep_opt_outs() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    -- As the caller: functions that may do it run as the owner, and so does what goes with a business.
    IF pg_has_role(current_user, 'cloudgreet_owner', 'USAGE') THEN
        RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
    END IF;
    RAISE EXCEPTION 'an opt-out is ended by the person, or with a reason that is recorded' USING ERRCODE = 'ZG306',
        HINT = 'The person texts START; or an admin calls cloudgreet.lift_opt_out() with what shows that they agreed.';
END
$$;
COMMENT ON FUNCTION cloudgreet_private.keep_opt_outs() IS 'Trigger of suppressions: error ZG306 when an API role changes or deletes an opt-out or a complaint.';
CREATE OR REPLACE TRIGGER suppressions_keep_opt_outs BEFORE UPDATE OR DELETE ON cloudgreet.suppressions
    FOR EACH ROW WHEN (old.reason IN ('opt_out', 'complaint')) EXECUTE FUNCTION cloudgreet_private.keep_opt_outs();

CREATE OR REPLACE FUNCTION cloudgreet.lift_opt_out(contact text, channel text, reason text, business_id uuid DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet_private.business_for('lift_opt_out', lift_opt_out.business_id);
    is_email CONSTANT boolean := strpos(coalesce(lift_opt_out.contact, ''), '@') > 0;
    why CONSTANT text := cloudgreet_private.check_text(lift_opt_out.reason, 'reason', 2000, true);
    who text;
    lead uuid;
    lifted record;
    n integer := 0;
BEGIN
    PERFORM cloudgreet.enter_business(business);
    PERFORM cloudgreet_private.require_business(business);
    IF cloudgreet_private.meaningful(why) IS NULL THEN
        RAISE EXCEPTION 'reason says nothing' USING ERRCODE = 'invalid_parameter_value', HINT = 'Say what shows that the person agreed.';
    END IF;
    who := CASE WHEN is_email THEN cloudgreet.normalize_email(lift_opt_out.contact)
                ELSE cloudgreet.normalize_phone_number(coalesce(lift_opt_out.contact, ''), cloudgreet.business_country(business)) END;
    PERFORM cloudgreet_private.lock_contact(business, who);
    lead := (SELECT CASE WHEN NOT is_email THEN cloudgreet_private.find_lead(business, who)
                         ELSE (SELECT l.id FROM cloudgreet.leads l WHERE l.business_id = business AND lower(l.email) = lower(who) AND l.merged_into_id IS NULL ORDER BY l.id LIMIT 1) END);
    FOR lifted IN
        DELETE FROM cloudgreet.suppressions s
         WHERE s.business_id = business AND s.contact = who AND s.channel = lift_opt_out.channel AND s.reason IN ('opt_out', 'complaint')
        RETURNING s.id, s.reason
    LOOP
        INSERT INTO cloudgreet.audit_log (business_id, action, subject_type, subject_id, actor_id, data)
        VALUES (business, 'opt_out.lifted', 'suppression', lifted.id, cloudgreet.current_user_id(),
                jsonb_build_object('channel', lift_opt_out.channel, 'was', lifted.reason, 'reason', why));
        PERFORM cloudgreet_private.record_event(business, 'opt_out.lifted', 'suppression', lifted.id,
            jsonb_build_object('channel', lift_opt_out.channel, 'was', lifted.reason), lead);
        n := n + 1;
    END LOOP;
    IF n = 0 THEN
        RAISE EXCEPTION 'the contact has no opt-out on this channel' USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO cloudgreet.consents (business_id, lead_id, contact, channel, kind, is_granted, source, evidence)
    SELECT business, lead, who, c.name, k.kind, true, 'lift_opt_out', why
      FROM unnest(CASE lift_opt_out.channel WHEN 'all' THEN '{sms,email,voice}' ELSE ARRAY[lift_opt_out.channel] END) c (name),
           (VALUES ('transactional'), ('marketing')) AS k (kind);
    INSERT INTO cloudgreet_private.opt_lifts AS l (business_id, contact, channel, lifted_at)
    VALUES (business, who, lift_opt_out.channel, cloudgreet.clock())
    ON CONFLICT ON CONSTRAINT opt_lifts_pkey DO UPDATE SET lifted_at = greatest(l.lifted_at, excluded.lifted_at);
    PERFORM cloudgreet_private.resolve_opt_review(business);
    RETURN n;
END
$$;
COMMENT ON FUNCTION cloudgreet.lift_opt_out(text, text, text, uuid) IS
    'Ends the opt-out, and a complaint, of a contact on a channel (sms, email, voice or all, as the suppression has it), because the person agreed in another way; returns how many suppressions that were. The reason is what shows it: it is kept in consents, with who did it in audit_log. Suppressions with other reasons stay, and so does one on another channel. Admins, or operators naming the business. Errors: ZG104, ZG105 for a bad contact, 22004 and 22023 for a bad reason, P0002 when there is no such opt-out.';

REVOKE ALL ON FUNCTION cloudgreet_private.heard_opt(uuid, uuid, text, text, text),
    cloudgreet_private.record_opt(uuid, uuid, text, boolean, text, timestamptz), cloudgreet_private.resolve_opt_review(uuid),
    cloudgreet_private.opt_neighbour(cloudgreet.sms_messages, boolean), cloudgreet_private.settle_opt(cloudgreet.sms_messages),
    cloudgreet_private.keep_opt_outs(), cloudgreet.lift_opt_out(text, text, text, uuid) FROM PUBLIC;
