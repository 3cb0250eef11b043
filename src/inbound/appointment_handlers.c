/*
 * appointment_handlers.c
 *		/api/appointments: bookings, through the functions that guard them.
 *
 * Bodies are objects of the functions' parameters; scheduled_date, the name of the
 * column, stands for starts_at.  A time that is taken is answered by 409 with
 * next_slots.  Another business's id is answered like an unknown one: 404.
 *
 * Errors:		22023 for a body that is no object, has unknown members or a time without
 *				an offset, and those of the functions.
 * Called by:	router.c
 * Shown by:	test/sql/availability.sql
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/errors.h"
#include "core/spi.h"
#include "core/uuid.h"
#include "inbound/http.h"
#include "inbound/rest.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* jsonb, id of the appointment, text */
static const Oid types[] = {JSONBOID, UUIDOID, TEXTOID};

#define BOOK_SQL                                                                         \
	"SELECT f.* FROM pg_catalog.jsonb_to_record($1) AS a (service_id uuid,"              \
	" starts_at timestamptz, scheduled_date timestamptz, lead_id uuid, staff_id uuid,"   \
	" holder text, notes text, time_zone text, idempotency_key text),"                   \
	" cloudgreet.book_appointment(service_id => a.service_id,"                           \
	" starts_at => coalesce(a.starts_at, a.scheduled_date), lead_id => a.lead_id,"       \
	" staff_id => a.staff_id, holder => a.holder, notes => a.notes,"                     \
	" time_zone => a.time_zone,"                                                         \
	" idempotency_key => coalesce(a.idempotency_key, $3)) AS f"

#define MOVE_SQL                                                                         \
	"SELECT f.* FROM pg_catalog.jsonb_to_record($1) AS a (starts_at timestamptz,"        \
	" scheduled_date timestamptz, staff_id uuid, time_zone text),"                       \
	" cloudgreet.reschedule_appointment(appointment_id => $2,"                           \
	" starts_at => coalesce(a.starts_at, a.scheduled_date), staff_id => a.staff_id,"     \
	" time_zone => a.time_zone) AS f"

#define STATUS_SQL                                                                       \
	"SELECT f.* FROM pg_catalog.jsonb_to_record($1) AS a (status text, reason text),"    \
	" cloudgreet.set_appointment_status(appointment_id => $2, status => a.status,"       \
	" reason => a.reason) AS f"

#define CANCEL_SQL                                                                       \
	"SELECT f.* FROM cloudgreet.cancel_appointment(appointment_id => $2, reason => $3)"  \
	" AS f"

static const char *const book_members[] = {
	"service_id", "starts_at", "scheduled_date", "lead_id",         "staff_id",
	"holder",     "notes",     "time_zone",      "idempotency_key", NULL};
static const char *const change_members[] = {
	"starts_at", "scheduled_date", "staff_id", "time_zone", "status", "reason", NULL};

static bool
is_one_of(const char *const *allowed, const char *name, int length)
{
	for (int i = 0; allowed[i] != NULL; i++)
	{
		if ((int) strlen(allowed[i]) == length && memcmp(allowed[i], name, length) == 0)
			return true;
	}
	return false;
}

static void
check_members(Jsonb *body, const char *const *allowed)
{
	JsonbIterator     *iterator;
	JsonbIteratorToken token;
	JsonbValue         member;

	if (!JB_ROOT_IS_OBJECT(body))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body must be an object")));
	if (JB_ROOT_COUNT(body) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body must have members")));
	iterator = JsonbIteratorInit(&body->root);
	while ((token = JsonbIteratorNext(&iterator, &member, true)) != WJB_DONE)
	{
		char *name;
		int   length;

		if (token != WJB_KEY)
			continue;
		name = member.val.string.val;
		length = member.val.string.len;
		if (!is_one_of(allowed, name, length))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the body has an unknown member \"%s\"",
								   pnstrdup(name, pg_mbcliplen(name, length, 60)))));
	}
}

/*
 * A time without an offset would be read in the server's zone and book another hour, without
 * a word.  Whether it is a time at all is for the function to say.
 */
static void
check_offset(Jsonb *body, const char *name)
{
	JsonbValue  value;
	const char *colon = NULL;

	if (getKeyJsonValueFromContainer(&body->root, name, (int) strlen(name), &value) ==
			NULL ||
		value.type == jbvNull)
		return;
	/* A number such as 20261229 would be read as a date. */
	if (value.type == jbvString)
		colon = strchr(pnstrdup(value.val.string.val, value.val.string.len), ':');
	if (colon == NULL || strpbrk(colon, "Zz+-") == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" must be a time with an offset, as in "
							   "2026-06-09T14:30:00-04:00 or 2026-06-09T18:30:00Z",
							   name)));
}

static void
check_body(Jsonb *body, const char *const *allowed)
{
	check_members(body, allowed);
	check_offset(body, "starts_at");
	check_offset(body, "scheduled_date");
}

/* Calls a function that returns one appointment, and makes that the answer. */
static void
answer_appointment(const char *sql, const CgRequest *request, const pg_uuid_t *id,
				   const char *text, int status, CgResponse *response)
{
	Datum values[] = {JsonbPGetDatum(request->json), UUIDPGetDatum(id),
					  text != NULL ? CStringGetTextDatum(text) : (Datum) 0};
	char  nulls[] = {request->json == NULL ? 'n' : ' ', id == NULL ? 'n' : ' ',
                    text == NULL ? 'n' : ' '};
	CgSpi spi;

	cg_spi_begin(&spi, "answering a request");
	cg_spi_query(sql, lengthof(types), types, values, nulls, false, 0);
	resetStringInfo(&response->body);
	resetStringInfo(&response->headers);
	cg_response_is_json(response);
	cg_json_append_row(&response->body, 0);
	response->status = status;
	cg_spi_end(&spi);
}

static bool
read_id(const CgRequest *request, pg_uuid_t *id, CgResponse *response)
{
	if (cg_uuid_read(request->parameter, id))
		return true;
	cg_response_error(response, 404, CG_CODE_NOT_FOUND, "there is nothing at this path",
					  NULL);
	return false;
}

void
cg_appointment_book(const CgRequest *request, CgResponse *response)
{
	check_body(request->json, book_members);
	answer_appointment(BOOK_SQL, request, NULL,
					   cg_request_header(request, "idempotency-key"), 201, response);
}

/* A new time, a new status, or both, in that order. */
void
cg_appointment_change(const CgRequest *request, CgResponse *response)
{
	pg_uuid_t id;

	if (!read_id(request, &id, response))
		return;
	check_body(request->json, change_members);
	if (cg_json_has(request->json, "starts_at") ||
		cg_json_has(request->json, "scheduled_date"))
		answer_appointment(MOVE_SQL, request, &id, NULL, 200, response);
	else if (!cg_json_has(request->json, "status"))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body must have starts_at or status")));
	if (cg_json_has(request->json, "status"))
		answer_appointment(STATUS_SQL, request, &id, NULL, 200, response);
}

void
cg_appointment_cancel(const CgRequest *request, CgResponse *response)
{
	pg_uuid_t id;

	if (!read_id(request, &id, response))
		return;
	answer_appointment(CANCEL_SQL, request, &id,
					   cg_target_param(&request->target, "reason"), 204, response);
	resetStringInfo(&response->body);
	resetStringInfo(&response->headers);
}
