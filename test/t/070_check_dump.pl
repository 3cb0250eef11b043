# 070_check_dump.pl
#		A dump restored into a new cluster has the same catalog and the same rows, and
#		the restore itself triggers nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CatalogDiff qw(catalog_diff);

my $fingerprint_sql = slurp_file('test/lib/catalog_fingerprint.sql');

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->start;
	$node->safe_psql('postgres', 'CREATE DATABASE app');
	return $node;
}

# "table count hash" for every table, partitions through their parents.
sub rows
{
	my ($node) = @_;
	my @tables = split /\n/, $node->safe_psql('app', q{
		SELECT oid::regclass FROM pg_class
		 WHERE relnamespace::regnamespace::text IN ('cloudgreet', 'cloudgreet_private')
		   AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY oid::regclass::text COLLATE "C"});
	return join "\n", map {
		$_ . ' ' . $node->safe_psql('app', "SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM $_ t")
	} @tables;
}

my $source = new_node('source');
$source->safe_psql('app', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
$source->safe_psql('app', slurp_file('test/lib/sample_data.sql'));
# What users add to their database goes along.
$source->safe_psql('app', q{
	ALTER TABLE cloudgreet.leads ADD COLUMN roof_age integer;
	CREATE INDEX leads_roof_age ON cloudgreet.leads (business_id, roof_age);
	UPDATE cloudgreet.leads SET roof_age = 17;
	CREATE ROLE reporter;
	GRANT SELECT ON cloudgreet.leads TO reporter;
});
my $catalog = $source->safe_psql('app', $fingerprint_sql);
my $rows = rows($source);
like($rows, qr/^cloudgreet\.leads [1-9]/m, 'there is something to dump');

for my $format ('plain', 'custom', 'parallel')
{
	my $target = new_node("target_$format");
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';

	$target->safe_psql('postgres', 'CREATE ROLE reporter');
	if ($format eq 'plain')
	{
		$source->command_ok([ 'pg_dump', '-f', $file, $source->connstr('app') ], 'plain dump');
		$target->command_ok([ 'psql', '-XqAt', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', $file, $target->connstr('app') ], 'restored without an error');
	}
	else
	{
		my ($dump_option, @jobs) = $format eq 'custom' ? ('-Fc') : ('-Fd', '-j4');
		$source->command_ok([ 'pg_dump', $dump_option, '-f', $file, $source->connstr('app') ], "$format dump");
		$target->command_ok([ 'pg_restore', '--exit-on-error', @jobs, '-d', $target->connstr('app'), $file ], 'restored without an error');
	}
	is(catalog_diff($target->safe_psql('app', $fingerprint_sql), $catalog), q{}, "$format: the restored catalog equals the source");
	is(rows($target), $rows, "$format: every table has the same rows; the restore made none");
	is($target->safe_psql('app', 'SELECT cloudgreet.is_active()'), 'f', "$format: the copy is not active");
	$target->safe_psql('app', 'SELECT cloudgreet.migrate()');
	is($target->safe_psql('app', 'SELECT cloudgreet.is_active()'), 'f', "$format: nor does migrate() make it so");
	is(catalog_diff($target->safe_psql('app', $fingerprint_sql), $catalog), q{}, "$format: migrate() changes nothing in it");
	$target->safe_psql('app', 'SELECT cloudgreet.activate()');
	is($target->safe_psql('app', 'SELECT cloudgreet.is_active()'), 't', "$format: until activate()");
	$target->stop;
}
is($source->safe_psql('app', 'SELECT cloudgreet.is_active()'), 't', 'the source stayed active');

$source->stop;
done_testing();
