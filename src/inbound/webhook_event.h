/*
 * webhook_event.h
 *		What kind of event a webhook is, what makes a second delivery of it the same, and
 *		what it is about.
 */
#ifndef CG_INBOUND_WEBHOOK_EVENT_H
#define CG_INBOUND_WEBHOOK_EVENT_H

#include "postgres.h"

#include "utils/jsonb.h"

typedef struct CgWebhookEvent
{
	const char *type;
	const char *dedup_key;  /* what is the same in each delivery of it */
	const char *entity_key; /* a call session, a message; NULL: nothing is named */
} CgWebhookEvent;

/*
 * Reads an event of a provider that cg_webhook_knows().  The payload is the body, NULL for
 * Google's, which have none.  False when it is no event of the provider.
 */
extern bool cg_webhook_describe(const char *provider, Jsonb *headers, const bytea *body,
								Jsonb *payload, CgWebhookEvent *event);

/* The provider's own headers, without what is secret: what is kept of them. */
extern Jsonb *cg_webhook_kept_headers(Jsonb *headers);

#endif /* CG_INBOUND_WEBHOOK_EVENT_H */
