# 142_outbox_lives.pl
#		Databases that come and go while the dispatcher sends: two that are served, one that
#		is paused and dropped, a copy, a standby, DROP EXTENSION; and the transactions that
#		the handoff finds hard.
use strict;
use warnings;
use Outbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Supervised qw(until_true seconds);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();

my $outbox = Outbox->start('lives', 'cloudgreet.databases' => 'postgres, second, copy');
my ($node, $fake) = @$outbox{qw(node fake)};
$outbox->forget;
$fake->set(auto_webhooks => []);

sub arrived { my ($run) = @_; return scalar keys %{ $outbox->held_by_fake($run)->{texts} }; }
sub workers { my ($database) = @_; return $outbox->sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '$database' AND backend_type ~ '^cloudgreet (dispatcher|processor)'"); }

# --- Transactions ---------------------------------------------------------------------
# More than the ring holds, while the dispatcher is held up: the table tells of the rest.
my $many = 5000;
my $business = $outbox->{business}{postgres};
$outbox->sql("SET synchronous_commit = off; SELECT count(cloudgreet.send_sms('+1312' || 5600000 + n, 'many ' || n, business_id => '$business')) FROM generate_series(1, $many) n");
my $few = $outbox->sql(join(';', map { "SELECT cloudgreet.send_sms('+1312557' || lpad('$_', 4, '0'), 'few $_', business_id => '$business')" } 1 .. 300));
is(scalar(split /\n/, $few), 300, 'many in one transaction, then many transactions');
my ($code, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nBEGIN; SELECT cloudgreet.send_sms('+13125580001', 'prepared 1', business_id => '$business'); PREPARE TRANSACTION 'p'");
like($error, qr/0A000/, 'PREPARE TRANSACTION after enqueuing is refused');
$outbox->sql("BEGIN; SAVEPOINT s; SELECT cloudgreet.send_sms('+13125580002', 'savepoint 1', business_id => '$business'); ROLLBACK TO s; SELECT cloudgreet.send_sms('+13125580002', 'savepoint 2', business_id => '$business'); COMMIT");

# --- Two databases --------------------------------------------------------------------
$node->safe_psql('postgres', 'CREATE DATABASE second');
$outbox->prepare('second');
$outbox->sql($outbox->enqueue_sql('second', 1, 50, 'second'), 'second');
$fake->wait_until('the texts of the second database', sub { arrived('second') == 50 });
pass('a database that was made later is served');
$fake->wait_until('all', sub { arrived('many') == $many && arrived('few') == 300 && arrived('savepoint') == 1 });
$outbox->drained;
is(join(' ', map { scalar grep { @$_ > 1 } values %{ $outbox->held_by_fake($_)->{texts} } } 'many', 'few', 'second'), '0 0 0', "$many in one transaction, 300 in as many: each text arrived once");
is(arrived('prepared'), 0, 'what could not be prepared was not sent');
is(join(' ', keys %{ $outbox->held_by_fake('savepoint')->{texts} }), 'savepoint 2', 'nor what went back to a savepoint');

# --- A copy, a paused database --------------------------------------------------------
$outbox->sql('SELECT cloudgreet.pause()', 'second');
until_true('workers that are gone', sub { workers('second') == 0 });
$outbox->sql($outbox->enqueue_sql('paused', 1, 20, 'second'), 'second');
until_true('a copy', sub { eval { $outbox->sql('CREATE DATABASE copy TEMPLATE second'); 1 } });
($code, undef, $error) = $node->psql('second', 'SELECT cloudgreet.activate()');
is($code, 0, 'the original is activated');
$fake->wait_until('what waited in it', sub { arrived('paused') == 20 });
$outbox->sql('SELECT cloudgreet.wake_workers()', 'copy');
is($outbox->sql('SELECT state FROM cloudgreet.installation_status()', 'copy'), 'copy', 'the copy knows that it is one');
# The supervisor has started a dispatcher there, which has gone again, by now.
$node->wait_for_log(qr/cloudgreet dispatcher serves database "second"/);
is($outbox->sql("SELECT string_agg(DISTINCT state, ' ') FROM cloudgreet_private.outbox WHERE convert_from(body, 'UTF8') ~ 'paused'", 'copy'), 'queued', 'and sends nothing');
is(scalar(grep { @$_ > 1 } values %{ $outbox->held_by_fake('paused')->{texts} }), 0, 'no text arrived twice');
$outbox->sql('SELECT cloudgreet.pause()', 'second');
my $took = seconds(sub { until_true('workers that are gone', sub { workers('second') == 0 }); $outbox->sql('DROP DATABASE second') });
cmp_ok($took, '<', 6, sprintf('a database that is paused is dropped without FORCE, after %.2f s', $took));
$outbox->sql('DROP DATABASE copy');
$outbox->set(databases => 'postgres');

# --- A standby ------------------------------------------------------------------------
$outbox->sql('SELECT cloudgreet.pause()');
until_true('workers that are gone', sub { workers('postgres') == 0 });
$outbox->sql($outbox->enqueue_sql('standby', 1, 20));
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.auto.conf', 'cloudgreet.gate_port = 0');
$standby->start;
$outbox->sql('SELECT cloudgreet.activate()');
$fake->wait_until('what the primary sends', sub { arrived('standby') == 20 });
$outbox->sql('SELECT cloudgreet.pause()');
until_true('workers that are gone', sub { workers('postgres') == 0 });
$outbox->sql($outbox->enqueue_sql('promoted', 1, 20));
$node->wait_for_catchup($standby);
$node->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is($standby->safe_psql('postgres', 'SELECT state FROM cloudgreet.installation_status()'), 'copy', 'a standby that was promoted takes itself for a copy');
$standby->safe_psql('postgres', 'SELECT cloudgreet.wake_workers()');
is(arrived('promoted'), 0, 'and sends nothing');
$standby->safe_psql('postgres', 'SELECT cloudgreet.activate()');
$took = seconds(sub { $fake->wait_until('what the promoted server sends', sub { arrived('promoted') == 20 }) });
pass(sprintf('until activate(), which takes %.1f s', $took));

# --- DROP EXTENSION -------------------------------------------------------------------
my $offset = -s $standby->logfile;
$took = seconds(sub {
	$standby->safe_psql('postgres', 'DROP EXTENSION cloudgreet CASCADE');
	until_true('workers that are gone', sub {
		$standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^cloudgreet (dispatcher|processor)' AND application_name ~ 'cloudgreet'") == 0 });
});
cmp_ok($took, '<', 15, sprintf('DROP EXTENSION ends the workers, after %.1f s', $took));
my @errors = slurp_file($standby->logfile, $offset) =~ /^.* cloudgreet (?:dispatcher|processor) .*(?:ERROR|FATAL).*$/mg;
cmp_ok(scalar(@errors), '<=', 2, 'quietly') or diag(join("\n", @errors));
$standby->stop;

done_testing();
