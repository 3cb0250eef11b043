# 149_upkeep.pl
#		What has to be done from time to time, by the processor: what is old goes in pieces,
#		partitions come and go, whatever others have locked, and webhooks do not wait for it.
use strict;
use warnings;
use FakeProvider;
use PostgreSQL::Test::Utils;
use Sending;
use Supervised qw(until_true);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $server = Sending->start('upkeep');
my ($node, $business) = @$server{qw(node business)};
my $processor = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet processor'";
is($server->sql("SELECT string_agg(n::text, ' ') FROM (SELECT DISTINCT count(*) AS n FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent WHERE c.relkind = 'p' GROUP BY c.oid) s"), '3', 'partitions are made for this month and two more');

# A new processor begins with a round of upkeep.
sub round
{
	my $pid = $server->sql($processor);
	$server->sql("SELECT pg_terminate_backend($pid)") if $pid;
	return until_true('another processor', sub { my $new = $server->sql($processor); $new && $new ne $pid });
}

sub add_partitions
{
	my ($month) = @_;
	$server->sql(join ';', map { my $name = "${_}_p" . ($month =~ s/-/_/r);
		qq{CREATE TABLE cloudgreet_private.$name (LIKE cloudgreet_private.$_ INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
		ALTER TABLE cloudgreet_private.$name OWNER TO cloudgreet_owner;
		ALTER TABLE cloudgreet_private.$_ ATTACH PARTITION cloudgreet_private.$name FOR VALUES FROM (cloudgreet.uuid_v7_floor('$month-01Z')) TO (cloudgreet.uuid_v7_floor('$month-01Z'::timestamptz + interval '1 month'))} }
		'outbox_history', 'outbox_attempts', 'webhook_inbox');
	return;
}

# --- What is old goes, what is not stays -------------------------------------------------------
$server->sql(qq{
	INSERT INTO cloudgreet_private.idempotency_keys (business_id, operation, key, request_hash, result_id, created_at)
	SELECT '$business'::uuid, 'send_sms', 'old ' || n, ''::bytea, cloudgreet.uuid_v7(), now() - interval '30 days 1 minute' FROM generate_series(1, 1700) n
	UNION ALL SELECT '$business'::uuid, 'send_sms', 'new', ''::bytea, cloudgreet.uuid_v7(), now() - interval '29 days 23 hours';
	INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id)
	SELECT '$business'::uuid, cloudgreet.uuid_v7_floor(now() - interval '91 days' + n * interval '1 ms'), 'enrollment', cloudgreet.uuid_v7() FROM generate_series(1, 1200) n;
	INSERT INTO cloudgreet_private.message_causes (business_id, message_id, cause, cause_id) VALUES ('$business', cloudgreet.uuid_v7_floor(now() - interval '89 days'), 'enrollment', cloudgreet.uuid_v7());
	INSERT INTO cloudgreet.staff (business_id, id, name, time_zone) VALUES ('$business', '00000000-0000-7000-8000-000000000001', 'Ann', 'UTC');
	INSERT INTO cloudgreet.appointment_allocations (business_id, staff_id, starts_at, ends_at, blocks, state, expires_at)
	SELECT '$business'::uuid, '00000000-0000-7000-8000-000000000001'::uuid, t - interval '1 hour', t, tstzrange(t - interval '1 hour', t), s, CASE s WHEN 'held' THEN t END
	  FROM (VALUES (now() - interval '31 days', 'released'), (now() - interval '32 days', 'held'), (now() - interval '29 days', 'released')) v (t, s);
	INSERT INTO cloudgreet_private.webhook_seen (account_id, dedup_key, received_at) SELECT a.id, n::text, now() - interval '31 days' FROM generate_series(1, 1200) n, cloudgreet.provider_accounts a WHERE a.provider = 'resend';
	INSERT INTO cloudgreet_private.outbox_counts (business_id, account_id, provider, state, hour, requests) VALUES ('$business', '$business', 'telnyx', 'done', now() - interval '26 hours', 5);
});
# Nobody decides: what is held or unknown is dead 30 days after its deadline, not before.
$server->sql(qq{
	INSERT INTO cloudgreet_private.outbox (business_id, account_id, provider, operation, idempotency, subject_type, subject_id, body, state, deadline_at, reason, target)
	SELECT '$business'::uuid, '$business'::uuid, 'http', 'request', 'none', 'request', cloudgreet.uuid_v7(), convert_to(what, 'UTF8'), state, deadline_at, 'for a test', '{POST,https://x.example/,""}'
	  FROM (VALUES ('old held', 'held', now() - interval '30 days 1 minute'), ('old unknown', 'unknown', now() - interval '31 days'), ('new held', 'held', now() - interval '29 days')) v (what, state, deadline_at)});
$server->sql("UPDATE cloudgreet_private.outbox SET next_at = now() + interval '1 hour'");
my $holder = $node->background_psql('postgres');
# Its first round may not be over: it is stopped, between two transactions, until all is prepared.
my $first = until_true('a processor', sub { $server->sql($processor) });
until_true('a processor between transactions', sub {
	kill 'STOP', $first;
	return 1 if $server->sql("SELECT a.xact_start IS NULL AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'relation') FROM pg_stat_activity a WHERE a.pid = $first") eq 't';
	kill 'CONT', $first;
	return 0;
});
add_partitions('2020-01');
add_partitions('2020-02');
# What is open yet from an older month is to be in its history one day.
add_partitions('2019-12');
$server->sql("INSERT INTO cloudgreet_private.outbox (business_id, id, account_id, provider, operation, idempotency, subject_type, subject_id, body, state, next_at, deadline_at, target)
	VALUES ('$business', cloudgreet.uuid_v7_floor('2019-12-31 23:00Z'), '$business', 'http', 'request', 'none', 'request', cloudgreet.uuid_v7(), 'for later', 'queued', now() + interval '1 day', now() + interval '2 days', '{POST,https://x.example/,\"\"}')");
my $opened = $server->sql(q{SELECT count(*) FROM pg_class WHERE relname ~ '_p2020_0[12]$' AND relkind = 'r'});
is($opened, 6, 'there are old partitions');
# A session reads an old partition, and so do dumps: nothing waits for it, and nothing ends.
$holder->query_safe('BEGIN; SELECT count(*) FROM cloudgreet_private.outbox_history_p2020_01');
kill 'CONT', $first;
round();
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_class WHERE relname ~ '_p2020_0[12]$' AND relkind = 'r'}), 'they are dropped, but the one that another session holds');
is($server->sql(q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relname ~ '_p2019_12$' AND relkind = 'r'}), 'outbox_history_p2019_12', 'but the history of what is open');
is($server->sql(q{SELECT string_agg(key, ' ') FROM cloudgreet_private.idempotency_keys}), 'new', 'keys of 30 days are forgotten, in pieces');
is($server->sql('SELECT count(*) FROM cloudgreet_private.message_causes'), 1, 'causes of 90 days are');
is($server->sql(q{SELECT count(*) FROM cloudgreet.appointment_allocations}), 1, 'times that were given back are, once they are past for 30 days');
is($server->sql(q{SELECT count(*) FROM cloudgreet_private.webhook_seen}), 0, 'webhooks are');
is($server->sql(q{SELECT count(*) FROM cloudgreet_private.outbox_counts WHERE hour < now() - interval '26 hours' AND hour > '-infinity'}), 0, 'counters of the day before are');
is($server->sql(q{SELECT string_agg(convert_from(body, 'UTF8') || ' ' || state, ', ' ORDER BY convert_from(body, 'UTF8')) FROM cloudgreet_private.requests}), 'for later queued, new held held, old held dead, old unknown dead', 'what nobody decided about is dead')
	or diag($server->sql('SELECT state, reason FROM cloudgreet_private.requests'));
like($server->sql(q{SELECT reason FROM cloudgreet_private.outbox_history LIMIT 1}), qr/^nobody decided for 30 days: for a test/, 'with the reason');
# The drop is tried again; the processor is the same, and takes webhooks meanwhile.
my $pid = $server->sql($processor);
my $id = $server->text('+12125550188', 'meanwhile');
ok($node->poll_query_until('postgres', "SELECT status = 'delivered' FROM cloudgreet.sms_messages WHERE id = '$id'"), 'events of texts are processed meanwhile');
is($server->sql($processor), $pid, 'by the same processor');
$holder->query_safe('COMMIT');
is($server->sql('SELECT cloudgreet_private.retire_partition()'), 1, 'once it is free it goes');
is($server->sql('SELECT cloudgreet_private.retire_partition()'), 0, 'but not before what is open is finished');
$server->sql("SELECT cloudgreet.cancel_delivery(o.id, o.business_id) FROM cloudgreet_private.outbox o WHERE o.state = 'queued' AND o.id < cloudgreet.uuid_v7_floor('2020-01-01Z')");
is($server->sql('SELECT cloudgreet_private.retire_partition()'), 1, 'which finds its history');
is($server->sql('SELECT cloudgreet_private.retire_partition()'), 0, 'and nothing is left');
$server->sql('DROP TABLE cloudgreet_private.webhook_inbox_p' . $server->sql(q{SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYY_MM')}));
round();
ok($node->poll_query_until('postgres', "SELECT count(*) = 3 FROM pg_inherits i WHERE i.inhparent = 'cloudgreet_private.webhook_inbox'::regclass"), 'a partition that is missing is made');
$server->sql('DROP TABLE cloudgreet_private.webhook_inbox_p' . $server->sql(q{SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYY_MM')}));
$server->sql('SELECT cloudgreet.tick()');
is($server->sql("SELECT count(*) FROM pg_inherits i WHERE i.inhparent = 'cloudgreet_private.webhook_inbox'::regclass"), 3, 'by tick() too');
$holder->quit;

# --- After months without a server -------------------------------------------------------------
# The dispatcher writes at once, and does not wait for the processor to make this month's partitions.
my $month = $server->sql(q{SELECT to_char(now() AT TIME ZONE 'UTC', '"_p"YYYY_MM')});
$server->sql("ALTER SYSTEM SET cloudgreet.databases = ''");
$node->reload;
until_true('no workers', sub { $server->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^cloudgreet (dispatcher|processor)'") == 0 });
my $late = $server->text('+12125550177', 'after months');
$server->sql("DROP TABLE cloudgreet_private.outbox_history$month, cloudgreet_private.outbox_attempts$month");
$server->sql("ALTER SYSTEM SET cloudgreet.databases = 'postgres'");
$node->reload;
ok($server->reaches($late, 'done'), 'a text is sent, and recorded, though the month had no partition when the server started');

$node->stop;
done_testing();
