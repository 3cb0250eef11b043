# 031_secret_log.pl
#		However a call with a token or secret is spelled, wrapped or explained, the log does
#		not show it: statements, parameters, plans of auto_explain, errors.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use MIME::Base64 ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub base64url { return MIME::Base64::encode_base64($_[0], '') =~ tr{+/}{-_}r =~ s/=+\z//r }

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'cloudgreet, auto_explain'
log_statement = 'all'
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
auto_explain.log_min_duration = 0
auto_explain.log_verbose = on
auto_explain.log_analyze = on
auto_explain.log_nested_statements = on
plan_cache_mode = force_custom_plan
});
$node->start;
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "cloudgreet.master_key_file = '$key'");
$node->reload;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $secret = 'SECRET-CANARY-of-thirty-two-bytes-and-more';
$node->safe_psql('postgres', "SELECT cloudgreet.add_jwt_key('main', '$secret')");
my $business = $node->safe_psql('postgres', "SELECT cloudgreet.create_business('Acme', 'UTC')");
my $signed = base64url('{"alg":"HS256"}') . '.' . base64url(qq({"business_id":"$business","role":"admin","exp":99999999999}));
my $token = "$signed." . base64url(hmac_sha256($signed, $secret));

# What is no token by its form is known by the call alone.
my $canary = 'JWT-CANARY';
my @spellings = (
	"SELECT cloudgreet.login ('$canary')", "SELECT cloudgreet.\"login\"('$canary')", "SELECT cloudgreet . login('$canary')", "SELECT cloudgreet.LoGiN\t('$canary')",
	"SELECT \"cloudgreet\" . \"login\" ('$canary')", "SELECT cloudgreet.login/* a /* b */ c */('$canary')", "SELECT cloudgreet.login -- here\n  ('$canary')", "SELECT cloudgreet.login\n\n(jwt => '$canary')",
	"SELECT cloudgreet.U&\"l\\006fgin\"('$canary')", "SELECT cloudgreet.u&\"l!006fgin\" UESCAPE '!' ('$canary')", "SELECT cloudgreet.explain_token ('$canary')", "SELECT cloudgreet.\"explain_token\" /**/ ('$canary')",
	"DO \$\$ BEGIN PERFORM cloudgreet.\"login\" ('$canary'); END \$\$", "EXPLAIN (ANALYZE, VERBOSE) SELECT cloudgreet.login ('$canary')", "PREPARE p AS SELECT cloudgreet.\"login\" (\$1); EXECUTE /* x */ p ('$canary')",
	"PREPARE \"P 2\" AS SELECT cloudgreet.explain_token(\$1); EXECUTE\n\"P 2\"('$canary')", "SELECT cloudgreet.U&\"set\\005fsecret\"('$canary', '$canary', 'none')", "COPY (SELECT cloudgreet.login ('$canary')) TO STDOUT",
	"CREATE TEMP TABLE t AS SELECT cloudgreet.explain_token ('$canary')", "SELECT cloudgreet.logout('$canary'), cloudgreet.login ('x')", "SELECT cloudgreet.http_caller ('', '{\"authorization\": \"Bearer $canary\"}')",
	"SELECT cloudgreet.\"http\" ('GET', '/', '{\"authorization\": \"Bearer $canary\"}', '')");
sub run { return $node->psql('postgres', join('', map { "BEGIN;\n$_;\nCOMMIT;\n" } @_), on_error_stop => 0) }
run(@spellings);

# A token is known by its form, wherever it stands.
$node->safe_psql('postgres', 'CREATE FUNCTION public.enter(jwt text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM cloudgreet.login(jwt); END $$');
my @wrapped = (
	"SELECT public.enter('$token')", "SELECT '$token'::text", "PREPARE w AS SELECT public.enter(\$1); EXECUTE w('$token')", "SELECT 1 / length(left('$token', 0))", "SELECT set_config('app.jwt', '$token', true)",
	"DO \$\$ BEGIN RAISE 'bad token %', '$token'; END \$\$", "DO \$\$ BEGIN RAISE LOG 'token %', '$token'; END \$\$", "SELECT cloudgreet.http('GET', '/rest/v1/leads', '{\"authorization\": \"Bearer $token\"}', '')",
	"SELECT cloudgreet.http_caller('', '{\"apikey\": \"$token\"}')", "PREPARE h AS SELECT status FROM cloudgreet.http('GET', '/rest/v1/leads', \$1, ''); EXECUTE h('{\"authorization\": \"Bearer $token\"}')");
run(@wrapped);
my $script = $node->basedir . '/extended.sql';
append_to_file($script, "BEGIN;\nSELECT cloudgreet.login(:token);\nCOMMIT;\nBEGIN;\nSELECT public.enter(:token);\nCOMMIT;\nSELECT cloudgreet.set_secret('extended', :secret, :business);\n");
$node->command_ok([ 'pgbench', '-n', '-t', '3', '-M', $_, '-f', $script, '-D', "token=$token", '-D', "secret=$secret", '-D', "business=$business", 'postgres' ], "$_ protocol") for 'extended', 'prepared';

# What carries no secret is shown as before.
$node->safe_psql('postgres', "SELECT 'a login (of old)'::text AS \"logins\"; SELECT 'e.g.' AS eyes, 'eyJust.a.word'; SELECT 'plain statement'");
$node->stop;
my $log = slurp_file($node->logfile);
my ($signature) = $token =~ /\.([^.]+)\z/;
for my $what ('JWT-CANARY', 'SECRET-CANARY', $token, $signature)
{
	my @lines = grep { /\Q$what\E/ } split /\n/, $log;
	is(join("\n", @lines[0 .. ($#lines > 4 ? 4 : $#lines)]), '', 'the log does not show ' . ($what eq $token ? 'the token' : $what eq $signature ? 'its signature' : $what));
}
like($log, qr/statement: .*eyJust\.a\.word/, 'a word that only looks like one is shown');
like($log, qr/Query Text: .*'plain statement'/, 'so are the plans of other statements');
like($log, qr/statement not shown: it carries a secret/, 'the log says that it left something out');
done_testing();
