// worker.mjs COUNT BATCH
//
// The same work as the dispatcher's by graphile-worker with its default concurrency: for
// each message a POST to the receiver, the e-mail's row updated, an event written.  BATCH
// messages are one job.  Prints messages a second, from the first job to the last.
import http from 'node:http';
import pg from 'pg';
import { run, makeWorkerUtils, Logger } from 'graphile-worker';

const [count, batch] = process.argv.slice(2).map(Number);
const pool = new pg.Pool({ max: 10 });
const agent = new http.Agent({ keepAlive: true, maxSockets: 128 });
const logger = new Logger(() => () => {});
const business = process.env.BUSINESS;

const post = (body) => new Promise((resolve, reject) => {
    const request = http.request(process.env.RECEIVER_URL, { method: 'POST', agent, headers: { 'content-type': 'application/json', authorization: 'Bearer key' } }, (response) => {
        let text = '';
        response.on('data', (piece) => { text += piece; });
        response.on('end', () => resolve(JSON.parse(text).id));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
});

const update = `WITH sent AS (UPDATE cloudgreet.emails m SET status = 'sent', status_at = now(), sent_at = now(), provider = 'resend', provider_email_id = s.answer
      FROM unnest($2::uuid[], $3::text[]) s (id, answer) WHERE m.business_id = $1 AND m.id = s.id RETURNING m.id, m.lead_id)
    INSERT INTO cloudgreet.events (business_id, event_type, subject_type, subject_id, lead_id, data)
    SELECT $1, 'email.sent', 'email', sent.id, sent.lead_id, '{}' FROM sent`;

const { rows } = await pool.query(`INSERT INTO cloudgreet.emails (business_id, lead_id, from_address, to_address, subject, content)
    SELECT $1, NULL, 'Desk <desk@example.com>', 'g' || n || '@example.org', 'Hello ' || n, 'How are you?' FROM generate_series(1, $2::integer) n
    RETURNING id, to_address, subject, content`, [business, count]);
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();
for (let i = 0; i < rows.length; i += batch) await utils.addJob('send', rows.slice(i, i + batch));

let done = 0, from = 0, end;
const ended = new Promise((resolve) => { end = resolve; });
const runner = await run({ pgPool: pool, logger, noHandleSignals: true, taskList: { send: async (payload, helpers) => {
    from ||= performance.now();
    const answers = await Promise.all(payload.map((m) => post({ from: 'Desk <desk@example.com>', to: [m.to_address], subject: m.subject, text: m.content })));
    await helpers.query(update, [business, payload.map((m) => m.id), answers]);
    done += payload.length;
    if (done >= count) end();
} } });
await ended;
const seconds = (performance.now() - from) / 1000;
await runner.stop();
agent.destroy();
console.log(Math.round(count / seconds));
process.exit(0);
