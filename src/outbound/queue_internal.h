/*
 * queue_internal.h
 *		What the files of the queue share.
 */
#ifndef CG_OUTBOUND_QUEUE_INTERNAL_H
#define CG_OUTBOUND_QUEUE_INTERNAL_H

#include "postgres.h"

/* An array of one dimension; nulls may be NULL. */
extern Datum cg_outbox_array(const Datum *values, const bool *nulls, int count, Oid type);

#endif /* CG_OUTBOUND_QUEUE_INTERNAL_H */
