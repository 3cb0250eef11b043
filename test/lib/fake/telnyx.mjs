// telnyx.mjs
//		Telnyx API v2: messages and call control.  Errors are {errors: [{code, title, detail}]}
//		with codes of digits.  Fields that this file does not play are refused as unknown.
import { createCalls } from './telnyx_calls.mjs';
import { telnyxError } from './telnyx_shapes.mjs';
import { createMessages } from './telnyx_messages.mjs';

const refusals = {
  unauthorized: [401, '10009', 'Authentication failed'],
  header: [400, '10015', 'Bad Request'],
  not_found: [404, '10005', 'Resource not found'],
  method: [405, '10015', 'Method not allowed'],
  media_type: [415, '10014', 'Unsupported Media Type'],
  size: [413, '10015', 'Bad Request'],
  json: [400, '10023', 'Invalid JSON'],
};
const bodyCodes = {
  required: ['10004', 'Missing required parameter'],
  format: ['10016', 'Phone number must be in +E.164 format'],
  unknown: ['10015', 'Bad Request'],
};
const failures = {
  429: ['10011', 'Too many requests'],
  500: ['10007', 'Unexpected error'],
  503: ['10007', 'Service unavailable'],
};

export function createTelnyx(world) {
  const messages = createMessages(world);
  const calls = createCalls(world);
  return {
    name: 'telnyx',
    base: '/v2',
    maxBody: 1 << 20,
    routes: [...messages.routes, ...calls.routes],
    authorize: (headers) => (world.keys.accepts('telnyx', headers.authorization) ? null : ['unauthorized', 'the API key is not known']),
    refuse(kind, text, problem) {
      if (!problem) return telnyxError(...refusals[kind] ?? refusals.header, text);
      const isNumber = problem.kind === 'format' && /E\.164/.test(problem.text);
      const [code, title] = problem.kind === 'format' && !isNumber ? bodyCodes.unknown : bodyCodes[problem.kind] ?? bodyCodes.unknown;
      return telnyxError(422, code, title, text, { pointer: problem.path });
    },
    failure: (status) => telnyxError(status, ...failures[status] ?? ['10015', 'Bad Request'], 'as scripted'),
    state: () => ({ messages: messages.state(), calls: calls.state() }),
    event: (type, fields) => (type.startsWith('message.') ? messages : calls).event(type, fields),
    clear() {
      messages.clear();
      calls.clear();
    },
  };
}
