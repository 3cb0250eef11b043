/*
 * server_status.c
 *		Tells whether the server is being shut down.
 *
 * A smart shutdown signals nobody: the postmaster waits until the clients have left,
 * and only then ends the background workers.  The gate's connections are clients
 * that never leave, so somebody must notice.  The one trace of a smart shutdown is a
 * line of postmaster.pid, which pg_ctl reads too.
 *
 * Errors:	none; a file that cannot be read means that nothing is known.
 * Called by:	supervisor.c
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "utils/pidfile.h"

#include "server/server_status.h"

/* in the working directory, which is the data directory for a server process */
#define PIDFILE "postmaster.pid"

bool
cg_server_is_stopping(void)
{
	char    text[2 * MAXPGPATH];
	char   *line = text;
	ssize_t length;
	int     fd;

	fd = open(PIDFILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	for (int i = 1; i < LOCK_FILE_LINE_PM_STATUS; i++)
	{
		line = strchr(line, '\n');
		if (line == NULL)
			return false;
		line++;
	}
	return strncmp(line, PM_STATUS_STOPPING, strlen(PM_STATUS_STOPPING)) == 0;
}
