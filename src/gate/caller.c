/*
 * caller.c
 *		Remembers whose tokens are.
 *
 * The gate has no keys, so it believes no token: the database is asked once whose one is
 * (executor.c), and the answer is kept under the token's hash.  It says in whose lane a
 * request waits and nothing else; each request's token is judged anew by http().  What was
 * refused is not kept, so that forged tokens cannot drive out good ones.
 *
 * Called by request.c and pool.c.
 * Memory:		a fixed table; of a set that is full the entry goes that was not used for
 *				the longest time.
 * Shown by:	test/t/104_gate_turns.pl
 */
#include <openssl/sha.h>
#include <string.h>

#include "gate/caller.h"

#define SETS 2048
#define WAYS 4

typedef struct Entry
{
	CgCallerKey key;
	uint64_t    used; /* 0: empty */
	char        name[CG_CALLER_NAME_MAX];
} Entry;

static Entry    entries[SETS][WAYS];
static uint64_t uses;

void
cg_caller_key(CgCallerKey *key, CgCallerKind kind, const char *bytes, size_t length)
{
	key->kind = kind;
	SHA256((const unsigned char *) bytes, length, key->hash);
}

static Entry *
set_of(const CgCallerKey *key)
{
	return entries[(key->hash[0] | key->hash[1] << 8) % SETS];
}

const char *
cg_caller_find(const CgCallerKey *key)
{
	Entry *set = set_of(key);

	for (int i = 0; i < WAYS; i++)
	{
		if (set[i].used == 0 || set[i].key.kind != key->kind ||
			memcmp(set[i].key.hash, key->hash, sizeof(key->hash)) != 0)
			continue;
		set[i].used = ++uses;
		return set[i].name;
	}
	return NULL;
}

void
cg_caller_keep(const CgCallerKey *key, const char *name)
{
	Entry *set = set_of(key);
	Entry *oldest = set;

	/* Two requests may have asked for it at the same time. */
	if (cg_caller_find(key) != NULL)
		return;
	for (int i = 1; i < WAYS; i++)
	{
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	oldest->key = *key;
	oldest->used = ++uses;
	strncpy(oldest->name, name, sizeof(oldest->name) - 1);
	oldest->name[sizeof(oldest->name) - 1] = '\0';
}
