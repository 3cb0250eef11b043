# 101_gate_limits.pl
#		The front under pressure: limits, deadlines, clients that go away, a database
#		that does, new settings, and its end.  cloudgreet.http() is scripted_http.sql, which misbehaves on request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use GateFront;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('gate_limits');
$node->init;
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE scripted ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));

# Waits until so many backends of the front are in a state.
sub backends
{
	my ($count, $where) = @_;
	return $node->poll_query_until('scripted',
		"SELECT count(*) = $count FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate' AND $where");
}
sub request { return "GET $_[0] HTTP/1.1\r\nHost: t\r\n\r\n" }

# --- Deadlines ------------------------------------------------------------------------
my $front = GateFront->start($node, gate_header_timeout => 300, gate_body_timeout => '400ms', gate_idle_timeout => 500);
my $client = $front->connect->send("GET / HTTP/1.1\r\nHo");
my $response = $client->response;
is("$response->{status} $response->{headers}{connection} " . $client->ending, '408 close closed', 'a head that does not end: 408');
my $start = time;
$client = $front->connect->send("GET / HTTP/1.1\r\n");
$client->send('X') until $client->more(0.02) || $client->{end} =~ /closed|reset/ || !($client->{end} = '') || time - $start > 20;
$client->{end} = '';
is($client->response->{status}, 408, 'a head that trickles in: 408');
cmp_ok(time - $start, '<', 5, 'and each byte does not prolong it');
$client = $front->connect->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc");
is($client->response->{status} . $client->ending, '408closed', 'a body that does not end: 408');
$client = $front->connect->send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
is($client->response->{status} . $client->ending, '408closed', 'a trailer that does not end: 408');
is($front->connect->ending, 'closed', 'a connection without a request is closed without a word');
$client = $front->connect;
is($client->send(request('/'))->response->{status} . $client->ending, '200closed', 'so is one that is idle after a request');

$front->configure(gate_write_timeout => 300);
$client = $front->connect->send("GET /size/60000000 HTTP/1.1\r\nHost: t\r\n\r\n");
ok($front->logged(qr{"path":"/size/60000000","status":499}), 'a client that does not read its answer loses it');
$client->close;

$front->configure(gate_write_timeout => '1min', gate_answer_bytes => '1MB');
my @hoarders = map { my $size = 20000000 + $_; $front->connect->send("GET /size/$size HTTP/1.1\r\nHost: t\r\n\r\n") } 1 .. 5;
ok($front->until_true(sub { 4 == (() = $front->log_text =~ m{"path":"/size/2000000\d","status":499}g) }), 'answers that nobody reads do not pile up');
is(scalar(grep { length(($_->response // {})->{body} // '') > 20000000 } @hoarders), 1, 'the last one may be larger than all may be');
@hoarders = ();
$front->configure(gate_answer_bytes => '64MB');

$front->configure(gate_request_timeout => 300, gate_executors => 1, gate_write_timeout => '30s', gate_idle_timeout => '1min', gate_header_timeout => '10s');
$response = $front->get('/sleep/60');
is("$response->{status} $response->{body}", '504 {"code":"57014","details":null,"hint":null,"message":"the request took too long"}', 'a query that takes too long: 504');
is($front->get('/')->{status}, 200, 'and its connection serves on');
$front->configure(gate_request_timeout => '20s');
is($front->get('/sleep/0.5')->{status}, 200, 'a longer time is told to the connection that is there');

# --- Clients that go away -------------------------------------------------------------
for my $how ('close', 'reset')
{
	$client = $front->connect->send(request('/sleep/60'));
	backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
	$client->$how;
	ok(backends(1, "state = 'idle'"), "the query of a client that goes away ($how) is cancelled");
}
is($front->get('/')->{body}, 'hello', 'and the next request is not');
my $bad = 0;
for (1 .. 100)
{
	$front->connect->send(request('/sleep/0.002'))->reset;
	$bad++ if $front->get('/')->{body} ne 'hello';
}
is($bad, 0, 'a late cancel never hits the next query');
is($front->connect->send(request('/sleep/0.1'))->finish->response->{body}, 'hello', 'a client that shuts its side only is answered');

# --- Full -----------------------------------------------------------------------------
$front->configure(gate_queue => 1);
my $first = $front->connect->send(request('/sleep/60'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
my @waiting = map { $front->connect->send(request("/queued/$_")) } 0, 1;
$response = $front->get('/');
is("$response->{status} $response->{headers}{'retry-after'}", '503 1', 'a full queue: 503 with Retry-After');
like($response->{body}, qr/"code":"ZG556"/, 'as JSON');
is($response->{client}->send(request('/'))->response->{status}, 503, 'on a connection that stays');
$response = $front->get('/api/health');
is("$response->{status} $response->{body} $response->{headers}{'content-type'} $response->{headers}{'cache-control'}",
	'200 {"status":"ok"} application/json; charset=utf-8 no-store', 'that it is alive the front says all the same');
is($front->ask("HEAD /api/health HTTP/1.1\r\nHost: t\r\n\r\n", head => 1)->{headers}{'content-length'}, 15, 'and to HEAD');
is($front->get('/api/health?ready=1')->{status}, 503, 'whether it is ready, the database says');
my $queued = $waiting[0]->more(0) ? 1 : 0;
is($waiting[1 - $queued]->response->{status}, 503, 'the one that came before was refused, too');
$waiting[$queued]->reset;
ok($front->logged(qr{"path":"/queued/$queued","status":499}), 'a client that goes away leaves the queue');
$client = $front->connect->send(request('/'));
$first->close;
is($client->response->{status}, 200, 'what was queued is served in the end');
undef $response;
@waiting = ();
$client->close;

ok($front->until_true(sub { $front->get('/')->{status} == 200 }), 'and there is room again');
my $before = $front->descriptors;
$front->configure(gate_connections => 3);
my @clients = map { $front->connect } 1 .. 3;
is(join(' ', map { $_->send(request('/'))->response->{status} } @clients), '200 200 200', 'as many connections as there may be are served');
is($front->get('/')->{status}, 200, 'so is one more');
is($clients[0]->ending, 'closed', 'for which the longest idle is closed');
my $waits = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
is(join(' ', map { ($clients[$_] = $_ ? $clients[$_] : $front->connect)->send($waits)->response->{status} } 1, 2, 0), '100 100 100', 'when none is idle');
is($front->get('/')->{status}, 503, 'one more gets 503');
is(join(' ', map { $_->send('x')->response->{status} } @clients), '200 200 200', 'and the others are served');
@clients = ();
ok($front->until_true(sub { ($front->get('/') // {})->{status} == 200 }), 'there is room when one has gone');

# --- A database that goes away --------------------------------------------------------
$front->configure(gate_connections => 1000, gate_executors => 2);
ok(backends(2, 'true'), 'executors are added');
$response = $front->get('/quit');
is($response->{status}, 503, 'the request of a connection that breaks: 503');
is($front->get('/')->{status}, 200, 'the next one is served');
my $calls = $node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls');
$front->get('/quit');
is($node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls'), $calls + 1, 'a request is never sent twice');

# --- What a request leaves in the session ---------------------------------------------
$front->configure(gate_executors => 1);
ok(backends(1, 'true'), 'there is one session');
for my $target ('/rest/v1/rpc/leave', '/rest/v1/%72pc/leave')
{
	is($front->get($target)->{body}, 'hello', "$target leaves much in its session");
	is($front->get('/state')->{body}, '20s', 'nothing of which the next request finds');
}
my $session = $node->safe_psql('scripted', "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate'");
is($front->get('/rest/v1/rpc/leave')->{status} . $front->get('/state')->{body}, '20020s', 'time and again');
is($node->safe_psql('scripted', "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate'"), $session, 'in the same session');
$front->get('/deallocate');
is($front->get('/')->{status}, 503, 'a session without the prepared statement: 503');
is($front->get('/')->{status}, 200, 'once');
$front->configure(gate_executors => 2);

$node->safe_psql('scripted', 'ALTER FUNCTION cloudgreet.http(text, text, jsonb, bytea) RENAME TO away');
$response = $front->get('/');
is($response->{status} . substr($response->{body}, 0, 15), '503{"code":"42883"', 'no function: 503');
my $log = $front->log_text;
$front->get('/') for 1 .. 50;
cmp_ok(scalar(() = substr($front->log_text, length $log) =~ /"warning"/g), '<', 10, 'which does not flood the log with warnings');
$node->safe_psql('scripted', 'ALTER FUNCTION cloudgreet.away(text, text, jsonb, bytea) RENAME TO http');
is($front->get('/')->{status}, 200, 'and it is found again');
$node->safe_psql('scripted', 'DROP SCHEMA cloudgreet CASCADE; DROP SCHEMA scripted CASCADE');
is($front->get('/')->{status}, 503, 'no schema: 503');
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));
is($front->get('/')->{status}, 200, 'and it is found again when made anew');

$node->stop('immediate');
ok($front->until_true(sub { $front->get('/')->{status} == 503 }), 'no server: 503');
$start = time;
is($front->get('/')->{body}, '{"code":"ZG557","details":null,"hint":null,"message":"the database cannot be reached now"}', 'as JSON');
cmp_ok(time - $start, '<', 1, 'and at once');
$node->start;
ok($front->until_true(sub { $front->get('/')->{status} == 200 }), 'it is found again when it is back');

# --- Settings -------------------------------------------------------------------------
$client = $front->connect;
$front->configure(gate_executors => 1, 'cloudgreet.gate_body_bytes' => 3);
ok(backends(1, 'true'), 'executors are taken away');
is($front->ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nabcd")->{status}, 413, 'a limit can be changed');
$front->configure(gate_no => 1, gate_port => -1, gate_queue => 'many');
ok($front->logged(qr/there is no setting \\"gate_no\\"/), 'an unknown setting is reported');
ok($front->logged(qr/the value of setting \\"gate_port\\" was refused/), 'so is a value that makes no sense');
my $old_port = $front->{port};
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
is($front->configure(gate_port => $taken->sockport), $old_port, 'a port that is taken is not changed to');
is($front->get('/')->{status}, 200, 'and the old one serves on');
my $new_port = $taken->sockport;
close $taken;
$front->configure(gate_port => 0);
is($front->configure(gate_port => $new_port), $new_port, 'a port that is free is');
is($front->get('/')->{status}, 200, 'and serves');
ok(!defined $front->connect(port => $old_port), 'the old one does not any more');
is($client->send(request('/'))->response->{status}, 200, 'a connection of before does');
is($front->configure(gate_listen_addresses => '*'), $new_port, 'it can listen on all addresses');
is($front->get('/')->{status}, 200, 'and serves');
$front->configure(gate_listen_addresses => '127.0.0.1');
$front->configure(gate_conninfo => 'host=/nonexistent password=hidden');
ok($front->until_true(sub { $front->get('/')->{status} == 503 }), 'another conninfo is used');
unlike($front->log_text, qr/hidden/, 'and not logged');
$front->configure(gate_conninfo => $node->connstr('scripted') . ' user=' . $node->safe_psql('postgres', 'SELECT current_user'));
ok($front->until_true(sub { $front->get('/')->{status} == 200 }), 'so is the next');

# A server that refuses writes a line for each attempt: one executor tries, ever more slowly.
my $refused_at = time;
my $offset = -s $node->logfile;
$front->configure(gate_executors => 4, gate_conninfo => $node->connstr('scripted') . ' user=nobody_here');
$node->wait_for_log(qr/(role "nobody_here" does not exist.*){7}/s, $offset);
cmp_ok(time - $refused_at, '>', 0.5, 'a connection that is refused is not tried again at once, nor by all');
is($front->get('/')->{status}, 503, 'meanwhile requests are told so');
$front->configure(gate_conninfo => $node->connstr('scripted') . ' user=' . $node->safe_psql('postgres', 'SELECT current_user'), gate_executors => 1, gate_access_log => 'off');
ok($front->until_true(sub { $front->get('/')->{status} == 200 }), 'and served once new settings let it in');
my $lines = () = $front->log_text =~ /"path"/g;
$front->get('/') for 1 .. 3;
$front->configure(gate_access_log => 'on');
$front->get('/last');
ok($front->logged(qr{"path":"/last"}), 'the access log can be turned on');
is(scalar(my @all = $front->log_text =~ /"path"/g), $lines + 1, 'and off');
$client->close;
undef $response;
ok($front->until_true(sub { $front->descriptors <= $before }), 'no descriptor was lost on the way')
  or diag "$before before, now " . $front->descriptors;

# --- The end --------------------------------------------------------------------------
my $idle = $front->connect;
$idle->send(request('/'))->response;
$client = $front->connect->send(request('/sleep/3'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
$front->end_settings;
is($idle->ending, 'closed', 'at the end an idle connection is closed');
is(($response = $client->response)->{status}, 200, 'a request that runs is answered');
is($response->{headers}{connection}, 'close', 'for the last time');
is($front->wait_end, 0, 'then the front ends with status 0');

$front = GateFront->start($node, gate_drain_timeout => 300);
$client = $front->connect->send(request('/sleep/60'));
backends(1, "wait_event = 'PgSleep'") or die 'the query does not run';
kill 'TERM', $front->{pid};
is($client->response->{status}, 503, 'a request that does not end in time is told 503');
is($front->wait_end, 0, 'SIGTERM ends the front, too');
ok(backends(0, "true"), 'and leaves no query behind');

# --- Few descriptors ------------------------------------------------------------------
$front = GateFront->start($node, limits => 'ulimit -n 40;', gate_executors => 1);
backends(1, "state = 'idle'") or die 'no executor';
@clients = map { $front->connect } 1 .. 60;
ok($front->logged(qr/cannot accept connections/), 'without descriptors accepting pauses');
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
	my $talker = $front->connect->send($bytes);
	rand() < 0.5 ? $talker->close : $talker->finish;
}
is($front->get('/')->{status}, 200, 'a thousand odd clients do no harm');
$front->end_settings;
is($front->wait_end, 0, 'and the front ends in order');

$node->stop;
done_testing();
