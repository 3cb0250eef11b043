/*
 * secret_sql.c
 *		The SQL functions that seal secrets, called by set_secret() and add_jwt_key(),
 *		and two that tell whether one could be opened.
 *
 * Names, rights and rows are the business of sql/api/210_secrets.sql.  Nothing in SQL
 * returns the text of a secret.
 *
 * Shown by:	test/sql/secrets.sql
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "tenant/secret.h"
#include "tenant/secret_log.h"

#define LAST_SHOWN 4
#define JWT_KEY_MIN_BYTES 32

/* The end of a secret, shown so that people can tell two apart; none of a short one. */
static char *
last_shown(const text *value)
{
	size_t length = VARSIZE_ANY_EXHDR(value);
	char  *end = VARDATA_ANY(value) + length;

	if (length < 4 * LAST_SHOWN)
		return pstrdup("");
	for (int i = 1; i <= LAST_SHOWN; i++)
	{
		if (end[-i] < ' ' || end[-i] > '~')
			return pstrdup("");
	}
	return pnstrdup(end - LAST_SHOWN, LAST_SHOWN);
}

static Datum
seal(FunctionCallInfo fcinfo, const char *label, const text *value)
{
	CgSealed  sealed;
	TupleDesc descriptor;
	Datum     values[4];
	bool      nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	cg_secret_seal(label, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &sealed);
	values[0] = CStringGetTextDatum(sealed.key_id);
	values[1] = PointerGetDatum(sealed.nonce);
	values[2] = PointerGetDatum(sealed.ciphertext);
	values[3] = CStringGetTextDatum(last_shown(value));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

PG_FUNCTION_INFO_V1(cg_sql_seal_secret);

/* Arguments: business, name, version, value; none is null (STRICT). */
Datum
cg_sql_seal_secret(PG_FUNCTION_ARGS)
{
	cg_secret_hide_activity("<cloudgreet.set_secret>");
	PG_RETURN_DATUM(
		seal(fcinfo,
			 cg_secret_label(PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
							 PG_GETARG_INT32(2)),
			 PG_GETARG_TEXT_PP(3)));
}

PG_FUNCTION_INFO_V1(cg_sql_seal_jwt_key);

/* Arguments: kid, value; none is null (STRICT). */
Datum
cg_sql_seal_jwt_key(PG_FUNCTION_ARGS)
{
	cg_secret_hide_activity("<cloudgreet.add_jwt_key>");
	PG_RETURN_DATUM(seal(fcinfo,
						 cg_secret_jwt_label(text_to_cstring(PG_GETARG_TEXT_PP(0))),
						 PG_GETARG_TEXT_PP(1)));
}

PG_FUNCTION_INFO_V1(cg_sql_secret_opens);

/* Arguments: business, name, version, key_id, nonce, ciphertext; none is null (STRICT). */
Datum
cg_sql_secret_opens(PG_FUNCTION_ARGS)
{
	char *label = cg_secret_label(
		PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT32(2));
	bytea *plain = cg_secret_try_open(label, text_to_cstring(PG_GETARG_TEXT_PP(3)),
									  PG_GETARG_BYTEA_PP(4), PG_GETARG_BYTEA_PP(5));

	if (plain == NULL)
		PG_RETURN_BOOL(false);
	OPENSSL_cleanse(VARDATA(plain), VARSIZE(plain) - VARHDRSZ);
	pfree(plain);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(cg_sql_jwt_key_fault);

/* Arguments: kid, key_id, nonce, ciphertext; none is null (STRICT). */
Datum
cg_sql_jwt_key_fault(PG_FUNCTION_ARGS)
{
	char  *label = cg_secret_jwt_label(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	bytea *plain = cg_secret_try_open(label, text_to_cstring(PG_GETARG_TEXT_PP(1)),
									  PG_GETARG_BYTEA_PP(2), PG_GETARG_BYTEA_PP(3));
	size_t length;

	if (plain == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("it cannot be opened with the master key"));
	length = VARSIZE(plain) - VARHDRSZ;
	OPENSSL_cleanse(VARDATA(plain), length);
	pfree(plain);
	/* As add_jwt_key() asks; a row may have come another way. */
	if (length < JWT_KEY_MIN_BYTES)
		PG_RETURN_TEXT_P(cstring_to_text("it has less than 32 bytes"));
	PG_RETURN_NULL();
}
