/*
 * listener.c
 *		Listens and accepts.
 *
 * Options that every connection wants are set on the listening socket, from which
 * Linux hands them down.
 *
 * When descriptors or memory run out, accepting pauses: a level-triggered event that
 * cannot be served would spin.
 *
 * Called by:	main.c
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/connection.h"
#include "gate/gate.h"
#include "gate/listener.h"
#include "gate/log.h"

#define LISTENERS_MAX 16
#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE INT64_C(100000)

typedef struct Address
{
	struct sockaddr_storage bytes; /* as wanted: the port may be 0 */
	socklen_t               length;
} Address;

typedef struct Listener
{
	CgWatch watch; /* fd -1: the slot is free */
	Address address;
} Listener;

typedef struct AddressList
{
	Address address[LISTENERS_MAX];
	int     count;
} AddressList;

static Listener listeners[LISTENERS_MAX];
static CgTimer  pause_timer;

static void on_acceptable(CgWatch *watch, uint32_t events);

static void
set_option(int fd, int level, int option, int value)
{
	/* Failing costs comfort only. */
	(void) setsockopt(fd, level, option, &value, sizeof(value));
}

static int
open_socket(const struct sockaddr *address, socklen_t length)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (address->sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* A client that vanished during its query is noticed after about two minutes. */
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
	if (bind(fd, address, length) != 0 || listen(fd, SOMAXCONN) != 0)
	{
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int
port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t               length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *) &address, &length) != 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6
					 ? ((struct sockaddr_in6 *) &address)->sin6_port
					 : ((struct sockaddr_in *) &address)->sin_port);
}

static void
set_port(struct sockaddr_storage *address, int port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *) address)->sin6_port = htons((uint16_t) port);
	else
		((struct sockaddr_in *) address)->sin_port = htons((uint16_t) port);
}

static bool
is_same(const Address *a, const Address *b)
{
	return a->length == b->length && memcmp(&a->bytes, &b->bytes, a->length) == 0;
}

static bool
is_in(const AddressList *list, const Address *address)
{
	for (int i = 0; i < list->count; i++)
	{
		if (is_same(&list->address[i], address))
			return true;
	}
	return false;
}

static void
add(AddressList *list, const void *bytes, socklen_t length)
{
	Address address = {.length = length};

	memcpy(&address.bytes, bytes, length);
	if (is_in(list, &address))
		return;
	if (list->count < LISTENERS_MAX)
		list->address[list->count++] = address;
	else
		cg_log("warning", "more than %d addresses to listen on", LISTENERS_MAX);
}

/* Turns the setting into addresses; false, logged, when one cannot be understood. */
static bool
resolve(AddressList *list)
{
	char  names[sizeof(cg_gate.settings.listen_addresses)];
	char  port[16];
	char *rest = NULL;

	strcpy(names, cg_gate.settings.listen_addresses);
	snprintf(port, sizeof(port), "%d", (int) cg_gate.settings.port);
	for (char *name = strtok_r(names, ", ", &rest); name != NULL;
		 name = strtok_r(NULL, ", ", &rest))
	{
		struct addrinfo  hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
		struct addrinfo *found;
		int              error =
			getaddrinfo(strcmp(name, "*") == 0 ? NULL : name, port, &hints, &found);

		if (error != 0)
		{
			cg_log("error", "cannot listen on \"%.100s\": %s", name, gai_strerror(error));
			return false;
		}
		for (struct addrinfo *info = found; info != NULL; info = info->ai_next)
			add(list, info->ai_addr, info->ai_addrlen);
		freeaddrinfo(found);
	}
	return true;
}

/* The port of a socket that is open; 0 when there is none. */
static int
open_port(void)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		if (listeners[i].watch.fd >= 0)
			return port_of(listeners[i].watch.fd);
	}
	return 0;
}

static void
close_listener(Listener *listener)
{
	int fd = listener->watch.fd;

	cg_watch_clear(&cg_gate.loop, &listener->watch);
	if (fd >= 0)
		close(fd);
}

/* Closes what is not in the list, and puts it into *closed. */
static void
close_others(const AddressList *list, AddressList *closed)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		Listener *listener = &listeners[i];

		if (listener->watch.fd < 0 || is_in(list, &listener->address))
			continue;
		if (closed != NULL)
			add(closed, &listener->address.bytes, listener->address.length);
		close_listener(listener);
	}
}

/* The slot that listens on the address, or a free one. */
static Listener *
find_slot(const Address *address)
{
	Listener *free_slot = NULL;

	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		Listener *listener = &listeners[i];

		if (listener->watch.fd < 0)
			free_slot = listener;
		else if (is_same(&listener->address, address))
			return listener;
	}
	return free_slot;
}

static bool
open_address(const Address *address, int port)
{
	/* There is one: a list has no more addresses, and all others are closed. */
	Listener               *listener = find_slot(address);
	struct sockaddr_storage bytes = address->bytes;
	int                     fd;

	if (listener->watch.fd >= 0)
		return true;
	set_port(&bytes, port);
	fd = open_socket((struct sockaddr *) &bytes, address->length);
	if (fd < 0)
		return false;
	listener->address = *address;
	if (cg_watch_set(&cg_gate.loop, &listener->watch, fd, EPOLLIN))
		return true;
	close(fd);
	return false;
}

/* Opens what of the list is not open; on a system without IPv6, "*" is IPv4. */
static bool
open_missing(const AddressList *list)
{
	bool is_open = list->count == 0;

	for (int i = 0; i < list->count; i++)
	{
		/* All have the port that the first was given. */
		int port = cg_gate.settings.port != 0 ? (int) cg_gate.settings.port : open_port();

		if (open_address(&list->address[i], port))
			is_open = true;
		else if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
		{
			cg_log("error", "cannot listen on port %d: %s", port, strerror(errno));
			return false;
		}
	}
	if (!is_open)
		cg_log("error", "cannot listen on any of \"%s\"",
			   cg_gate.settings.listen_addresses);
	return is_open;
}

static void
tell_port(bool is_as_set)
{
	char line[32];
	int  port = open_port();
	int  length = snprintf(line, sizeof(line), "%s %d\n",
                          is_as_set ? "listening" : "remaining", port);

	if (write(STDOUT_FILENO, line, (size_t) length) != length)
		cg_log("warning", "nobody reads which port is listened on");
	cg_log("info", "%s on port %d", is_as_set ? "listening" : "still listening", port);
}

static void
watch_all(uint32_t events)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		CgWatch *watch = &listeners[i].watch;

		if (watch->fd >= 0 && !cg_watch_set(&cg_gate.loop, watch, watch->fd, events))
			cg_log("error", "cannot watch a listening socket: %s", strerror(errno));
	}
}

static void
resume(CgTimer *timer)
{
	(void) timer;
	watch_all(EPOLLIN);
}

bool
cg_listener_init(void)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
		cg_watch_init(&listeners[i].watch, on_acceptable);
	return cg_timer_init(&cg_gate.loop.timers, &pause_timer, resume);
}

bool
cg_listener_configure(void)
{
	AddressList wanted = {.count = 0};
	AddressList closed = {.count = 0};
	int         port = open_port();
	bool        ok;

	if (!resolve(&wanted))
	{
		if (port != 0)
			tell_port(false);
		return false;
	}
	/* First closed, then opened: an old socket can be in the way, as 127.0.0.1 of "*". */
	close_others(&wanted, &closed);
	ok = open_missing(&wanted);
	if (!ok && closed.count > 0)
	{
		close_others(&closed, NULL);
		for (int i = 0; i < closed.count; i++)
			(void) open_address(&closed.address[i], port);
	}
	if (open_port() != 0)
		tell_port(ok);
	return ok;
}

void
cg_listener_close(void)
{
	AddressList none = {.count = 0};

	close_others(&none, NULL);
	cg_timer_stop(&pause_timer);
}

static void
pause_accepting(int error)
{
	static int64_t told_at;
	int64_t        now = cg_clock();

	watch_all(0);
	cg_timer_set(&cg_gate.loop.timers, &pause_timer, now + ACCEPT_PAUSE);
	if (told_at != 0 && now - told_at < 10000000)
		return;
	told_at = now;
	cg_log("warning", "cannot accept connections: %s", strerror(error));
}

static void
peer_name(const struct sockaddr_storage *address, char name[INET6_ADDRSTRLEN])
{
	const void *bytes =
		address->ss_family == AF_INET6
			? (const void *) &((const struct sockaddr_in6 *) address)->sin6_addr
			: (const void *) &((const struct sockaddr_in *) address)->sin_addr;

	if (inet_ntop(address->ss_family, bytes, name, INET6_ADDRSTRLEN) == NULL)
		name[0] = '\0';
}

static void
on_acceptable(CgWatch *watch, uint32_t events)
{
	(void) events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++)
	{
		struct sockaddr_storage address;
		socklen_t               length = sizeof(address);
		char                    peer[INET6_ADDRSTRLEN];
		int fd = accept4(watch->fd, (struct sockaddr *) &address, &length,
						 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
		{
			peer_name(&address, peer);
			cg_connection_open(fd, peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(errno);
		/* Other errors are about one connection, or say that there is none left. */
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}
