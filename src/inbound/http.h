/*
 * http.h
 *		A request on its way through cloudgreet.http(): routes and their handlers.
 */
#ifndef CG_INBOUND_HTTP_H
#define CG_INBOUND_HTTP_H

#include "postgres.h"

#include "inbound/response.h"
#include "inbound/target.h"
#include "tenant/context.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

struct CgRoute;

typedef struct CgRequest
{
	const char           *method;
	CgTarget              target;
	Jsonb                *headers; /* an object of lower-case names */
	bytea                *body;
	Jsonb                *json;      /* the body of routes that take JSON */
	const char           *parameter; /* the segment that ":" of the route matched */
	const struct CgRoute *route;
	bool                  reads_body; /* errors now are about the body's JSON */
	CgContext             context;    /* who asks; empty for anonymous requests */
	bool                  is_anonymous;
} CgRequest;

typedef void (*CgHandler)(const CgRequest *request, CgResponse *response);

typedef enum CgRouteFlags
{
	CG_ROUTE_PUBLIC = 1,  /* no token is looked at */
	CG_ROUTE_SIGNED = 2,  /* 401 without a token of a business */
	CG_ROUTE_JSON = 4,    /* the body must be JSON */
	CG_ROUTE_WRITE = 8,   /* not in a read-only transaction */
	CG_ROUTE_NO_BODY = 16 /* of JSON: no body is an object without members */
} CgRouteFlags;

typedef struct CgRoute
{
	const char *method;
	const char *path; /* ":" matches any one segment */
	int         flags;
	CgHandler   handler;
} CgRoute;

/*
 * Finds the route; answers 404, or 405 with Allow, and returns false when there is
 * none; OPTIONS is answered with Allow.  HEAD is answered by the route of GET.
 */
extern bool cg_route_find(CgRequest *request, CgResponse *response);

/* Whether the method is GET or HEAD. */
extern bool cg_request_reads(const CgRequest *request);

/* A request header's value, or NULL. */
extern const char *cg_request_header(const CgRequest *request, const char *name);

/*
 * Fills context from the request's token.  Returns false when there is one and it
 * is refused.
 */
extern bool cg_request_authenticate(CgRequest *request);

/* Reads the body as JSON; answers 415 or 400 and returns false when it is not. */
extern bool cg_request_read_json(CgRequest *request, CgResponse *response);

/* Adds the CORS headers for an origin of cloudgreet.cors_origins. */
extern void cg_cors_answer(const CgRequest *request, CgResponse *response);

/*
 * Answers an error of the database in the terms of the request: a body that is no
 * JSON, a value that is no phone number, e-mail address or time zone, its column.
 */
extern void cg_answer_error(const CgRequest *request, CgResponse *response,
							ErrorData *error);

/*
 * The value of a filter of /api in the form in which its column is stored.  ERROR ZG104
 * or ZG105, with the column's name.
 */
extern char *cg_api_normalize_filter(const CgRequest *request, const char *column,
									 char *value);

/* The business whose webhooks come to a path; false when it is no such path. */
extern bool cg_webhook_path_business(const CgTarget *target, pg_uuid_t *business);

/* The handlers, by the file they stand in. */
extern void cg_health_get(const CgRequest *request, CgResponse *response);
extern void cg_api_list(const CgRequest *request, CgResponse *response);
extern void cg_api_get(const CgRequest *request, CgResponse *response);
extern void cg_lead_create(const CgRequest *request, CgResponse *response);
extern void cg_api_update(const CgRequest *request, CgResponse *response);
extern void cg_appointment_book(const CgRequest *request, CgResponse *response);
extern void cg_appointment_change(const CgRequest *request, CgResponse *response);
extern void cg_appointment_cancel(const CgRequest *request, CgResponse *response);
extern void cg_agent_start(const CgRequest *request, CgResponse *response);
extern void cg_agent_stop(const CgRequest *request, CgResponse *response);
extern void cg_agent_status(const CgRequest *request, CgResponse *response);
extern void cg_rest_read(const CgRequest *request, CgResponse *response);
extern void cg_rest_write(const CgRequest *request, CgResponse *response);
extern void cg_rpc_call(const CgRequest *request, CgResponse *response);
extern void cg_webhook_post(const CgRequest *request, CgResponse *response);

/* Whether an object has a member of that name, null or not. */
extern bool cg_json_has(Jsonb *object, const char *name);

#endif /* CG_INBOUND_HTTP_H */
