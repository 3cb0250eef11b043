/*
 * resolver.c
 *		Names to addresses, by c-ares: /etc/hosts first, then the DNS servers.
 *
 * libcurl would look names up in threads, which one dead server can all keep busy.
 * Here every lookup is a datagram and a deadline.  Transfers that want the same name
 * share one lookup and its answer, which is kept for the time the answer allows within
 * bounds.
 *
 * The first address of a name stays the first as long as answers contain it, although
 * servers rotate them: connections are reused by address.
 *
 * Search domains are off: "db" in a customer's URL must not become a host of ours.
 *
 * Invariant:	a name that is resolving or held is never evicted, so that c-ares and
 *				the transfers may keep pointers to it.
 * Memory:		names in the caller's context, c-ares's own by malloc.
 * Errors:		none after creation; callbacks of c-ares only record.
 * Called by:	client.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <ares.h>
#include <netdb.h>
#include <sys/epoll.h>

#include "common/hashfn.h"

#include "core/monotonic.h"
#include "outbound/event_loop.h"
#include "outbound/resolver.h"

#define TRY_MS 1000 /* until another server is asked; doubled for each round */
#define TRIES 2
#define TTL_MIN_MS 1000
#define TTL_MAX_MS 60000
#define FAILURE_TTL_MS 1000
#define BUCKETS 256

struct CgResolver
{
	ares_channel channel;
	int          epoll_fd;
	int          resolving;  /* names in that state */
	int          free_names; /* never used ones, at the end of names */
	int          max_names;
	CgName      *names;
	dlist_head   by_use;
	dlist_head   buckets[BUCKETS];
};

/* What c-ares gives back with an answer. */
typedef struct Lookup
{
	CgResolver *resolver;
	CgName     *name;
} Lookup;

static void        open_channel(CgResolver *resolver, const char *servers);
static dlist_head *bucket_of(CgResolver *resolver, const char *host);
static CgName     *find_name(CgResolver *resolver, const char *host);
static CgName     *take_name(CgResolver *resolver, const char *host);
static void        start_lookup(CgResolver *resolver, CgName *name);
static void        note_answer(void *arg, int status, int timeouts,
							   struct ares_addrinfo *answer);
static void        fail_name(CgName *name, const char *error);
static void        keep_first(CgName *name, const CgAddress *first);
static void        watch_socket(void *arg, ares_socket_t fd, int readable, int writable);

CgResolver *
cg_resolver_create(int epoll_fd, int max_names, const char *servers)
{
	CgResolver *resolver = palloc0(sizeof(CgResolver));

	resolver->epoll_fd = epoll_fd;
	resolver->max_names = max_names;
	resolver->free_names = max_names;
	resolver->names = palloc0(sizeof(CgName) * max_names);
	dlist_init(&resolver->by_use);
	for (int i = 0; i < BUCKETS; i++)
		dlist_init(&resolver->buckets[i]);
	open_channel(resolver, servers);
	return resolver;
}

static void
open_channel(CgResolver *resolver, const char *servers)
{
	struct ares_options options = {0};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
			   ARES_OPT_SOCK_STATE_CB;
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	options.flags = ARES_FLAG_NOSEARCH;
	options.timeout = TRY_MS;
	options.tries = TRIES;
	options.lookups = "fb";
	options.sock_state_cb = watch_socket;
	options.sock_state_cb_data = resolver;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&resolver->channel, &options, mask);
	if (status != ARES_SUCCESS)
	{
		resolver->channel = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start the name resolver: %s", ares_strerror(status))));
	}
	if (servers == NULL)
		return;
	status = ares_set_servers_ports_csv(resolver->channel, servers);
	if (status == ARES_SUCCESS)
		return;
	ares_destroy(resolver->channel);
	resolver->channel = NULL;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid list of name servers: \"%s\"", servers)));
}

void
cg_resolver_destroy(CgResolver *resolver)
{
	if (resolver->channel != NULL)
		ares_destroy(resolver->channel);
	resolver->channel = NULL;
}

CgName *
cg_resolver_hold(CgResolver *resolver, const char *host)
{
	CgName *name = find_name(resolver, host);

	if (name == NULL)
	{
		name = take_name(resolver, host);
		if (name == NULL)
			return NULL;
		start_lookup(resolver, name);
	}
	else if (name->state != CG_NAME_RESOLVING && cg_monotonic_ms() >= name->expires_at)
		start_lookup(resolver, name);
	dlist_delete(&name->by_use);
	dlist_push_tail(&resolver->by_use, &name->by_use);
	name->holders++;
	return name;
}

void
cg_resolver_release(CgName *name)
{
	Assert(name->holders > 0);
	name->holders--;
}

void
cg_resolver_demote(CgResolver *resolver, const char *host, const CgAddress *address)
{
	CgName   *name = find_name(resolver, host);
	CgAddress first;

	if (name == NULL || name->address_count < 2 ||
		!cg_address_equal(&name->addresses[0], address))
		return;
	first = name->addresses[0];
	memmove(name->addresses, name->addresses + 1,
			sizeof(CgAddress) * (name->address_count - 1));
	name->addresses[name->address_count - 1] = first;
}

void
cg_resolver_handle(CgResolver *resolver, int fd, uint32 events)
{
	bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;

	ares_process_fd(resolver->channel,
					is_broken || events & EPOLLIN ? fd : ARES_SOCKET_BAD,
					is_broken || events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

void
cg_resolver_run(CgResolver *resolver)
{
	if (resolver->resolving > 0)
		ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

long
cg_resolver_timeout(const CgResolver *resolver)
{
	struct timeval left;

	if (resolver->resolving == 0 || ares_timeout(resolver->channel, NULL, &left) == NULL)
		return -1;
	return left.tv_sec * 1000 + (left.tv_usec + 999) / 1000;
}

static dlist_head *
bucket_of(CgResolver *resolver, const char *host)
{
	uint32 hash = hash_bytes((const unsigned char *) host, strlen(host));

	return &resolver->buckets[hash % BUCKETS];
}

static CgName *
find_name(CgResolver *resolver, const char *host)
{
	dlist_iter iter;

	dlist_foreach(iter, bucket_of(resolver, host))
	{
		CgName *name = dlist_container(CgName, by_hash, iter.cur);

		if (strcmp(name->host, host) == 0)
			return name;
	}
	return NULL;
}

/* A new entry, or the one that was not used for longest; NULL when all are in use. */
static CgName *
take_name(CgResolver *resolver, const char *host)
{
	CgName    *name = NULL;
	dlist_iter iter;

	if (resolver->free_names > 0)
		name = &resolver->names[--resolver->free_names];
	else
	{
		dlist_foreach(iter, &resolver->by_use)
		{
			name = dlist_container(CgName, by_use, iter.cur);
			if (name->holders == 0 && name->state != CG_NAME_RESOLVING)
				break;
			name = NULL;
		}
		if (name == NULL)
			return NULL;
		dlist_delete(&name->by_use);
		dlist_delete(&name->by_hash);
	}
	memset(name, 0, sizeof(*name));
	strlcpy(name->host, host, sizeof(name->host));
	dlist_push_tail(&resolver->by_use, &name->by_use);
	dlist_push_head(bucket_of(resolver, host), &name->by_hash);
	return name;
}

/* The answer may come before this returns. */
static void
start_lookup(CgResolver *resolver, CgName *name)
{
	struct ares_addrinfo_hints hints = {0};
	Lookup                    *lookup = malloc(sizeof(Lookup));

	if (lookup == NULL)
	{
		fail_name(name, "out of memory");
		return;
	}
	lookup->resolver = resolver;
	lookup->name = name;
	name->state = CG_NAME_RESOLVING;
	resolver->resolving++;
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	ares_getaddrinfo(resolver->channel, name->host, NULL, &hints, note_answer, lookup);
}

static void
note_answer(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
	Lookup   *lookup = arg;
	CgName   *name = lookup->name;
	CgAddress first = name->addresses[0];
	bool      had_first = name->address_count > 0;
	bool      is_too_long = false;
	int64     ttl = TTL_MAX_MS;

	lookup->resolver->resolving--;
	free(lookup);
	name->address_count = 0;
	for (struct ares_addrinfo_node *node = answer != NULL ? answer->nodes : NULL;
		 node != NULL; node = node->ai_next)
	{
		/*
		 * One that is left out was not checked, and could be the next that is asked for.
		 */
		if (name->address_count == CG_NAME_ADDRESSES)
			is_too_long = true;
		else if (cg_address_from_sockaddr(node->ai_addr,
										  &name->addresses[name->address_count]))
			name->address_count++;
		ttl = Min(ttl, (int64) node->ai_ttl * 1000);
	}
	if (answer != NULL)
		ares_freeaddrinfo(answer);
	if (status != ARES_SUCCESS)
		fail_name(name, ares_strerror(status));
	else if (is_too_long)
		fail_name(name, "the name has too many addresses");
	else if (name->address_count == 0)
		fail_name(name, "the name has no address");
	else
	{
		name->state = CG_NAME_FOUND;
		name->expires_at = cg_monotonic_ms() + Max(ttl, TTL_MIN_MS);
		/* Servers rotate addresses; connections are reused by address. */
		if (had_first)
			keep_first(name, &first);
	}
}

static void
fail_name(CgName *name, const char *error)
{
	name->state = CG_NAME_FAILED;
	name->address_count = 0;
	name->error = error;
	name->expires_at = cg_monotonic_ms() + FAILURE_TTL_MS;
}

static void
keep_first(CgName *name, const CgAddress *first)
{
	for (int i = 1; i < name->address_count; i++)
	{
		CgAddress other = name->addresses[i];

		if (!cg_address_equal(&other, first))
			continue;
		name->addresses[i] = name->addresses[0];
		name->addresses[0] = other;
		return;
	}
}

static void
watch_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	CgResolver *resolver = arg;

	cg_watch(resolver->epoll_fd, CG_WATCH_RESOLVER, fd,
			 (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0));
}
