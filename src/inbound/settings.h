/*
 * settings.h
 *		The settings of the HTTP surface.
 */
#ifndef CG_INBOUND_SETTINGS_H
#define CG_INBOUND_SETTINGS_H

extern char *cg_cors_origins; /* comma-separated; "*" for any */
extern int   cg_response_bytes;
extern int   cg_rest_max_rows; /* 0: no limit */
extern int   cg_rest_max_write_rows;

/* Defines the settings; called once from _PG_init(). */
extern void cg_inbound_settings_define(void);

#endif /* CG_INBOUND_SETTINGS_H */
