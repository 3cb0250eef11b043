// story.mjs DIRECTORY
//		Makes the sample business, has it called, and tells what came of it.
//
// What is told is read back from the database and from the fake providers; what is not
// there after a while ends this with an error that names it.  DIRECTORY is ./run; the
// environment says where the servers are, as the cluster script printed it.
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { playCall } from './call.mjs';
import { ask, connectProviders } from './servers.mjs';
import { tell } from './tell.mjs';

const PATIENCE_MS = 30000;
const TOKEN_SECONDS = 30 * 24 * 3600;

// A token of the business's owner, as an issuer of sessions would make it.
function mint(business, secret) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: business.owner, business_id: business.id, role: 'admin', iat: now, exp: now + TOKEN_SECONDS };
  const body = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

// The messages of the database as the providers have them: what they hold is shown.
function received(facts, { telnyx, resend }) {
  return (facts.messages ?? []).map((message) => {
    const held = message.kind === 'SMS' ? telnyx.messages[message.provider_id] : resend.emails[message.provider_id];
    return held && { ...message, subject: held.subject, text: held.text };
  });
}

// The parts of the story that are not there.
function missing(facts, messages) {
  const parts = {
    'the completed call': facts.call?.status === 'completed',
    'the lead': facts.lead?.name && facts.lead.phone,
    'its score with reasons': facts.score?.reasons?.length > 0,
    'the appointment': facts.appointment?.status === 'scheduled',
    'a text that was delivered': messages.some((message) => message?.kind === 'SMS' && message.status === 'delivered'),
    'an e-mail that was delivered': messages.some((message) => message?.kind === 'e-mail' && message.status === 'delivered'),
    'a provider that has every message': messages.every((message) => message?.text),
    'two scheduled reminders': facts.reminders?.filter(({ status }) => status === 'scheduled').length === 2,
    'the job of pg_cron': facts.job,
  };
  return Object.keys(parts).filter((name) => !parts[name]);
}

async function outcome(providers, call) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const facts = ask('facts.sql', { call });
    const messages = received(facts, await providers.state());
    const parts = missing(facts, messages);
    if (parts.length === 0) return { ...facts, messages };
    if (Date.now() > end) throw new Error(`missing after ${PATIENCE_MS / 1000} seconds: ${parts.join(', ')}`);
    await later(100);
  }
}

async function main(directory) {
  const { GATE_URL: gate, JWT_SECRET: secret } = process.env;
  const providers = connectProviders(`${directory}/servers/provider.json`);
  const { telnyx, resend, retell } = providers.about;
  const business = ask('business.sql', {
    telnyx_key: telnyx.key, telnyx_webhook_key: telnyx.public_key,
    resend_key: resend.key, resend_webhook_key: resend.webhook_secret, retell_key: retell.key,
  });
  await providers.set({ webhook_urls: { resend: `${gate}/api/resend/webhook/${business.resend_account}` } });
  writeFileSync(`${directory}/token`, mint(business, secret), { mode: 0o600 });
  const conversation = await playCall(providers, business, `${gate}/api/retell/webhook/${business.retell_account}`);
  tell({ business, conversation, directory, ...await outcome(providers, conversation.id) });
}

main(process.argv[2]).catch((error) => {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
});
