/*
 * client.h
 *		An HTTP client that never blocks: requests go in, finished transfers come out.
 *
 * For a process that waits in a WaitEventSet: it adds the client's descriptor beside
 * its latch, wakes no later than the client's timeout, and then lets the client run.
 * One thread, no transaction needed, nothing in shared memory.
 *
 * Only cg_http_client_create() raises errors.
 */
#ifndef CG_OUTBOUND_CLIENT_H
#define CG_OUTBOUND_CLIENT_H

#include "postgres.h"

typedef struct CgHttpClient CgHttpClient;

typedef struct CgHttpClientOptions
{
	int         max_transfers;            /* submitted and not yet given back */
	int         max_connections_per_host; /* counted by address and port */
	const char *ca_file;                  /* NULL for the system's authorities */
	const char *dns_servers; /* "ADDRESS:PORT,..."; NULL for those of the system */
} CgHttpClientOptions;

/* What is allowed beyond https to the usual port of a public address. */
typedef struct CgHttpPolicy
{
	bool allow_plain;    /* http */
	bool allow_any_port; /* other than 443, and 80 for http */
	bool allow_loopback;
	bool allow_private; /* RFC 1918, unique local, carrier-grade NAT */
} CgHttpPolicy;

typedef struct CgHttpClientRequest
{
	const char         *method; /* "GET", "POST", ... */
	const char         *url;
	const char *const  *headers; /* "Name: value"; none of those that frame a message */
	int                 header_count;
	const void         *body; /* may be NULL */
	size_t              body_length;
	int                 connect_timeout_ms; /* name lookup, connection, TLS; at least 1 */
	int                 total_timeout_ms;   /* all of it; at least 1 */
	size_t              max_response_bytes; /* of the body */
	bool                may_repeat;         /* false: its bytes never leave twice */
	void               *tag;                /* given back with the result */
	const CgHttpPolicy *policy;
} CgHttpClientRequest;

typedef enum CgHttpOutcome
{
	CG_HTTP_ANSWERED,        /* a whole response came, of whatever status */
	CG_HTTP_DNS,             /* no address for the name, or not in time */
	CG_HTTP_CONNECT,         /* no connection, or not in time */
	CG_HTTP_TLS,             /* no trusted connection */
	CG_HTTP_TIMEOUT,         /* no whole response in time */
	CG_HTTP_RESET,           /* the connection ended, or its bytes made no sense */
	CG_HTTP_TOO_LARGE,       /* more bytes than the caller takes */
	CG_HTTP_ADDRESS_REFUSED, /* the policy forbids the address */
	CG_HTTP_BAD_URL,         /* not a URL that the policy lets be sent to */
	CG_HTTP_BAD_REQUEST,     /* a method or header that is never sent */
	CG_HTTP_CANCELLED,       /* by cg_http_client_cancel_all() */
	CG_HTTP_OTHER            /* memory, a limit of the system, ... */
} CgHttpOutcome;

/* What it points to lives until the next call of cg_http_client_next(). */
typedef struct CgHttpResult
{
	void         *tag;
	CgHttpOutcome outcome;
	bool          bytes_sent;  /* false: certainly no byte of the request has left */
	int           status;      /* 0 when none came; may be known whatever the outcome */
	const char   *retry_after; /* the header's text, or NULL */
	const char   *rate_limit_reset; /* (X-)RateLimit-Reset's text, or NULL */
	const char   *body;             /* any bytes, and a NUL after them */
	size_t        body_length;      /* at most max_response_bytes */
	const char   *error;            /* what went wrong, for the log; "" if nothing */
	int           duration_ms;      /* since it was submitted */
} CgHttpResult;

/*
 * Makes a client in a child of the current memory context; it is released with that
 * context, or by destroy().  ERROR when memory or descriptors are short (53200,
 * 53000) or dns_servers cannot be read (22023).  Uses up to max_transfers + 16
 * descriptors.  Changes to resolv.conf are seen by new clients only.
 */
extern CgHttpClient *cg_http_client_create(const CgHttpClientOptions *options);
extern void          cg_http_client_destroy(CgHttpClient *client);

/*
 * Takes a request, of which nothing needs to outlive the call.  False when
 * max_transfers are taken; any other trouble is the result's outcome.
 */
extern bool cg_http_client_submit(CgHttpClient              *client,
								  const CgHttpClientRequest *request);

/* Readable when there is something to run.  The same for the client's whole life. */
extern int cg_http_client_event_fd(const CgHttpClient *client);

/* In how many ms run() or next() wants to be called at the latest; -1 for never. */
extern long cg_http_client_timeout(CgHttpClient *client);

/* Does whatever is possible without waiting. */
extern void cg_http_client_run(CgHttpClient *client);

/* Gives the next finished transfer, and its place to another one on the next call. */
extern bool cg_http_client_next(CgHttpClient *client, CgHttpResult *result);

/* Finishes every transfer that is under way, as CG_HTTP_CANCELLED. */
extern void cg_http_client_cancel_all(CgHttpClient *client);

/* Transfers that were submitted and not yet given by next(). */
extern int cg_http_client_active(const CgHttpClient *client);

/*
 * Why a header ("Name: value") is never sent, or NULL: it is none, has a line end, or is one
 * that frames messages and belongs to the client.
 */
extern const char *cg_http_header_fault(const char *header);

/* An outcome's name for logs and tables, e.g. "address_refused". */
extern const char *cg_http_outcome_name(CgHttpOutcome outcome);

#endif /* CG_OUTBOUND_CLIENT_H */
