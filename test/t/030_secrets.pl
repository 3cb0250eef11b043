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
is($node->safe_psql('postgres', "SELECT string_agg(name || ':' || version, ' ') FROM cloudgreet.list_secrets('$business')"),
	'in_do:1 literal:1 parameter:1', 'the secrets are stored');

# pg_stat_activity of the session afterwards and during.
my $session = $node->background_psql('postgres', on_error_die => 1);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe("BEGIN; SELECT cloudgreet.set_secret('shown', '$canary', '$business')");
unlike($node->safe_psql('postgres', "SELECT query FROM pg_stat_activity WHERE pid = $pid"), qr/CANARY/,
	'pg_stat_activity does not show it');
$session->query_safe('COMMIT');
$session->quit;

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
my $log = slurp_file($node->logfile);
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
