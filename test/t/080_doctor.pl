# 080_doctor.pl
#		doctor() finds nothing wrong in a right installation, and names each planted fault.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IO::Socket::INET;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('doctor');
$node->init;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "fsync = on\nshared_preload_libraries = 'cloudgreet'\ncloudgreet.master_key_file = '$key'
cloudgreet.gate_port = $port
cloudgreet.databases = 'postgres'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION cloudgreet;
	SELECT cloudgreet.migrate();
	SELECT cloudgreet.add_jwt_key('main', 'a-secret-of-at-least-thirty-two-bytes');
});

# The front notices the extension a moment later.
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM cloudgreet_private.doctor_front())}) or die 'no front';

sub problems
{
	my ($settings) = @_;
	return $node->safe_psql('postgres', ($settings // '') . "; SELECT severity || ': ' || problem || ' -> ' || mend FROM cloudgreet.doctor()");
}
is(problems(), '', 'nothing is wrong with a right installation');

# [ how to plant it, how to take it away, what doctor() says and advises ]
my @faults = (
	[ 'SELECT cloudgreet.pause()', 'SELECT cloudgreet.activate()', qr/sends nothing\. It was paused\..*activate\(\)/ ],
	[ 'UPDATE cloudgreet_private.jwt_keys SET is_active = false', 'UPDATE cloudgreet_private.jwt_keys SET is_active = true', qr/nobody can sign in.*add_jwt_key/ ],
	[ 'ALTER TABLE cloudgreet.leads NO FORCE ROW LEVEL SECURITY', 'SELECT cloudgreet_private.apply_permissions()', qr/cloudgreet\.leads does not isolate tenants.*apply_permissions/ ],
	[ 'DROP POLICY calls_tenant_all ON cloudgreet.calls', 'SELECT cloudgreet_private.apply_permissions()', qr/cloudgreet\.calls does not isolate tenants/ ],
	[ 'ALTER ROLE cloudgreet_owner LOGIN', 'ALTER ROLE cloudgreet_owner NOLOGIN', qr/"cloudgreet_owner" is not safe.*NOLOGIN/ ],
	[ 'GRANT authenticated TO cloudgreet_gate', 'REVOKE authenticated FROM cloudgreet_gate', qr/"cloudgreet_gate" has rights of its own/ ],
	[ 'CREATE ROLE wide LOGIN IN ROLE service_role', 'DROP ROLE wide', qr/note: login roles that can become service_role.*: wide/ ],
	[ q{UPDATE cloudgreet_private.jwt_keys SET key_id = '00000000'}, q{UPDATE cloudgreet_private.jwt_keys SET key_id = (cloudgreet.seal_jwt_key('x', 'x')).key_id}, qr/1 secrets and token keys were sealed with another master key/ ],
	[ q{DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass LOOP IF p::text > 'cloudgreet.events_p' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') THEN EXECUTE 'DROP TABLE ' || p; END IF; END LOOP; END $$},
		'SET ROLE cloudgreet_owner; SELECT cloudgreet_private.maintain_partitions()', qr/"events" has partitions for 0 more months.*maintain_partitions/ ],
);
push @faults, [ 'CREATE TABLE cloudgreet.notes ()', 'DROP TABLE cloudgreet.notes', qr/cloudgreet\.notes belongs to role "\w+".*OWNER TO cloudgreet_owner/ ];
for my $fault (@faults)
{
	my ($plant, $mend, $expected) = @$fault;
	$node->safe_psql('postgres', $plant);
	like(problems(), $expected, "named: $plant");
	$node->safe_psql('postgres', $mend);
	is(problems(), '', 'and gone once mended');
}
like(problems("SET cloudgreet.master_key_file = ''"), qr/there is no master key.*cloudgreet\.master_key_file/, 'named: no master key');
like(problems("SET cloudgreet.master_key_file = 'master.key'"), qr/could not use master key file.*0600/, 'named: a key file that is not there');
like(problems("SET cloudgreet.clock = '2026-01-01T00:00:00Z'"), qr/has a test value/, 'named: a test clock');
my (undef, undef, $err) = $node->psql('postgres', 'CREATE ROLE nobody; GRANT USAGE ON SCHEMA cloudgreet TO nobody; SET ROLE nobody; SELECT * FROM cloudgreet.doctor()');
like($err, qr/permission denied for function doctor/, 'it is for superusers');

# --- The HTTP front -------------------------------------------------------------------
# Changes a setting or a file that is read at reload, and waits for what doctor() says then.
sub after_reload
{
	my ($what, $expected) = @_;
	$node->reload;
	ok($node->poll_query_until('postgres', "SELECT coalesce(string_agg(problem, '; '), 'well') ~ '$expected' FROM cloudgreet_private.doctor_front()"), $what);
}
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "'other'");
after_reload('named: a database that is not served', '^this database is not served');
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "'postgres'");
after_reload('and gone once named', '^well$');
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
append_to_file($node->data_dir . '/pg_hba.new', "local all cloudgreet_gate reject\n$hba");
rename $node->data_dir . '/pg_hba.new', $node->data_dir . '/pg_hba.conf';
$node->safe_psql('postgres', q{SELECT pg_reload_conf(), pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cloudgreet_gate'});
after_reload('named: a front that is not let in', 'cannot connect to this database as role');
like(problems(), qr/pg_ident\.conf.*peer map=cloudgreet/, 'with the lines for pg_ident.conf and pg_hba.conf');
unlink $node->data_dir . '/pg_hba.conf';
append_to_file($node->data_dir . '/pg_hba.conf', $hba);
after_reload('and gone once it is', '^well$');
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate_port', $taken->sockport);
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT problem = 'the HTTP front does not listen' FROM cloudgreet_private.doctor_front()}), 'named: a port that is taken');
close $taken;

# Without preload it says how to get it.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
like(problems(), qr/the library is not preloaded.*ALTER SYSTEM SET shared_preload_libraries = 'cloudgreet'/, 'named: no preload');
$node->stop;
done_testing();
