/*
 * resolver.h
 *		Looks up names without waiting, and remembers them for a while; for the client.
 */
#ifndef CG_OUTBOUND_RESOLVER_H
#define CG_OUTBOUND_RESOLVER_H

#include "postgres.h"

#include "lib/ilist.h"

#include "outbound/address.h"
#include "outbound/destination.h"

#define CG_NAME_ADDRESSES 16 /* a name with more is refused */

typedef struct CgResolver CgResolver;

/*
 * unknown -> resolving -> found | failed, and from these two, once expired and asked
 * for again, -> resolving.
 */
typedef enum CgNameState
{
	CG_NAME_RESOLVING,
	CG_NAME_FOUND,
	CG_NAME_FAILED
} CgNameState;

typedef struct CgName
{
	dlist_node  by_hash; /* in its bucket */
	dlist_node  by_use;  /* the least recently used first */
	char        host[CG_HOST_NAME_SIZE];
	CgNameState state;
	int         holders; /* transfers that will look at it again */
	int64       expires_at;
	CgAddress   addresses[CG_NAME_ADDRESSES];
	int         address_count;
	const char *error; /* of a failed one */
} CgName;

/*
 * Makes a resolver of up to max_names names in the current context.  Its sockets are
 * watched by the epoll descriptor, as (CG_WATCH_RESOLVER, fd).  ERROR 22023 when
 * the servers cannot be read, 53200 or 53000 when resources are short.
 */
extern CgResolver *cg_resolver_create(int epoll_fd, int max_names, const char *servers);

/* Releases what a context does not. */
extern void cg_resolver_destroy(CgResolver *resolver);

/*
 * The name's entry, looked up or being looked up; NULL when there is no room for
 * another name.  The caller holds it until cg_resolver_release().
 */
extern CgName *cg_resolver_hold(CgResolver *resolver, const char *host);
extern void    cg_resolver_release(CgName *name);

/* Makes another address of the name the first one, because this one failed. */
extern void cg_resolver_demote(CgResolver *resolver, const char *host,
							   const CgAddress *address);

/* A socket is ready; and what is due without one. */
extern void cg_resolver_handle(CgResolver *resolver, int fd, uint32 events);
extern void cg_resolver_run(CgResolver *resolver);

/* In how many ms run() is due; -1 when nothing is being looked up. */
extern long cg_resolver_timeout(const CgResolver *resolver);

#endif /* CG_OUTBOUND_RESOLVER_H */
