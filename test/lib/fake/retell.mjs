// retell.mjs
//		Retell AI: phone calls, made and registered, and the listing by which a lost answer
//		is reconciled.  Errors are {status: "error", message}.  There is no idempotency.
import { randomUUID } from 'node:crypto';
import * as c from './check.mjs';

const ATTEMPTS = 3;
const MAX_METADATA = 50 * 1024;
const DEFAULT_LIMIT = 50;
const AGENT = 'agent_of_the_number';

const texts = c.dictionary(c.string());
const metadata = (value, path, problems) => {
  c.anyObject(value, path, problems);
  if (JSON.stringify(value).length > MAX_METADATA) problems.push({ kind: 'size', path, text: 'must be smaller than 50 kB' });
};
const given = { metadata, retell_llm_dynamic_variables: texts, agent_override: c.anyObject };
const creation = c.object({
  'from_number*': c.string(), 'to_number*': c.string(), override_agent_id: c.string(), override_agent_version: c.integer(0),
  custom_sip_headers: texts, ignore_e164_validation: c.boolean, ...given,
});
const registration = c.object({
  'agent_id*': c.string(), agent_version: c.integer(0), direction: c.enumeration('inbound', 'outbound'),
  from_number: c.string(), to_number: c.string(), ...given,
});
const scalar = c.either(c.string(), c.boolean, c.integer());
const equals = { 'type*': c.enumeration('string', 'number', 'boolean'), 'op*': c.enumeration('eq'), 'value*': scalar };
const FILTERS = ['call_id', 'call_status', 'from_number', 'to_number'];
const listing = c.object({
  filter_criteria: c.object({
    ...Object.fromEntries(FILTERS.map((name) => [name, c.object(equals)])),
    metadata: c.list(c.object({ 'key*': c.string(), ...equals })),
  }),
  limit: c.integer(1, 1000), pagination_key: c.string(), sort_order: c.enumeration('ascending', 'descending'),
});

const error = (status, message) => ({ status, body: { status: 'error', message } });
const statuses = { unauthorized: 401, header: 400, not_found: 404, method: 404, media_type: 400, size: 400, json: 400, body: 400 };
const failures = { 402: 'No valid payment method.', 429: 'Rate limit exceeded.', 500: 'An unexpected server error occurred.' };

const callStates = { call_started: 'ongoing', call_ended: 'ended', call_analyzed: 'ended' };

// What an event adds to the call besides what the test names.
function progress(type) {
  const now = Date.now();
  if (type === 'call_started') return { start_timestamp: now };
  if (type === 'call_ended') return { end_timestamp: now, disconnection_reason: 'user_hangup', transcript: 'Agent: Hello.\nUser: Hello.\n' };
  if (type === 'call_analyzed') return { call_analysis: { call_summary: 'They said hello.', in_voicemail: false, user_sentiment: 'Neutral', call_successful: true } };
  return {};
}

export function createRetell(world) {
  const calls = new Map();

  function create(fields) {
    const call = {
      call_id: `call_${randomUUID().replaceAll('-', '').slice(0, 27)}`, call_type: 'phone_call', agent_version: 0,
      call_status: 'registered', agent_id: AGENT, direction: 'inbound', from_number: '+13125550199', to_number: '+13125550100', ...fields,
    };
    calls.set(call.call_id, call);
    return { status: 201, body: call };
  }

  function place({ body: { override_agent_id: agent, override_agent_version: version, ignore_e164_validation: any, agent_override: override, ...body } }) {
    for (const name of any ? [] : ['from_number', 'to_number']) {
      if (c.problemsOf(c.e164, body[name]).length) return { ...error(422, `${name} must be in E.164 format.`), violation: `body: /${name} must be a number in E.164 form` };
    }
    return create({ ...body, direction: 'outbound', ...(agent && { agent_id: agent }), ...(version !== undefined && { agent_version: version }) });
  }

  const register = ({ body: { agent_override: override, ...body } }) => create(body);

  function list({ body: { filter_criteria: filter = {}, limit = DEFAULT_LIMIT, pagination_key: after, sort_order: order = 'descending' } }) {
    const { metadata: wanted = [], ...direct } = filter;
    const found = [...calls.values()].filter((call) =>
      Object.entries(direct).every(([name, { value }]) => call[name] === value)
      && wanted.every(({ key, value }) => call.metadata?.[key] === value));
    if (order === 'descending') found.reverse();
    const start = after === undefined ? 0 : found.findIndex((call) => call.call_id === after) + 1;
    const items = found.slice(start, start + limit);
    const more = start + items.length < found.length;
    return { status: 200, body: { items, has_more: more, ...(more && { pagination_key: items.at(-1).call_id }) } };
  }

  function fetch({ params: [id] }) {
    const call = calls.get(id);
    return call ? { status: 200, body: call } : error(404, `Item ${id} not found from call`);
  }

  // fields: of call_inbound its own, of a function call {name, args, call}, else of the call.
  function event(type, fields) {
    const wrap = (object) => ({ event_type: type, attempts: ATTEMPTS, body: () => object });
    if (type === 'call_inbound') {
      return wrap({ event: type, call_inbound: { agent_id: AGENT, agent_version: 0, from_number: '+13125550199', to_number: '+13125550100', ...fields } });
    }
    const changes = type === 'function_call' ? fields.call ?? {} : fields;
    const call = calls.get(changes.call_id) ?? create(changes).body;
    Object.assign(call, { call_status: callStates[type] ?? call.call_status, ...progress(type), ...changes });
    if (type === 'function_call') return wrap({ name: fields.name, call: structuredClone(call), args: fields.args ?? {} });
    return wrap({ event: type, call: structuredClone(call) });
  }

  return {
    name: 'retell',
    base: '',
    maxBody: 1 << 20,
    routes: [
      ['POST', /^\/v2\/create-phone-call$/, { check: creation, handle: place }],
      ['POST', /^\/v2\/register-phone-call$/, { check: registration, handle: register }],
      ['POST', /^\/v3\/list-calls$/, { check: listing, handle: list }],
      ['GET', /^\/v2\/get-call\/([^/]+)$/, { handle: fetch }],
    ],
    authorize: (headers) => (world.keys.accepts('retell', headers.authorization) ? null : ['unauthorized', 'Invalid API key.']),
    refuse: (kind, text) => error(statuses[kind], text),
    failure: (status) => error(status, failures[status] ?? 'as scripted'),
    state: () => ({ calls: Object.fromEntries(calls) }),
    event,
    clear() { calls.clear(); },
  };
}
