// call.mjs
//		A call as Retell has it: it asks who calls, announces the call, asks for free times
//		and books one in the middle of it, and tells of its end and of its analysis.
const CALLER = '+13125550142';
const NAME = 'Ana Ruiz';
const EMAIL = 'ana.ruiz@example.com';
// So far ahead that both reminders are still to come.
const AHEAD_MS = 2 * 24 * 3600 * 1000;
const SECONDS = 96;

// What was said and answered; `providers` sends, to the business's URL.
export async function playCall(providers, business, url) {
  const retell = (type, fields) => providers.webhook('retell', type, url, fields);
  const parties = { from_number: CALLER, to_number: business.phone_number };
  const call = { ...parties, call_id: `call_${Date.now().toString(36)}`, direction: 'inbound' };
  const started = Date.now() - SECONDS * 1000;

  async function tool(name, args) {
    const answer = await retell('function_call', { name, args, call });
    if (!answer.ok) throw new Error(`${name} was refused: ${answer.say}`);
    return answer;
  }

  const { call_inbound: { dynamic_variables: known } } = await retell('call_inbound', parties);
  await retell('call_started', { ...call, start_timestamp: started });
  const from = new Date(Date.now() + AHEAD_MS);
  const day = from.toLocaleDateString('en-US', { weekday: 'long', timeZone: business.time_zone });
  const offer = await tool('check_availability', { service: business.service, from: from.toISOString() });
  if (offer.slots.length === 0) throw new Error('no free time was offered');
  const slot = offer.slots[1] ?? offer.slots[0];
  const booked = await tool('book_appointment', { service: business.service, starts_at: slot.starts_at, name: NAME, email: EMAIL });

  const turns = [
    ['agent', `${known.business_name}, how can I help?`],
    ['user', `Hi, the pipe under my kitchen sink is leaking. I would like to book an appointment. I am away until ${day}. I live at 214 Oak Street.`],
    ['agent', offer.say],
    ['user', `${slot.local_text}, please. I am ${NAME}, my e-mail address is ${EMAIL}.`],
    ['agent', booked.say],
  ];
  const said = {
    ...call,
    end_timestamp: started + SECONDS * 1000,
    duration_ms: SECONDS * 1000,
    transcript: turns.map(([role, content]) => `${role === 'agent' ? 'Agent' : 'User'}: ${content}\n`).join(''),
    transcript_object: turns.map(([role, content]) => ({ role, content })),
  };
  await retell('call_ended', said);
  await retell('call_analyzed', {
    ...said,
    call_analysis: { call_summary: `${NAME} booked a repair of a leaking pipe.`, in_voicemail: false, user_sentiment: 'Positive', call_successful: true },
  });
  return { id: call.call_id, known, offer, day };
}
