/*
 * script.h
 *		The SQL files that migrate() runs: finding and reading them.
 */
#ifndef CG_MIGRATE_SCRIPT_H
#define CG_MIGRATE_SCRIPT_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* One installed file NNN_name.sql; everything is palloc'd. */
typedef struct CgScript
{
	int   number; /* NNN */
	char *name;   /* file name */
	char *text;
	char *checksum; /* SHA-256 of text, hexadecimal */
} CgScript;

/*
 * The files of a subdirectory ("schema" or "api") as a list of CgScript in the
 * order of their numbers.  ERROR when the directory is missing, a name is not
 * NNN_name.sql, a number stands twice, or a file is larger than 4 MB.
 */
extern List *cg_scripts_read(const char *subdirectory);

/* SHA-256 over the checksums of all scripts, hexadecimal. */
extern char *cg_scripts_checksum(List *scripts);

#endif /* CG_MIGRATE_SCRIPT_H */
