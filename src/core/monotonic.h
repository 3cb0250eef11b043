/*
 * monotonic.h
 *		A clock for waiting: it never goes back, and has nothing to do with due-ness.
 */
#ifndef CG_CORE_MONOTONIC_H
#define CG_CORE_MONOTONIC_H

#include "postgres.h"

/* Milliseconds since some time in the past. */
extern int64 cg_monotonic_ms(void);

#endif /* CG_CORE_MONOTONIC_H */
