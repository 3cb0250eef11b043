/*
 * response.h
 *		What an HTTP request is answered with, and errors as JSON.
 */
#ifndef CG_INBOUND_RESPONSE_H
#define CG_INBOUND_RESPONSE_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef struct CgResponse
{
	int status;
	StringInfoData
		headers; /* as they are sent: "Name: value" and CR LF, one after another */
	StringInfoData body;
	bool           keeps_work; /* an answer that says no, and takes nothing back */
} CgResponse;

extern void cg_response_init(CgResponse *response);

/* Adds a header; a value from outside must have been checked for CR and LF. */
extern void cg_response_header(CgResponse *response, const char *name, const char *value);

/* Forgets what was written and answers {"code", "message", "details", "hint"}. */
extern void cg_response_error(CgResponse *response, int status, const char *code,
							  const char *message, const char *hint);

/* The same with details, which may be NULL, as hint may. */
extern void cg_response_error_details(CgResponse *response, int status, const char *code,
									  const char *message, const char *details,
									  const char *hint);

/*
 * Answers an error of the database: status by SQLSTATE (docs/errors.md), the
 * message only where it is ours or about the client's own input.
 */
extern void cg_response_sql_error(CgResponse *response, const ErrorData *error,
								  bool is_anonymous);

#endif /* CG_INBOUND_RESPONSE_H */
