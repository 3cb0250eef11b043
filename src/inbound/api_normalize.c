/*
 * api_normalize.c
 *		Brings contacts that people look for into the form that is stored, for /api.
 *		What they write, a trigger brings into it (core/canonical.c).
 *
 * Called by api_handlers.c, outside of SPI.  Errors: ZG104, ZG105, naming the column.
 *
 * Shown by:	test/sql/contacts.sql
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "core/canonical.h"
#include "inbound/http.h"

static void
name_column(void *column)
{
	err_generic_string(PG_DIAG_COLUMN_NAME, column);
}

char *
cg_api_normalize_filter(const CgRequest *request, const char *column, char *value)
{
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = name_column,
									 .arg = unconstify(char *, column)};
	text                *written = cstring_to_text(value);
	text                *result = written;
	char                 country[3];

	error_context_stack = &callback;
	if (strcmp(column, "phone") == 0)
	{
		cg_business_country(&request->context.business, country);
		result = cg_canonical_phone(written, country);
	}
	else if (strcmp(column, "email") == 0)
		result = cg_canonical_email(written);
	error_context_stack = callback.previous;
	return text_to_cstring(result);
}
