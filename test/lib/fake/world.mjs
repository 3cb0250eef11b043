// world.mjs
//		What all parts of a run share: the providers, keys, settings, log, faults, clock.
import { createDeliveries } from './deliveries.mjs';
import { createLog } from './log.mjs';
import { createResend } from './resend.mjs';
import { createRetell } from './retell.mjs';
import { createRules } from './rules.mjs';
import { createTelnyx } from './telnyx.mjs';

export function createWorld({ keys, webhookUrls }) {
  // advance_s moves the providers' clock, by which idempotency keys and command ids age;
  // signatures always carry the real time.
  const initial = {
    advance_s: 0,
    // Events that follow an accepted request by themselves.
    auto_webhooks: ['message.sent', 'message.finalized', 'email.sent', 'email.delivered'],
    // Where a provider's events go when the request names no URL.
    webhook_urls: webhookUrls,
    // Where an origin really is: {"https://public.example": "http://127.0.0.1:1234"}.
    webhook_origins: {},
    // Pairs "from>to" of numbers that Telnyx refuses.
    opted_out: [],
    // Requests per second that Resend takes; 0 takes all.
    resend_rate: 0,
  };
  const world = {
    keys,
    settings: structuredClone(initial),
    log: createLog(),
    rules: createRules(),
    now: () => Date.now() + world.settings.advance_s * 1000,
  };
  world.deliveries = createDeliveries(world);
  world.reset = () => {
    world.settings = structuredClone(initial);
    for (const part of [world.log, world.rules, world.deliveries, ...world.providers]) part.clear();
  };
  world.providers = [createTelnyx(world), createResend(world), createRetell(world)];
  return world;
}
