/*
 * settings.h
 *		The settings of sending.
 */
#ifndef CG_OUTBOUND_SETTINGS_H
#define CG_OUTBOUND_SETTINGS_H

extern int   cg_outbox_attempt_timeout; /* ms */
extern int   cg_outbox_concurrency;     /* attempts at a time */
extern int   cg_outbox_drain_timeout;   /* ms */
extern int   cg_outbox_max_attempts;
extern int   cg_outbox_retry_base;      /* ms */
extern int   cg_outbox_retry_max;       /* ms */
extern int   cg_outbox_unknown_timeout; /* ms */
extern bool  cg_request_loopback;       /* requests of tenants may go to this machine */
extern char *cg_resend_url;             /* without a slash at the end */
extern char *cg_telnyx_url;

/* Defines the settings; called once from _PG_init(). */
extern void cg_outbox_settings_define(void);

#endif /* CG_OUTBOUND_SETTINGS_H */
