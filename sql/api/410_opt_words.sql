/*
 * 410_opt_words.sql
 *		What a text says about being texted: the words of the FCC's rule (47 CFR
 *		64.1200(a)(10)) and of CTIA's, and, with care, words of people's own.
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.plain_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    -- Letters lose their accents and their width, so that only ASCII is left to look at.
    SELECT btrim(regexp_replace(
        regexp_replace(lower(normalize(left(value, 2000), NFKD) COLLATE "C"), '[\u0300-\u036f\u200b-\u200f\u2060\ufeff''\u2019\u2018`]', '', 'g'),
        '[^a-z0-9]+', ' ', 'g'));
$$;
COMMENT ON FUNCTION cloudgreet_private.plain_words(text) IS
    'The words of a text in lower case, without accents and punctuation, one blank between.';

CREATE OR REPLACE FUNCTION cloudgreet_private.opt_word(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    words text := cloudgreet_private.plain_words(opt_word.value);
BEGIN
    IF words ~ '^([a-z] )+[a-z]$' THEN
        words := replace(words, ' ', ''); -- "s t o p"
    END IF;
    words := regexp_replace(words, '^([a-z]+)( \1)+$', '\1'); -- "stop stop"
    RETURN CASE
        WHEN words IN ('stop', 'stopall', 'stop all', 'end', 'quit', 'cancel', 'unsubscribe', 'revoke', 'optout', 'opt out',
                       'remove', 'arret', 'alto', 'parar') THEN 'stop'
        WHEN words IN ('start', 'unstop', 'yes') THEN 'start'
        WHEN words IN ('help', 'info') THEN 'help'
        WHEN words ~ '^(please |pls )*(stop|unsubscribe|quit|opt out)( (it|this|now|please|pls|thanks|thank you|all|everything|immediately))+$'
          OR words ~ '^(please |pls |just )+(stop|unsubscribe|quit|opt out)$'
          -- Not "stop by and text me".
          OR words ~ '\mstop( (all|the|these|those|your|me|sending|with|fucking|freaking))* (text|texts|texting|txt|txting|messag(e|es|ing)|msg|msgs|contacting|calling|sms|spam|spamming|bothering|harassing|sending)\M'
          OR words ~ '\m(dont|do not|never)( ever| want you to)? (text|txt|message|msg|contact|sms)( me| us| this| my| again|$)'
          OR words ~ '\m(no more|dont want( any| your| these| to (get|receive))*|do not want( any| your| these| to (get|receive))*) (text|texts|txts|messages|msgs)\M'
          OR words ~ '\m(unsubscribe|opt(ing)? (me )?out|optout|revoke (my )?consent|withdraw (my )?consent)\M'
          OR words ~ '\m(leave (me|us) alone|wrong (number|person)|lose (my|this) number|take (me|us|my number) off|(remove|delete) (me|us|my number|this number))\M'
          OR words ~ '\m(deje|deja|dejen) de (escrib|mand|envi|molest|text)|\mno me (escrib|mand|envi|text|contact)|\mnumero equivocado\M'
            THEN 'review_stop'
    END;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_word(text) IS
    'What a text says about being texted: stop, start, help (a word alone, whatever its case and punctuation), review_stop (in words of its own: taken for stop, and a person should look), or NULL.';

CREATE OR REPLACE FUNCTION cloudgreet_private.record_opt(
    business_id uuid, lead_id uuid, contact text, is_granted boolean, words text, at timestamptz) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    INSERT INTO cloudgreet.consents (business_id, lead_id, contact, channel, kind, is_granted, source, evidence, recorded_at)
    SELECT record_opt.business_id, record_opt.lead_id, record_opt.contact, 'sms', k.kind, record_opt.is_granted, 'sms_reply',
           record_opt.words, record_opt.at
      FROM (VALUES ('transactional'), ('marketing')) AS k (kind)
     WHERE NOT EXISTS (SELECT FROM cloudgreet.consents c
                        WHERE c.business_id = record_opt.business_id AND c.contact = record_opt.contact AND c.channel = 'sms'
                          AND c.kind = k.kind AND c.recorded_at = record_opt.at AND c.source = 'sms_reply'
                          AND c.is_granted = record_opt.is_granted);
$$;
COMMENT ON FUNCTION cloudgreet_private.record_opt(uuid, uuid, text, boolean, text, timestamptz) IS
    'Adds to the ledger of consents, once, what a text said about being texted.';

CREATE OR REPLACE FUNCTION cloudgreet_private.settle_opt(business_id uuid, lead_id uuid, contact text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    message record;
    stopped_at timestamptz;
BEGIN
    -- One at a time for a contact; texts may come in any order, so all of them are gone through.
    PERFORM pg_advisory_xact_lock(hashtextextended('opt:' || settle_opt.business_id || settle_opt.contact, 0));
    FOR message IN
        SELECT m.opt_word = 'start' AS is_start, true AS is_text, m.content, m.status_at, m.provider_message_id
          FROM cloudgreet.sms_messages m
         WHERE m.business_id = settle_opt.business_id AND m.from_number = settle_opt.contact
           AND m.opt_word IN ('stop', 'start', 'review_stop')
        UNION ALL
        -- What a person recorded takes part too, or an earlier START that comes late would undo it.
        SELECT false, false, NULL, s.created_at, NULL FROM cloudgreet.suppressions s
         WHERE s.business_id = settle_opt.business_id AND s.contact = settle_opt.contact AND s.channel = 'sms' AND s.reason = 'opt_out'
         ORDER BY status_at, is_start DESC, provider_message_id
    LOOP
        -- Who was not stopped has nothing to join again: "yes" answers many a question.
        CONTINUE WHEN message.is_start AND stopped_at IS NULL;
        IF message.is_text THEN
            PERFORM cloudgreet_private.record_opt(settle_opt.business_id, settle_opt.lead_id, settle_opt.contact,
                message.is_start, message.content, message.status_at);
        END IF;
        stopped_at := CASE WHEN NOT message.is_start THEN message.status_at END;
    END LOOP;

    IF stopped_at IS NULL THEN
        DELETE FROM cloudgreet.suppressions s
         WHERE s.business_id = settle_opt.business_id AND s.contact = settle_opt.contact AND s.channel = 'sms' AND s.reason = 'opt_out';
    ELSE
        INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason, created_at)
        VALUES (settle_opt.business_id, settle_opt.contact, 'sms', 'opt_out', stopped_at)
        ON CONFLICT ON CONSTRAINT suppressions_business_id_contact_channel_key DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.settle_opt(uuid, uuid, text) IS
    'Brings consents and the suppression of a contact to what its texts say, in the order in which they were sent.';

REVOKE ALL ON FUNCTION cloudgreet_private.plain_words(text), cloudgreet_private.opt_word(text),
    cloudgreet_private.record_opt(uuid, uuid, text, boolean, text, timestamptz),
    cloudgreet_private.settle_opt(uuid, uuid, text) FROM PUBLIC;
