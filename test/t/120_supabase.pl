# 120_supabase.pl
#		The real supabase-js against the whole server: front, executors, http().
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

# The suite's runner installs the client's packages (npm ci).
my $client = 'test/client';
plan skip_all => 'no node here' if system('node --version >/dev/null 2>&1') != 0;
plan skip_all => 'the client packages are not installed' unless -d "$client/node_modules";

my $directory = PostgreSQL::Test::Utils::tempdir_short() . '/cluster';
my %cluster = map { /^(\w+)=(.*)$/ ? ($1 => $2) : () } split /\n/, `test/lib/cluster start $directory`;
ok($cluster{GATE_URL}, 'a cluster with the HTTP front is running') or die "no cluster";
@ENV{keys %cluster} = values %cluster;

sub sql
{
	my ($sql) = @_;
	open(my $psql, '-|', 'psql', '-AtqX', '-v', 'ON_ERROR_STOP=1', '-c', $sql) or die;
	local $/;
	my $out = <$psql>;
	close $psql or die "psql failed: $sql";
	chomp $out;
	return $out;
}
sql(slurp_file('test/lib/sample_data.sql'));
sql(slurp_file('test/lib/mint.sql'));
my %business = (A => 'aaaaaaaa-0000-7000-8000-000000000001', B => 'bbbbbbbb-0000-7000-8000-000000000001');
$ENV{"TOKEN_$_"} = sql("SELECT public.mint(public.claims('$business{$_}', 'admin'), '$cluster{JWT_SECRET}')") for keys %business;
$ENV{LEAD_B} = 'bbbbbbbb-0000-7000-8000-000000000002';

my ($passed, $ended) = (0, 0);
for my $line (split /\n/, `node $client/supabase.mjs 2>&1`)
{
	if ($line =~ /^(not )?ok \d+ - (.*)/) { $passed++; ok(!$1, $2); }
	elsif ($line =~ /^1\.\.(\d+)/) { $ended = $1; }
	else { diag($line); }
}
is($ended, $passed, 'the client came to its end');
system('test/lib/cluster', 'stop', $directory);
done_testing();
