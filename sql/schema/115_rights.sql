/*
 * 115_rights.sql
 *		Rights of functions; phone numbers that are claimed, and their routes; what goes
 *		with a business.
 */
CREATE TABLE cloudgreet_private.function_permissions (
    function_name text NOT NULL,
    role_name   text NOT NULL,
    CONSTRAINT function_permissions_pkey PRIMARY KEY (function_name, role_name),
    CONSTRAINT function_permissions_role_name_check CHECK (role_name IN ('admin', 'user', 'agent', 'authenticated', 'service_role',
        'anon', 'authenticator', 'cloudgreet_app', 'cloudgreet_gate', 'cloudgreet_cron'))
);
COMMENT ON TABLE cloudgreet_private.function_permissions IS
    'Who may call a function of schema cloudgreet. Grants, the checks in the functions and their tests are generated from it.';
COMMENT ON COLUMN cloudgreet_private.function_permissions.role_name IS
    'admin, user, agent: the application role of a token that names a business; authenticated: any token; otherwise a database role.';

-- NULL: a claim, which an operator has not confirmed.  What is there was given, or taken, before claims were.
ALTER TABLE cloudgreet.phone_numbers ADD COLUMN confirmed_at timestamptz;
ALTER TABLE cloudgreet.phone_numbers NO FORCE ROW LEVEL SECURITY;
UPDATE cloudgreet.phone_numbers SET confirmed_at = created_at WHERE confirmed_at IS NULL;
-- Numbers and routes may have drifted apart: written without a route, deleted or switched off without it.
DELETE FROM cloudgreet_private.phone_routes r
 WHERE NOT EXISTS (SELECT FROM cloudgreet.phone_numbers n
                    WHERE n.business_id = r.business_id AND n.phone_number = r.phone_number AND n.is_active);
INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id)
SELECT DISTINCT ON (n.phone_number) n.phone_number, n.business_id FROM cloudgreet.phone_numbers n
 WHERE n.is_active ORDER BY n.phone_number, n.created_at, n.id
ON CONFLICT DO NOTHING;
-- Of several who have a number active, the one that it leads to keeps it; the others claim it.
UPDATE cloudgreet.phone_numbers n SET is_active = false, confirmed_at = NULL
 WHERE n.is_active AND NOT EXISTS (SELECT FROM cloudgreet_private.phone_routes r
                                    WHERE r.business_id = n.business_id AND r.phone_number = n.phone_number);
ALTER TABLE cloudgreet.phone_numbers FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.phone_numbers
    ALTER COLUMN confirmed_at SET DEFAULT cloudgreet.clock(),
    ADD CONSTRAINT phone_numbers_is_active_check CHECK (confirmed_at IS NOT NULL OR NOT is_active);
COMMENT ON COLUMN cloudgreet.phone_numbers.confirmed_at IS 'When an operator gave the number to the business; NULL: the business claims it, and it leads nowhere.';
COMMENT ON COLUMN cloudgreet.phone_numbers.is_active IS 'Whether calls and texts of the number lead to the business, and texts are sent from it.';

-- Deferred, since a trigger moves the route after the number.
DROP INDEX cloudgreet_private.phone_routes_business_id;
CREATE INDEX phone_routes_business_id ON cloudgreet_private.phone_routes (business_id, phone_number);
ALTER TABLE cloudgreet_private.phone_routes
    DROP CONSTRAINT phone_routes_business_id_fkey,
    ADD CONSTRAINT phone_routes_phone_number_fkey FOREIGN KEY (business_id, phone_number)
        REFERENCES cloudgreet.phone_numbers (business_id, phone_number) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
COMMENT ON TABLE cloudgreet_private.phone_routes IS
    'Which business a called number belongs to: a row for each active row of phone_numbers, kept by its trigger. A number leads to one business.';

-- What deleted businesses left behind.  Keys get the business as a foreign key, what is known of webhooks the
-- account.  Histories and queues, which are written much, have none: a trigger of businesses takes them along.
ALTER TABLE cloudgreet.businesses NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.audit_log NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.idempotency_keys NO FORCE ROW LEVEL SECURITY;
DELETE FROM cloudgreet.events t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
DELETE FROM cloudgreet.audit_log t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
DELETE FROM cloudgreet_private.outbox t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
DELETE FROM cloudgreet_private.outbox_attempts t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
DELETE FROM cloudgreet_private.webhook_inbox t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
DELETE FROM cloudgreet_private.webhook_seen t WHERE NOT EXISTS (SELECT FROM cloudgreet_private.account_routes r WHERE r.account_id = t.account_id);
DELETE FROM cloudgreet_private.webhook_refusals t WHERE NOT EXISTS (SELECT FROM cloudgreet_private.account_routes r WHERE r.account_id = t.account_id);
DELETE FROM cloudgreet_private.idempotency_keys t WHERE NOT EXISTS (SELECT FROM cloudgreet.businesses b WHERE b.id = t.business_id);
ALTER TABLE cloudgreet_private.idempotency_keys
    ADD CONSTRAINT idempotency_keys_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE;
ALTER TABLE cloudgreet_private.webhook_seen
    ADD CONSTRAINT webhook_seen_account_id_fkey FOREIGN KEY (account_id) REFERENCES cloudgreet_private.account_routes (account_id) ON DELETE CASCADE;
ALTER TABLE cloudgreet_private.webhook_refusals
    ADD CONSTRAINT webhook_refusals_account_id_fkey FOREIGN KEY (account_id) REFERENCES cloudgreet_private.account_routes (account_id) ON DELETE CASCADE;
ALTER TABLE cloudgreet.businesses FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.events FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet.audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.idempotency_keys FORCE ROW LEVEL SECURITY;
