/*
 * signature.h
 *		Judges whether a webhook was signed by the provider that it says it is from.
 */
#ifndef CG_INBOUND_SIGNATURE_H
#define CG_INBOUND_SIGNATURE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

typedef enum CgWebhookVerdict
{
	CG_WEBHOOK_GOOD,
	CG_WEBHOOK_UNSIGNED, /* what should be signed with is missing or malformed */
	CG_WEBHOOK_STALE,    /* more than five minutes from now, in either direction */
	CG_WEBHOOK_FORGED    /* not signed with this key */
} CgWebhookVerdict;

/*
 * Judges headers (an object, names in any case) and the body as it came against one
 * key, in the form in which the provider shows it.  Never raises for bad input, the
 * key included; a provider that is not known is CG_WEBHOOK_FORGED.
 */
extern CgWebhookVerdict cg_webhook_verify(const char *provider, Jsonb *headers,
										  const bytea *body, const char *key,
										  size_t key_length, TimestampTz at);

/*
 * Why no webhook of the provider can be signed with what is stored as the key, or NULL
 * when one can; the text says nothing of the key.
 */
extern const char *cg_webhook_key_fault(const char *provider, const char *key,
										size_t length);

/* Whether there is a rule for the provider: telnyx, retell, resend, google. */
extern bool cg_webhook_knows(const char *provider);

#endif /* CG_INBOUND_SIGNATURE_H */
