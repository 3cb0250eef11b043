/*
 * webhook_sql.c
 *		The SQL functions that judge and read webhooks, and one that judges stored keys
 *		for doctor(); none looks at tables.
 *
 * Called by:	sql/api/490_process_webhooks.sql and the like
 * Shown by:	test/sql/webhook_signature.sql, test/t/080_doctor.pl
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "tenant/secret.h"
#include "inbound/webhook_json.h"
#include "inbound/signature.h"

PG_FUNCTION_INFO_V1(cg_sql_verify_webhook);

/* Arguments: provider, headers, body, keys, at; a null makes the answer false. */
Datum
cg_sql_verify_webhook(PG_FUNCTION_ARGS)
{
	char  *provider = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum *keys;
	bool  *nulls;
	int    n;

	if (provider == NULL || !cg_webhook_knows(provider))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("provider must be telnyx, retell, resend or google")));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_BOOL(false);

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT, &keys,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		text *key = nulls[i] ? NULL : DatumGetTextPP(keys[i]);

		if (key != NULL &&
			cg_webhook_verify(provider, PG_GETARG_JSONB_P(1), PG_GETARG_BYTEA_PP(2),
							  VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
							  PG_GETARG_TIMESTAMPTZ(4)) == CG_WEBHOOK_GOOD)
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}

PG_FUNCTION_INFO_V1(cg_sql_parse_webhook);

/* Arguments: body; not null (STRICT). */
Datum
cg_sql_parse_webhook(PG_FUNCTION_ARGS)
{
	Jsonb *json = cg_webhook_parse(PG_GETARG_BYTEA_PP(0));

	if (json == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(json);
}

/* What goes into a header: an API key is printable and has no blanks. */
static const char *
api_key_fault(const char *key, size_t length)
{
	if (length == 0)
		return "it is empty";
	for (size_t i = 0; i < length; i++)
	{
		if (key[i] <= ' ' || key[i] > '~')
			return "it has blanks or characters that no key has";
	}
	return NULL;
}

PG_FUNCTION_INFO_V1(cg_sql_secret_fault);

/*
 * Arguments: business, name, version, key_id, nonce, ciphertext, provider, use; none is
 * null (STRICT).
 */
Datum
cg_sql_secret_fault(PG_FUNCTION_ARGS)
{
	char *label = cg_secret_label(
		PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT32(2));
	bytea      *plain = cg_secret_try_open(label, text_to_cstring(PG_GETARG_TEXT_PP(3)),
										   PG_GETARG_BYTEA_PP(4), PG_GETARG_BYTEA_PP(5));
	char       *provider = text_to_cstring(PG_GETARG_TEXT_PP(6));
	char       *use = text_to_cstring(PG_GETARG_TEXT_PP(7));
	size_t      length;
	const char *fault = NULL;

	if (plain == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("it cannot be opened with the master key"));
	length = VARSIZE(plain) - VARHDRSZ;
	if (strcmp(use, "webhook_key") == 0)
		fault = cg_webhook_key_fault(provider, VARDATA(plain), length);
	else if (strcmp(use, "api_key") == 0)
		fault = api_key_fault(VARDATA(plain), length);
	OPENSSL_cleanse(VARDATA(plain), length);
	pfree(plain);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}
