/*
 * cloudgreet--0.1.0--0.2.0.sql
 *		What "CREATE OR REPLACE" cannot do on the way from 0.1.0 to 0.2.0.
 *
 * Here stands only what has to be dropped first: functions that are gone, or whose
 * arguments or result changed.  The Makefile adds all of sql/extension behind it, with
 * OR REPLACE, so nothing is pasted here; test/t/060_check_update.pl compares the outcome
 * with a fresh installation.
 */

DROP FUNCTION cloudgreet.http(text, text, jsonb, bytea);
DROP FUNCTION cloudgreet.resolve_business(uuid);
