/*
 * destination.h
 *		Where a URL leads, before any name is looked up; for the HTTP client.
 */
#ifndef CG_OUTBOUND_DESTINATION_H
#define CG_OUTBOUND_DESTINATION_H

#include "postgres.h"

#include "outbound/address.h"
#include "outbound/client.h"

#define CG_HOST_NAME_SIZE 256

typedef struct CgDestination
{
	char     *url;                     /* in libcurl's normal form */
	char      host[CG_HOST_NAME_SIZE]; /* lower case, without a last dot or brackets */
	bool      is_literal;              /* the host is an address, this one: */
	CgAddress address;
	int       port;
} CgDestination;

/*
 * False with a reason when the URL is not one that the policy lets be sent to.  The
 * caller frees destination->url by curl_free(), in any case.
 */
extern bool cg_destination_parse(const char *url, const CgHttpPolicy *policy,
								 CgDestination *destination, const char **reason);

/* Whether the policy lets a request go to an address; usable in callbacks. */
extern bool cg_destination_allows(const CgHttpPolicy *policy, const CgAddress *address);

#endif /* CG_OUTBOUND_DESTINATION_H */
