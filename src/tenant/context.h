/*
 * context.h
 *		The verified context: which business, user and role the statements of this
 *		transaction act for.
 *
 * It is kept in a setting that only this library can give a value, so it follows
 * savepoints, ends with the transaction, and reaches parallel workers.
 */
#ifndef CG_TENANT_CONTEXT_H
#define CG_TENANT_CONTEXT_H

#include "postgres.h"

#include "utils/guc.h"
#include "utils/uuid.h"

#define CG_ROLE_NAME_LENGTH 16

typedef struct CgContext
{
	bool      has_business;
	bool      has_user;
	bool      is_entered; /* by a function that has judged its caller's right */
	pg_uuid_t business;
	pg_uuid_t user;
	char      app_role[CG_ROLE_NAME_LENGTH]; /* admin, user, agent or "" */
	char      db_role[CG_ROLE_NAME_LENGTH];  /* role of the token, or "" */
} CgContext;

/*
 * Makes *context the verified one, to the end of the transaction
 * (GUC_ACTION_LOCAL) or of the calling SQL function (GUC_ACTION_SAVE).
 */
extern void cg_context_set(const CgContext *context, GucAction action);

/* The verified context; false, and all of it empty, when there is none. */
extern bool cg_context_verified(CgContext *result);

/*
 * The context that statements act for: the verified one, or what a trusted
 * authenticator put into request.jwt.claims.  Never raises an error.
 */
extern bool cg_context_get(CgContext *result);

/* Hooks of the setting cloudgreet.context (tenant/settings.c). */
extern char *cg_context_setting;
extern bool  cg_context_check(char **newval, void **extra, GucSource source);
extern void  cg_context_assign(const char *newval, void *extra);

/* Assign hook of the settings that say where in the claims something stands. */
extern void cg_context_assign_paths(const char *newval, void *extra);

#endif /* CG_TENANT_CONTEXT_H */
