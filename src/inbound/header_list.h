/*
 * header_list.h
 *		Reads the lists that request headers hold.
 */
#ifndef CG_INBOUND_HEADER_LIST_H
#define CG_INBOUND_HEADER_LIST_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* "name=value", or a name alone, whose value is empty */
typedef struct CgHeaderParam
{
	char *name;
	char *value; /* what a quoted string stands for */
} CgHeaderParam;

/* The items of a header's value, which may be NULL: char *, none of them empty. */
extern List *cg_header_items(const char *value);

/*
 * An item's parts between semicolons, as CgHeaderParam; the first is what the others are
 * parameters of: a preference, or a media type as a name.
 */
extern List *cg_header_params(const char *item);

#endif /* CG_INBOUND_HEADER_LIST_H */
