/*
 * 015_secrets.sql
 *		Secrets go with their business; made apart, as the table is older than businesses.
 *
 * The rows are checked with the owner's rights, so row security must let it see all.
 */
ALTER TABLE cloudgreet_private.secrets NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cloudgreet_private.secrets
    ADD CONSTRAINT secrets_business_id_fkey FOREIGN KEY (business_id) REFERENCES cloudgreet.businesses (id) ON DELETE CASCADE;
ALTER TABLE cloudgreet_private.secrets FORCE ROW LEVEL SECURITY;
