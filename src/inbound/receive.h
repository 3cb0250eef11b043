/*
 * receive.h
 *		Takes a webhook in: finds its account, verifies it, keeps it for processing.
 */
#ifndef CG_INBOUND_RECEIVE_H
#define CG_INBOUND_RECEIVE_H

#include "postgres.h"

#include "inbound/response.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* A request to a webhook's path. */
typedef struct CgWebhook
{
	const char  *provider;
	const char  *account; /* segments of the path as they came, or NULL */
	const char  *outbox;
	Jsonb       *headers;
	const bytea *body;
} CgWebhook;

/*
 * Answers 200 once the webhook is stored or known already; 404 (ZG202), 413 (ZG203),
 * 401 (ZG201, counted in webhook_refusals) or 400 (ZG204) otherwise.  ERROR 22P02 and
 * the like for a body that is no JSON, ZG108 to ZG110 when keys cannot be read.
 */
extern void cg_webhook_receive(const CgWebhook *webhook, CgResponse *response);

/* The business of the account that a path means; false when it means none. */
extern bool cg_webhook_business(const CgWebhook *webhook, pg_uuid_t *business);

#endif /* CG_INBOUND_RECEIVE_H */
