# 105_gate_browser.pl
#		Every answer that the gate makes itself can be read by the pages of the named
#		origins, and carries the rules for browsers.  cloudgreet.http() is scripted_http.sql.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Gate;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('gate_browser');
$node->init;
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE scripted ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));
my ($ours, $other) = ('https://app.example.com', 'https://evil.example.com');
my $gate = Gate->start($node, gate_executors => 1, gate_header_timeout => 300, gate_body_timeout => 300, gate_body_bytes => 10, gate_header_bytes => 1000,
	gate_read_timeout => 300, gate_request_timeout => 600, cors_origins => "http://localhost:3000, $ours");

# What an answer says to browsers, in short; "whole" when it is all that it should be.
sub rules
{
	my ($response) = @_;
	my $h = $response->{headers};
	return 'no security headers' if grep { !defined $h->{$_} } qw(content-security-policy x-frame-options x-content-type-options referrer-policy x-xss-protection);
	return 'no Vary' if ($h->{vary} // '') ne 'Origin';
	return 'not allowed' if !defined $h->{'access-control-allow-origin'};
	return "allows $h->{'access-control-allow-origin'}" if $h->{'access-control-allow-origin'} ne $ours;
	return 'exposes nothing' if ($h->{'access-control-expose-headers'} // '') !~ /Retry-After, X-Request-Id/;
	return 'whole';
}

my %wrong = (
	'a malformed request line' => [400, "GET  / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
	'two Host headers' => [400, "GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\nOrigin: \@\r\n\r\n"],
	'a bad header after it' => [400, "GET / HTTP/1.1\r\nORIGIN:\@\r\nHost : t\r\n\r\n"],
	'TRACE' => [405, "TRACE / HTTP/1.1\r\nHost: t\r\norigin:  \@ \r\n\r\n"],
	'a head that does not end' => [408, "GET / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nX: "],
	'a body that does not end' => [408, "POST / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nContent-Length: 9\r\n\r\nabc"],
	'a body that is too long' => [413, "POST / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nContent-Length: 11\r\n\r\n"],
	'chunks that are too long' => [413, "POST / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk"],
	'an expectation' => [417, "POST / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n"],
	'a head that is too long' => [431, "GET / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\nX: " . 'x' x 2000],
	'too many headers' => [431, "GET / HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n" . "X:\r\n" x 101 . "\r\n"],
	'a read that takes too long' => [504, "GET /sleep/60 HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
	'a write that takes too long' => [504, "DELETE /sleep/60 HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
	'an error of the database' => [503, "GET /error/53200 HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
	'no answer of the database' => [500, "GET /null HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
	'a connection that breaks' => [503, "GET /quit HTTP/1.1\r\nHost: t\r\nOrigin: \@\r\n\r\n"],
);
for my $what (sort keys %wrong)
{
	my ($status, $bytes) = @{ $wrong{$what} };
	my @seen = map { my $response = $gate->ask($bytes =~ s/\@/$_/r); "$response->{status} " . rules($response) } $ours, $other, "$ours.evil";
	$gate->until_true(sub { $gate->get('/')->{status} == 200 }) if $what =~ /breaks/;
	is("@seen", "$status whole $status not allowed $status not allowed", $what);
}
my $hint = $gate->get('/error/25006');
like("$hint->{status} $hint->{body}", qr/^503 .*"hint":"This server takes no writes.*"message":"the server is read-only"/, 'a server that is read-only is told from one that is busy');
is(rules($gate->ask("GET /api/health HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\n\r\n")), 'whole', 'so is that the gate is alive');
is(rules($gate->ask("HEAD / HTTP/1.1\r\nHost: u\r\nHost: t\r\nOrigin: $ours\r\n\r\n", head => 1)), 'whole', 'and what is refused of HEAD');
is(rules($gate->ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n\r\nOrigin: $ours\r\n")), 'not allowed', 'no body is taken for a header');
is(rules($gate->ask("GET / HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\n\r\n")), 'no Vary', "to the database's answers nothing is added");

# Full, and no database.
$gate->configure(gate_queue => 0, gate_request_timeout => '1min', gate_read_timeout => '1min');
my $dear = $gate->connect->send("GET /sleep/60 HTTP/1.1\r\nHost: t\r\n\r\n");
$node->poll_query_until('scripted', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'") or die 'the query does not run';
my $response = $gate->ask("POST / HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\nContent-Length: 0\r\n\r\n");
is("$response->{status} $response->{headers}{'retry-after'} " . rules($response), '503 1 whole', 'a full queue');
$response = $gate->ask("OPTIONS / HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\n\r\n");
is(join(' ', map { $response->{headers}{"access-control-$_"} // 'none' } qw(allow-methods allow-headers max-age expose-headers)),
	'GET, HEAD, POST, PUT, PATCH, DELETE authorization, apikey, content-type, accept, accept-profile, content-profile, idempotency-key, prefer, range, range-unit, x-client-info, x-request-id, x-retry-count, x-supabase-api-version 7200 none',
	'a preflight is told what any would be');
$dear->reset;
# Until its query is cancelled the executor is taken, and whoever asks is told so and let go.
ok($gate->until_true(sub { $gate->get('/')->{status} == 200 }), 'the executor is free again');
$gate->configure(gate_connections => 1, cors_origins => '*');
my $only = $gate->connect->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
$only->response;
$response = $gate->get("/");
is("$response->{status} " . rules($response), '503 allows *', 'one connection too many, of which nothing is read');
$only->reset;
$gate->configure(gate_connections => 100, cors_origins => $ours);
$node->stop('immediate');
$gate->until_true(sub { $response = $gate->ask("GET / HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\n\r\n"); $response->{body} =~ /ZG557.*reached/ });
is("$response->{status} " . rules($response), '503 whole', 'no database');
$gate->configure(cors_origins => '');
$response = $gate->ask("GET / HTTP/1.1\r\nHost: t\r\nOrigin: $ours\r\n\r\n");
ok(!defined $response->{headers}{vary} && !defined $response->{headers}{'access-control-allow-origin'}, 'without named origins nothing is said to any');
$gate->end_settings;
is($gate->wait_end, 0, 'and the gate ends in order');
done_testing();
