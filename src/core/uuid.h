/*
 * uuid.h
 *		UUIDv7 (RFC 9562, section 5.7): ids that sort by the time they were made.
 */
#ifndef CG_CORE_UUID_H
#define CG_CORE_UUID_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/*
 * Makes an id of the real time, never of the test clock: ids name partitions.
 * Ids of one backend strictly increase.  ERROR when no randomness is to be had.
 */
extern void cg_uuid_v7(pg_uuid_t *result);

/*
 * Reads the usual form and no other, eight-four-four-four-twelve digits in either case;
 * false when text is anything else.  Raises nothing.
 */
extern bool cg_uuid_read(const char *text, pg_uuid_t *result);

#endif /* CG_CORE_UUID_H */
