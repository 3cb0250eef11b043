// providers.mjs
//		The providers' own libraries against the fake provider: as clients of its APIs and
//		as judges of its signatures.
//
// Environment: FAKE, the line that fake_provider.mjs prints.  Prints TAP.
import http from 'node:http';
import { Resend } from 'resend';
import Retell from 'retell-sdk';
import { Webhook } from 'svix';
import Telnyx from 'telnyx';

const fake = JSON.parse(process.env.FAKE);
let count = 0;

function ok(condition, name, detail) {
  count += 1;
  console.log(`${condition ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!condition) console.log(`# ${JSON.stringify(detail)}`);
}

// The error of a promise that has to fail.
const failure = (promise) => promise.then((value) => ({ unexpected: value }), (error) => error);

async function control(method, operation, body) {
  const response = await fetch(`${fake.control}/${operation}`, { method, body: body && JSON.stringify(body) });
  return response.json();
}

// What arrived, oldest first; each { path, headers, body }.
const arrived = [];
const waiting = [];
const receiver = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  arrived.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
  waiting.splice(0).forEach((wake) => wake());
  response.end('{}');
});
await new Promise((resolve) => { receiver.listen(0, '127.0.0.1', resolve); });
const here = `http://127.0.0.1:${receiver.address().port}`;

async function arrivals(path, n) {
  const found = arrived.filter((one) => one.path === path);
  if (found.length >= n) return found;
  await new Promise((resolve) => { waiting.push(resolve); });
  return arrivals(path, n);
}

const verifiers = {
  telnyx: async ({ body, headers }) => telnyx.webhooks.unwrap(body, { headers }),
  resend: async ({ body, headers }) => new Webhook(fake.resend.webhook_secret).verify(body, headers),
  retell: async ({ body, headers }) => {
    // verify() is asynchronous: not to await it would accept everything.
    if (!await Retell.verify(body, fake.retell.key, headers['x-retell-signature'] ?? '')) throw new Error('refused');
    return JSON.parse(body);
  },
};
const judgement = (provider, one) => verifiers[provider](one).then((event) => event, () => null);

const telnyx = new Telnyx({ apiKey: fake.telnyx.key, publicKey: fake.telnyx.public_key, baseURL: fake.telnyx.url, maxRetries: 0 });
const sms = { from: '+13125550100', to: '+13125550199', text: 'You are booked.', webhook_url: `${here}/sms/1` };
let r = await telnyx.messages.send(sms);
ok(r.data.to[0].status === 'queued' && r.data.text === sms.text, 'telnyx: a message is queued', r);
const events = await arrivals('/sms/1', 2);
const unwrapped = await Promise.all(events.map((one) => judgement('telnyx', one)));
ok(unwrapped.map((event) => event?.data.event_type).join() === 'message.sent,message.finalized', 'telnyx: sent and finalized arrive, signed', unwrapped);
ok(unwrapped.every((event) => event?.data.payload.id === r.data.id), 'telnyx: both name the message', unwrapped);
r = await telnyx.messages.retrieve(r.data.id);
ok(r.data.to[0].status === 'delivered', 'telnyx: the message is remembered', r);
r = await failure(telnyx.messages.send({ ...sms, to: '13125550199' }));
ok(r.status === 422 && r.error?.errors?.[0]?.code === '10016', 'telnyx: a number that is not E.164 is refused', r);
await control('POST', 'settings', { opted_out: [`${sms.from}>${sms.to}`] });
r = await failure(telnyx.messages.send(sms));
ok(r.status === 409 && r.error?.errors?.[0]?.code === '40300', 'telnyx: a blocked pair is refused', r);

r = await telnyx.calls.dial({ connection_id: '1', from: sms.from, to: sms.to, command_id: 'dial-1' });
const call = r.data.call_control_id;
r = await telnyx.calls.dial({ connection_id: '1', from: sms.from, to: sms.to, command_id: 'dial-1' });
ok(call && r.data.call_control_id === call, 'telnyx: dialling again by the same command id is the same call', r);
const speak = { payload: 'Hello', voice: 'female', command_id: 'speak-1' };
r = await failure(telnyx.calls.actions.speak(call, speak));
ok(r.status === 422 && r.error?.errors?.[0]?.code === '90034', 'telnyx: nothing can be said before the answer', r);
await control('POST', 'webhook', { provider: 'telnyx', event_type: 'call.answered', fields: { call_control_id: call }, url: `${here}/voice` });
r = await telnyx.calls.actions.speak(call, speak);
ok(r.data.result === 'ok', 'telnyx: speak', r);
r = await telnyx.calls.actions.transfer(call, { to: 'sip:call_1@sip.example.com;transport=tcp' });
ok(r.data.result === 'ok', 'telnyx: transfer', r);
await telnyx.calls.actions.hangup(call, { command_id: 'hangup-1' });
r = await telnyx.calls.actions.hangup(call, { command_id: 'hangup-1' });
ok(r.data.result === 'ok', 'telnyx: a command id is answered again', r);
r = await failure(telnyx.calls.actions.hangup(call, { command_id: 'hangup-2' }));
ok(r.status === 422 && r.error?.errors?.[0]?.code === '90018', 'telnyx: the call has ended', r);
r = await failure(new Telnyx({ apiKey: 'KEYwrong', baseURL: fake.telnyx.url, maxRetries: 0 }).messages.send(sms));
ok(r.status === 401, 'telnyx: a wrong key is refused', r);

const resend = new Resend(fake.resend.key, { baseUrl: fake.resend.url });
const mail = { from: 'Desk <desk@example.com>', to: 'ana@example.org', subject: 'Booked', text: 'See you.', tags: [{ name: 'cg', value: '1' }] };
r = await resend.emails.send(mail, { idempotencyKey: 'outbox-1' });
const email = r.data?.id;
ok(email, 'resend: an e-mail is accepted', r);
r = await resend.emails.send(mail, { idempotencyKey: 'outbox-1' });
ok(r.data?.id === email, 'resend: the same key and body is the same e-mail', r);
r = await resend.emails.send({ ...mail, subject: 'Other' }, { idempotencyKey: 'outbox-1' });
ok(r.error?.name === 'invalid_idempotent_request', 'resend: the same key with another body is refused', r);
const state = await control('GET', 'state');
ok(Object.keys(state.resend.emails).length === 1, 'resend: there is one e-mail', state.resend);
r = await resend.emails.get(email);
ok(r.data?.subject === 'Booked', 'resend: the e-mail is remembered', r);
r = await resend.emails.send({ ...mail, to: 'nobody' });
ok(r.error?.name === 'validation_error', 'resend: a wrong address is refused', r);
r = await new Resend('re_wrong', { baseUrl: fake.resend.url }).emails.send(mail);
ok(r.error?.name === 'invalid_api_key', 'resend: a wrong key is refused', r);

const retell = new Retell({ apiKey: fake.retell.key, baseURL: fake.retell.url, maxRetries: 0 });
const outbound = { from_number: sms.from, to_number: sms.to, override_agent_id: 'agent_1', metadata: { cg_request_id: 'r1' }, retell_llm_dynamic_variables: { name: 'Ana' } };
const placed = await retell.call.createPhoneCall(outbound);
ok(placed.call_status === 'registered' && placed.agent_id === 'agent_1', 'retell: a call is placed', placed);
await retell.call.createPhoneCall({ ...outbound, metadata: { cg_request_id: 'r2' } });
r = await retell.call.list({ filter_criteria: { metadata: [{ key: 'cg_request_id', type: 'string', op: 'eq', value: 'r1' }] } });
ok(r.items?.length === 1 && r.items[0].call_id === placed.call_id, 'retell: it is found by its metadata', r);
r = await retell.call.list({ limit: 1 });
r = await retell.call.list({ limit: 1, pagination_key: r.pagination_key });
ok(r.items?.[0]?.call_id === placed.call_id && !r.has_more, 'retell: the listing has pages', r);
r = await retell.call.registerPhoneCall({ agent_id: 'agent_1', direction: 'inbound', from_number: sms.to, to_number: sms.from });
ok(r.call_id && r.direction === 'inbound', 'retell: a call is registered', r);
r = await retell.call.retrieve(placed.call_id);
ok(r.metadata?.cg_request_id === 'r1', 'retell: the call is remembered', r);
r = await failure(retell.call.createPhoneCall({ ...outbound, to_number: '5550199' }));
ok(r.status === 422, 'retell: a number that is not E.164 is refused', r);
r = await failure(retell.call.createPhoneCall({ ...outbound, retell_llm_dynamic_variables: { n: 1 } }));
ok(r.status === 400, 'retell: a dynamic variable that is not text is refused', r);

const samples = {
  telnyx: { types: ['message.received', 'call.initiated', 'call.hangup'], idOf: (event) => event.data.id },
  resend: { types: ['email.sent', 'email.delivered', 'email.bounced', 'email.complained'], idOf: (event, one) => one.headers['svix-id'] },
  retell: { types: ['call_started', 'call_ended', 'call_analyzed', 'call_inbound', 'function_call'] },
};
for (const [provider, { types, idOf }] of Object.entries(samples)) {
  for (const type of types) {
    const path = `/${provider}/${type}`;
    const command = { provider, event_type: type, url: here + path, fields: type === 'function_call' ? { name: 'book', args: { slot: 1 } } : {} };
    const sent = await control('POST', 'webhook', { ...command, times: 2 });
    const got = await arrivals(path, 2);
    const judged = await Promise.all(got.map((one) => judgement(provider, one)));
    ok(judged.every(Boolean) && sent.every(({ answer }) => answer.status === 200), `${provider}: ${type} is verified`, sent);
    if (idOf) ok(idOf(judged[0], got[0]) === idOf(judged[1], got[1]), `${provider}: ${type} has the same id again`, judged);
  }
  for (const wrong of [{ tamper: 'body' }, { tamper: 'signature' }, { tamper: 'key' }, { tamper: 'missing' }, { shift_seconds: -400 }, { shift_seconds: 400 }]) {
    const path = `/${provider}/${JSON.stringify(wrong).replace(/[^a-z0-9-]/g, '')}`;
    await control('POST', 'webhook', { provider, event_type: types[0], url: here + path, ...wrong });
    const [one] = await arrivals(path, 1);
    ok(await judgement(provider, one) === null, `${provider}: ${JSON.stringify(wrong)} is refused`, one);
  }
}

console.log(`1..${count}`);
process.exit(0);
