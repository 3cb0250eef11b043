# 090_readme.pl
#		The README is short and names commands that there are; the first steps of
#		docs/install.md do what they say; the lists and links of the documents are whole.
#		(170_demo.pl runs the demo.)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = slurp_file('README.md');
my $install = slurp_file('docs/install.md');
cmp_ok(scalar(split /\n/, $readme), '<=', 60, 'the README is one screen');
my @targets = "$readme$install" =~ /^(?:sudo )?make (\w[\w-]*)/mg;
is(join(' ', sort @targets), 'demo demo-stop install setup test', 'it and docs/install.md say what to make');
is(join(' ', grep { system("make -nq $_ >/dev/null 2>&1") >> 8 == 2 } @targets), '', '... and there are rules for it');
my @blocks = $install =~ /^```sql\n(.*?)^```/msg;
ok(@blocks > 0, 'docs/install.md has SQL to run');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'cloudgreet'\ncloudgreet.master_key_file = '$key'\ncloudgreet.gate_port = $port");
$node->start;
my ($status, $out, $err) = $node->psql('postgres', join("\n", @blocks) =~ s/'mydb'/'postgres'/r, on_error_stop => 1);
is($err, '', 'its statements run without an error or warning');
is($status, 0, 'to the end');

# The documented application path: connect as app, login, query.
my ($minting) = $install =~ /^```\n(SECRET=.*?)^```/ms;
$minting =~ s/-XAtd mydb/-XAtd postgres/g;
my $script = $node->basedir . '/mint.sh';
append_to_file($script, "set -eu\n${minting}printf %s \"\$TOKEN\"");
local @ENV{'PGHOST', 'PGPORT'} = ($node->host, $node->port);
my $token = `bash $script`;
is($node->safe_psql('postgres', "SELECT cloudgreet.explain_token('$token')"), 'accepted', 'the token that its shell lines make is accepted');
like($node->safe_psql('postgres', "SELECT cloudgreet.explain_token('${token}x')"), qr/^refused: (no active key|it is not three)/, 'and a superuser learns why another is not');
my ($application) = $install =~ /^```\n(BEGIN;.*?)^```/ms;
$application =~ s/<token>/$token/;
$node->safe_psql('postgres', "INSERT INTO cloudgreet.leads (business_id, name) SELECT id, 'Ann' FROM cloudgreet.businesses");
$out = $node->safe_psql('postgres', $application, connstr => $node->connstr('postgres') . ' user=app');
like($out, qr/\|Ann\|/, 'the application sees the lead of its business');

# The documented requests, with the port of this test.
my ($requests) = $install =~ /^```\n(curl .*?)^```/ms;
$requests =~ s/127\.0\.0\.1:8787/127.0.0.1:$port/g;
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM cloudgreet_private.doctor_gate())}) or die 'no gate';
local $ENV{TOKEN} = $token;
my @answers = map { s/^curl/curl -s -w ' %{http_code}'/; scalar `$_ 2>&1` } split /\n/, $requests;
like($answers[0], qr/ 200$/, 'the health check answers');
like($answers[1], qr/"Ann".* 201$/, 'a lead is made');
like($answers[2], qr/^\[.*"Ann".* 200$/s, 'and listed');

# The other SQL: rules of a business for whoever is signed in, and its accounts for a superuser.
my ($rules) = slurp_file('docs/scoring.md') =~ /^```sql\n(.*?)^```/ms;
($status, undef, $err) = $node->psql('postgres', "BEGIN; SELECT cloudgreet.login('$token');\n$rules COMMIT;", on_error_stop => 1, connstr => $node->connstr('postgres') . ' user=app');
is("$status$err", '0', 'the rules of docs/scoring.md are taken');
my ($providers) = $install =~ /^```\n(\\set business .*?)^```/ms;
my $acme = $node->safe_psql('postgres', q{SELECT id FROM cloudgreet.businesses WHERE name = 'Acme Roofing'});
$providers =~ s/<its id>/$acme/;
($status, undef, $err) = $node->psql('postgres', $providers, on_error_stop => 1);
is("$status$err", '0', 'the lines for providers run');
# Whatever block is not run here, by 040_copies.pl or by 120_supabase.pl is a file's content, a drawing, or the demo.
my $known = qr/^(SECRET=|BEGIN;|curl|CREATE (EXTENSION|PUBLICATION)|const|import|SELECT cloudgreet\.set_scoring|\\set business|git clone|sudo|# pg_ident|shared_preload|postmaster)/;
is(join("\n", grep { !/$known/ } map { slurp_file($_) =~ /^```\w*\n(.*?)\n(?:.*?^)?```$/msg } 'README.md', glob('docs/*.md')), '', 'no document has a block that no test knows');

# Where two changes of one line were merged both may have stayed: no row of a table has the
# first cell of another one (the second, where the first is a number), no long line begins as another.
sub repeated
{
	my (%rows, %lines, @again);
	for (split /\n/, slurp_file($_[0]))
	{
		%rows = () if !/^\|/;
		push @again, $_ if /^\|( . \|)?([^|]*[^-|][^|]*)\|/ ? $rows{$2}++ : /^ *(\S.{59})/ && $lines{$1}++;
	}
	return @again;
}

# The list of functions says of each, in order, what the matrix and the function's COMMENT say.
my $list = join("\n", slurp_file('docs/sql-api.md') =~ /^(\| `.*)$/mg);
is($list, $node->safe_psql('postgres', slurp_file('test/lib/function_list.sql')), 'docs/sql-api.md lists every function as the database does');
for my $page ('README.md', glob('docs/*.md'))
{
	is(join("\n", repeated($page)), '', "$page says nothing twice");
	my ($directory) = $page =~ m{^(.*/)?[^/]+$};
	my @broken = grep { !-e(($directory // '') . $_) } slurp_file($page) =~ /\]\(((?!http)[^)#]+)\)/g;
	is(join(' ', @broken), '', "the links of $page lead somewhere");
}
$node->stop;
done_testing();
