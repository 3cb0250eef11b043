// log.mjs
//		Every request in the order of arrival, in memory: the newest LIMIT of them at least.
import { performance } from 'node:perf_hooks';

const LIMIT = 200000;

const microseconds = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

export function createLog() {
  let entries = [];
  let sequence = 0;

  return {
    // verdict becomes { status (0: none was sent), accepted, scripted, end, violation? }.
    open(request, provider, path) {
      sequence += 1;
      const entry = {
        n: sequence, provider, method: request.method, path, headers: request.headers, body: '',
        at: microseconds(), connection: request.socket.number, verdict: null,
      };
      entries.push(entry);
      if (entries.length > 2 * LIMIT) entries = entries.slice(-LIMIT);
      return entry;
    },
    since: (n) => entries.filter((entry) => entry.n > n),
    violations: () => entries.filter((entry) => entry.verdict?.violation),
    clear() { entries = []; },
  };
}
