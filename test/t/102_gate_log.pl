# 102_gate_log.pl
#		What the server's log tells of HTTP requests when it is told to log everything: the
#		statement of the gate, and neither tokens nor bodies.
use strict;
use warnings;
use Supervised qw(until_true http_open read_status processes);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('gate_log');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'cloudgreet'\ncloudgreet.databases = 'postgres'\ncloudgreet.gate_port = 0
log_statement = 'all'\nlog_min_duration_statement = 0\nlog_parameter_max_length = -1\nlog_parameter_max_length_on_error = -1\nlog_min_error_statement = 'debug5'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');

my $port = (processes($node))[2];
my $from = -s $node->logfile;
my $request = join "\r\n", 'POST /rest/v1/rpc/search_leads HTTP/1.1', 'Host: x', 'Authorization: Bearer token-of-a-caller',
	'apikey: key-of-a-caller', 'Content-Type: application/json', 'Content-Length: 24', 'Connection: close', '', '{"q": "body of a caller"}';
until_true('an answer by the database', sub { my $socket = http_open($port, $request) or return; my $status = read_status($socket); $status && $status != 503 });
until_true('the statement', sub { slurp_file($node->logfile, $from) =~ /execute cloudgreet_http/ });
my $log = slurp_file($node->logfile, $from);
like($log, qr/execute cloudgreet_http: SELECT status/, 'the statement is in the log');
unlike($log, qr/-of-a-caller|body of a caller/, 'tokens, keys and bodies are not');

is($node->safe_psql('postgres', q{SELECT array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = 'cloudgreet_gate'}),
	'log_parameter_max_length=0 log_parameter_max_length_on_error=0', 'by settings of the role');
$node->safe_psql('postgres', 'ALTER ROLE cloudgreet_gate SET log_parameter_max_length = 5; CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION cloudgreet');
like($node->safe_psql('postgres', q{SELECT array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = 'cloudgreet_gate'}),
	qr/log_parameter_max_length=5/, 'which the next installation leaves as it finds them');
$node->stop;
done_testing();
