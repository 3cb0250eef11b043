/*
 * 112_opt_outs.sql
 *		Opt-outs that outlive what else is known of a contact; locks that are rows.
 */

-- A suppression for each reason: a manual one neither hides an opt-out nor takes it along when it goes.
ALTER TABLE cloudgreet.suppressions
    DROP CONSTRAINT suppressions_business_id_contact_channel_key,
    ADD CONSTRAINT suppressions_business_id_contact_channel_reason_key UNIQUE (business_id, contact, channel, reason);
COMMENT ON TABLE cloudgreet.suppressions IS 'Contacts that are sent nothing on a channel, one row for each reason.';
COMMENT ON COLUMN cloudgreet.suppressions.reason IS 'opt_out and complaint: the person''s word, ended by START or lift_opt_out() only. bounce and manual: rows that an admin may delete.';
COMMENT ON COLUMN cloudgreet.suppressions.created_at IS 'Since when; of an opt-out by text, when it was sent.';

CREATE TABLE cloudgreet_private.opt_lifts (
    business_id uuid NOT NULL,
    contact     text NOT NULL,
    channel     text NOT NULL,
    lifted_at   timestamptz NOT NULL,
    CONSTRAINT opt_lifts_pkey PRIMARY KEY (business_id, contact, channel),
    CONSTRAINT opt_lifts_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE
);
COMMENT ON TABLE cloudgreet_private.opt_lifts IS 'When an opt-out was lifted last by lift_opt_out(): a STOP of before that comes late, or is processed again, does not bring it back.';
ALTER TABLE cloudgreet_private.opt_lifts ENABLE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.opt_lifts FORCE ROW LEVEL SECURITY;
CREATE POLICY opt_lifts_owner_all ON cloudgreet_private.opt_lifts TO cloudgreet_owner
    USING (business_id = cloudgreet.current_business_id())
    WITH CHECK (business_id = cloudgreet.current_business_id());

-- No row security: upkeep prunes it across businesses.  No API role has a grant here.
CREATE TABLE cloudgreet_private.entity_locks (
    business_id uuid NOT NULL,
    entity_key  text NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT cloudgreet.clock(),
    CONSTRAINT entity_locks_pkey PRIMARY KEY (business_id, entity_key),
    CONSTRAINT entity_locks_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE
);
CREATE INDEX entity_locks_made_at ON cloudgreet_private.entity_locks (made_at);
COMMENT ON TABLE cloudgreet_private.entity_locks IS 'Rows to lock in the place of calls, messages and contacts that may have no row yet: lock_entity(). They say nothing, and go after a day.';

-- The words of a contact in the order in which they were said, so that the newest, and the neighbours of one, are found at once.
DROP INDEX cloudgreet.sms_messages_opt_word;
CREATE INDEX sms_messages_opt_word ON cloudgreet.sms_messages (business_id, from_number, status_at, (opt_word <> 'start'), provider_message_id)
    WHERE opt_word IN ('stop', 'start', 'review_stop');
CREATE INDEX sms_messages_review_stop ON cloudgreet.sms_messages (business_id, created_at) WHERE opt_word = 'review_stop';

-- An opt-out that a row of another reason hid, or that was deleted without a record: whose last word is STOP, and who has not agreed since, is not texted.
ALTER TABLE cloudgreet.sms_messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.consents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.suppressions NO FORCE ROW LEVEL SECURITY;
INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason, created_at)
SELECT w.business_id, w.from_number, 'sms', 'opt_out', w.status_at
  FROM (SELECT DISTINCT ON (m.business_id, m.from_number) m.business_id, m.from_number, m.status_at, m.opt_word
          FROM cloudgreet.sms_messages m
         WHERE m.direction = 'inbound' AND m.opt_word IN ('stop', 'start', 'review_stop') AND cloudgreet.is_phone_number(m.from_number)
         ORDER BY m.business_id, m.from_number, m.status_at DESC, m.opt_word <> 'start' DESC, m.provider_message_id DESC) w
 WHERE w.opt_word <> 'start' AND w.status_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM cloudgreet.consents c
                    WHERE c.business_id = w.business_id AND c.contact = w.from_number AND c.channel = 'sms' AND c.is_granted AND c.recorded_at > w.status_at)
ON CONFLICT DO NOTHING;
ALTER TABLE cloudgreet.suppressions FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.consents FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.sms_messages FORCE ROW LEVEL SECURITY;
