/*
 * drop_master_key.sql
 *		Removes what master_key.sql made.
 */
RESET cloudgreet.master_key_file;
COPY (SELECT) TO PROGRAM 'cat >/dev/null; rm -f cloudgreet_regress.key';
