/*
 * master_key.c
 *		Reads the master key of secrets.
 *
 * The file is read anew for each use: sealing or opening takes less than 50 us in
 * all, so the key never stays in a backend's memory and a new key needs no restart.
 *
 * Errors:		ZG108, ZG109; never the file's content; its name and what is wrong
 *				with it only for sessions of superusers and the log.
 * Called by:	secret.c, inbound/health.c; doctor()
 * Shown by:	test/t/030_secrets.pl, test/sql/secrets.sql
 */
#include "postgres.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "core/errors.h"
#include "core/hex.h"
#include "tenant/master_key.h"
#include "tenant/settings.h"

#define HEX_BYTES (2 * CG_MASTER_KEY_BYTES)
#define MAX_FILE_BYTES (HEX_BYTES + 2) /* a line's end may follow the digits */

/* The file's bytes; at most MAX_FILE_BYTES + 1, so that a longer file shows. */
static CgMasterKeyFault
read_file(unsigned char *buffer, size_t *length)
{
	CgMasterKeyFault fault = CG_MASTER_KEY_USABLE;
	struct stat      status;
	ssize_t          n = 0;
	int              saved_errno;
	int              fd;

	/* A relative name is relative to the data directory, where backends run. */
	fd = OpenTransientFile(cg_master_key_file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? CG_MASTER_KEY_MISSING : CG_MASTER_KEY_UNREADABLE;
	if (fstat(fd, &status) != 0)
		fault = CG_MASTER_KEY_UNREADABLE;
	else if (!S_ISREG(status.st_mode))
		fault = CG_MASTER_KEY_CONTENT;
	else if (status.st_uid != geteuid())
		fault = CG_MASTER_KEY_OWNER;
	else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		fault = CG_MASTER_KEY_MODE;
	else if ((n = read(fd, buffer, MAX_FILE_BYTES + 1)) < 0)
		fault = CG_MASTER_KEY_UNREADABLE;
	saved_errno = errno;
	(void) CloseTransientFile(fd);
	errno = saved_errno;
	*length = (size_t) n;
	return fault;
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
	return length == HEX_BYTES &&
		   cg_hex_read((const char *) buffer, CG_MASTER_KEY_BYTES, bytes);
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

/* errno says more about a file that is missing or cannot be read. */
static CgMasterKeyFault
try_read(CgMasterKey *key)
{
	unsigned char    buffer[MAX_FILE_BYTES + 1];
	CgMasterKeyFault fault;
	size_t           length;

	if (cg_master_key_file == NULL || cg_master_key_file[0] == '\0')
		return CG_MASTER_KEY_UNNAMED;
	fault = read_file(buffer, &length);
	if (fault == CG_MASTER_KEY_USABLE && !parse_key(buffer, length, key->bytes))
		fault = CG_MASTER_KEY_CONTENT;
	OPENSSL_cleanse(buffer, sizeof(buffer));
	if (fault == CG_MASTER_KEY_USABLE && !name_key(key))
	{
		OPENSSL_cleanse(key->bytes, sizeof(key->bytes));
		elog(ERROR, "could not compute SHA-256");
	}
	return fault;
}

static const char *
describe(CgMasterKeyFault fault)
{
	switch (fault)
	{
		case CG_MASTER_KEY_UNNAMED:
			return "no file is named";
		case CG_MASTER_KEY_OWNER:
			return "it belongs to another user";
		case CG_MASTER_KEY_MODE:
			return "other users have access to it";
		case CG_MASTER_KEY_CONTENT:
			return "it does not hold a key";
		default:
			return strerror(errno);
	}
}

/* Whoever is no superuser learns nothing about the file; the log does. */
static void
refuse_file(const char *reason)
{
	bool is_told = superuser_arg(GetSessionUserId());

	ereport(ERROR,
			(errcode(ERRCODE_CG_MASTER_KEY_INVALID),
			 is_told ? errmsg("could not use master key file \"%s\": %s",
							  cg_master_key_file, reason)
					 : errmsg("the master key cannot be used"),
			 errdetail_log("Master key file \"%s\": %s.", cg_master_key_file, reason),
			 is_told ? errhint("The file must belong to the server's user, have mode "
							   "0600, and hold 32 bytes or 64 hexadecimal digits.")
					 : errhint("The server's log says why."),
			 errhidestmt(true)));
}

void
cg_master_key_read(CgMasterKey *key)
{
	CgMasterKeyFault fault = try_read(key);

	if (fault == CG_MASTER_KEY_UNNAMED)
		ereport(ERROR,
				(errcode(ERRCODE_CG_MASTER_KEY_MISSING),
				 errmsg("no master key is configured"),
				 errhint("Set cloudgreet.master_key_file to a file outside the data "
						 "directory."),
				 errhidestmt(true)));
	if (fault != CG_MASTER_KEY_USABLE)
		refuse_file(describe(fault));
}

bool
cg_master_key_is_usable(void)
{
	CgMasterKey key;
	bool        usable = try_read(&key) == CG_MASTER_KEY_USABLE;

	OPENSSL_cleanse(&key, sizeof(key));
	return usable;
}

PG_FUNCTION_INFO_V1(cg_sql_master_key_status);

Datum
cg_sql_master_key_status(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {NULL,   "unnamed",    "missing", "owner",
										"mode", "unreadable", "content"};
	CgMasterKey              key;
	CgMasterKeyFault         fault = try_read(&key);
	const char *reason = fault == CG_MASTER_KEY_USABLE ? NULL : describe(fault);
	TupleDesc   descriptor;
	Datum       values[3] = {(Datum) 0};
	bool        nulls[3] = {true, true, true};

	OPENSSL_cleanse(key.bytes, sizeof(key.bytes));
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = fault != CG_MASTER_KEY_USABLE;
	nulls[1] = nulls[2] = !nulls[0];
	if (fault == CG_MASTER_KEY_USABLE)
		values[0] = CStringGetTextDatum(key.id);
	else
	{
		values[1] = CStringGetTextDatum(names[fault]);
		values[2] = CStringGetTextDatum(reason);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}
