// inbound_sign.mjs KEY_FILE COUNT FILE
//		Writes a Lua table of signed deliveries of Telnyx for wrk: timestamp, signature, body.
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const [keyFile, count, file] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile));
const at = Math.floor(Date.now() / 1000) + 120;
const lines = [];
for (let n = 0; n < Number(count); n++) {
    const body = JSON.stringify({
        data: {
            record_type: 'event', event_type: 'message.finalized', id: `bench-${n}`, occurred_at: new Date().toISOString(),
            payload: {
                id: `text-${n}`, record_type: 'message', direction: 'outbound', messaging_profile_id: '400174a4-8e62-4ee3-9d2b-1a2b3c4d5e6f',
                organization_id: '47a530f8-4362-4526-829b-bcee17fd9f7a', type: 'SMS', encoding: 'GSM-7', text: 'Your appointment is on Tuesday at ten.',
                from: { phone_number: '+13125550100', carrier: 'Telnyx', line_type: 'Wireless' },
                to: [{ phone_number: '+13125550199', status: 'delivered', carrier: 'AT&T', line_type: 'Wireless' }],
                parts: 1, cost: { amount: '0.0040', currency: 'USD' }, errors: [], media: [], tags: [],
                sent_at: new Date().toISOString(), completed_at: new Date().toISOString(),
            },
        },
        meta: { attempt: 1, delivered_to: 'https://example.com/api/sms/webhook' },
    });
    lines.push(`{"${sign(null, Buffer.from(`${at}|${body}`), key).toString('base64')}",[[${body}]]}`);
}
writeFileSync(file, `return "${at}", {\n${lines.join(',\n')}\n}\n`);
