/*
 * compat.h
 *		The only file that knows PostgreSQL's version numbers.
 *
 * Code is written for the newest interface it uses; what an older major lacks
 * is given here as a static inline cg_compat_*() with the newest meaning.
 */
#ifndef CG_COMPAT_H
#define CG_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "cloudgreet needs PostgreSQL 15 or newer"
#endif

#endif /* CG_COMPAT_H */
