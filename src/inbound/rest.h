/*
 * rest.h
 *		A request on one table, between the parser, the planner and the renderer.
 *
 * The parser knows the wire (names and text), the planner the catalog (columns
 * and types), the renderer values (JSON).  None knows what the others do.
 */
#ifndef CG_INBOUND_REST_H
#define CG_INBOUND_REST_H

#include "postgres.h"

#include "executor/spi.h"
#include "inbound/http.h"
#include "inbound/response.h"
#include "inbound/target.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

struct CgRowSink;

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
	const char *range_fault;  /* NULL, or why the page that is asked for is none: 416 */
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
 * column that is not there, 22P02 for a value that is not of the column's type, 54000 for
 * more rows in the body than one request may write.  business: of the caller, or NULL.
 */
extern void cg_rest_plan(const CgRestRequest *request, const pg_uuid_t *business,
						 CgRestPlan *plan);

/* ERROR 54000 when a request would write more than cloudgreet.rest_max_write_rows. */
extern void cg_rest_check_write_rows(int64 rows);

/*
 * Runs the plan in an open SPI session, through the backend's plan cache; returns the
 * number of rows.  They go to the sink or, without one, to SPI_tuptable.
 */
extern uint64 cg_rest_run(const CgRestPlan *plan, bool read_only, struct CgRowSink *sink);

/*
 * Plans and runs a request on a table in an open SPI session, as cg_rest_run().  ERROR
 * 42501 when the permission matrix does not give the caller's role the verb: row security
 * alone would only show it no rows.
 */
extern uint64 cg_rest_execute(const CgRequest *request, const CgRestRequest *rest,
							  struct CgRowSink *sink);

/* Appends the columns of a row as a JSON object. */
extern void cg_json_append_columns(StringInfo out, TupleDesc descriptor,
								   const Datum *values, const bool *nulls);

/* Appends one row of SPI_tuptable as a JSON object. */
extern void cg_json_append_row(StringInfo out, uint64 row);

/* Appends one value as JSON.  ERROR 54000 when out is larger than an answer may be. */
extern void cg_json_append_value(StringInfo out, Datum value, bool isnull, Oid type);

#endif /* CG_INBOUND_REST_H */
