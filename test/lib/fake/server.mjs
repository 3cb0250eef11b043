// server.mjs
//		Listens, judges each request by its provider, and answers as the script wants.
//
// Of a provider it uses:
// routes              [[method, expression, { check?, handle }]]: `check` judges the JSON
//                     body; handle({ params, query, body, headers }) takes effect and
//                     gives { status, body, headers?, violation?, settle? }
// refuse(kind, text, problem)  its error for a request that is wrong in itself, which
//                     is recorded as a violation: unauthorized, header, not_found,
//                     method, media_type, size, json, body
// failure(status)     its error of that status, for the script
// authorize(headers)  the refusal of a request without the headers it wants, if any
// maxBody             bytes
import http from 'node:http';
import { problemsOf } from './check.mjs';
import { control } from './control.mjs';
import { respond } from './respond.mjs';
import { takesEffect } from './rules.mjs';

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function refusal(provider, kind, text, problem) {
  return { ...provider.refuse(kind, text, problem), violation: problem ? `${kind}: ${problem.path} ${problem.text}` : `${kind}: ${text}` };
}

function judge(provider, entry, bytes) {
  const refused = provider.authorize(entry.headers);
  if (refused) return refusal(provider, ...refused);
  const url = new URL(entry.path, 'http://fake');
  const path = url.pathname.slice(provider.name.length + 1);
  const here = provider.routes.filter(([, expression]) => expression.test(path));
  if (here.length === 0) return refusal(provider, 'not_found', `there is no ${path}`);
  const route = here.find(([method]) => method === entry.method);
  if (!route) return refusal(provider, 'method', `${entry.method} is not allowed on ${path}`);
  const [, expression, { check, handle }] = route;
  let body;
  if (check) {
    if (!/^application\/json\s*(;|$)/i.test(entry.headers['content-type'] ?? '')) return refusal(provider, 'media_type', 'the content type must be application/json');
    if (bytes.length > provider.maxBody) return refusal(provider, 'size', 'the body is too large');
    try {
      body = JSON.parse(entry.body);
    } catch {
      return refusal(provider, 'json', 'the body is not JSON');
    }
    const [problem] = problemsOf(check, body);
    if (problem) return refusal(provider, 'body', `${problem.path} ${problem.text}`, problem);
  } else if (bytes.length > 0) {
    return refusal(provider, 'body', 'a body was sent where none belongs');
  }
  const params = expression.exec(path).slice(1).map(decodeURIComponent);
  return handle({ params, query: url.searchParams, body, headers: entry.headers });
}

async function serve(world, request, response) {
  if (request.url.startsWith('/_control/')) return control(world, request, response, await readBody(request));
  const name = request.url.split('/', 2)[1];
  const provider = world.providers.find((one) => one.name === name);
  if (!provider) {
    request.resume();
    return response.writeHead(404).end('no such provider\n');
  }
  const entry = world.log.open(request, name, request.url);
  if (world.rules.take(entry, true)) {
    entry.verdict = { status: 0, accepted: false, scripted: true, end: 'reset' };
    return request.socket.resetAndDestroy();
  }
  const bytes = await readBody(request).catch(() => null);
  if (bytes === null) {
    entry.verdict = { status: 0, accepted: false, scripted: false, end: 'client left' };
    return undefined;
  }
  entry.body = bytes.toString();
  const action = world.rules.take(entry, false) ?? {};
  const answer = takesEffect(action) ? judge(provider, entry, bytes) : provider.failure(action.status ?? 500);
  const accepted = takesEffect(action) && answer.status < 300;
  entry.verdict = { status: 0, accepted, scripted: Object.keys(action).length > 0, end: 'pending' };
  if (answer.violation) entry.verdict.violation = answer.violation;
  response.on('close', () => {
    answer.settle?.();
    if (entry.verdict.end === 'pending') entry.verdict.end = response.writableFinished ? 'answered' : 'client left';
  });
  return respond(world, response, answer, action, entry);
}

// The port that it listens on.
export function listen(world, port) {
  let connections = 0;
  const server = http.createServer({ keepAliveTimeout: 60000, requestTimeout: 0 }, (request, response) => {
    serve(world, request, response).catch((error) => {
      process.stderr.write(`${error.stack}\n`);
      response.destroy();
    });
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.number = connections;
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', 4096, () => resolve(server.address().port));
  });
}
