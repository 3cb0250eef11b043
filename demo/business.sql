/*
 * business.sql
 *		The sample business, made by the functions of first use; what the story needs to
 *		know of it, as JSON.
 *
 * psql has the providers' keys in telnyx_key, telnyx_webhook_key, resend_key,
 * resend_webhook_key and retell_key.
 */
\set QUIET on
SELECT cloudgreet.create_business('Lakeside Plumbing', 'America/Chicago',
    owner_email => 'dana@lakeside.example', owner_name => 'Dana Moore') AS business \gset
SELECT cloudgreet.set_secret('telnyx.api_key', :'telnyx_key', :'business') AS version,
    cloudgreet.set_secret('telnyx.webhook_key', :'telnyx_webhook_key', :'business') AS version2,
    cloudgreet.set_secret('resend.api_key', :'resend_key', :'business') AS version3,
    cloudgreet.set_secret('resend.webhook_key', :'resend_webhook_key', :'business') AS version4,
    cloudgreet.set_secret('retell.api_key', :'retell_key', :'business') AS version5 \gset
SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx.api_key", "webhook_key": "telnyx.webhook_key"}',
    business_id => :'business') AS telnyx \gset
SELECT cloudgreet.connect_provider('resend', '{"api_key": "resend.api_key", "webhook_key": "resend.webhook_key"}',
    '{"from": "Lakeside Plumbing <office@lakeside.example>"}', business_id => :'business') AS resend \gset
SELECT cloudgreet.connect_provider('retell', '{"api_key": "retell.api_key"}', business_id => :'business') AS retell \gset
SELECT cloudgreet.add_phone_number('(312) 555-0100', 'Main line', business_id => :'business') AS number,
    cloudgreet.create_service('Leak repair', 60, price_cents => 18000, business_id => :'business') AS service,
    cloudgreet.add_staff('Sam', business_id => :'business') AS staff,
    cloudgreet.create_agent('Front desk', business_id => :'business') AS agent,
    cloudgreet.create_follow_up(business_id => :'business') AS follow_up \gset

-- Reminders and follow-ups are released by the processor, and by this beside it.
CREATE EXTENSION pg_cron;
SELECT cloudgreet.schedule_jobs() AS job \gset

SELECT jsonb_build_object('id', b.id, 'name', b.name, 'time_zone', b.time_zone,
    'phone_number', n.phone_number, 'service', s.name, 'owner', u.id,
    'retell_account', :'retell', 'resend_account', :'resend')
  FROM cloudgreet.businesses b
  JOIN cloudgreet.phone_numbers n ON n.business_id = b.id
  JOIN cloudgreet.services s ON s.business_id = b.id
  JOIN cloudgreet.users u ON u.business_id = b.id;
