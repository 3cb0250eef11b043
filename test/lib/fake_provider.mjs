// fake_provider.mjs
//		Plays the providers (Telnyx, Resend, Retell) for tests and the demo, strictly and
//		with a memory, on 127.0.0.1.
//
// node test/lib/fake_provider.mjs [--port N] [--key-telnyx KEY] [--key-resend KEY]
//   [--key-retell KEY] [--webhook-telnyx URL] [--webhook-resend URL] [--webhook-retell URL]
//   [--until-eof]
//
// Prints one line of JSON when it listens: per provider its base URL, its key and what
// its webhooks are verified with, and the URL of the control surface (fake/control.mjs).
// Keys that are not given are made up.  --until-eof ends it with its stdin, so that it
// never outlives the test that started it.
//
// A provider is one file of fake/.  It gives { name, base, maxBody, routes, refuse, failure,
// authorize, state, event }; fake/server.mjs says how each is used.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createKeys } from './fake/keys.mjs';
import { listen } from './fake/server.mjs';
import { createWorld } from './fake/world.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'key-telnyx': { type: 'string', default: `KEY${randomBytes(16).toString('hex')}` },
    'key-resend': { type: 'string', default: `re_${randomBytes(16).toString('hex')}` },
    'key-retell': { type: 'string', default: `key_${randomBytes(16).toString('hex')}` },
    'webhook-telnyx': { type: 'string' },
    'webhook-resend': { type: 'string' },
    'webhook-retell': { type: 'string' },
    'until-eof': { type: 'boolean', default: false },
  },
});

const names = ['telnyx', 'resend', 'retell'];
const pick = (prefix) => Object.fromEntries(names.map((name) => [name, options[`${prefix}-${name}`]]));
const world = createWorld({ keys: createKeys(pick('key')), webhookUrls: pick('webhook') });
const port = await listen(world, Number(options.port));
const origin = `http://127.0.0.1:${port}`;
const description = { port, control: `${origin}/_control` };
for (const { name, base } of world.providers) {
  description[name] = { url: `${origin}/${name}${base}`, ...world.keys.published(name) };
}
process.stdout.write(`${JSON.stringify(description)}\n`);
if (options['until-eof']) process.stdin.resume().on('end', () => process.exit(0));
