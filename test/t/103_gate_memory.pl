# 103_gate_memory.pl
#		What a request takes of a backend, through the real gate: no request of little makes
#		much of it, and a list takes as much as its answer, not as its table.
use strict;
use warnings;
use HTTP::Tiny;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $directory = PostgreSQL::Test::Utils::tempdir_short() . '/cluster';
# Shared buffers count for whoever touches them, so there are few.
my %cluster = map { /^(\w+)=(.*)$/ ? ($1 => $2) : () } split /\n/,
	`test/lib/cluster start $directory shared_buffers=1MB cloudgreet.gate_executors=1 cloudgreet.response_bytes=1MB`;
ok($cluster{GATE_URL}, 'a cluster with the HTTP gate is running') or BAIL_OUT('no cluster');
@ENV{keys %cluster} = values %cluster;

sub sql
{
	my ($sql) = @_;
	IPC::Run::run(['psql', '-AtqX', '-v', 'ON_ERROR_STOP=1'], '<', \$sql, '>', \my $out) or die "psql failed: $sql";
	chomp $out;
	return $out;
}
sql(slurp_file('test/lib/mint.sql'));
my $business = sql("SELECT cloudgreet.create_business('Memory Test', 'UTC')");
my $token = sql("SELECT public.mint(public.claims('$business', 'admin'), '$cluster{JWT_SECRET}')");
my $http = HTTP::Tiny->new(timeout => 60);

# The executor that answers (the spare gate, which starts a moment later, has one too), and the most that it held since it was told to forget.
sub executor
{
	my ($last, $pid) = ('', '');
	for (1 .. 50)
	{
		$http->get("$cluster{GATE_URL}/rest/v1/businesses?select=id", {headers => {authorization => "Bearer $token"}});
		$pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet_gate' AND state = 'idle' ORDER BY state_change DESC LIMIT 1");
		last if $pid eq $last;
		$last = $pid;
	}
	return $pid;
}
sub megabytes { my ($pid) = @_; return slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 / 1024 : die 'no VmHWM'; }

# Asks, and says the status, and what it took beyond seconds, megabytes and bytes.
sub ask
{
	my ($method, $path, $body, %headers) = @_;
	my ($seconds, $megabytes, $bytes) = delete @headers{qw(seconds megabytes bytes)};
	my $pid = executor();
	open(my $refs, '>', "/proc/$pid/clear_refs") or die $!;
	syswrite $refs, '5';
	close $refs;
	my ($before, $start) = (megabytes($pid), time);
	my $response = $http->request($method, "$cluster{GATE_URL}$path", {content => $body // '', headers => {'content-type' => 'application/json', %headers}});
	my @over;
	my $took = time - $start;
	push @over, sprintf('%.1f s', $took) if $took > ($seconds // 1);
	my $held = megabytes($pid) - $before;
	# It is not idle at once: it cleans up after the answer.
	my $now = executor();
	$now = executor() while $now ne $pid && time - $start < 3;
	push @over, "another backend than $pid" if $now ne $pid;
	push @over, sprintf('%.0f MB', $held) if $held > ($megabytes // 10);
	my $length = length($response->{content} // '');
	push @over, "$length bytes" if $length > ($bytes // 2000);
	return join ' ', $response->{status}, @over;
}
my %signed = (authorization => "Bearer $token");

# --- Numbers that print to more than was sent --------------------------------------------
ask('POST', '/rest/v1/rpc/is_email', '{"value": "x"}') for 1 .. 2;
my %bomb = (
	'45 kB of long numbers' => '{"value": [' . join(',', ('1e131071') x 5000) . ']}',
	'long fractions' => '{"value": [' . join(',', ('-9e-16000') x 4000) . ']}',
	'numbers of members, nested' => '{"value": {"a": [' . join(',', ('{"x": {"y": 4e99999}}') x 2000) . ']}}',
	'many numbers that are long together' => '{"value": [' . join(',', ('5e990') x 8000) . ']}',
	'numbers that no argument takes' => '{"value": "x", "other": [' . join(',', ('1e131071') x 5000) . ']}');
foreach my $name (sort keys %bomb)
{
	like(ask('POST', '/rest/v1/rpc/is_email', $bomb{$name}), qr/^4\d\d$/, "$name, without a token");
	like(ask('POST', '/rest/v1/leads', $bomb{$name} =~ s/^\{"value"/{"custom_fields"/r, %signed), qr/^4\d\d$/, "$name, in a row");
	like(ask('POST', '/api/leads', $bomb{$name} =~ s/^\{"value"/{"custom_fields"/r, %signed), qr/^4\d\d$/, "$name, in a lead");
	like(ask('POST', '/rest/v1/rpc/simulate_score', $bomb{$name} =~ s/^\{"value"/{"features"/r, %signed), qr/^4\d\d$/, "$name, as features");
}
is(ask('POST', '/rest/v1/rpc/is_email', '{"value": ' . ('7' x 500_000) . '}'), 400, 'one number of half a megabyte');
is(ask('GET', '/rest/v1/leads?custom_fields=in.(' . join(',', ('1e131071') x 800) . ')', undef, %signed), 400, 'numbers in a URL');
is(ask('POST', '/rest/v1/rpc/cancel_appointment', '{"appointment_id": "' . ('x' x 900_000) . '"}', %signed), 400, 'an error that quotes a long value');

# --- Little that is stored ----------------------------------------------------------------
sql("INSERT INTO cloudgreet.leads (business_id, name, custom_fields) SELECT '$business', 'Bomb ' || n, ('{\"a\": [' || repeat('1e131071,', 2000) || '1]}')::jsonb FROM generate_series(1, 3) n");
is(ask('GET', '/rest/v1/leads', undef, %signed), 413, 'stored numbers, in a list');
is(ask('GET', '/rest/v1/leads?name=eq.Bomb%201', undef, %signed, accept => 'application/vnd.pgrst.object+json'), 413, 'in one object');
is(ask('GET', '/api/leads', undef, %signed), 413, 'in a list of the API');
is(ask('PATCH', '/rest/v1/leads?name=like.Bomb*', '{"notes": "x"}', %signed, prefer => 'return=representation'), 413, 'in the answer to a change');
is(ask('PATCH', '/rest/v1/leads?name=like.Bomb*', '{"notes": "x"}', %signed), 204, 'which is made when it answers nothing');
sql("DELETE FROM cloudgreet.leads WHERE business_id = '$business'");

# --- Lists of any length -------------------------------------------------------------------
sql("INSERT INTO cloudgreet.leads (business_id, name, notes) SELECT '$business', 'Lead ' || n, repeat('n', 1500) FROM generate_series(1, 20000) n");
is(ask('GET', '/rest/v1/leads', undef, %signed, seconds => 5), 413, 'a list that is larger than an answer may be');
is(ask('GET', '/rest/v1/leads?select=notes', undef, %signed, prefer => 'count=exact', seconds => 5), 413, 'counted, too');
is(ask('GET', '/rest/v1/leads?select=name,notes&limit=600', undef, %signed, bytes => 1_048_576, seconds => 5), 200, 'as much as an answer may be');
is(ask('GET', '/rest/v1/leads?select=name', undef, %signed, bytes => 600_000, seconds => 5), 200, 'little of each of many rows');
is(ask('GET', '/rest/v1/leads', undef, %signed, accept => 'application/vnd.pgrst.object+json', seconds => 5), 406, 'one object, of many rows');
is(ask('GET', '/api/leads?limit=1000', undef, %signed, seconds => 5), 413, 'a page of the API');
is(ask('PATCH', '/rest/v1/leads?name=like.Lead*', '{"notes": null}', %signed, seconds => 5), 413, 'a change of more rows than one may write');
is(sql("SELECT count(*) FROM cloudgreet.leads WHERE business_id = '$business' AND notes IS NULL"), 0, 'which is made of none');
system('test/lib/cluster', 'stop', $directory);
done_testing();
