/*
 * zone_name.c
 *		The names of time zones: which are names at all, and the one by which a zone is
 *		stored.
 *
 * A zone has other names, most of them former ones (US/Eastern, Europe/Kiev), and a
 * server may lack those.  So what is stored is the canonical one, by zone_data.c and
 * whatever the server has; whether the server knows that one is judged when it is
 * written, and never by a CHECK, which would fail when a dump is restored elsewhere.
 *
 * Sources:		the IANA time zone database.
 * Memory:		none of its own; a zone that is found stays in the server's zone cache.
 * Errors:		none.
 * Called by:	canonical.c, normalize.c, schedule/zone.c; CHECK constraints
 * Shown by:	test/sql/validate.sql, test/sql/contacts.sql
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/ascii.h"
#include "core/validate.h"
#include "core/zone_data.h"

/*
 * What may follow "Etc/GMT".  Anything longer would be taken for a POSIX
 * specification, which PostgreSQL then caches for the life of the backend.
 */
static bool
is_gmt_offset(const char *value, size_t length)
{
	if (length == 1)
		return value[0] == '0';
	return cg_is_one_of(value[0], "+-") && cg_is_digit(value[1]) &&
		   (length == 2 || (length == 3 && value[1] != '0' && cg_is_digit(value[2])));
}

/*
 * Whether a value can be a name: letters, "/", "_" and "-".  Digits and "+" are in the
 * names Etc/GMT+5 and its like only; elsewhere they make a POSIX specification, which
 * the server's zone code would take too, and keep for the life of the backend.
 */
static bool
may_be_zone(const char *value, size_t length)
{
	bool has_slash = false;

	if (length == 0 || length > TZ_STRLEN_MAX || !cg_is_letter(value[0]))
		return false;
	if (length > 7 && pg_strncasecmp(value, "Etc/GMT", 7) == 0)
		return is_gmt_offset(value + 7, length - 7);
	for (size_t i = 0; i < length; i++)
	{
		if (value[i] == '/')
			has_slash = true;
		else if (!cg_is_letter(value[i]) && !cg_is_one_of(value[i], "_-"))
			return false;
	}
	/* GB, EST and the like are not places. */
	return has_slash || (length == 3 && pg_strncasecmp(value, "UTC", 3) == 0);
}

/* What is no name of the database comes back in upper case: "ETC/GMT+77". */
static bool
is_posix_specification(const char *found)
{
	for (; *found != '\0'; found++)
	{
		if (*found >= 'a' && *found <= 'z')
			return false;
	}
	return true;
}

const char *
cg_time_zone_find(const char *value, size_t length)
{
	char        name[TZ_STRLEN_MAX + 1];
	pg_tz      *zone;
	const char *found;

	if (!may_be_zone(value, length))
		return NULL;
	memcpy(name, value, length);
	name[length] = '\0';
	zone = pg_tzset(name);
	if (zone == NULL || !pg_tz_acceptable(zone))
		return NULL;
	found = pg_get_timezone_name(zone);
	if (is_posix_specification(found) && strcmp(found, "UTC") != 0)
		return NULL;
	/* Second copies of the database. */
	if (strncmp(found, "posix/", 6) == 0 || strncmp(found, "right/", 6) == 0)
		return NULL;
	return found;
}

const char *
cg_time_zone_canonical(const char *value, size_t length)
{
	for (int i = 0; i < cg_zone_link_count; i++)
	{
		if (strlen(cg_zone_links[i].name) == length &&
			pg_strncasecmp(cg_zone_links[i].name, value, length) == 0)
			return cg_time_zone_find(cg_zone_links[i].canonical,
									 strlen(cg_zone_links[i].canonical));
	}
	return cg_time_zone_find(value, length);
}

PG_FUNCTION_INFO_V1(cg_sql_is_time_zone);

Datum
cg_sql_is_time_zone(PG_FUNCTION_ARGS)
{
	text       *value = PG_GETARG_TEXT_PP(0);
	size_t      length = VARSIZE_ANY_EXHDR(value);
	const char *found = cg_time_zone_find(VARDATA_ANY(value), length);

	PG_RETURN_BOOL(found != NULL && memcmp(found, VARDATA_ANY(value), length) == 0);
}

PG_FUNCTION_INFO_V1(cg_sql_time_zone_country);

Datum
cg_sql_time_zone_country(PG_FUNCTION_ARGS)
{
	char *zone = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (int i = 0; i < cg_zone_country_count; i++)
	{
		if (strcmp(cg_zone_countries[i].zone, zone) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(cg_zone_countries[i].country));
	}
	PG_RETURN_NULL();
}
