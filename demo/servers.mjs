// servers.mjs
//		What the story talks to: the database by psql, the fake providers by their control
//		surface.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The JSON that a file of this directory prints; PGHOST and the like say where.
export function ask(file, variables) {
  const given = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  const path = fileURLToPath(new URL(file, import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'];
  return JSON.parse(execFileSync('psql', ['-XAt', '-v', 'ON_ERROR_STOP=1', ...given, '-f', path], { encoding: 'utf8', stdio }));
}

export function connectProviders(descriptionFile) {
  const about = JSON.parse(readFileSync(descriptionFile, 'utf8'));

  async function control(operation, value) {
    const options = value && { method: 'POST', body: JSON.stringify(value) };
    const response = await fetch(`${about.control}/${operation}`, options);
    const result = await response.json();
    if (!response.ok) throw new Error(`the fake providers: ${operation}: ${result?.error ?? response.status}`);
    return result;
  }

  return {
    about,
    state: () => control('state'),
    set: (settings) => control('settings', settings),
    // Has a provider send a signed webhook; the answer, which must be 200.
    async webhook(provider, type, url, fields) {
      const [{ answer }] = await control('webhook', { provider, event_type: type, url, fields });
      if (answer.status !== 200) throw new Error(`${provider}'s ${type} was answered ${answer.status} ${answer.error ?? answer.body}`);
      return JSON.parse(answer.body);
    },
  };
}
