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
#include "http/response.h"
#include "http/target.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef enum CgRestVerb
{
	CG_REST_READ,
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
	CG_REST_IS
} CgRestOperator;

/* An output column: "alias:name", "name", or "*" (name NULL). */
typedef struct CgRestColumn
{
	char *name;
	char *alias; /* NULL: the name */
} CgRestColumn;

/* column=[not.]op.value */
typedef struct CgRestFilter
{
	char          *column;
	CgRestOperator op;
	bool           negated;
	char          *value;  /* of every operator but IN */
	List          *values; /* of char *, of IN */
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
	List       *columns; /* of char *: written columns */
	bool        returns; /* Prefer: return=representation */
	Jsonb      *body;    /* of INSERT and UPDATE */
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
 * Reads select, filters, order, limit, offset, columns from the parameters.
 * ERROR 22023 or PGRST100's case (42601) with a message about what is wrong.
 */
extern void cg_rest_parse(const CgTarget *target, CgRestRequest *request);

/*
 * The keys of the body's object, or of each object of its array, as a list of char *.
 * Returns false when an item of the array is no object, or its keys are others.
 */
extern bool cg_rest_body_keys(Jsonb *body, List **keys);

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

/* Appends the rows of SPI_tuptable from first on, so many, as a JSON array. */
extern void cg_json_append_rows(StringInfo out, uint64 first, uint64 count);

/* Appends one row of SPI_tuptable as a JSON object. */
extern void cg_json_append_row(StringInfo out, uint64 row);

/* Appends one value as JSON. */
extern void cg_json_append_value(StringInfo out, Datum value, bool isnull, Oid type);

#endif /* CG_GATEWAY_REST_H */
