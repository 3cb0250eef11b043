/*
 * 114_replicas.sql
 *		Remembers that rows came from another database.
 */
ALTER TABLE cloudgreet_private.installation ADD COLUMN is_replica boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cloudgreet_private.installation.is_replica IS
    'Whether businesses came in by replication since activate(): what they send is another database''s to send.';
