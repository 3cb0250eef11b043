/*
 * signature.c
 *		The signatures of webhooks, one rule a provider.
 *
 *	telnyx	Ed25519 (RFC 8032) over timestamp "|" body; the key is the public key in
 *			base64.
 *	retell	HMAC-SHA256 in hexadecimal digits over body and the milliseconds; the key
 *			is the API key.
 *	resend	Standard Webhooks: HMAC-SHA256 in base64 over id "." timestamp "." body;
 *			the key is base64 after "whsec_".
 *	google	no signature: a token that was given when the channel was opened.  The key
 *			is the token, or channel id, resource id and token with blanks between.
 *
 * Everything is parsed strictly: a header that is there twice, in another notation or
 * with anything around it does not count.  Secrets are compared in constant time.
 *
 * Memory:		the caller's context; what is decoded of a key is cleansed.
 * Errors:		none but out of memory.
 * Called by:	receive.c, webhook_sql.c
 * Shown by:	test/sql/webhook_signature.sql, test/t/130_webhook_vectors.pl
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base64.h"
#include "common/int.h"
#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/clock.h"
#include "core/hex.h"
#include "inbound/signature.h"

#define TOLERANCE_USECS (INT64CONST(300) * USECS_PER_SEC)
#define MAX_HEADER_BYTES 4096
#define SHA256_BYTES 32
#define SHA256_BASE64 44
#define ED25519_KEY_BYTES 32
#define ED25519_SIGNATURE_BYTES 64
#define RESEND_KEY_BYTES 192

/* What a rule looks at. */
typedef struct Delivery
{
	Jsonb       *headers;
	const bytea *body;
	const char  *key;
	size_t       key_length;
	TimestampTz  at;
} Delivery;

/* A header's value; NULL when it is missing, twice there, no text, or too long. */
static char *
find_header(const Delivery *delivery, const char *name)
{
	JsonbIterator     *iterator;
	JsonbIteratorToken token;
	JsonbValue         value;
	size_t             length = strlen(name);
	char              *found = NULL;
	bool               is_ours = false;

	if (!JB_ROOT_IS_OBJECT(delivery->headers))
		return NULL;
	iterator = JsonbIteratorInit(&delivery->headers->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			is_ours = value.val.string.len == (int) length &&
					  pg_strncasecmp(value.val.string.val, name, length) == 0;
		else if (token == WJB_VALUE && is_ours)
		{
			if (found != NULL || value.type != jbvString ||
				value.val.string.len > MAX_HEADER_BYTES)
				return NULL;
			found = pnstrdup(value.val.string.val, value.val.string.len);
		}
	}
	return found;
}

/* Reads digits and nothing else, at most 15 of them. */
static bool
parse_digits(const char *text, size_t length, int64 *number)
{
	if (length == 0 || length > 15 || strspn(text, "0123456789") < length)
		return false;
	*number = 0;
	for (size_t i = 0; i < length; i++)
		*number = *number * 10 + (text[i] - '0');
	return true;
}

static bool
is_timely(const Delivery *delivery, int64 count, int64 usecs_each)
{
	int64 at;
	int64 unix_usecs;

	if (TIMESTAMP_NOT_FINITE(delivery->at) ||
		pg_mul_s64_overflow(count, usecs_each, &unix_usecs))
		return false;
	at = delivery->at + CG_UNIX_EPOCH_USECS;
	return unix_usecs >= at - TOLERANCE_USECS && unix_usecs <= at + TOLERANCE_USECS;
}

/* Canonical, padded base64 only; false for anything else and above the given size. */
static bool
decode_base64(const char *text, size_t length, char *result, int size, int *decoded)
{
	char encoded[256];
	bool same;

	if (length == 0 || length % 4 != 0 || length >= sizeof(encoded) ||
		(size_t) size < length / 4 * 3)
		return false;
	*decoded = pg_b64_decode(text, (int) length, result, size);
	if (*decoded < 0)
		return false;
	/* The decoder skips white space and ignores bits left over. */
	same = pg_b64_encode(result, *decoded, encoded, sizeof(encoded)) == (int) length &&
		   CRYPTO_memcmp(encoded, text, length) == 0;
	OPENSSL_cleanse(encoded, sizeof(encoded));
	return same;
}

static void
append_body(StringInfo message, const Delivery *delivery)
{
	appendBinaryStringInfo(message, VARDATA_ANY(delivery->body),
						   VARSIZE_ANY_EXHDR(delivery->body));
}

static bool
hmac_sha256(const char *key, size_t key_length, const StringInfoData *message,
			unsigned char *digest)
{
	unsigned int length = 0;
	bool         done;

	done =
		HMAC(EVP_sha256(), key, (int) key_length, (const unsigned char *) message->data,
			 message->len, digest, &length) != NULL &&
		length == SHA256_BYTES;
	ERR_clear_error(); /* the queue is shared with the server's TLS */
	return done;
}

/* The points of small order, without their sign: anyone can sign for such a key. */
static const char weak_keys[][ED25519_KEY_BYTES + 1] = {
	{"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
	 "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"},
	{"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
	 "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"},
	{"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
	{"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
	{"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
};

static bool
is_weak_key(const char *key)
{
	for (int i = 0; i < lengthof(weak_keys); i++)
	{
		if (memcmp(key, weak_keys[i], ED25519_KEY_BYTES - 1) == 0 &&
			((key[ED25519_KEY_BYTES - 1] ^ weak_keys[i][ED25519_KEY_BYTES - 1]) & 0x7F) ==
				0)
			return true;
	}
	return false;
}

static bool
ed25519_verifies(const char *key, const char *signature, const StringInfoData *message)
{
	EVP_PKEY *public_key = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, (const unsigned char *) key, ED25519_KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool        verifies;

	verifies = public_key != NULL && context != NULL &&
			   EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) == 1 &&
			   EVP_DigestVerify(context, (const unsigned char *) signature,
								ED25519_SIGNATURE_BYTES,
								(const unsigned char *) message->data, message->len) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public_key);
	ERR_clear_error();
	return verifies;
}

/* The public key that Telnyx shows in base64; key has room for one byte more. */
static bool
decode_telnyx_key(const char *text, size_t length, char *key)
{
	int decoded;

	return decode_base64(text, length, key, ED25519_KEY_BYTES + 1, &decoded) &&
		   decoded == ED25519_KEY_BYTES && !is_weak_key(key);
}

static CgWebhookVerdict
verify_telnyx(const Delivery *delivery)
{
	char          *timestamp = find_header(delivery, "telnyx-timestamp");
	char          *encoded = find_header(delivery, "telnyx-signature-ed25519");
	char           signature[ED25519_SIGNATURE_BYTES + 2];
	char           key[ED25519_KEY_BYTES + 1];
	int            length;
	int64          seconds;
	StringInfoData message;

	if (timestamp == NULL || encoded == NULL ||
		!parse_digits(timestamp, strlen(timestamp), &seconds) ||
		!decode_base64(encoded, strlen(encoded), signature, sizeof(signature), &length) ||
		length != ED25519_SIGNATURE_BYTES)
		return CG_WEBHOOK_UNSIGNED;
	if (!is_timely(delivery, seconds, USECS_PER_SEC))
		return CG_WEBHOOK_STALE;
	if (!decode_telnyx_key(delivery->key, delivery->key_length, key))
		return CG_WEBHOOK_FORGED;

	initStringInfo(&message);
	appendStringInfo(&message, "%s|", timestamp); /* the text, not its number */
	append_body(&message, delivery);
	return ed25519_verifies(key, signature, &message) ? CG_WEBHOOK_GOOD
													  : CG_WEBHOOK_FORGED;
}

/* v=<milliseconds>,d=<hexadecimal digits>, in either case. */
static CgWebhookVerdict
verify_retell(const Delivery *delivery)
{
	char          *header = find_header(delivery, "x-retell-signature");
	char          *comma = header == NULL ? NULL : strchr(header, ',');
	unsigned char  given[SHA256_BYTES];
	unsigned char  digest[EVP_MAX_MD_SIZE];
	int64          milliseconds;
	StringInfoData message;

	if (comma == NULL || pg_strncasecmp(header, "v=", 2) != 0 ||
		!parse_digits(header + 2, comma - header - 2, &milliseconds) ||
		pg_strncasecmp(comma, ",d=", 3) != 0 || strlen(comma + 3) != 2 * SHA256_BYTES ||
		!cg_hex_read(comma + 3, SHA256_BYTES, given))
		return CG_WEBHOOK_UNSIGNED;
	if (!is_timely(delivery, milliseconds, 1000))
		return CG_WEBHOOK_STALE;

	initStringInfo(&message);
	append_body(&message, delivery);
	appendBinaryStringInfo(&message, header + 2, (int) (comma - header - 2));
	return hmac_sha256(delivery->key, delivery->key_length, &message, digest) &&
				   CRYPTO_memcmp(digest, given, SHA256_BYTES) == 0
			   ? CG_WEBHOOK_GOOD
			   : CG_WEBHOOK_FORGED;
}

/*
 * An id that is safe to put before a dot: with one inside, part of a signed body
 * could be moved into the id.
 */
static bool
is_svix_id(const char *id)
{
	size_t length = strlen(id);

	return length > 0 && length <= 200 &&
		   strspn(id,
				  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
			   length;
}

/* Whether a list "v1,<base64> v1a,<base64> ..." has the digest under v1. */
static bool
list_has_digest(const char *list, const unsigned char *digest)
{
	char expected[SHA256_BASE64 + 1];
	bool found = false;

	if (pg_b64_encode((const char *) digest, SHA256_BYTES, expected, sizeof(expected)) !=
		SHA256_BASE64)
		return false;
	while (*list != '\0')
	{
		size_t length = strcspn(list, " ");

		if (length == SHA256_BASE64 + 3 && strncmp(list, "v1,", 3) == 0 &&
			CRYPTO_memcmp(list + 3, expected, SHA256_BASE64) == 0)
			found = true;
		list += length;
		list += strspn(list, " ");
	}
	return found;
}

/* The secret that Resend shows as "whsec_" and base64. */
static bool
decode_resend_key(const char *text, size_t length, char *key, int size, int *decoded)
{
	if (length >= 6 && memcmp(text, "whsec_", 6) == 0)
	{
		text += 6;
		length -= 6;
	}
	return decode_base64(text, length, key, size, decoded);
}

static CgWebhookVerdict
verify_resend(const Delivery *delivery)
{
	char          *id = find_header(delivery, "svix-id");
	char          *timestamp = find_header(delivery, "svix-timestamp");
	char          *list = find_header(delivery, "svix-signature");
	char           key[RESEND_KEY_BYTES];
	int            key_length;
	unsigned char  digest[EVP_MAX_MD_SIZE];
	int64          seconds;
	bool           done;
	StringInfoData message;

	if (id == NULL || timestamp == NULL || list == NULL || !is_svix_id(id) ||
		!parse_digits(timestamp, strlen(timestamp), &seconds))
		return CG_WEBHOOK_UNSIGNED;
	if (!is_timely(delivery, seconds, USECS_PER_SEC))
		return CG_WEBHOOK_STALE;
	if (!decode_resend_key(delivery->key, delivery->key_length, key, sizeof(key),
						   &key_length))
		return CG_WEBHOOK_FORGED;

	initStringInfo(&message);
	/* The signer prints the number, without leading zeros. */
	appendStringInfo(&message, "%s." INT64_FORMAT ".", id, seconds);
	append_body(&message, delivery);
	done = hmac_sha256(key, key_length, &message, digest);
	OPENSSL_cleanse(key, sizeof(key));
	return done && list_has_digest(list, digest) ? CG_WEBHOOK_GOOD : CG_WEBHOOK_FORGED;
}

static bool
same_bytes(const char *header, const char *expected, size_t length)
{
	return header != NULL && strlen(header) == length &&
		   CRYPTO_memcmp(header, expected, length) == 0;
}

static CgWebhookVerdict
verify_google(const Delivery *delivery)
{
	char       *channel = find_header(delivery, "x-goog-channel-id");
	char       *resource = find_header(delivery, "x-goog-resource-id");
	char       *token = find_header(delivery, "x-goog-channel-token");
	const char *key = delivery->key;
	const char *end = key + delivery->key_length;
	const char *first = memchr(key, ' ', delivery->key_length);
	const char *second = first == NULL ? NULL : memchr(first + 1, ' ', end - first - 1);

	if (channel == NULL || resource == NULL || token == NULL || token[0] == '\0')
		return CG_WEBHOOK_UNSIGNED;
	if (second == NULL)
		return same_bytes(token, key, delivery->key_length) ? CG_WEBHOOK_GOOD
															: CG_WEBHOOK_FORGED;
	return same_bytes(channel, key, first - key) &&
				   same_bytes(resource, first + 1, second - first - 1) &&
				   same_bytes(token, second + 1, end - second - 1)
			   ? CG_WEBHOOK_GOOD
			   : CG_WEBHOOK_FORGED;
}

static const struct
{
	const char *provider;
	CgWebhookVerdict (*verify)(const Delivery *delivery);
} rules[] = {
	{"telnyx", verify_telnyx},
	{"retell", verify_retell},
	{"resend", verify_resend},
	{"google", verify_google},
};

bool
cg_webhook_knows(const char *provider)
{
	for (int i = 0; i < lengthof(rules); i++)
	{
		if (strcmp(rules[i].provider, provider) == 0)
			return true;
	}
	return false;
}

CgWebhookVerdict
cg_webhook_verify(const char *provider, Jsonb *headers, const bytea *body,
				  const char *key, size_t key_length, TimestampTz at)
{
	Delivery delivery = {headers, body, key, key_length, at};

	/* An empty key would let anyone sign. */
	for (int i = 0; i < lengthof(rules) && key_length > 0; i++)
	{
		if (strcmp(rules[i].provider, provider) == 0)
			return rules[i].verify(&delivery);
	}
	return CG_WEBHOOK_FORGED;
}

const char *
cg_webhook_key_fault(const char *provider, const char *key, size_t length)
{
	char decoded[RESEND_KEY_BYTES];
	int  decoded_length;
	bool fits = length > 0;

	if (strcmp(provider, "telnyx") == 0)
		fits = decode_telnyx_key(key, length, decoded);
	else if (strcmp(provider, "resend") == 0)
		fits = decode_resend_key(key, length, decoded, sizeof(decoded), &decoded_length);
	OPENSSL_cleanse(decoded, sizeof(decoded));
	if (fits)
		return NULL;
	if (strcmp(provider, "telnyx") == 0)
		return "it is no Ed25519 public key in base64";
	return strcmp(provider, "resend") == 0 ? "it is not \"whsec_\" and base64"
										   : "it is empty";
}
