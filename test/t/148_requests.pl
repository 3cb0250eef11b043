# 148_requests.pl
#		Requests of applications by real sockets: what is sent, judged, kept and refused.
use strict;
use warnings;
use FakeProvider;
use HttpPeer;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Sending;
use Supervised qw(until_true);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $server = Sending->start('requests', "cloudgreet.request_loopback = on\ncloudgreet.outbox_max_attempts = 4\ncloudgreet.outbox_attempt_timeout = '2s'");
my ($node, $business) = @$server{qw(node business)};
my $log = $node->basedir . '/peer.log';
my $peer = HttpPeer->new($log);
my $url = 'http://127.0.0.1:' . $peer->{port};

sub request
{
	my ($target, %more) = @_;
	$target = "$url/$target" if $target !~ /^http/;
	return $server->sql(sprintf q{SELECT cloudgreet.enqueue_request('%s', '%s', %s, business_id => '%s'%s)}, $more{method} // 'POST', $target, $more{headers} // q('{}'),
		$more{business} // $business, join '', map { ", $_ => $more{$_}" } grep { !/^(method|headers|business)$/ } sort keys %more);
}

sub reaches { my ($id, $state) = @_; return $node->poll_query_until('postgres', "SELECT state = '$state' FROM cloudgreet_private.requests WHERE subject_id = '$id' ORDER BY id DESC LIMIT 1"); }
sub status { my ($column, $id) = @_; return $server->sql("SELECT $column FROM cloudgreet.request_status('$id', '$business')"); }
sub seen { my ($target) = @_; return -e $log ? scalar(() = slurp_file($log) =~ m{ /\Q$target\E$}mg) : 0; }

# --- Sent once, with what was given, and its answer is kept ----------------------------------
$server->sql("SELECT cloudgreet.set_secret('http.crm', 'S3CR3T', '$business')");
my $id = request('echo', headers => q('{"Content-Type": "application/json", "Authorization": {"secret": "http.crm", "prefix": "Bearer "}}'), body => q('{"lead": 1}'), idempotency => q('native'));
ok(reaches($id, 'done'), 'a request is sent');
my $answer = status('answer', $id);
like($answer, qr{^POST /echo HTTP/1\.1\r?\n}, 'its answer is kept');
like($answer, qr/^$_\r?$/m, "what was sent has $_") for 'Content-Type: application/json', 'Authorization: Bearer S3CR3T', "Idempotency-Key: $id", 'User-Agent: cloudgreet', 'Content-Length: 11';
like($answer, qr/\{"lead": 1\}$/, 'and the body');
is(status('http_status', $id), 200, 'the status is kept');
is(seen('echo'), 1, 'it was sent once');
is($server->sql("SELECT string_agg(event_type, ' ' ORDER BY id) FROM cloudgreet.events WHERE subject_id = '$id'"), 'request.queued request.sent', 'the timeline tells it');
is($server->sql("SELECT target::text FROM cloudgreet_private.outbox_history WHERE id = '$id'"), "{POST,$url/echo}", 'but no headers are kept');
$id = request('sized?20000', method => 'GET');
ok(reaches($id, 'done'), 'a long answer is taken');
is(status('length(answer)', $id), 16384, 'as far as it is kept');

# --- Errors: repeated where that is harmless --------------------------------------------------
$id = request('flaky', idempotency => q('natural'));
ok(reaches($id, 'done'), 'what met 500 twice is sent again');
is(status('attempts', $id) . ' ' . seen('flaky'), '3 3', 'by a third attempt');
my $once = request('broken');
ok(reaches($once, 'unknown'), 'one that must not be repeated is not');
is(seen('broken'), 1, 'it was sent once');
$server->sql("SELECT cloudgreet.cancel_delivery('$once', '$business')");
is(status('state', $once), 'cancelled', 'a person ends it');
$id = request('later', idempotency => q('native'));
ok(reaches($id, 'done'), 'one that is to wait waits');
cmp_ok($server->sql("SELECT extract(epoch FROM max(h.finished_at) - min(a.finished_at)) FROM cloudgreet_private.outbox_attempts a JOIN cloudgreet_private.outbox_history h ON h.id = a.outbox_id WHERE h.id = '$id'"),
	'>=', 1, 'for as long as Retry-After says');
$id = request('broken', idempotency => q('native'), deadline_at => q(clock_timestamp() + interval '1 second'));
ok(reaches($id, 'dead'), 'at its deadline it is dead');
is(status('http_status || answer', $id), '500out of order', 'with the last answer');
$id = request('refused', idempotency => q('meaning'));
ok(reaches($id, 'dead'), 'one that is refused is dead at once');
is(status(q(http_status || ' ' || attempts), $id), '401 1', 'and no account is broken by it');
is($server->sql("SELECT count(*) FROM cloudgreet.provider_accounts WHERE status <> 'active'"), 0, 'of those that there are');
is($server->sql("SELECT count(*) FROM cloudgreet.alerts WHERE business_id = '$business' AND alert_type = 'delivery_failed'"), 1, 'an alert is raised');
$id = request('redirect', idempotency => q('native'));
ok(reaches($id, 'dead'), 'a redirect is no answer that means done');
is(status('http_status', $id) . ' ' . seen('count'), '302 0', 'and it is not followed');

# --- Later, cancelled, twice ------------------------------------------------------------------
$id = request('never', send_at => q(cloudgreet.clock() + interval '1 hour'));
$server->sql("SELECT cloudgreet.cancel_delivery('$id', '$business')");
is(status('state', $id), 'cancelled', 'a request for later is cancelled');
my $soon = request('soon', send_at => q(cloudgreet.clock() + interval '1 second'));
ok(reaches($soon, 'done'), 'one for later is sent');
ok($server->sql("SELECT h.first_sent_at >= h.created_at + interval '1 second' FROM cloudgreet_private.outbox_history h WHERE h.id = '$soon'") eq 't', 'and not before');
is(seen('never'), 0, 'the cancelled one was not');
my @twice = map { request('twice', idempotency_key => q('k')) } 1, 2;
is($twice[0], $twice[1], 'a key twice is one request');
ok(reaches($twice[0], 'done'), 'which is sent');
is(request('twice', idempotency_key => q('k')), $twice[0], 'the key still answers with it');
is(seen('twice'), 1, 'it was sent once');
my $neighbour = $server->add_business('Neighbour', '+12125550124');
my ($code, $out, $err) = $node->psql('postgres', "SELECT * FROM cloudgreet.request_status('$twice[0]', '$neighbour')");
like($err, qr/does not exist/, 'another business does not see it');
is($server->sql("SELECT count(*) FROM cloudgreet.list_requests(business_id => '$neighbour')"), 0, 'nor in its list');

# --- More hosts than there are lanes ------------------------------------------------------------
# None of them answers, and no other business waits for that.
my $silent = IO::Socket::INET->new(LocalAddr => '0.0.0.0', Listen => 128) or die $!;
my $crowd = $server->add_business('Crowd', '+12125550125');
$server->sql("SELECT count(cloudgreet.enqueue_request('POST', format('http://127.1.%s.%s:%s/', n / 250, n % 250 + 1, " . $silent->sockport . "), business_id => '$crowd')) FROM generate_series(1, 6000) n");
$node->poll_query_until('postgres', "SELECT count(*) >= 64 FROM cloudgreet_private.outbox WHERE business_id = '$crowd' AND state = 'sending'") or die;
my $quick = request('quick', business => $neighbour);
ok(reaches($quick, 'done'), 'a request of another business is sent beside 6,000 to hosts that hang');
cmp_ok($server->sql("SELECT extract(epoch FROM first_sent_at - created_at) FROM cloudgreet_private.outbox_history WHERE id = '$quick'"), '<', 1, 'at once');
$server->sql("SELECT cloudgreet.delete_business('$crowd')");
$silent->close;

# --- Where none goes ---------------------------------------------------------------------------
($code, $out, $err) = $node->psql('postgres', "SELECT cloudgreet.enqueue_request('GET', 'http://10.0.0.1/', business_id => '$business')");
like($err, qr/not a public one/, 'a private address is refused at once');
my $name = request('http://localhost:' . $peer->{port} . '/name', idempotency => q('native'));
ok(reaches($name, 'done'), 'a name of this machine is allowed by the setting');
$server->sql('ALTER SYSTEM SET cloudgreet.request_loopback = off');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('cloudgreet.request_loopback') = 'off'");
($code, $out, $err) = $node->psql('postgres', "SELECT cloudgreet.enqueue_request('GET', '$url/guarded', business_id => '$business')");
like($err, qr/not https/, 'and not without it');
# What was taken before, or what a name leads to, is judged when it is sent.
my $by_name = request('https://localhost/guarded', idempotency => q('native'));
ok(reaches($by_name, 'dead'), 'a name that leads to this machine is refused when it is sent');
is(status('reason', $by_name), 'address_refused', 'for its address');
is(status('attempts', $by_name), 1, 'at once');
is(seen('guarded'), 0, 'nothing arrived');
$server->sql("SELECT cloudgreet.delete_secret('http.crm', '$business')");
is($server->sql('SELECT count(*) FROM cloudgreet_private.outbox_faults()'), 0, 'nothing contradicts the promise of the outbox');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM cloudgreet_private.outbox_changes}), 'the counters are brought up to date');
is($server->sql(q{SELECT string_agg(state || ' ' || requests, ', ') FROM cloudgreet.queue_status() WHERE provider = 'http'}),
	$server->sql(q{SELECT string_agg(state || ' ' || n, ', ') FROM (SELECT state, count(*) AS n FROM cloudgreet_private.requests WHERE provider = 'http' GROUP BY 1 ORDER BY 1) s}), 'and are right');
$node->stop;
done_testing();
