/*
 * log.c
 *		Collects log lines and writes them to stderr without ever waiting.
 *
 * stderr is shared with the server, so it must stay in blocking mode.  poll() says
 * when a pipe takes PIPE_BUF bytes; whole lines are packed into writes of at most
 * that, so that lines of different processes do not mix either.
 *
 * Memory:		one buffer, at most BACKLOG_MAX bytes.
 * Called by:	whatever has something to tell in the gate
 * Shown by:	test/t/101_gate_limits.pl, test/t/110_supervisor.pl
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gate/buffer.h"
#include "gate/json.h"
#include "gate/log.h"

#define BACKLOG_MAX (256 * 1024)
#define LINE_MAX_BYTES PIPE_BUF
#define PATH_MAX_BYTES 1024

static CgBuffer backlog;
static unsigned dropped;

static void
append_time(CgBuffer *line)
{
	static char     prefix[32];
	static time_t   second = -1;
	struct timespec now;
	struct tm       broken;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second)
	{
		gmtime_r(&now.tv_sec, &broken);
		strftime(prefix, sizeof(prefix), "%Y-%m-%dT%H:%M:%S", &broken);
		second = now.tv_sec;
	}
	cg_buffer_printf(line, "{\"time\":\"%s.%03ldZ\"", prefix, now.tv_nsec / 1000000);
}

/* Ends a line that began at `start`; a line that cannot be kept is taken back. */
static void
end_line(size_t start)
{
	cg_buffer_text(&backlog, "}\n");
	if (backlog.failed || backlog.length > BACKLOG_MAX ||
		backlog.length - start > LINE_MAX_BYTES)
	{
		backlog.failed = false;
		backlog.length = start;
		dropped++;
	}
}

void
cg_log_access(const CgAccess *access)
{
	size_t      start = backlog.length;
	size_t      length = access->target_length;
	const char *query = length == 0 ? NULL : memchr(access->target, '?', length);

	if (query != NULL)
		length = (size_t) (query - access->target);
	if (length > PATH_MAX_BYTES)
		length = PATH_MAX_BYTES;
	append_time(&backlog);
	cg_buffer_text(&backlog, ",\"id\":");
	cg_json_string(&backlog, access->id);
	cg_buffer_text(&backlog, ",\"peer\":");
	cg_json_string(&backlog, access->peer);
	if (access->method != NULL)
	{
		cg_buffer_text(&backlog, ",\"method\":");
		cg_json_string(&backlog, access->method);
		cg_buffer_text(&backlog, ",\"path\":\"");
		cg_json_escape(&backlog, access->target, length);
		cg_buffer_char(&backlog, '"');
	}
	cg_buffer_printf(&backlog,
					 ",\"status\":%d,\"bytes\":%zu,\"ms\":%.3f,\"queue_ms\":%.3f",
					 access->status, access->bytes, (double) access->time / 1000,
					 (double) access->queue_time / 1000);
	end_line(start);
}

void
cg_log(const char *level, const char *format, ...)
{
	size_t  start = backlog.length;
	char    text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	append_time(&backlog);
	cg_buffer_text(&backlog, ",\"level\":");
	cg_json_string(&backlog, level);
	cg_buffer_text(&backlog, ",\"message\":");
	cg_json_string(&backlog, text);
	end_line(start);
}

static void
report_dropped(void)
{
	unsigned lines = dropped;

	if (lines == 0 || backlog.length > BACKLOG_MAX / 2)
		return;
	dropped = 0;
	cg_log("warning", "%u log lines were dropped", lines);
}

/* Writes one piece of whole lines; false when the reader is not ready for it. */
static bool
write_piece(int milliseconds)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	size_t        length = backlog.length;
	ssize_t       written;

	if (poll(&out, 1, milliseconds) != 1)
		return false;
	if (length > LINE_MAX_BYTES)
	{
		length = LINE_MAX_BYTES;
		while (length > 0 && backlog.data[length - 1] != '\n')
			length--;
	}
	written = write(STDERR_FILENO, backlog.data, length);
	if (written < 0 && errno == EINTR)
		return true;
	/* Nobody reads any more: the lines have no other place to go. */
	cg_buffer_consume(&backlog, written < 0 ? backlog.length : (size_t) written);
	return true;
}

void
cg_log_flush(void)
{
	report_dropped();
	while (backlog.length > 0 && write_piece(0))
		;
}

size_t
cg_log_length(void)
{
	return backlog.length;
}

void
cg_log_close(int milliseconds)
{
	report_dropped();
	while (backlog.length > 0 && write_piece(milliseconds))
		;
	cg_buffer_free(&backlog);
}
