/*
 * request.c
 *		Reads a request's headers, token and body.
 *
 * Errors:		cg_request_read_json() lets jsonb's own errors through, with reads_body
 *				set, and raises 22003 and 54000 for what would print to far more than was
 *				sent; those of reading token keys (ZG108 to ZG110) pass as well.
 * Called by:	http.c, caller.c and the handlers
 * Shown by:	test/sql/http.sql
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "core/errors.h"
#include "core/json_size.h"
#include "inbound/http.h"
#include "tenant/login.h"

bool
cg_request_reads(const CgRequest *request)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

const char *
cg_request_header(const CgRequest *request, const char *name)
{
	JsonbValue  value;
	JsonbValue *found;

	if (request->headers == NULL || !JB_ROOT_IS_OBJECT(request->headers))
		return NULL;
	found = getKeyJsonValueFromContainer(&request->headers->root, name,
										 (int) strlen(name), &value);
	return found != NULL && found->type == jbvString
			   ? pnstrdup(found->val.string.val, found->val.string.len)
			   : NULL;
}

/* The token of "Authorization: Bearer", or of Supabase's header apikey. */
static const char *
find_token(const CgRequest *request)
{
	const char *value = cg_request_header(request, "authorization");

	if (value == NULL)
		return cg_request_header(request, "apikey");
	if (pg_strncasecmp(value, "Bearer ", 7) != 0)
		return ""; /* another scheme: no valid token */
	value += 7;
	return value + strspn(value, " ");
}

bool
cg_request_authenticate(CgRequest *request)
{
	const char *token = find_token(request);

	request->is_anonymous = token == NULL;
	if (token == NULL)
	{
		strlcpy(request->context.db_role, "anon", CG_ROLE_NAME_LENGTH);
		return true;
	}
	return cg_login_accept(token, strlen(token), &request->context);
}

bool
cg_request_read_json(CgRequest *request, CgResponse *response)
{
	const char *type = cg_request_header(request, "content-type");
	size_t      length = VARSIZE_ANY_EXHDR(request->body);
	char       *text_body;

	if (type != NULL && (pg_strncasecmp(type, "application/json", 16) != 0 ||
						 (type[16] != '\0' && strchr(" ;", type[16]) == NULL)))
	{
		cg_response_error(response, 415, CG_CODE_MEDIA_TYPE,
						  "the body must be application/json", NULL);
		return false;
	}
	if (length == 0 && (request->route->flags & CG_ROUTE_NO_BODY) != 0)
		text_body = pstrdup("{}");
	else if (length == 0 || pg_verify_mbstr_len(PG_UTF8, VARDATA_ANY(request->body),
												(int) length, true) < 0)
	{
		cg_response_error(response, 400, "PGRST102", "the body is not JSON", NULL);
		return false;
	}
	else
		text_body = pnstrdup(VARDATA_ANY(request->body), length);
	/* From here an error of jsonb is about the body, and is told as such. */
	request->reads_body = true;
	request->json =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text_body)));
	request->reads_body = false;
	cg_json_admit(request->json, length);
	/* Handlers look for members or rows, and would find none in a number. */
	if (JB_ROOT_IS_SCALAR(request->json))
	{
		cg_response_error(response, 400, "PGRST102",
						  "the body must be an object or array", NULL);
		return false;
	}
	return true;
}

bool
cg_json_has(Jsonb *object, const char *name)
{
	JsonbValue value;

	return getKeyJsonValueFromContainer(&object->root, name, (int) strlen(name),
										&value) != NULL;
}
