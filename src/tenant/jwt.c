/*
 * jwt.c
 *		Verifies tokens against the keys of the database.
 *
 * A kid that names no active key is refused, though a key without one might have signed:
 * whoever retires a key means it.  Called by login.c.
 *
 * A key knows its algorithm and the token's header only has to name the same, so
 * neither "none" nor a public key used as an HMAC secret can pass.  kid is looked
 * up and nothing else; jku, x5u, jwk and x5c are not read.
 *
 * HMAC: RFC 2104 by OpenSSL; base64url: RFC 4648 section 5, strictly (no padding,
 * no white space, no bits left over).
 *
 * Memory:		the caller's context; keys are cleansed before returning.
 * Errors:		those of reading keys, ZG110 when no key matched and some could not be
 *				opened; a bad token is never an error here.
 * Shown by:	test/sql/login.sql, test/sql/claims.sql, test/sql/explain_token.sql
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/clock.h"
#include "core/errors.h"
#include "core/spi.h"
#include "tenant/jwt.h"
#include "tenant/secret.h"
#include "tenant/settings.h"

#define MAX_TOKEN_BYTES 8192
#define MAX_KEYS 16

/* The parts of a token; pointers into the caller's text and decoded copies. */
typedef struct TokenParts
{
	const char *signed_text;
	size_t      signed_length;
	char       *header;
	size_t      header_length;
	char       *payload;
	size_t      payload_length;
	char       *signature;
	size_t      signature_length;
} TokenParts;

static int
base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

/* NULL when the text is not canonical base64url. */
static char *
decode_base64url(const char *from, size_t length, size_t *decoded_length)
{
	char  *result;
	size_t n = 0;
	uint32 bits = 0;
	int    nbits = 0;

	if (length == 0 || length % 4 == 1)
		return NULL;
	result = palloc(length);
	for (size_t i = 0; i < length; i++)
	{
		int value = base64url_value(from[i]);

		if (value < 0)
			return NULL;
		bits = (bits << 6 | (uint32) value) & 0xFFFFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			result[n++] = (char) (bits >> nbits & 0xFF);
		}
	}
	/* Bits left over would give one signature many spellings. */
	if ((bits & ((1U << nbits) - 1)) != 0)
		return NULL;
	*decoded_length = n;
	return result;
}

static bool
split_token(const char *token, size_t length, TokenParts *parts)
{
	const char *end = token + length;
	const char *first;
	const char *second;

	first = memchr(token, '.', length);
	second = first == NULL ? NULL : memchr(first + 1, '.', end - first - 1);
	if (second == NULL)
		return false;

	parts->signed_text = token;
	parts->signed_length = second - token;
	parts->header = decode_base64url(token, first - token, &parts->header_length);
	parts->payload =
		decode_base64url(first + 1, second - first - 1, &parts->payload_length);
	parts->signature =
		decode_base64url(second + 1, end - second - 1, &parts->signature_length);
	return parts->header != NULL && parts->payload != NULL && parts->signature != NULL;
}

static bool
verify_hs256(const TokenParts *parts, const char *key, size_t key_length)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int  digest_length = 0;

	return HMAC(EVP_sha256(), key, (int) key_length,
				(const unsigned char *) parts->signed_text, parts->signed_length, digest,
				&digest_length) != NULL &&
		   digest_length == parts->signature_length &&
		   CRYPTO_memcmp(digest, parts->signature, digest_length) == 0;
}

/* How a key of each algorithm verifies; a key of another algorithm matches no token. */
static const struct
{
	const char *name;
	bool (*verify)(const TokenParts *parts, const char *key, size_t key_length);
} algorithms[] = {
	{"HS256", verify_hs256},
};

static bool
key_signed(const char *algorithm, const TokenParts *parts, const char *key,
		   size_t key_length)
{
	for (int i = 0; i < lengthof(algorithms); i++)
	{
		if (strcmp(algorithms[i].name, algorithm) == 0)
			return algorithms[i].verify(parts, key, key_length);
	}
	return false;
}

/*
 * Tries the newest active keys of the header's algorithm, or only the named one if
 * kid is given.
 */
static bool
any_key_signed(const CgTokenHeader *header, const TokenParts *parts)
{
	CgSpi      spi;
	CgIdentity saved;
	Oid        types[] = {TEXTOID, TEXTOID};
	Datum      values[] = {CStringGetTextDatum(header->algorithm),
						   CStringGetTextDatum(header->key_id)};
	char       nulls[] = {' ', header->has_key_id ? ' ' : 'n'};
	uint64     rows;
	bool       matches = false;
	bool       unreadable = false;

	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "reading the keys of tokens");
	rows = cg_spi_query("SELECT kid, key_id, nonce, ciphertext, algorithm "
						"FROM cloudgreet_private.jwt_keys "
						"WHERE is_active AND algorithm = $1 AND ($2 IS NULL OR kid = $2) "
						"ORDER BY created_at DESC, kid",
						2, types, values, nulls, true, MAX_KEYS);
	for (uint64 i = 0; i < rows && !matches; i++)
	{
		bool   isnull;
		char  *kid = TextDatumGetCString(cg_spi_value(i, 1, &isnull));
		char  *key_id = TextDatumGetCString(cg_spi_value(i, 2, &isnull));
		bytea *key = cg_secret_try_open(cg_secret_jwt_label(kid), key_id,
										DatumGetByteaPP(cg_spi_value(i, 3, &isnull)),
										DatumGetByteaPP(cg_spi_value(i, 4, &isnull)));
		char  *algorithm = TextDatumGetCString(cg_spi_value(i, 5, &isnull));

		if (key == NULL)
		{
			unreadable = true; /* another key may still match */
			continue;
		}
		matches = key_signed(algorithm, parts, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
		OPENSSL_cleanse(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	}
	if (!matches && unreadable)
		ereport(ERROR, (errcode(ERRCODE_CG_SECRET_UNREADABLE),
						errmsg("could not open a token key"),
						errhint("Bring back the master key that it was sealed with, or "
								"retire it and add a new one."),
						errhidestmt(true)));
	cg_spi_end(&spi);
	cg_identity_restore(&saved);
	return matches;
}

/* Why no key is found to have signed a token, by its header. */
static const char *
explain_key(const CgTokenHeader *header)
{
	CgSpi       spi;
	CgIdentity  saved;
	Oid         types[] = {TEXTOID, TEXTOID};
	Datum       values[] = {CStringGetTextDatum(header->algorithm),
							CStringGetTextDatum(header->key_id)};
	bool        isnull;
	bool        is_active;
	int64       active;
	int64       fitting;
	const char *fault;

	cg_run_as_owner(&saved);
	cg_spi_begin(&spi, "explaining a token");
	(void) cg_spi_query("SELECT count(*) FILTER (WHERE is_active), "
						"count(*) FILTER (WHERE is_active AND algorithm = $1), "
						"bool_or(is_active) FILTER (WHERE kid = $2) "
						"FROM cloudgreet_private.jwt_keys",
						2, types, values, NULL, true, 1);
	active = DatumGetInt64(cg_spi_value(0, 1, &isnull));
	fitting = DatumGetInt64(cg_spi_value(0, 2, &isnull));
	is_active = DatumGetBool(cg_spi_value(0, 3, &isnull));
	cg_spi_end(&spi);
	cg_identity_restore(&saved);

	if (header->algorithm[0] == '\0')
		fault = "its header names no algorithm (alg)";
	else if (active == 0)
		/*
		 * From the coarsest fault to the finest: the first that is true is what to mend.
		 */
		fault = "no key is active (add_jwt_key)";
	else if (fitting == 0)
		fault = psprintf("its header names the algorithm \"%s\", which no active key has",
						 header->algorithm);
	else if (!header->has_key_id)
		fault = psprintf("no active key signed it, of " INT64_FORMAT
						 " with its algorithm (add_jwt_key)",
						 fitting);
	else if (isnull)
		fault =
			psprintf("its header names the key (kid) \"%s\", and there is none of that "
					 "name: add_jwt_key() under it, with the secret that signed it",
					 header->key_id);
	else if (!is_active)
		fault = psprintf("its header names the key (kid) \"%s\", which is retired",
						 header->key_id);
	else
		fault = psprintf("its header names the key (kid) \"%s\", which did not sign it",
						 header->key_id);
	return fault;
}

/* Which claim it was, where one can be named. */
static const char *
explain_claims(const CgClaims *claims)
{
	if (claims->bad_claim[0] == '\0')
		return "its claims are no JSON object, are too large or nested too deeply, or "
			   "name "
			   "one twice";
	return psprintf("its claim \"%s\" is malformed: sub and business_id are UUIDs, times "
					"are numbers, iss and aud are texts",
					claims->bad_claim);
}

static const char *
time_fault(const CgClaims *claims)
{
	double now = cg_unix_seconds(cg_clock_now());

	if (!claims->has_exp)
		return "it has no exp";
	if (now >= claims->exp + cg_jwt_leeway)
		return "it has expired";
	if (claims->has_nbf && claims->nbf > now + cg_jwt_leeway)
		return "it is not valid yet (nbf)";
	if (claims->has_iat && claims->iat > now + cg_jwt_leeway)
		return "it was issued in the future (iat)";
	return NULL;
}

const char *
cg_jwt_fault(const char *token, size_t length, CgClaims *claims, bool explains)
{
	TokenParts    parts;
	CgTokenHeader header;
	const char   *fault;

	if (length > MAX_TOKEN_BYTES)
		return "it is longer than " CppAsString2(MAX_TOKEN_BYTES) " bytes";
	if (!split_token(token, length, &parts))
		return "it is not three parts of base64url";
	if (!cg_token_header_parse(parts.header, parts.header_length, &header))
		return "its header is malformed: an object in which alg and kid are texts";
	if (header.has_critical)
		return "its header has crit";
	if (!any_key_signed(&header, &parts))
		return explains ? explain_key(&header) : "no active key signed it";
	if (!cg_claims_parse(parts.payload, parts.payload_length, claims))
		return explain_claims(claims);
	fault = time_fault(claims);
	if (fault != NULL)
		return fault;
	if (cg_jwt_issuer[0] != '\0' && !claims->issuer_matches)
		return psprintf("its iss is not \"%s\" (cloudgreet.jwt_issuer)", cg_jwt_issuer);
	if (cg_jwt_audience[0] != '\0' && !claims->audience_matches)
		return psprintf("its aud is not \"%s\" (cloudgreet.jwt_audience)",
						cg_jwt_audience);
	return NULL;
}
