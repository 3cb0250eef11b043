/*
 * 411_opt_phrases.sql
 *		The phrases that opt out, and the judgment of a text by them.
 *
 * A phrase is a pattern on the lines of word_lines().  To add one, add a text to the
 * list of test/sql/opt_corpus.sql, and then the words here.  Who is in doubt adds it:
 * nothing is sent to someone who may have meant it, and a person looks (review_stop).
 */
CREATE OR REPLACE FUNCTION cloudgreet_private.opt_innocent() RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT '(?:' || array_to_string(ARRAY[
        -- Not to stop.
        '\m(?:dont|do not|didnt|did not|cant|cannot|can not|wouldnt|couldnt|doesnt|does not|not|without|id never|i never|(?<!(?:you|guys|people|yall) )(?:wont|will not|never)) '
            '(?:ever |want |wish |mean |intend |need |have |like |(?:want|need) (?:you|it|them|(?:the|these|your|my) (?:texts|messages)) |to |accidentally |actually |really )*!?stop\M(?! (?:the|these|those|your|all) (?:texts|messages|msgs))',
        '\m(?:dont|do not|didnt|did not|havent|never|not) (?:ever |want |wish |mean |intend |need |have |like |(?:want|need) you |to |accidentally |actually |really )*(?:quit|opt|opt me|unsubscribe|unsub|remove me|cancel)\M',
        '\mno (?:pare[ns]?|parar|deje[ns]?|dejar)\M',
        '\mdid (?:i|we|you|u|he|she|they|it) (?:just )?!?stop\M',
        -- A stop that is a place.
        '\m(?:the|a|an|bus|each|every|next|last|first|one|full|pit|rest|truck|train|non|short|quick|my|our|your|another|second|third|final) !?stop(?: sign)?\M',
        -- How one opts out, in our words.
        '\m(?:reply|replying|text|texting|txt|respond|send|type|say|says|enter|responda|responde|envie|envia|escriba|mande)(?: with| back)? !?(?:' || cloudgreet_private.opt_keyword() || '|end|cancel|cancelar) (?:to|2|for|if|and|para|y)\M[a-z0-9 ]*'
    ], '|') || ')';
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_innocent() IS 'A pattern of what sounds like an opt-out and is none; it is taken out before phrases are looked for.';

CREATE OR REPLACE FUNCTION cloudgreet_private.opt_phrases() RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    word CONSTANT text := '!?' || cloudgreet_private.opt_keyword();
    words CONSTANT text := '(?:' || word || ' )*(?:' || word || '|!?(?:stop|quit) (?:it|this|that|these|those|all|everything))';
    -- What stands before and after without saying more.
    before CONSTANT text := '(?:(?:please|pls|plz|plse|kindly|just|ok|okay|k|no|nope|nah|hi|hello|hey|sorry|thanks|thank you|thx|ty|but|(?:(?:i am|im) )?not interested(?: anymore)?|i (?:already )?(?:said|say|told you)(?: no| to)?'
        '|for the last time|for the love of god|for gods sake|lol|haha|ugh|ffs|again|now|so|seriously|omg|wtf|damn|enough|(?:can|could|would|will) (?:you|u|yall)|(?:you|u|yall|you guys|you people|you all) (?:need to|have to|must|should)|this is spam|spam|screw you|fuck you|fuck off|f off|who is this|whos this|who (?:are|r) (?:you|u)|wrong (?:number|house|person)'
        '|yes|dude|man|sir|bro|guys|go away|bye|i (?:want|need) you to|(?:i would|id) like you to|my answer is|answer|reply|text|texting|replying|im texting|i am replying'
        '|por favor|porfavor|favor de|porfa|no gracias|gracias|hola|ya|oiga|oye|no me interesa|no estoy interesad[oa]|quien es|quien eres|disculpe|perdon|lo siento|digo|quiero) )*';
    after CONSTANT text := '(?: (?:please|pls|plz|thanks|thank you|thx|ty|now|right now|immediately|asap|already|ok|okay|sir|maam|dude|man|bro|guys|yall|everyone|sorry|por favor|porfavor|porfa|gracias|ya|ahora))*';
    starts CONSTANT text := '(?:^|, )';
    ends CONSTANT text := '(?: ,| \?|$)';
    texts CONSTANT text := '(?:texts?|txts?|messages?|msgs?|sms|spam|reminders?|notifications|alerts|text messages?)';
    textos CONSTANT text := '(?:mensajes?|textos?|sms|recordatorios)';
    these CONSTANT text := '(?:(?:all|the|these|those|this|that|such|your|ur|any|of|from|with|w|out|me|us|more|anymore|another|other|further|future|text|sms|spam|marketing|automated|sending|receiving|getting|fucking|freaking|damn|stupid|annoying) )*';
    texting CONSTANT text := '(?:texting|txting|messaging|msging|contacting|calling|emailing|bothering|bugging|pestering|hounding|reminding|harassing|spamming|annoying|sending)';
    to_text CONSTANT text := '(?:text|txt|message|msg|contact|sms|bother|write|harass|spam|disturb|call (?:or|and) (?:text|message)|text (?:or|and) call)';
    -- Who is told to stop: whoever is addressed, not the writer.
    told CONSTANT text := '(?:' || starts || before || '|\m(?:please|pls|plz|just|so|now|kindly|(?:you|u|yall|guys|people|them) (?:to )?|(?:ask|asked|asking|request|requesting|demand) to) ?)';
    list CONSTANT text := '(?:(?:call|calling|contacts?|text|texting|sms|phone|mailing|email|marketing|distribution|customer|messaging|spam|do not call) )*(?:lists?|system|database|texts|messages|records|contacts|phone)';
BEGIN
    RETURN '(?n)' || array_to_string(ARRAY[
        -- The word as a sentence, or as the first or last part of one.
        '^' || before || words || after || ends,
        starts || before || words || after || '(?: \?)?$',
        '^' || before || '!?(?:stop|quit|unsubscribe) (?:i|im|ive|id|we|you have|you are|youre|not interested|no thanks|dont|do not|wrong|who|whos|leave|never|already|this is|its|thank|thanks|per|as|now|right now|immediately|or i|or we|or im)\M',
        -- In capitals: as the last word, or those of two meanings as a part of their own.
        '\m(?!(?:to|it|them|him|her|he|she|they|i|we|you|not|dont|wont|cant|cannot|didnt|doesnt|never|will|would|should|must|can|could|did|does|do|and|or|say|says|sign|gotta|let|lets|make|help|this|that|any)\M)[a-z0-9]+ (?:, )?!' || substr(word, 3) || after || '$',
        starts || '(?:no thanks |no )?!(?:end|cancel|cancelar|fin)' || ends,
        '^(?:(?:no thanks|no thank you|thanks|thank you|(?:im |i am )?not interested|wrong number|no gracias|no me interesa) (?:, )?)?(?:end|cancel|cancelar|fin|salir)(?: thanks| thank you| gracias)?$',
        '^(?:please end|end please)$',
        '^' || before || '!?stop (?:to|2) (?:opt out|unsubscribe|end|cancel|stop|quit)$',
        -- English.
        '(?:^|\m(?:want|like|wish|need|please|how (?:do|can) i|ask|asking|asked) (?:to )?)stop (?:receiving|getting)(?: (?:all|any|more|the|these|those|this|your))*(?: ' || texts || '\M|' || ends || ')',
        '\m(?:stop|quit|cease|discontinue) ' || these || '(?:texting|txting|messaging|msging|contacting|calling|emailing|bothering|bugging|pestering|hounding|reminding|harassing|spamming|annoying|writing) ' || these || '(?:me|us|here|my (?:phone|number|cell)|this (?:phone|number))\M',
        told || '!?(?:stop|quit|cease|discontinue) ' || these || texting || '\M',
        told || '!?(?:stop|quit) (?:(?:to )?(?:text|txt|message|msg|call|contact|write)|to send) (?:me|us)\M',
        '\m!?(?:stop|end|cease|discontinue|cancel) ' || these || '(?:' || texts || '|communications?|contact|calls|(?:my )?subscription)\M',
        starts || before || 'no (?:texts|txts|messages|msgs|sms|reminders|notifications|alerts|text messages)' || after || '(?: ,|$)',
        '\m(?:dont|do not|didnt|did not) want (?:any )?(?:more )?of (?:these|this|them)' || ends,
        '\m(?:dont|do not|never|didnt|did not) (?:(?:have|give you|gave you|gave) (?:my |any )?permission to (?:text|message|contact|call)|consent(?: to (?:these|your|texts?|messages|sms|being (?:texted|contacted)|receive|get)|$))\M',
        '\m' || texts || ' (?:to|must|has to|have to|should|need to) !?stop' || ends,
        '\m(?:dont|do not|no longer|didnt|did not|never|not) (?:want|need|wish|wanna)(?: (?:you to|to (?:get|receive|be|have)|for|get|getting|receive|receiving))* ' || these || '(?:texted|messaged|contacted|contact|' || texts || ')\M(?:(?= to (?:this|my|me|us|our|keep|come|here|continue)\M)|(?! (?:to|lost|missed|deleted|getting|being|going|after|before|until|during|while|at (?:night|work)|on (?:[a-z]+day|weekend)s?)\M))',
        '(?:' || starts || before || '|\m(?!(?:i|we|they|you|u|he|she|people|kids|who|if)\M)[a-z]+ )(?:dont|do not|never)(?: (?:ever|even|want you to|need you to))* ' || to_text
            || '(?: (?:me|us|here|this (?:phone|number|cell|line)|my (?:phone|number|cell)))?(?: (?:again|anymore|any more|ever|ever again|back|please|pls|thanks|anything|ok|at all|on this number|at this number))*(?= ,| \?|$| (?:and|or|i|im|we|you|this|call|because|it)\M)',
        starts || before || '(?:dont|do not|never) (?:ever )?(?:send (?:me |us )?' || these || '(?:' || texts || '|anything|stuff)|call (?:me |us |here |this number )?(?:again|anymore|any more|ever again))\M',
        '(?:' || starts || before || '|\m(?:want|send|need|get) (?:me )?)no more ' || these || texts || '\M',
        starts || before || 'no more(?: of (?:this|these))?' || after || ends,
        '\m(?:unsubscribe|unsubscribing|unsuscribe|unsubcribe|optout|opt(?:ing)? (?:me |us )?out(?:(?= of (?:these|your|this|all|any|text|texts|sms|messages|messaging|the (?:texts?|messages|list)|it)\M)|(?! of\M)))\M',
        '\m(?:revoke|revoking|withdraw|withdrawing|take back) (?:my |any |all )*(?:consent|permission|authorization)\M',
        told || '(?:(?:leave (?:me|us) (?:the (?:hell|fuck) )?alone|(?:f|fuck|piss|bug|buzz|screw) off|(?:fuck|screw) you|shut up|go away|get lost)' || after || ends || '|lose (?:my|this) number|cease (?:and desist|contact|all))',
        '\m(?:take|get) (?:me|us|my (?:name|number|phone)|this number) (?:off|out)(?:' || ends || '| (?:of )?(?:(?:your|this|the|that|any|all|ur) )?' || list || ')',
        '\m(?:remove|delete|drop|erase) (?:me|us|my (?:name|number|phone|phone number|contact|info)|this number)(?:' || ends || '| (?:please|thanks|now)| from (?:(?:your|this|the|that|any|all|ur|all your) )?' || list || ')',
        '\m(?:(?:i (?:want|would like|need|wish|asked|ask)|id like) to be|have me) removed\M|\m(?:be|get) removed from (?:your|this|the|all|any) ' || list || '\M|\mwant (?:off|out)(?: of)? (?:your|this|the) ' || list || '\M',
        '\mput (?:me|us|my number|this number) on (?:your|the|a) do not (?:call|text|contact)\M',
        starts || before || '(?:i think |i believe |looks like |im afraid |(?:you|u|ya|yall)(?: guys)? |(?:you|u) (?:must |might |may )?|youve |texted |this is |its )*(?:have |has |got |texted |messaged |are texting |r texting |are messaging |have reached |reached |dialed )?(?:the |a )?wrong (?:number|person|guy|girl|lady)(?: (?:for|buddy|pal|here)\M.*)?' || after || ends,
        '\m(?:texting|messaging|contacting) (?:the |a )?wrong (?:number|person)\M',
        '\m(?:never|didnt|did not) (?:sign(?:ed)? up|subscribed?|agreed?|consent(?:ed)?|asked?|opt(?:ed)? in) (?:for |to |to get |to receive )*' || these || texts || '\M',
        -- Spanish.
        '\m(?:deje|deja|dejen|dejar|pare|paren|para|parar) de (?:escribir|mandar|enviar|molestar|text|llamar|contactar|mensaj)',
        '\m(?:no|nunca)(?: vuelvan?)?(?: a)? me (?:vuelvan? a )?(?:escrib|mand|envi|text|contact|molest|llam)(?:a|as|an|e|es|en|ar|ir|ee|een|ees)(?: mas| nada| de nuevo| otra vez| aqui| nunca| por favor| gracias| a este numero| (?:mas )?(?:estos |esos |sus )?' || textos || '| ni (?:me )?[a-z]+)*' || ends,
        '\mse (?:equivoco|equivocaron) de numero\M',
        '\msalir(?:me)? de (?:la|su|tu|esta) lista\M|\m(?:no|ya no) (?:quiero|deseo) recibir (?:nada|mas)\M',
        '\mno vuelvan? a (?:escrib|mand|envi|llam|text|contact)',
        starts || before || '(?:ya )?no (?:mand|envi|escrib|molest|text|llam)(?:en?|an?|ar|een?)(?: mas)?(?: ' || textos || ')?' || after || ends,
        '\m(?:no|ya no) (?:quiero|deseo|necesito)(?: (?:recibir|mas|sus|tus|estos|esos|ningun|los|que|me|manden|envien|escriban))* (?:' || textos || '|escriban)\M',
        starts || before || '(?:ya )?no mas(?: ' || textos || '| por favor|' || ends || ')',
        '\m(?:dar(?:me)?|den?me|quiero) (?:de )?(?:la )?baja\M|\m(?:des|desin)?suscrib(?:ir|an|a)me\M|\m(?:anul|cancel|suspend)(?:ar|er|en|an|e|a) (?:la |mi |los |estos )?(?:suscripcion|' || textos || ')\M',
        '\m(?:quit|saqu|sac|elimin|borr)(?:e|en|a|ar)me(?:' || ends || '| por favor| ya| de (?:la|su|tu|esta|sus|tus) (?:listas?|base|sistema))|\m(?:quit|saqu|sac|elimin|borr)(?:e|en|ar) (?:mi (?:numero|nombre|contacto)|de (?:su|la|esta) lista)\M',
        starts || before || '(?:creo que |usted |tiene |tienen |es |este es |esta es )*(?:el |un )?numero(?: equivocado| incorrecto)',
        '\m(?:deje|deja)(?:n?me|nos|nnos) en paz\M|\mrevoco mi\M|\mno autorizo\M'
    ], '|');
END
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_phrases() IS 'A pattern of the phrases that opt out, on the lines of word_lines().';

CREATE OR REPLACE FUNCTION cloudgreet_private.opt_word(value text, ours text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    lines text := cloudgreet_private.word_lines(cloudgreet_private.drop_quoted(
        cloudgreet_private.drop_ours(cloudgreet_private.fold_marks(opt_word.value), opt_word.ours)));
    words text := regexp_replace(lines, '[^a-z0-9]+', ' ', 'g');
    word text;
BEGIN
    IF length(words) <= 200 THEN
        words := btrim(words);
        IF words ~ '^([a-z] )+[a-z]$' THEN
            words := replace(words, ' ', ''); -- "q u i t"
        END IF;
        -- "stop stop", and marks of one word
        word := CASE WHEN (SELECT count(DISTINCT w) = 1 FROM unnest(string_to_array(words, ' ')) w) THEN split_part(words, ' ', 1) ELSE words END;
        IF word ~ ('^' || cloudgreet_private.opt_keyword() || '$') OR word IN ('end', 'cancel', 'cancelar', 'fin', 'salir') THEN
            RETURN 'stop';
        ELSIF word IN ('start', 'unstop', 'yes', 'iniciar', 'comenzar', 'reanudar') THEN
            RETURN 'start';
        ELSIF word IN ('help', 'info', 'ayuda') THEN
            RETURN 'help';
        ELSIF words ~ '^(reply |text |send |type )?(stop|quit|end|cancel|unsubscribe)( ?(to|2) ?(opt out|unsubscribe|end|cancel|stop|quit))?$' THEN
            RETURN 'review_stop'; -- our own words, copied
        END IF;
    END IF;
    lines := regexp_replace(lines, cloudgreet_private.opt_innocent(), 'x', 'g');
    IF lines ~ cloudgreet_private.opt_phrases() THEN
        RETURN 'review_stop';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION cloudgreet_private.opt_word(text, text[]) IS
    'What a text says about being texted: stop, start, help (a word alone, whatever its case, punctuation and signature), review_stop (a word beside others, or words of its own: taken for stop, and a person should look), or NULL. ours: texts that we sent to its writer, which are no words of theirs.';

REVOKE ALL ON FUNCTION cloudgreet_private.plain_words(text), cloudgreet_private.opt_keyword(), cloudgreet_private.fold_marks(text),
    cloudgreet_private.drop_ours(text, text[]), cloudgreet_private.cut_off(text, integer), cloudgreet_private.drop_quotations(text), cloudgreet_private.drop_quoted(text),
    cloudgreet_private.word_lines(text), cloudgreet_private.opt_innocent(), cloudgreet_private.opt_phrases(),
    cloudgreet_private.opt_word(text, text[]) FROM PUBLIC;
