# 142_outbox_lives.pl
#		Databases that come and go while the dispatcher sends: two that are served, one that
#		is paused and dropped, a copy, a standby, DROP EXTENSION; and the transactions that
#		the handoff finds hard.
use strict;
use warnings;
use JSON::PP ();
use Outbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Supervised qw(until_true seconds);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();

# At debug1 the server's log tells when workers are started.
my $outbox = Outbox->start('lives', 'cloudgreet.databases' => 'postgres, second, copy', log_min_messages => 'debug1');
my ($node, $fake) = @$outbox{qw(node fake)};
$fake->set(auto_webhooks => []);

sub names { my ($run) = @_; my $held = $outbox->held_by_fake($run); return (%{ $held->{texts} }, %{ $held->{mails} }); }
sub arrived { my %names = names(@_); return scalar keys %names; }
sub twice { my %names = names(@_); return scalar grep { @$_ > 1 } values %names; }
sub workers { my ($database) = @_; return $outbox->sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '$database' AND backend_type ~ '^cloudgreet (dispatcher|processor)'"); }
sub no_workers { my ($database) = @_; return until_true('workers that are gone', sub { workers($database) == 0 }); }

# A second dispatcher has been started there since: the first has gone again.
sub dispatcher_left
{
	my ($server, $database, $offset) = @_;
	return until_true("dispatchers of $database that leave", sub { 1 < (() = slurp_file($server->logfile, $offset) =~ /starting background worker process "cloudgreet dispatcher for $database"/g) });
}

# --- Transactions ---------------------------------------------------------------------
# The dispatcher is stopped meanwhile.  More than one transaction hands over, more than the
# ring holds: the table tells of the rest.  What fills the ring is not due before tomorrow.
my $many = $Outbox::per_run;
my $few = $many / 20;
my ($of_one, $ring_size) = (256, 4096);
my $business = $outbox->{business}{postgres};
my $dispatcher = $outbox->worker('dispatcher');
kill 'STOP', $dispatcher or die;
$outbox->sql(join(';', map { my $first = $_ * $of_one; "SELECT count(cloudgreet.send_sms('+1312' || 5700000 + n, 'tomorrow ' || n, send_at => now() + '1 day', business_id => '$business')) FROM generate_series($first + 1, $first + $of_one) n" }
		0 .. $ring_size / $of_one));
$outbox->sql("SELECT count(cloudgreet.send_sms('+1312' || 5600000 + n, 'many ' || n, business_id => '$business')) FROM generate_series(1, $many) n");
$outbox->sql(join(';', map { "SELECT cloudgreet.send_sms('+1312557' || lpad('$_', 4, '0'), 'few $_', business_id => '$business')" } 1 .. $few));
my ($code, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nBEGIN; SELECT cloudgreet.send_sms('+13125580001', 'prepared 1', business_id => '$business'); PREPARE TRANSACTION 'p'");
like($error, qr/0A000/, 'PREPARE TRANSACTION after enqueuing is refused');
$outbox->sql("BEGIN; SAVEPOINT s; SELECT cloudgreet.send_sms('+13125580002', 'savepoint 1', business_id => '$business'); ROLLBACK TO s; SELECT cloudgreet.send_sms('+13125580002', 'savepoint 2', business_id => '$business'); COMMIT");
kill 'CONT', $dispatcher or die;
$outbox->wait_for('what is due to be sent', "state = 'done'", $many + $few + 1);
is(join(' ', arrived('many'), arrived('few')), "$many $few", "$many in one transaction, then $few in as many, behind a ring that is full: all arrived");
is(join(' ', twice('many'), twice('few')), '0 0', 'each once');
is(arrived('tomorrow'), 0, 'what is not due waits');
is(arrived('prepared'), 0, 'what could not be prepared was not sent');
is(join(' ', keys %{ $outbox->held_by_fake('savepoint')->{texts} }), 'savepoint 2', 'nor what went back to a savepoint');
is($outbox->sql('SELECT * FROM cloudgreet_private.outbox_faults() LIMIT 3'), '', 'no faults');

# --- Two databases --------------------------------------------------------------------
$node->safe_psql('postgres', 'CREATE DATABASE second');
$outbox->prepare('second');
$outbox->sql($outbox->enqueue_sql('second', 1, 50, 'second'), 'second');
$fake->wait_until('the messages of the second database', sub { arrived('second') == 50 });
pass('a database that was made later is served');

# Settings are read again while messages are sent.
$outbox->sql($outbox->enqueue_sql('reloaded', 1, 200));
$fake->wait_until('messages between reloads', sub { kill 'HUP', $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type ~ '^cloudgreet (dispatcher|processor|supervisor)'") =~ /(\d+)/g; $node->reload; arrived('reloaded') == 200 });
is(twice('reloaded'), 0, 'SIGHUP at any time loses nothing and doubles nothing');

# A database that goes while its requests are under way, which nobody answers.
$node->safe_psql('postgres', 'CREATE DATABASE forced');
$outbox->set(databases => 'postgres, second, copy, forced', outbox_drain_timeout => '700ms');
$outbox->prepare('forced');
$fake->script({ times => 8, action => { hold => JSON::PP::true } });
$outbox->sql($outbox->enqueue_sql('forced', 1, 50, 'forced'), 'forced');
$node->poll_query_until('forced', "SELECT count(*) > 0 FROM cloudgreet_private.outbox WHERE state = 'sending'") or die;
my $force = seconds(sub { $outbox->sql('DROP DATABASE forced WITH (FORCE)') });
no_workers('forced');
$fake->release;
cmp_ok($force, '<', 5, sprintf('DROP DATABASE WITH (FORCE) ends workers whose requests are under way, in %.2f s', $force));
$outbox->reset_settings('outbox_drain_timeout');
$outbox->set(databases => 'postgres, second, copy');
$outbox->sql($outbox->enqueue_sql('beside', 1, 20));
$fake->wait_until('the messages of the others', sub { arrived('beside') == 20 });
pass('the other databases are served on');

# --- A copy, a paused database --------------------------------------------------------
$outbox->sql('SELECT cloudgreet.pause()', 'second');
no_workers('second');
$outbox->sql($outbox->enqueue_sql('paused', 1, 20, 'second'), 'second');
my $offset = -s $node->logfile;
until_true('a copy', sub { eval { $outbox->sql('CREATE DATABASE copy TEMPLATE second'); 1 } });
$outbox->sql('SELECT cloudgreet.activate()', 'second');
$fake->wait_until('what waited in the original', sub { arrived('paused') == 20 });
is($outbox->sql('SELECT state FROM cloudgreet.installation_status()', 'copy'), 'copy', 'the copy knows that it is one');
dispatcher_left($node, 'copy', $offset);
is($outbox->sql("SELECT string_agg(DISTINCT state, ' ') FROM cloudgreet_private.requests WHERE convert_from(body, 'UTF8') ~ 'paused'", 'copy'), 'queued', 'its dispatcher leaves, and sends nothing');
is(twice('paused'), 0, 'nothing arrived twice');
my $pause = seconds(sub { $outbox->sql('SELECT cloudgreet.pause()', 'second'); no_workers('second') });
my $drop = seconds(sub { $outbox->sql('DROP DATABASE second') });
cmp_ok($pause + $drop, '<', 5, sprintf('workers of a database that is paused are gone after %.2f s, it is dropped without FORCE in %.2f s', $pause, $drop));
$outbox->sql('DROP DATABASE copy');
$outbox->set(databases => 'postgres');

# --- A synchronous standby that is lost -----------------------------------------------
# Started with these settings: a dispatcher may be in a turn when it is told to read others, and ends that by the old ones.
$outbox->sql("ALTER SYSTEM SET synchronous_commit = on; ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
$node->restart;
$outbox->worker('dispatcher');
# The checkpointer is the one that tells all others that a standby is waited for: a commit shows when it has.
my $probe = $node->background_psql('postgres');
$probe->query_until(qr/^/, "CREATE TABLE public.probe ();\n");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND wait_event = 'SyncRep'") or die;
$outbox->sql('SET synchronous_commit = local; ' . $outbox->enqueue_sql('lost', 1, 20));
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'cloudgreet dispatcher' AND wait_event = 'SyncRep'") or die;
my $stop = seconds(sub { $node->stop('fast') });
eval { $probe->quit };
cmp_ok($stop, '<', 5, sprintf('a server whose dispatcher waits for a standby stops in %.2f s', $stop));
is(arrived('lost'), 0, 'what the standby does not know of is not sent');
$node->append_conf('postgresql.auto.conf', "synchronous_standby_names = ''\nsynchronous_commit = off");
$node->start;
$outbox->wait_for('what waited', "state = 'done' AND EXISTS (SELECT FROM (SELECT id, content AS name FROM cloudgreet.sms_messages UNION ALL SELECT id, subject FROM cloudgreet.emails) m
	WHERE m.id = o.subject_id AND m.name ~ '^lost ')", 20);
is(join(' ', arrived('lost'), twice('lost')), '20 0', 'but afterwards, once');

# --- A standby ------------------------------------------------------------------------
$outbox->sql('SELECT cloudgreet.pause()');
no_workers('postgres');
$outbox->sql($outbox->enqueue_sql('standby', 1, 20));
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.auto.conf', 'cloudgreet.gate_port = 0');
$standby->start;
$outbox->sql('SELECT cloudgreet.activate()');
$fake->wait_until('what the primary sends', sub { arrived('standby') == 20 });
$outbox->sql('SELECT cloudgreet.pause()');
no_workers('postgres');
$outbox->sql($outbox->enqueue_sql('promoted', 1, 20));
$node->wait_for_catchup($standby);
$node->stop;
$offset = -s $standby->logfile;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is($standby->safe_psql('postgres', 'SELECT state FROM cloudgreet.installation_status()'), 'copy', 'a standby that was promoted takes itself for a copy');
dispatcher_left($standby, 'postgres', $offset);
is(arrived('promoted'), 0, 'and sends nothing');
$standby->safe_psql('postgres', 'SELECT cloudgreet.activate()');
my $took = seconds(sub { $fake->wait_until('what the promoted server sends', sub { arrived('promoted') == 20 }) });
pass(sprintf('until activate(), which takes %.1f s', $took));

# --- DROP EXTENSION -------------------------------------------------------------------
$offset = -s $standby->logfile;
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
