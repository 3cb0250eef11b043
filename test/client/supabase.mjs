// supabase.mjs
//		The real supabase-js against the HTTP surface.
//
// Environment: GATE_URL, TOKEN_A and TOKEN_B (admins of two businesses), LEAD_B (an id
// of a lead of the second).  Prints TAP.
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';

const { GATE_URL, TOKEN_A, TOKEN_B, LEAD_B } = process.env;
let count = 0;

function ok(condition, name, detail) {
  count += 1;
  console.log(`${condition ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!condition) console.log(`# ${JSON.stringify(detail)}`);
}

function client(token) {
  return createClient(GATE_URL, token, {
    global: { headers: { Authorization: `Bearer ${token}` } },
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: WebSocket },
  });
}

const a = client(TOKEN_A);
const b = client(TOKEN_B);

let r = await a.from('leads').insert({ name: 'Sue', phone: '+12125550171', source: 'web' }).select().single();
ok(r.status === 201 && r.data?.name === 'Sue' && r.data.status === 'new', 'insert().select().single() gives the row', r);
const sue = r.data?.id;

r = await a.from('leads').insert([{ name: 'Tom' }, { name: 'Uma', notes: 'calls back, (maybe)' }]);
ok(r.status === 201 && r.data === null && r.error === null, 'insert() of two rows gives nothing back', r);

r = await a.from('leads').select('name, mail:email').in('name', ['Tom', 'Uma']).order('name', { ascending: false });
ok(r.status === 200 && r.data?.map((x) => x.name).join() === 'Uma,Tom' && 'mail' in r.data[0], 'select with alias, in() and order()', r);

r = await a.from('leads').select('name').eq('notes', 'calls back, (maybe)');
ok(r.data?.length === 1, 'eq() with commas and parentheses in the value', r);
r = await a.from('leads').select('name').in('notes', ['calls back, (maybe)', 'x']);
ok(r.data?.length === 1, 'in() quotes such a value', r);

r = await a.from('leads').select('name').neq('name', 'Tom').gte('name', 'S').lt('name', 'V').order('name');
ok(r.data?.map((x) => x.name).join() === 'Sue,Uma', 'neq(), gte() and lt()', r);
r = await a.from('leads').select('name').like('name', 'S%').not('phone', 'is', null);
ok(r.data?.length === 1, 'like() and not()', r);
r = await a.from('leads').select('name').ilike('name', 'u_a').is('phone', null);
ok(r.data?.length === 1, 'ilike() and is()', r);
r = await a.from('leads').select('name').order('name').range(1, 2);
ok(r.data?.length === 2, 'range()', r);
r = await a.from('leads').select('name').order('name').limit(1);
ok(r.data?.length === 1, 'limit()', r);

r = await a.from('leads').select('name').or('name.eq.Tom,and(name.eq.Uma,notes.not.is.null)').order('name');
ok(r.data?.map((x) => x.name).join() === 'Tom,Uma', 'or() with a nested and()', r);
r = await a.from('leads').select('name', { count: 'exact' }).in('name', ['Sue', 'Tom', 'Uma']).order('name').range(1, 1);
ok(r.count === 3 && r.data?.length === 1 && r.error === null, 'count: exact with a page', r);
r = await a.from('leads').select('*', { count: 'exact', head: true }).in('name', ['Sue', 'Tom']);
ok(r.count === 2 && r.data === null, 'count: exact with head', r);

r = await a.from('leads').select('name').eq('id', sue).maybeSingle();
ok(r.data?.name === 'Sue', 'maybeSingle() with a row', r);
r = await a.from('leads').select('name').eq('name', 'nobody').maybeSingle();
ok(r.data === null && r.error === null, 'maybeSingle() without one', r);
r = await a.from('leads').select('name').eq('name', 'nobody').single();
ok(r.status === 406 && r.error?.code === 'PGRST116', 'single() without a row is an error', r);

r = await a.from('leads').update({ status: 'contacted' }).eq('id', sue).select('status');
ok(r.status === 200 && r.data?.[0]?.status === 'contacted', 'update().select()', r);
r = await a.from('leads').update({ notes: 'later' }).eq('id', sue);
ok(r.status === 204 && r.data === null, 'update() gives nothing back', r);
r = await a.from('leads').delete().eq('name', 'Tom').select('name');
ok(r.status === 200 && r.data?.length === 1, 'delete().select()', r);
r = await a.from('leads').delete().eq('name', 'Uma');
ok(r.status === 204, 'delete()', r);

r = await a.from('leads').update({ notes: 'all' });
ok(r.status === 400 && r.error?.code === '21000', 'update() without a filter is an error', r);
r = await a.from('leads').delete();
ok(r.status === 400 && r.error?.code === '21000', 'delete() without a filter is an error', r);
r = await a.from('leads').upsert({ name: 'Sue' });
ok(r.status === 400 && r.error?.code === '0A000', 'upsert() is not there yet', r);
r = await a.from('leads').select('name, appointments(id)');
ok(r.status === 400 && r.error?.code === '0A000', 'embedding is not there yet', r);
r = await a.from('leads').select('name').contains('tags', ['a']);
ok(r.status === 400 && r.error?.code === '0A000', 'contains() is not there yet', r);

r = await a.from('leads').select('no_such_column');
ok(r.status === 400 && r.error?.code === '42703', 'an unknown column is an error', r);
r = await a.from('no_such_table').select();
ok(r.status === 404 && r.error !== null, 'an unknown table is an error', r);
r = await a.from('leads').insert({ name: 'x', phone: '555' });
ok(r.status === 422 && r.error?.code === 'ZG104' && r.error.details === 'column "phone": A North American number has ten digits; its area code and exchange begin with 2 to 9.', 'a value against a check is an error', r);
r = await a.from('leads').insert({ name: 'x', phone: '+12125550171' });
ok(r.status === 409 && r.error?.code === '23505', 'a duplicate is an error', r);
r = await a.from('events').insert({ event_type: 'a.b', subject_type: 'x', subject_id: sue });
ok(r.status === 403 && r.error?.code === '42501', 'a table that is closed to writing', r);

r = await a.from('leads').select('id').eq('id', LEAD_B);
ok(r.data?.length === 0, "another business's lead is not there", r);
r = await b.from('leads').select('id').eq('id', LEAD_B);
ok(r.data?.length === 1, 'but is for its own business', r);
r = await b.from('leads').update({ name: 'stolen' }).eq('id', sue).select();
ok(r.data?.length === 0, 'nor can it be changed', r);

r = await a.rpc('create_service', { name: 'Inspection', duration_minutes: 60 });
ok(r.status === 200 && /^[0-9a-f-]{36}$/.test(r.data), 'rpc()', r);
r = await a.rpc('no_such_function');
ok(r.status === 404 && r.error?.code === 'PGRST202', 'rpc() of an unknown function is an error', r);
r = await client('not.a.token').from('leads').select();
ok(r.status === 401 && r.error?.code === 'ZG103', 'a bad token is 401', r);

console.log(`1..${count}`);
process.exit(0);
