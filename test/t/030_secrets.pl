# 030_secrets.pl
#		A secret's text is nowhere but sealed: not in files, WAL, logs, activity, dumps.
use strict;
use warnings;
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $canary = 'SECRET-CANARY-8f2b6c0e';
my $jwt_canary = 'JWT-CANARY-3d9a-at-least-thirty-two-bytes';

my $node = PostgreSQL::Test::Cluster->new('secrets');
$node->init(allows_streaming => 1);
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'cloudgreet'
cloudgreet.master_key_file = '$key'
log_statement = 'all'
log_min_duration_statement = 0
log_min_messages = debug1
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
logging_collector = on
log_directory = 'log'
log_destination = 'stderr,csvlog,jsonlog'
debug_print_plan = on
restart_after_crash = on
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $business = $node->safe_psql('postgres', "SELECT cloudgreet.create_business('Acme', 'UTC')");

# By literal, by parameter, in a statement that fails, in one that cannot find its key.
$node->safe_psql('postgres', "SELECT cloudgreet.set_secret('literal', '$canary', '$business')");
$node->safe_psql('postgres', "PREPARE s AS SELECT cloudgreet.set_secret('parameter', \$1, '$business'); EXECUTE s('$canary')");
$node->safe_psql('postgres', "SELECT cloudgreet.add_jwt_key('main', '$jwt_canary')");
my ($status, $out, $err) = $node->psql('postgres', "SELECT cloudgreet.set_secret('bad name', '$canary', '$business')");
like($err, qr/name of the secret is invalid/, 'a refused secret says why');
$node->psql('postgres', "SELECT cloudgreet.set_secret('literal', '$canary', '$business'), 1/0");
$node->psql('postgres', "SELECT cloudgreet.SET_SECRET('x', '$canary', 'not a uuid')");
$node->psql('postgres', "SET cloudgreet.master_key_file = ''; SELECT cloudgreet.set_secret('x', '$canary', '$business')");
$node->psql('postgres', "DO \$\$ BEGIN EXECUTE 'SELECT cloudgreet.set_secret(''x'', ''$canary'') FROM'; END \$\$");
# Tokens are secrets too.
$node->psql('postgres', "SELECT cloudgreet.login('$jwt_canary')");
$node->psql('postgres', "BEGIN; SELECT cloudgreet.login('$jwt_canary')");
# A DO block and a multi-statement string carry it as well.
$node->safe_psql('postgres', "DO \$\$ BEGIN PERFORM cloudgreet.set_secret('in_do', '$canary', '$business'); END \$\$");
# By parameters of the extended protocol, in a call that works and one that fails.
my $script = $node->basedir . '/extended.sql';
append_to_file($script, "SELECT cloudgreet.set_secret('extended', :value, :business);\n");
for my $mode ('extended', 'prepared')
{
	my @pgbench = ('pgbench', '-n', '-t', '1', '-M', $mode, '-f', $script, '-D', "value=$canary");
	$node->command_ok([ @pgbench, '-D', "business=$business", 'postgres' ], "$mode protocol");
	$node->command_fails([ @pgbench, '-D', 'business=none', 'postgres' ], "$mode protocol, a failing call");
}

# Errors that quote a misplaced argument: the client sees it, the log does not.
for my $statement (
	"SELECT cloudgreet.set_secret('x', '$business', '$canary')",
	"SELECT cloudgreet.set_secret('x', \"$canary\", '$business')",
	"SELECT cloudgreet.set_secret('x', E'$canary' '$canary', '$business')",
	"SELECT cloudgreet.add_jwt_key('x', 'HS256', '$canary')",
	"DO \$\$ BEGIN EXECUTE 'SELECT cloudgreet.set_secret(''$canary'' bad'; END \$\$",
	"DO \$\$ BEGIN PERFORM cloudgreet.set_secret('x', '$canary', '$business'); RAISE 'failed with %', '$canary'; END \$\$",
	"PREPARE s AS SELECT cloudgreet.set_secret('x', \$1, '$business'), 1 / \$2; EXECUTE s('$canary', 0)",
	"PREPARE \"S 2\" AS SELECT cloudgreet.set_secret('x', \$1, \$2); EXECUTE \"S 2\" ('$canary', 'none')")
{
	($status, undef, $err) = $node->psql('postgres', $statement);
	isnt($status, 0, 'refused: ' . substr($statement, 0, 24) . ' ...');
}
like($err, qr/invalid input syntax for type uuid: "none"/, 'the client is told everything');
# A function around it is not known by its name, but from the call on.
my $unlogged = "SET log_statement = 'none'; SET debug_print_plan = off";
$node->safe_psql('postgres', "CREATE FUNCTION public.store(value text) RETURNS integer LANGUAGE plpgsql AS \$\$ BEGIN RETURN 1 / (cloudgreet.set_secret('wrapped', value, '$business') - 1); END \$\$");
($status, undef, $err) = $node->psql('postgres', "$unlogged; SELECT public.store('$canary')");
like($err, qr/division by zero/, 'a failing function around it');
$node->safe_psql('postgres', "$unlogged; CREATE OR REPLACE FUNCTION public.store(value text) RETURNS integer LANGUAGE sql AS \$\$ SELECT cloudgreet.set_secret('wrapped', value, '$business') \$\$; SELECT public.store('$canary')");

is($node->safe_psql('postgres', "SELECT string_agg(name || ':' || version, ' ') FROM cloudgreet.list_secrets('$business')"),
	'extended:2 in_do:1 literal:1 parameter:1 wrapped:1', 'the secrets are stored');

# pg_stat_activity: while the call runs, afterwards, and after one that was refused
# (statements are not logged, so that the log's hook does not come before).
my $holder = $node->background_psql('postgres', on_error_die => 1);
$holder->query_safe('SELECT pg_advisory_lock(1)');
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe("$unlogged; SELECT pg_backend_pid()");
my $shown = "SELECT query FROM pg_stat_activity WHERE pid = $pid";
$session->query_until(qr/started/, "\\echo started\nSELECT cloudgreet.set_secret('shown', '$canary', '$business'), pg_advisory_lock(1);\n");
$node->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") or die 'no wait';
unlike($node->safe_psql('postgres', $shown), qr/CANARY/, 'pg_stat_activity does not show it while the statement runs');
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$session->query('SELECT pg_advisory_unlock(1)');
$session->query("SELECT cloudgreet.set_secret('bad name', '$canary', '$business')");
unlike($node->safe_psql('postgres', $shown), qr/CANARY/, 'nor after it was refused');

# A crash: the postmaster logs what the process was running, here before the call.
$holder->query_safe('SELECT pg_advisory_lock(1)');
$session->query_until(qr/started/, "\\echo started\nSELECT pg_advisory_lock(1), cloudgreet.set_secret('shown', '$canary', '$business');\n");
$node->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") or die 'no wait';
like($node->safe_psql('postgres', $shown), qr/CANARY/, 'a statement that has not called it yet is shown to the same user');
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT true') or die 'no restart';
$_->{run}->finish for $session, $holder;

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump is taken');
$node->safe_psql('postgres', 'CHECKPOINT');
$node->stop;

# Every file of the server, its log and the dump.
my @found;
find({ no_chdir => 1, wanted => sub {
	return unless -f $_ && !-l $_;
	my $content = slurp_file($_);
	push @found, $File::Find::name if $content =~ /SECRET-CANARY|JWT-CANARY/;
} }, $node->data_dir, $node->logfile, $dump);
is(join(' ', @found), '', 'no file of the data directory, WAL, log or dump holds the text of a secret');
my $log = join '', map { slurp_file($_) } glob($node->data_dir . '/log/*');
like($log, qr/terminated by signal 9/, 'the log tells of the crash');
like($log, qr/ERROR:  error 22P02 in a statement that carries a secret/, 'and of refused statements by their SQLSTATE');
like($log, qr/ERROR:  no master key is configured/, 'or in words when these quote nothing');
like($log, qr/statement not shown: it carries a secret/, 'the log says that it left something out');
like($log, qr/statement: CREATE EXTENSION cloudgreet/, 'and shows other statements as before');

# --- Another key, a damaged row, a row moved to another place -------------------------
$node->start;
my $other_key = $node->basedir . '/other.key';
append_to_file($other_key, 'fedcba9876543210' x 4);
chmod 0600, $other_key;
$node->safe_psql('postgres', slurp_file('test/lib/mint.sql'));
my $token = $node->safe_psql('postgres', "SELECT public.mint(public.claims('$business'), '$jwt_canary')");

sub login_error
{
	my ($before) = @_;
	my (undef, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$before; BEGIN; SELECT cloudgreet.login('$token'); ROLLBACK");
	my ($first) = $stderr =~ /ERROR:\s+(\S+?):/;
	return $first // 'none';
}
is(login_error('SELECT 1'), 'none', 'with the right key the token is accepted');
is(login_error("SET cloudgreet.master_key_file = '$other_key'"), 'ZG110', 'with another master key its key cannot be opened: ZG110');
is(login_error('SELECT 1'), 'none', 'and nothing is lost: with the right key it works again');
$node->safe_psql('postgres', "UPDATE cloudgreet_private.jwt_keys SET ciphertext = set_byte(ciphertext, 3, get_byte(ciphertext, 3) # 1)");
is(login_error('SELECT 1'), 'ZG110', 'a damaged ciphertext is noticed');
$node->safe_psql('postgres', "UPDATE cloudgreet_private.jwt_keys SET ciphertext = set_byte(ciphertext, 3, get_byte(ciphertext, 3) # 1), kid = 'renamed'");
is(login_error('SELECT 1'), 'ZG110', 'a key moved to another kid does not open');
$node->safe_psql('postgres', "UPDATE cloudgreet_private.jwt_keys SET kid = 'main', ciphertext = substr(ciphertext, 1, 10)");
is(login_error('SELECT 1'), 'ZG110', 'nor one cut short');
$node->stop;
done_testing();
