// control.mjs
//		What tests ask and tell the fake, under /_control.
//
// GET  log?since=N     requests after number N: method, path, headers, body, arrival in
//                      microseconds, connection number, verdict
// GET  violations      those of them that a provider would never want to see
// GET  state           per provider what it holds; the webhooks sent
// GET  state?provider=P&kind=K&fields=F,G   of that kind of object alone, with these fields
// GET  wire            how often each text or subject was sent to it
// POST script          [rule, ...] (fake/rules.mjs); GET script: those not used up
// POST release         answers what rules hold, and ends these
// POST settings        {name: value} (fake/world.mjs)
// POST webhook         {provider, event_type, fields, url, times, tamper, shift_seconds}
//                      sends a signed webhook; answers with what was sent and answered
// POST reset           forgets everything, but not the keys
import * as c from './check.mjs';
import { tamperKinds } from './deliveries.mjs';

const webhookShape = c.object({
  'provider*': c.string(), 'event_type*': c.string(), fields: c.anyObject, url: c.url,
  times: c.integer(1), tamper: c.enumeration(...tamperKinds), shift_seconds: c.integer(),
});

function validated(check, value) {
  const [problem] = c.problemsOf(check, value);
  if (problem) throw new Error(`${problem.path} ${problem.text}`);
  return value;
}

async function sendWebhook(world, command) {
  const { provider, event_type: type, fields = {}, times, tamper, shift_seconds: shiftSeconds } = validated(webhookShape, command);
  const sender = world.providers.find(({ name }) => name === provider);
  if (!sender) throw new Error(`there is no provider ${provider}`);
  const url = command.url ?? world.settings.webhook_urls[provider];
  if (!url) throw new Error(`no URL for webhooks of ${provider}`);
  return world.deliveries.command(provider, sender.event(type, fields), url, { times, tamper, shiftSeconds });
}

function changeSettings(world, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in world.settings)) throw new Error(`there is no setting ${name}`);
    world.settings[name] = value;
  }
  return world.settings;
}

const pick = (object, fields) => Object.fromEntries(fields.map((field) => [field, object[field]]));

// All, or one kind of object of a provider, or only some fields of these.
function stateOf(world, query) {
  const name = query.get('provider');
  if (!name) return { ...Object.fromEntries(world.providers.map((provider) => [provider.name, provider.state()])), webhooks: world.deliveries.list() };
  const state = world.providers.find((provider) => provider.name === name).state();
  const objects = query.has('kind') ? state[query.get('kind')] : state;
  const fields = query.get('fields')?.split(',');
  return fields ? Object.fromEntries(Object.entries(objects).map(([id, object]) => [id, pick(object, fields)])) : objects;
}

function countOnWire(world) {
  const counts = {};
  for (const { body } of world.log.since(0)) {
    for (const [, words] of body.matchAll(/"(?:text|subject)": *"([^"]*)"/g)) counts[words] = (counts[words] ?? 0) + 1;
  }
  return counts;
}

const operations = {
  'GET log': (world, query) => world.log.since(Number(query.get('since') ?? 0)),
  'GET violations': (world) => world.log.violations(),
  'GET state': stateOf,
  'GET wire': countOnWire,
  'GET script': (world) => world.rules.pending(),
  'POST script': (world, query, rules) => world.rules.add(validated(c.list(c.anyObject), rules)),
  'POST release': (world) => world.rules.release(),
  'POST settings': (world, query, changes) => changeSettings(world, changes),
  'POST webhook': (world, query, command) => sendWebhook(world, command),
  'POST reset': (world) => world.reset(),
};

export async function control(world, request, response, bytes) {
  const url = new URL(request.url, 'http://fake');
  const operation = operations[`${request.method} ${url.pathname.slice('/_control/'.length)}`];
  let status = operation ? 200 : 404;
  let result = null;
  try {
    result = (await operation?.(world, url.searchParams, bytes.length ? JSON.parse(bytes) : {})) ?? null;
  } catch (error) {
    status = 400;
    result = { error: error.message };
  }
  const body = JSON.stringify(result);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}
