# 104_gate_turns.pl
#		Nobody waits for another's dear requests: executors are given in turn by business,
#		within shares, whatever tokens come.  cloudgreet.http() is scripted_http.sql, at the
#		end the extension's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Gate;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('gate_turns');
$node->init;
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE scripted ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('scripted', slurp_file("$FindBin::Bin/../lib/scripted_http.sql"));
my $gate = Gate->start($node, gate_executors => 4, gate_read_timeout => '1min');
$node->poll_query_until('scripted', "SELECT count(*) = 4 FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate' AND state = 'idle'")
  or die 'no executors';

# A request with a token of "NAME something"; a webhook's path names its business itself.
sub bytes
{
	my ($method, $target, $token) = @_;
	my $length = $method eq 'POST' ? "Content-Length: 0\r\n" : '';
	return "$method $target HTTP/1.1\r\nHost: t\r\n$length" . (defined $token ? "Authorization: Bearer $token\r\n" : '') . "\r\n";
}
sub begin { return $gate->connect->send(bytes(@_)) }

# Waits until that many requests sleep in the database, or wait for a table, and makes sure that no more do.
sub sleepers
{
	my ($count) = @_;
	my $sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate' AND wait_event IN ('PgSleep', 'relation')";
	$node->poll_query_until('scripted', "SELECT ($sql) = $count") or return 'never ' . $count;
	$gate->get('/api/health');
	return $node->safe_psql('scripted', $sql);
}
sub asked { return $node->safe_psql('scripted', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM scripted.asked') }

# --- One business holds all that it can -------------------------------------------------
my @dear = map { begin('GET', '/sleep/60', "a token$_") } 1 .. 6;
is(sleepers(2), 2, 'one business gets half of the executors, by however many tokens');
push @dear, map { begin('POST', '/api/retell/webhook/a') } 1 .. 3;
push @dear, map { begin('POST', '/sleep/60', "a token$_") } 1 .. 3;
push @dear, map { (begin('GET', '/sleep/60'), begin('GET', '/sleep/60', "nobody token$_")) } 1 .. 3;
is(sleepers(3), 3, 'and by its webhooks, without a token and with tokens of nobody one more');
push @dear, map { begin('GET', "/sleep/60?$_", "forged token$_") } 1 .. 20;
$gate->until_true(sub { asked() >= 30 }) or die 'forged tokens are not judged';
is(sleepers(3), 3, 'of which forged tokens, however many, get no more');
my $start = time;
my @statuses = map { begin('GET', '/', "b token$_")->response->{status} } 1 .. 10;
is("@statuses", join(' ', (200) x 10), 'another business is served meanwhile, with tokens that were never seen');
is(begin('GET', '/', 'c token')->response->{status} . begin('POST', '/api/retell/webhook/d')->response->{status}, '200200', 'so are others, and their webhooks');
cmp_ok(time - $start, '<', 2, 'at once');
is(sleepers(3), 3, 'while the first still holds what it can');
my $asked = asked();
begin('GET', '/', 'b token1')->response for 1 .. 5;
is(asked(), $asked, 'whose a token is, the database is asked once');
begin('GET', '/', 'forged token1')->reset;
$_->reset for @dear;
is(sleepers(0), 0, 'clients that go away give back what they held');
is(begin('GET', '/', $_)->response->{status}, 200, "and $_ is served") for 'a token1', 'forged token', 'new token';

# --- Shares are given back, however a request ends -------------------------------------
for my $how ('/quit', '/error/22012', '/rest/v1/rpc/leave', '/deallocate')
{
	begin('GET', $how, 'a token1')->response for 1 .. 3;
	$gate->until_true(sub { begin('GET', '/', 'b token1')->response->{status} == 200 });
	@dear = map { begin('GET', '/sleep/60', 'a token1') } 1 .. 3;
	is(sleepers(2), 2, "a business has its share again after three of $how");
	$_->reset for @dear;
	sleepers(0);
}
$gate->configure(gate_business_executors => 3);
@dear = map { begin('GET', '/sleep/60', 'a token1') } 1 .. 4;
is(sleepers(3), 3, 'the share can be set');
$gate->configure(gate_business_executors => 0);
$_->reset for @dear;
sleepers(0);

# --- In turn ----------------------------------------------------------------------------
$gate->configure(gate_executors => 1, gate_queue => 7);
$node->poll_query_until('scripted', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate'");
begin('GET', '/', "$_ token1")->response for 'a', 'b', 'c';
my $first = begin('GET', '/sleep/60', 'a token1');
sleepers(1);
my @waiting;
sub await
{
	my ($name) = @_;
	push @waiting, begin('GET', "/$name", substr($name, 0, 1) . ' token1');
	return $gate->until_true(sub { $gate->get('/api/health')->{status} == 200 });
}
await($_) for 'a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1';
await('c2');
is($waiting[3]->response->{status}, 503, 'when the queue is full, who has the most waiting loses the newest');
await('a5');
is($waiting[8]->response->{status}, 503, 'which may be the one that just came');
$first->reset;
is(join(' ', map { $_->response->{status} } @waiting[0 .. 2, 4 .. 7]), join(' ', (200) x 7), 'the others are served');
my @order;
$gate->until_true(sub { @order = $gate->log_text =~ m{"path":"/([abc]\d)","status":200}g; @order == 7 });
is("@order", 'a1 b1 c1 a2 b2 c2 a3', 'in turn, not as they came');

# --- Reads end early --------------------------------------------------------------------
$gate->configure(gate_read_timeout => 300, gate_request_timeout => '20s');
my $response = begin('GET', '/sleep/60', 'a token1')->response;
is("$response->{status} $response->{body}", '504 {"code":"57014","details":null,"hint":null,"message":"the request took too long"}', 'a GET that takes too long: 504');
is(sleepers(0), 0, 'it is cancelled');
is($gate->ask(bytes('HEAD', '/sleep/60', 'a token1'), head => 1)->{status}, 504, 'so is a HEAD');
is(begin('POST', '/sleep/0.6', 'a token1')->response->{status}, 200, 'what writes has more time');
$gate->configure(gate_request_timeout => 200);
is(begin('GET', '/sleep/60', 'a token1')->response->{status}, 504, 'which is the limit of all');

# --- Without the function, or with one that fails ----------------------------------------
$node->safe_psql('scripted', 'DROP FUNCTION cloudgreet.http_caller(text, jsonb)');
is(begin('GET', '/', 'e token1')->response->{status}, 200, 'a database that cannot say whose a token is serves it as anybody\'s');

$gate->end_settings;
is($gate->wait_end, 0, 'and the gate ends in order');

# --- The same with the extension: tokens that it judges, functions that it calls --------
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "cloudgreet.master_key_file = '$key'");
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE real');
$node->safe_psql('real', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $secret = 'a-secret-of-at-least-thirty-two-bytes';
$node->safe_psql('real', slurp_file("$FindBin::Bin/../lib/mint.sql") . qq{
	SELECT cloudgreet.add_jwt_key('main', '$secret');
	CREATE FUNCTION cloudgreet.dear() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT pg_sleep(60)::text';
	GRANT EXECUTE ON FUNCTION cloudgreet.dear() TO authenticated;
	SELECT cloudgreet.create_business(name, 'UTC') FROM unnest('{A,B}'::text[]) name;
	INSERT INTO cloudgreet.leads (business_id, name) SELECT id, 'Lead of ' || name FROM cloudgreet.businesses});
my %tokens = map {
	$_ => [ split /\n/, $node->safe_psql('real', "SELECT public.mint(public.claims(b.id, r), '$secret') FROM cloudgreet.businesses b, unnest('{admin,user,agent}'::text[]) r, generate_series(1, 2) WHERE b.name = '$_'") ]
} 'A', 'B';
$gate = Gate->start($node, gate_conninfo => $node->connstr('real') . ' user=cloudgreet_gate', gate_executors => 4, gate_read_timeout => '1min');
my $holder = $node->background_psql('real', on_error_die => 1);
$holder->query_safe('BEGIN; LOCK TABLE cloudgreet.calls');
@dear = map { begin('GET', '/rest/v1/calls', $_) } @{ $tokens{A} };
is(sleepers(2), 2, 'one business gets half of the executors, by however many users');
push @dear, map { begin('POST', '/rest/v1/rpc/dear', $_) } @{ $tokens{A} };
$start = time;
is(join(' ', map { my $r = begin('GET', '/rest/v1/leads?select=name', $_)->response; "$r->{status} $r->{body}" } @{ $tokens{B} }),
	join(' ', ('200 [{"name":"Lead of B"}]') x 6), 'the users of another are answered meanwhile');
cmp_ok(time - $start, '<', 2, 'at once');
is(sleepers(2), 2, 'while the first still holds what it can');
$_->reset for @dear;
sleepers(0);
$gate->configure(gate_read_timeout => 300);
$response = begin('GET', '/rest/v1/calls', $tokens{A}[0])->response;
is("$response->{status} $response->{body}", '504 {"code":"57014","details":null,"hint":null,"message":"the request took too long"}', 'a read that takes too long: 504');
is(sleepers(0), 0, 'it is cancelled');
$holder->quit;
is(begin('GET', '/rest/v1/leads?select=name', $tokens{A}[0])->response->{body}, '[{"name":"Lead of A"}]', 'and whose it was is served');
$gate->end_settings;
$gate->wait_end;
$node->stop;
done_testing();
