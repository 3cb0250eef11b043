/*
 * rest_headers.c
 *		Reads the headers of a /rest/v1 request: Accept, Prefer, Range and the profiles.
 *
 * What would be passed over although it changes what is done or answered is refused,
 * for a client takes silence for consent.  Other preferences may be passed over
 * (RFC 7240).
 *
 * Called by the handlers of tables and functions, before anything is run.
 *
 * Memory:		the caller's context.
 * Errors:		0A000 for preferences that are not there yet.
 * Shown by:	test/sql/rest_protocol.sql, test/sql/rest_lists.sql
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "inbound/http.h"
#include "inbound/header_list.h"
#include "inbound/rest.h"
#include "inbound/rest_parse.h"

/* Preferences that would change the answer; a value of NULL: every one. */
static const struct
{
	const char *name;
	const char *value;
} features_not_there[] = {
	{"count", "planned"},       {"count", "estimated"}, {"max-affected", NULL},
	{"missing", "default"},     {"params", NULL},       {"resolution", NULL},
	{"return", "headers-only"}, {"timezone", NULL},     {"tx", "rollback"},
};

/* The values that are known of each preference that is served. */
static const struct
{
	const char *name;
	const char *value;
} preferences[] = {
	{"count", "exact"},    {"handling", "lenient"},      {"handling", "strict"},
	{"return", "minimal"}, {"return", "representation"},
};

/* What a client prefers, as the list is read. */
typedef struct Preferences
{
	List          *names; /* char *, that were met: only the first of one counts */
	bool           is_strict;
	StringInfoData applied;
	StringInfoData unknown;
} Preferences;

static bool
is_repeated(Preferences *read, const char *name)
{
	ListCell *cell;

	foreach (cell, read->names)
	{
		if (pg_strcasecmp(lfirst(cell), name) == 0)
			return true;
	}
	read->names = lappend(read->names, unconstify(char *, name));
	return false;
}

static void
refuse_missing_feature(const CgHeaderParam *preference)
{
	for (int i = 0; i < lengthof(features_not_there); i++)
	{
		const char *value = features_not_there[i].value;

		if (pg_strcasecmp(preference->name, features_not_there[i].name) == 0 &&
			(value == NULL || pg_strcasecmp(preference->value, value) == 0))
			cg_rest_refuse_feature(psprintf("preference \"%.50s=%.50s\"",
											preference->name, preference->value));
	}
}

static void
append_item(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "%s%.50s%s%.50s", out->len > 0 ? ", " : "", name,
					 *value != '\0' ? "=" : "", value);
}

static void
read_preference(const CgHeaderParam *preference, CgRestRequest *rest, Preferences *read)
{
	const char *name = preference->name;
	const char *value = preference->value;

	if (is_repeated(read, name))
		return;
	refuse_missing_feature(preference);
	for (int i = 0; i < lengthof(preferences); i++)
	{
		if (pg_strcasecmp(name, preferences[i].name) != 0 ||
			pg_strcasecmp(value, preferences[i].value) != 0)
			continue;
		name = preferences[i].name;
		value = preferences[i].value;
		append_item(&read->applied, name, value);
		rest->returns |= strcmp(value, "representation") == 0;
		rest->counts |= strcmp(value, "exact") == 0;
		read->is_strict |= strcmp(value, "strict") == 0;
		return;
	}
	append_item(&read->unknown, name, value);
}

/* Answers 400 for what is not known only if the client wants to be told. */
static bool
read_preferences(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	Preferences read = {.names = NIL};
	ListCell   *cell;

	initStringInfo(&read.applied);
	initStringInfo(&read.unknown);
	foreach (cell, cg_header_items(cg_request_header(request, "prefer")))
	{
		List *params = cg_header_params(lfirst(cell));

		/* What stands behind a semicolon belongs to the preference, and none has any. */
		if (params != NIL)
			read_preference(linitial(params), rest, &read);
	}
	if (read.is_strict && read.unknown.len > 0)
	{
		cg_response_error_details(
			response, 400, "PGRST122", "Invalid preferences given with handling=strict",
			psprintf("Invalid preferences: %s", read.unknown.data), NULL);
		return false;
	}
	if (read.applied.len > 0)
		cg_response_header(response, "Preference-Applied", read.applied.data);
	return true;
}

/* Whether an item of Accept takes a type, with no parameter but charset and q. */
static bool
takes_type(List *params, const char *type)
{
	ListCell *cell;

	if (pg_strcasecmp(((CgHeaderParam *) linitial(params))->name, type) != 0)
		return false;
	for_each_from(cell, params, 1)
	{
		CgHeaderParam *param = lfirst(cell);

		if (pg_strcasecmp(param->name, "nulls") == 0)
			return false;
		/* q=0, q=0.0 and so on: not acceptable */
		if (pg_strcasecmp(param->name, "q") == 0 && param->value[0] == '0' &&
			strspn(param->value, "0.") == strlen(param->value))
			return false;
	}
	return true;
}

/* The first acceptable type counts; how much it is wanted (q) is not weighed. */
static bool
read_accept(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	static const char *const plain[] = {"*/*", "application/*", "application/json"};
	List     *items = cg_header_items(cg_request_header(request, "accept"));
	ListCell *cell;

	if (items == NIL)
		return true;
	foreach (cell, items)
	{
		List *params = cg_header_params(lfirst(cell));

		if (params == NIL)
			continue;
		for (int i = 0; i < lengthof(plain); i++)
		{
			if (takes_type(params, plain[i]))
				return true;
		}
		if (takes_type(params, CG_REST_OBJECT_MEDIA_TYPE))
		{
			rest->wants_object = true;
			return true;
		}
	}
	cg_response_error(
		response, 406, "PGRST107",
		"only application/json and " CG_REST_OBJECT_MEDIA_TYPE " are available", NULL);
	return false;
}

static bool
read_profile(const CgRequest *request, CgResponse *response)
{
	const char *profile = cg_request_header(
		request, cg_request_reads(request) ? "accept-profile" : "content-profile");

	if (profile == NULL || strcmp(profile, "cloudgreet") == 0 ||
		strcmp(profile, "public") == 0)
		return true;
	cg_response_error(response, 406, "PGRST106",
					  "the schema must be one of: cloudgreet, public", NULL);
	return false;
}

/*
 * The text behind "items=", whose unit may also stand in Range-Unit; NULL when there is no
 * range, or one of another unit, which is passed over (RFC 9110, 14.2).
 */
static const char *
find_range(const CgRequest *request)
{
	const char *range = cg_request_header(request, "range");
	const char *unit = cg_request_header(request, "range-unit");
	const char *behind;

	if (range == NULL || !cg_request_reads(request))
		return NULL;
	behind = strchr(range, '=');
	if (behind != NULL)
		unit = pnstrdup(range, behind - range);
	if (unit != NULL)
	{
		List *units = cg_header_items(unit);

		if (units != NIL && pg_strcasecmp(linitial(units), "items") != 0)
			return NULL;
	}
	return behind != NULL ? behind + 1 : range;
}

/*
 * "0-9" or "0-": one range of a list.  No table has rows that begin at a number larger
 * than any, but all of them end before it.
 */
static const char *
range_fault(const char *range, CgRestRequest *rest)
{
	static const char digits[] = "0123456789";
	List             *items = cg_header_items(range);
	const char       *text = list_length(items) == 1 ? linitial(items) : "";
	size_t            first = strspn(text, digits);
	size_t            last = strspn(text + first + (text[first] == '-'), digits);
	int64             end;

	if (first == 0 || text[first] != '-' || text[first + 1 + last] != '\0' ||
		rest->limit >= 0 || rest->offset > 0)
		return "the range must be items=FIRST-LAST, without limit and offset";
	errno = 0;
	rest->offset = strtoi64(text, NULL, 10);
	if (errno == 0 && last == 0)
		return NULL;
	end = errno == 0 ? strtoi64(text + first + 1, NULL, 10) : 0;
	if (end < rest->offset)
		return "the range must be items=FIRST-LAST, without limit and offset";
	rest->limit = Min(end - rest->offset, PG_INT64_MAX - 1) + 1;
	return NULL;
}

static bool
read_range(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	const char *range = find_range(request);
	const char *fault = rest->range_fault;

	if (fault == NULL && range != NULL)
		fault = range_fault(range, rest);
	if (fault == NULL)
		return true;
	cg_response_error(response, 416, "PGRST103", fault, NULL);
	return false;
}

bool
cg_rest_read_headers(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	return read_preferences(request, rest, response) && read_profile(request, response) &&
		   read_accept(request, rest, response) && read_range(request, rest, response);
}
