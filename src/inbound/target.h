/*
 * target.h
 *		Splits a request target into its decoded path and query parameters.
 */
#ifndef CG_INBOUND_TARGET_H
#define CG_INBOUND_TARGET_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* One name=value of the query string, decoded. */
typedef struct CgParam
{
	char *name;
	char *value;
} CgParam;

typedef struct CgTarget
{
	char *path;     /* as sent, without the query string */
	List *segments; /* of char *, decoded; "/a/b" has two */
	List *params;   /* of CgParam, in the order sent */
} CgTarget;

/*
 * Parses an origin-form target (RFC 9112, section 3.2.1).  Returns false, with a
 * reason for the client, when it is not one, holds a bad or NUL escape, is not
 * UTF-8 once decoded, or has a "." or ".." segment.
 */
extern bool cg_target_parse(const char *text, CgTarget *result, const char **reason);

/* The first parameter of a name, or NULL. */
extern const char *cg_target_param(const CgTarget *target, const char *name);

/* Whether a parameter is given more than once, so that one would be passed over. */
extern bool cg_target_param_repeats(const CgTarget *target, const char *name);

#endif /* CG_INBOUND_TARGET_H */
