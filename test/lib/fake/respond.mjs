// respond.mjs
//		Writes an answer, or spoils it as a scripted action wants (fake/rules.mjs).
import { setTimeout as later } from 'node:timers/promises';

const TURN_MS = 20;

function bytesOf(answer, action) {
  const body = action.body ?? answer.body;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return Buffer.from(action.malformed ? text.slice(0, text.length / 2) : text);
}

const written = (response, chunk) => new Promise((resolve) => { response.write(chunk, resolve); });

async function trickle(response, bytes, bytesPerSecond) {
  const step = Math.max(1, Math.round((bytesPerSecond * TURN_MS) / 1000));
  const pause = (step * 1000) / bytesPerSecond;
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    await written(response, bytes.subarray(at, at + step));
    await later(pause);
  }
}

export async function respond(world, response, answer, action, entry) {
  const { socket } = response;
  const end = (how) => { entry.verdict.end = how; };
  if (action.hang) return end('hung');
  if (action.hold) await world.rules.hold(response);
  if (action.delay_ms) await later(action.delay_ms);
  if (response.destroyed) return undefined;
  if (action.reset === 'after_read') {
    end('reset');
    return socket.resetAndDestroy();
  }
  if (action.malformed === 'http') {
    end('not HTTP');
    return socket.end('HTTQ/1.1 what?\r\n\r\n');
  }
  const bytes = bytesOf(answer, action);
  const status = action.status ?? answer.status;
  entry.verdict.status = status;
  response.writeHead(status, {
    ...(bytes.length > 0 && { 'content-type': 'application/json' }),
    ...(status !== 204 && { 'content-length': bytes.length }),
    ...answer.headers,
    ...action.headers,
  });
  if (action.reset === 'mid_response') {
    await written(response, bytes.subarray(0, bytes.length / 2));
    end('reset');
    return socket.resetAndDestroy();
  }
  if (action.slow_bytes_per_s) await trickle(response, bytes, action.slow_bytes_per_s);
  if (action.close_after) response.on('finish', () => socket.end());
  return response.end(action.slow_bytes_per_s ? undefined : bytes);
}
