# 140_outbox.pl
#		What is committed is sent, once, by the real dispatcher to the fake provider: retries,
#		answers that are lost, accounts that are broken, STOP, order, pause.
use strict;
use warnings;
use FakeProvider;
use PostgreSQL::Test::Utils;
use Sending;
use Supervised qw(until_true);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $server = Sending->start('outbox', "cloudgreet.outbox_max_attempts = 4\ncloudgreet.outbox_unknown_timeout = '1h'");
my ($node, $fake) = @$server{qw(node fake)};

# --- The way of a text and of an e-mail -------------------------------------------------
my $id = $server->text('+12125550188', 'Your appointment is at 10.');
ok($server->reaches($id, 'done'), 'a committed text is sent');
ok($node->poll_query_until('postgres', "SELECT status = 'delivered' FROM cloudgreet.sms_messages WHERE id = '$id'"), 'its events come back and say that it was delivered');
is($server->sql("SELECT string_agg(event_type, ' ' ORDER BY id) FROM cloudgreet.events WHERE subject_id = '$id'"), 'sms.queued sms.sent sms.delivered', 'the timeline tells it');
my $mail = $server->email('ann@example.com', 'Your appointment');
ok($server->reaches($mail, 'done'), 'an e-mail is sent');
is(join('|', $server->texts, $server->emails), 'Your appointment is at 10.|Your appointment', 'both reached the provider');
my $rolled_back = $server->sql("BEGIN; SELECT cloudgreet.send_sms('+12125550188', 'never', business_id => '$server->{business}'); ROLLBACK");
is($server->sql("SELECT count(*) FROM cloudgreet.sms_messages WHERE content = 'never'"), '0', 'what is rolled back is gone');
my ($status, $out, $err) = $node->psql('postgres', "BEGIN; SELECT cloudgreet.send_sms('+12125550188', 'never', business_id => '$server->{business}'); PREPARE TRANSACTION 'x'");
like($err, qr/cannot PREPARE a transaction that enqueued requests/, 'a transaction that enqueued cannot be prepared');
is($server->sql(q{SELECT string_agg(state || ' ' || http_status, ', ') FROM cloudgreet_private.outbox_history}), 'done 200, done 200', 'what was answered is kept');

# --- Errors of the provider -------------------------------------------------------------
$fake->script({ match => { provider => 'telnyx' }, times => 1, action => { status => 429, headers => { 'Retry-After' => '1' } } });
$id = $server->text('+12125550188', 'after 429');
ok($server->reaches($id, 'done'), 'a text that met 429 is sent later');
is($server->request('attempts', $id), 2, 'by a second attempt');
cmp_ok($server->sql("SELECT extract(epoch FROM max(o.finished_at) - min(a.finished_at)) FROM cloudgreet_private.outbox_attempts a JOIN cloudgreet_private.requests o ON o.id = a.outbox_id WHERE subject_id = '$id'"),
	'>=', 1, 'and not before the provider wants it');
$fake->script({ match => { provider => 'resend' }, times => 2, action => { status => 500, accepted => JSON::PP::true } });
$mail = $server->email('ann@example.com', 'after 500');
ok($server->reaches($mail, 'done'), 'an e-mail that met 500 is sent again');
is(scalar(grep { $_ eq 'after 500' } $server->emails), 1, 'and arrives once: the key is the same');
$fake->script({ match => { provider => 'telnyx' }, times => 1, action => { status => 400, body => '{"errors": [{"code": "40012", "title": "Invalid destination"}]}' } });
$id = $server->text('+12125550188', 'refused');
ok($server->reaches($id, 'dead'), 'a text that is refused for good is given up');
is($server->sql("SELECT status || ' ' || error_code FROM cloudgreet.sms_messages WHERE id = '$id'"), 'failed 40012', 'and says why');
is($server->sql("SELECT count(*) FROM cloudgreet.alerts WHERE alert_type = 'delivery_failed'"), 1, 'an alert is raised');
$server->sql("SELECT cloudgreet.retry_delivery('" . $server->request('id', $id) . "', '$server->{business}')");
ok($server->reaches($id, 'done'), 'a person can have it sent again');
# An outage costs no attempt: more of them than cloudgreet.outbox_max_attempts end nothing, the deadline does.
$fake->script({ match => { provider => 'resend' }, times => 4, action => { status => 503 } });
$mail = $server->email('ann@example.com', 'often 503');
ok($server->reaches($mail, 'done'), 'an e-mail outlives an outage of more attempts than may fail');
is($server->request('attempts', $mail), 5, 'each of which was made');
$fake->script({ match => { provider => 'resend' }, times => 1, action => { status => 503, headers => { 'Retry-After' => '86400' } } });
$mail = $server->email('ann@example.com', 'always 503');
ok($server->reaches($mail, 'dead'), 'one that could only be tried again after its deadline is dead');
like($server->request('reason', $mail), qr/^given up after 1 attempts: 503/, 'with the reason');

# --- An answer that is lost -------------------------------------------------------------
$fake->set(auto_webhooks => []);
$fake->script({ match => { provider => 'telnyx' }, times => 1, action => { reset => 'after_read', accepted => JSON::PP::true } });
$id = $server->text('+12125550188', 'lost answer');
ok($server->reaches($id, 'unknown'), 'a text whose answer is lost is not sent again');
is($server->sql("SELECT status FROM cloudgreet.sms_messages WHERE id = '$id'"), 'unknown', 'its status says so');
my ($message) = grep { $_->{text} eq 'lost answer' } values %{ $fake->state('telnyx', 'messages') };
$fake->webhook('telnyx', 'message.sent', url => $message->{webhook_url}, fields => { id => $message->{id}, from => $message->{from}, to => [ { %{ $message->{to}[0] }, status => 'sent' } ] });
ok($server->reaches($id, 'done'), 'an event on the path of the request proves that it was sent');
is($server->sql("SELECT provider_message_id FROM cloudgreet.sms_messages WHERE id = '$id'"), $message->{id}, 'and brings its id');
$fake->script({ match => { provider => 'telnyx' }, times => 1, action => { reset => 'after_read' } });
$id = $server->text('+12125550188', 'lost request');
ok($server->reaches($id, 'unknown'), 'another one is lost');
$server->sql("UPDATE cloudgreet_private.outbox SET next_at = cloudgreet.clock() WHERE subject_id = '$id'; SELECT cloudgreet.wake_workers()");
ok($server->reaches($id, 'held'), 'without an event in time it waits for a person');
$server->sql("SELECT cloudgreet.cancel_delivery('" . $server->request('id', $id) . "', '$server->{business}')");
is($server->request('state', $id), 'cancelled', 'who can end it');
is(scalar(grep { /^lost/ } $server->texts), 1, 'nothing was sent twice');

# --- An account that is broken -----------------------------------------------------------
$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', 'wrong', '$server->{business}')");
$id = $server->text('+12125550188', 'wrong key');
ok($server->reaches($id, 'held'), 'a key that is refused holds the request');
is($server->sql("SELECT status FROM cloudgreet.provider_accounts WHERE provider = 'telnyx'"), 'broken', 'the account is broken');
my $second = $server->text('+12125550188', 'held too');
ok($server->reaches($second, 'held'), 'further ones wait without an attempt');
my $alert = "SELECT status FROM cloudgreet.alerts WHERE alert_type = 'provider_account_broken'";
is($server->sql($alert), 'open', 'with an alert');
$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', '" . $fake->key('telnyx') . "', '$server->{business}');
	SELECT cloudgreet.connect_provider('telnyx', '{\"api_key\": \"telnyx.api_key\", \"webhook_key\": \"telnyx.webhook_key\"}', business_id => '$server->{business}')");
ok($server->reaches($_, 'done'), 'connecting the account again sends it') for $id, $second;
is($server->sql($alert), 'resolved', 'and resolves the alert');

$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', 'old', '$server->{business}')");
$fake->script({ match => { body => 'a key of before' }, times => 1, action => { status => 401, delay_ms => 1000 } });
$id = $server->text('+12125550188', 'a key of before');
ok($server->reaches($id, 'sending'), 'a request is under way with a key');
$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', '" . $fake->key('telnyx') . "', '$server->{business}')");
ok($server->reaches($id, 'done'), 'that is refused when the account has another: it is sent with that one');

$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', '" . $fake->key('telnyx') . "' || E'\\n', '$server->{business}')");
$id = $server->text('+12125550188', 'a key with a line end');
ok($server->reaches($id, 'held'), 'a key that cannot be sent holds the request too');
$server->sql("SELECT cloudgreet.set_secret('telnyx.api_key', '" . $fake->key('telnyx') . "', '$server->{business}'); UPDATE cloudgreet.provider_accounts SET status = 'active'");
ok($server->reaches($id, 'done'), 'until it is mended');

# --- A business that goes while something of it is under way ------------------------------
my $dispatcher = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet dispatcher'";
my $pid = $server->sql($dispatcher);
my $gone = $server->add_business('Gone', '+12125550124');
$fake->script({ match => { body => 'gone' }, times => 1, action => { status => 400, delay_ms => 1000 } });
$id = $server->sql("SELECT cloudgreet.send_sms('+12125550188', 'gone', business_id => '$gone')");
ok($server->reaches($id, 'sending'), 'a text is under way');
$server->sql("SELECT cloudgreet.delete_business('$gone')");
is($server->sql("SELECT count(*) FROM cloudgreet_private.outbox WHERE business_id = '$gone'"), 0, 'its business is deleted, and its request with it');
$fake->script({ match => { body => 'later than gone' }, times => 1, action => { delay_ms => 1500 } });
ok($server->reaches($server->text('+12125550188', 'later than gone'), 'done'), 'an answer that comes after its is recorded');
is($server->sql("SELECT count(*) FROM cloudgreet_private.outbox_attempts WHERE business_id = '$gone'"), 0, 'its own finds nothing to be recorded with');
is($server->sql($dispatcher), $pid, 'and the dispatcher goes on');

# --- Order, and STOP ---------------------------------------------------------------------
my $later = $server->sql("SELECT cloudgreet.send_sms('+12125550188', 'for later', send_at => cloudgreet.clock() + interval '5 minutes', business_id => '$server->{business}')");
ok($server->reaches($server->text('+12125550188', 'for now'), 'done'), 'a text for later holds back none of now');
is($server->request('state', $later), 'queued', 'and waits');
$fake->script({ match => { provider => 'telnyx', body => 'order 1' }, times => 2, action => { status => 429 } });
$server->sql("SELECT cloudgreet.send_sms('+12125550188', 'order ' || n, business_id => '$server->{business}') FROM generate_series(1, 5) n");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 5 FROM cloudgreet_private.requests r JOIN cloudgreet.sms_messages m ON m.id = r.subject_id WHERE state = 'done' AND content ~ 'order '}), 'five texts to one number are sent');
is(join(' ', map { /order (\d)/ } map { $_->{body} } grep { $_->{path} =~ /messages/ && $_->{body} =~ /order/ } $fake->log), '1 1 1 2 3 4 5', 'in their order, also when the first must wait');
$fake->script({ match => { provider => 'telnyx' }, times => 1, action => { status => 429, headers => { 'Retry-After' => '2' } } });
$id = $server->text('+12125550188', 'too late');
ok($node->poll_query_until('postgres', "SELECT attempts = 1 AND state = 'queued' FROM cloudgreet_private.requests WHERE subject_id = '$id'"), 'a text waits');
my ($account) = $server->sql("SELECT id FROM cloudgreet.provider_accounts WHERE provider = 'telnyx'");
my ($stop) = $fake->webhook('telnyx', 'message.received', url => "http://127.0.0.1:$server->{port}/api/sms/webhook/$account",
	fields => { from => '+12125550188', to => '+12125550123', text => 'STOP' });
is($stop->{answer}{status}, 200, 'STOP comes in');
ok($server->reaches($id, 'cancelled'), 'what was waiting is cancelled when it is due');
is($server->sql("SELECT status FROM cloudgreet.sms_messages WHERE id = '$id'"), 'canceled', 'and its text says so');
($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT cloudgreet.send_sms('+12125550188', 'more', business_id => '$server->{business}')");
like($err, qr/ZG302/, 'nothing more is accepted for that number');

# A person's word is not undone by an older text of the number that comes late.
my $from = '+12125550166';
my $says = sub {
	my ($words) = @_;
	$fake->webhook('telnyx', 'message.received', url => "http://127.0.0.1:$server->{port}/api/sms/webhook/$account",
		fields => { from => $from, to => '+12125550123', text => $words });
	return $server->sql("SELECT id FROM cloudgreet_private.webhook_inbox ORDER BY id DESC LIMIT 1");
};
my $is_stopped = sub { return "SELECT count(*) = $_[0] FROM cloudgreet.suppressions WHERE contact = '$from'" };
my $processed = sub { return $node->poll_query_until('postgres', "SELECT state = 'processed' FROM cloudgreet_private.webhook_inbox WHERE id = '$_[0]'") };
$processed->($says->('STOP'));
is($server->sql($is_stopped->(1)), 't', 'STOP suppresses a number');
my $start = $says->('START');
$processed->($start);
is($server->sql($is_stopped->(0)), 't', 'START ends that');
$server->sql("INSERT INTO cloudgreet.suppressions (business_id, contact, channel, reason) VALUES ('$server->{business}', '$from', 'sms', 'opt_out');
	SELECT cloudgreet.replay_webhook('$start', '$server->{business}')");
$processed->($start);
is($server->sql($is_stopped->(1)), 't', 'an opt-out that a person recorded outlives a START of before');
$processed->($says->('START'));
is($server->sql($is_stopped->(0)), 't', 'and ends by one that comes after it');

# What waits for a lock does not hold up the others.
my $locker = $node->background_psql('postgres');
$locker->query_safe("BEGIN; SELECT FROM cloudgreet_private.entity_locks WHERE entity_key = 'contact $from' FOR UPDATE");
my @blocked = map { $says->('STOP') } 1 .. 3;
$from = '+12125550167';
my $other = $says->('Hello');
my $began = time;
$processed->($other);
cmp_ok(time - $began, '<', 10, 'a webhook is processed while others wait for a lock');
is($server->sql("SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE state = 'pending' AND attempts = 0"), 3, 'these wait, and it is not counted');
$locker->query_safe('COMMIT');
$locker->quit;
$processed->($_) foreach @blocked;
is($server->sql("SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE state = 'failed'"), 0, 'and are processed once they can be');

# --- Pause -------------------------------------------------------------------------------
$server->sql('SELECT cloudgreet.pause()');
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type IN ('cloudgreet dispatcher', 'cloudgreet processor'))}), 'pausing ends the workers');
$id = $server->text('+12125550177', 'after the pause');
is($server->request('state', $id), 'queued', 'what is sent meanwhile waits');
$server->sql('SELECT cloudgreet.activate()');
ok($server->reaches($id, 'done'), 'and goes out once the pause is over');

# --- Many at a time, and bad input -------------------------------------------------------
$server->sql("SELECT cloudgreet.send_sms('+1212555' || lpad(n::text, 4, '0'), 'many', business_id => '$server->{business}') FROM generate_series(1000, 1500) n");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 501 FROM cloudgreet_private.requests r JOIN cloudgreet.sms_messages m ON m.id = r.subject_id WHERE state = 'done' AND content = 'many'}), 'more than one transaction hands over are all sent');
my @texts = $server->texts;
is(scalar(grep { $_ eq 'many' } @texts), 501, 'each once');
is(scalar(grep { $_ eq 'never' } @texts), 0, 'what was rolled back, and what could not be prepared, has never arrived');
my $memory = sub {
	my $offset = -s $node->logfile;
	$server->sql("SELECT pg_log_backend_memory_contexts(pid) FROM ($dispatcher) d");
	return until_true('its memory', sub { slurp_file($node->logfile, $offset) =~ /Grand total: (\d+) bytes/ ? $1 : undef });
};
my $before = $memory->();
$server->sql("SELECT cloudgreet.send_email('ann\@example.com' , 'long', repeat('x', 90000), business_id => '$server->{business}') FROM generate_series(1, 2)");
$server->sql("SELECT cloudgreet.send_email('ann' || n || '\@example.com', 'long', repeat('x', 90000), business_id => '$server->{business}') FROM generate_series(1, 200) n");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 202 FROM cloudgreet_private.requests r JOIN cloudgreet.emails m ON m.id = r.subject_id WHERE state = 'done' AND length(content) = 90000}), 'long e-mails are sent');
cmp_ok($memory->() - $before, '<', 4_000_000, 'and nothing of them stays in memory');
for my $bad ([ "send_sms('+12125550177', 'x', send_at => 'infinity'", '22023' ], [ "send_sms('12', 'x'", 'ZG104' ], [ "send_sms('+12125550177', ''", '22023' ], [ "send_sms('+12125550177', repeat('x', 1601)", '22023' ],
	[ "send_sms('+12125550177', 'x', '+12125550999'", 'ZG301' ], [ "send_sms('+12125550123', 'x'", '22023' ], [ "send_email('nobody', 'x', 'x'", 'ZG105' ],
	[ "send_email('ann\@example.com', E'a\\nb', 'x'", '22023' ], [ "send_sms('+12125550177', 'x', lead_id => cloudgreet.uuid_v7()", '23503' ])
{
	($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT cloudgreet.$bad->[0], business_id => '$server->{business}')");
	like($err, qr/$bad->[1]/, "$bad->[0]) is error $bad->[1]");
}
is($server->sql('SELECT * FROM cloudgreet_private.outbox_faults()'), '', 'every request is accounted for');
is(join('; ', map { $_->{headers}{authorization} } $fake->violations), 'Bearer wrong', 'the provider complained of nothing but the wrong key');
$node->stop;
done_testing();
