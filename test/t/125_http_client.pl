# 125_http_client.pl
#		The HTTP client in a loop like a worker's, against servers that misbehave.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use HttpPeer;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $module = 'test/modules/http_client';
is(system("make -s -C $module"), 0, 'the test module is built') or die "no module";
my $node = PostgreSQL::Test::Cluster->new('http');
$node->init;
$node->start;
my $cwd = `pwd`;
chomp $cwd;
$node->safe_psql('postgres', "\\set lib $cwd/$module/test_http_client.so\n" . slurp_file("$module/test_http_client.sql"));
my $peer = HttpPeer->new("$PostgreSQL::Test::Utils::tmp_check/peer.log");
my $at = "http://127.0.0.1:$peer->{port}";
my $named = sub { "http://$_[0]:$peer->{port}/count" };
my %names = (dns_servers => "127.0.0.1:$peer->{dns_port}");

sub quote { my ($json) = (encode_json($_[0])); $json =~ s/'/''/g; return "'$json'"; }

# The results of requests by a new client, in the order of the requests.
sub run
{
	my ($requests, %options) = @_;
	my $in_flight = delete $options{in_flight} // 64;
	my $call = delete $options{call} // 'http.run(' . quote($requests) . ", $in_flight)";
	my $sql = 'DO $do$BEGIN PERFORM http.open(' . quote(\%options) . ') ; END$do$;'
	  . "SELECT jsonb_agg(to_jsonb(r) ORDER BY n) FROM $call r";
	my $results = decode_json($node->safe_psql('postgres', $sql));
	$_->{body} = pack 'H*', substr $_->{body}, 2 for @$results;
	return @$results;
}
sub ask { my ($request, %options) = @_; return (run([$request], %options))[0]; }

# What came of a request, e.g. "reset sent 0".
sub ends
{
	my ($request, $expected, $what, %options) = @_;
	my $result = ask($request, %options);
	my $text = "$result->{outcome} " . ($result->{bytes_sent} ? 'sent' : 'unsent') . " $result->{status}";
	is($text, $expected, $what) or diag($result->{error});
	return $result;
}

# ---- What is on the wire --------------------------------------------------------------
is(ask({url => "$at/echo?a=b#c"})->{body}, "GET /echo?a=b HTTP/1.1\r\nHost: 127.0.0.1:$peer->{port}\r\n\r\n", 'a GET has no bytes but these');
my %post = (method => 'POST', url => "$at/echo", headers => ['Content-Type: text/plain', 'X-Empty:'], body => "a\r\n\r\nb");
is(ask(\%post)->{body}, "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:$peer->{port}\r\nContent-Type: text/plain\r\nX-Empty:\r\nContent-Length: 6\r\n\r\na\r\n\r\nb", 'nor has a POST');
like(ask({method => 'POST', url => "$at/echo"})->{body}, qr/^POST.*^Content-Length: 0\r\n\r\n$/ms, 'a POST without body says so');
is(ask({method => 'DELETE', url => "$at/echo"})->{body}, "DELETE /echo HTTP/1.1\r\nHost: 127.0.0.1:$peer->{port}\r\n\r\n", 'DELETE');
ends({method => 'HEAD', url => "$at/count"}, 'answered sent 200', 'HEAD');
ends({url => "$at/count", headers => [$_]}, 'bad_request unsent 0', "header refused: $_") for 'Content-Length: 3', 'host: x', 'transfer-encoding: chunked', "X: a\r\nY: b", 'no colon', 'Bad Name: x';
ends({url => "$at/count", method => $_}, 'bad_request unsent 0', "method refused: $_") for '', "GET /x", 'CONNECT';
my $limited = ends({url => "$at/limited"}, 'answered sent 429', 'a status that is no success is an answer');
is("$limited->{retry_after} $limited->{rate_limit_reset}", '7 30', 'and the headers that tell when to come again');
is(ends({url => "$at/redirect"}, 'answered sent 302', 'a redirect is not followed')->{body}, '', 'nothing else was fetched');
is(ask({url => "$at/gzip"})->{body}, "\x1f\x8b\0", 'a body is not unpacked');

# ---- Connections ----------------------------------------------------------------------
my @reused = run([map { {url => "$at/count"} } 1 .. 100], in_flight => 1);
my %connections = map { (split / /, $_->{body})[0] => 1 } @reused;
is(scalar(keys %connections), 1, 'a hundred requests in turn use one connection');
my @parallel = run([map { {url => "$at/count"} } 1 .. 500], max_connections_per_host => 4);
%connections = map { (split / /, $_->{body})[0] => 1 } @parallel;
is(scalar(grep { $_->{outcome} eq 'answered' } @parallel), 500, '500 requests, 64 at once, are answered');
cmp_ok(scalar(keys %connections), '<=', 4, 'over no more connections than allowed');
is((grep { $_->{threads} != 1 } @parallel), 0, 'the process has one thread');

my @extra = run([{url => "$at/extra"}, {url => "$at/count?after"}], in_flight => 1);
unlike($extra[1]{body}, qr/evil/, 'a second response to one request is no answer to the next');
my @peers = map { HttpPeer->new("$PostgreSQL::Test::Utils::tmp_check/peer$_.log") } 1 .. 5;
my @spread = run([map { {url => "http://127.0.0.1:$peers[$_ % 5]{port}/count", total_ms => 5000} } 1 .. 30], max_transfers => 2);
is((grep { $_->{outcome} eq 'answered' } @spread), 30, 'more hosts than connections: idle ones make room');
$_->stop for @peers;

my @again = run([map { {url => "$at/once?repeated", method => 'POST', body => 'x'} } 1 .. 2], in_flight => 1);
is($again[1]{outcome}, 'answered', 'what may be repeated is, when a reused connection dies');
is(scalar($peer->requests(qr{/once\?repeated})), 3, 'it was sent twice');
my @never = run([map { {url => "$at/once?single", method => 'POST', body => 'x', may_repeat => JSON::PP::false} } 1 .. 2], in_flight => 1);
is("$never[1]{outcome} $never[1]{bytes_sent}", 'reset 1', 'what may not be repeated is not') or diag($never[1]{error});
is(scalar($peer->requests(qr{/once\?single})), 2, 'it was sent once');

# ---- Trouble --------------------------------------------------------------------------
my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
my $closed_port = $closed->sockport;
close $closed;
ends({url => "http://127.0.0.1:$closed_port/"}, 'connect unsent 0', 'closed port');
my $slow = ends({url => "$at/slow", total_ms => 300}, 'timeout sent 0', 'no answer');
ok($slow->{duration_ms} >= 299 && $slow->{duration_ms} < 2000, "in the time given ($slow->{duration_ms} ms of 300)");
ends({url => "$at/drip", total_ms => 300}, 'timeout sent 200', 'a byte now and then');
ends({url => "$at/reset"}, 'reset sent 0', 'reset after the request');
ends({url => "$at/close"}, 'reset sent 0', 'closed after the request');
ends({url => "$at/short"}, 'reset sent 200', 'closed within the body');
ends({url => "$at/badchunk"}, 'reset sent 200', 'broken chunk');
ends({url => "$at/lengths"}, 'reset sent 200', 'negative length');
ends({url => "$at/garbage"}, 'reset sent 0', 'not HTTP');
ends({url => "$at/sized?1000", max_bytes => 1000}, 'answered sent 200', 'a body as long as allowed');
is(length ends({url => "$at/sized?1001", max_bytes => 1000}, 'too_large sent 200', 'a byte more')->{body}, 1000, 'the allowed part is there');
ends({url => "$at/endless", max_bytes => 100000}, 'too_large sent 200', 'a body without end');
ends({url => "$at/headers"}, 'too_large sent 200', 'headers without end');
ends({url => "$at/interim"}, 'too_large sent 103', 'interim responses without end');
my @cancelled = run(undef, call => 'http.cancel(' . quote([{url => "$at/slow"}, {url => $named->('hole.test')}]) . ', 200)', %names);
is(join(' ', map { "$_->{outcome} " . ($_->{bytes_sent} ? 'sent' : 'unsent') } @cancelled), 'cancelled sent cancelled unsent', 'cancelling tells whether bytes left');

# ---- Where requests may go ------------------------------------------------------------
my %strict = (loopback => JSON::PP::false);
ends({url => "http://$_:$peer->{port}/count", %strict}, 'address_refused unsent 0', "refused: $_")
  for qw(127.0.0.1 127.1 0x7f.1 0177.0.0.1 2130706433 017700000001 127.0.0.1. %31%32%37.0.0.1 0 0.0.0.0 10.0.0.1 169.254.169.254 192.168.0.1 [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fd00:ec2::254] [::]);
ends({url => $named->('loop.test'), %strict}, 'address_refused unsent 0', 'a name of a loopback address', %names);
ends({url => $named->("$_.test")}, 'address_refused unsent 0', "$_.test", %names) for qw(private metadata mixed mapped);
ends({url => $_}, 'bad_url unsent 0', "not a URL to send to: $_")
  for "http://user\@127.0.0.1:$peer->{port}/", "http://user:pw\@127.0.0.1/", 'ftp://127.0.0.1/', 'file:///etc/passwd', 'gopher://127.0.0.1/', 'http://127.0.0.1:0/', '', 'x', 'http://1.2.3.4.5/', 'http://host.0x7f/', 'http://[fe80::1%25lo]/', "http://a\nb/", "http://\xc3\xa4.test/";
ends({url => "$at/count", plain => JSON::PP::false}, 'bad_url unsent 0', 'plain http only where allowed');
ends({url => "$at/count", any_port => JSON::PP::false}, 'bad_url unsent 0', 'and another port too');
my $kinds = $node->safe_psql('postgres', q{SELECT string_agg(a || ' ' || http.address_kind(a), E'\n' ORDER BY n) FROM unnest('{8.8.8.8,172.15.255.255,172.16.0.1,172.32.0.0,100.63.255.255,100.64.0.1,100.127.255.255,100.128.0.0,
	100.100.100.200,169.254.1.1,192.0.0.192,198.19.255.255,223.255.255.255,224.0.0.1,255.255.255.255,2606:4700::1111,2001:db8::1,2001:0::1,fc00::1,fdff::1,fe80::1,ff02::1,100::1,64:ff9b::808:808,64:ff9b::a00:1,64:ff9b:1::1,2002:808:808::,2002:a9fe:a9fe::}'::text[]) WITH ORDINALITY AS x(a, n)});
is($kinds, join("\n", '8.8.8.8 public', '172.15.255.255 public', '172.16.0.1 private', '172.32.0.0 public', '100.63.255.255 public', '100.64.0.1 private', '100.127.255.255 private', '100.128.0.0 public',
	'100.100.100.200 forbidden', '169.254.1.1 forbidden', '192.0.0.192 forbidden', '198.19.255.255 forbidden', '223.255.255.255 public', '224.0.0.1 forbidden', '255.255.255.255 forbidden', '2606:4700::1111 public', '2001:db8::1 forbidden', '2001:0::1 forbidden', 'fc00::1 private', 'fdff::1 private', 'fe80::1 forbidden', 'ff02::1 forbidden', '100::1 forbidden', '64:ff9b::808:808 public', '64:ff9b::a00:1 private', '64:ff9b:1::1 forbidden', '2002:808:808:: public', '2002:a9fe:a9fe:: forbidden'), 'what addresses are, at the edges of ranges');

# ---- Names ----------------------------------------------------------------------------
ends({url => $named->('LOOP.test.')}, 'answered sent 200', 'a name', %names);
ends({url => $named->('localhost')}, 'answered sent 200', 'a name of /etc/hosts', %names);
SKIP:
{
	my $peer6 = HttpPeer->new("$PostgreSQL::Test::Utils::tmp_check/peer6.log", '::1') or skip 'no IPv6 here', 2;
	ends({url => "http://[::1]:$peer6->{port}/count"}, 'answered sent 200', 'an IPv6 address');
	ends({url => "http://loop6.test:$peer6->{port}/count"}, 'answered sent 200', 'a name that has only an IPv6 address', %names);
	$peer6->stop;
}
ends({url => $named->('two.test')}, 'answered sent 200', 'an address that does not answer is passed over', %names) for 1 .. 3;
ends({url => $named->($_)}, 'dns unsent 0', "no address: $_", %names) for qw(none.test many.test);
ends({url => $named->('loop.test')}, 'answered sent 200', 'a dead name server is passed over', dns_servers => "127.0.0.1:$closed_port,$names{dns_servers}");
# A name that was harmless turns to an inner address: refused once its time is over, although a connection stands.
my $flip = quote([{url => $named->('flip.test'), private => JSON::PP::false}]);
my $flipped = $node->safe_psql('postgres', 'SELECT http.open(' . quote(\%names) . qq{);
	DO \$\$DECLARE got text[] := '{}'; give_up timestamptz := clock_timestamp() + '30 s'; BEGIN
	WHILE cardinality(got) < 2 AND clock_timestamp() < give_up LOOP
		got := got || ARRAY(SELECT outcome FROM http.run($flip) WHERE outcome <> got[cardinality(got)] OR cardinality(got) = 0);
	END LOOP;
	PERFORM set_config('x.got', got::text, false); END\$\$; SELECT current_setting('x.got')});
like($flipped, qr/\{answered,address_refused\}$/, 'rebinding is refused');

# ---- A black hole for names -----------------------------------------------------------
my @mixed = run([(map { {url => $named->('hole.test'), connect_ms => 1500} } 1 .. 5), (map { {url => $named->('loop.test')} } 1 .. 50)], %names);
is(join(' ', map { $_->{outcome} } @mixed[0 .. 4]), 'dns dns dns dns dns', 'names without answer end as such');
my ($longest) = sort { $b <=> $a } map { $_->{duration_ms} } @mixed[5 .. 54];
is((grep { $_->{outcome} eq 'answered' } @mixed[5 .. 54]), 50, 'meanwhile the others are answered');
cmp_ok($longest, '<', 1000, "without waiting for them (longest $longest ms)");

# ---- TLS ------------------------------------------------------------------------------
my $tls = "$PostgreSQL::Test::Utils::tmp_check/tls";
mkdir $tls;
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loop.test -addext subjectAltName=DNS:loop.test -keyout $tls/key -out $tls/crt 2>/dev/null") == 0 or die 'no certificate';
my $server = open(my $says, '-|', "exec openssl s_server -accept 127.0.0.1:0 -cert $tls/crt -key $tls/key -www 2>&1") or die $!;
my $tls_port;
while (my $line = <$says>) { last if ($tls_port) = $line =~ /^ACCEPT .*:(\d+)$/; }
my %trusted = (%names, ca_file => "$tls/crt");
ends({url => "https://loop.test:$tls_port/"}, 'answered sent 200', 'a certificate of a known authority', %trusted);
ends({url => "https://localhost:$tls_port/"}, 'tls unsent 0', 'another name than the certificate says', %trusted);
ends({url => "https://loop.test:$tls_port/"}, 'tls unsent 0', 'an unknown authority', %names);
ends({url => "https://loop.test:$peer->{port}/", connect_ms => 300}, 'connect unsent 0', 'a handshake without an answer', %trusted);
kill 'TERM', $server;
close $says;

# ---- Nothing is left ------------------------------------------------------------------
my $churn = quote([{url => "$at/slow"}, {url => $named->('hole.test')}, {url => $named->('loop.test')}, {url => "$at/sized?100000"}, {url => 'nonsense'}]);
is($node->safe_psql('postgres', 'SELECT http.churn(' . quote(\%names) . ", $churn, 200)"), 0, '200 clients leave no descriptor and no thread');
my ($status, $output, $error) = $node->psql('postgres', 'SELECT http.open(' . quote({dns_servers => 'x y'}) . ')', extra_params => ['-v', 'VERBOSITY=sqlstate']);
like($error, qr/22023/, 'name servers that cannot be read are an error');

$node->stop;
$peer->stop;
done_testing();
