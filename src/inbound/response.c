/*
 * response.c
 *		Builds responses and turns SQLSTATEs into HTTP statuses.
 *
 * Clients get the message of an error and the column it is about, never its DETAIL,
 * HINT or CONTEXT unless the code is ours: those may quote other rows or SQL text.
 * The DETAIL of a refused appointment (ZG4xx) is a JSON object whose members are added
 * to the answer's.  What they quote may be long, and is cut.
 *
 * Memory:		the caller's context.
 * Called by:	http.c and the handlers
 * Shown by:	test/sql/http.sql, test/sql/rest_values.sql
 */
#include "postgres.h"

#include "utils/elog.h"
#include "utils/json.h"

#include "core/json_walk.h"
#include "core/message.h"
#include "gate/answer_rules.h"
#include "gate/sqlstate_map.h"
#include "inbound/response.h"

void
cg_response_init(CgResponse *response)
{
	response->status = 200;
	response->keeps_work = false;
	initStringInfo(&response->headers);
	initStringInfo(&response->body);
}

void
cg_response_header(CgResponse *response, const char *name, const char *value)
{
	appendStringInfo(&response->headers, "%s: %s\r\n", name, value);
}

void
cg_response_is_json(CgResponse *response)
{
	cg_response_header(response, "Content-Type", CG_JSON_TYPE);
}

static void
append_text(StringInfo out, const char *member, const char *value)
{
	appendStringInfo(out, "%s\"%s\":", out->len > 0 ? "," : "{", member);
	if (value != NULL)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

void
cg_response_error(CgResponse *response, int status, const char *code, const char *message,
				  const char *hint)
{
	cg_response_error_details(response, status, code, message, NULL, hint);
}

void
cg_response_error_details(CgResponse *response, int status, const char *code,
						  const char *message, const char *details, const char *hint)
{
	resetStringInfo(&response->headers);
	resetStringInfo(&response->body);
	response->status = status;
	if (status == 401)
		cg_response_header(response, "WWW-Authenticate", "Bearer");
	if (status == 503)
		cg_response_header(response, "Retry-After", "1");
	cg_response_is_json(response);

	append_text(&response->body, "code", code);
	append_text(&response->body, "details", cg_message_clip(details));
	append_text(&response->body, "hint", cg_message_clip(hint));
	append_text(&response->body, "message", cg_message_clip(message));
	appendStringInfoChar(&response->body, '}');
}

static bool
accept_value(void *state, const char *path, bool in_array, const char *token,
			 JsonTokenType type)
{
	return true;
}

/* Adds the members of a JSON object to the answer's; anything else is left out. */
static void
add_members(CgResponse *response, const char *object)
{
	size_t length = strlen(object);

	if (length <= 2 || !cg_json_walk(object, length, accept_value, NULL))
		return;
	response->body.data[response->body.len - 1] = ',';
	appendBinaryStringInfo(&response->body, object + 1, (int) length - 1);
}

void
cg_response_sql_error(CgResponse *response, const ErrorData *error, bool is_anonymous)
{
	const char              *code = unpack_sql_state(error->sqlerrcode);
	const char              *message = error->message;
	const char              *details = NULL;
	const char              *hint = NULL;
	const char              *members = NULL;
	int                      status = 500;
	const CgSqlstateMeaning *meaning = cg_sqlstate_meaning(code);

	if (meaning != NULL)
		status = meaning->status;
	if (error->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION)
		hint = CG_HINT_READ_ONLY;
	if (strncmp(code, "ZG", 2) == 0)
	{
		details = error->detail;
		hint = error->hint;
	}
	if (strncmp(code, "ZG4", 3) == 0)
	{
		members = error->detail;
		details = NULL;
	}
	if (error->column_name != NULL)
		details = psprintf(details != NULL ? "column \"%s\": %s" : "column \"%s\"",
						   error->column_name, details);
	if (status == 403 && is_anonymous)
		status = 401; /* it may be allowed once one says who one is */
	if (status >= 500 && strncmp(code, "ZG", 2) != 0)
		message = "the request could not be completed";
	cg_response_error_details(response, status, pstrdup(code), message, details, hint);
	if (members != NULL)
		add_members(response, members);
}
