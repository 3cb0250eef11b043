/*
 * opt_corpus.sql
 *		Texts as people write them, and what is taken from each: what stop or review_stop
 *		stands before counts as an opt-out, what a dash stands before does not.
 */
\pset tuples_only on
\pset format unaligned
CREATE TEMP VIEW ours AS SELECT ARRAY['Miller Roofing: Hi Dana, your visit (Inspection) is on Monday, May 4 at 9:30 AM. Reply Y to confirm or N to change it. Reply STOP to opt out.',
    'Miller Roofing: still thinking about the new roof? Text QUIT and we will stop messaging you.'] AS texts;
CREATE FUNCTION public.judge(texts text[]) RETURNS SETOF text LANGUAGE sql AS
$$
    SELECT left(rpad(coalesce(cloudgreet_private.opt_word(t), '-'), 12) || regexp_replace(t, '[\r\n]+', ' / ', 'g'), 100) FROM unnest(texts) WITH ORDINALITY u (t, n) ORDER BY n
$$;

-- A word of the rule that stands alone, beside a signature, a greeting or nothing at all.
SELECT judge(ARRAY[E'STOP\n\nSent from my Galaxy', E'Stop\n-Dana', E'stop\n--\nDana Reyes\nReyes Bakery', E'Unsubscribe\nGet Outlook for Android', E'Alto\nEnviado desde mi iPhone',
    'S.T.O.P', 's-t-o-p!', 'ＵＮＳＵＢＳＣＲＩＢＥ', 'stoppp', 'unsub', 'stpo', E'STOP\r\nSTOP', '“Stop.”', '''STOP''', '«ALTO»', '¡Alto!', 'BAJA', 'Cancelar', 'pare', 'Fin', '🚫🚫stop🚫🚫']);
-- The word as a sentence, a line, a part or the last word of its own.
SELECT judge(ARRAY['No. Stop.', 'Nope, not for us, stop', 'Who r u? UNSUBSCRIBE', E'Got your note\nSTOP\nDana', 'I sold that house in 2019. Stop!', 'Wrong house. quit', 'please please stop', 'stop now pls',
    'Ok stop it', 'STOP! STOP! STOP!', 'Stop - not interested', 'stop, we went with somebody else', 'STOP I am not Dana', 'We found another roofer STOP', 'We found another roofer 👎 stop',
    'thanks but no thanks. Unsub', 'can you stop?', 'Will you please stop?!', 'Opt out thanks', 'Not interested. Cancel.', 'No thanks, END', 'I said STOP', 'My answer is “STOP”', 'Stop this now',
    'please remove', 'STOP to end', 'Reply STOP to opt out', 'Hello. Quit. Thanks', 'stop 🛑 texting 🛑 me', repeat('We talked about the roof. ', 100) || 'Stop.']);
-- In words of their own.
SELECT judge(ARRAY['quit messaging me', 'Quit sending me this stuff', 'I asked you to stop texting me', 'why won''t you stop texting me', 'Could you stop sending these reminders', 'You need to stop contacting us', 'pls stop w the texts',
    'How do I stop these messages?', 'I want to stop getting texts', 'stop spamming', 'Stop to send me messages please', 'do not text this number again', 'Never contact me again', 'dont txt me anymore',
    'Don’t text me, call me instead', 'Please do not send me any more messages', 'do not call or text me', 'I no longer want to receive these texts', 'I don''t want any texts from you', 'I do not wish to be contacted',
    'Don''t want these messages on my phone', 'I do not want texts to this number', 'no more messages please', 'No more.', 'I''d like to opt out', 'How can I unsubscribe?', 'opting out', 'I can''t unsubscribe, help',
    'I hereby withdraw my consent', 'Take me off this list', 'Please take my number off your call list', 'remove me from your texts', 'Please remove my number', 'delete me from your system', 'put me on your do not call list',
    'leave me alone!!', 'lose this number', 'you have the wrong number', 'Sorry wrong person', 'You are texting the wrong number', 'I never signed up for these texts', 'I want these texts to stop', 'Cease and desist',
    'I told you "do not text me"', 'go away', 'You people need to stop', 'STOP or I call my lawyer', 'Please have me removed from your list', 'I want off this list', 'wrong #', 'stop bugging me', 'No texts please', 'end all contact',
    'cancel my subscription', 'You don''t have my permission to text me', 'I do not consent to these messages', 'get us off ur list', 'I don''t want any more of these']);
-- In Spanish.
SELECT judge(ARRAY['Paren por favor', 'No gracias, alto', '¿Quién es? ALTO', 'No más mensajes', 'no mas textos porfa', 'Ya no me escriban', 'Dejen de escribirme', 'deje de mandarme mensajes', 'Por favor dejen de molestar',
    'No me manden más mensajes', 'No me contacten', 'quiero darme de baja', 'Dar de baja', 'Denme de baja por favor', 'No quiero recibir mensajes', 'ya no quiero sus textos', 'Quítenme de su lista', 'Sáqueme de la lista',
    'Borren mi número', 'Tiene el número equivocado', 'Número equivocado, disculpe', 'Déjenme en paz', 'No me interesa. Cancelar.', 'cancelar suscripción', 'Basta', 'no autorizo que me escriban',
    'No me llamen ni me escriban más', 'No molesten', 'Quiero salir de la lista', 'no quiero recibir nada', 'No vuelvan a escribirme', 'Deténganse', 'elimine mi número por favor']);
-- Of words that the phone or the person quotes nothing counts, but what stands beside them does.
SELECT judge(ARRAY[k || '“' || texts[1] || '”']) FROM ours, unnest(ARRAY['Loved ', 'Disliked ', 'Laughed at ', 'Emphasized ', 'Questioned ', 'Removed a like from ', 'Reacted 🎉 to ', 'Removed 👍 from ', '❤️ to ', 'Like ', 'Le encantó ',
    'A Dana le gustó ', 'Me gusta ', 'Reaccionó con 👍 a ', 'A aimé ', 'Gefällt ', 'You wrote: ', '']) WITH ORDINALITY u (k, n) ORDER BY n;
SELECT judge(ARRAY['Liked “' || left(texts[2], 80) || '…”', 'Liked “' || left(texts[2], 85), E'Loved "Booked.\nTXT STOP to end', '👍 to „' || texts[2] || '“', '‌👎‌ to “ ' || texts[2] || ' ”', 'Disliked «' || texts[1] || '»',
    'Questioned »' || texts[1] || '«', 'Liked “He said “stop” to “all” of it”', 'Liked “Stop”', '> ' || texts[1] || E'\nSounds good', E'Sounds good\nOn Mon, May 4, 2026 at 9:30 AM Miller <r@example.com> wrote:\n' || texts[1],
    texts[1], 'You say "Reply STOP to opt out", what does that mean?', 'It says text STOP to end. Is that you?']) FROM ours;
SELECT judge(ARRAY['Liked “' || texts[1] || E'”\nSTOP', '“' || texts[1] || '” Stop.', '"' || texts[1] || '" please stop texting me', 'Liked “' || left(texts[2], 70) || E'…\nSTOP', '> ' || texts[1] || E'\n\nQuit texting me',
    E'STOP\nOn Mon, May 4, 2026 at 9:30 AM Miller <r@example.com> wrote:\n> ' || texts[1], '"Stop texting me"']) FROM ours;
-- What we wrote is known, also without marks; whoever repeats a word of ours means it.
SELECT cloudgreet_private.opt_word(t, texts) IS NULL, t FROM ours, unnest(ARRAY[texts[2], 'Fwd: ' || texts[2] || ' ok?', 'Te gustó ' || left(texts[2], 90) || '...', 'Unbekannt „' || left(texts[2], 90)]) t;
SELECT cloudgreet_private.opt_word(t, texts), t FROM ours, unnest(ARRAY[texts[2] || E'\nSTOP', 'QUIT', 'Reply STOP to opt out.', 'Text quit', texts[1] || ' Please stop messaging me']) t;
-- Innocent ones.
SELECT judge(ARRAY['We have got to STOP this leak', 'This rain has to STOP!', 'please don''t stop', 'Please do not stop texting me', 'I''d never stop recommending you', 'I don''t want to opt out', 'I did not unsubscribe, why no texts?', 'can you stop by at 5?', 'Stop by anytime',
    'Could you stop at the gate and text me', 'meet me at the bus stop', 'get off at the next STOP', 'Is that the last stop? Message me', 'non-stop rain here', 'the leak won''t stop', 'My car did not stop', 'I can''t make it stop', 'I need to stop, talk later',
    'I will pull over and stop texting', 'Drive to the light, stop, turn left', 'The sign says STOP', 'Where should I stop?', 'end of the week works', 'at the end', 'The end is near', 'I will quit my job', 'He quit', 'cancel my appointment', 'please cancel',
    'Something came up. Please cancel Tuesday', 'I have to CANCEL', 'I want to cancel', 'remove the old gutters', 'Can you remove it?', 'Take me off the waitlist', 'Please remove me from Tuesday''s schedule', 'take me off hold', 'I opted for the metal roof',
    'Can I opt out of the warranty?', 'I don''t want my texts to disappear', 'I don''t want the messages going to spam', 'I do not want to miss your messages', 'I don''t want these texts to stop', 'I had the wrong number for you', 'I think I have the wrong number written down',
    'Is 14 the wrong number on the form?', 'don''t text me at my work number, text this one', 'Don''t text me after 9, mornings are better', 'Do not text my wife, text me', 'you never text me back', 'I don''t text', 'if you don''t call me by 5 I will call you', 'Don''t call me, text me',
    'don''t send me a bill yet', 'there are no more texts from you here', 'do not leave me alone with that roof', 'I like the sound of that', 'Removed the old shingles', 'Revoked your permit?', 'Is there a stop sign?', 'stop sign on the corner', 'cancel that, Tuesday is fine',
    E'Tuesday is fine\n-Dana', E'See you\nSent from my iPhone', 'a 5" pipe and a 6" pipe', 'My notes: "stop the leak" and "call"', 'he texted "STOP" to my sister by mistake', 'Parada de autobús', '¿Puede parar aquí a las 5?', 'El techo es alto', 'cancelar mi cita', 'No dejen de escribirme', 'No me mandaron la factura', 'No paren, por favor',
    'tengo el número equivocado', 'no quiero perder sus mensajes', 'para el lunes', 'a fin de mes', 'baja el precio', 'no me llame hoy, mañana sí', '日本 ok', 'No, Monday is better', 'Count us in!', 'The furnace quit again',
    'Did he stop?', 'I texted the wrong number earlier', 'The old tree needs to be removed', 'no more questions', 'No message yet', 'Are there messages?', 'I do not consent to a credit check', 'In the end we chose you', 'Why did I stop getting your texts?', 'I don''t want to text, can you call?',
    'don''t hesitate to text me', 'I don''t want any more of that paint', 'Quiero parar la fuga', 'el agua no para', 'sácame una cita', 'quíteme el techo viejo', 'voy a salir', 'Hay que cancelar', 'me equivoqué de número']);

-- START, YES and HELP stand alone.
SELECT judge(ARRAY['START', E'Start\nSent from my iPhone', 'unstop', 'Yes!', 'HELP', 'info', 'ayuda', 'iniciar', 'start on Monday', 'yes please', 'Liked “START”']);

-- Texts as long as they are read, and made to be slow: each takes a part of a second.
SET statement_timeout = '5s';
SELECT format('SELECT %s WHERE cloudgreet_private.opt_word(left(repeat(%L, 10000), 10000), ARRAY[left(repeat(%2$L, 1600), 1600)]) = ''''', n, t)
  FROM (VALUES (1, 'stop '), (2, '“'), (3, '“a”'), (4, '“”'), (5, E'>\n'), (6, 'please stop the '), (7, 'a, '), (8, E'-a\n'), (9, 'do not want '), (10, 's t o '), (11, '"'), (12, ' ''a'), (13, 'i said '), (14, '🛑'),
    (15, E'\u0301'), (16, 'stop texting x '), (17, '„'), (18, '»«'), (19, E'\n'), (20, 'don''t ever ')) v (n, t)
\gexec
RESET statement_timeout;
DROP FUNCTION public.judge(text[]);
