/*
 * secret_log.h
 *		Keeps statements that carry secrets out of the server's log.
 */
#ifndef CG_TENANT_SECRET_LOG_H
#define CG_TENANT_SECRET_LOG_H

/* Installs the hook; called once from _PG_init(). */
extern void cg_secret_log_install(void);

/* Replaces the statement that pg_stat_activity shows; for functions given secrets. */
extern void cg_secret_hide_activity(const char *shown);

#endif /* CG_TENANT_SECRET_LOG_H */
