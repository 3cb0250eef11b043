/*
 * opt_words.sql
 *		What counts as an opt-out, an opt-in, a call for help, and as a case for a person.
 */
\pset tuples_only on
\pset format unaligned
-- The words of the FCC's rule and CTIA's, whatever their case, width, accents and punctuation.
SELECT t, cloudgreet_private.opt_word(t) FROM unnest(ARRAY[
    'stop', 'STOP', ' Stop. ', 'S T O P', 'stop!!!', '"Stop"', E'stop\n', 'stop stop STOP', 'STOPALL', 'stop all', 'Stop-All', 'end', 'quit',
    'cancel', 'Unsubscribe', 'REVOKE', 'optout', 'opt out', 'Opt-Out', 'remove', 'arrêt', 'ARRÊT', E'arre\u0302t', 'alto', 'parar',
    E'ＳＴＯＰ', E'st\u200bop', '🛑 STOP 🛑', 'stop🙏']) t;
SELECT t, cloudgreet_private.opt_word(t) FROM unnest(ARRAY['start', 'Start!', 'UNSTOP', 'yes', 'Yes.', 'YES 👍', 'help', 'HELP?', 'info']) t;
-- Words of people's own: taken for an opt-out, and a person looks at it.
SELECT t, cloudgreet_private.opt_word(t) FROM unnest(ARRAY[
    'please stop', 'Stop please', 'stop it now', 'stop texting me', 'Please stop sending me these messages', 'stop all messages', 'STOP CALLING ME',
    'stop contacting me', 'Stop bothering me', 'don''t text me', 'Don’t text me again', 'do not contact me', 'never message me again', 'no more texts',
    'I don''t want these messages', 'I do not want to get texts', 'unsubscribe me', 'I want to opt out', 'opt me out', 'I revoke my consent',
    'leave me alone', 'Leave us alone!', 'wrong number', 'Sorry, you have the wrong number', 'lose my number', 'take me off your list', 'remove me from this list',
    'delete my number', 'deje de escribirme', 'no me mande mensajes', 'número equivocado']) t;
-- What is none.
SELECT t FROM unnest(ARRAY[
    '', ' ', '...', '👍', 'Is Tuesday ok?', 'Can you stop by on Tuesday?', 'stop by and text me when you are here', 'Where does the bus stop?', 'I can''t stop the leak',
    'please cancel my appointment', 'cancel Tuesday, book Wednesday', 'yes please', 'yes, Tuesday works', 'start on Monday', 'can you help me?', 'I need info on roofing',
    'at the end of the street', 'remove the old roof', 'The endless rain', 'nonstop rain', 'text me', 'You can text me at this number', 'number 12 is the wrong house',
    repeat('long ', 5000)]) t
 WHERE cloudgreet_private.opt_word(t) IS NOT NULL;
SELECT cloudgreet_private.opt_word(NULL) IS NULL, cloudgreet_private.opt_word(repeat('x', 100000) || ' stop') IS NULL;
