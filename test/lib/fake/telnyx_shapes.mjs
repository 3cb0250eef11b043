// telnyx_shapes.mjs
//		The shapes that all Telnyx answers and webhooks share.
import { randomUUID } from 'node:crypto';

export const telnyxError = (status, code, title, detail, source) => ({
  status,
  body: { errors: [{ code, title, detail, ...(source && { source }), meta: { url: `https://developers.telnyx.com/docs/overview/errors/${code}` } }] },
});

// The id is that of the event: every redelivery carries it.
export function telnyxEvent(type, payload, attempts) {
  const data = { record_type: 'event', event_type: type, id: randomUUID(), occurred_at: new Date().toISOString(), payload };
  return { event_type: type, attempts, body: (attempt, url) => ({ data, meta: { attempt, delivered_to: url } }) };
}
