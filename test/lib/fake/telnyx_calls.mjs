// telnyx_calls.mjs
//		Telnyx call control.  A command id that was seen in the last 60 seconds (of the same
//		call; for dialling, of the account) is answered again without effect.
//
// A call is parked (incoming) or dialled, then answered, then ended.
import { randomUUID } from 'node:crypto';
import * as c from './check.mjs';
import { telnyxError, telnyxEvent } from './telnyx_shapes.mjs';

const COMMAND_MEMORY_MS = 60000;
const ATTEMPTS = 3;

const command = { command_id: c.string(255), client_state: c.base64 };
const header = c.object({ 'name*': c.string(), 'value*': c.string() });
const leg = {
  from: c.e164, from_display_name: c.string(128), timeout_secs: c.integer(5, 600), time_limit_secs: c.integer(30, 14400),
  answering_machine_detection: c.enumeration('premium', 'detect', 'detect_beep', 'detect_words', 'greeting_end', 'disabled'),
  record: c.enumeration('record-from-answer'), custom_headers: c.list(header), webhook_url: c.url,
  webhook_url_method: c.enumeration('POST', 'GET'), webhook_urls: c.dictionary(c.url),
  sip_transport_protocol: c.enumeration('UDP', 'TCP', 'TLS'),
};
const target = c.either(c.sip, c.e164);
const dial = c.object({ 'connection_id*': c.string(), 'to*': c.either(c.list(target, 1), target), ...leg, 'from*': c.e164, ...command });

// Per action: its fields, the states it wants and the state it makes.
const actions = {
  answer: { fields: { webhook_url: c.url, record: leg.record, custom_headers: leg.custom_headers }, from: ['parked'], to: 'answered' },
  reject: { fields: { 'cause*': c.enumeration('CALL_REJECTED', 'USER_BUSY') }, from: ['parked'], to: 'ended' },
  hangup: { fields: { custom_headers: leg.custom_headers }, from: ['parked', 'dialled', 'answered'], to: 'ended' },
  speak: {
    fields: {
      'payload*': c.string(3000), 'voice*': c.string(), language: c.string(), payload_type: c.enumeration('text', 'ssml'),
      service_level: c.enumeration('basic', 'premium'), stop: c.string(),
    },
    from: ['answered'],
  },
  transfer: { fields: { 'to*': target, ...leg, target_leg_client_state: c.base64, early_media: c.boolean }, from: ['parked', 'answered'] },
};

const eventStates = { 'call.initiated': 'parked', 'call.answered': 'answered', 'call.hangup': 'ended' };

const describe = ({ state, commands, seen, ...call }) => ({ ...call, record_type: 'call', is_alive: state === 'answered' });

export function createCalls(world) {
  const calls = new Map();
  const dialled = new Map();

  // The answer that a command id got before, unless that was too long ago.
  function repeated(seen, id) {
    const before = id === undefined ? undefined : seen.get(id);
    return before && world.now() - before.at < COMMAND_MEMORY_MS ? before.answer : undefined;
  }

  function remembered(seen, id, answer) {
    if (id !== undefined) seen.set(id, { at: world.now(), answer });
    return answer;
  }

  function create(state, fields) {
    const call = {
      call_control_id: `v3:${randomUUID()}/${randomUUID()}=`, call_leg_id: randomUUID(), call_session_id: randomUUID(),
      start_time: new Date().toISOString(), ...fields, state, commands: [], seen: new Map(),
    };
    calls.set(call.call_control_id, call);
    return call;
  }

  function place({ body }) {
    const before = repeated(dialled, body.command_id);
    if (before) return before;
    const call = create('dialled', { ...(body.client_state && { client_state: body.client_state }) });
    call.commands.push({ action: 'dial', ...body });
    return remembered(dialled, body.command_id, { status: 200, body: { data: describe(call) } });
  }

  function perform(name, { params: [id], body }) {
    const { from, to } = actions[name];
    const call = calls.get(id);
    if (!call) return telnyxError(422, '90015', 'Invalid Call Control ID', 'The call_control_id provided was not valid.');
    const before = repeated(call.seen, body.command_id);
    if (before) return before;
    if (call.state === 'ended') return telnyxError(422, '90018', 'Call has already ended', 'This call is no longer active and can\'t receive commands.');
    if (!from.includes(call.state)) return telnyxError(422, '90034', 'Call not answered yet', 'This call can\'t receive this command because it has not been answered yet.');
    call.state = to ?? call.state;
    if (body.client_state) call.client_state = body.client_state;
    call.commands.push({ action: name, ...body });
    return remembered(call.seen, body.command_id, { status: 200, body: { data: { result: 'ok' } } });
  }

  // Moves the call that `fields` name; call.initiated and unknown ids make one.
  function event(type, fields) {
    const call = calls.get(fields.call_control_id) ?? create('parked', fields);
    call.state = eventStates[type] ?? call.state;
    const { commands, seen, ...shown } = call;
    const payload = {
      connection_id: '2694017435527906011', from: '+13125550199', to: '+13125550100', direction: 'incoming',
      ...shown, custom_headers: [], sip_headers: [], tags: [],
      ...(type === 'call.hangup' && { state: 'hangup', hangup_cause: 'normal_clearing', hangup_source: 'caller', sip_hangup_cause: '200', call_quality_stats: null }),
      ...fields,
    };
    return telnyxEvent(type, payload, ATTEMPTS);
  }

  return {
    routes: [
      ['POST', /^\/v2\/calls$/, { check: dial, handle: place }],
      ...Object.entries(actions).map(([name, { fields }]) =>
        ['POST', new RegExp(`^/v2/calls/([^/]+)/actions/${name}$`), { check: c.object({ ...fields, ...command }), handle: (asked) => perform(name, asked) }]),
    ],
    event,
    state: () => Object.fromEntries([...calls].map(([id, { seen, ...call }]) => [id, call])),
    clear() {
      calls.clear();
      dialled.clear();
    },
  };
}
