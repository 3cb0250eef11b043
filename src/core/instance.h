/*
 * instance.h
 *		Whether this database is the one that may act, or a copy of it.
 */
#ifndef CG_CORE_INSTANCE_H
#define CG_CORE_INSTANCE_H

#include "postgres.h"

typedef enum CgInstanceState
{
	CG_INSTANCE_MISSING, /* no application schema, or never activated */
	CG_INSTANCE_COPY,    /* the row belongs to another server or database */
	CG_INSTANCE_PAUSED,
	CG_INSTANCE_ACTIVE
} CgInstanceState;

/*
 * The state, and in *reason (may be NULL) a sentence for people.  Reads the
 * installation row and the instance file; never writes.
 */
extern CgInstanceState cg_instance_state(const char **reason);

/*
 * Makes this database the active one, in the current transaction.  ERROR ZG116
 * when the instance file cannot be written.
 */
extern void cg_instance_activate(void);

#endif /* CG_CORE_INSTANCE_H */
