// rules.mjs
//		The scripted faults.  A rule is { match, times, action }:
//
// match:  provider, method, path (regular expression), body (text that it contains),
//         nth (only the nth request that matches the rest, counted from 1)
// times:  how many requests it is used for, 1 unless told
// action: status, body, headers    the answer; without a body the provider's own error
//         accepted                 whether the request takes effect all the same; the
//                                  default is no for status, reset and hang, else yes
//         delay_ms                 waits before the answer (after the effect)
//         hold                     waits until the test releases what is held
//         slow_bytes_per_s         trickles the body
//         reset                    "before_read", "after_read" or "mid_response"
//         hang                     never answers
//         close_after              closes the connection after the answer, unannounced
//         malformed                true: the body is cut in two; "http": not even HTTP
//
// The first rule that matches is used.
import * as c from './check.mjs';

const shape = c.object({
  match: c.object({ provider: c.string(), method: c.string(), path: c.string(), body: c.string(), nth: c.integer(1) }),
  times: c.integer(1),
  'action*': c.object({
    status: c.integer(200, 599), body: c.either(c.string(), c.anyObject), headers: c.dictionary(c.string()),
    accepted: c.boolean, delay_ms: c.integer(0), hold: c.boolean, slow_bytes_per_s: c.integer(1),
    reset: c.enumeration('before_read', 'after_read', 'mid_response'), hang: c.boolean,
    close_after: c.boolean, malformed: c.enumeration(true, 'http'),
  }),
});

const isEarly = (rule) => rule.action.reset === 'before_read';

function compile(script) {
  const [problem] = c.problemsOf(shape, script);
  if (problem) throw new Error(`rule${problem.path} ${problem.text}`);
  const rule = { match: {}, times: 1, ...script, seen: 0, used: 0 };
  if (isEarly(rule) && (rule.match.body !== undefined || rule.action.accepted)) {
    throw new Error('a reset before the body is read can neither match nor accept it');
  }
  if (rule.match.path !== undefined) rule.expression = new RegExp(rule.match.path);
  return rule;
}

function matches({ match, expression }, entry) {
  return (match.provider === undefined || match.provider === entry.provider)
    && (match.method === undefined || match.method === entry.method)
    && (expression === undefined || expression.test(entry.path))
    && (match.body === undefined || entry.body.includes(match.body));
}

export function createRules() {
  let rules = [];
  const held = new Set();

  // The action for a request, of the rules that are due before (early) or after its body.
  function take(entry, early) {
    for (const rule of rules) {
      if (isEarly(rule) !== early || !matches(rule, entry)) continue;
      rule.seen += 1;
      if (rule.match.nth !== undefined && rule.match.nth !== rule.seen) continue;
      rule.used += 1;
      if (rule.used === rule.times) rules = rules.filter((other) => other !== rule);
      return rule.action;
    }
    return undefined;
  }

  return {
    add(scripts) { rules = rules.concat(scripts.map(compile)); },
    clear() {
      rules = [];
      this.release();
    },
    // Until release(), or until the client leaves.
    hold: (response) => new Promise((go) => {
      held.add(go);
      response.on('close', () => { held.delete(go); go(); });
    }),
    // What is held is answered, and nothing more is held.
    release() {
      rules = rules.filter((rule) => !rule.action.hold);
      for (const go of held) go();
      held.clear();
    },
    pending: () => rules.map(({ match, times, used, action }) => ({ match, times, used, action })),
    take,
  };
}

export const takesEffect = (action) => action.accepted ?? !(action.status || action.reset || action.hang);
