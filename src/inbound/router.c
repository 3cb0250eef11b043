/*
 * router.c
 *		The table of routes.
 *
 * Called by:	http.c
 * Shown by:	test/sql/http.sql
 */
#include "postgres.h"

#include "core/errors.h"
#include "inbound/http.h"

static const CgRoute routes[] = {
	{"GET", "api/health", CG_ROUTE_PUBLIC, cg_health_get},
	{"GET", "api/businesses", CG_ROUTE_SIGNED, cg_api_list},
	{"GET", "api/businesses/:", CG_ROUTE_SIGNED, cg_api_get},
	{"GET", "api/leads", CG_ROUTE_SIGNED, cg_api_list},
	{"POST", "api/leads", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_lead_create},
	{"GET", "api/leads/:", CG_ROUTE_SIGNED, cg_api_get},
	{"PUT", "api/leads/:", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_api_update},
	{"GET", "api/appointments", CG_ROUTE_SIGNED, cg_api_list},
	{"POST", "api/appointments", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_appointment_book},
	{"GET", "api/appointments/:", CG_ROUTE_SIGNED, cg_api_get},
	{"PUT", "api/appointments/:", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_appointment_change},
	{"DELETE", "api/appointments/:", CG_ROUTE_SIGNED | CG_ROUTE_WRITE,
	 cg_appointment_cancel},
	{"POST", "api/agent/start",
	 CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_NO_BODY | CG_ROUTE_WRITE, cg_agent_start},
	{"POST", "api/agent/stop",
	 CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_NO_BODY | CG_ROUTE_WRITE, cg_agent_stop},
	{"GET", "api/agent/status", CG_ROUTE_SIGNED, cg_agent_status},
	{"POST", "api/webrtc/webhook", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/webrtc/webhook/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/sms/webhook", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/sms/webhook/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/sms/webhook/:/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/retell/webhook", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/retell/webhook/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/resend/webhook", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/resend/webhook/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/google/webhook", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "api/google/webhook/:", CG_ROUTE_PUBLIC | CG_ROUTE_WRITE, cg_webhook_post},
	{"POST", "rest/v1/rpc/:", CG_ROUTE_JSON | CG_ROUTE_NO_BODY | CG_ROUTE_WRITE,
	 cg_rpc_call},
	{"GET", "rest/v1/:", CG_ROUTE_SIGNED, cg_rest_read},
	{"POST", "rest/v1/:", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_rest_write},
	{"PATCH", "rest/v1/:", CG_ROUTE_SIGNED | CG_ROUTE_JSON | CG_ROUTE_WRITE,
	 cg_rest_write},
	{"DELETE", "rest/v1/:", CG_ROUTE_SIGNED | CG_ROUTE_WRITE, cg_rest_write},
};

/* Whether a path has the shape of a route; *parameter is what ":" stands for. */
static bool
path_matches(const char *path, List *segments, const char **parameter)
{
	ListCell *cell;

	foreach (cell, segments)
	{
		size_t length = strcspn(path, "/");

		if (length == 0)
			return false;
		if (path[0] == ':')
			*parameter = lfirst(cell);
		else if (strlen(lfirst(cell)) != length ||
				 strncmp(path, lfirst(cell), length) != 0)
			return false;
		path += length;
		if (*path == '/')
			path++;
	}
	return *path == '\0';
}

bool
cg_route_find(CgRequest *request, CgResponse *response)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
	StringInfoData allowed;

	initStringInfo(&allowed);
	for (int i = 0; i < lengthof(routes); i++)
	{
		const char *parameter = NULL;

		if (!path_matches(routes[i].path, request->target.segments, &parameter))
			continue;
		/* A path may have several methods, so those of the others are kept for Allow. */
		if (strcmp(routes[i].method, method) == 0)
		{
			request->route = &routes[i];
			request->parameter = parameter;
			return true;
		}
		appendStringInfo(&allowed, "%s%s", allowed.len > 0 ? ", " : "", routes[i].method);
		if (strcmp(routes[i].method, "GET") == 0)
			appendStringInfoString(&allowed, ", HEAD");
	}
	if (allowed.len == 0)
		cg_response_error(response, 404, CG_CODE_NOT_FOUND,
						  "there is nothing at this path", NULL);
	else if (strcmp(request->method, "OPTIONS") == 0)
	{
		/* Browsers ask before they send a token, so nobody is asked who they are. */
		appendStringInfoString(&allowed, ", OPTIONS");
		cg_response_header(response, "Allow", allowed.data);
		response->status = 204;
	}
	else
	{
		cg_response_error(response, 405, CG_CODE_METHOD_NOT_ALLOWED,
						  "the method is not allowed here", NULL);
		cg_response_header(response, "Allow", allowed.data);
	}
	return false;
}
