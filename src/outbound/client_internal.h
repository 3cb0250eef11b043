/*
 * client_internal.h
 *		What the files of the HTTP client share: the client and its transfers.
 */
#ifndef CG_OUTBOUND_CLIENT_INTERNAL_H
#define CG_OUTBOUND_CLIENT_INTERNAL_H

#include "postgres.h"

#include <curl/curl.h>

#include "lib/ilist.h"

#include "outbound/address.h"
#include "outbound/client.h"
#include "outbound/destination.h"
#include "outbound/resolver.h"

#define CG_TRANSFER_ADDRESSES 4 /* tried one after the other */
#define CG_HEADER_VALUE_SIZE 64
#define CG_NEVER PG_INT64_MAX

/* free -> resolving -> sending -> finished -> free; each has its list in the client. */
typedef enum CgTransferState
{
	CG_TRANSFER_FREE,
	CG_TRANSFER_RESOLVING, /* holds a name */
	CG_TRANSFER_SENDING,   /* its handle is with libcurl */
	CG_TRANSFER_FINISHED
} CgTransferState;

/* malloc'ed bytes; callbacks must not raise errors, as palloc could. */
typedef struct CgHttpBuffer
{
	char  *data;
	size_t length;
	size_t size;
} CgHttpBuffer;

typedef struct CgTransfer
{
	dlist_node      node;
	CgTransferState state;
	CgHttpClient   *client;
	CURL           *easy; /* made on first use, kept for the next transfers */

	/* the request; what is pointed to is malloc'ed */
	void              *tag;
	CgHttpPolicy       policy;
	CgDestination      destination;
	char              *method;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char              *body;
	size_t             body_length;
	size_t             max_response_bytes;
	bool               may_repeat;
	int64              submitted_at;
	int64              connect_by;
	int64              end_by;

	/* where it goes */
	CgName   *name; /* held while resolving */
	CgAddress addresses[CG_TRANSFER_ADDRESSES];
	int       address_count;
	int       address_at;

	/* what the callbacks saw */
	bool         is_begun; /* from here on bytes may have left */
	bool         is_refused;
	bool         is_repeated; /* libcurl was about to send it again */
	bool         is_too_large;
	bool         is_out_of_memory;
	size_t       header_bytes;
	CgHttpBuffer response;
	char         retry_after[CG_HEADER_VALUE_SIZE];
	char         rate_limit_reset[CG_HEADER_VALUE_SIZE];

	/* the result */
	CgHttpOutcome outcome;
	int           status;
	int           duration_ms;
	char          error[CURL_ERROR_SIZE];
} CgTransfer;

struct CgHttpClient
{
	MemoryContext context;
	CURLM        *multi;
	CgResolver   *resolver;
	int           epoll_fd;
	char         *ca_file;
	int64         curl_due_at; /* CG_NEVER, or when libcurl wants to be called */
	CgTransfer   *given;       /* by the last next(); free again on the next */
	int           active;
	CgTransfer   *transfers;
	int           max_transfers;
	dlist_head    free;
	dlist_head    resolving;
	dlist_head    sending;
	dlist_head    finished;
};

/* ---- client_request.c: what was asked for -------------------------------------------------- */

/* Copies a request into a clean transfer; false with outcome and error when it cannot. */
extern bool cg_transfer_take(CgTransfer *transfer, const CgHttpClientRequest *request);

/* Forgets request and response; keeps the handle and a small response buffer. */
extern void cg_transfer_clear(CgTransfer *transfer);

/* ---- client_transfer.c: one exchange by libcurl -------------------------------------------- */

/* Prepares the handle for the transfer's current address; false when memory is short. */
extern bool cg_transfer_prepare(CgTransfer *transfer);

/* Sets outcome, status and error after libcurl has ended it. */
extern void cg_transfer_judge(CgTransfer *transfer, CURLcode code);

#endif /* CG_OUTBOUND_CLIENT_INTERNAL_H */
