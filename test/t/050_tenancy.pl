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
my @tests = ('hygiene', 'rights', 'tenancy');
my %whole = map { $_ => run_test($database, $_) } @tests;
is(scalar(() = $whole{rights} =~ /\|/g), 0, 'no offender before a fault is planted');

# --- Planted faults -------------------------------------------------------------------
my $a_partition = q{(SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass)};
my %faults = (
	'a foreign key without the business' => 'CREATE UNIQUE INDEX planted ON cloudgreet.services (id); ALTER TABLE cloudgreet.appointments DROP CONSTRAINT appointments_service_id_fkey, ADD CONSTRAINT appointments_service_id_fkey FOREIGN KEY (service_id) REFERENCES cloudgreet.services (id); CREATE INDEX planted_too ON cloudgreet.appointments (service_id)',
	'a key across businesses' => 'CREATE UNIQUE INDEX planted ON cloudgreet.leads (phone)',
	'a key by expression across businesses' => 'CREATE UNIQUE INDEX planted ON cloudgreet.users (lower(email))',
	'a sequence' => 'CREATE SEQUENCE cloudgreet.planted',
	'a default partition' => 'CREATE TABLE cloudgreet.events_other PARTITION OF cloudgreet.events DEFAULT',
	'a table of a superuser' => 'ALTER TABLE cloudgreet.alerts OWNER TO postgres',
	'a partition of a superuser' => qq{DO \$\$ BEGIN EXECUTE 'ALTER TABLE ' || $a_partition || ' OWNER TO postgres'; END \$\$},
	'a trigger missing' => 'DROP TRIGGER leads_touch_updated_at ON cloudgreet.leads',
	'the owner\'s policy missing' => 'DROP POLICY leads_owner_all ON cloudgreet.leads',
	'the owner\'s policy for tenants' => 'ALTER POLICY calls_owner_all ON cloudgreet.calls TO authenticated',
	'a policy for other roles' => q{ALTER POLICY users_admin_update ON cloudgreet.users USING (coalesce(cloudgreet.current_app_role() IN ('admin', 'agent'), false))},
	'a policy for PUBLIC' => 'ALTER POLICY leads_admin_select ON cloudgreet.leads TO PUBLIC',
	'a policy for other commands' => q{DROP POLICY events_admin_select ON cloudgreet.events; CREATE POLICY events_admin_select ON cloudgreet.events TO authenticated USING (coalesce(cloudgreet.current_app_role() = 'admin', false))},
	'INSERT granted on a history' => 'GRANT INSERT ON cloudgreet.events TO authenticated',
	'a history that service_role may rewrite' => 'GRANT UPDATE, DELETE ON cloudgreet.audit_log TO service_role',
	'a column granted for writing' => 'GRANT UPDATE (status) ON cloudgreet.calls TO authenticated',
	'a column granted to PUBLIC' => 'GRANT SELECT (name) ON cloudgreet.leads TO PUBLIC',
	'a column granted to anon' => 'GRANT INSERT (name) ON cloudgreet.leads TO anon',
	'a column of the secrets granted' => 'GRANT SELECT (ciphertext) ON cloudgreet_private.secrets TO authenticated',
	'a column of a partition granted' => qq{DO \$\$ BEGIN EXECUTE 'GRANT SELECT (data) ON ' || $a_partition || ' TO authenticated'; END \$\$},
	'a right that may be passed on' => 'GRANT SELECT ON cloudgreet.leads TO service_role WITH GRANT OPTION',
	'a grant missing' => 'REVOKE UPDATE (notes) ON cloudgreet.leads FROM authenticated',
	'row security of the secrets switched off' => 'ALTER TABLE cloudgreet_private.secrets NO FORCE ROW LEVEL SECURITY',
	'a row of the matrix missing' => q{DELETE FROM cloudgreet_private.permissions WHERE table_name = 'leads' AND app_role = 'agent' AND verb = 'insert'},
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
	'a function for tenants without a row' => q{CREATE FUNCTION cloudgreet.f() RETURNS int LANGUAGE sql RETURN 1; COMMENT ON FUNCTION cloudgreet.f() IS 'f'; REVOKE ALL ON FUNCTION cloudgreet.f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION cloudgreet.f() TO authenticated},
	'a function that service_role may pass on' => 'GRANT EXECUTE ON FUNCTION cloudgreet.create_business(text, text, text, text, text, jsonb) TO service_role WITH GRANT OPTION',
	'a right to call missing' => 'REVOKE EXECUTE ON FUNCTION cloudgreet.send_sms(text, text, text, uuid, timestamptz, text, uuid) FROM authenticated',
	'a function that asks for another\'s right' => q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cloudgreet.list_secrets(uuid)'::regprocedure), '''list_secrets''', '''agent_status'''); END $$},
	'an internal function opened' => 'GRANT EXECUTE ON FUNCTION cloudgreet_private.retire_partition() TO service_role',
	'a definer function of a superuser' => 'ALTER FUNCTION cloudgreet.set_secret(text, text, uuid) OWNER TO postgres',
	'a foreign key without an index' => 'DROP INDEX cloudgreet.leads_owner_id',
	'a table without a comment' => 'COMMENT ON TABLE cloudgreet.leads IS NULL',
	'a policy that needs no function' => q{ALTER POLICY leads_admin_select ON cloudgreet.leads USING (current_user <> 'x')},
	'a right missing in the policies' => 'DROP POLICY leads_admin_select ON cloudgreet.leads',
);
# Without a fault a copy is just like the original, or noticing would mean nothing.
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE whole');
is(run_test('copy', $_), $whole{$_}, "nothing noticed by $_ in a sound copy") for @tests;
my $n = 0;
for my $fault (sort keys %faults)
{
	my $mutant = 'mutant' . ++$n;
	$node->safe_psql('postgres', "CREATE DATABASE $mutant TEMPLATE whole");
	$node->safe_psql($mutant, $faults{$fault});
	my $noticed = grep { run_test($mutant, $_) ne $whole{$_} } @tests;
	ok($noticed, "noticed: $fault");
	$node->safe_psql('postgres', "DROP DATABASE $mutant");
}

# What the functions ask themselves is seen by calling them.
for my $fault ('CREATE OR REPLACE FUNCTION cloudgreet_private.business_for(function_name text, business_id uuid) RETURNS uuid LANGUAGE sql STABLE RETURN coalesce(business_id, cloudgreet.current_business_id())',
	'CREATE OR REPLACE FUNCTION cloudgreet_private.business_for(function_name text, business_id uuid) RETURNS uuid LANGUAGE sql STABLE RETURN cloudgreet.resolve_business(business_id)',
	q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cloudgreet_private.roles_of(text)'::regprocedure), $b$WHEN 'send_sms'::text THEN '{admin,user}'$b$, $b$WHEN 'send_sms'::text THEN '{admin,user,agent}'$b$); END $$})
{
	my $mutant = 'mutant' . ++$n;
	$node->safe_psql('postgres', "CREATE DATABASE $mutant TEMPLATE whole");
	my $sound = run_test($mutant, 'function_rights');
	$node->safe_psql($mutant, $fault);
	isnt(run_test($mutant, 'function_rights'), $sound, "noticed: $fault");
	$node->safe_psql('postgres', "DROP DATABASE $mutant");
}

# --- What users added stays, what the matrix lost goes ---------------------------------
$node->safe_psql('copy', q{
	CREATE POLICY weekdays ON cloudgreet.leads AS RESTRICTIVE FOR DELETE TO authenticated USING (cloudgreet.current_business_id() IS NOT NULL);
	ALTER TABLE cloudgreet.leads ADD COLUMN roof_color text;
	CREATE ROLE analyst; GRANT SELECT ON cloudgreet.leads TO analyst;
	DELETE FROM cloudgreet_private.permissions WHERE table_name = 'leads' AND app_role = 'agent' AND verb = 'insert';
	SET ROLE cloudgreet_owner; SELECT cloudgreet_private.apply_permissions(), cloudgreet_private.apply_permissions();});
is($node->safe_psql('copy', q{SELECT string_agg(polname, ' ' ORDER BY polname) FROM pg_policy WHERE polrelid = 'cloudgreet.leads'::regclass AND polname IN ('weekdays', 'leads_agent_insert', 'leads_agent_select')}),
	'leads_agent_select weekdays', 'the generator keeps a user\'s policy and drops its own stale one');
is($node->safe_psql('copy', q{SELECT has_table_privilege('analyst', 'cloudgreet.leads', 'SELECT'), has_column_privilege('authenticated', 'cloudgreet.leads', 'roof_color', 'UPDATE')}),
	't|t', 'keeps a user\'s grant and opens a user\'s column');
$node->safe_psql('copy', 'REVOKE ALL ON cloudgreet.leads FROM analyst; DROP ROLE analyst');

# --- Partitions are made once, whoever makes them at the same time ---------------------
my @makers = map { $node->background_psql('copy') } 1 .. 2;
$makers[0]->query_safe('BEGIN');
my $histories = $node->safe_psql('copy', q{SELECT count(*) FROM pg_class WHERE relkind = 'p' AND relnamespace::regnamespace::text ~ '^cloudgreet'});
is($makers[0]->query_safe('SELECT cloudgreet_private.maintain_partitions(4)'), 2 * $histories, 'one session makes partitions');
$makers[1]->query_until(qr/started/, "\\echo started\nSELECT cloudgreet_private.maintain_partitions(4) AS made \\gset\n\\echo made :made\n");
$node->poll_query_until('copy', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}) or die 'no session waits';
$makers[0]->query_safe('COMMIT');
$makers[1]->query_until(qr/made 0/, '');
pass('another one waits and finds them');
$_->quit for @makers;

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
