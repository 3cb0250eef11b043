/*
 * processor.h
 *		The background worker that processes webhooks, and looks after histories.
 */
#ifndef CG_SERVER_PROCESSOR_H
#define CG_SERVER_PROCESSOR_H

/* Entry point of the worker; bgw_extra names the database. */
extern PGDLLEXPORT void cg_worker_process(Datum argument);

#endif /* CG_SERVER_PROCESSOR_H */
