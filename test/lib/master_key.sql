/*
 * master_key.sql
 *		For tests on a server that is not ours: gives this session a master key, in a
 *		file of the data directory.  drop_master_key.sql takes it away.
 */
COPY (SELECT repeat('0123456789abcdef', 4)) TO PROGRAM 'umask 077; cat > cloudgreet_regress.key';
SET cloudgreet.master_key_file = 'cloudgreet_regress.key';
