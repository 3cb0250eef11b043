/*
 * instance_file.c
 *		The file that tells a server from its physical copies.
 *
 * It lies at <instance directory>/<database oid>, by default in a directory beside
 * the data directory, and is replaced as a whole: a new file is written, made
 * durable and renamed.
 *
 * Errors:		ZG116 when it cannot be written; reading never fails.
 * Called by:	instance.c
 * Shown by:	test/t/040_copies.pl
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "core/errors.h"
#include "core/instance_file.h"
#include "core/settings.h"

static char *
instance_directory(void)
{
	if (cg_instance_directory[0] != '\0')
		return pstrdup(cg_instance_directory);
	return psprintf("%s.cloudgreet", DataDir);
}

static char *
instance_path(void)
{
	return psprintf("%s/%u", instance_directory(), MyDatabaseId);
}

/* What the file must say for a row with this token to be ours. */
static char *
instance_text(const char *token)
{
	return psprintf("cloudgreet instance 1\nsystem " UINT64_FORMAT "\ndatabase %u\n"
					"token %s\ndata_directory %s\n",
					GetSystemIdentifier(), MyDatabaseId, token, DataDir);
}

bool
cg_instance_file_says(const char *token)
{
	char  *expected = instance_text(token);
	size_t length = strlen(expected);
	char  *found = palloc(length + 1);
	FILE  *file = AllocateFile(instance_path(), "r");
	size_t n;

	if (file == NULL)
		return false;
	n = fread(found, 1, length + 1, file);
	FreeFile(file);
	return n == length && memcmp(found, expected, length) == 0;
}

static void
refuse_file(const char *path, int error_number)
{
	errno = error_number;
	ereport(ERROR, (errcode(ERRCODE_CG_INSTANCE_FILE),
					errmsg("could not write instance file \"%s\": %m", path),
					errhint("Let the server's user write there, or set "
							"cloudgreet.instance_directory to a directory outside the "
							"data directory.")));
}

/* Makes the directory if it is missing, so that it survives a crash. */
static void
make_directory(const char *directory)
{
	char        parent[MAXPGPATH];
	struct stat status;

	if (mkdir(directory, S_IRWXU) == 0)
	{
		strlcpy(parent, directory, sizeof(parent));
		get_parent_directory(parent);
		(void) fsync_fname_ext(parent, true, true, LOG);
	}
	else if (errno != EEXIST)
		refuse_file(directory, errno);
	else if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode))
		refuse_file(directory, ENOTDIR);
}

/* Writes a file that was not there and that nobody else may read; 0 or errno. */
static int
write_new_file(const char *path, const char *content)
{
	ssize_t length = strlen(content);
	int     error_number = 0;
	int     fd;

	if (unlink(path) != 0 && errno != ENOENT)
		return errno;
	fd = OpenTransientFilePerm(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
							   S_IRUSR | S_IWUSR);
	if (fd < 0)
		return errno;
	errno = ENOSPC; /* what a short write means */
	if (write(fd, content, length) != length || pg_fsync(fd) != 0)
		error_number = errno;
	if (CloseTransientFile(fd) != 0 && error_number == 0)
		error_number = errno;
	return error_number;
}

void
cg_instance_file_write(const char *token)
{
	char *path = instance_path();
	char *temporary = psprintf("%s.%d.tmp", path, MyProcPid);
	int   error_number;

	make_directory(instance_directory());
	error_number = write_new_file(temporary, instance_text(token));
	if (error_number != 0)
	{
		(void) unlink(temporary);
		refuse_file(temporary, error_number);
	}
	if (durable_rename(temporary, path, LOG) != 0)
	{
		error_number = errno;
		(void) unlink(temporary);
		refuse_file(path, error_number);
	}
}
