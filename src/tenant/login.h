/*
 * login.h
 *		From a token to the context that it gives.
 */
#ifndef CG_TENANT_LOGIN_H
#define CG_TENANT_LOGIN_H

#include "postgres.h"

#include "tenant/context.h"
#include "tenant/jwt.h"

/*
 * True when the token is valid and its user and business are: *context is then what
 * the token gives, with db_role always set.  The context is not put into force.
 */
extern bool cg_login_accept(const char *token, size_t length, CgContext *context);

#endif /* CG_TENANT_LOGIN_H */
