/*
 * settings.h
 *		The settings of the worker layer.
 */
#ifndef CG_SERVER_SETTINGS_H
#define CG_SERVER_SETTINGS_H

#include "lib/stringinfo.h"

extern char *cg_databases;       /* names of served databases */
extern bool  cg_gate;            /* whether an HTTP gate is wanted */
extern int   cg_webhook_timeout; /* ms */

/* How many ms requests may take once the gate ends. */
extern int cg_gate_drain_timeout(void);

/* Defines the settings; called once from _PG_init(). */
extern void cg_worker_settings_define(void);

/*
 * What the gate connects with, in the current memory context; NULL when neither
 * cloudgreet.gate_conninfo nor cloudgreet.databases says to which database.
 */
extern char *cg_worker_conninfo(void);

/* Appends the block of settings that the gate, or its spare, reads (src/gate/settings.h). */
extern void cg_worker_append_settings(StringInfo block, const char *conninfo,
									  bool is_spare);

#endif /* CG_SERVER_SETTINGS_H */
