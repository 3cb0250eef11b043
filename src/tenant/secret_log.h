/*
 * secret_log.h
 *		Keeps statements that carry secrets out of the server's log.
 */
#ifndef CG_TENANT_SECRET_LOG_H
#define CG_TENANT_SECRET_LOG_H

/* Installs the hook; called once from _PG_init(). */
extern void cg_secret_log_install(void);

/*
 * Marks the running statement as one that carries a secret: replaces what
 * pg_stat_activity shows, and its remaining log entries are redacted.
 */
extern void cg_secret_hide_activity(const char *shown);

#endif /* CG_TENANT_SECRET_LOG_H */
