// tell.mjs
//		The story in words, and what to try next.
const indent = (text, blanks) => text.replace(/^(?=.)/gm, ' '.repeat(blanks));
const heading = (word) => word.padEnd(10);
const signed = (points) => `${points < 0 ? '-' : '+'}${Math.abs(points)}`.padStart(4);

function lines({ business, conversation: { known, offer, day }, call, lead, score, appointment, messages, reminders, job }) {
  const kindOf = { sms: 'SMS', email: 'e-mail' };
  return [
    `${heading('Call')}${call.from} calls ${business.name} (${business.phone_number}), ${call.seconds} seconds`,
    `          The agent asks who it is: ${known.is_known === 'yes' ? known.caller_name : 'a new caller'}; first free time: ${known.next_opening}`,
    `${heading('Offered')}${offer.service}, from ${day} on, as the caller is away until then:`,
    ...offer.slots.map((slot) => `          - ${slot.local_text}`),
    `${heading('Booked')}${appointment.service}, ${appointment.time}, with ${appointment.staff} (${appointment.status})`,
    `${heading('Lead')}${[lead.name, lead.phone, lead.email].filter(Boolean).join(', ')} (${lead.status})`,
    `${heading('Score')}${score.score} of 100, grade ${score.grade}:`,
    ...score.reasons.map(({ points, reason }) => `          ${signed(points)}  ${reason}`),
    ...messages.flatMap(({ kind, to, status, subject, text }) => [
      `${heading('Sent')}${kind} to ${to} (${status})${kind === 'SMS' ? '' : `: ${subject}`}`,
      indent(text, 12),
    ]),
    ...reminders.map(({ type, channel, status, time }) => `${heading('Reminder')}${type} before by ${kindOf[channel]}: ${time} (${status})`),
    `          The processor releases them; pg_cron stands by: ${job.command}, ${job.schedule}`,
  ];
}

// Each works as it stands, in any directory.
function attempts({ directory, lead }) {
  const { GATE_URL: gate, PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env;
  const token = `-H "Authorization: Bearer $(cat '${directory}/token')"`;
  const text = JSON.stringify({ to_number: lead.phone, content: 'Sam is on his way.' });
  return [
    `curl -s ${token} ${gate}/api/leads`,
    `curl -s ${token} -H 'Content-Type: application/json' -d '${text}' ${gate}/rest/v1/rpc/send_sms`,
    `psql -h ${host} -p ${port} -U ${user} -d ${database} -c "SELECT status, to_number, content FROM cloudgreet.sms_messages ORDER BY id"`,
  ];
}

export function tell(story) {
  const written = [
    '', ...lines(story), '',
    'It keeps running. Try: the lead over HTTP; a text of your own; what became of the texts.', '',
    ...attempts(story).map((line) => `  ${line}`), '',
    'make demo-stop ends and removes it.', '',
  ];
  process.stdout.write(written.join('\n'));
}
