/*
 * rest_rows.h
 *		Where the rows of a statement go as they come.
 */
#ifndef CG_INBOUND_REST_ROWS_H
#define CG_INBOUND_REST_ROWS_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "inbound/rest.h"
#include "lib/stringinfo.h"
#include "tcop/dest.h"

/* What the rows of a statement become. */
typedef enum CgRowForm
{
	CG_ROWS_ARRAY,   /* an array of objects */
	CG_ROWS_SCALARS, /* an array of the values of the first column */
	CG_ROWS_OBJECT   /* the object that one row is; of several, the first */
} CgRowForm;

/* Where the rows of a statement go as they come. */
typedef struct CgRowSink
{
	DestReceiver  receiver; /* first: the executor knows no more of it */
	StringInfo    out;
	CgRowForm     form;
	uint64        limit; /* rows are written up to here ... */
	uint64        rows;  /* ... and counted */
	HeapTuple     last;  /* the row at the limit, if it came */
	TupleDesc     last_descriptor;
	MemoryContext context; /* of last */
	MemoryContext scratch; /* of the row being written */
} CgRowSink;

/* No limit of rows. */
#define CG_ROWS_ALL PG_UINT64_MAX

/* Begins to write to out; the rows come when a statement is run with the sink. */
extern CgRowSink *cg_row_sink_open(StringInfo out, CgRowForm form, uint64 limit);
extern void       cg_row_sink_close(CgRowSink *sink);

/* Opens the sink that writes an answer's rows: the array, or the one object wanted. */
extern CgRowSink *cg_rest_open_rows(const CgRestRequest *rest, CgResponse *response);

/*
 * Ends it, and gives the answer its status and type.  406, and false, when one object is
 * wanted and there is not one.
 */
extern bool cg_rest_answer_rows(const CgRestRequest *rest, CgResponse *response,
								int status, CgRowSink *sink);

/* Content-Range: rows from first on, and of how many; total -1 if they are not counted. */
extern void cg_rest_write_range(CgResponse *response, int64 first, int64 rows,
								int64 total);

#endif /* CG_INBOUND_REST_ROWS_H */
