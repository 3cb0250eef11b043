/*
 * replace.h
 *		Runs the replaceable objects of sql/api.
 */
#ifndef CG_MIGRATE_REPLACE_H
#define CG_MIGRATE_REPLACE_H

#include "nodes/pg_list.h"

/*
 * Runs all scripts (a list of CgScript) as cloudgreet_owner inside an open SPI
 * session.  Functions and views that they no longer make, or make with another
 * signature, are dropped first (RESTRICT: a user's object that needs one stops
 * the migration); all others are replaced in place and keep their grants.
 */
extern void cg_scripts_replace(List *scripts);

/* Runs one script's text as cloudgreet_owner, naming it in errors. */
struct CgScript;
extern void cg_script_run(const struct CgScript *script);

#endif /* CG_MIGRATE_REPLACE_H */
