# 100_gate_http.pl
#		HTTP as the gate speaks it, over raw sockets: what it accepts, what it refuses,
#		and what it makes of the database's answers.  cloudgreet.http() is scripted_http.sql, which misbehaves on request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Gate;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('gate_http');
$node->init;
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE scripted ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));

my $gate = Gate->start($node, gate_header_bytes => 2048, gate_body_bytes => '64kB');
my $json = JSON::PP->new->utf8;

# Asks for /echo and returns what the function was given.
sub echo
{
	my ($bytes) = @_;
	my $response = $gate->ask($bytes);
	return $response && $response->{status} == 200 ? $json->decode($response->{body}) : {};
}

# --- What is accepted -----------------------------------------------------------------
my $response = $gate->get('/');
is("$response->{status} $response->{body}", '200 hello', 'GET is answered with what the function returned');
is($response->{headers}{'content-length'}, 5, 'with Content-Length');
like($response->{headers}{date}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'with Date');
like($response->{headers}{'x-request-id'}, qr/^[0-9a-f]{16}-[0-9a-f]+$/, 'and with an X-Request-Id of its own');
my %security = (
	'content-security-policy' => "default-src 'none'; frame-ancestors 'none'", 'x-frame-options' => 'DENY',
	'x-content-type-options' => 'nosniff', 'referrer-policy' => 'strict-origin-when-cross-origin',
	'x-xss-protection' => '1; mode=block');
is_deeply({ map { $_ => $response->{headers}{$_} } keys %security }, \%security, 'security headers are added');

my $seen = echo("POST /echo?a=%00b HTTP/1.1\r\nHOST: t\r\nX-One: 1\r\nX-Two: \t2 \r\nx-one: 3\r\nX-Empty:\r\n"
	. "X-Cg-Peer: 9.9.9.9\r\nX-CG-Role: admin\r\nX-Latin: \xe9\r\nX-Utf: \xc3\xa9\"\\\r\nContent-Length: 4\r\n\r\n\0\xff\r\n");
is($seen->{method}, 'POST', 'the method is passed on');
is($seen->{target}, '/echo?a=%00b', 'the target is passed on as it was sent');
is($seen->{body}, '00ff0d0a', 'the body is passed on byte by byte');
is($seen->{headers}{'x-one'}, '1, 3', 'headers of one name are joined, whatever their case');
is($seen->{headers}{'x-two'}, '2', 'white space around a value is no part of it');
is($seen->{headers}{'x-empty'}, '', 'a value may be empty');
is($seen->{headers}{'x-cg-peer'}, '127.0.0.1', 'the client cannot choose its address');
ok(!exists $seen->{headers}{'x-cg-role'}, 'a client cannot send x-cg- headers');
is($seen->{headers}{'x-latin'}, "\xe9", 'a Latin-1 value arrives as text');
is($seen->{headers}{'x-utf'}, "\xe9\"\\", 'so does a UTF-8 value, and marks that JSON escapes');

is(echo("GET /echo HTTP/1.1\r\nHost: t\r\nX-Request-Id: a.B_9-\r\n\r\n")->{headers}{'x-request-id'}, 'a.B_9-',
	"a client's X-Request-Id is kept");
for my $bad ('a b', '"', 'x' x 129, '')
{
	my $answer = $gate->ask("GET / HTTP/1.1\r\nHost: t\r\nX-Request-Id: $bad\r\n\r\n");
	like($answer->{headers}{'x-request-id'}, qr/^[0-9a-f]{16}-/, 'X-Request-Id ' . substr($json->allow_nonref->encode($bad), 0, 9) . ' is replaced');
}

my $chunked = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
is(echo("${chunked}3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n")->{body}, unpack('H*', 'abc0123456789'), 'a chunked body is put together');
is(echo("${chunked}1\r\na\r\n000\r\nTrailer: x\r\nOther: y\r\n\r\n")->{body}, '61', 'a trailer is read and forgotten');
is(echo("\r\n\r\nGET /echo HTTP/1.1\r\nHost: t\r\n\r\n")->{method}, 'GET', 'empty lines before a request are passed over');
is(echo("GET http://other:8/echo?q HTTP/1.1\r\nHost: t\r\n\r\n")->{target}, '/echo?q', 'absolute form is reduced to origin form');
is(echo("GET http://other:8/echo HTTP/1.1\r\nHost: t\r\n\r\n")->{headers}{host}, 'other:8', 'and its authority is the host');
is($gate->ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n")->{status}, 200, 'OPTIONS * is passed on');
is(echo("GET /echo HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")->{method}, 'GET', 'an upgrade is ignored');

my $client = $gate->connect;
is($client->send("HEAD /size/9 HTTP/1.1\r\nHost: t\r\n\r\n")->response(head => 1)->{headers}{'content-length'}, 9, 'HEAD tells the length');
is($client->send("GET /status/204 HTTP/1.1\r\nHost: t\r\n\r\n")->response->{headers}{'content-length'}, undef, '204 has no length');
is($client->send("GET /status/304 HTTP/1.1\r\nHost: t\r\n\r\n")->response->{status}, 304, '304 follows');
is($client->send("GET /size/300000 HTTP/1.1\r\nHost: t\r\n\r\n")->response->{body}, 'x' x 300000, 'and a long body on the same connection');
$client->send(join '', map {"POST /echo/$_ HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n$_"} 1 .. 9);
is(join(' ', map { $json->decode($client->response->{body})->{target} } 1 .. 9), join(' ', map {"/echo/$_"} 1 .. 9), 'pipelined requests are answered in order');
$client->send($_) for split //, "${chunked}2\r\nok\r\n0\r\n\r\n";
is($json->decode($client->response->{body})->{body}, '6f6b', 'a request may come byte by byte');

$client = $gate->connect->send("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
is($client->response->{headers}{connection}, 'close', '"Connection: close" is answered with the same');
is($client->ending, 'closed', 'and the connection is closed');
$client = $gate->connect->send("GET / HTTP/1.0\r\n\r\n");
is($client->response->{status} . $client->ending, '200closed', 'HTTP/1.0 needs no Host, and closes');
$client = $gate->connect->send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
is($client->response->{headers}{connection}, 'keep-alive', 'unless it asks to keep the connection');
is($client->send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")->finish->response->{body}, 'hello', 'a client that has shut its side gets its answer');
is($client->ending, 'closed', 'and then the connection is closed');

$client = $gate->connect->send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
is($client->response->{line}, 'HTTP/1.1 100 Continue', 'a client that waits is told to go on');
is($json->decode($client->send('ab')->response->{body})->{body}, '6162', 'and then answered');
is($client->send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab")->response->{status}, 200,
	'one that did not wait is not');

# --- What is refused ------------------------------------------------------------------
my $get = "GET / HTTP/1.1\r\nHost: t\r\n";
my $post = "POST / HTTP/1.1\r\nHost: t\r\n";
my @refused = (
	[400, 'white space before the colon', "${get}X : y\r\n\r\n"],
	[400, 'a continued line', "${get}X: y\r\n z\r\n\r\n"],
	[400, 'a first header that begins with white space', "GET / HTTP/1.1\r\n Host: t\r\n\r\n"],
	[400, 'a bare LF after the request line', "GET / HTTP/1.1\nHost: t\r\n\r\n"],
	[400, 'a bare LF after a header', "${get}X: y\nZ: a\r\n\r\n"],
	[400, 'a bare LF as the end of the head', "${get}\n"],
	[400, 'a CR in a value', "${get}X: a\rb\r\n\r\n"],
	[400, 'NUL in a value', "${get}X: a\0b\r\n\r\n"],
	[400, 'NUL in the target', "GET /\0 HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'a control character in the target', "GET /\x01 HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'an eight-bit character in the target', "GET /\xc3\xa9 HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'a fragment in the target', "GET /#a HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'a relative target', "GET a HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'GET *', "GET * HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'user information in the target', "GET http://u\@h/ HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'two spaces in the request line', "GET  / HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'a lower-case method', "get / HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'an unknown method', "GETT / HTTP/1.1\r\nHost: t\r\n\r\n"],
	[400, 'a header without a name', "${get}: x\r\n\r\n"],
	[400, 'a header without a colon', "${get}X\r\n\r\n"],
	[400, 'no Host', "GET / HTTP/1.1\r\n\r\n"],
	[400, 'two Hosts', "${get}host: t\r\n\r\n"],
	[400, 'a Host that is none', "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
	[400, 'Content-Length beside Transfer-Encoding', "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	[400, 'Transfer-Encoding beside Content-Length', "${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"],
	[400, 'two Content-Lengths', "${post}Content-Length: 1\r\nContent-Length: 1\r\n\r\na"],
	(map { [400, "Content-Length \"$_\"", "${post}Content-Length: $_\r\n\r\na"] } '1, 1', '+1', '-1', '', '0x1', '1 1', '99999999999999999999'),
	(map { [400, "Transfer-Encoding \"$_\"", "${post}Transfer-Encoding: $_\r\n\r\n0\r\n\r\n"] } 'gzip', 'gzip, chunked', 'chunked, chunked', 'xchunked', 'chunked;q=1', ''),
	[400, 'two Transfer-Encodings', "${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	[400, 'Transfer-Encoding in HTTP/1.0', "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
	(map { [400, "chunk size line " . $json->encode($_), "$chunked${_}a\r\n0\r\n\r\n"] } "1\n", "1\rX", "1 \r\n", " 1\r\n", "+1\r\n", "0x1\r\n", "x\r\n", "\r\n", "fffffffffffffffff\r\n"),
	[400, 'a chunk that is longer than it says', "${chunked}1\r\nab\r\n0\r\n\r\n"],
	[400, 'a bare LF after a chunk', "${chunked}1\r\na\n0\r\n\r\n"],
	[400, 'a bare LF as the end of the body', "${chunked}0\r\n\n"],
	[400, 'a continued line in a trailer', "${chunked}0\r\nA: b\r\n c\r\n\r\n"],
	[400, 'too much chunk extension', "${chunked}1;" . 'x' x 2000 . "\r\na\r\n0\r\n\r\n"],
	[400, 'the preface of HTTP/2', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
	[400, 'a TLS hello', "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
	[400, 'HTTP/0.9', "GET /\r\n"],
	[400, 'HTTP/1.2', "GET / HTTP/1.2\r\nHost: t\r\n\r\n"],
	[405, 'TRACE', "TRACE / HTTP/1.1\r\nHost: t\r\n\r\n"],
	[405, 'CONNECT', "CONNECT t:1 HTTP/1.1\r\nHost: t\r\n\r\n"],
	[413, 'a Content-Length over the limit', "${post}Content-Length: 65537\r\n\r\n"],
	[413, 'a chunked body over the limit', $chunked . ("8000\r\n" . 'x' x 32768 . "\r\n") x 3 . "0\r\n\r\n"],
	[417, 'another expectation', "${post}Content-Length: 1\r\nExpect: a-miracle\r\n\r\n"],
	[431, 'a head over the limit', "${get}X: " . 'x' x 2048],
	[431, 'a target over the limit', 'GET /' . 'x' x 4096 . " HTTP/1.1\r\n\r\n"],
	[431, 'more than 100 headers', $get . "X: y\r\n" x 100 . "\r\n"],
	[431, 'a trailer over the limit', "${chunked}0\r\n" . "X: y\r\n" x 400 . "\r\n"],
);
my $calls = $node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls');
for (@refused)
{
	my ($status, $what, $bytes) = @$_;
	my $client = $gate->connect->send($bytes);
	my $answer = $client->response // {};
	is(join(' ', $answer->{status}, $answer->{headers}{connection}, $client->ending), "$status close closed", "$status and close: $what");
}
is($node->safe_psql('scripted', 'SELECT last_value FROM scripted.calls'), $calls, 'nothing of it reached the database');
$client = $gate->connect->send("${post}Content-Length: 3000000\r\n\r\n" . 'x' x 3000000);
is($client->response->{status}, 413, 'a client that goes on sending can still read why it was refused');
$response = $gate->ask("GET / HTTP/1.1\r\nHost: t\r\nX-Request-Id: mine\r\nX : y\r\n\r\n");
like($response->{body}, qr/^\{"code":"ZG550","details":null,"hint":null,"message":"white space before the colon of a header"\}$/, 'a refusal is JSON');
is_deeply({ map { $_ => $response->{headers}{$_} } keys %security }, \%security, 'with the security headers');
like($response->{headers}{'x-request-id'}, qr/./, 'and an X-Request-Id');
is($gate->ask("TRACE / HTTP/1.1\r\nHost: t\r\n\r\n")->{headers}{allow}, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT', '405 tells the methods');

# --- What the database may answer -------------------------------------------------------
sub answer_with
{
	my ($headers) = @_;
	return $gate->ask("POST /headers HTTP/1.1\r\nHost: t\r\nContent-Length: " . length($headers) . "\r\n\r\n$headers");
}

is(answer_with("X-A: 1\r\nX-B: 3\r\nX-A: 2\r\n")->{headers}{'x-a'}, '1 & 2', 'a name may be repeated');
is(answer_with("X-Tab: a\tb: \xc3\xa9\r\n")->{headers}{'x-tab'}, "a\tb: \xc3\xa9", 'a value may have colons, tabs and UTF-8');
is(answer_with("X-Empty: \r\n")->{headers}{'x-empty'}, '', 'or nothing');
is(answer_with('')->{status}, 200, 'there may be no headers');
is(answer_with("X-FRAME-options: SAMEORIGIN\r\n")->{headers}{'x-frame-options'}, 'SAMEORIGIN', "the function's security headers come first");
$response = answer_with(join('', map { "$_\r\n" } 'Content-Length: 1', 'Transfer-Encoding: chunked', 'Connection: close', 'X-Request-Id: x', 'Date: x'));
is_deeply([@{ $response->{headers} }{qw(content-length transfer-encoding connection)}, $response->{body}], [5, undef, undef, 'hello'],
	'headers of the framing are the gate\'s alone');
for my $bad ("X: a\nY: b\r\n", "X: a\rY: b\r\n", "X: a\x01\r\n", "X: a\x7f\r\n", "X Y: a\r\n", "X : a\r\n", " X: a\r\n", ": a\r\n", "X:a\r\n", "X:\r\n", "X\r\n",
	"X: a", "X: a\n", "X: a\r", "X: a\r\n\r\n", "\r\nX: a\r\n", "X: a\r\n\r\nHTTP/1.1 200 OK\r\n", 'X', '{"X": "a"}')
{
	my $shown = $bad =~ s/([^ -~])/sprintf('%%%02x', ord $1)/ger;
	is(answer_with($bad)->{status}, 500, "500 for the headers $shown");
}
is($gate->get("/status/$_")->{status}, 500, "500 for status $_") for 99, 100, 101, 600, -1;
is($gate->get('/null')->{status}, 500, '500 when the function returns no status');
my %statuses = (
	'08006' => 503, '57P01' => 503, '57P03' => 503, '42883' => 503, '3F000' => 503, 'ZG112' => 503, 'ZG113' => 503, 'ZG114' => 503,
	'53200' => 503, '25006' => 503, '57014' => 504, '40001' => 409, 'P0001' => 500, '22012' => 500, 'XX000' => 500);
for my $code (sort keys %statuses)
{
	$response = $gate->get("/error/$code");
	is(join(' ', $response->{status}, $json->decode($response->{body})->{code}, $response->{headers}{'retry-after'} // '-'),
		join(' ', $statuses{$code}, $code, $statuses{$code} == 503 ? 1 : '-'), "SQLSTATE $code is answered $statuses{$code}");
	unlike($response->{body}, qr/text of an SQL error/, 'without its text') if $code !~ /^ZG/;
}
is($gate->get('/')->{status}, 200, 'and after all that the gate answers');
$gate->end_settings;
is($gate->wait_end, 0, 'it ends when its settings end');

# --- The access log ---------------------------------------------------------------------
my @lines = map { $json->decode($_) } split /\n/, $gate->log_text;
my ($line) = grep { ($_->{path} // '') eq '/echo' && $_->{method} eq 'POST' } @lines;
is_deeply([sort keys %$line], [qw(bytes id method ms path peer queue_ms status time)], 'a line of the access log has its fields');
unlike($gate->log_text, qr/%00|q HTTP|text of an SQL error|admin/, 'and neither query, nor headers, nor texts of errors');

$node->stop;
done_testing();
