# 127_fake_provider.pl
#		The fake provider itself: strict, with a memory, failing as told; the providers' own
#		libraries are its clients and judge its signatures.
use strict;
use warnings;
use FakeProvider;
use Gate;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no node here' unless FakeProvider::has_node();

my $fake = FakeProvider->start('key-telnyx' => 'KEYtest');
is($fake->key('telnyx'), 'KEYtest', 'the key is the one given');
my %sms = (from => '+13125550100', to => '+13125550199', text => 'You are booked.');
my %mail = (from => 'Desk <desk@example.com>', to => 'ana@example.org', subject => 'Booked', text => 'See you.');
my %call = (from_number => '+13125550100', to_number => '+13125550199');

sub send_sms { my (%options) = @_; return $fake->request('telnyx', 'POST', '/messages', \%sms, %options); }
sub messages { return scalar keys %{ $fake->state('telnyx', 'messages') }; }
sub emails { return scalar keys %{ $fake->state('resend', 'emails') }; }

SKIP:
{
	skip 'the client packages are not installed', 1 unless -d 'test/client/node_modules';
	local $ENV{FAKE} = JSON::PP->new->encode($fake->{about});
	my ($run, $ended) = (0, -1);
	for my $line (split /\n/, `node test/client/providers.mjs 2>&1`)
	{
		if ($line =~ /^(not )?ok \d+ - (.*)/) { $run++; ok(!$1, $2); }
		elsif ($line =~ /^1\.\.(\d+)/) { $ended = $1; }
		else { diag($line); }
	}
	is($ended, $run, 'the libraries came to their end');
}

# What is wrong is refused in the provider's own words, and recorded.
$fake->reset;
my @wrong = (
	[ 'telnyx no key', 'telnyx', 'POST', '/messages', \%sms, 401, '10009', headers => { authorization => undef } ],
	[ 'telnyx unknown field', 'telnyx', 'POST', '/messages', { %sms, txt => 'x' }, 422, '10015' ],
	[ 'telnyx no to', 'telnyx', 'POST', '/messages', { from => $sms{from}, text => 'x' }, 422, '10004' ],
	[ 'telnyx no text', 'telnyx', 'POST', '/messages', { from => $sms{from}, to => $sms{to} }, 422, '10004' ],
	[ 'telnyx type', 'telnyx', 'POST', '/messages', { %sms, text => 5 }, 422, '10015' ],
	[ 'telnyx number', 'telnyx', 'POST', '/messages', { %sms, to => '312-555-0199' }, 422, '10016' ],
	[ 'telnyx too long', 'telnyx', 'POST', '/messages', { %sms, text => 'x' x 1531 }, 422, '40302' ],
	[ 'telnyx too many characters of the extension table', 'telnyx', 'POST', '/messages', { %sms, text => '[' x 761 }, 422, '40302' ],
	[ 'telnyx too many emojis', 'telnyx', 'POST', '/messages', { %sms, text => "\x{1F600}" x 331 }, 422, '40302' ],
	[ 'telnyx media type', 'telnyx', 'POST', '/messages', '{}', 415, '10014', headers => { 'content-type' => 'text/plain' } ],
	[ 'telnyx JSON', 'telnyx', 'POST', '/messages', '{"to":', 400, '10023' ],
	[ 'telnyx path', 'telnyx', 'POST', '/message', \%sms, 404, '10005' ],
	[ 'telnyx method', 'telnyx', 'PUT', '/messages', \%sms, 405, '10015' ],
	[ 'telnyx no connection', 'telnyx', 'POST', '/calls', { from => $sms{from}, to => $sms{to} }, 422, '10004' ],
	[ 'telnyx client state', 'telnyx', 'POST', '/calls/x/actions/hangup', { client_state => 'not base64!' }, 422, '10015' ],
	[ 'resend no key', 'resend', 'POST', '/emails', \%mail, 403, 'invalid_api_key', headers => { authorization => 'Bearer x' } ],
	[ 'resend no user agent', 'resend', 'POST', '/emails', \%mail, 400, 'validation_error', headers => { 'user-agent' => '' } ],
	[ 'resend unknown field', 'resend', 'POST', '/emails', { %mail, replyTo => 'a@b.c' }, 422, 'validation_error' ],
	[ 'resend no subject', 'resend', 'POST', '/emails', { from => $mail{from}, to => $mail{to}, text => 'x' }, 422, 'missing_required_field' ],
	[ 'resend 51 addresses', 'resend', 'POST', '/emails', { %mail, to => [ map {"a$_\@example.org"} 1 .. 51 ] }, 422, 'validation_error' ],
	[ 'resend long key', 'resend', 'POST', '/emails', \%mail, 400, 'invalid_idempotency_key', headers => { 'idempotency-key' => 'x' x 257 } ],
	[ 'retell no key', 'retell', 'POST', '/v2/create-phone-call', \%call, 401, 'error', headers => { authorization => undef } ],
	[ 'retell unknown field', 'retell', 'POST', '/v2/create-phone-call', { %call, agent_id => 'a' }, 400, 'error' ],
	[ 'retell metadata', 'retell', 'POST', '/v2/create-phone-call', { %call, metadata => { x => 'x' x 51200 } }, 400, 'error' ],
	[ 'retell number', 'retell', 'POST', '/v2/create-phone-call', { %call, to_number => '1' }, 422, 'error' ],
	[ 'retell no agent', 'retell', 'POST', '/v2/register-phone-call', {}, 400, 'error' ],
	[ 'retell retired path', 'retell', 'POST', '/v2/list-calls', {}, 404, 'error' ],
);
for (@wrong)
{
	my ($name, $provider, $method, $path, $body, $status, $code, %options) = @$_;
	my $response = $fake->request($provider, $method, $path, $body, %options);
	my $error = $response->{json};
	my $found = $error->{errors} ? $error->{errors}[0]{code} : $error->{name} // $error->{status};
	is("$response->{status} $found", "$status $code", "refused: $name");
}
is(scalar(my @violations = $fake->violations), scalar @wrong, 'each is a violation');
is(messages() + emails() + keys %{ $fake->state('retell', 'calls') }, 0, 'none took effect');

# The log.
$fake->reset;
send_sms();
my ($entry) = $fake->log;
is($entry->{method} . ' ' . $entry->{path}, 'POST /telnyx/v2/messages', 'the log tells what was asked');
like($entry->{body}, qr/You are booked/, 'with the body');
ok(abs($entry->{at} / 1e6 - time) < 60, 'and the time in microseconds');
is($entry->{verdict}{accepted}, JSON::PP::true, 'and the verdict');
is(scalar(my @none = $fake->log($entry->{n})), 0, 'since the last there is nothing');

# Scripted answers.
$fake->reset;
$fake->script(
	{ match => { provider => 'telnyx' }, action => { status => 429, headers => { 'retry-after' => '7' } } },
	{ match => { provider => 'telnyx' }, action => { status => 503, headers => { 'retry-after' => 'Wed, 25 Nov 2026 09:00:00 GMT' } } },
	{ match => { provider => 'telnyx' }, action => { status => 500, accepted => JSON::PP::true } });
my $response = send_sms();
is("$response->{status} $response->{headers}{'retry-after'} $response->{json}{errors}[0]{code}", '429 7 10011', '429 and its seconds, in the words of the provider');
is(send_sms()->{headers}{'retry-after'}, 'Wed, 25 Nov 2026 09:00:00 GMT', '503 and its date');
is(messages(), 0, 'a scripted error has no effect');
is(send_sms()->{status}, 500, '500 and yet accepted');
is(messages(), 1, 'that one took effect');
is(send_sms()->{status}, 200, 'used rules are gone');
$fake->reset;
$fake->script({ match => { path => '/messages$', body => 'booked', nth => 2 }, action => { status => 500 } });
is(join(' ', map { send_sms()->{status} } 1 .. 3), '200 500 200', 'the nth request that matches');
$fake->script({ match => { provider => 'resend' }, times => 2, action => { status => 500 } });
is(join(' ', send_sms()->{status}, map { $fake->request('resend', 'POST', '/emails', \%mail)->{status} } 1 .. 3), '200 500 500 200', 'two times, for one provider');
eval { $fake->script({ action => { statsu => 500 } }) };
like($@, qr/not a known field/, 'a rule with a mistake is refused');

# Broken connections.  A client of its own, to see how each ends.
my $body = JSON::PP->new->encode(\%sms);
my ($port) = $fake->url('telnyx') =~ /:(\d+)/;

sub client
{
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	binmode $socket;
	$socket->autoflush(1);
	return Gate::Client->new($socket);
}

sub send_raw
{
	my ($client) = @_;
	return $client->send("POST /telnyx/v2/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEYtest\r\n"
		. "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
}

for ([ 'before_read', 0, 0 ], [ 'after_read', 0, 0 ], [ 'after_read', 1, 1 ], [ 'mid_response', 1, 1 ])
{
	my ($when, $accepted, $effects) = @$_;
	$fake->reset;
	$fake->script({ action => { reset => $when, $accepted ? (accepted => JSON::PP::true) : () } });
	my $client = send_raw(client());
	1 while $client->more;
	is($client->{end}, 'reset', "reset $when");
	is(length $client->{bytes} ? 'some' : 'none', $when eq 'mid_response' ? 'some' : 'none', 'and the bytes of an answer: ' . length $client->{bytes});
	is(messages(), $effects, "effects: $effects");
}
$fake->reset;
$fake->script({ action => { hang => JSON::PP::true, accepted => JSON::PP::true } });
my $hung = send_raw(client());
$fake->wait_until('the request that hangs', sub { messages() == 1 });
is($hung->ending(0.2), 'silent', 'a request hangs, with its effect');
$hung->close;

$fake->reset;
$fake->script({ times => 2, action => { hold => JSON::PP::true } });
my $held = send_raw(client());
$fake->wait_until('the request that is held', sub { messages() == 1 });
is(($fake->log)[-1]{verdict}{end}, 'pending', 'a request is held, with its effect');
$fake->release;
is($held->response->{status}, 200, 'and answered once it is released');
is(send_sms()->{status}, 200, 'after which none is held');

$fake->reset;
$fake->script({ action => { close_after => JSON::PP::true } }, { action => { malformed => JSON::PP::true } },
	{ action => { malformed => 'http' } }, { action => { delay_ms => 300 } }, { action => { slow_bytes_per_s => 2000 } });
my $client = client();
my $answer = send_raw($client)->response;
is("$answer->{status} $answer->{headers}{connection}", '200 keep-alive', 'an answer that promises to go on');
is($client->ending, 'closed', 'but the connection is closed');
$response = send_sms();
is("$response->{status} " . (defined $response->{json} ? 'JSON' : 'broken'), '200 broken', 'a body that is not JSON');
is(send_raw(client())->ending =~ /^more bytes: HTTQ/ ? 1 : 0, 1, 'an answer that is not HTTP');
my $start = time;
is(send_sms()->{status}, 200, 'a late answer');
ok(time - $start >= 0.29, 'comes when told');
$start = time;
$response = send_sms();
ok($response->{json} && time - $start >= 0.9 * (length($response->{content}) / 2000 - 0.05), 'a slow body is whole in the end');

# The memory of keys, by the provider's clock.
sub send_raw_mail
{
	my ($key) = @_;
	my $text = JSON::PP->new->canonical->encode(\%mail);
	return client()->send("POST /resend/emails HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\nIdempotency-Key: $key\r\nAuthorization: Bearer "
		. $fake->key('resend') . "\r\nContent-Type: application/json\r\nContent-Length: " . length($text) . "\r\n\r\n$text");
}

sub send_mail { return $fake->request('resend', 'POST', '/emails', \%mail, headers => { 'idempotency-key' => 'k1' }); }
$fake->reset;
$fake->script({ match => { provider => 'resend' }, action => { hang => JSON::PP::true, accepted => JSON::PP::true } });
my $lost = send_raw_mail('k1');
$fake->wait_until('the first request', sub { emails() == 1 });
$lost->close;
$response = $fake->wait_until('the key', sub { my $again = send_mail(); $again->{status} == 200 && $again });
is(emails(), 1, 'the key gives the answer again: one e-mail');
is(send_mail()->{json}{id}, $response->{json}{id}, 'the same');
$fake->script({ match => { provider => 'resend' }, action => { hang => JSON::PP::true, accepted => JSON::PP::true } });
my $running = send_raw_mail('k2');
$fake->wait_until('the running request', sub { emails() == 2 });
is($fake->request('resend', 'POST', '/emails', \%mail, headers => { 'idempotency-key' => 'k2' })->{json}{name}, 'concurrent_idempotent_requests', 'a key in use is 409');
$running->close;
$fake->set(advance_s => 24 * 3600);
send_mail();
is(emails(), 3, 'after 24 hours the key is new');
$fake->set(resend_rate => 1);
$response = $fake->wait_until('429', sub { my $more = $fake->request('resend', 'POST', '/emails', \%mail); $more->{status} == 429 && $more });
is("$response->{json}{name} $response->{headers}{'retry-after'} $response->{headers}{'ratelimit-remaining'}", 'rate_limit_exceeded 1 0', 'the rate is limited');

$fake->reset;
my %dial = (connection_id => '1', from => $sms{from}, to => $sms{to}, command_id => 'd1');
my @dialled = map { $fake->set(advance_s => $_); $fake->request('telnyx', 'POST', '/calls', \%dial)->{json}{data}{call_control_id} } 0, 59, 61;
is($dialled[0] eq $dialled[1] && $dialled[1] ne $dialled[2], 1, 'a command id is known for 60 seconds');

my @after;
for my $text ('OK', ' stop ', 'Start')
{
	$fake->webhook('telnyx', 'message.received', url => "http://127.0.0.1:$port/", fields => { from => $sms{to}, to => $sms{from}, text => $text });
	push @after, send_sms()->{status};
}
is("@after", '200 409 200', 'STOP blocks, START opens');

# Webhooks that are not answered 2xx come again.
$fake->reset;
$fake->set(webhook_origins => { 'https://db.example.com' => "http://127.0.0.1:$port" });
$fake->request('telnyx', 'POST', '/messages', { %sms, webhook_url => 'https://db.example.com/nobody/17' });
$fake->wait_until('six attempts', sub { $_[0]->webhooks == 6 });
is(join(' ', map {"$_->{event_type} $_->{attempt}"} $fake->webhooks),
	'message.sent 1 message.sent 2 message.sent 3 message.finalized 1 message.finalized 2 message.finalized 3', 'each event is tried three times');
is(($fake->webhooks)[0]{answer}{status}, 404, 'where it really is');
my ($first, $second) = map { JSON::PP->new->decode($_->{body}) } $fake->webhooks;
is("$first->{data}{id} $first->{meta}{attempt}", "$second->{data}{id} 1", 'under one id');

my $pid = $fake->{pid};
close $fake->{stdin};
$fake->wait_until('the end', sub { waitpid($pid, POSIX::WNOHANG()) == $pid });
ok(1, 'it ends with its stdin');
$fake->{pid} = 0;
done_testing();
