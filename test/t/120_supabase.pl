# 120_supabase.pl
#		The real supabase-js against the whole server: gate, executors, http().
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
ok($cluster{GATE_URL}, 'a cluster with the HTTP gate is running') or die "no cluster";
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

# The snippets of the documents, on the Node.js of this system.
my $api = slurp_file('docs/http-api.md');
my ($snippet) = $api =~ /^```js\n(.*?)^```/ms;
$snippet =~ s{http://127\.0\.0\.1:8787}{$cluster{GATE_URL}};
append_to_file("$client/snippet.mjs", $snippet . "if (error || !data.length || !agents) throw new Error(JSON.stringify({ error, data, agents }));\n");
is(`node --import 'data:text/javascript,globalThis.token=process.env.TOKEN_A' $client/snippet.mjs 2>&1`, '', 'the lines for supabase-js run as docs/http-api.md has them');
@ENV{'URL', 'TOKEN', 'ID'} = ($cluster{GATE_URL}, $ENV{TOKEN_A} =~ s{\s+\z}{}r, 'aaaaaaaa-0000-7000-8000-000000000002');
append_to_file("$directory.sh", "set -e\ncurl() { command curl -sS --fail-with-body \"\$@\"; }\n" . join('', $api =~ /^```sh\n(.*?)^```/msg));
my $answers = `bash $directory.sh 2>&1`;
is($?, 0, 'and so do those for curl') or diag($answers);
system('test/lib/cluster', 'stop', $directory);
done_testing();
