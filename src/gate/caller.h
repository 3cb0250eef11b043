/*
 * caller.h
 *		Whose a token or a webhook's path is, as far as the database has said.
 */
#ifndef CG_GATE_CALLER_H
#define CG_GATE_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CG_CALLER_NAME_MAX 40

typedef enum CgCallerKind
{
	CG_CALLER_NOBODY, /* nothing names anybody */
	CG_CALLER_TOKEN,
	CG_CALLER_PATH /* of a webhook, which names the account of a business */
} CgCallerKind;

/* What names who sent a request: as good as the bytes themselves. */
typedef struct CgCallerKey
{
	CgCallerKind  kind;
	unsigned char hash[32];
} CgCallerKey;

/* Makes the key of the bytes. */
extern void cg_caller_key(CgCallerKey *key, CgCallerKind kind, const char *bytes,
						  size_t length);

/* What the database said of the key, empty for nobody; NULL when that is not known. */
extern const char *cg_caller_find(const CgCallerKey *key);

/* Keeps it, in place of what was not looked for the longest. */
extern void cg_caller_keep(const CgCallerKey *key, const char *name);

#endif /* CG_GATE_CALLER_H */
