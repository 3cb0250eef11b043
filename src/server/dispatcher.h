/*
 * dispatcher.h
 *		The background worker that sends what the outbox of its database holds.
 */
#ifndef CG_SERVER_DISPATCHER_H
#define CG_SERVER_DISPATCHER_H

/* Entry point of the worker; bgw_extra names the database. */
extern PGDLLEXPORT void cg_worker_dispatch(Datum argument);

#endif /* CG_SERVER_DISPATCHER_H */
