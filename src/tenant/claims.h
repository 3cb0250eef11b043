/*
 * claims.h
 *		Reads the claims of a token from JSON, without ever raising an error.
 */
#ifndef CG_TENANT_CLAIMS_H
#define CG_TENANT_CLAIMS_H

#include "postgres.h"

#include "utils/uuid.h"

#include "tenant/context.h"

#define CG_CLAIMS_MAX_BYTES 8192

typedef struct CgClaims
{
	bool      has_subject;
	bool      has_business;
	bool      has_exp;
	bool      has_nbf;
	bool      has_iat;
	bool      issuer_matches;   /* iss equals cloudgreet.jwt_issuer */
	bool      audience_matches; /* aud is or contains cloudgreet.jwt_audience */
	pg_uuid_t subject;
	pg_uuid_t business;
	double    exp; /* seconds since the Unix epoch, as nbf and iat */
	double    nbf;
	double    iat;
	char      app_role[CG_ROLE_NAME_LENGTH]; /* admin, user, agent or "" */
	char      db_role[CG_ROLE_NAME_LENGTH];  /* anon, authenticated, service_role */
	char      bad_claim[64];                 /* the first of the wrong type, or "" */
} CgClaims;

/*
 * Parses a JSON object of claims.  False when it is not one, is larger than
 * CG_CLAIMS_MAX_BYTES, nested deeper than 32, names a member twice, or has a
 * claim of the wrong type (a business that is no UUID, an exp that is a string).
 * The order of members does not matter.
 */
extern bool cg_claims_parse(const char *json, size_t length, CgClaims *claims);

/* The members of a token's header. */
typedef struct CgTokenHeader
{
	char algorithm[16];
	char key_id[128];
	bool has_key_id;
	bool has_critical; /* "crit" is present: extensions that we do not know */
} CgTokenHeader;

/* As cg_claims_parse(), for the header of a token. */
extern bool cg_token_header_parse(const char *json, size_t length, CgTokenHeader *header);

#endif /* CG_TENANT_CLAIMS_H */
