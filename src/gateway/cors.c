/*
 * cors.c
 *		Lets pages of named origins read answers (CORS, the Fetch standard).
 *
 * Tokens come in a header, never in a cookie, so no credentials are allowed.
 */
#include "postgres.h"

#include "gateway/gateway.h"
#include "gateway/settings.h"

#define ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
/* What supabase-js sends, and what PostgREST's clients may. */
#define ALLOWED_HEADERS                                                                  \
	"authorization, apikey, content-type, accept, accept-profile, content-profile, "     \
	"prefer, range, range-unit, x-client-info, x-request-id, x-retry-count, "            \
	"x-supabase-api-version"
#define EXPOSED_HEADERS "Content-Range, Retry-After, X-Request-Id"

/* The setting's item that allows an origin, or NULL. */
static const char *
find_origin(const char *origin)
{
	const char *item = cg_cors_origins;

	while (*item != '\0')
	{
		size_t length;

		item += strspn(item, ", ");
		length = strcspn(item, ", ");
		if (length == 1 && item[0] == '*')
			return "*";
		if (length > 0 && strlen(origin) == length && strncmp(item, origin, length) == 0)
			return origin;
		item += length;
	}
	return NULL;
}

void
cg_cors_answer(const CgRequest *request, CgResponse *response)
{
	const char *origin = cg_request_header(request, "origin");
	const char *allowed;

	if (cg_cors_origins[0] == '\0')
		return;
	cg_response_header(response, "Vary", "Origin");
	allowed = origin != NULL ? find_origin(origin) : NULL;
	if (allowed == NULL)
		return;
	cg_response_header(response, "Access-Control-Allow-Origin", allowed);
	if (strcmp(request->method, "OPTIONS") != 0)
		cg_response_header(response, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
	else
	{
		cg_response_header(response, "Access-Control-Allow-Methods", ALLOWED_METHODS);
		cg_response_header(response, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
		cg_response_header(response, "Access-Control-Max-Age", "7200");
	}
}
