/*
 * canonical.c
 *		The trigger that keeps contacts and time zones in the one form that is stored,
 *		whoever writes them and how: REST, COPY, SQL; and what REST compares them with.
 *
 * A trigger and no CHECK: numbering plans and zones change from version to version, and a
 * row that was right when it was written must go in again when a dump is restored.  For
 * the same reason an update judges a column only when it changes it.
 *
 * A number without country code is one of the business's country.  That is looked up, as
 * the user who writes, only when there is such a number; who cannot see the business
 * writes with a country code.
 *
 * Errors:		ZG104, ZG105, ZG106, naming the column; 42804 for a wrong declaration.
 * Called by:	the triggers of sql/api/115_contacts.sql, inbound/rest_plan.c,
 *				inbound/api_normalize.c
 * Shown by:	test/sql/contacts.sql
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "compat.h"
#include "core/canonical.h"
#include "core/email.h"
#include "core/phone.h"
#include "core/spi.h"
#include "core/validate.h"

#define MAX_COLUMNS 4
#define FALLBACK_COUNTRY "US"

/* The row that is written, and the country of its business once it was needed. */
typedef struct Country
{
	const TriggerData *trigger;
	HeapTuple          row;
	char               code[3];
} Country;

static void
name_column(void *column)
{
	err_generic_string(PG_DIAG_COLUMN_NAME, column);
}

void
cg_business_country(const pg_uuid_t *business, char country[3])
{
	static const Oid types[] = {UUIDOID};
	Datum            argument = UUIDPGetDatum(business);
	bool             isnull;
	CgSpi            spi;

	strcpy(country, FALLBACK_COUNTRY);
	cg_spi_begin(&spi, "looking up the country of a business");
	if (cg_spi_query("SELECT cloudgreet.business_country($1)", 1, types, &argument, NULL,
					 true, 1) == 1)
	{
		Datum found = cg_spi_value(0, 1, &isnull);

		if (!isnull)
			strlcpy(country, TextDatumGetCString(found), 3);
	}
	cg_spi_end(&spi);
}

static void
look_up_country(Country *country)
{
	TupleDesc descriptor = RelationGetDescr(country->trigger->tg_relation);
	int       column = SPI_fnumber(descriptor, "business_id");
	bool      isnull = true;
	Datum     business = 0;

	if (column > 0)
		business = heap_getattr(country->row, column, descriptor, &isnull);
	if (isnull)
		strcpy(country->code, FALLBACK_COUNTRY);
	else
		cg_business_country(DatumGetUUIDP(business), country->code);
}

/* Where a number may need a country; a URI's own "+" is found later. */
static const char *
country_for(Country *country, const text *value)
{
	if (memchr(VARDATA_ANY(value), '+', VARSIZE_ANY_EXHDR(value)) != NULL)
		return FALLBACK_COUNTRY;
	if (country->code[0] == '\0')
		look_up_country(country);
	return country->code;
}

static text *
canonical_form(const char *kind, const text *value, Country *country)
{
	if (strcmp(kind, "email") == 0)
		return cg_canonical_email(value);
	if (strcmp(kind, "time_zone") == 0)
		return cg_canonical_time_zone(value);
	if (strcmp(kind, "phone") == 0)
		return cg_canonical_phone(value, country_for(country, value));
	if (strcmp(kind, "party") == 0)
		return cg_canonical_party(value, country_for(country, value));
	if (strcmp(kind, "contact") == 0)
		return cg_canonical_contact(value, country_for(country, value));
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("keep_canonical() knows no kind \"%s\"", kind)));
}

static bool
is_same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* The canonical form of a column; NULL when it is that already, or is not written. */
static text *
judge_column(const TriggerData *trigger, Country *country, int column, const char *kind)
{
	TupleDesc            descriptor = RelationGetDescr(trigger->tg_relation);
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = name_column,
		.arg = NameStr(TupleDescAttr(descriptor, column - 1)->attname)};
	bool  isnull;
	Datum datum = heap_getattr(country->row, column, descriptor, &isnull);
	text *value;
	text *result;

	if (isnull)
		return NULL;
	value = DatumGetTextPP(datum);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		datum = heap_getattr(trigger->tg_trigtuple, column, descriptor, &isnull);
		if (!isnull && is_same_text(value, DatumGetTextPP(datum)))
			return NULL;
	}
	error_context_stack = &callback;
	result = canonical_form(kind, value, country);
	error_context_stack = callback.previous;
	return is_same_text(value, result) ? NULL : result;
}

/* NULL when nobody knows it, or a number that has its country code does not need it. */
static const char *
home_country(CgHome *home, const char *value)
{
	if (home->business == NULL || strchr(value, '+') != NULL)
		return NULL;
	if (home->country[0] == '\0')
		cg_business_country(home->business, home->country);
	return home->country;
}

char *
cg_canonical_operand(const char *column, char *value, CgHome *home)
{
	bool          is_contact = strcmp(column, "contact") == 0;
	size_t        length = strlen(value);
	char          address[CG_EMAIL_MAX + 1];
	CgPhoneNumber number;
	const char   *zone;

	if ((is_contact || strcmp(column, "email") == 0 ||
		 strcmp(column, "to_address") == 0) &&
		cg_email_read(value, length, address) == CG_EMAIL_OK)
		return pstrdup(address);
	if ((is_contact || strcmp(column, "phone") == 0 ||
		 strcmp(column, "phone_number") == 0 || strcmp(column, "from_number") == 0 ||
		 strcmp(column, "to_number") == 0) &&
		cg_phone_read(value, length, home_country(home, value), &number) == CG_PHONE_OK)
		return pstrdup(number.e164);
	if (strcmp(column, "time_zone") == 0 &&
		(zone = cg_time_zone_canonical(value, length)) != NULL)
		return pstrdup(zone);
	return value;
}

PG_FUNCTION_INFO_V1(cg_sql_keep_canonical);

Datum
cg_sql_keep_canonical(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Country      country = {.trigger = trigger};
	TupleDesc    descriptor;
	int          columns[MAX_COLUMNS];
	Datum        values[MAX_COLUMNS];
	bool         nulls[MAX_COLUMNS] = {false};
	int          count = 0;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs > 2 * MAX_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_canonical() is for BEFORE INSERT OR UPDATE row triggers")));
	country.row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
															 : trigger->tg_trigtuple;
	descriptor = RelationGetDescr(trigger->tg_relation);
	for (int i = 0; i + 1 < trigger->tg_trigger->tgnargs; i += 2)
	{
		int   column = SPI_fnumber(descriptor, trigger->tg_trigger->tgargs[i]);
		text *changed;

		/*
		 * A trigger outlives a column that a step renames; silence would let anything in.
		 */
		if (column <= 0 || TupleDescAttr(descriptor, column - 1)->atttypid != TEXTOID)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("table \"%s\" has no text column \"%s\"",
								   RelationGetRelationName(trigger->tg_relation),
								   trigger->tg_trigger->tgargs[i])));
		changed =
			judge_column(trigger, &country, column, trigger->tg_trigger->tgargs[i + 1]);
		if (changed == NULL)
			continue;
		columns[count] = column;
		values[count++] = PointerGetDatum(changed);
	}
	/* Most updates change no contact: the row goes on as it is, without a copy. */
	if (count == 0)
		return PointerGetDatum(country.row);
	return PointerGetDatum(heap_modify_tuple_by_cols(country.row, descriptor, count,
													 columns, values, nulls));
}
