# 061_version_check_update.pl
#		A database of the version before, with data, is brought to this one: ALTER EXTENSION
#		... UPDATE and migrate() end in the catalog of a fresh installation, and until then
#		everything says what to run.
#
# test/lib/old keeps what that version installed (extension script, steps, replaceable files)
# and rows of then.  The server runs from a copy of its installation's tree, so that the old
# script can lie where the server looks for it.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CatalogDiff qw(catalog_diff);

my $old_version = '0.1.0';
my $old = PostgreSQL::Test::Utils::tempdir();
system_or_bail('tar', '-xf', "test/lib/old/cloudgreet-$old_version.tar.gz", '-C', $old);
my %path = map { $_ => `pg_config --$_` =~ s/\n//r } ('bindir', 'sharedir', 'pkglibdir');

# A server finds its share directory from where its program lies.
sub installation_with
{
	my (%scripts) = @_;
	my $root = PostgreSQL::Test::Utils::tempdir();
	make_path("$root$path{bindir}", "$root$path{sharedir}/extension");
	for my $program (glob "$path{bindir}/*")
	{
		my $to = "$root$path{bindir}/" . basename($program);
		symlink($program, $to) or die "$to: $!" unless basename($program) =~ /^(postgres|pg_ctl)$/;
		copy($program, $to) && chmod(0755, $to) or die "$to: $!" if basename($program) =~ /^(postgres|pg_ctl)$/;
	}
	symlink($_, "$root$path{sharedir}/" . basename($_)) for grep { !m{/extension$} } glob "$path{sharedir}/*";
	symlink($_, "$root$path{sharedir}/extension/" . basename($_)) for glob "$path{sharedir}/extension/*";
	symlink($path{pkglibdir}, "$root$path{pkglibdir}");
	for my $name (keys %scripts)
	{
		unlink "$root$path{sharedir}/extension/$name";
		append_to_file("$root$path{sharedir}/extension/$name", $scripts{$name});
	}
	return dirname("$root$path{bindir}");
}

# What the old library had and this one has not stands for nothing here: it is dropped.
my %symbols = map { (split)[2] => 1 } `nm -D --defined-only $path{pkglibdir}/cloudgreet.so`;
my $old_script = slurp_file("$old/cloudgreet--$old_version.sql") =~ s/'(cg_sql_\w+)'/$symbols{$1} ? "'$1'" : "'cg_sql_library_version'"/ger;

my $node = PostgreSQL::Test::Cluster->new('versions', install_path => installation_with("cloudgreet--$old_version.sql" => $old_script));
$node->init;
$node->start;
my $fingerprint_sql = slurp_file('test/lib/catalog_fingerprint.sql');
my $version = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'cloudgreet'});

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $expected = $node->safe_psql('fresh', $fingerprint_sql);
is($node->safe_psql('fresh', 'SELECT cloudgreet.library_version()'), $version, 'the library tells its version');

sub error_of
{
	my ($sql) = @_;
	my (undef, undef, $err) = $node->psql('old', "\\set VERBOSITY verbose\n$sql");
	return $err;
}

# --- A database of then ---------------------------------------------------------------
$node->safe_psql('postgres', 'CREATE DATABASE old');
$node->safe_psql('old', "CREATE EXTENSION cloudgreet VERSION '$old_version'");
like(error_of('SELECT cloudgreet.migrate()'), qr/ZG113: the extension is older than the library.*version \Q$old_version\E in this database, the library is \Q$version\E.*HINT:  Run ALTER EXTENSION cloudgreet UPDATE and then/s,
	'migrate() refuses an extension that was not updated, with what to run');
# The library of then would not have refused; this one is told that all is of one age.
$node->safe_psql('old', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'cloudgreet';
	SET cloudgreet.script_directory = '$old'; SELECT cloudgreet.migrate()");
$node->safe_psql('old', slurp_file("$old/sample_data.sql"));
$node->safe_psql('old', "UPDATE pg_extension SET extversion = '$old_version' WHERE extname = 'cloudgreet'");

# "table count" for every table of then, partitions through their parents.
my @tables = split /\n/, $node->safe_psql('old', q{
	SELECT oid::regclass FROM pg_class WHERE relnamespace = 'cloudgreet'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition});
sub counts { return join "\n", map { $_ . ' ' . $node->safe_psql('old', "SELECT count(*) FROM $_") } @tables }
my $counts = counts();
like($counts, qr/^cloudgreet\.leads 2$/m, 'there is data of then');

# --- Between the library and the update -----------------------------------------------
like(error_of('SELECT cloudgreet.activate()'), qr/ZG113/, 'with the newer library its functions are refused');
is($node->safe_psql('old', 'SELECT cloudgreet.schema_state()'), 'older', 'its state is told');
like($node->safe_psql('old', q{SELECT status || convert_from(body, 'UTF8') FROM cloudgreet.http('GET', '/api/leads', '{"Authorization": "Bearer x"}', '')}),
	qr/^503.*ZG113/s, 'requests are answered 503');
is($node->safe_psql('old', q{SELECT coalesce(length(headers::text), 0) FROM cloudgreet.http('GET', '/api/leads', '{}', '')}), 0, '... without headers, which had another form then');
like(error_of('SELECT cloudgreet.resolve_business(NULL)'), qr/ZG113/, 'a function that has an argument more by now is refused');
isnt($node->safe_psql('old', 'SELECT count(*) FROM cloudgreet.doctor()'), '0', 'and doctor() is not content');

# --- The update -----------------------------------------------------------------------
$node->safe_psql('old', 'ALTER EXTENSION cloudgreet UPDATE');
is($node->safe_psql('old', q{SELECT extversion FROM pg_extension WHERE extname = 'cloudgreet'}), $version, 'the extension is updated');
like($node->safe_psql('old', 'SELECT mend FROM cloudgreet.doctor()'), qr/^SELECT cloudgreet\.migrate\(\);$/, 'then the schema is what is left');
$node->safe_psql('old', 'SELECT cloudgreet.migrate()');
# It made partitions further ahead, which stay; those of the months that a fresh one has are compared.
my ($last_month) = sort { $b cmp $a } $expected =~ /_p(\d{4}_\d\d)\b/g;
my $updated = join "\n", grep { !/_p(\d{4}_\d\d)/ || $1 le $last_month } split /\n/, $node->safe_psql('old', $fingerprint_sql);
is(catalog_diff($updated, $expected), q{}, 'updated from the version before equals fresh');
is(counts(), $counts, 'every row of then is there');

# --- An extension of another library ----------------------------------------------------
$node->safe_psql('old', q{UPDATE pg_extension SET extversion = '0.1.10' WHERE extname = 'cloudgreet'});
like($node->safe_psql('old', 'SELECT severity, problem, mend FROM cloudgreet.doctor()'),
	qr/^error\|extension cloudgreet is version 0\.1\.10, the library is \Q$version\E\|ALTER EXTENSION cloudgreet UPDATE;/, 'doctor() names an extension that was not updated');
$node->safe_psql('old', q{UPDATE pg_extension SET extversion = '0.100.0' WHERE extname = 'cloudgreet'});
like(error_of('SELECT cloudgreet.pause()'), qr/ZG114: the extension is newer than the library.*HINT:  Install the newer library/s, 'an extension newer than the library is refused too');
like($node->safe_psql('old', 'SELECT mend FROM cloudgreet.doctor()'), qr/^Install the newer library/, 'and named');

$node->stop;
done_testing();
