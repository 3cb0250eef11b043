// resend.mjs
//		Resend: POST /emails with its idempotency keys.  Errors are {statusCode, name, message}.
//
// For 24 hours a key with the same body gives the same answer and no second e-mail, with
// another body 409; while the first request is not answered yet, 409 as well.
import { createHash, randomUUID } from 'node:crypto';
import * as c from './check.mjs';

const KEY_MEMORY_MS = 24 * 3600 * 1000;
const ATTEMPTS = 3;
const DEFAULT_RATE = 5;

const address = c.pattern(/^(?:[^<>@]+ <)?[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+>?$/, 'must be an address, or a name and an address in <>');
const addresses = c.either(c.list(address, 1, 50), address);
const label = c.pattern(/^[A-Za-z0-9_-]{1,256}$/, 'must have 1 to 256 letters, digits, _ or -');
const request = c.object({
  'from*': address, 'to*': addresses, 'subject*': c.string(998), html: c.string(1 << 20), text: c.string(1 << 20),
  cc: addresses, bcc: addresses, reply_to: addresses, headers: c.dictionary(c.string(998)),
  tags: c.list(c.object({ 'name*': label, 'value*': label }), 0, 50), scheduled_at: c.string(64), topic_id: c.string(64),
  attachments: c.list(c.object({ filename: c.string(), content: c.base64, path: c.url, content_type: c.string(), content_id: c.string(128) })),
});

const error = (status, name, message) => ({ status, body: { statusCode: status, name, message } });

const refusals = {
  unauthorized: [403, 'invalid_api_key', 'API key is invalid'],
  header: [400, 'validation_error'],
  not_found: [404, 'not_found'],
  method: [405, 'method_not_allowed'],
  media_type: [415, 'validation_error'],
  size: [413, 'validation_error'],
  json: [400, 'validation_error'],
};
const failures = { 403: 'invalid_api_key', 409: 'concurrent_idempotent_requests', 422: 'validation_error', 429: 'rate_limit_exceeded', 500: 'internal_server_error' };

export function createResend(world) {
  const emails = new Map();
  const keys = new Map();
  let second = 0;
  let taken = 0;

  // Counts a request in its second; the headers tell what is left of it.
  function rate() {
    const limit = world.settings.resend_rate || DEFAULT_RATE;
    const now = Math.floor(Date.now() / 1000);
    taken = now === second ? taken + 1 : 1;
    second = now;
    const headers = { 'ratelimit-limit': limit, 'ratelimit-remaining': Math.max(0, limit - taken), 'ratelimit-reset': 1 };
    return { headers, exceeded: world.settings.resend_rate > 0 && taken > limit };
  }

  function event(type, { email_id: id, ...rest }) {
    const email = emails.get(id) ?? { from: 'Front desk <desk@example.com>', to: ['ana@example.org'], subject: 'Hello' };
    const created = email.created_at ?? new Date().toISOString();
    const tags = Object.fromEntries((email.tags ?? []).map(({ name, value }) => [name, value]));
    const data = {
      email_id: id ?? randomUUID(), created_at: created, from: email.from, to: [email.to].flat(), subject: email.subject, tags,
      ...(type === 'email.bounced' && { bounce: { type: 'Permanent', subType: 'General', message: 'The recipient address does not exist.', diagnosticCode: ['smtp; 550 5.1.1 user unknown'] } }),
      ...rest,
    };
    if (emails.has(id)) email.last_event = type.slice('email.'.length);
    const object = { type, created_at: new Date().toISOString(), data };
    return { event_type: type, attempts: ATTEMPTS, body: () => object };
  }

  async function follow(id) {
    for (const type of ['email.sent', 'email.delivered']) {
      await world.deliveries.follow('resend', type, () => event(type, { email_id: id }));
    }
  }

  function accept(body) {
    const id = randomUUID();
    emails.set(id, { id, ...body, created_at: new Date().toISOString(), last_event: 'queued' });
    setImmediate(follow, id);
    return { status: 200, body: { id } };
  }

  function once(key, body) {
    const hash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    const before = keys.get(key);
    if (before && world.now() - before.at < KEY_MEMORY_MS) {
      if (before.hash !== hash) return { ...error(409, 'invalid_idempotent_request', 'This idempotency key was used with another body.'), violation: 'header: an idempotency key with another body' };
      if (before.running) return error(409, 'concurrent_idempotent_requests', 'A request with this idempotency key is in progress.');
      return before.answer;
    }
    const record = { at: world.now(), hash, running: true, answer: accept(body) };
    keys.set(key, record);
    return { ...record.answer, settle() { record.running = false; } };
  }

  function judged({ body, headers }) {
    const key = headers['idempotency-key'];
    if (key !== undefined && (key === '' || key.length > 256)) {
      return { ...error(400, 'invalid_idempotency_key', 'The idempotency key must have 1 to 256 characters.'), violation: 'header: idempotency key' };
    }
    if (body.html === undefined && body.text === undefined) {
      return { ...error(422, 'missing_required_field', 'Missing `html` or `text` field.'), violation: 'body: neither html nor text' };
    }
    return key === undefined ? accept(body) : once(key, body);
  }

  function send(asked) {
    const { headers, exceeded } = rate();
    const answer = exceeded ? error(429, 'rate_limit_exceeded', 'Too many requests.') : judged(asked);
    return { ...answer, headers: exceeded ? { ...headers, 'retry-after': 1 } : headers };
  }

  function fetch({ params: [id] }) {
    const email = emails.get(id);
    if (!email) return error(404, 'not_found', 'Email not found');
    const many = (value) => (value === undefined ? [] : [value].flat());
    return { status: 200, body: { object: 'email', ...email, to: many(email.to), cc: many(email.cc), bcc: many(email.bcc), reply_to: many(email.reply_to) } };
  }

  return {
    name: 'resend',
    base: '',
    maxBody: 40 << 20,
    routes: [
      ['POST', /^\/emails$/, { check: request, handle: send }],
      ['GET', /^\/emails\/([0-9a-f-]{36})$/, { handle: fetch }],
    ],
    authorize(headers) {
      if (!headers['user-agent']) return ['header', 'a User-Agent is required'];
      return world.keys.accepts('resend', headers.authorization) ? null : ['unauthorized', 'API key is invalid'];
    },
    refuse(kind, text, problem) {
      if (problem) return error(422, problem.kind === 'required' ? 'missing_required_field' : 'validation_error', text);
      const [status, name, message] = refusals[kind] ?? refusals.header;
      return error(status, name, message ?? text);
    },
    failure: (status) => error(status, failures[status] ?? 'application_error', 'as scripted'),
    state: () => ({ emails: Object.fromEntries(emails) }),
    event,
    clear() {
      emails.clear();
      keys.clear();
    },
  };
}
