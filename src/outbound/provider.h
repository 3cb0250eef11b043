/*
 * provider.h
 *		How a request of the outbox is put to a provider, and what the answer means.
 *
 * An adapter (a file for each provider) adds to the frozen body what is not kept in
 * it: the URL, the key, headers.  It raises no errors.
 */
#ifndef CG_OUTBOUND_PROVIDER_H
#define CG_OUTBOUND_PROVIDER_H

#include "postgres.h"

#include "outbound/client.h"
#include "outbound/queue.h"

#define CG_PROVIDER_HEADERS 40

typedef struct CgProviderRequest
{
	const char *method;
	char       *url;
	const char *headers[CG_PROVIDER_HEADERS];
	int         header_count;
} CgProviderRequest;

typedef struct CgProvider
{
	const char *name;

	/*
	 * True: the operator names its URL, and an account has its key.  False: a tenant names
	 * the URL, so it must lead to a public address; there is no account that could be
	 * broken, and the answer is kept.
	 */
	bool has_account;

	/* Fills request, palloc'd in the current context; false: no such operation. */
	bool (*build)(const CgOutboxItem *item, CgProviderRequest *request);

	/*
	 * Judges a response that is whole: fills the verdict, which holds the judgement by
	 * status already, where the provider's own words tell more.
	 */
	void (*judge)(const CgHttpResult *result, bool may_repeat, CgOutboxVerdict *verdict);
} CgProvider;

/* Where a request may go whose URL a tenant names. */
extern CgHttpPolicy cg_request_policy(void);

extern const CgProvider cg_provider_http;
extern const CgProvider cg_provider_resend;
extern const CgProvider cg_provider_telnyx;

/* The adapter of a provider, or NULL. */
extern const CgProvider *cg_provider_find(const char *name);

/* Adds "Name: value". */
extern void cg_provider_header(CgProviderRequest *request, const char *name,
							   const char *value);

/* Adds a header that ends in a secret; who sends the request cleanses its headers. */
extern void cg_provider_secret_header(CgProviderRequest *request, const char *header,
									  const char *secret);

/* Adds "Authorization: Bearer KEY"; who sends the request cleanses its headers. */
extern void cg_provider_bearer(CgProviderRequest *request, const char *key);

/*
 * What the end of a transfer means, by the rules that all providers share:
 * what certainly did not leave is tried again; what may have arrived is tried again
 * only if that is harmless, and is unknown otherwise.  Then asks the adapter.
 */
extern void cg_provider_judge(const CgProvider *provider, const CgHttpResult *result,
							  bool may_repeat, CgOutboxVerdict *verdict);

/*
 * Copies the first value at each of the paths of a response that is a JSON object
 * ("data.id"; of an array the first element that has it), "" where there is none or it
 * does not fit.
 */
typedef struct CgProviderValue
{
	const char *path;
	char       *value;
	size_t      size;
} CgProviderValue;

extern void cg_provider_read(const CgHttpResult *result, const CgProviderValue *values,
							 int count);

#endif /* CG_OUTBOUND_PROVIDER_H */
