/*
 * database_workers.h
 *		The workers of served databases, as their supervisor sees them.
 */
#ifndef CG_SERVER_DATABASE_WORKERS_H
#define CG_SERVER_DATABASE_WORKERS_H

#include "postgres.h"

/* How often the supervisor should let workers be looked at. */
#define CG_DATABASE_WORKERS_MS 1000

/*
 * Starts the workers that are wanted and do not run, and ends those that are not
 * wanted any more; to be called when one may have ended, or the settings changed.
 */
extern void cg_database_workers_step(bool is_ending);

/* Ends all of them; for the end of the supervisor. */
extern void cg_database_workers_end(void);

#endif /* CG_SERVER_DATABASE_WORKERS_H */
