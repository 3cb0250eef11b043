/*
 * claims.c
 *		Understands the claims of the specification and of Supabase.
 *
 * The specification: {sub, business_id, role: admin|user|agent, iat, exp}.
 * Supabase: role is the database role, and what an application adds stands in
 * app_metadata.  Which paths are read is a setting; the first one present counts.
 *
 * Numbers: RFC 7519 NumericDate, a JSON number within 2^53, never a string.
 * Errors:		none raised.
 * Called by:	jwt.c; context.c, for what PostgREST verified
 * Shown by:	test/sql/claims.sql
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "core/json_walk.h"
#include "core/uuid.h"
#include "tenant/claims.h"
#include "tenant/settings.h"

#define MAX_EXACT_INTEGER 9007199254740992.0 /* 2^53 */

typedef struct ClaimsWalk
{
	CgClaims *claims;
	int       business_rank; /* position in its setting of the best path met */
	int       role_rank;
} ClaimsWalk;

/* The position of path in a comma-separated list, or -1. */
static int
path_rank(const char *list, const char *path)
{
	size_t length = strlen(path);
	int    rank = 0;

	while (*list != '\0')
	{
		size_t item;

		list += strspn(list, " ,");
		item = strcspn(list, " ,");
		if (item == length && strncmp(list, path, length) == 0)
			return rank;
		list += item;
		rank++;
	}
	return -1;
}

static bool
parse_time(const char *token, JsonTokenType type, double *to, bool *present)
{
	char *end;

	if (type != JSON_TOKEN_NUMBER)
		return false;
	*to = strtod(token, &end);
	*present = true;
	return *end == '\0' && isfinite(*to) && fabs(*to) <= MAX_EXACT_INTEGER;
}

static bool
is_app_role(const char *name)
{
	return strcmp(name, "admin") == 0 || strcmp(name, "user") == 0 ||
		   strcmp(name, "agent") == 0;
}

static bool
is_db_role(const char *name)
{
	return strcmp(name, "anon") == 0 || strcmp(name, "authenticated") == 0 ||
		   strcmp(name, "service_role") == 0;
}

/* A claim with the business: each must be a UUID, the one of the best path counts. */
static bool
visit_business(ClaimsWalk *walk, int rank, const char *token, bool is_text)
{
	pg_uuid_t business;

	if (!is_text || !cg_uuid_read(token, &business))
		return false;
	if (walk->business_rank < 0 || rank < walk->business_rank)
	{
		walk->business_rank = rank;
		walk->claims->has_business = true;
		walk->claims->business = business;
	}
	return true;
}

/* A claim with a role: the best path with an application role counts. */
static bool
visit_role(ClaimsWalk *walk, int rank, const char *token, bool is_text)
{
	if (!is_text || !is_app_role(token))
		return true;
	if (walk->role_rank < 0 || rank < walk->role_rank)
	{
		walk->role_rank = rank;
		strlcpy(walk->claims->app_role, token, CG_ROLE_NAME_LENGTH);
	}
	return true;
}

static bool
judge_claim(void *state, const char *path, bool in_array, const char *token,
			JsonTokenType type)
{
	ClaimsWalk *walk = state;
	CgClaims   *claims = walk->claims;
	bool        is_text = type == JSON_TOKEN_STRING;
	int         rank;

	if (strcmp(path, "aud") == 0)
	{
		if (is_text && strcmp(token, cg_jwt_audience) == 0)
			claims->audience_matches = true;
		return is_text || (type == JSON_TOKEN_ARRAY_START && !in_array);
	}
	if (in_array)
		return true; /* of no interest here */
	if (strcmp(path, "exp") == 0)
		return parse_time(token, type, &claims->exp, &claims->has_exp);
	if (strcmp(path, "nbf") == 0)
		return parse_time(token, type, &claims->nbf, &claims->has_nbf);
	if (strcmp(path, "iat") == 0)
		return parse_time(token, type, &claims->iat, &claims->has_iat);
	if (strcmp(path, "iss") == 0)
	{
		claims->issuer_matches = is_text && strcmp(token, cg_jwt_issuer) == 0;
		return is_text;
	}
	if (strcmp(path, "sub") == 0)
	{
		claims->has_subject = true;
		return is_text && cg_uuid_read(token, &claims->subject);
	}
	/* Supabase puts the database role here, the specification that of the application. */
	if (strcmp(path, "role") == 0 && is_text && is_db_role(token))
		strlcpy(claims->db_role, token, CG_ROLE_NAME_LENGTH);

	rank = path_rank(cg_jwt_business_claims, path);
	if (rank >= 0)
		return visit_business(walk, rank, token, is_text);
	rank = path_rank(cg_jwt_role_claims, path);
	return rank < 0 || visit_role(walk, rank, token, is_text);
}

static bool
visit_claim(void *state, const char *path, bool in_array, const char *token,
			JsonTokenType type)
{
	ClaimsWalk *walk = state;

	if (judge_claim(state, path, in_array, token, type))
		return true;
	strlcpy(walk->claims->bad_claim, path, sizeof(walk->claims->bad_claim));
	return false;
}

bool
cg_claims_parse(const char *json, size_t length, CgClaims *claims)
{
	ClaimsWalk walk = {.claims = claims, .business_rank = -1, .role_rank = -1};

	memset(claims, 0, sizeof(*claims));
	strlcpy(claims->db_role, "authenticated", CG_ROLE_NAME_LENGTH);
	return length <= CG_CLAIMS_MAX_BYTES &&
		   cg_json_walk(json, length, visit_claim, &walk);
}

static bool
visit_header(void *state, const char *path, bool in_array, const char *token,
			 JsonTokenType type)
{
	CgTokenHeader *header = state;

	if (strcmp(path, "crit") == 0)
		header->has_critical = true;
	if (strcmp(path, "alg") == 0)
		return type == JSON_TOKEN_STRING && !in_array &&
			   strlcpy(header->algorithm, token, sizeof(header->algorithm)) <
				   sizeof(header->algorithm);
	if (strcmp(path, "kid") == 0)
	{
		header->has_key_id = true;
		return type == JSON_TOKEN_STRING && !in_array &&
			   strlcpy(header->key_id, token, sizeof(header->key_id)) <
				   sizeof(header->key_id);
	}
	return true;
}

bool
cg_token_header_parse(const char *json, size_t length, CgTokenHeader *header)
{
	memset(header, 0, sizeof(*header));
	return length <= CG_CLAIMS_MAX_BYTES &&
		   cg_json_walk(json, length, visit_header, header);
}
