/*
 * settings.h
 *		The settings of the tenant layer.
 */
#ifndef CG_TENANT_SETTINGS_H
#define CG_TENANT_SETTINGS_H

extern char *cg_jwt_audience;           /* "" = not checked */
extern char *cg_jwt_business_claims;    /* claim paths, in order of preference */
extern char *cg_jwt_issuer;             /* "" = not checked */
extern int   cg_jwt_leeway;             /* seconds */
extern char *cg_jwt_role_claims;        /* claim paths, in order of preference */
extern char *cg_master_key_file;        /* "" = no master key */
extern char *cg_trusted_authenticators; /* role names */

/* Defines the settings; called once from _PG_init(). */
extern void cg_tenant_settings_define(void);

#endif /* CG_TENANT_SETTINGS_H */
