/*
 * script.c
 *		Finds, reads and fingerprints the SQL files that migrate() runs.
 *
 * Memory:		the caller's context.
 * Errors:		58P01 for files that are missing, F0000 for files that are not ours.
 * Called by:	migrate.c
 * Shown by:	test/t/060_check_update.pl
 */
#include "postgres.h"

#include <sys/stat.h>

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "core/settings.h"
#include "migrate/script.h"

#define MAX_SCRIPT_BYTES (4 * 1024 * 1024)

static char *
script_directory(const char *subdirectory)
{
	char share[MAXPGPATH];

	if (cg_script_directory[0] != '\0')
		return psprintf("%s/%s", cg_script_directory, subdirectory);
	get_share_path(my_exec_path, share);
	return psprintf("%s/extension/cloudgreet/%s", share, subdirectory);
}

static char *
hex_sha256(const char *data, size_t length)
{
	uint8              digest[PG_SHA256_DIGEST_LENGTH];
	char              *text = palloc0(PG_SHA256_DIGEST_LENGTH * 2 + 1);
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) data, length) < 0 ||
		pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
	{
		const char *reason = pg_cryptohash_error(hash);

		pg_cryptohash_free(hash);
		elog(ERROR, "could not compute SHA-256: %s", reason);
	}
	pg_cryptohash_free(hash);
	hex_encode((const char *) digest, sizeof(digest), text);
	return text;
}

static char *
read_text(const char *path)
{
	FILE       *file = AllocateFile(path, "r");
	struct stat status;
	char       *text;
	size_t      length;

	if (file == NULL || fstat(fileno(file), &status) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\": %m", path)));
	if (!S_ISREG(status.st_mode) || status.st_size > MAX_SCRIPT_BYTES)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("file \"%s\" is not a script of at most 4 MB", path)));

	text = palloc(status.st_size + 1);
	length = fread(text, 1, status.st_size, file);
	if (ferror(file))
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not read file \"%s\": %m", path)));
	text[length] = '\0';
	FreeFile(file);
	pg_verify_mbstr(PG_UTF8, text, length, false);
	return text;
}

/* The number of NNN_name.sql, or -1 for another name. */
static int
script_number(const char *name)
{
	size_t length = strlen(name);

	if (length < 9 || strspn(name, "0123456789") != 3 || name[3] != '_' ||
		strcmp(name + length - 4, ".sql") != 0)
		return -1;
	return atoi(name);
}

static int
compare_scripts(const ListCell *a, const ListCell *b)
{
	return ((CgScript *) lfirst(a))->number - ((CgScript *) lfirst(b))->number;
}

List *
cg_scripts_read(const char *subdirectory)
{
	char          *path = script_directory(subdirectory);
	DIR           *directory = AllocateDir(path);
	struct dirent *entry;
	List          *scripts = NIL;
	ListCell      *cell;
	int            previous = 0;

	if (directory == NULL)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open directory \"%s\": %m", path),
						errhint("Install cloudgreet's files on this server again.")));
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		CgScript *script;

		if (entry->d_name[0] == '.')
			continue;
		script = palloc0(sizeof(CgScript));
		script->number = script_number(entry->d_name);
		script->name = pstrdup(entry->d_name);
		/* What lies there would run as the owner: a stray file stops the migration. */
		if (script->number <= 0)
			ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
							errmsg("file \"%s/%s\" does not belong to cloudgreet", path,
								   script->name)));
		script->text = read_text(psprintf("%s/%s", path, script->name));
		script->checksum = hex_sha256(script->text, strlen(script->text));
		scripts = lappend(scripts, script);
	}
	FreeDir(directory);

	list_sort(scripts, compare_scripts);
	foreach (cell, scripts)
	{
		CgScript *script = lfirst(cell);

		/*
		 * Two of a number have no order, and one would be taken for the other that ran.
		 */
		if (script->number == previous)
			ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
							errmsg("two files of \"%s\" have the number %d", path,
								   script->number)));
		previous = script->number;
	}
	return scripts;
}

char *
cg_scripts_checksum(List *scripts)
{
	StringInfoData all;
	ListCell      *cell;

	initStringInfo(&all);
	foreach (cell, scripts)
	{
		CgScript *script = lfirst(cell);

		appendStringInfo(&all, "%s %s\n", script->name, script->checksum);
	}
	return hex_sha256(all.data, all.len);
}
