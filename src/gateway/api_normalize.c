/*
 * api_normalize.c
 *		Brings contacts that people look for into the form that is stored, for /api.
 *		What they write, a trigger brings into it (core/canonical.c).
 *
 * Called by api_handlers.c, outside of SPI.  Errors: ZG104, ZG105, naming the column.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/canonical.h"
#include "core/spi.h"
#include "gateway/gateway.h"

static void
name_column(void *column)
{
	err_generic_string(PG_DIAG_COLUMN_NAME, column);
}

/* The country of numbers without country code. */
static char *
find_country(const CgRequest *request)
{
	static const Oid types[] = {UUIDOID};
	MemoryContext    caller = CurrentMemoryContext;
	Datum            business = UUIDPGetDatum(&request->context.business);
	char            *country = pstrdup("US");
	bool             isnull;
	CgSpi            spi;

	cg_spi_begin(&spi, "looking up the country of a business");
	if (cg_spi_query("SELECT cloudgreet.business_country($1)", 1, types, &business, NULL,
					 true, 1) == 1)
	{
		Datum found = cg_spi_value(0, 1, &isnull);

		if (!isnull)
			country = MemoryContextStrdup(caller, TextDatumGetCString(found));
	}
	cg_spi_end(&spi);
	return country;
}

char *
cg_api_normalize_filter(const CgRequest *request, const char *column, char *value)
{
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = name_column,
									 .arg = unconstify(char *, column)};
	text                *written = cstring_to_text(value);
	text                *result = written;

	error_context_stack = &callback;
	if (strcmp(column, "phone") == 0)
		result = cg_canonical_phone(written, find_country(request));
	else if (strcmp(column, "email") == 0)
		result = cg_canonical_email(written);
	error_context_stack = callback.previous;
	return text_to_cstring(result);
}
