# 040_copies.pl
#		A copy knows that it is one, however it was made; the original never doubts.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Doctor qw(failing_lines);

sub status
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT state FROM cloudgreet.installation_status()');
}

my $node = PostgreSQL::Test::Cluster->new('original');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', 'CREATE EXTENSION cloudgreet');
is(status($node, 'app'), 'missing', 'before migrate() there is no installation');
$node->safe_psql('app', 'SELECT cloudgreet.migrate()');
is(status($node, 'app'), 'active', 'migrate() on a new schema activates it');
my $oid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'app'");
my $file = $node->data_dir . ".cloudgreet/$oid";
ok(-f $file, 'the instance file lies beside the data directory');
is(sprintf('%04o', (stat $file)[2] & 07777), '0600', 'and is for the server alone');
is(sprintf('%04o', (stat $node->data_dir . '.cloudgreet')[2] & 07777), '0700', 'as is its directory');

# --- Pause ----------------------------------------------------------------------------
$node->safe_psql('app', 'SELECT cloudgreet.pause()');
is(status($node, 'app'), 'paused', 'pause() stops it');
$node->restart;
is(status($node, 'app'), 'paused', 'also over a restart');
$node->safe_psql('app', 'SELECT cloudgreet.activate()');
is(status($node, 'app'), 'active', 'activate() starts it again');

# --- Logical replication --------------------------------------------------------------
# The publication is the one of docs/operations.md.  A subscriber is a copy, whatever came first.
my ($publication) = slurp_file('docs/operations.md') =~ /^(CREATE PUBLICATION .*;)$/m or die 'no publication in the documents';
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
$node->safe_psql('source', slurp_file('test/lib/sample_data.sql'));
$node->safe_psql('source', $publication);
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE DATABASE app');
$subscriber->safe_psql('app', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
is(status($subscriber, 'app'), 'active', 'a new database is active');
$subscriber->safe_psql('app', "CREATE SUBSCRIPTION copied CONNECTION \$\$" . $node->connstr('source') . "\$\$ PUBLICATION cloudgreet");
is(status($subscriber, 'app'), 'copy', 'and a copy once it subscribes to another');
$subscriber->wait_for_subscription_sync($node, 'copied', 'app');
my $count = q{SELECT string_agg(format('%s %s', c.relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1]), ', ' ORDER BY c.relname)
	FROM pg_class c WHERE c.relnamespace = 'cloudgreet'::regnamespace AND c.relkind IN ('r', 'p')};
like($node->safe_psql('source', $count), qr/appointments [1-9].*businesses [1-9].*events [1-9].*sms_messages [1-9]/, 'the original has rows');
is($subscriber->safe_psql('app', $count), $node->safe_psql('source', $count), 'the first copy brings all of them');
$node->safe_psql('source', q{UPDATE cloudgreet.leads SET notes = 'changed'; UPDATE cloudgreet.appointments SET status = 'canceled' WHERE status = 'scheduled'});
$node->wait_for_catchup('copied');
is($subscriber->safe_psql('app', q{SELECT count(*) FROM cloudgreet.leads WHERE notes = 'changed'}), $node->safe_psql('source', 'SELECT count(*) FROM cloudgreet.leads'), 'and changes follow');
is($subscriber->safe_psql('app', 'SELECT (SELECT count(*) FROM cloudgreet_private.outbox) + (SELECT count(*) FROM cloudgreet_private.due_work)'), 0, 'nothing is to be sent there');
my (undef, undef, $refusal) = $subscriber->psql('app', "\\set VERBOSITY verbose\nSELECT cloudgreet.activate()");
like($refusal, qr/ERROR:\s+55000: a subscription still brings/, 'it cannot be activated while rows come in');
$subscriber->safe_psql('app', 'SELECT cloudgreet.migrate()');
is(status($subscriber, 'app'), 'copy', 'nor does migrate() do it');
$subscriber->safe_psql('app', 'DROP SUBSCRIPTION copied');
is(status($subscriber, 'app'), 'copy', 'without the subscription it still holds the rows of another');
$subscriber->safe_psql('app', 'SELECT cloudgreet.activate()');
is(status($subscriber, 'app'), 'active', 'until it is activated to take over');
$subscriber->safe_psql('postgres', 'CREATE DATABASE late');
$subscriber->safe_psql('late', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate(); CREATE TABLE public.other (id int PRIMARY KEY)');
$node->safe_psql('source', 'CREATE TABLE public.other (id int PRIMARY KEY); CREATE PUBLICATION other FOR TABLE public.other');
$subscriber->safe_psql('late', "CREATE SUBSCRIPTION unrelated CONNECTION \$\$" . $node->connstr('source') . "\$\$ PUBLICATION other");
is(status($subscriber, 'late'), 'active', 'a subscription to tables that are not ours is nothing to us');
$subscriber->safe_psql('late', 'DROP SUBSCRIPTION unrelated');
$subscriber->safe_psql('late', q{SET session_replication_role = replica; INSERT INTO cloudgreet.businesses (name, time_zone) VALUES ('Brought by another tool', 'UTC')});
is(status($subscriber, 'late'), 'copy', 'other tools that replicate make a copy as well');
$subscriber->stop;

# --- Copies ---------------------------------------------------------------------------
my $dump = $node->basedir . '/app.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('app') ], 'a dump is taken');
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init;
$restored->start;
for my $target ([ $restored, 'app' ], [ $node, 'second' ])
{
	my ($cluster, $database) = @$target;
	$cluster->safe_psql('postgres', "CREATE DATABASE $database");
	$cluster->command_ok([ 'pg_restore', '--exit-on-error', '-d', $cluster->connstr($database), $dump ], "and restored as $database");
	is(status($cluster, $database), 'copy', 'pg_restore makes a copy');
	$cluster->safe_psql($database, 'SELECT cloudgreet.migrate()');
	is(status($cluster, $database), 'copy', 'which migrate() leaves one');
	$cluster->safe_psql($database, 'BEGIN; SELECT cloudgreet.activate(); ROLLBACK');
	is(status($cluster, $database), 'copy', 'and a rolled back activate()');
	$cluster->safe_psql($database, 'SELECT cloudgreet.activate()');
	is(status($cluster, $database), 'active', 'until it is activated');
	is(status($node, 'app'), 'active', 'the original does not notice');
}
$restored->stop;

$node->safe_psql('postgres', 'CREATE DATABASE templated TEMPLATE app');
is(status($node, 'templated'), 'copy', 'CREATE DATABASE ... TEMPLATE makes a copy');
$node->safe_psql('templated', 'SELECT cloudgreet.activate()');
is(status($node, 'templated'), 'active', 'which may be activated');
is(status($node, 'app'), 'active', 'without harm to the original');

$node->backup('base');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($node, 'base');
$clone->start;
is(status($clone, 'app'), 'copy', 'pg_basebackup makes a copy');
is($clone->safe_psql('app', 'SELECT cloudgreet.is_active()'), 'f', 'which is not active');
$clone->safe_psql('app', 'SELECT cloudgreet.activate()');
is(status($clone, 'app'), 'active', 'until it is activated');
is(status($node, 'app'), 'active', 'the original does not notice');
$clone->stop;

# Clones that share a configured directory are told apart by their data directory.
my $shared = PostgreSQL::Test::Utils::tempdir();
$node->append_conf('postgresql.conf', "cloudgreet.instance_directory = '$shared'");
$node->restart;
is(status($node, 'app'), 'copy', 'after a change of the directory the server must be activated again');
$node->safe_psql('app', 'SELECT cloudgreet.activate()');
is(status($node, 'app'), 'active', 'and then is');
$node->backup('shared');
my $sibling = PostgreSQL::Test::Cluster->new('sibling');
$sibling->init_from_backup($node, 'shared');
$sibling->start;
is(status($sibling, 'app'), 'copy', 'a clone with the same directory is still a copy');
$sibling->stop;

# A standby, and its promotion.
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'shared', has_streaming => 1);
$standby->start;
is(status($standby, 'app'), 'copy', 'a standby can tell its state, and it is a copy');
like($standby->safe_psql('app', 'SELECT reason FROM cloudgreet.installation_status()'), qr/^It is a standby/, 'since it is one');
my $said = $standby->safe_psql('app', q{SELECT problem || ' -> ' || mend FROM cloudgreet.doctor()});
unlike($said, qr/activate|sends nothing/, 'doctor() does not ask it to send');
like($said, qr/no active token key/, 'but names what is wrong there too');
is(failing_lines($standby, 'app'), '', 'with lines that run there');
$node->safe_psql('app', 'ALTER TABLE cloudgreet.leads NO FORCE ROW LEVEL SECURITY');
$node->wait_for_catchup($standby);
like($standby->safe_psql('app', 'SELECT mend FROM cloudgreet.doctor()'), qr/^On the primary: SELECT cloudgreet_private\.apply_permissions\(\);$/m, 'or that say where');
$node->safe_psql('app', 'SELECT cloudgreet_private.apply_permissions()');
$node->wait_for_catchup($standby);
my ($status, undef, $err) = $standby->psql('app', 'SELECT cloudgreet.activate()');
like($err, qr/cannot execute cloudgreet\.activate\(\) during recovery/, 'it cannot be activated');
is(status($node, 'app'), 'active', 'and the attempt does not touch the file that it shares with the primary');
$standby->promote;
like($standby->safe_psql('app', q{SELECT severity || problem || mend FROM cloudgreet.doctor()}),
	qr/^warningthis database sends nothing\. .* The server was promoted \(timeline 2\)\.SELECT cloudgreet\.activate\(\);  -- .*old primary is certain to be down$/m, 'once promoted it is told that it does not send');
$standby->safe_psql('app', 'SELECT cloudgreet.activate()');
is(status($standby, 'app'), 'active', 'once promoted it can');
$standby->stop;

# --- Files that cannot be written, and transactions that end badly --------------------
# The promoted sibling took over the shared directory's file; the original is a copy now.
is(status($node, 'app'), 'copy', 'of two that share a directory only the last activated is active');
$node->safe_psql('app', 'BEGIN; SELECT cloudgreet.activate(); ROLLBACK');
is(status($node, 'app'), 'copy', 'a rolled back activate() activates nothing');
$node->safe_psql('app', 'SELECT cloudgreet.activate()');
$node->safe_psql('app', 'BEGIN; SELECT cloudgreet.activate(); ROLLBACK');
is(status($node, 'app'), 'active', 'and takes nothing away from an active database');
unlink "$shared/$oid";
is(status($node, 'app'), 'copy', 'without its file the server does not know itself');
($status, undef, $err) = $node->psql('app', "\\set VERBOSITY verbose\nSET cloudgreet.instance_directory = '/proc/nowhere'; SELECT cloudgreet.activate()");
like($err, qr/ERROR:\s+ZG116: could not write instance file/, 'a directory that cannot be written is a clear error');
($status, undef, $err) = $node->psql('app', "\\set VERBOSITY verbose\nSET cloudgreet.instance_directory = '/dev/null'; SELECT cloudgreet.activate()");
like($err, qr/ERROR:\s+ZG116/, 'so is a file in its place');
my $closed = PostgreSQL::Test::Utils::tempdir();
chmod 0500, $closed;
($status, undef, $err) = $node->psql('app', "\\set VERBOSITY verbose\nSET cloudgreet.instance_directory = '$closed'; SELECT cloudgreet.activate()");
like($err, qr/ERROR:\s+ZG116: could not write instance file .*: Permission denied/, 'and a directory without the right to write');
is(status($node, 'app'), 'copy', 'none of them activates');
($status, undef, $err) = $node->psql('app', 'SET default_transaction_read_only = on; SELECT cloudgreet.activate()');
like($err, qr/read-only transaction/, 'a read-only transaction cannot activate');
ok(!-e "$shared/$oid", 'and writes no file');

# Two at once: the second waits and finds the file and the row of the first.
my $first = $node->background_psql('app', on_error_die => 1);
my $second = $node->background_psql('app', on_error_die => 1);
$first->query_safe('BEGIN; SELECT cloudgreet.activate()');
$second->query_until(qr/started/, "\\echo started\nSELECT cloudgreet.activate();\n");
$node->poll_query_until('app', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'") or die 'no wait';
$first->query_safe('COMMIT');
$_->quit for $first, $second;
is(status($node, 'app'), 'active', 'activate() writes the file again, and two at once agree');
is(join(' ', map { s{.*/}{}r } glob "$shared/*"), $oid, 'nothing else is left in the directory');
$node->safe_psql('app', 'CREATE ROLE nobody LOGIN');
for my $function ('activate', 'pause')
{
	($status, undef, $err) = $node->psql('app', "SET SESSION AUTHORIZATION nobody; SELECT cloudgreet.$function()");
	like($err, qr/permission denied/, "$function() is for superusers");
}
$node->stop;
done_testing();
