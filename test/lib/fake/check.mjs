// check.mjs
//		Checks of request bodies.  A check is a function (value, path, problems) that adds
//		{ kind, path, text } for each thing that is wrong; the provider's file turns the
//		first problem into that provider's own error.
//
// Objects are closed: a field that is not named is a problem.  A name that ends in * is
// required.

const rule = (kind, text, test) => (value, path, problems) => {
  if (!test(value)) problems.push({ kind, path, text });
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

export const boolean = rule('type', 'must be a boolean', (value) => typeof value === 'boolean');
export const anyObject = rule('type', 'must be an object', isObject);

export const integer = (min = -Infinity, max = Infinity) =>
  rule('type', `must be an integer from ${min} to ${max}`, (value) => Number.isInteger(value) && value >= min && value <= max);

export const string = (max = 65536) => (value, path, problems) => {
  if (typeof value !== 'string') problems.push({ kind: 'type', path, text: 'must be a string' });
  else if (value.length > max) problems.push({ kind: 'size', path, text: `must have at most ${max} characters` });
};

export const enumeration = (...values) => rule('enum', `must be one of ${values.join(', ')}`, (value) => values.includes(value));

export const pattern = (expression, text) => rule('format', text, (value) => typeof value === 'string' && expression.test(value));

export const e164 = pattern(/^\+[1-9]\d{6,14}$/, 'must be a number in E.164 form');
export const base64 = pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64');
export const url = rule('format', 'must be an http(s) URL', (value) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value));
export const sip = pattern(/^sips?:[^\s@]+@[^\s@]+$/, 'must be a SIP address');
export const instant = rule('format', 'must be a date and time', (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)));

export const list = (item, min = 0, max = Infinity) => (value, path, problems) => {
  if (!Array.isArray(value)) problems.push({ kind: 'type', path, text: 'must be an array' });
  else if (value.length < min || value.length > max) problems.push({ kind: 'size', path, text: `must have ${min} to ${max} items` });
  else value.forEach((one, i) => item(one, `${path}/${i}`, problems));
};

// Values of any name, each checked by `item`.
export const dictionary = (item) => (value, path, problems) => {
  if (!isObject(value)) problems.push({ kind: 'type', path, text: 'must be an object' });
  else for (const [name, one] of Object.entries(value)) item(one, `${path}/${name}`, problems);
};

// The first check that finds nothing decides; otherwise the problems of the last.
export const either = (...checks) => (value, path, problems) => {
  let found = [];
  for (const check of checks) {
    found = [];
    check(value, path, found);
    if (found.length === 0) return;
  }
  problems.push(...found);
};

export const object = (fields) => {
  const known = new Map(Object.entries(fields).map(([name, check]) => [name.replace(/\*$/, ''), check]));
  const required = Object.keys(fields).filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (value, path, problems) => {
    if (!isObject(value)) {
      problems.push({ kind: 'type', path, text: 'must be an object' });
      return;
    }
    for (const name of required) {
      if (value[name] === undefined) problems.push({ kind: 'required', path: `${path}/${name}`, text: 'is required' });
    }
    for (const [name, one] of Object.entries(value)) {
      const check = known.get(name);
      if (check) check(one, `${path}/${name}`, problems);
      else problems.push({ kind: 'unknown', path: `${path}/${name}`, text: 'is not a known field' });
    }
  };
};

export function problemsOf(check, value) {
  const problems = [];
  check(value, '', problems);
  return problems;
}
