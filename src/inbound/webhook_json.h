/*
 * webhook_json.h
 *		Reads the bodies of webhooks as JSON.
 */
#ifndef CG_INBOUND_WEBHOOK_JSON_H
#define CG_INBOUND_WEBHOOK_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * The body as an object; NULL when it is no JSON object in UTF-8.  Escapes that jsonb
 * cannot hold (a NUL, half of a surrogate pair) are read as U+FFFD: people's texts
 * are cut in the middle of a character, and an event must not be lost for it.
 * ERROR (22P02 and the like) for what is no JSON.
 */
extern Jsonb *cg_webhook_parse(const bytea *body);

#endif /* CG_INBOUND_WEBHOOK_JSON_H */
