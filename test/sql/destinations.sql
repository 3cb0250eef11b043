/*
 * destinations.sql
 *		Where a business sends texts, what people can do about a message by its id, and what
 *		is told of one that failed.
 */
\set ECHO none
\set QUIET on
\i test/lib/master_key.sql
\i test/lib/claim.sql
CREATE FUNCTION public.new_business(name text, zone text, number text) RETURNS uuid LANGUAGE plpgsql AS
$$
DECLARE
    business CONSTANT uuid := cloudgreet.create_business(name, zone);
BEGIN
    PERFORM cloudgreet.set_secret('telnyx', 'x', business), cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx"}', business_id => business),
            cloudgreet.add_phone_number(number, business_id => business);
    RETURN business;
END
$$;
SELECT public.new_business('Chicago', 'America/Chicago', '+13125557120') AS b, public.new_business('Toll-free', 'America/Chicago', '+18885557121') AS free,
       public.new_business('London', 'Europe/London', '+442079460957') AS london, public.new_business('Satellite', 'UTC', '+881612345678') AS satellite \gset
CREATE FUNCTION public.answer(business uuid, number text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM cloudgreet.send_sms(number, 'Hello', business_id => business);
    RETURN 'sent';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END
$$;
\pset footer off
\set ECHO all

-- The country of the number that it sends from; in North America the United States with their territories, and Canada.
SELECT n, public.answer(:'b', n) AS chicago, public.answer(:'free', n) AS "toll-free", public.answer(:'london', n) AS london FROM unnest(ARRAY[
    '+12125557122', '+14165557123', '+17875557124', '+18885557125', '+18765557126', '+18095557127', '+12425557128', '+442079460958', '+447700900123', '+33612345678', '+5215512345678']) n;
-- Never, wherever the business is: premium rate, shared cost, personal numbers, satellites, networks of no country.
SELECT n, public.answer(:'b', n) AS chicago, public.answer(:'satellite', n) AS satellite FROM unnest(ARRAY[
    '+19005557129', '+12129765557', '+15005557130', '+979123456789', '+881623456789', '+882161234567', '+883510012345', '+80812345678', '+87012345678']) n;
SELECT public.answer(:'london', n) FROM unnest(ARRAY['+449098790000', '+448431234567', '+447012345678']) n;
-- Marks of direction and what takes no room are not sent; lines and emoji are.
SELECT cloudgreet.send_sms('+12125557122', E'Your code:\u202e 4711\u202c\nThanks\u200b', business_id => :'b') AS code, cloudgreet.send_sms('+12125557122', E'\U0001F469\u200d\U0001F527 is on her way', business_id => :'b') AS way \gset
SELECT replace(to_json(content)::text, U&'\200d', '\u200d') AS content, segments FROM cloudgreet.sms_messages WHERE id IN (:'code', :'way') ORDER BY id;
SELECT cloudgreet.send_sms('+12125557122', E'\u2062\n\U000e0041', business_id => :'b');
-- What the business allows, and only that.
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": ["US", "MX", "GB"]}' WHERE id = :'b';
SELECT n, public.answer(:'b', n) FROM unnest(ARRAY['+12125557122', '+14165557123', '+525512345678', '+447700900123', '+449098790000', '+881623456789']) n;
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": []}' WHERE id = :'b';
SELECT public.answer(:'b', '+12125557122');
\set VERBOSITY terse
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": "US"}' WHERE id = :'b';
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": ["US", 1]}' WHERE id = :'b';
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": ["USA"]}' WHERE id = :'b';
UPDATE cloudgreet.businesses SET settings = settings || '{"texting_countries": ["XZ"]}' WHERE id = :'b';
UPDATE cloudgreet.businesses SET settings = settings - 'texting_countries' WHERE id = :'b';
-- The role of the application does not matter; there is one place.
SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname ~ '^cloudgreet' AND p.prosrc ~ 'cloudgreet_private\.enqueue\(' AND p.prosrc ~ '''sms''';

-- A message is canceled and sent again by its own id, or that of its request.
SELECT cloudgreet.send_sms('+13125557131', 'One', send_at => cloudgreet.clock() + interval '1 day', business_id => :'b') AS one \gset
SELECT cloudgreet.cancel_delivery(:'one', :'b');
SELECT m.status, o.state, o.reason FROM cloudgreet.sms_messages m JOIN cloudgreet_private.requests o ON o.subject_id = m.id WHERE m.id = :'one';
SELECT cloudgreet.cancel_delivery(:'one', :'b');
SELECT cloudgreet.send_sms('+13125557131', 'Two', business_id => :'b') AS two \gset
UPDATE cloudgreet_private.outbox SET deadline_at = cloudgreet.clock() WHERE subject_id = :'two';
SELECT o.id AS request FROM cloudgreet_private.outbox o WHERE o.subject_id = :'two' \gset
SELECT public.claim(:'b', :'request');
SELECT event_type, data FROM cloudgreet.events WHERE subject_id = :'two' ORDER BY id;
SELECT alert_type FROM cloudgreet.alerts WHERE business_id = :'b';
SELECT cloudgreet.retry_delivery(:'two', :'b');
SELECT m.status, o.state, o.reason, o.retry_of = :'request' AS is_retry FROM cloudgreet.sms_messages m JOIN cloudgreet_private.requests o ON o.subject_id = m.id WHERE m.id = :'two' ORDER BY o.id;
SELECT cloudgreet.retry_delivery(:'request', :'b');
SELECT cloudgreet.cancel_delivery(:'two', :'b');

-- A webhook that is given up is told of.
SELECT a.id AS account FROM cloudgreet.provider_accounts a WHERE a.business_id = :'b' \gset
INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, dedup_key, event_type, headers, body, attempts)
VALUES (:'b', :'account', 'telnyx', 'given up', 'message.received', '{}', '\x7b', 4);
SELECT cloudgreet_private.process_webhooks(10) >= 1 AS processed;
SELECT state, reason IS NOT NULL AS has_reason FROM cloudgreet_private.webhook_inbox WHERE business_id = :'b';
SELECT alert_type, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message FROM cloudgreet.alerts WHERE business_id = :'b' AND alert_type = 'webhook_failed';
\set ECHO none
DROP FUNCTION public.new_business(text, text, text), public.answer(uuid, text);
DELETE FROM cloudgreet_private.webhook_inbox WHERE business_id = :'b';
\i test/lib/drop_master_key.sql
