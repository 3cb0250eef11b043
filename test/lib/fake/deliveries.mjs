// deliveries.mjs
//		Sends signed webhooks and remembers what the receivers answered.
//
// An event is { event_type, body, attempts }: body(attempt, url) gives the object to
// send, `attempts` is how often the provider tries until it is answered 2xx.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as later } from 'node:timers/promises';

const TIMEOUT_MS = 10000;
const BACKOFF_MS = 100;
const LIMIT = 20000;
const agent = new http.Agent({ keepAlive: true });

function post(url, headers, body) {
  return new Promise((resolve) => {
    const request = http.request(url, { method: 'POST', agent, headers, timeout: TIMEOUT_MS }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
      response.on('error', (error) => resolve({ status: 0, error: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', (error) => resolve({ status: 0, error: error.message }));
    request.end(body);
  });
}

// What an attacker, or a broken proxy, makes of a signed request.
const tamperings = {
  body: (sent) => { sent.body = Buffer.from(sent.body.toString().replace(/\}$/, ' }')); },
  // One digit, three quarters in: amid the digest in each provider's form.
  signature: (sent, name) => {
    const text = sent.headers[name];
    const at = Math.floor(text.length * 0.75);
    sent.headers[name] = text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1);
  },
  missing: (sent, name) => { delete sent.headers[name]; },
};
const signatureHeader = { telnyx: 'telnyx-signature-ed25519', resend: 'svix-signature', retell: 'x-retell-signature' };

export const tamperKinds = [...Object.keys(tamperings), 'key'];

export function createDeliveries(world) {
  let made = [];

  // The bytes and headers of one attempt; id is that of the event, for Svix.
  function dress({ provider, object, id, tamper, shiftSeconds = 0 }) {
    const body = Buffer.from(JSON.stringify(object));
    const milliseconds = Date.now() + shiftSeconds * 1000;
    const signature = world.keys.signatureOf(provider, { body, milliseconds, id, wrongKey: tamper === 'key' });
    const sent = { body, headers: { 'content-type': 'application/json', 'user-agent': `fake-${provider}`, ...signature } };
    tamperings[tamper]?.(sent, signatureHeader[provider]);
    return sent;
  }

  function whereabouts(url) {
    const { origin, pathname, search } = new URL(url);
    return (world.settings.webhook_origins[origin] ?? origin) + pathname + search;
  }

  async function send(provider, event, url, options) {
    const sent = dress({ provider, object: event.body(options.attempt, url), ...options });
    const answer = await post(whereabouts(url), { ...sent.headers, 'content-length': sent.body.length }, sent.body);
    const delivery = {
      provider, event_type: event.event_type, url, attempt: options.attempt,
      headers: sent.headers, body: sent.body.toString(), answer,
    };
    made.push(delivery);
    if (made.length > 2 * LIMIT) made = made.slice(-LIMIT);
    return delivery;
  }

  const newId = () => `msg_${randomUUID().replaceAll('-', '')}`;

  return {
    // The event that follows a request by itself, tried again like the provider does.
    // It happens (make) even when nobody is to be told.
    async follow(provider, type, make, requestUrl) {
      if (!world.settings.auto_webhooks.includes(type)) return;
      const event = make();
      const url = requestUrl ?? world.settings.webhook_urls[provider];
      if (!url) return;
      const id = newId();
      for (let attempt = 1; attempt <= event.attempts; attempt += 1) {
        const { answer } = await send(provider, event, url, { id, attempt });
        if (answer.status >= 200 && answer.status < 300) return;
        await later(BACKOFF_MS * attempt, undefined, { ref: false });
      }
    },
    // The same event `times` times at once, as redeliveries that overtake each other.
    command(provider, event, url, { times = 1, tamper, shiftSeconds }) {
      const id = newId();
      return Promise.all(Array.from({ length: times }, (_, i) =>
        send(provider, event, url, { id, attempt: i + 1, tamper, shiftSeconds })));
    },
    list: () => made,
    clear() { made = []; },
  };
}
