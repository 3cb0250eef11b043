/*
 * rest_headers.c
 *		Reads the headers of a /rest/v1 request: Accept, Prefer, Range and the profiles.
 *
 * What would be passed over although it changes what is done or answered is refused,
 * for a client takes silence for consent.  Other preferences may be passed over
 * (RFC 7240).
 *
 * Errors:		0A000 for preferences that are not there yet.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "gateway/gateway.h"
#include "gateway/rest.h"
#include "gateway/rest_parse.h"

static const char *const features_not_there[] = {
	"count=planned", "count=estimated", "max-affected=", "missing=default", "params=",
	"resolution=",   "return=headers",  "timezone=",     "tx=rollback",
};

/* The items of a header, or NIL. */
static List *
header_items(const CgRequest *request, const char *name)
{
	const char *value = cg_request_header(request, name);
	List       *items = NIL;

	while (value != NULL)
	{
		size_t length;

		value += strspn(value, " \t");
		length = strcspn(value, ",");
		items = lappend(items, pnstrdup(value, length));
		value = value[length] == ',' ? value + length + 1 : NULL;
	}
	return items;
}

static void
read_preferences(const CgRequest *request, CgRestRequest *rest)
{
	ListCell *cell;

	foreach (cell, header_items(request, "prefer"))
	{
		const char *item = lfirst(cell);

		for (int i = 0; i < lengthof(features_not_there); i++)
		{
			if (strncmp(item, features_not_there[i], strlen(features_not_there[i])) == 0)
				cg_rest_refuse_feature(psprintf("preference \"%.100s\"", item));
		}
		if (strcmp(item, "return=representation") == 0)
			rest->returns = true;
		else if (strcmp(item, "count=exact") == 0)
			rest->counts = true;
	}
}

/* Whether an item of Accept is a media type with no parameter but charset and q. */
static bool
is_media_type(const char *item, const char *type)
{
	size_t length = strlen(type);

	return strncmp(item, type, length) == 0 && strchr("; ", item[length]) != NULL &&
		   strstr(item, "nulls=") == NULL;
}

/* The first acceptable type counts; q is not weighed. */
static bool
read_accept(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	static const char *const plain[] = {"*/*", "application/*", "application/json"};
	List                    *items = header_items(request, "accept");
	ListCell                *cell;

	if (items == NIL)
		return true;
	foreach (cell, items)
	{
		for (int i = 0; i < lengthof(plain); i++)
		{
			if (is_media_type(lfirst(cell), plain[i]))
				return true;
		}
		if (is_media_type(lfirst(cell), CG_REST_OBJECT_MEDIA_TYPE))
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

/* "items=0-9", "0-9" or "0-"; another unit than items is passed over (RFC 9110). */
static bool
read_range(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	const char *range = cg_request_header(request, "range");
	char       *end;
	int64       last;

	if (range == NULL || !cg_request_reads(request))
		return true;
	if (strncmp(range, "items=", 6) == 0)
		range += 6;
	else if (strchr(range, '=') != NULL)
		return true;
	errno = 0;
	if (rest->limit < 0 && rest->offset == 0 && isdigit((unsigned char) *range))
	{
		rest->offset = strtoi64(range, &end, 10);
		if (errno == 0 && end[0] == '-' && end[1] == '\0')
			return true;
		if (end[0] == '-' && isdigit((unsigned char) end[1]))
		{
			last = strtoi64(end + 1, &end, 10);
			rest->limit = last - rest->offset + 1;
			if (errno == 0 && *end == '\0' && last >= rest->offset && last < PG_INT64_MAX)
				return true;
		}
	}
	cg_response_error(response, 416, "PGRST103",
					  "the range must be items=FIRST-LAST, without limit and offset",
					  NULL);
	return false;
}

bool
cg_rest_read_headers(const CgRequest *request, CgRestRequest *rest, CgResponse *response)
{
	read_preferences(request, rest);
	return read_profile(request, response) && read_accept(request, rest, response) &&
		   read_range(request, rest, response);
}
