# 020_context.pl
#		The verified context where it is hardest to keep: parallel workers, a library
#		that is loaded late, other sessions of a pooled connection, two-phase commit.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('context');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
$node->safe_psql('postgres', slurp_file('test/lib/mint.sql'));
$node->safe_psql('postgres', slurp_file('test/lib/sample_data.sql'));

my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "cloudgreet.master_key_file = '$key'");
$node->reload;
my $secret = 'a-secret-of-at-least-thirty-two-bytes';
$node->safe_psql('postgres', "SELECT cloudgreet.add_jwt_key('main', '$secret'); CREATE ROLE app LOGIN IN ROLE cloudgreet_app");
my $a = 'aaaaaaaa-0000-7000-8000-000000000001';
my $b = 'bbbbbbbb-0000-7000-8000-000000000001';
my %token = map { $_ => $node->safe_psql('postgres', "SELECT public.mint(public.claims('$_', 'user'), '$secret')") } ($a, $b);

# --- Parallel workers see the leader's context ----------------------------------------
$node->safe_psql('postgres', qq{
	INSERT INTO cloudgreet.leads (business_id, name) SELECT '$a', 'of A' FROM generate_series(1, 20000);
	INSERT INTO cloudgreet.leads (business_id, name) SELECT '$b', 'of B' FROM generate_series(1, 30000);
	ANALYZE cloudgreet.leads;
});
my $force = 'SET force_parallel_mode = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;';
for my $case ([ $a, 20001 ], [ $b, 30001 ])
{
	my ($business, $rows) = @$case;
	my $out = $node->safe_psql('postgres', qq{
		SET SESSION AUTHORIZATION app; $force
		BEGIN;
		SELECT cloudgreet.login('$token{$business}');
		EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM cloudgreet.leads;
		SELECT 'rows ' || count(*) FROM cloudgreet.leads;
		SELECT 'businesses ' || count(DISTINCT business_id) FROM cloudgreet.leads;
		COMMIT;});
	like($out, qr/Workers Launched: [1-9]/, 'the plan runs in parallel workers');
	like($out, qr/rows $rows$/m, 'they see all rows of the business');
	like($out, qr/businesses 1$/m, 'and none of another');
}
# The same through claims of a trusted authenticator.
my $out = $node->safe_psql('postgres', qq{
	SET SESSION AUTHORIZATION authenticator; $force
	BEGIN; SET LOCAL ROLE authenticated;
	SELECT set_config('request.jwt.claims', '{"business_id": "$a", "role": "user"}', true);
	SELECT 'rows ' || count(*) FROM cloudgreet.leads; COMMIT;});
like($out, qr/rows 20001$/m, 'claims of PostgREST reach parallel workers too');
$out = $node->safe_psql('postgres', qq{
	SET SESSION AUTHORIZATION app; $force
	BEGIN; SELECT cloudgreet.login('$token{$a}'); SAVEPOINT s; RESET ROLE; SELECT cloudgreet.login('$token{$b}'); ROLLBACK TO s;
	SELECT 'rows ' || count(*) FROM cloudgreet.leads; COMMIT;});
like($out, qr/rows 20001$/m, 'after ROLLBACK TO the workers see the outer login');

# --- A library that is loaded after the attack ----------------------------------------
# Without preload the names are not reserved yet: a session plants a value first.
my ($status, $stdout, $stderr) = $node->psql('postgres', qq{
	SET SESSION AUTHORIZATION app;
	SET cloudgreet.context = 'aaaaaaaa000070008000000000000001,-,admin,authenticated';
	SET cloudgreet.trusted_authenticators = 'app';
	SET request.jwt.claims = '{"business_id": "$a", "role": "admin"}';
	SET cloudgreet.clock = '1999-01-01T00:00:00Z';
	SELECT 'business ' || coalesce(cloudgreet.current_business_id()::text, 'nobody');
	SELECT 'clock ' || (cloudgreet.clock() = now());
	SET ROLE authenticated;
	SELECT 'rows ' || count(*) FROM cloudgreet.leads;});
like($stdout, qr/business nobody/, 'a context planted before the library loads is not believed');
like($stdout, qr/clock true/, 'nor a planted clock');
like($stdout, qr/rows 0/, 'and no row is seen');

# --- Pooled connections: one session, many tenants ------------------------------------
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('SET SESSION AUTHORIZATION app');
my $wrong = 0;
for my $turn (1 .. 200)
{
	my ($business, $name) = $turn % 2 ? ($a, 'CANARY-A') : ($b, 'CANARY-B');
	my $end = ('COMMIT', 'ROLLBACK', 'SELECT 1/0; ROLLBACK')[ $turn % 3 ];
	my $seen = $session->query("BEGIN; SELECT cloudgreet.login('$token{$business}'); SELECT name FROM cloudgreet.businesses; $end;");
	my $after = $session->query("BEGIN; SET LOCAL ROLE authenticated; SELECT 'left ' || count(*) FROM cloudgreet.businesses; COMMIT;");
	$wrong++ unless $seen =~ /$name/ && $after =~ /left 0/;
	$session->{stderr} = '';
}
is($wrong, 0, '200 transactions of two tenants on one connection, ended in every way, never mix');
$session->quit;

# --- Two-phase commit -----------------------------------------------------------------
$node->safe_psql('postgres', qq{
	SET SESSION AUTHORIZATION app; BEGIN; SELECT cloudgreet.login('$token{$a}');
	INSERT INTO cloudgreet.leads (name) VALUES ('prepared'); PREPARE TRANSACTION 'p';});
$out = $node->safe_psql('postgres', q{SELECT cloudgreet.current_business_id() IS NULL; COMMIT PREPARED 'p'; SELECT count(*) FROM cloudgreet.leads WHERE name = 'prepared'});
is($out, "t\n1", 'a prepared transaction keeps its rows and leaves no context behind');

# --- A cached plan of another role ----------------------------------------------------
$out = $node->safe_psql('postgres', qq{
	SET SESSION AUTHORIZATION app;
	PREPARE leads AS SELECT count(*) FROM cloudgreet.leads;
	BEGIN; SELECT cloudgreet.login('$token{$a}'); EXECUTE leads; COMMIT;
	BEGIN; SELECT cloudgreet.login('$token{$b}'); EXECUTE leads; COMMIT;
	BEGIN; SET LOCAL ROLE authenticated; EXECUTE leads; COMMIT;});
is(join(' ', grep { /\d/ } split /\n/, $out), '20002 30001 0', 'a prepared statement follows the login of its transaction');

$node->stop;
done_testing();
