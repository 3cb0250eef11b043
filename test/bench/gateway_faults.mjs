// gateway_faults.mjs
//		Load on the HTTP surface, and what faults do to it.  Prints milliseconds.
//
// Environment: GATE_URL TOKEN PGHOST PGPORT PGDATABASE PGUSER; ROUNDS, SECONDS_EACH.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import pg from '../client/node_modules/pg/lib/index.js';

const url = new URL(process.env.GATE_URL);
const rounds = Number(process.env.ROUNDS ?? 10);
const seconds = Number(process.env.SECONDS_EACH ?? 5);
const headers = { Authorization: `Bearer ${process.env.TOKEN}`, 'Content-Type': 'application/json' };
const list = '/rest/v1/leads?select=id,name&limit=10';

// One request; resolves to its status, or 0 when nobody answers.
function ask(agent, method, path, body) {
  return new Promise((resolve) => {
    const request = http.request({ agent, host: url.hostname, port: url.port, method, path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
      response.on('error', () => resolve(0));
    });
    request.on('error', () => resolve(0));
    request.end(body);
  });
}

// Repeats a request on connections of its own until told to stop.
function load(connections, method, path, body, each = () => {}) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  let isOver = false;
  const loop = async () => {
    while (!isOver) {
      const start = performance.now();
      const status = await ask(agent, method, path, body);
      each(performance.now() - start, status);
      if (status === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const all = Promise.all(Array.from({ length: connections }, loop));
  return async () => { isOver = true; await all; agent.destroy(); };
}

const quantile = (values, q) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
const session = new pg.Client();
await session.connect();
const { rows: [{ pid: backend }] } = await session.query('SELECT pg_backend_pid() AS pid');
const gate = async () => {
  const { rows } = await session.query(
    "SELECT substring(query FROM 'HTTP gate ([0-9]+) listens') AS pid FROM pg_stat_activity WHERE backend_type = 'cloudgreet supervisor'");
  return Number(rows[0]?.pid ?? 0);
};
const postmaster = (await session.query('SELECT pg_postmaster_start_time()::text AS at')).rows[0].at;

// --- The gate dies ---
const away = [];
let killed = 0;
for (let round = 0; round < rounds; round++) {
  let pid;
  do pid = await gate(); while (!pid || pid === killed);
  const agent = new http.Agent({ keepAlive: false });
  while (await ask(agent, 'GET', list) !== 200);
  // A gate that had lived for long: its crash is not the second in a row, and a spare stands by.
  await session.query('SELECT pg_reload_conf()');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  // Load of another process, so that what is measured is not how busy this one is.
  const wrk = spawn('wrk', ['-t1', '-c16', '-d2s', '-H', `Authorization: ${headers.Authorization}`, url.origin + list]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const start = performance.now();
  process.kill(pid, 'SIGSEGV');
  killed = pid;
  // Asks each millisecond: without a pause this would take the processor from the gate.
  while (await ask(agent, 'GET', list) !== 200) await new Promise((resolve) => setTimeout(resolve, 1));
  away.push(performance.now() - start);
  await once(wrk, 'exit');
}
const same = (await session.query('SELECT pg_backend_pid() AS pid, pg_postmaster_start_time()::text AS at')).rows[0];
console.log(`sigsegv_back_ms_median ${quantile(away, 0.5).toFixed(1)}`);
console.log(`sigsegv_back_ms_max ${Math.max(...away).toFixed(1)}`);
console.log(`sql_session_untouched ${same.pid === backend && same.at === postmaster}`);

// --- A slow call without end ---
for (const [name, slow] of [['nothing', null], ['waiting', 'wait_long'], ['computing', 'work_long']]) {
  const times = [];
  let failures = 0;
  const stopSlow = slow ? load(1, 'POST', `/rest/v1/rpc/${slow}`, '{}', (_, status) => { if (status >= 300) failures++; }) : async () => {};
  const stop = load(2, 'GET', list, undefined, (ms, status) => { times.push(ms); if (status !== 200) failures++; });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  await stop();
  await stopSlow();
  console.log(`fast_p99_ms_beside_${name} ${quantile(times, 0.99).toFixed(2)} (p50 ${quantile(times, 0.5).toFixed(2)}, ${times.length} requests, ${failures} failures)`);
}
await session.end();
