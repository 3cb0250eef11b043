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
# Its name since 16, and before.
my ($parallel) = $node->safe_psql('postgres', q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});
my $force = "SET $parallel = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;";
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

# A superuser, a start option and a setting of the database plant in vain as well, and
# a parallel worker, which takes over its leader's settings, does not pick them up.
my $planted = 'aaaaaaaa000070008000000000000001,-,admin,authenticated';
my $who = q{SELECT 'business ' || coalesce(cloudgreet.current_business_id()::text, 'nobody')};
my $in_worker = qq{$force EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) $who; $who; SET ROLE authenticated; SELECT 'rows ' || count(*) FROM cloudgreet.leads};
($status, $stdout, $stderr) = $node->psql('postgres', "SET cloudgreet.context = '$planted'; $who");
like($stdout, qr/business nobody/, 'nor is one that a superuser planted');
{
	local $ENV{PGOPTIONS} = "-c cloudgreet.context=$planted";
	($status, $stdout, $stderr) = $node->psql('postgres', $in_worker, extra_params => [ '-U', 'app' ]);
	like($stdout, qr/business nobody/, 'nor one among the start options');
	like($stdout, qr/rows 0/, 'which shows no row');
}
$node->safe_psql('postgres', "ALTER DATABASE postgres SET cloudgreet.context = '$planted'");
for my $preload ('', 'cloudgreet')
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$preload'");
	$node->restart;
	my $how = $preload ? 'preloaded' : 'not preloaded';
	($status, $stdout, $stderr) = $node->psql('postgres', $in_worker, extra_params => [ '-U', 'app' ]);
	like($stdout, qr/Workers Launched: [1-9]/, "$how: the query runs in a worker");
	like($stdout, qr/business nobody/, "$how: a database's setting gives no context");
	like($stdout, qr/rows 0/, "$how: and no row");
	($status, $stdout, $stderr) = $node->psql('postgres', qq{
		SET SESSION AUTHORIZATION app; $force
		BEGIN; SELECT cloudgreet.login('$token{$b}');
		SELECT 'rows ' || count(*) FROM cloudgreet.leads; COMMIT;});
	like($stdout, qr/rows 30001$/m, "$how: a login goes before it");
	($status, $stdout, $stderr) = $node->psql('postgres', "ALTER ROLE app SET cloudgreet.context = '$planted'");
	# Without the library the server cannot know better: the value is refused when it loads.
	$node->safe_psql('postgres', 'ALTER ROLE app RESET cloudgreet.context') unless $preload;
	is($status, $preload ? 3 : 0, "$how: ALTER ROLE SET");
}
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET cloudgreet.context');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;

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

# What poolers send between clients, and what ends a login early.
for my $end ("RESET ALL; $who; COMMIT", "RESET ROLE; RESET ALL; $who; COMMIT", "COMMIT; DISCARD ALL; $who", "RESET ROLE; COMMIT; $who", "ROLLBACK; $who")
{
	($status, $stdout, $stderr) = $node->psql('postgres', "BEGIN; SELECT cloudgreet.login('$token{$a}'); $who; $end", extra_params => [ '-U', 'app' ]);
	is(join(' ', grep { /business/ } split /\n/, $stdout), "business $a business nobody", $end =~ s/; SELECT.*nobody'\)//r . ' leaves nobody');
}

# --- Deferred constraints see the login that caused them ------------------------------
$node->safe_psql('postgres', q{
	CREATE TABLE public.later (x int); GRANT INSERT ON public.later TO PUBLIC;
	CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE WARNING '% fires as % for %', new.x, current_user, left(cloudgreet.current_business_id()::text, 1); RETURN NULL; END $$;
	CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.tell();});
($status, $stdout, $stderr) = $node->psql('postgres', qq{
	BEGIN; SELECT cloudgreet.login('$token{$a}'); INSERT INTO public.later VALUES (1); RESET ROLE;
	SELECT cloudgreet.login('$token{$b}'); COMMIT;
	BEGIN; SELECT cloudgreet.login('$token{$a}'); INSERT INTO public.later VALUES (2);
	DO \$\$ BEGIN RAISE WARNING 'before the end'; END \$\$; COMMIT;}, extra_params => [ '-U', 'app' ]);
like($stderr, qr/1 fires as authenticated for a/, 'a second login fires deferred constraints for the first');
like($stderr, qr/before the end.*2 fires as authenticated for a/s, 'a login alone leaves them deferred');
$node->safe_psql('postgres', 'DROP TABLE public.later; DROP FUNCTION public.tell()');

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
