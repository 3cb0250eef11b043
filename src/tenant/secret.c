/*
 * secret.c
 *		AES-256-GCM (NIST SP 800-38D) over OpenSSL's EVP interface.
 *
 * A nonce is 96 random bits, new for each sealing; at 2^32 secrets under one key a
 * repetition would still be improbable (section 8.3).
 *
 * Invariant:	nothing can raise an error between creating and freeing an OpenSSL
 *				object, nor while the key is in memory; what is allocated is
 *				allocated before.
 * Memory:		results in the caller's context; the key is cleansed before returning,
 *				and so is what a failed opening has written.
 * Called by:	secret_sql.c, jwt.c, outbound/queue_claim.c, inbound/receive.c
 * Shown by:	test/sql/secrets.sql
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "utils/builtins.h"

#include "compat.h"
#include "core/errors.h"
#include "tenant/master_key.h"
#include "tenant/secret.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16

char *
cg_secret_label(const pg_uuid_t *business, const char *name, int32 version)
{
	char *id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(business)));

	return psprintf("secret\n%s\n%s\n%d", id, name, version);
}

char *
cg_secret_jwt_label(const char *kid)
{
	return psprintf("jwt\n%s", kid);
}

static bool
encrypt(const CgMasterKey *key, const char *label, const unsigned char *nonce,
		const char *plain, size_t length, unsigned char *out)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int             n = 0;
	int             rest = 0;
	bool            done;

	done =
		cipher != NULL &&
		EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
		EVP_EncryptUpdate(cipher, NULL, &n, (const unsigned char *) label,
						  (int) strlen(label)) == 1 &&
		EVP_EncryptUpdate(cipher, out, &n, (const unsigned char *) plain, (int) length) ==
			1 &&
		EVP_EncryptFinal_ex(cipher, out + n, &rest) == 1 &&
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + length) == 1;
	EVP_CIPHER_CTX_free(cipher);
	ERR_clear_error(); /* the queue is shared with the server's TLS */
	return done;
}

static bool
decrypt(const CgMasterKey *key, const char *label, const unsigned char *nonce,
		const unsigned char *sealed, size_t length, unsigned char *out)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char   tag[TAG_BYTES];
	int             n = 0;
	int             rest = 0;
	bool            done;

	memcpy(tag, sealed + length, TAG_BYTES);
	done = cipher != NULL &&
		   EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
		   EVP_DecryptUpdate(cipher, NULL, &n, (const unsigned char *) label,
							 (int) strlen(label)) == 1 &&
		   EVP_DecryptUpdate(cipher, out, &n, sealed, (int) length) == 1 &&
		   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
		   EVP_DecryptFinal_ex(cipher, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(cipher);
	ERR_clear_error(); /* the queue is shared with the server's TLS */
	return done;
}

static bytea *
make_bytea(size_t length)
{
	bytea *result = palloc0(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	return result;
}

void
cg_secret_seal(const char *label, const char *plain, size_t length, CgSealed *sealed)
{
	CgMasterKey key;
	bool        done;

	if (length > CG_SECRET_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("secret is longer than %d bytes", CG_SECRET_MAX_BYTES),
						errhidestmt(true)));

	sealed->nonce = make_bytea(NONCE_BYTES);
	sealed->ciphertext = make_bytea(length + TAG_BYTES);
	if (!pg_strong_random(VARDATA(sealed->nonce), NONCE_BYTES))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a nonce"), errhidestmt(true)));

	cg_master_key_read(&key);
	done = encrypt(&key, label, (unsigned char *) VARDATA(sealed->nonce), plain, length,
				   (unsigned char *) VARDATA(sealed->ciphertext));
	OPENSSL_cleanse(key.bytes, sizeof(key.bytes));
	if (!done)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not encrypt the secret"), errhidestmt(true)));
	sealed->key_id = pstrdup(key.id);
}

bytea *
cg_secret_try_open(const char *label, const char *key_id, const bytea *nonce,
				   const bytea *ciphertext)
{
	size_t length = VARSIZE_ANY_EXHDR(ciphertext);
	bool   fits = VARSIZE_ANY_EXHDR(nonce) == NONCE_BYTES && length >= TAG_BYTES &&
				length <= CG_SECRET_MAX_BYTES + TAG_BYTES;
	bytea      *plain = make_bytea(fits ? length - TAG_BYTES : 0);
	CgMasterKey key;
	bool        done;

	cg_master_key_read(&key);
	done = fits && strcmp(key_id, key.id) == 0 &&
		   decrypt(&key, label, (unsigned char *) VARDATA_ANY(nonce),
				   (unsigned char *) VARDATA_ANY(ciphertext), length - TAG_BYTES,
				   (unsigned char *) VARDATA(plain));
	OPENSSL_cleanse(key.bytes, sizeof(key.bytes));
	if (done)
		return plain;
	OPENSSL_cleanse(VARDATA(plain), VARSIZE(plain) - VARHDRSZ);
	pfree(plain);
	return NULL;
}
