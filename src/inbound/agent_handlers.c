/*
 * agent_handlers.c
 *		/api/agent: agents switched on and off, and their state.
 *
 * A body is {"agent_id": ...}, or empty for the only agent of the business.
 *
 * Errors:		22023 for a body with other members, and those of the functions.
 * Called by:	router.c
 * Shown by:	test/sql/first_use.sql, test/sql/http.sql
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/errors.h"
#include "core/spi.h"
#include "inbound/http.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

/* Calls a function of one agent, or of NULL, and makes its value the answer. */
static void
answer_agent(const char *sql, const char *agent, CgResponse *response)
{
	Oid   type = TEXTOID;
	Datum value = agent != NULL ? CStringGetTextDatum(agent) : (Datum) 0;
	char  null = agent != NULL ? ' ' : 'n';
	bool  isnull;
	CgSpi spi;

	cg_spi_begin(&spi, "answering a request");
	cg_spi_query(sql, 1, &type, &value, &null, false, 0);
	value = cg_spi_value(0, 1, &isnull);
	cg_response_is_json(response);
	appendStringInfoString(&response->body, TextDatumGetCString(value));
	response->status = 200;
	cg_spi_end(&spi);
}

static const char *
agent_of_body(const CgRequest *request)
{
	JsonbValue value;

	if (!JB_ROOT_IS_OBJECT(request->json))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body must be an object")));
	if (JB_ROOT_COUNT(request->json) == 0)
		return NULL;
	if (JB_ROOT_COUNT(request->json) > 1 ||
		getKeyJsonValueFromContainer(&request->json->root, "agent_id", strlen("agent_id"),
									 &value) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body may have agent_id only")));
	if (value.type == jbvNull)
		return NULL;
	if (value.type != jbvString)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("agent_id must be a text")));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

void
cg_agent_start(const CgRequest *request, CgResponse *response)
{
	answer_agent("SELECT cloudgreet.start_agent(agent_id => $1::uuid)::text",
				 agent_of_body(request), response);
}

void
cg_agent_stop(const CgRequest *request, CgResponse *response)
{
	answer_agent("SELECT cloudgreet.stop_agent(agent_id => $1::uuid)::text",
				 agent_of_body(request), response);
}

void
cg_agent_status(const CgRequest *request, CgResponse *response)
{
	answer_agent("SELECT cloudgreet.agent_status(agent_id => $1::uuid)::text",
				 cg_target_param(&request->target, "agent_id"), response);
}
