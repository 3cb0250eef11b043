# 101_gate_limits.pl
#		The gate under pressure: limits, deadlines, clients that go away, a database
#		that does, new settings, and its end.  cloudgreet.http() is scripted_http.sql, which misbehaves on request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Gate;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('gate_limits');
$node->init;
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE scripted ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));

# Waits until so many backends of the gate are in a state.
sub backends
{
	my ($count, $where) = @_;
	return $node->poll_query_until('scripted',
		"SELECT count(*) = $count FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate' AND $where");
}
sub request { return "GET $_[0] HTTP/1.1\r\nHost: t\r\n\r\n" }

# --- Deadlines ------------------------------------------------------------------------
my $gate = Gate->start($node, gate_header_timeout => 300, gate_body_timeout => '400ms', gate_idle_timeout => 500);
my $client = $gate->connect->send("GET / HTTP/1.1\r\nHo");
my $response = $client->response;
is("$response->{status} $response->{headers}{connection} " . $client->ending, '408 close closed', 'a head that does not end: 408');
my $start = time;
$client = $gate->connect->send("GET / HTTP/1.1\r\n");
$client->send('X') until $client->more(0.02) || $client->{end} =~ /closed|reset/ || !($client->{end} = '') || time - $start > 20;
$client->{end} = '';
is($client->response->{status}, 408, 'a head that trickles in: 408');
cmp_ok(time - $start, '<', 5, 'and each byte does not prolong it');
$client = $gate->connect->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc");
is($client->response->{status} . $client->ending, '408closed', 'a body that does not end: 408');
$client = $gate->connect->send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
is($client->response->{status} . $client->ending, '408closed', 'a trailer that does not end: 408');
is($gate->connect->ending, 'closed', 'a connection without a request is closed without a word');
$client = $gate->connect;
is($client->send(request('/'))->response->{status} . $client->ending, '200closed', 'so is one that is idle after a request');

$gate->configure(gate_write_timeout => 300);
$client = $gate->connect->send("GET /size/60000000 HTTP/1.1\r\nHost: t\r\n\r\n");
ok($gate->logged(qr{"path":"/size/60000000","status":499}), 'a client that does not read its answer loses it');
$client->close;

$gate->configure(gate_write_timeout => '1min', gate_answer_bytes => '1MB');
my @hoarders = map { my $size = 20000000 + $_; $gate->connect->send("GET /size/$size HTTP/1.1\r\nHost: t\r\n\r\n") } 1 .. 5;
ok($gate->until_true(sub { 4 == (() = $gate->log_text =~ m{"path":"/size/2000000\d","status":499}g) }), 'answers that nobody reads do not pile up');
is(scalar(grep { length(($_->response // {})->{body} // '') > 20000000 } @hoarders), 1, 'the last one may be larger than all may be');
@hoarders = ();
$gate->configure(gate_answer_bytes => '64MB');

$gate->configure(gate_request_timeout => 300, gate_executors => 1, gate_write_timeout => '30s', gate_idle_timeout => '1min', gate_header_timeout => '10s');
$response = $gate->get('/sleep/60');
is("$response->{status} $response->{body}", '504 {"code":"57014","details":null,"hint":null,"message":"the request took too long"}', 'a query that takes too long: 504');
is($gate->get('/')->{status}, 200, 'and its connection serves on');
$gate->configure(gate_request_timeout => '20s');
is($gate->get('/sleep/0.5')->{status}, 200, 'a longer time is told to the connection that is there');

# --- Clients that go away -------------------------------------------------------------
for my $how ('close', 'reset')
{
	$client = $gate->connect->send(request('/sleep/60'));
	backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
	$client->$how;
	ok(backends(1, "state = 'idle'"), "the query of a client that goes away ($how) is cancelled");
}
is($gate->get('/')->{body}, 'hello', 'and the next request is not');
my $bad = 0;
for (1 .. 100)
{
	$gate->connect->send(request('/sleep/0.002'))->reset;
	$bad++ if $gate->get('/')->{body} ne 'hello';
}
is($bad, 0, 'a late cancel never hits the next query');
is($gate->connect->send(request('/sleep/0.1'))->finish->response->{body}, 'hello', 'a client that shuts its side only is answered');

# --- Full -----------------------------------------------------------------------------
$gate->configure(gate_queue => 1);
my $first = $gate->connect->send(request('/sleep/60'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
my @waiting = map { $gate->connect->send(request("/queued/$_")) } 0, 1;
$response = $gate->get('/');
is("$response->{status} $response->{headers}{'retry-after'}", '503 1', 'a full queue: 503 with Retry-After');
like($response->{body}, qr/"code":"ZG556"/, 'as JSON');
is($response->{client}->send(request('/'))->response->{status}, 503, 'on a connection that stays');
$response = $gate->get('/api/health');
is("$response->{status} $response->{body} $response->{headers}{'content-type'} $response->{headers}{'cache-control'}",
	'200 {"status":"ok"} application/json; charset=utf-8 no-store', 'that it is alive the gate says all the same');
is($gate->ask("HEAD /api/health HTTP/1.1\r\nHost: t\r\n\r\n", head => 1)->{headers}{'content-length'}, 15, 'and to HEAD');
is($gate->get('/api/health?ready=1')->{status}, 503, 'whether it is ready, the database says');
my $queued = $waiting[0]->more(0) ? 1 : 0;
is($waiting[1 - $queued]->response->{status}, 503, 'the one that came before was refused, too');
$waiting[$queued]->reset;
ok($gate->logged(qr{"path":"/queued/$queued","status":499}), 'a client that goes away leaves the queue');
$client = $gate->connect->send(request('/'));
$first->close;
is($client->response->{status}, 200, 'what was queued is served in the end');
undef $response;
@waiting = ();
$client->close;

ok($gate->until_true(sub { $gate->get('/')->{status} == 200 }), 'and there is room again');
my $before = $gate->descriptors;
$gate->configure(gate_connections => 3);
my @clients = map { $gate->connect } 1 .. 3;
is(join(' ', map { $_->send(request('/'))->response->{status} } @clients), '200 200 200', 'as many connections as there may be are served');
is($gate->get('/')->{status}, 200, 'so is one more');
is($clients[0]->ending, 'closed', 'for which the longest idle is closed');
my $waits = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
is(join(' ', map { ($clients[$_] = $_ ? $clients[$_] : $gate->connect)->send($waits)->response->{status} } 1, 2, 0), '100 100 100', 'when none is idle');
is($gate->get('/')->{status}, 503, 'one more gets 503');
is(join(' ', map { $_->send('x')->response->{status} } @clients), '200 200 200', 'and the others are served');
@clients = ();
ok($gate->until_true(sub { ($gate->get('/') // {})->{status} == 200 }), 'there is room when one has gone');

# --- A database that goes away --------------------------------------------------------
$gate->configure(gate_connections => 1000, gate_executors => 2);
ok(backends(2, 'true'), 'executors are added');
$response = $gate->get('/quit');
is($response->{status}, 503, 'the request of a connection that breaks: 503');
is($gate->get('/')->{status}, 200, 'the next one is served');
my $calls = $node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls');
$gate->get('/quit');
is($node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls'), $calls + 1, 'a request is never sent twice');

# --- What a request leaves in the session ---------------------------------------------
$gate->configure(gate_executors => 1);
ok(backends(1, 'true'), 'there is one session');
for my $target ('/rest/v1/rpc/leave', '/rest/v1/%72pc/leave')
{
	is($gate->get($target)->{body}, 'hello', "$target leaves much in its session");
	is($gate->get('/state')->{body}, '20s', 'nothing of which the next request finds');
}
my $session = $node->safe_psql('scripted', "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate'");
is($gate->get('/rest/v1/rpc/leave')->{status} . $gate->get('/state')->{body}, '20020s', 'time and again');
is($node->safe_psql('scripted', "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate'"), $session, 'in the same session');
$gate->get('/deallocate');
is($gate->get('/')->{status}, 503, 'a session without the prepared statement: 503');
is($gate->get('/')->{status}, 200, 'once');
$gate->configure(gate_executors => 2);

$node->safe_psql('scripted', 'ALTER FUNCTION cloudgreet.http(text, text, jsonb, bytea) RENAME TO away');
$response = $gate->get('/');
is($response->{status} . substr($response->{body}, 0, 15), '503{"code":"42883"', 'no function: 503');
$node->safe_psql('scripted', q{CREATE FUNCTION cloudgreet.http(method text, target text, headers jsonb, body bytea, OUT status integer, OUT headers jsonb, OUT body bytea) LANGUAGE sql AS $$ SELECT 200, '{}'::jsonb, ''::bytea $$});
$response = $gate->get('/');
is($response->{status} . substr($response->{body}, 0, 15), '503{"code":"42703"', 'the function of an extension that was not updated: 503');
$node->safe_psql('scripted', 'DROP FUNCTION cloudgreet.http(text, text, jsonb, bytea)');
my $log = $gate->log_text;
$gate->get('/') for 1 .. 50;
cmp_ok(scalar(() = substr($gate->log_text, length $log) =~ /"warning"/g), '<', 10, 'which does not flood the log with warnings');
$node->safe_psql('scripted', 'ALTER FUNCTION cloudgreet.away(text, text, jsonb, bytea) RENAME TO http');
is($gate->get('/')->{status}, 200, 'and it is found again');
$node->safe_psql('scripted', 'DROP SCHEMA cloudgreet CASCADE; DROP SCHEMA scripted CASCADE');
is($gate->get('/')->{status}, 503, 'no schema: 503');
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));
is($gate->get('/')->{status}, 200, 'and it is found again when made anew');

$node->stop('immediate');
ok($gate->until_true(sub { $gate->get('/')->{status} == 503 }), 'no server: 503');
$start = time;
is($gate->get('/')->{body}, '{"code":"ZG557","details":null,"hint":null,"message":"the database cannot be reached now"}', 'as JSON');
cmp_ok(time - $start, '<', 1, 'and at once');
$node->start;
ok($gate->until_true(sub { $gate->get('/')->{status} == 200 }), 'it is found again when it is back');

# --- Settings -------------------------------------------------------------------------
$client = $gate->connect;
$gate->configure(gate_executors => 1, 'cloudgreet.gate_body_bytes' => 3);
ok(backends(1, 'true'), 'executors are taken away');
is($gate->ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nabcd")->{status}, 413, 'a limit can be changed');
$gate->configure(gate_no => 1, gate_port => -1, gate_queue => 'many');
ok($gate->logged(qr/there is no setting \\"gate_no\\"/), 'an unknown setting is reported');
ok($gate->logged(qr/the value of setting \\"gate_port\\" was refused/), 'so is a value that makes no sense');
my $old_port = $gate->{port};
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
is($gate->configure(gate_port => $taken->sockport), $old_port, 'a port that is taken is not changed to');
is($gate->get('/')->{status}, 200, 'and the old one serves on');
my $new_port = $taken->sockport;
close $taken;
$gate->configure(gate_port => 0);
is($gate->configure(gate_port => $new_port), $new_port, 'a port that is free is');
is($gate->get('/')->{status}, 200, 'and serves');
ok(!defined $gate->connect(port => $old_port), 'the old one does not any more');
is($client->send(request('/'))->response->{status}, 200, 'a connection of before does');
is($gate->configure(gate_listen_addresses => '*'), $new_port, 'it can listen on all addresses');
is($gate->get('/')->{status}, 200, 'and serves');
$gate->configure(gate_listen_addresses => '127.0.0.1');
$gate->configure(gate_conninfo => 'host=/nonexistent password=hidden');
ok($gate->until_true(sub { $gate->get('/')->{status} == 503 }), 'another conninfo is used');
unlike($gate->log_text, qr/hidden/, 'and not logged');
$gate->configure(gate_conninfo => $node->connstr('scripted') . ' user=' . $node->safe_psql('postgres', 'SELECT current_user'));
ok($gate->until_true(sub { $gate->get('/')->{status} == 200 }), 'so is the next');

# A server that refuses writes a line for each attempt: one executor tries, ever more slowly.
my $refused_at = time;
my $offset = -s $node->logfile;
$gate->configure(gate_executors => 4, gate_conninfo => $node->connstr('scripted') . ' user=nobody_here');
$node->wait_for_log(qr/(role "nobody_here" does not exist.*){7}/s, $offset);
cmp_ok(time - $refused_at, '>', 0.5, 'a connection that is refused is not tried again at once, nor by all');
is($gate->get('/refused')->{status}, 503, 'meanwhile requests are told so');
# Lines leave a while after their requests: all of before are there once this one is.
$gate->logged(qr{"path":"/refused"}) or die;
$gate->configure(gate_conninfo => $node->connstr('scripted') . ' user=' . $node->safe_psql('postgres', 'SELECT current_user'), gate_executors => 1, gate_access_log => 'off');
ok($gate->until_true(sub { $gate->get('/')->{status} == 200 }), 'and served once new settings let it in');
my $lines = () = $gate->log_text =~ /"path"/g;
$gate->get('/') for 1 .. 3;
$gate->configure(gate_access_log => 'on');
$gate->get('/last');
ok($gate->logged(qr{"path":"/last"}), 'the access log can be turned on');
is(scalar(my @all = $gate->log_text =~ /"path"/g), $lines + 1, 'and off');
$client->close;
undef $response;
ok($gate->until_true(sub { $gate->descriptors <= $before }), 'no descriptor was lost on the way')
  or diag "$before before, now " . $gate->descriptors;

# --- The end --------------------------------------------------------------------------
my $idle = $gate->connect;
$idle->send(request('/'))->response;
$client = $gate->connect->send(request('/sleep/3'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
$gate->end_settings;
is($idle->ending, 'closed', 'at the end an idle connection is closed');
is(($response = $client->response)->{status}, 200, 'a request that runs is answered');
is($response->{headers}{connection}, 'close', 'for the last time');
is($gate->wait_end, 0, 'then the gate ends with status 0');

$gate = Gate->start($node, gate_drain_timeout => 300);
$client = $gate->connect->send(request('/sleep/60'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
kill 'TERM', $gate->{pid};
is($client->response->{status}, 503, 'a request that does not end in time is told 503');
is($gate->wait_end, 0, 'SIGTERM ends the gate, too');
ok(backends(0, "true"), 'and leaves no query behind');

# --- Few descriptors ------------------------------------------------------------------
$gate = Gate->start($node, limits => 'ulimit -n 40;', gate_executors => 1);
backends(1, "state = 'idle'") or die 'no executor';
@clients = map { $gate->connect } 1 .. 60;
ok($gate->logged(qr/cannot accept connections/), 'without descriptors accepting pauses');
is($clients[0]->send(request('/'))->response->{status}, 200, 'the connections that are there are served');
$clients[59]->send(request('/'));
$_->close for @clients[0 .. 39];
is($clients[59]->response->{status}, 200, 'the others when there is room');
@clients = ();

# --- Anything -------------------------------------------------------------------------
srand 42;
my @parts = ("GET / HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\n", "Host: t\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n",
	"Expect: 100-continue\r\n", "\r\n", "abc", "3\r\nabc\r\n", "0\r\n\r\n", "\n", "\0", ' ', ':', "\xff", "X: y\r\n", 'Z' x 300);
for (1 .. 1000)
{
	my $bytes = join '', map { $parts[rand @parts] } 1 .. 1 + rand 9;
	substr $bytes, rand length $bytes, 1, chr rand 256 if rand() < 0.3;
	my $talker = $gate->connect->send($bytes);
	rand() < 0.5 ? $talker->close : $talker->finish;
}
is($gate->get('/')->{status}, 200, 'a thousand odd clients do no harm');
$gate->end_settings;
is($gate->wait_end, 0, 'and the gate ends in order');

$node->stop;
done_testing();
