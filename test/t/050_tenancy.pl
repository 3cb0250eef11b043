# 050_tenancy.pl
#		The isolation tests notice when isolation is broken, and access fails closed
#		when the extension goes.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('tenancy');
$node->init;
$node->start;
my $a = 'aaaaaaaa-0000-7000-8000-000000000001';

sub new_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql($name, 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
	$node->safe_psql($name, slurp_file('test/lib/sample_data.sql'));
	return $name;
}

# The output of a regression test's file, as psql prints it.
sub run_test
{
	my ($database, $test) = @_;
	my (undef, $out, $err) = $node->psql($database, slurp_file("test/sql/$test.sql"), on_error_stop => 0);
	return "$out\n$err";
}

my $database = new_database('whole');
my %whole = map { $_ => run_test($database, $_) } ('hygiene', 'tenancy');

# --- Planted faults -------------------------------------------------------------------
my %faults = (
	'a tenant policy dropped' => 'DROP POLICY leads_tenant_all ON cloudgreet.leads',
	'a tenant policy that lets all pass' => 'ALTER POLICY leads_tenant_all ON cloudgreet.leads USING (true)',
	'a check that lets all pass' => 'ALTER POLICY leads_tenant_all ON cloudgreet.leads WITH CHECK (true)',
	'a permissive tenant policy' => 'DROP POLICY leads_tenant_all ON cloudgreet.leads; CREATE POLICY leads_tenant_all ON cloudgreet.leads USING (business_id = cloudgreet.current_business_id())',
	'row security switched off' => 'ALTER TABLE cloudgreet.calls DISABLE ROW LEVEL SECURITY',
	'row security not forced' => 'ALTER TABLE cloudgreet.calls NO FORCE ROW LEVEL SECURITY',
	'a permissive policy more' => 'CREATE POLICY open ON cloudgreet.leads USING (true)',
	'TRUNCATE granted' => 'GRANT TRUNCATE ON cloudgreet.leads TO authenticated',
	'a partition granted' => q{DO $$ BEGIN EXECUTE 'GRANT SELECT ON ' || (SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass LIMIT 1) || ' TO authenticated'; END $$},
	'anon granted' => 'GRANT SELECT ON cloudgreet.leads TO anon',
	'internals granted' => 'GRANT SELECT ON cloudgreet_private.secrets TO authenticated',
	'the internal schema opened' => 'GRANT USAGE ON SCHEMA cloudgreet_private TO authenticated',
	'the business made updatable' => 'GRANT UPDATE (business_id) ON cloudgreet.leads TO authenticated',
	'a view with its owner\'s rights' => 'CREATE VIEW cloudgreet.all_leads AS SELECT * FROM cloudgreet.leads',
	'a function without search_path' => q{CREATE FUNCTION cloudgreet.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION cloudgreet.f() FROM PUBLIC},
	'a function for PUBLIC' => 'GRANT EXECUTE ON FUNCTION cloudgreet.add_jwt_key(text, text, text) TO PUBLIC',
	'a definer function of a superuser' => 'ALTER FUNCTION cloudgreet.set_secret(text, text, uuid) OWNER TO postgres',
	'a foreign key without an index' => 'DROP INDEX cloudgreet.leads_owner_id',
	'a table without a comment' => 'COMMENT ON TABLE cloudgreet.leads IS NULL',
	'a policy that needs no function' => q{ALTER POLICY leads_admin_select ON cloudgreet.leads USING (current_user <> 'x')},
	'a right missing in the policies' => 'DROP POLICY leads_admin_select ON cloudgreet.leads',
);
my $n = 0;
for my $fault (sort keys %faults)
{
	my $mutant = 'mutant' . ++$n;
	$node->safe_psql('postgres', "CREATE DATABASE $mutant TEMPLATE whole");
	$node->safe_psql($mutant, $faults{$fault});
	my $noticed = grep { run_test($mutant, $_) ne $whole{$_} } ('hygiene', 'tenancy');
	ok($noticed, "noticed: $fault");
	$node->safe_psql('postgres', "DROP DATABASE $mutant");
}

# --- The extension goes ---------------------------------------------------------------
$database = new_database('dropped');
$node->safe_psql($database, 'DROP EXTENSION cloudgreet CASCADE');
is($node->safe_psql($database, 'SELECT count(*) FROM cloudgreet.leads'), '2', 'DROP EXTENSION CASCADE keeps the rows');
is($node->safe_psql($database, "SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace::regnamespace::text LIKE 'cloudgreet%'"),
	'0', 'and takes every policy away');
is($node->safe_psql($database, "SELECT count(*) FROM pg_class WHERE relnamespace = 'cloudgreet'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"),
	'0', 'while row security stays on');
for my $role ('authenticated', 'anon', 'cloudgreet_owner')
{
	my (undef, $out) = $node->psql($database, qq{SET ROLE $role; SELECT set_config('request.jwt.claims', '{"business_id": "$a", "role": "admin"}', false); SELECT 'rows ' || count(*) FROM cloudgreet.leads}, on_error_stop => 0);
	unlike($out // '', qr/rows [1-9]/, "$role sees no row any more");
}
my (undef, undef, $err) = $node->psql($database, qq{SET ROLE authenticated; INSERT INTO cloudgreet.leads (business_id, id, name) VALUES ('$a', gen_random_uuid(), 'x')});
like($err, qr/row-level security|permission denied/, 'nor writes one');
$node->safe_psql($database, 'CREATE EXTENSION cloudgreet');
(undef, undef, $err) = $node->psql($database, 'SELECT cloudgreet.migrate()');
like($err, qr/the application schema is not whole/, 'migrate() does not pretend to mend what CASCADE took');
is($node->safe_psql($database, 'SELECT count(*) FROM cloudgreet.leads'), '2', 'the extension can be created again over the data');
$node->stop;
done_testing();
