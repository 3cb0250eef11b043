// telnyx_messages.mjs
//		Telnyx messaging.  There is no idempotency: two equal requests are two messages.
import { randomUUID } from 'node:crypto';
import * as c from './check.mjs';
import { telnyxError, telnyxEvent } from './telnyx_shapes.mjs';

const request = c.object({
  'to*': c.e164, from: c.e164, text: c.string(), messaging_profile_id: c.string(), type: c.enumeration('SMS', 'MMS'),
  media_urls: c.list(c.url, 1, 10), subject: c.string(), webhook_url: c.url, webhook_failover_url: c.url,
  use_profile_webhooks: c.boolean, auto_detect: c.boolean, encoding: c.enumeration('auto', 'gsm7', 'ucs2'),
});

const MAX_PARTS = 10;
const ATTEMPTS = 3;
// GSM 03.38: what is written with one septet each, and the extension table with two.
const GSM7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ!"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]$/u;
const EXTENSION = new Set('\f^{}\\[~]|€');
const isGsm = (text) => [...text].every((one) => GSM7.test(one) || EXTENSION.has(one));

// A pair (an escaped character, a surrogate pair) is not split between parts.
function partsOf(text) {
  const gsm = isGsm(text);
  const [alone, joined] = gsm ? [160, 153] : [70, 67];
  const sizes = [...text].map((one) => (gsm ? (EXTENSION.has(one) ? 2 : 1) : one.length));
  if (sizes.reduce((sum, size) => sum + size, 0) <= alone) return 1;
  let [parts, used] = [1, 0];
  for (const size of sizes) {
    if (used + size > joined) [parts, used] = [parts + 1, 0];
    used += size;
  }
  return parts;
}

// The words that Telnyx itself answers.  REVOKE and OPT OUT are not among them.
const KEYWORDS = { STOP: /^(stop|stopall|stop all|unsubscribe|cancel|end|quit)$/i, START: /^(start|unstop)$/i, HELP: /^(help|info)$/i };
const keywordOf = (text) => Object.keys(KEYWORDS).find((name) => KEYWORDS[name].test(text.trim())) ?? null;

const carrier = (number) => ({ phone_number: number, carrier: 'T-Mobile USA', line_type: 'Wireless' });

function messageOf(fields) {
  const now = new Date().toISOString();
  const { from, to, text = '', media_urls: media = [], status = 'queued' } = fields;
  return {
    record_type: 'message', id: randomUUID(), direction: 'outbound', type: fields.type ?? (media.length ? 'MMS' : 'SMS'),
    messaging_profile_id: fields.messaging_profile_id ?? '40000000-0000-4000-8000-000000000001',
    organization_id: '40000000-0000-4000-8000-000000000002',
    from: { ...(from && { phone_number: from }), carrier: 'Telnyx', line_type: 'VoIP' },
    to: [{ ...carrier(to), status }], cc: [], text, media: media.map((url) => ({ url, content_type: null, sha256: null, size: null })),
    subject: fields.subject ?? null, encoding: isGsm(text) ? 'GSM-7' : 'UCS-2', parts: partsOf(text), tags: [], errors: [],
    cost: { amount: '0.0075', currency: 'USD' }, webhook_url: fields.webhook_url ?? null,
    webhook_failover_url: fields.webhook_failover_url ?? null,
    received_at: now, sent_at: null, completed_at: null, valid_until: null,
  };
}

function receivedOf({ from = '+13125550199', to = '+13125550100', text = 'Hello', ...rest }) {
  return {
    ...messageOf({ text }), direction: 'inbound', webhook_url: null, from: carrier(from),
    to: [{ phone_number: to, carrier: 'Telnyx', line_type: 'Wireless', status: 'webhook_delivered' }],
    autoresponse_type: keywordOf(text), is_spam: false, ...rest,
  };
}

export function createMessages(world) {
  const messages = new Map();

  // The message as it stands after an event; `fields` may name its id and status.
  function progressed(type, { id, status, ...rest }) {
    const message = structuredClone(messages.get(id) ?? { ...messageOf({ to: '+13125550199' }), ...(id && { id }) });
    const now = new Date().toISOString();
    message.to[0].status = status ?? (type === 'message.sent' ? 'sent' : 'delivered');
    message.sent_at ??= now;
    if (type === 'message.finalized') message.completed_at = now;
    if (messages.has(id)) messages.set(id, message);
    return { ...message, ...rest };
  }

  // A STOP blocks the pair by itself, until a START.
  function received(fields) {
    const message = receivedOf(fields);
    const pair = `${message.to[0].phone_number}>${message.from.phone_number}`;
    const others = world.settings.opted_out.filter((one) => one !== pair);
    if (message.autoresponse_type === 'STOP') world.settings.opted_out = [...others, pair];
    if (message.autoresponse_type === 'START') world.settings.opted_out = others;
    return message;
  }

  function event(type, fields) {
    return telnyxEvent(type, type === 'message.received' ? received(fields) : progressed(type, fields), ATTEMPTS);
  }

  async function follow(message) {
    for (const type of ['message.sent', 'message.finalized']) {
      await world.deliveries.follow('telnyx', type, () => event(type, { id: message.id }), message.webhook_url);
    }
  }

  function send({ body }) {
    if (!body.from && !body.messaging_profile_id) {
      return { ...telnyxError(422, '10004', 'Missing required parameter', 'from or messaging_profile_id is required', { pointer: '/from' }), violation: 'body: neither from nor messaging_profile_id' };
    }
    if (!body.text && !body.media_urls) {
      return { ...telnyxError(422, '10004', 'Missing required parameter', 'text or media_urls is required', { pointer: '/text' }), violation: 'body: neither text nor media_urls' };
    }
    const message = messageOf(body);
    if (message.parts > MAX_PARTS) {
      return { ...telnyxError(422, '40302', 'Message too large', `the text has ${message.parts} parts`), violation: 'body: the text is too long' };
    }
    if (world.settings.opted_out.includes(`${body.from}>${body.to}`)) {
      return telnyxError(409, '40300', 'Blocked due to STOP message', `Messages cannot be sent from '${body.from}' to '${body.to}' due to an existing block rule.`);
    }
    messages.set(message.id, message);
    setImmediate(follow, message);
    return { status: 200, body: { data: message } };
  }

  function fetch({ params: [id] }) {
    const message = messages.get(id);
    return message ? { status: 200, body: { data: message } } : telnyxError(404, '10005', 'Resource not found', `there is no message ${id}`);
  }

  return {
    routes: [
      ['POST', /^\/v2\/messages$/, { check: request, handle: send }],
      ['GET', /^\/v2\/messages\/([0-9a-f-]{36})$/, { handle: fetch }],
    ],
    event,
    state: () => Object.fromEntries(messages),
    clear() { messages.clear(); },
  };
}
