/*
 * rest.h
 *		A request on one table, between the parser, the planner and the renderer.
 *
 * The parser knows the wire (names and text), the planner the catalog (columns
 * and types), the renderer values (JSON).  None knows what the others do.
 */
#ifndef CG_GATEWAY_REST_H
#define CG_GATEWAY_REST_H

#include "postgres.h"

#include "executor/spi.h"
#include "gateway/gateway.h"
#include "http/response.h"
#include "http/target.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Of an answer that is one object, not an array. */
#define CG_REST_OBJECT_MEDIA_TYPE "application/vnd.pgrst.object+json"

typedef enum CgRestVerb
{
	CG_REST_READ,
	CG_REST_COUNT,
	CG_REST_INSERT,
	CG_REST_UPDATE,
	CG_REST_DELETE
} CgRestVerb;

typedef enum CgRestOperator
{
	CG_REST_EQ,
	CG_REST_NEQ,
	CG_REST_LT,
	CG_REST_LTE,
	CG_REST_GT,
	CG_REST_GTE,
	CG_REST_LIKE,
	CG_REST_ILIKE,
	CG_REST_IN,
	CG_REST_IS,
	CG_REST_AND,
	CG_REST_OR
} CgRestOperator;

/* An output column: "alias:name", "name", or "*" (name NULL). */
typedef struct CgRestColumn
{
	char *name;
	char *alias; /* NULL: the name */
} CgRestColumn;

/* column=[not.]op.value, or [not.]and=(...) and [not.]or=(...) */
typedef struct CgRestFilter
{
	char          *column; /* of every operator but AND and OR */
	CgRestOperator op;
	bool           negated;
	char          *value;   /* of every operator but IN, AND and OR */
	List          *values;  /* of char *, of IN */
	List          *members; /* of CgRestFilter, of AND and OR */
} CgRestFilter;

/* column[.asc|.desc][.nullsfirst|.nullslast] */
typedef struct CgRestOrder
{
	char *column;
	bool  descending;
	int   nulls; /* -1 first, 0 by default, 1 last */
} CgRestOrder;

typedef struct CgRestRequest
{
	CgRestVerb  verb;
	char       *table;    /* without schema */
	List       *select;   /* of CgRestColumn */
	List       *filters;  /* of CgRestFilter */
	List       *order;    /* of CgRestOrder */
	TimestampTz after_at; /* keyset: rows before (created_at, id), newest first */
	pg_uuid_t  *after_id; /* NULL: from the newest on */
	int64       limit;    /* -1: none */
	int64       offset;
	const char *range_fault; /* NULL, or why the page that is asked for is none: 416 */
	List       *columns;      /* of char *: written columns */
	bool        returns;      /* Prefer: return=representation */
	bool        counts;       /* Prefer: count=exact */
	bool        wants_object; /* Accept: one object, not an array */
	Jsonb      *body;         /* of INSERT and UPDATE */
} CgRestRequest;

/* A statement and its parameters, ready to run as the current role. */
typedef struct CgRestPlan
{
	char  *sql;
	int    nparams;
	Oid   *types;
	Datum *values;
	char  *nulls; /* 'n' or ' ' each, as SPI wants it */
} CgRestPlan;

/*
 * Makes the statement.  ERROR 21000 for a change without a filter, 42P01 for a table that is not served, 42703 for a
 * column that is not there, 22P02 for a value that is not of the column's type.
 */
extern void cg_rest_plan(const CgRestRequest *request, CgRestPlan *plan);

/*
 * Runs the plan in an open SPI session, through the backend's plan cache; returns
 * the number of rows, found in SPI_tuptable if the statement returns any.
 */
extern uint64 cg_rest_run(const CgRestPlan *plan, bool read_only);

/*
 * Plans and runs a request on a table in an open SPI session.  ERROR 42501 when the
 * permission matrix does not give the caller's role the verb: row security alone
 * would only show it no rows.
 */
extern uint64 cg_rest_execute(const CgRequest *request, const CgRestRequest *rest);

/*
 * Answers the rows of SPI_tuptable; 406 when one object is wanted and there is not
 * one.
 */
extern void cg_rest_answer_rows(const CgRestRequest *rest, CgResponse *response,
								int status, uint64 rows);

/* Appends the rows of SPI_tuptable from first on, so many, as a JSON array. */
extern void cg_json_append_rows(StringInfo out, uint64 first, uint64 count);

/* Writes the first column of count rows as an array of values. */
extern void cg_json_append_scalars(StringInfo out, uint64 count);

/* Appends one row of SPI_tuptable as a JSON object. */
extern void cg_json_append_row(StringInfo out, uint64 row);

/* Appends one value as JSON. */
extern void cg_json_append_value(StringInfo out, Datum value, bool isnull, Oid type);

#endif /* CG_GATEWAY_REST_H */
