// inbound_tool.mjs URL COUNT
//		Calls a function as Retell does, one call after another; prints the p99 in milliseconds.
import { createHmac } from 'node:crypto';

const [url, count] = process.argv.slice(2);
const times = [];
for (let n = 0; n < Number(count); n++) {
    const body = JSON.stringify({ name: 'check_availability', args: {}, call: { call_id: `tool-${n}`, direction: 'inbound', from_number: '+13125550180', to_number: '+13125550150' } });
    const at = Date.now();
    const signature = `v=${at},d=${createHmac('sha256', 'key_of_retell').update(`${body}${at}`).digest('hex')}`;
    const began = performance.now();
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-retell-signature': signature }, body });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    times.push(performance.now() - began);
}
times.sort((a, b) => a - b);
console.log(times[Math.floor(times.length * 0.99)].toFixed(1));
