# 133_webhook_fairness.pl
#		The processor gives businesses turns: one with a backlog, events of thousands of
#		members, rows that another session holds and events that fail delays no other.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Webhooks;

my $hooks = Webhooks->start('fairness');
my $node = $hooks->{node};
my ($flooding, %account_a) = $hooks->make_business('+13125550100');
my ($waiting, %account_b) = $hooks->make_business('+13125550150');
my $iso = '2026-06-09T15:00:00Z';

sub sql { return $hooks->sql(@_) }

# Events as they are stored once their signature was found good.
sub store
{
	my ($business, $account, $type, $n, $payload) = @_;
	sql(qq{INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body)
		SELECT '$business', '$account', 'telnyx', '$type', '$type ' || n, e.event #>> '{data,payload,id}', '{}', convert_to(e.event::text, 'UTF8')
		  FROM generate_series(1, $n) n, LATERAL (SELECT jsonb_build_object('data', jsonb_build_object('event_type', '$type', 'id', '$type ' || n, 'occurred_at', '$iso', 'payload', $payload)) AS event) e});
}
my $texts_in = sub { my ($from, $to, $more) = @_;
	return qq{jsonb_build_object('id', '$from-' || n, 'text', 'hello', 'from', jsonb_build_object('phone_number', '+1312555' || lpad((n % 90)::text, 4, '0')), 'to', $to, 'media', $more)} };
my $to_a = q{jsonb_build_array(jsonb_build_object('phone_number', '+13125550100'))};

# The flood is there before the processor is: 400 texts, 20 events of 10,000 members, a call
# whose row another session will hold, and one that always raises.
sql(q{CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF new.content = 'poison' THEN RAISE EXCEPTION 'never this one'; END IF;
		IF new.content = 'slow' THEN PERFORM pg_sleep(60); END IF;
		RETURN new;
	END $$;
	CREATE TRIGGER refuse BEFORE INSERT ON cloudgreet.sms_messages FOR EACH ROW EXECUTE FUNCTION public.refuse();});
store($flooding, $account_a{telnyx}, 'message.received', 400, $texts_in->('flood', $to_a, q{'[]'::jsonb}));
store($flooding, $account_a{telnyx}, 'message.received', 20, $texts_in->('large',
	q{(SELECT jsonb_agg(jsonb_build_object('phone_number', '+1415555' || m)) FROM generate_series(1000, 8000) m)}, q{(SELECT jsonb_agg(m) FROM generate_series(1, 10000) m)}));
sql(q{UPDATE cloudgreet_private.webhook_inbox SET body = convert_to(replace(convert_from(body, 'UTF8'), 'hello', 'poison'), 'UTF8'), dedup_key = 'poison' WHERE entity_key = 'flood-7'});
sql("INSERT INTO cloudgreet.sms_messages (business_id, direction, from_number, to_number, content, status, provider, provider_message_id)
	SELECT '$flooding', 'outbound', '+13125550100', '+13125550199', 'x', 'sent', 'telnyx', 'held-' || n FROM generate_series(1, 60) n");
store($flooding, $account_a{telnyx}, 'message.finalized', 60, q{jsonb_build_object('id', 'held-' || n, 'from', jsonb_build_object('phone_number', '+13125550100'), 'to', '[{"status": "delivered", "phone_number": "+13125550199"}]'::jsonb)});
my ($in, $out) = ('', '');
my $holder = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres')], '<', \$in, '>', \$out);
$in = "BEGIN; SELECT count(*) FROM (SELECT FROM cloudgreet.sms_messages WHERE provider_message_id ~ '^held' FOR UPDATE) h;\n";
$holder->pump until $out =~ /60/;
my $held_at = time;

$node->append_conf('postgresql.conf', "cloudgreet.databases = 'postgres'\ncloudgreet.gate = off\ncloudgreet.clock = ''\ncloudgreet.webhook_timeout = 500ms");
$node->reload;
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM cloudgreet_private.webhook_inbox WHERE state <> 'pending'") or die 'no processor';

# --- While A floods ---------------------------------------------------------------------
my %event = (event_type => 'message.received', occurred_at => $iso);
my @took;
foreach my $n (1 .. 5)
{
	my $began = time;
	is($hooks->deliver($hooks->prepare("b $n", 'telnyx', {data => {%event, id => "b-$n", payload => {id => "b-$n", text => 'hi', from => {phone_number => '+13125550180'}, to => [{phone_number => '+13125550150'}]}}},
				at => int(time), target => "/api/sms/webhook/$account_b{telnyx}")), 200, "B's event $n is taken");
	my $stored = time;
	$node->poll_query_until('postgres', "SELECT state = 'processed' FROM cloudgreet_private.webhook_inbox WHERE business_id = '$waiting' AND dedup_key = 'b-$n'") or last;
	push @took, time - $stored;
}
cmp_ok(scalar(@took), '==', 5, 'all are processed');
cmp_ok((sort { $a <=> $b } @took)[2], '<', 0.5, '... at once');
my $began = time;
is($hooks->deliver($hooks->prepare('tool', 'retell', {name => 'check_availability', call => {call_id => 'call_b', to_number => '+13125550150', from_number => '+13125550180'}, args => {}},
			at => int(time), target => "/api/retell/webhook/$account_b{retell}")), 200, "a function that B's agent calls is answered");
cmp_ok(time - $began, '<', 1, '... at once');
is(sql("SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE business_id = '$flooding' AND entity_key ~ '^held' AND state = 'pending'"), 60, 'while rows of A are held');

# --- A's own ----------------------------------------------------------------------------
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM cloudgreet_private.webhook_inbox WHERE state = 'pending' AND entity_key !~ '^held'"), "A's other events are processed beside, but for one");
is(sql("SELECT attempts > 0, reason FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'poison'"), 't|P0001: never this one', '... that raises and waits to be tried again');
is(sql("SELECT DISTINCT state, reason FROM cloudgreet_private.webhook_inbox WHERE entity_key ~ '^large'"), 'unmatched|no number of the business was texted', 'of thousands of receivers the first ones are looked at');
is(sql("SELECT max(attempts) FROM cloudgreet_private.webhook_inbox WHERE entity_key ~ '^held'"), 0, 'a lock is no failure');
$in .= "COMMIT;\n\\q\n";
$holder->finish;
my $free_at = time;
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM cloudgreet_private.webhook_inbox WHERE state = 'pending' AND entity_key ~ '^held'"), 'what was held is processed once it is free');
# A business pauses for as long as it was held at most; what was put off has a second more.
cmp_ok(time - $free_at, '<', $free_at - $held_at + 3, '... soon');
is(sql("SELECT DISTINCT status FROM cloudgreet.sms_messages WHERE provider_message_id ~ '^held'"), 'delivered', '... all of it');

# --- What fails again and again ---------------------------------------------------------
sub try_again
{
	my ($key) = @_;
	my $before = sql("SELECT attempts FROM cloudgreet_private.webhook_inbox WHERE dedup_key = '$key'");
	# As if its pause was over; another event wakes the processor.
	sql("UPDATE cloudgreet_private.webhook_inbox SET next_at = cloudgreet.clock() WHERE dedup_key = '$key'; SELECT cloudgreet.replay_webhook(id, business_id) FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'b-1'");
	return $node->poll_query_until('postgres', "SELECT attempts > $before FROM cloudgreet_private.webhook_inbox WHERE dedup_key = '$key'");
}
sql("UPDATE cloudgreet_private.webhook_inbox SET attempts = 4 WHERE dedup_key = 'poison'");
try_again('poison');
is(sql("SELECT state FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'poison'"), 'failed', 'an event that raises five times is held');
is(sql("SELECT count(*) FROM cloudgreet.alerts WHERE business_id = '$flooding' AND alert_type = 'webhook_failed' AND status = 'open'"), 1, '... with an alert');
sql("DROP TRIGGER refuse ON cloudgreet.sms_messages; SELECT cloudgreet.replay_webhook(id, business_id) FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'poison'");
ok($node->poll_query_until('postgres', "SELECT state = 'processed' FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'poison'"), '... and can be processed later');

sql('CREATE TRIGGER refuse BEFORE INSERT ON cloudgreet.sms_messages FOR EACH ROW EXECUTE FUNCTION public.refuse()');
my $pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet processor'");
like($pid, qr{^\d+$}, 'the processor runs');
is($hooks->deliver($hooks->prepare('slow', 'telnyx', {data => {%event, id => 'slow', payload => {id => 'slow', text => 'slow', from => {phone_number => '+13125550181'}, to => [{phone_number => '+13125550100'}]}}},
			at => int(time), target => "/api/sms/webhook/$account_a{telnyx}")), 200, 'an event that would take a minute');
ok($node->poll_query_until('postgres', "SELECT attempts = 1 AND state = 'pending' AND reason LIKE '57014%' FROM cloudgreet_private.webhook_inbox WHERE dedup_key = 'slow'"), '... is stopped, which is a failure');
is(sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet processor'"), $pid, 'the processor has gone on all the time');

done_testing();
