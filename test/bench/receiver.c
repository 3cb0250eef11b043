/*
 * receiver.c
 *		The provider of the outbox benchmark: answers any request with an id, at once.
 *
 * receiver PORT LOG, on loopback; one process, keep-alive, a few microseconds a request, so
 * that what is measured is the sender.  The first part of the path says what else it does:
 *		/wire	writes id and time of arrival, in seconds, into LOG
 *		/slow	the same, and answers each twentieth after 3 s
 *		/late	answers after 9 s
 *
 * Started by test/bench/outbox_lib.sh, which compiles it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 8192
#define MAX_REQUEST (256 * 1024)
#define SLOW_EACH 20
#define SLOW_S 3
#define LATE_S 9

typedef struct Connection
{
	char  *bytes;
	size_t length;
	double answer_at; /* 0: nothing is owed */
	long   id;
} Connection;

static Connection connections[MAX_FDS];
static int        owed = 0; /* answers that wait for their time */
static long       next_id;
static FILE      *wire_log;
static int        epoll_fd;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
hang_up(int fd)
{
	Connection *connection = &connections[fd];

	owed -= connection->answer_at > 0;
	free(connection->bytes);
	memset(connection, 0, sizeof(*connection));
	close(fd);
}

static bool
answer(int fd, long id)
{
	char body[96];
	char text[256];
	int  body_length = snprintf(body, sizeof(body),
								"{\"data\":{\"id\":\"%lx\"},\"id\":\"%lx\"}", id, id);
	int  length = snprintf(text, sizeof(text),
						   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
							"Content-Length: %d\r\n\r\n%s",
						   body_length, body);

	return write(fd, text, length) == length;
}

/* The length of the request that the bytes begin with; 0: it is not whole yet. */
static size_t
request_length(const Connection *connection)
{
	char  *end;
	char  *field;
	size_t body = 0;

	connection->bytes[connection->length] = '\0';
	end = strstr(connection->bytes, "\r\n\r\n");
	if (end == NULL)
		return 0;
	field = strcasestr(connection->bytes, "\r\nContent-Length:");
	if (field != NULL && field < end)
		body = strtoul(field + 17, NULL, 10);
	if (connection->length < (size_t) (end + 4 - connection->bytes) + body)
		return 0;
	return end + 4 - connection->bytes + body;
}

/* One request; false: the connection is of no use any more. */
static bool
take_request(int fd)
{
	static long number = 0;
	Connection *connection = &connections[fd];
	const char *path = strchr(connection->bytes, ' ');
	bool        is_slow = path != NULL && strncmp(path, " /slow/", 7) == 0;
	double      delay = 0;
	long        id = next_id++;

	if (is_slow || (path != NULL && strncmp(path, " /wire/", 7) == 0))
	{
		fprintf(wire_log, "%lx %.6f\n", id, now());
		fflush(wire_log);
	}
	if (is_slow && ++number % SLOW_EACH == 0)
		delay = SLOW_S;
	if (path != NULL && strncmp(path, " /late/", 7) == 0)
		delay = LATE_S;
	if (delay == 0)
		return answer(fd, id);
	connection->answer_at = now() + delay;
	connection->id = id;
	owed++;
	return true;
}

static void
take_bytes(int fd)
{
	Connection *connection = &connections[fd];
	ssize_t     got;
	size_t      whole;

	if (connection->bytes == NULL && (connection->bytes = malloc(MAX_REQUEST)) == NULL)
		fail("malloc");
	got = read(fd, connection->bytes + connection->length,
			   MAX_REQUEST - 1 - connection->length);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
	{
		hang_up(fd);
		return;
	}
	connection->length += got;
	while ((whole = request_length(connection)) > 0)
	{
		if (!take_request(fd))
		{
			hang_up(fd);
			return;
		}
		connection->length -= whole;
		memmove(connection->bytes, connection->bytes + whole, connection->length);
	}
}

static void
answer_late(void)
{
	for (int fd = 0; owed > 0 && fd < MAX_FDS; fd++)
	{
		if (connections[fd].answer_at == 0 || connections[fd].answer_at > now())
			continue;
		connections[fd].answer_at = 0;
		owed--;
		if (!answer(fd, connections[fd].id))
			hang_up(fd);
	}
}

static void
watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl");
}

static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_port = htons(port),
								  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int                fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int                on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(fd, 4096) != 0)
		fail("listen");
	return fd;
}

static void
take_connections(int listener)
{
	int fd;
	int on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
	{
		if (fd >= MAX_FDS)
		{
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd);
	}
}

int
main(int argc, char **argv)
{
	int listener;

	if (argc != 3)
	{
		fprintf(stderr, "usage: receiver PORT LOG\n");
		return 2;
	}
	/* Ids of two runs against one database differ. */
	next_id = (long) time(NULL) << 24;
	if ((wire_log = fopen(argv[2], "a")) == NULL)
		fail(argv[2]);
	epoll_fd = epoll_create1(0);
	listener = listen_on(atoi(argv[1]));
	watch(listener);
	for (;;)
	{
		struct epoll_event events[256];
		int                count = epoll_wait(epoll_fd, events, 256, owed > 0 ? 1 : -1);

		for (int i = 0; i < count; i++)
		{
			if (events[i].data.fd == listener)
				take_connections(listener);
			else
				take_bytes(events[i].data.fd);
		}
		answer_late();
	}
}
