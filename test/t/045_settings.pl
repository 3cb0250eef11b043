# 045_settings.pl
#		The same words mean the same whatever a database sets: every answer of a scenario,
#		from CREATE EXTENSION on, is what it is with PostgreSQL's own settings.  And the defaults of
#		our own are those that are documented.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('settings');
$node->init;
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "cloudgreet.master_key_file = '$key'");
$node->start;

sub answers
{
	my ($database, %settings) = @_;
	$node->safe_psql('postgres', join '', "CREATE DATABASE $database;", map { "ALTER DATABASE $database SET $_ = $settings{$_};" } sort keys %settings);
	$node->safe_psql($database, 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
	my ($status, $out, $err) = $node->psql($database, slurp_file('test/lib/settings_scenario.sql'), on_error_stop => 0);
	$err =~ s/^psql:<stdin>:\d+: //gm;
	return "$out\n$err";
}

my $plain = answers('plain');
like($plain, qr/^moved, reminded\nscheduled\n24h\|/m, 'the scenario runs');
like($plain, qr/ERROR:.*a variable "first name"/, 'to what is refused');
is(scalar(() = $plain =~ /ERROR/g), 1, 'which is all that is');
my %hostile = (
	german => { DateStyle => "'German, DMY'", IntervalStyle => 'sql_standard', TimeZone => "'Asia/Kolkata'", standard_conforming_strings => 'off', escape_string_warning => 'off', bytea_output => 'escape' },
	others => { DateStyle => "'SQL, DMY'", IntervalStyle => 'iso_8601', TimeZone => "'America/St_Johns'", extra_float_digits => -5, array_nulls => 'off', transform_null_equals => 'on', row_security => 'off',
		xmlbinary => 'hex', search_path => "'public'", quote_all_identifiers => 'on', backslash_quote => 'off', enable_indexscan => 'off' },
);
is(answers($_, %{ $hostile{$_} }), $plain, "the answers with settings $_") for sort keys %hostile;

# --- docs/settings.md tells what each is when nobody sets it ------------------------------
my %told = slurp_file('docs/settings.md') =~ /^\| `(cloudgreet\.\w+)` \| ([^|]+) \|/mg;
s/[ `]//g, s/^empty$// for values %told;
my $list = q{SELECT string_agg(name || ' ' || %s, E'\n' ORDER BY name) FROM pg_settings WHERE name LIKE 'cloudgreet.%%' AND source = 'default'};
my %is = map { split / /, $_, 2 } split /\n/, $node->safe_psql('postgres', "LOAD 'cloudgreet'; " . sprintf $list, q{replace(current_setting(name), ' ', '')});
is_deeply({ map { $_ => $told{$_} } keys %is }, \%is, 'the documented defaults are those of the library');
cmp_ok(scalar(keys %is), '>', 40, 'all but those that were set');
$node->stop;
done_testing();
