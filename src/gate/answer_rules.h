/*
 * answer_rules.h
 *		What stands in answers of the gate (response.c, sqlstate.c) and of the database
 *		(src/inbound/cors.c, http.c, src/inbound/response.c) alike: the one definition.
 *
 * It is C without libraries, as the gate and the extension are two programs.  Tested by
 * test/sql/cors.sql and test/t/105_gate_browser.pl.
 */
#ifndef CG_GATE_ANSWER_RULES_H
#define CG_GATE_ANSWER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Rules for browsers, harmless to programs: name and value. */
#define CG_SECURITY_HEADERS                                                              \
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},           \
		{"X-Frame-Options", "DENY"}, {"X-Content-Type-Options", "nosniff"},              \
		{"Referrer-Policy", "strict-origin-when-cross-origin"},                          \
		{"X-XSS-Protection", "1; mode=block"},

/* CORS, the Fetch standard.  Tokens come in a header, so no credentials are allowed. */
#define CG_CORS_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
/* What supabase-js sends, and what PostgREST's clients and those of /api may. */
#define CG_CORS_HEADERS                                                                  \
	"authorization, apikey, content-type, accept, accept-profile, content-profile, "     \
	"idempotency-key, prefer, range, range-unit, x-client-info, x-request-id, "          \
	"x-retry-count, x-supabase-api-version"
#define CG_CORS_EXPOSED                                                                  \
	"Content-Range, Location, Preference-Applied, Retry-After, X-Request-Id"
#define CG_CORS_MAX_AGE "7200"
#define CG_CORS_MOST 5 /* headers of one answer */

#define CG_JSON_TYPE "application/json; charset=utf-8"

/* Of 503 with 25006. */
#define CG_HINT_READ_ONLY                                                                \
	"This server takes no writes: it is a standby, or made read-only. Send them to the " \
	"primary, or promote this one."

/*
 * What Access-Control-Allow-Origin says to an origin, "*" or the origin; NULL when the
 * setting, a list by commas, does not name it.
 */
static inline const char *
cg_cors_allowed(const char *setting, const char *origin)
{
	while (*setting != '\0')
	{
		size_t length;

		setting += strspn(setting, ", ");
		length = strcspn(setting, ", ");
		if (length == 1 && *setting == '*')
			return "*";
		if (length > 0 && strlen(origin) == length &&
			memcmp(setting, origin, length) == 0)
			return origin;
		setting += length;
	}
	return NULL;
}

typedef struct CgAnswerHeader
{
	const char *name;
	const char *value;
} CgAnswerHeader;

/* Fills in the headers of CORS for an answer, and returns how many there are. */
static inline size_t
cg_cors_headers(const char *setting, const char *origin, bool is_preflight,
				CgAnswerHeader headers[CG_CORS_MOST])
{
	const char *allowed;
	size_t      n = 0;

	if (*setting == '\0')
		return 0;
	/* Refusals too: a cache must not give one origin's answer to another. */
	headers[n++] = (CgAnswerHeader){"Vary", "Origin"};
	allowed = origin != NULL ? cg_cors_allowed(setting, origin) : NULL;
	if (allowed == NULL)
		return n;
	headers[n++] = (CgAnswerHeader){"Access-Control-Allow-Origin", allowed};
	if (!is_preflight)
	{
		headers[n++] = (CgAnswerHeader){"Access-Control-Expose-Headers", CG_CORS_EXPOSED};
		return n;
	}
	headers[n++] = (CgAnswerHeader){"Access-Control-Allow-Methods", CG_CORS_METHODS};
	headers[n++] = (CgAnswerHeader){"Access-Control-Allow-Headers", CG_CORS_HEADERS};
	headers[n++] = (CgAnswerHeader){"Access-Control-Max-Age", CG_CORS_MAX_AGE};
	return n;
}

#endif /* CG_GATE_ANSWER_RULES_H */
