/*
 * master_key.c
 *		Reads the master key of secrets.
 *
 * The file is read anew for each use: sealing or opening takes less than 50 us in
 * all, so the key never stays in a backend's memory and a new key needs no restart.
 *
 * Errors:		ZG108, ZG109; never the file's content, and its name only for
 *				superusers and the log, since the setting is hidden from others.
 */
#include "postgres.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "core/errors.h"
#include "tenant/master_key.h"
#include "tenant/settings.h"

#define HEX_BYTES (2 * CG_MASTER_KEY_BYTES)
#define MAX_FILE_BYTES (HEX_BYTES + 2) /* a line's end may follow the digits */

static void
refuse_file(const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_CG_MASTER_KEY_INVALID),
					superuser() ? errmsg("could not use master key file \"%s\": %s",
										 cg_master_key_file, reason)
								: errmsg("could not use master key file: %s", reason),
					errdetail_log("Setting cloudgreet.master_key_file is \"%s\".",
								  cg_master_key_file),
					errhint("The file must belong to the server's user, have mode 0600, "
							"and hold 32 bytes or 64 hexadecimal digits."),
					errhidestmt(true)));
}

/* The file's bytes; at most MAX_FILE_BYTES + 1, so that a longer file shows. */
static size_t
read_file(unsigned char *buffer)
{
	struct stat status;
	ssize_t     length;
	int         fd;
	int         saved_errno;

	/* A relative name is relative to the data directory, where backends run. */
	fd = OpenTransientFile(cg_master_key_file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		refuse_file(strerror(errno));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		refuse_file("it is not a regular file");
	if (status.st_uid != geteuid())
		refuse_file("it belongs to another user");
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		refuse_file("other users have access to it");

	length = read(fd, buffer, MAX_FILE_BYTES + 1);
	saved_errno = errno;
	(void) CloseTransientFile(fd);
	if (length < 0)
		refuse_file(strerror(saved_errno));
	return (size_t) length;
}

static bool
decode_hex(const unsigned char *digits, unsigned char *bytes)
{
	for (int i = 0; i < CG_MASTER_KEY_BYTES; i++)
	{
		int value = 0;

		for (int j = 0; j < 2; j++)
		{
			unsigned char c = digits[2 * i + j];

			if (c >= '0' && c <= '9')
				value = value << 4 | (c - '0');
			else if (c >= 'a' && c <= 'f')
				value = value << 4 | (c - 'a' + 10);
			else if (c >= 'A' && c <= 'F')
				value = value << 4 | (c - 'A' + 10);
			else
				return false;
		}
		bytes[i] = (unsigned char) value;
	}
	return true;
}

static bool
parse_key(const unsigned char *buffer, size_t length, unsigned char *bytes)
{
	if (length == CG_MASTER_KEY_BYTES)
	{
		memcpy(bytes, buffer, CG_MASTER_KEY_BYTES);
		return true;
	}
	while (length > HEX_BYTES && length <= MAX_FILE_BYTES &&
		   (buffer[length - 1] == '\n' || buffer[length - 1] == '\r'))
		length--;
	return length == HEX_BYTES && decode_hex(buffer, bytes);
}

static bool
name_key(CgMasterKey *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int  length = 0;

	if (EVP_Digest(key->bytes, CG_MASTER_KEY_BYTES, digest, &length, EVP_sha256(),
				   NULL) != 1)
		return false;
	for (int i = 0; i < CG_KEY_ID_LENGTH / 2; i++)
		snprintf(key->id + 2 * i, 3, "%02x", digest[i]);
	return true;
}

void
cg_master_key_read(CgMasterKey *key)
{
	unsigned char buffer[MAX_FILE_BYTES + 1];
	size_t        length;
	bool          valid;

	if (cg_master_key_file == NULL || cg_master_key_file[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CG_MASTER_KEY_MISSING),
				 errmsg("no master key is configured"),
				 errhint("Set cloudgreet.master_key_file to a file outside the data "
						 "directory."),
				 errhidestmt(true)));

	length = read_file(buffer);
	valid = parse_key(buffer, length, key->bytes);
	OPENSSL_cleanse(buffer, sizeof(buffer));
	if (!valid)
		refuse_file("it does not hold a key");
	if (!name_key(key))
	{
		OPENSSL_cleanse(key->bytes, sizeof(key->bytes));
		elog(ERROR, "could not compute SHA-256");
	}
}
