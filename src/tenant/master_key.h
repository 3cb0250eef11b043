/*
 * master_key.h
 *		The key that seals secrets, read from a file outside the database.
 */
#ifndef CG_TENANT_MASTER_KEY_H
#define CG_TENANT_MASTER_KEY_H

#include "postgres.h"

#define CG_MASTER_KEY_BYTES 32
#define CG_KEY_ID_LENGTH 8

typedef struct CgMasterKey
{
	unsigned char bytes[CG_MASTER_KEY_BYTES];
	char          id[CG_KEY_ID_LENGTH + 1]; /* first digits of the key's SHA-256 */
} CgMasterKey;

typedef enum CgMasterKeyFault
{
	CG_MASTER_KEY_USABLE,
	CG_MASTER_KEY_UNNAMED, /* the setting is empty */
	CG_MASTER_KEY_MISSING, /* there is no such file */
	CG_MASTER_KEY_OWNER,
	CG_MASTER_KEY_MODE,
	CG_MASTER_KEY_UNREADABLE,
	CG_MASTER_KEY_CONTENT /* it holds no key */
} CgMasterKeyFault;

/* Whether the key could be read now.  No errors. */
extern bool cg_master_key_is_usable(void);

/*
 * Reads the key that cloudgreet.master_key_file names.  The caller cleanses *key
 * after use, on errors too (the functions that take a key do not raise).
 * ERROR ZG108 when no file is named, ZG109 when it cannot be a key: not a regular
 * file of the server's user, open to others, or neither 32 bytes nor 64 hex digits.
 */
extern void cg_master_key_read(CgMasterKey *key);

#endif /* CG_TENANT_MASTER_KEY_H */
