/*
 * secret.h
 *		Seals and opens secrets: AES-256-GCM with the master key.
 */
#ifndef CG_TENANT_SECRET_H
#define CG_TENANT_SECRET_H

#include "postgres.h"

#include "utils/uuid.h"

#define CG_SECRET_MAX_BYTES 65536

/* A sealed secret, as its columns; palloc'd. */
typedef struct CgSealed
{
	char  *key_id;
	bytea *nonce;
	bytea *ciphertext; /* the tag is its last 16 bytes */
} CgSealed;

/*
 * What a secret is, as bytes that are authenticated with it (AAD): a ciphertext
 * moved to another business, name, version or key row does not open.
 */
extern char *cg_secret_label(const pg_uuid_t *business, const char *name, int32 version);
extern char *cg_secret_jwt_label(const char *kid);

/* ERROR ZG108, ZG109 without a usable key, 54000 above CG_SECRET_MAX_BYTES. */
extern void cg_secret_seal(const char *label, const char *plain, size_t length,
						   CgSealed *sealed);

/*
 * The plaintext, palloc'd; the caller cleanses it.  NULL when it was sealed with
 * another key or is not what the label says; ERROR ZG108, ZG109 without a usable key.
 */
extern bytea *cg_secret_try_open(const char *label, const char *key_id,
								 const bytea *nonce, const bytea *ciphertext);

#endif /* CG_TENANT_SECRET_H */
