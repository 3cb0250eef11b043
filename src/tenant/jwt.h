/*
 * jwt.h
 *		Verifies signed tokens (RFC 7519, with the rules of RFC 8725).
 */
#ifndef CG_TENANT_JWT_H
#define CG_TENANT_JWT_H

#include "postgres.h"

#include "tenant/claims.h"

/*
 * NULL when the token is signed by an active key of cloudgreet_private.jwt_keys, by
 * that key's own algorithm, is within its times by cloudgreet.clock(), and has the
 * issuer and audience that the settings ask for.  Otherwise why not, for operators
 * only; explains: in more words, by reading more.  ERROR ZG108 to ZG110 when the keys themselves cannot be read.
 */
extern const char *cg_jwt_fault(const char *token, size_t length, CgClaims *claims,
								bool explains);

#endif /* CG_TENANT_JWT_H */
