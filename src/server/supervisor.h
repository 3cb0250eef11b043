/*
 * supervisor.h
 *		The background worker that starts and watches the HTTP gate.
 */
#ifndef CG_SERVER_SUPERVISOR_H
#define CG_SERVER_SUPERVISOR_H

/* Registers the worker; called from _PG_init() while the postmaster preloads. */
extern void cg_worker_register(void);

extern PGDLLEXPORT void cg_worker_supervise(Datum argument);

#endif /* CG_SERVER_SUPERVISOR_H */
