# 060_check_update.pl
#		An updated schema is the same as a fresh one, from every earlier step, and the
#		replaceable objects follow their files.
use strict;
use warnings;
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CatalogDiff qw(catalog_diff);

my $node = PostgreSQL::Test::Cluster->new('update');
$node->init;
$node->start;

my $fingerprint_sql = slurp_file('test/lib/catalog_fingerprint.sql');
my @steps = sort map { basename($_) } glob('sql/schema/*.sql');
my @api = map { basename($_) } glob('sql/api/*.sql');

sub new_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION cloudgreet');
	return $name;
}

# A directory with the given schema steps and replaceable files.
sub scripts
{
	my ($steps, $api) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	make_path("$directory/schema", "$directory/api");
	copy("sql/schema/$_", "$directory/schema/$_") or die "$_: $!" for @$steps;
	copy("sql/api/$_", "$directory/api/$_") or die "$_: $!" for @$api;
	return $directory;
}

sub migrate
{
	my ($database, $directory) = @_;
	return $node->safe_psql($database, "SET cloudgreet.script_directory = '" . ($directory // '') . "'; SELECT cloudgreet.migrate()");
}

sub fingerprint
{
	my ($database) = @_;
	return $node->safe_psql($database, $fingerprint_sql);
}

my $fresh = new_database('fresh');
migrate($fresh);
my $expected = fingerprint($fresh);
cmp_ok(scalar(split /\n/, $expected), '>', 500, 'the fingerprint sees the objects of the schema');

# The installation row is made by a step, so the first stop that can activate is after it.
for my $last (1 .. $#steps - 1)
{
	my $database = new_database("from_$last");
	migrate($database, scripts([ @steps[0 .. $last] ], []));
	migrate($database);
	is(catalog_diff(fingerprint($database), $expected), q{}, "updated from $steps[$last] equals fresh");
}

# --- What an earlier schema took and this one would not ------------------------------
my $mended = new_database('mended');
migrate($mended, scripts([ grep { $_ lt '116' } @steps ], []));
my $id = sub { sprintf('eeeeeeee-0000-7000-8000-%012d', $_[0]) };
my ($b, $staff) = ($id->(1), $id->(2));
my $insert = sub { $node->safe_psql($mended, "INSERT INTO cloudgreet.$_[0] VALUES $_[1]") };
$insert->('businesses (id, name, time_zone)', "('$b', E'Acme\\u202e', 'UTC')");
$insert->('staff (business_id, id, name, time_zone)', "('$b', '$staff', 'Bob', 'UTC')");
$insert->('ai_agents (business_id, id, name, config)', "('$b', '$staff', 'Front desk', '{\"voice_settings\": {\"speed\": 99, \"pitch\": 1}}')");
# 11 and 12 circle, 13 leads there; 14 into 15, with an appointment and a place in the sequence of 15.
$insert->('leads (business_id, id, phone, name, merged_into_id)', join ',', map { sprintf("('%s', '%s', '+121255501%d', E'\\u200bLead', %s)", $b, $id->($_->[0]), $_->[0], $_->[1] ? "'" . $id->($_->[1]) . "'" : 'NULL') }
	[ 11, 12 ], [ 12, 11 ], [ 13, 12 ], [ 14, 15 ], [ 15, undef ]);
$insert->('sequences (business_id, id, name)', "('$b', '$b', 'follow_up')");
$insert->('sequence_enrollments (business_id, sequence_id, lead_id, next_due_at)', join ',', map { "('$b', '$b', '" . $id->($_) . "', now())" } 14, 15);
$insert->('appointments (business_id, id, lead_id, staff_id, scheduled_date, ends_at, time_zone)', join ',', map { sprintf("('%s', '%s', '%s', '%s', '2099-01-05 %s:00Z', '2099-01-05 %s:30Z', 'UTC')", $b, $id->($_->[0]), $id->($_->[1]), $staff, $_->[2], $_->[2]) }
	[ 21, 14, '09' ], [ 22, 13, '10' ], [ 23, 15, '10' ]);
migrate($mended);
is($node->safe_psql($mended, q{SELECT string_agg(right(id::text, 2) || coalesce('>' || right(merged_into_id::text, 2), ''), ' ' ORDER BY id) FROM cloudgreet.leads}), '11 12>11 13>12 14>15 15', 'a circle is opened');
is($node->safe_psql($mended, q{SELECT string_agg(right(id::text, 2) || ' of ' || right(lead_id::text, 2) || (SELECT ' takes ' || count(*) FROM cloudgreet.appointment_allocations l WHERE l.appointment_id = a.id), ', ' ORDER BY id) FROM cloudgreet.appointments a}),
	'21 of 15 takes 1, 22 of 11 takes 1, 23 of 15 takes 0', 'appointments are the surviving leads\', and take their time once');
is($node->safe_psql($mended, q{SELECT string_agg(right(lead_id::text, 2) || ' ' || status, ', ' ORDER BY status) FROM cloudgreet.sequence_enrollments}), '15 active, 15 stopped', 'nobody is in a sequence twice');
is($node->safe_psql($mended, q{SELECT string_agg(alert_type, ' ') FROM cloudgreet.alerts}), 'appointments_overlap', 'a person is told of the time that was sold twice');
is($node->safe_psql($mended, q{SELECT b.name || l.name || (a.config #>> '{voice_settings,speed}') FROM cloudgreet.businesses b, cloudgreet.leads l, cloudgreet.ai_agents a WHERE l.merged_into_id IS NULL LIMIT 1}), 'AcmeLead2', 'names and voices make sense');
# --- Rows of before are mended ----------------------------------------------------------
# Numbers and routes that drifted apart, and what deleted businesses left behind.
my $drifted = new_database('drifted');
migrate($drifted, scripts([ grep { $_ lt '115' } @steps ], []));
my ($one, $two, $nobody) = map { "$_$_$_$_$_$_$_$_-0000-7000-8000-000000000001" } 'a', 'b', 'c';
$node->safe_psql($drifted, qq{
	INSERT INTO cloudgreet.businesses (id, name, time_zone) VALUES ('$one', 'One', 'UTC'), ('$two', 'Two', 'UTC');
	INSERT INTO cloudgreet.phone_numbers (business_id, phone_number, is_active, created_at) VALUES
		('$one', '+13125550701', true, '2026-02-01Z'), ('$two', '+13125550701', true, '2026-01-01Z'),
		('$one', '+13125550702', true, '2026-02-01Z'), ('$two', '+13125550702', true, '2026-01-01Z'),
		('$one', '+13125550703', false, '2026-02-01Z'), ('$two', '+13125550703', true, '2026-03-01Z');
	INSERT INTO cloudgreet_private.phone_routes (phone_number, business_id) VALUES ('+13125550702', '$one'), ('+13125550703', '$one'), ('+13125550704', '$one');
	INSERT INTO cloudgreet_private.webhook_seen (account_id, dedup_key) VALUES ('$nobody', 'x');
	INSERT INTO cloudgreet_private.idempotency_keys (business_id, operation, key, request_hash, result_id) VALUES ('$nobody', 'send_sms', 'x', '', '$nobody')});
migrate($drifted);
is($node->safe_psql($drifted, q{SELECT right(coalesce(n.phone_number, r.phone_number), 2), b.name, n.is_active, n.confirmed_at IS NOT NULL, r.phone_number IS NOT NULL
	  FROM cloudgreet.phone_numbers n FULL JOIN cloudgreet_private.phone_routes r USING (business_id, phone_number) JOIN cloudgreet.businesses b ON b.id = business_id ORDER BY 1, 2}),
	"01|One|f|f|f\n01|Two|t|t|t\n02|One|t|t|t\n02|Two|f|f|f\n03|One|f|t|f\n03|Two|t|t|t", 'each active number leads to one business, the first or the one it led to; others claim it');
is($node->safe_psql($drifted, 'SELECT count(*) FROM cloudgreet_private.webhook_seen UNION ALL SELECT count(*) FROM cloudgreet_private.idempotency_keys'),
	"0\n0", 'what belonged to nobody is gone');

# --- Replaceable objects --------------------------------------------------------------
my $directory = scripts(\@steps, \@api);
my $database = new_database('replaced');
my $extra = "$directory/api/990_extra.sql";

append_to_file($extra, q{
	CREATE OR REPLACE FUNCTION cloudgreet.greet(name text) RETURNS text LANGUAGE sql
		SET search_path = pg_catalog, pg_temp AS $$ SELECT 'hello ' || name $$;
	CREATE OR REPLACE FUNCTION cloudgreet.leave() RETURNS text LANGUAGE sql
		SET search_path = pg_catalog, pg_temp AS $$ SELECT 'bye' $$;
});
migrate($database, $directory);
$node->safe_psql($database, 'CREATE ROLE operator; GRANT EXECUTE ON FUNCTION cloudgreet.greet(text) TO operator');
$node->safe_psql($database, 'CREATE FUNCTION cloudgreet.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');

unlink $extra;
append_to_file($extra, q{
	CREATE OR REPLACE FUNCTION cloudgreet.greet(name text) RETURNS text LANGUAGE sql
		SET search_path = pg_catalog, pg_temp AS $$ SELECT 'good morning ' || name $$;
});
migrate($database, $directory);
is($node->safe_psql($database, "SELECT cloudgreet.greet('Ann')"), 'good morning Ann', 'a changed body replaces the old one');
is($node->safe_psql($database, "SELECT has_function_privilege('operator', 'cloudgreet.greet(text)', 'EXECUTE')"),
	't', 'and keeps the grants that an operator made');
is($node->safe_psql($database, "SELECT to_regproc('cloudgreet.leave') IS NULL"), 't', 'a function that vanished from the files is dropped');
is($node->safe_psql($database, 'SELECT cloudgreet.mine()'), '1', "a user's own function in the schema stays");

unlink $extra;
append_to_file($extra, q{
	CREATE OR REPLACE FUNCTION cloudgreet.greet(who text) RETURNS integer LANGUAGE sql
		SET search_path = pg_catalog, pg_temp AS $$ SELECT length(who) $$;
});
migrate($database, $directory);
is($node->safe_psql($database, "SELECT cloudgreet.greet(who => 'Ann')"), '3', 'a changed signature is dropped and made again');

unlink $extra;
append_to_file($extra, 'SELECT 1/0;');
my ($status, undef, $err) = $node->psql($database, "SET cloudgreet.script_directory = '$directory'; SELECT cloudgreet.migrate()");
like($err, qr/division by zero.*990_extra\.sql/s, 'an error names its file');
is($node->safe_psql($database, "SELECT cloudgreet.greet(who => 'Ann')"), '3', 'and leaves everything as it was');

unlink $extra;
migrate($database, $directory);
$node->safe_psql($database, 'DROP FUNCTION cloudgreet.mine()');
is(catalog_diff(fingerprint($database), $expected), q{}, 'with the original files the schema equals a fresh one again');

$node->stop;
done_testing();
